//! Marks a job as done that has written nothing itself.

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::{self, Claimed};

use crate::command::begin;
use crate::command::commit::commit;
use crate::{App, AppError};

/// Marks the job as done.
///
/// # Errors
/// [`sunlit_storage::StorageError::LeaseLost`] when it is another worker's by now.
pub async fn run(app: &App, scope: &Scope, job: &Claimed) -> Result<(), AppError> {
    let work = begin::administer(app, scope).await?;
    outbox::finish(scope, &work, job, app.environment.now()).await?;
    commit(app, scope, work, None).await
}
