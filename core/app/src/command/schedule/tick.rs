//! An instant of a schedule has come.

use sunlit_domain::Scope;
use sunlit_domain::manifest::Schedule;
use sunlit_storage::tenant::outbox::{self, Claimed, Job};

use super::{FIRE, Firing, wait_for_next};
use crate::command::begin;
use crate::command::commit::commit;
use crate::{App, AppError};

/// Ends the tick, writes the job that does what the schedule says, and the next tick. `schedule` is none when no enabled
/// package declares it any more: then the clock stops.
///
/// # Errors
/// [`sunlit_storage::StorageError::LeaseLost`] when another worker has done it.
pub async fn run(app: &App, scope: &Scope, job: &Claimed, schedule: Option<&Schedule>) -> Result<(), AppError> {
    let firing = Firing::of(job)?;
    let now = app.environment.now();
    let work = begin::work(app, scope).await?;
    outbox::finish(scope, &work, job, now).await?;
    if let Some(schedule) = schedule {
        let fire = Job {
            id: app.environment.new_id(),
            kind: FIRE,
            key: format!("{}@{}", firing.name(), firing.instant),
            due_at: now,
            payload: job.payload.clone(),
        };
        outbox::schedule(scope, &work, fire).await?;
        // A clock that was set back does not fire an instant again.
        wait_for_next(app, scope, &work, (&firing.package, schedule), now.max(firing.instant()?)).await?;
    }
    commit(app, scope, work, None).await
}
