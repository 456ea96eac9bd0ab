//! `sunlit setting`: what the platform itself keeps for a tenant.

use clap::Subcommand;
use sunlit_app::command::setting::set;
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::TenantSlug;

use super::Failed;
use super::installation::{Installation, administrator};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Set one. A server that runs notices within half a minute.
    Set {
        /// The tenant's slug.
        tenant: TenantSlug,
        /// `allowed_origins` or `trusted_documents_only`.
        name: String,
        /// Its value as JSON, such as '["https://example.org"]' or true.
        value: String,
    },
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    let Command::Set { tenant, name, value } = command;
    let value = serde_json::from_str(&value).map_err(|error| format!("the value is not JSON: {error}"))?;
    let Installation { app, .. } = Installation::existing(config).await?;
    let scope = administrator(&app, authority, &tenant).await?;
    set::run(&app, &scope, &name, &value).await?;
    app.stores.close().await;
    Ok(())
}
