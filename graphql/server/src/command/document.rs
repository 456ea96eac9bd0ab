//! `sunlit document`: the GraphQL documents that a tenant trusts.

use std::path::PathBuf;

use clap::Subcommand;
use sunlit_app::command::document::add::{self, NewDocument};
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::TenantSlug;

use super::Failed;
use super::installation::{Installation, administrator};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Register documents, all of them or none; prints `sha256:<hash>  <file>` for each.
    Add {
        /// The tenant's slug.
        tenant: TenantSlug,
        /// Files of one GraphQL document each, byte for byte as clients send or hash them.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    let Command::Add { tenant, files } = command;
    let Installation { app, .. } = Installation::existing(config).await?;
    let scope = administrator(&app, authority, &tenant).await?;
    let mut new = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
        sunlit_schema::is_acceptable(&text).map_err(|error| format!("{}: {error}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        new.push(NewDocument { name, text, hash: None });
    }
    let hashes = add::run(&app, &scope, &new).await?;
    for (hash, file) in hashes.iter().zip(&files) {
        line(format!("sha256:{hash}  {}", file.display()));
    }
    app.stores.close().await;
    Ok(())
}
