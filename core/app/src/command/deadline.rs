//! Deadlines of records: they follow the records' states and fields, and time.

pub(super) mod extend;
pub(super) mod follow;
pub(crate) mod pass;

use serde_json::json;
use sunlit_domain::Scope;
use sunlit_domain::calendar::Calendar;
use sunlit_domain::id::RecordId;
use sunlit_domain::value::{Date, Timestamp};
use sunlit_domain::workflow::clock::Clock;
use sunlit_storage::tenant::deadline::{self, Kept};
use sunlit_storage::tenant::outbox;
use sunlit_storage::{Table, Work};

use crate::{App, AppError};

/// The kind of the job that waits for a deadline's next day.
pub(crate) const TIMER: &str = "deadline";

/// The deadline of a record: of which collection (`disclosure.notice`), of which record, and its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) collection: &'a str,
    pub(super) record: RecordId,
    pub(super) name: &'a str,
}

impl Place<'_> {
    fn key(self) -> String {
        format!("{}/{}/{}", self.collection, self.record, self.name)
    }
}

/// How tables of deadlines and steps call a collection: `disclosure.notice`.
pub(crate) fn subject(table: &Table) -> String {
    format!("{}.{}", table.manifest().plugin.id, table.collection().name)
}

/// Keeps a deadline with its days by `calendar`, and sets its timer.
///
/// # Errors
/// [`AppError::Argument`] when it would end after the year 9999.
pub(super) async fn keep(
    app: &App,
    scope: &Scope,
    work: &Work,
    place: Place<'_>,
    clock: Clock,
    (calendar, at): (&Calendar, Timestamp),
) -> Result<(), AppError> {
    let dates = clock.dates(calendar).map_err(|error| AppError::Argument(error.to_string()))?;
    let next = clock.next(dates).and_then(Date::begins_in_china);
    let kept = Kept {
        collection: place.collection.to_owned(),
        record: place.record,
        name: place.name.to_owned(),
        excluded_days: clock.period.excluded(calendar, at.date_in_china()),
        calendar_digest: calendar.digest(),
        dates,
        clock,
    };
    deadline::put(scope, work, &kept).await?;
    let Some(due_at) = next else {
        outbox::cancel(scope, work, TIMER, &place.key()).await?;
        return Ok(());
    };
    let payload = json!({ "collection": place.collection, "record": place.record, "name": place.name });
    let job = outbox::Job { id: app.environment.new_id(), kind: TIMER, key: place.key(), due_at, payload };
    Ok(outbox::schedule(scope, work, job).await?)
}

/// Forgets a deadline and its timer.
async fn forget(scope: &Scope, work: &Work, place: Place<'_>) -> Result<(), AppError> {
    deadline::remove(scope, work, place.collection, place.record, place.name).await?;
    outbox::cancel(scope, work, TIMER, &place.key()).await?;
    Ok(())
}
