//! `sunlit job`: jobs that were given up.

use clap::Subcommand;
use sunlit_app::command::job::replay;
use sunlit_app::query::job_dead;
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::{RecordId, TenantSlug};

use super::Failed;
use super::installation::{Installation, administrator};
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
    let Installation { app, .. } = Installation::existing(config).await?;
    let (Command::List { tenant } | Command::Replay { tenant, .. }) = &command;
    let scope = administrator(&app, authority, tenant).await?;
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
