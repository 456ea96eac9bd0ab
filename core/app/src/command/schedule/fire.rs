//! Does what a schedule says, once for each instant.

use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{RunsAs, Schedule, Spelling};
use sunlit_domain::record::Record;
use sunlit_domain::{Scope, page};
use sunlit_storage::Table;
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::tenant::outbox::{self, Claimed, Event};

use super::Firing;
use crate::command::commit::commit;
use crate::command::record::{Writing, begin, delete, transition};
use crate::command::trail;
use crate::{App, AppError, Change, Package};

/// How many records one transaction changes at most.
const PORTION: u32 = 100;

/// Writes the event of the schedule, or deletes or moves its records, and ends the job in the same transaction. When there
/// are more records than one transaction takes, the job goes on with the rest.
///
/// # Errors
/// [`AppError::NotFound`] when the collection is gone, [`AppError::Filter`], [`AppError::Moved`] when the tenant has another
/// version by now, the database's, and [`StorageError::LeaseLost`](sunlit_storage::StorageError::LeaseLost) when another
/// worker has done it.
pub async fn run(
    app: &App,
    scope: &Scope,
    job: &Claimed,
    package: &Package,
    schedule: &Schedule,
) -> Result<(), AppError> {
    let firing = Firing::of(job)?;
    let at = app.environment.now();
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let (runs_as, spelling) = (RunsAs::Package, Spelling::Manifest);
    let writing = Writing { app, scope, work: &work, context: &context, package, runs_as, spelling, at };
    let (told, all_done) = match &schedule.collection {
        None => event(writing, job, &firing).await.map(|()| (Vec::new(), true))?,
        Some(collection) => records(writing, package.table(collection.as_str())?, schedule).await?,
    };
    if all_done {
        trail::of_change(app, scope, &work, ("fire", "schedule", &firing.name()), at).await?;
        outbox::finish(scope, &work, job, at).await?;
    } else {
        outbox::proceed(scope, &work, job, at).await?;
    }
    commit(app, scope, work, told).await
}

async fn event(
    Writing { app, scope, work, at, .. }: Writing<'_>,
    job: &Claimed,
    firing: &Firing,
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

/// Deletes or moves a portion of the schedule's records; answers what followers are told, and whether none is left.
async fn records(writing: Writing<'_>, table: &Table, schedule: &Schedule) -> Result<(Vec<Change>, bool), AppError> {
    let collection = table.collection();
    let filter = schedule.records(collection, writing.at).map_err(AppError::Filter)?;
    let mut query = ListQuery { filter: Some(filter), first: PORTION, ..ListQuery::default() };
    let mut told = Vec::new();
    loop {
        let page = record::list(writing.scope, writing.work, table, &query).await?;
        for found in &page.records {
            told.extend(one(writing, table, schedule, found).await?);
        }
        let Some(last) = page.records.last().filter(|_| page.has_next) else { return Ok((told, true)) };
        if told.len() >= PORTION as usize {
            return Ok((told, false));
        }
        query.after = Some(page::cursor(collection, &query.order, last));
    }
}

/// Deletes or moves a record; none when it stays, because others refer to it.
async fn one(
    writing: Writing<'_>,
    table: &Table,
    schedule: &Schedule,
    found: &Record,
) -> Result<Option<Change>, AppError> {
    let step = async {
        match schedule.transition_of(table.collection()) {
            Some(transition) => transition::within(writing, table, transition, found, (None, None)).await,
            None if schedule.delete => delete::within(writing, table, (found.id, found.version())).await,
            None => Err(AppError::NotFound),
        }
    };
    match writing.work.attempt(step).await {
        Ok((_, change)) => Ok(change),
        Err(AppError::BrokenReference) => Ok(None),
        Err(error) => Err(error),
    }
}
