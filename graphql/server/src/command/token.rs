//! `sunlit token`: an access token for development.

use std::sync::Arc;

use clap::Args as ClapArgs;
use sunlit_app::keys::token_seeds;
use sunlit_app::{Environment as _, Keys, SystemEnvironment, unlock};
use sunlit_domain::Role;
use sunlit_domain::id::{ActorId, TenantSlug};
use sunlit_domain::identity::duty;
use sunlit_storage::platform::tenant;

use super::Failed;
use super::account::parse_role;
use super::installation::{must_be_there, no_tenant, platform};
use super::output::line;
use crate::config::Config;
use crate::token::{ACCESS_MINUTES, Subject, TokenKeys};

/// What can be chosen.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The tenant's slug.
    tenant: TenantSlug,
    /// A role; may be given several times.
    #[arg(long, required = true, value_parser = parse_role)]
    role: Vec<Role>,
    /// How long it is good for.
    #[arg(long, default_value_t = ACCESS_MINUTES, value_parser = clap::value_parser!(i64).range(1..=1440))]
    minutes: i64,
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<(), Failed> {
    if let Some((one, other)) = duty::conflict(&args.role) {
        return Err(format!("nobody is {} and {} at once: make two tokens", one.name(), other.name()).into());
    }
    must_be_there(config)?;
    let platform = platform(config).await?.ok_or("there is no installation")?;
    let found = tenant::by_slug(&platform, args.tenant.as_str()).await?;
    let tenant = found.ok_or_else(|| no_tenant(&args.tenant))?;
    let vault = unlock(&platform, &config.master_keys()?, Arc::new(SystemEnvironment)).await?;
    Keys::open(&platform, &vault, &SystemEnvironment, &config.data).await?;
    let keys = TokenKeys::new(&token_seeds(&platform, &vault).await?)?;
    let actor = ActorId(SystemEnvironment.new_id());
    line(keys.mint(
        tenant.id,
        Subject { actor, roles: args.role.clone(), session: None },
        (SystemEnvironment.now(), args.minutes),
    )?);
    Ok(())
}
