//! The end of every command: its transaction lasts, and the workers are told of what it has scheduled.

use sunlit_domain::Scope;
use sunlit_storage::Work;

use crate::{App, AppError};

/// Commits. The hint comes after the commit, never before: a hint without a job costs a look, a job without a hint is found
/// by the next tidying.
pub(super) async fn commit(app: &App, scope: &Scope, work: Work) -> Result<(), AppError> {
    let due = work.due();
    work.commit().await?;
    if let Some(at) = due {
        app.announce(scope, at).await;
    }
    Ok(())
}
