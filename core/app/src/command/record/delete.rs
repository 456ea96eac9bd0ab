//! Deletes a record.

use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::Record;
use sunlit_storage::Table;
use sunlit_storage::record::{self, Target};

use super::{Writing, begin, reference};
use crate::command::commit::commit;
use crate::command::trail::{self, Done};
use crate::reading::{allowed, allowed_as};
use crate::{App, AppError, Change, Package};

/// Deletes the record `id`, which the caller read at `version`; answers it as it was.
///
/// # Errors
/// [`AppError::NotFound`] also for a record that the actor may not delete, [`AppError::Conflict`],
/// [`AppError::BrokenReference`] when other records refer to it.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    (id, version): (RecordId, i64),
) -> Result<Record, AppError> {
    let table = package.table(collection)?;
    allowed(scope, table.collection(), Deed::Delete)?;
    let at = app.environment.now();
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let (runs_as, spelling) = (RunsAs::Caller, Spelling::Manifest);
    let writing = Writing { app, scope, work: &work, context: &context, package, runs_as, spelling, at };
    let (before, change) = within(writing, table, (id, version)).await?;
    commit(app, scope, work, change).await?;
    Ok(before)
}

/// Deletes the record in a transaction that others may share.
pub(in crate::command) async fn within(
    writing: Writing<'_>,
    table: &Table,
    (id, version): (RecordId, i64),
) -> Result<(Record, Option<Change>), AppError> {
    let Writing { app, scope, work, runs_as, at, .. } = writing;
    let filter = allowed_as(runs_as, scope, table.collection(), Deed::Delete)?;
    // Who may not delete it is not told whether others refer to it.
    if !record::get_many(scope, work, table, &[id], Some(&filter)).await?.is_empty() {
        reference::check_referrers(writing, table, id).await?;
    }
    let before = record::delete(scope, work, table, Target { id, version, filter: &filter }).await?;
    let change = trail::of_record(app, scope, work, table, (Some(&before), None), (Done::Deleted, at)).await?;
    Ok((before, change))
}
