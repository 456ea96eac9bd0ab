//! Counts deadlines again that were counted with another calendar: after a tenant has set days of its own, and after the
//! notice of a new year came with a new version.

use serde_json::json;
use sunlit_domain::Scope;
use sunlit_domain::calendar::Calendar;
use sunlit_domain::value::Timestamp;
use sunlit_storage::Work;
use sunlit_storage::tenant::outbox::{self, Claimed, Job};
use sunlit_storage::tenant::{calendar_day, deadline};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::deadline::{Place, keep};
use crate::{App, AppError};

/// The kind of the job that goes on where a batch has ended.
pub(crate) const RECOUNT: &str = "calendar.recount";
/// How many deadlines one transaction counts again: writers of the tenant wait meanwhile.
const BATCH: u64 = 500;

/// Ends the job and counts the next batch.
///
/// # Errors
/// [`sunlit_storage::StorageError::LeaseLost`] when another worker has done it.
pub(crate) async fn run(app: &App, scope: &Scope, job: &Claimed) -> Result<(), AppError> {
    let at = app.environment.now();
    let work = begin::work(app, scope).await?;
    outbox::finish(scope, &work, job, at).await?;
    let calendar = calendar_day::calendar(scope, &work).await?;
    batch(app, scope, &work, &calendar, at).await?;
    commit(app, scope, work, None).await
}

/// Counts up to [`BATCH`] deadlines again; schedules the rest.
///
/// # Errors
/// The database's.
pub(in crate::command) async fn batch(
    app: &App,
    scope: &Scope,
    work: &Work,
    calendar: &Calendar,
    at: Timestamp,
) -> Result<(), AppError> {
    let outdated = deadline::outdated(scope, work, &calendar.digest(), BATCH).await?;
    let is_full = u64::try_from(outdated.len()).unwrap_or(BATCH) >= BATCH;
    for kept in outdated {
        let mut clock = kept.clock;
        clock.recount(calendar, at.date_in_china());
        let place = Place { collection: &kept.collection, record: kept.record, name: &kept.name };
        keep(app, scope, work, place, clock, (calendar, at)).await?;
    }
    if is_full {
        schedule(app, scope, work, at).await?;
    }
    Ok(())
}

/// Has every outdated deadline counted again soon.
///
/// # Errors
/// The database's.
pub(in crate::command) async fn schedule(app: &App, scope: &Scope, work: &Work, at: Timestamp) -> Result<(), AppError> {
    let id = app.environment.new_id();
    let job = Job { id, kind: RECOUNT, key: "all".to_owned(), due_at: at, payload: json!({}) };
    Ok(outbox::schedule(scope, work, job).await?)
}
