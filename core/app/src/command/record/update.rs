//! Changes a record.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::{Changes, Record, read_changes};
use sunlit_storage::Table;
use sunlit_storage::record::{self, Stamp, Target};

use super::{Writing, begin, in_reach, not_unique, reference};
use crate::command::commit::commit;
use crate::command::trail::{self, Done};
use crate::reading::{allowed, allowed_as};
use crate::{App, AppError, Change, Package};

/// Changes the record `id`, which the caller read at `version`; fields that the input does not name stay.
///
/// # Errors
/// [`AppError::NotFound`] also for a record that the actor may not change, [`AppError::Conflict`],
/// [`AppError::Problems`].
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    (id, version): (RecordId, i64),
    input: &Map<String, Json>,
    spelling: Spelling,
) -> Result<Record, AppError> {
    let table = package.table(collection)?;
    allowed(scope, table.collection(), Deed::Update)?;
    let changes = read_changes(table.collection(), input, spelling, false).map_err(AppError::Problems)?;
    let at = app.environment.now();
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let writing =
        Writing { app, scope, work: &work, context: &context, package, runs_as: RunsAs::Caller, spelling, at };
    let (after, change) = within(writing, table, (id, version), &changes).await?;
    commit(app, scope, work, change).await?;
    Ok(after)
}

/// Changes the record in a transaction that others may share.
pub(super) async fn within(
    writing: Writing<'_>,
    table: &Table,
    (id, version): (RecordId, i64),
    changes: &Changes,
) -> Result<(Record, Option<Change>), AppError> {
    let Writing { app, scope, work, runs_as, spelling, at, .. } = writing;
    let filter = allowed_as(runs_as, scope, table.collection(), Deed::Update)?;
    reference::check(writing, table, changes).await?;
    let target = Target { id, version, filter: &filter };
    let updated = record::update(scope, work, table, target, changes, Stamp { at }).await;
    let (before, after) = updated.map_err(|error| not_unique(table, error, spelling))?;
    in_reach(&filter, &after)?;
    let change = trail::of_record(app, scope, work, table, (Some(&before), Some(&after)), (Done::Updated, at)).await?;
    Ok((after, change))
}
