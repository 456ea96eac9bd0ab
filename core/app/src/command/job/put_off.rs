//! Lets a job wait for another month: its tenant has used up the jobs of this one.

use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::outbox::{self, Claimed};

use crate::command::begin;
use crate::command::commit::commit;
use crate::{App, AppError};

/// Gives the job back, due at `until`, with all its attempts.
///
/// # Errors
/// [`sunlit_storage::StorageError::LeaseLost`] when it is another worker's by now.
pub async fn run(app: &App, scope: &Scope, job: &Claimed, until: Timestamp) -> Result<(), AppError> {
    let work = begin::administer(app, scope).await?;
    outbox::proceed(scope, &work, job, until).await?;
    commit(app, scope, work, None).await
}
