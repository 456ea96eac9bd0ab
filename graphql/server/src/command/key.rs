//! `sunlit key`: master keys and tenants' data keys. `infra/keys/README.md` says what to do with them, step by step.

use clap::Subcommand;
use sunlit_app::command::key::{rewrap, rotate};
use sunlit_app::keys::rotate_tokens;
use sunlit_app::query::{key_status, tenant_find};
use sunlit_app::{App, SystemEnvironment};
use sunlit_domain::id::TenantSlug;
use sunlit_domain::{Actor, Role, ScopeAuthority};
use sunlit_storage::vault::{Standing, new_master_key};

use super::Failed;
use super::installation::{Installation, OPERATOR, administrator};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print a fresh master key, for SUNLIT_MASTER_KEY or the file that `master_key_file` names. It is kept nowhere.
    New,
    /// Say which master keys are needed and how the tenants' data keys stand.
    Status,
    /// Give a tenant another data key and seal its sensitive values anew; run again it goes on where it was cut off.
    ///
    /// The tenant serves and writes meanwhile.
    RotateTenant {
        /// The tenant's slug.
        #[arg(required_unless_present = "all")]
        tenant: Option<TenantSlug>,
        /// Every tenant, one after the other.
        #[arg(long, conflicts_with = "tenant")]
        all: bool,
    },
    /// Make another key that signs access tokens, once a day at most. Tokens of the former one are good until they end; servers take
    /// the new one up within a minute.
    RotateTokens,
    /// Wrap the keys of the platform and of every tenant by the first of the given master keys; run again it goes on where it was
    /// cut off. Afterwards the former master keys are not needed any more.
    ///
    /// Every process of this installation must have been started with both, the former and the new one, before.
    Rewrap,
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    if matches!(command, Command::New) {
        line(new_master_key(&SystemEnvironment).as_str());
        return Ok(());
    }
    let Installation { app, .. } = Installation::existing(config).await?;
    match command {
        Command::New => {}
        Command::Status => status(&app, authority).await?,
        Command::RotateTenant { tenant: Some(tenant), .. } => rotate_one(&app, authority, &tenant).await?,
        Command::RotateTenant { tenant: None, .. } => {
            for tenant in tenant_find::all(&app).await? {
                rotate_one(&app, authority, &tenant.slug).await?;
            }
        }
        Command::RotateTokens => {
            rotate_tokens(&app.platform, &app.vault, &*app.environment).await?;
            line("another key signs access tokens from now on");
        }
        Command::Rewrap => {
            let actor = Actor::known(OPERATOR, vec![Role::Administrator]);
            let done = rewrap::run(&app, authority, &actor).await?;
            let was = if done.is_new { "is the current master key now" } else { "was the current master key already" };
            line(format!("{} {was}; {} keys of {} tenants wrapped anew", done.current, done.keys, done.tenants));
            tell_masters(&app.vault.standing().await?);
        }
    }
    app.stores.close().await;
    Ok(())
}

async fn rotate_one(app: &App, authority: &ScopeAuthority, tenant: &TenantSlug) -> Result<(), Failed> {
    let scope = administrator(app, authority, tenant).await?;
    let done = rotate::run(app, &scope).await?;
    line(match (done.number, done.is_new) {
        (0, _) => format!("{tenant}  has sealed nothing yet"),
        (number, true) => format!("{tenant}  data key {number} is new, {} records sealed anew", done.records),
        (number, false) => {
            format!("{tenant}  the rotation to data key {number} is ended, {} records sealed anew", done.records)
        }
    });
    Ok(())
}

async fn status(app: &App, authority: &ScopeAuthority) -> Result<(), Failed> {
    let status = key_status::run(app, authority).await?;
    tell_masters(&status.masters);
    for tenant in &status.tenants {
        let rotating =
            if tenant.is_rotating { ", a rotation was cut off: run `sunlit key rotate-tenant` again" } else { "" };
        let (slug, number, since) = (&tenant.slug, tenant.number, &tenant.created_at);
        line(format!("{slug}  data key {number} since {since}, wrapped by {}{rotating}", tenant.wrapped_by.join(", ")));
    }
    Ok(())
}

/// How the master keys stand, and what is to be done about it.
fn tell_masters(standing: &Standing) {
    line(format!("master key {} is the current one", standing.current));
    for id in &standing.former {
        line(format!("master key {id} is still needed: run `sunlit key rewrap` to its end"));
    }
    if let Some(id) = &standing.waiting {
        line(format!("master key {id} stands first and is not used yet: run `sunlit key rewrap`"));
    }
    for id in &standing.idle {
        line(format!(
            "master key {id} is not needed any more: take it away, and keep it as long as the backups of its time"
        ));
    }
}
