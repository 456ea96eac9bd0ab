//! Creates a record.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Spelling;
use sunlit_domain::record::{Record, read_changes};
use sunlit_storage::record::{self, Stamp};

use super::{check_references, not_unique};
use crate::command::commit::commit;
use crate::command::trail::{self, Done};
use crate::reading::allowed;
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
    check_references(scope, &work, package, table, &changes, spelling).await?;
    let inserted = record::insert(scope, &work, table, id, &changes, Stamp { at }).await;
    let record = inserted.map_err(|error| not_unique(table, error, spelling))?;
    trail::of_record(app, scope, &work, table, (None, Some(&record)), (Done::Created, at)).await?;
    commit(app, scope, work).await?;
    Ok(record)
}
