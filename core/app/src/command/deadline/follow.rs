//! What every write of a record of a collection with a workflow leaves beside it, in the same transaction: the first step of its
//! history, and its deadlines begun, moved, paused, resumed, ended or forgotten.

use std::collections::BTreeMap;

use sunlit_domain::calendar::Calendar;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::workflow::{CREATE, Deadline, Start};
use sunlit_domain::manifest::{Slot, Spelling};
use sunlit_domain::record::{Problem, Record};
use sunlit_domain::value::{Timestamp, Value};
use sunlit_domain::workflow::clock::{self, Clock, enter};
use sunlit_domain::workflow::state_of;
use sunlit_domain::{ErrorCode, Scope, id};
use sunlit_storage::tenant::deadline::{self, Kept};
use sunlit_storage::tenant::{calendar_day, step};
use sunlit_storage::{Table, Work};

use super::{Place, forget, keep, subject};
use crate::{App, AppError};

/// A record as it was (none: it was created) and as it is (none: it was deleted).
pub(in crate::command) type Pair<'a> = (Option<&'a Record>, Option<&'a Record>);

/// How many records' deadlines one statement asks for: each is a variable of it.
const BATCH: usize = 500;

/// Lets everything that belongs to the workflow follow records. The history of a deleted one stays.
///
/// # Errors
/// [`AppError::Problems`] for a day from which a deadline cannot be counted.
pub(in crate::command) async fn run(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    records: &[Pair<'_>],
    at: Timestamp,
) -> Result<(), AppError> {
    let Some(workflow) = &table.collection().workflow else { return Ok(()) };
    let subject = subject(table);
    for after in records.iter().filter(|(before, _)| before.is_none()).filter_map(|(_, after)| *after) {
        first_step(app, scope, work, &subject, after, at).await?;
    }
    // A version before may have declared deadlines that a record still has when it is deleted.
    if workflow.deadlines.is_empty() && records.iter().all(|(_, after)| after.is_some()) {
        return Ok(());
    }
    let calendar = calendar_day::calendar(scope, work).await?;
    for batch in records.chunks(BATCH) {
        let ids: Vec<RecordId> = batch.iter().filter_map(|(before, after)| Some(after.or(*before)?.id)).collect();
        let mut known: BTreeMap<RecordId, Vec<Kept>> = BTreeMap::new();
        for kept in deadline::of(scope, work, &subject, &ids).await? {
            known.entry(kept.record).or_default().push(kept);
        }
        for pair in batch {
            let Some(record) = pair.1.or(pair.0) else { continue };
            let known = known.remove(&record.id).unwrap_or_default();
            follow(app, scope, work, table, *pair, (&known, &calendar, at)).await?;
        }
    }
    Ok(())
}

async fn first_step(
    app: &App,
    scope: &Scope,
    work: &Work,
    subject: &str,
    record: &Record,
    at: Timestamp,
) -> Result<(), AppError> {
    let step = step::Step {
        id: app.environment.new_id(),
        collection: subject,
        record: record.id,
        transition: CREATE,
        from: None,
        to: state_of(record),
        comment: None,
        at,
        version: record.version(),
    };
    Ok(step::write(scope, work, step).await?)
}

/// One record's deadlines: begun, moved, paused, resumed, ended, or forgotten with the record.
async fn follow(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    (before, after): Pair<'_>,
    (known, calendar, at): (&[Kept], &Calendar, Timestamp),
) -> Result<(), AppError> {
    let subject = subject(table);
    let Some(after) = after else {
        for kept in known {
            forget(scope, work, Place { collection: &subject, record: kept.record, name: &kept.name }).await?;
        }
        return Ok(());
    };
    for rule in table.collection().workflow.iter().flat_map(|workflow| &workflow.deadlines) {
        let place = Place { collection: &subject, record: after.id, name: rule.name.as_str() };
        let was = known.iter().find(|known| known.name == place.name).map(|known| &known.clock);
        let is = moved(table, rule, (before, after), was.cloned(), calendar, at);
        match is {
            is if is.as_ref() == was => {}
            None => forget(scope, work, place).await?,
            Some(clock) => {
                in_reach(table, rule, &clock, calendar)?;
                keep(app, scope, work, place, clock, (calendar, at)).await?;
            }
        }
    }
    Ok(())
}

fn moved(
    table: &Table,
    rule: &Deadline,
    (before, after): (Option<&Record>, &Record),
    clock: Option<Clock>,
    calendar: &Calendar,
    at: Timestamp,
) -> Option<Clock> {
    let today = at.date_in_china();
    let clock = enter(rule, (before.map(state_of), state_of(after)), today, clock, calendar);
    let Start::Field(name) = &rule.starts else { return clock };
    let Some((index, _)) = table.collection().field(name.as_str(), Spelling::Manifest) else { return clock };
    let value = after.get(Slot::Field(index));
    if before.is_some_and(|before| before.get(Slot::Field(index)) == value) {
        return clock;
    }
    let starts_on = if let Value::Date(date) = value { Some(*date) } else { None };
    clock::follow(rule, state_of(after), starts_on, today, clock, calendar)
}

/// A day in a field may lie so far away that nothing can be counted from it: whoever entered it is told.
fn in_reach(table: &Table, rule: &Deadline, clock: &Clock, calendar: &Calendar) -> Result<(), AppError> {
    if clock.dates(calendar).is_ok() {
        return Ok(());
    }
    let Start::Field(name) = &rule.starts else { return Ok(()) };
    let Some((_, field)) = table.collection().field(name.as_str(), Spelling::Manifest) else { return Ok(()) };
    let path = id::lower_camel(name.as_str());
    Err(AppError::Problems(vec![Problem::of(field, &path, ErrorCode::InvalidInput, "too_far", "")]))
}
