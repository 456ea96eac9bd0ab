//! Does what a schedule says, once for each instant.

use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Schedule;
use sunlit_domain::value::Timestamp;
use sunlit_storage::record::{self, ListQuery, Target};
use sunlit_storage::tenant::outbox::{self, Claimed, Event};
use sunlit_storage::{StorageError, Table, Work};

use super::Firing;
use crate::command::commit::commit;
use crate::command::trail::{self, Done};
use crate::{App, AppError, Package};

/// How many records one transaction deletes at most.
const PORTION: u32 = 100;

/// Writes the event of the schedule or deletes its records, and ends the job in the same transaction. When there are more
/// records than one transaction takes, the job goes on with the rest.
///
/// # Errors
/// [`AppError::NotFound`] when the collection is gone, [`AppError::Filter`], the database's, and
/// [`StorageError::LeaseLost`] when another worker has done it.
pub async fn run(
    app: &App,
    scope: &Scope,
    job: &Claimed,
    package: &Package,
    schedule: &Schedule,
) -> Result<(), AppError> {
    let firing = Firing::of(job)?;
    let at = app.environment.now();
    let work = app.stores.open(scope).await?.work(scope).await?;
    let all_done = match &schedule.collection {
        None => event(app, scope, &work, (job, &firing), at).await.map(|()| true)?,
        Some(collection) => delete(app, scope, &work, (package.table(collection.as_str())?, schedule), at).await?,
    };
    if all_done {
        trail::of_change(app, scope, &work, ("fire", "schedule", &firing.name()), at).await?;
        outbox::finish(scope, &work, job, at).await?;
    } else {
        outbox::proceed(scope, &work, job, at).await?;
    }
    commit(app, scope, work).await
}

async fn event(
    app: &App,
    scope: &Scope,
    work: &Work,
    (job, firing): (&Claimed, &Firing),
    at: Timestamp,
) -> Result<(), AppError> {
    let event = Event {
        id: RecordId(app.environment.new_id()),
        at,
        event: format!("{}.schedule.{}", firing.package, firing.schedule),
        record: RecordId(job.id),
        version: 0,
    };
    Ok(outbox::write(scope, work, event).await?)
}

/// Deletes a portion of the schedule's records; answers whether none is left. A record that others refer to stays.
async fn delete(
    app: &App,
    scope: &Scope,
    work: &Work,
    (table, schedule): (&Table, &Schedule),
    at: Timestamp,
) -> Result<bool, AppError> {
    let collection = table.collection();
    let filter = schedule.records(collection, at).map_err(AppError::Filter)?;
    let mut query = ListQuery { filter: Some(filter.clone()), first: PORTION, ..ListQuery::default() };
    let mut deleted = 0;
    loop {
        let page = record::list(scope, work, table, &query).await?;
        for found in &page.records {
            let target = Target { id: found.id, version: found.version(), filter: &filter };
            match record::delete(scope, work, table, target).await {
                Ok(before) => {
                    trail::of_record(app, scope, work, table, (Some(&before), None), (Done::Deleted, at)).await?;
                    deleted += 1;
                }
                Err(StorageError::BrokenReference) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let Some(last) = page.records.last().filter(|_| page.has_next) else { return Ok(true) };
        if deleted >= PORTION {
            return Ok(false);
        }
        query.after = Some(sunlit_domain::page::cursor(collection, &query.order, last));
    }
}
