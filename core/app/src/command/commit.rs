//! The end of every command: its transaction lasts, followers are told of its changes, and the workers of what it has scheduled.

use sunlit_domain::Scope;
use sunlit_storage::Work;

use crate::{App, AppError, Change, nodes};

/// Commits. The hint comes after the commit, never before: a hint without a job costs a look, a job without a hint is found
/// by the next tidying.
pub(super) async fn commit(
    app: &App,
    scope: &Scope,
    work: Work,
    changes: impl IntoIterator<Item = Change>,
) -> Result<(), AppError> {
    let due = work.due();
    let changes: Vec<Change> = changes.into_iter().collect();
    nodes::say_of(app, &work, &changes).await?;
    app.changes.commit(work, changes).await?;
    if let Some(at) = due {
        app.announce(scope, at).await;
    }
    Ok(())
}
