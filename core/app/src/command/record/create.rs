//! Creates a record.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Spelling;
use sunlit_domain::record::{Record, read_changes};
use sunlit_storage::record::{self, Stamp};

use super::reference::References;
use super::{begin, not_unique, within};
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
    let filter = allowed(scope, table.collection(), Deed::Create)?;
    let changes = read_changes(table.collection(), input, spelling, true).map_err(AppError::Problems)?;
    let at = app.environment.now();
    let id = RecordId(app.environment.new_id());
    let references = References::of(app, scope, package, table, &changes).await?;
    let work = begin(app, scope, package).await?;
    references.check(scope, &work, table, spelling).await?;
    let inserted = record::insert(scope, &work, table, id, &changes, Stamp { at }).await;
    let record = inserted.map_err(|error| not_unique(table, error, spelling))?;
    within(&filter, &record)?;
    trail::of_record(app, scope, &work, table, (None, Some(&record)), (Done::Created, at)).await?;
    work.commit().await?;
    Ok(record)
}
