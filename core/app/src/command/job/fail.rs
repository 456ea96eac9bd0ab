//! Puts a job off that failed, or gives it up.

use std::time::Duration;

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::{self, Claimed};

use super::MAX_ATTEMPTS;
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::job::JobError;
use crate::{App, AppError};

/// How long a job waits after its first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a job waits at most.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Puts the job off, or gives it up after its last attempt or when trying again is of no use.
///
/// # Errors
/// [`sunlit_storage::StorageError::LeaseLost`] when it is another worker's by now.
pub async fn run(app: &App, scope: &Scope, job: &Claimed, error: &JobError) -> Result<(), AppError> {
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    match error {
        JobError::Retry(reason) if job.attempt < MAX_ATTEMPTS => {
            let due_at = at.plus(wait(job.attempt, app.environment.random()));
            outbox::retry(scope, &work, job, due_at, reason).await?;
        }
        JobError::Retry(reason) | JobError::Fail(reason) => {
            outbox::bury(scope, &work, job, at, reason).await?;
            trail::of_change(app, scope, &work, ("bury", "job", &job.id.to_string()), at).await?;
            tracing::error!(tenant.id = %scope.tenant(), job.id = %job.id, job.kind, reason, "a job was given up");
        }
    }
    commit(app, scope, work, None).await
}

/// How long to wait after that attempt: between half and all of the doubled time, so that what failed together does not
/// come back together.
fn wait(attempt: i64, random: u32) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(30);
    let whole = FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT);
    let half = whole / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_a_second_to_an_hour_and_never_leaves_its_bounds() {
        let check = |attempt, least: f64, most: f64| {
            assert!((wait(attempt, 0).as_secs_f64() - least).abs() < 1e-6, "attempt {attempt}");
            assert!((wait(attempt, u32::MAX).as_secs_f64() - most).abs() < 1e-6, "attempt {attempt}");
        };
        check(1, 0.5, 1.0);
        check(2, 1.0, 2.0);
        check(9, 128.0, 256.0);
        check(13, 1_800.0, 3_600.0);
        check(i64::MAX, 0.5, 1.0);
    }
}
