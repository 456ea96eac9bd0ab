//! A deadline's day has come: those who work on it are warned, or it has passed.

use serde::Deserialize;
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::value::Timestamp;
use sunlit_domain::workflow::clock::Happening;
use sunlit_storage::tenant::calendar_day;
use sunlit_storage::tenant::deadline::{self, Kept};
use sunlit_storage::tenant::outbox::{self, Claimed};
use sunlit_storage::{Table, Work, record};

use super::{Place, keep};
use crate::command::begin;
use crate::command::calendar::recount;
use crate::command::commit::commit;
use crate::command::trail;
use crate::{App, AppError};

/// What the timer's job knows.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Timer {
    pub(crate) collection: String,
    pub(crate) record: RecordId,
    pub(crate) name: String,
}

impl Timer {
    /// # Errors
    /// [`AppError::Argument`] when another version of Sunlit has written it.
    pub(crate) fn of(job: &Claimed) -> Result<Self, AppError> {
        let read = serde_json::from_value(job.payload.clone());
        read.map_err(|error| AppError::Argument(format!("the timer of a deadline is not readable: {error}")))
    }
}

/// Ends the timer, reads the deadline again, writes what has happened with its event, and sets the next timer. `table` is none
/// when no enabled package declares the collection any more: then the timer only ends.
///
/// # Errors
/// [`sunlit_storage::StorageError::LeaseLost`] when another worker has done it.
pub(crate) async fn run(app: &App, scope: &Scope, job: &Claimed, table: Option<&Table>) -> Result<(), AppError> {
    let timer = Timer::of(job)?;
    let at = app.environment.now();
    let work = begin::work(app, scope).await?;
    // First: the next timer has the same key, and takes the place of one that waits.
    outbox::finish(scope, &work, job, at).await?;
    let known = deadline::of(scope, &work, &timer.collection, &[timer.record]).await?;
    let known = known.into_iter().find(|known| known.name == timer.name);
    if let (Some(kept), Some(table)) = (known, table) {
        pass(app, scope, &work, table, kept, at).await?;
    }
    commit(app, scope, work, None).await
}

async fn pass(app: &App, scope: &Scope, work: &Work, table: &Table, kept: Kept, at: Timestamp) -> Result<(), AppError> {
    let today = at.date_in_china();
    let calendar = calendar_day::calendar(scope, work).await?;
    let mut clock = kept.clock;
    if kept.calendar_digest != calendar.digest() {
        // A new version brought a new year's notice.
        clock.recount(&calendar, today);
        recount::schedule(app, scope, work, at).await?;
    }
    let dates = clock.dates(&calendar).map_err(|error| AppError::Argument(error.to_string()))?;
    let happened = clock.tick(dates, today);
    let place = Place { collection: &kept.collection, record: kept.record, name: &kept.name };
    keep(app, scope, work, place, clock, (&calendar, at)).await?;
    match happened {
        Some(happening) => tell(app, scope, work, table, place, happening, at).await,
        None => Ok(()),
    }
}

async fn tell(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    place: Place<'_>,
    happening: Happening,
    at: Timestamp,
) -> Result<(), AppError> {
    let Some(record) = record::get(scope, work, table, place.record, None).await? else { return Ok(()) };
    let event = outbox::Event {
        id: RecordId(app.environment.new_id()),
        at,
        event: format!("{}.{}.{}", place.collection, place.name, happening.name()),
        record: record.id,
        version: record.version(),
    };
    outbox::write(scope, work, event).await?;
    trail::of_change(app, scope, work, (happening.name(), "deadline", &place.key()), at).await
}
