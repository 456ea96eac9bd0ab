//! `sunlit job`: jobs that were given up.

use clap::Subcommand;
use sunlit_app::command::job::replay;
use sunlit_app::command::package::publish::Existing;
use sunlit_app::query::{job_dead, tenant_find};
use sunlit_domain::id::{RecordId, TenantSlug};
use sunlit_domain::{Actor, Role, ScopeAuthority};

use super::Failed;
use super::installation::{Installation, OPERATOR};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the latest jobs that were given up: id, kind, key, attempts, when, why.
    List {
        /// The tenant's slug.
        tenant: TenantSlug,
    },
    /// Put a job back that was given up; a worker takes it at once.
    Replay {
        /// The tenant's slug.
        tenant: TenantSlug,
        /// The job's id.
        id: RecordId,
    },
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    let slug = match &command {
        Command::List { tenant } | Command::Replay { tenant, .. } => tenant.clone(),
    };
    let found = tenant_find::by_slug(&app, slug.as_str()).await;
    let tenant = found.map_err(|error| format!("tenant {slug}: {error}: see `sunlit tenant list`"))?;
    let scope = authority.scope(tenant.id, Actor::known(OPERATOR, vec![Role::Administrator]));
    match command {
        Command::List { .. } => {
            let letters = job_dead::of_tenant(&app, &scope, job_dead::MAX_FIRST).await?;
            if letters.is_empty() {
                line("no job was given up");
            }
            for letter in letters {
                let (id, kind, key) = (letter.id, letter.kind, letter.key);
                line(format!("{id}  {kind}  {key}  {}  {}  {}", letter.attempts, letter.given_up_at, letter.error));
            }
        }
        Command::Replay { id, .. } => {
            replay::run(&app, &scope, id.0).await.map_err(|error| format!("job {id}: {error}"))?;
            line(format!("{id} waits again"));
        }
    }
    app.stores.close().await;
    Ok(())
}
