//! Creates a record.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::{Changes, Record, read_changes};
use sunlit_storage::Table;
use sunlit_storage::record::{self, Stamp};

use super::{Writing, check_references, not_unique};
use crate::command::trail::{self, Done};
use crate::reading::{allowed, allowed_as};
use crate::{App, AppError, Package};

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
    let work = app.stores.open(scope).await?.work(scope).await?;
    let writing = Writing { app, scope, work: &work, package, runs_as: RunsAs::Caller, spelling, at };
    let record = within(writing, table, id, &changes).await?;
    work.commit().await?;
    Ok(record)
}

/// Creates the record in a transaction that others may share.
pub(super) async fn within(
    writing: Writing<'_>,
    table: &Table,
    id: RecordId,
    changes: &Changes,
) -> Result<Record, AppError> {
    let Writing { app, scope, work, runs_as, spelling, at, .. } = writing;
    allowed_as(runs_as, scope, table.collection(), Deed::Create)?;
    check_references(writing, table, changes).await?;
    let inserted = record::insert(scope, work, table, id, changes, Stamp { at }).await;
    let record = inserted.map_err(|error| not_unique(table, error, spelling))?;
    trail::of_record(app, scope, work, table, (None, Some(&record)), (Done::Created, at)).await?;
    Ok(record)
}
