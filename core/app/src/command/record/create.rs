//! Creates a record.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::{Changes, Record, read_changes};
use sunlit_storage::Table;
use sunlit_storage::record::{self, Stamp};

use super::{Writing, begin, in_reach, not_unique, reference};
use crate::command::commit::commit;
use crate::command::trail::{self, Done};
use crate::reading::{allowed, allowed_as};
use crate::{App, AppError, Change, Package};

/// Creates a record with these values.
///
/// # Errors
/// [`AppError::Denied`], [`AppError::Unauthenticated`], [`AppError::Problems`] for each value that is not acceptable.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    input: &Map<String, Json>,
    spelling: Spelling,
) -> Result<Record, AppError> {
    let table = package.table(collection)?;
    allowed(scope, table.collection(), Deed::Create)?;
    let changes = read_changes(table.collection(), input, spelling, true).map_err(AppError::Problems)?;
    let at = app.environment.now();
    let id = RecordId(app.environment.new_id());
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let writing =
        Writing { app, scope, work: &work, context: &context, package, runs_as: RunsAs::Caller, spelling, at };
    let (record, change) = within(writing, table, id, &changes).await?;
    commit(app, scope, work, change).await?;
    Ok(record)
}

/// Creates the record in a transaction that others may share.
pub(super) async fn within(
    writing: Writing<'_>,
    table: &Table,
    id: RecordId,
    changes: &Changes,
) -> Result<(Record, Option<Change>), AppError> {
    let Writing { app, scope, work, runs_as, spelling, at, .. } = writing;
    let filter = allowed_as(runs_as, scope, table.collection(), Deed::Create)?;
    reference::check(writing, table, changes).await?;
    let inserted = record::insert(scope, work, table, id, changes, Stamp { at }).await;
    let record = inserted.map_err(|error| not_unique(table, error, spelling))?;
    in_reach(&filter, &record)?;
    let change = trail::of_record(app, scope, work, table, (None, Some(&record)), (Done::Created, at)).await?;
    Ok((record, change))
}
