//! Deletes a record.

use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Record;
use sunlit_storage::record::{self, Target};

use super::begin;
use super::reference::Referrers;
use crate::command::trail::{self, Done};
use crate::reading::allowed;
use crate::{App, AppError, Package};

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
    let filter = allowed(scope, table.collection(), Deed::Delete)?;
    let at = app.environment.now();
    let referrers = Referrers::of(app, scope, package, collection).await?;
    let work = begin(app, scope, package).await?;
    referrers.check(scope, &work, id).await?;
    let before = record::delete(scope, &work, table, Target { id, version, filter: &filter }).await?;
    trail::of_record(app, scope, &work, table, (Some(&before), None), (Done::Deleted, at)).await?;
    work.commit().await?;
    Ok(before)
}
