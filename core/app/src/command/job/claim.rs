//! Leases the job that is due longest.

use std::time::Duration;

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::{self, Claimed};

use super::MAX_ATTEMPTS;
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::{App, AppError};

/// Leases a job; none when nothing is due. A job that has taken its worker down with it at every attempt is given up here,
/// since nobody was left to do it.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope, lease: Duration) -> Result<Option<Claimed>, AppError> {
    let at = app.environment.now();
    let work = match begin::work(app, scope).await {
        // Its jobs wait until it serves again.
        Err(AppError::ReadOnly | AppError::Suspended) => return Ok(None),
        begun => begun?,
    };
    let mut given_up = false;
    let job = loop {
        match outbox::claim(scope, &work, at, lease, 1).await?.pop() {
            Some(job) if job.attempt > MAX_ATTEMPTS => {
                let reason = format!("its worker died or hung {MAX_ATTEMPTS} times");
                outbox::bury(scope, &work, &job, at, &reason).await?;
                trail::of_change(app, scope, &work, ("bury", "job", &job.id.to_string()), at).await?;
                given_up = true;
            }
            other => break other,
        }
    };
    if job.is_some() || given_up {
        commit(app, scope, work, None).await?;
    }
    Ok(job)
}
