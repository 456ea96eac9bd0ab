//! Changes a record.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Spelling;
use sunlit_domain::record::{Record, read_changes};
use sunlit_storage::record::{self, Stamp, Target};

use super::reference::References;
use super::{begin, not_unique, within};
use crate::command::trail::{self, Done};
use crate::reading::allowed;
use crate::{App, AppError, Package};

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
    let filter = allowed(scope, table.collection(), Deed::Update)?;
    let changes = read_changes(table.collection(), input, spelling, false).map_err(AppError::Problems)?;
    let at = app.environment.now();
    let references = References::of(app, scope, package, table, &changes).await?;
    let work = begin(app, scope, package).await?;
    references.check(scope, &work, table, spelling).await?;
    let target = Target { id, version, filter: &filter };
    let updated = record::update(scope, &work, table, target, &changes, Stamp { at }).await;
    let (before, after) = updated.map_err(|error| not_unique(table, error, spelling))?;
    within(&filter, &after)?;
    trail::of_record(app, scope, &work, table, (Some(&before), Some(&after)), (Done::Updated, at)).await?;
    work.commit().await?;
    Ok(after)
}
