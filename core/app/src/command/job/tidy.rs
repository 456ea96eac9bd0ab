//! What a worker does for each tenant when it starts and from time to time: it finds what a crash has left.

use sunlit_domain::Scope;
use sunlit_storage::tenant::{calendar_day, outbox};

use crate::command::begin;
use crate::command::calendar::recount;
use crate::command::commit::commit;
use crate::command::schedule::align;
use crate::{App, AppError};

/// Brings the waiting schedules in line with the enabled packages, removes done rows that have stayed long enough, and tells
/// the workers when the next job is due, which a crash between commit and hint may have left untold.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope) -> Result<(), AppError> {
    let context = app.context(scope).await?;
    let now = app.environment.now();
    let work = begin::work(app, scope).await?;
    let manifests: Vec<_> = context.packages.iter().map(|installed| &*installed.package.manifest).collect();
    align::all(app, scope, &work, (&manifests, &context.broken)).await?;
    // A new version may have brought the notice of a new year.
    recount::batch(app, scope, &work, &calendar_day::calendar(scope, &work).await?, now).await?;
    let purged = outbox::purge(scope, &work, now).await?;
    if purged > 0 {
        tracing::debug!(tenant.id = %scope.tenant(), purged, "done rows of the outbox were removed");
    }
    let next = outbox::next_due(scope, &work).await?;
    commit(app, scope, work, None).await?;
    if let Some(at) = next {
        app.announce(scope, at).await;
    }
    Ok(())
}
