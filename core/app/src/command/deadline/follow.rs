//! What every write of a record of a collection with a workflow leaves beside it, in the same transaction: the first step of its
//! history, and its deadlines begun, moved, paused, resumed, ended or forgotten.

use sunlit_domain::calendar::Calendar;
use sunlit_domain::manifest::workflow::{CREATE, Deadline, Start, Workflow};
use sunlit_domain::manifest::{Slot, Spelling};
use sunlit_domain::record::{Problem, Record};
use sunlit_domain::value::{Timestamp, Value};
use sunlit_domain::workflow::clock::{Clock, enter, follow};
use sunlit_domain::workflow::state_of;
use sunlit_domain::{ErrorCode, Scope, id};
use sunlit_storage::tenant::{calendar_day, deadline, step};
use sunlit_storage::{Table, Work};

use super::{Place, forget, keep, subject};
use crate::{App, AppError};

/// Lets everything that belongs to the workflow follow a record from `before` (none: it was created) to `after` (none: it was
/// deleted). The history of a deleted record stays.
///
/// # Errors
/// [`AppError::Problems`] for a day from which a deadline cannot be counted.
pub(in crate::command) async fn run(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    (before, after): (Option<&Record>, Option<&Record>),
    at: Timestamp,
) -> Result<(), AppError> {
    let Some(workflow) = &table.collection().workflow else { return Ok(()) };
    let subject = subject(table);
    match (before, after) {
        (_, None) => drop_all(scope, work, &subject, before).await,
        (before, Some(after)) => {
            if before.is_none() {
                first_step(app, scope, work, &subject, after, at).await?;
            }
            move_all(app, scope, work, table, workflow, (before, after), at).await
        }
    }
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

async fn drop_all(scope: &Scope, work: &Work, subject: &str, before: Option<&Record>) -> Result<(), AppError> {
    let Some(record) = before.map(|record| record.id) else { return Ok(()) };
    for known in deadline::of(scope, work, subject, &[record]).await? {
        forget(scope, work, Place { collection: subject, record, name: &known.name }).await?;
    }
    Ok(())
}

async fn move_all(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    workflow: &Workflow,
    (before, after): (Option<&Record>, &Record),
    at: Timestamp,
) -> Result<(), AppError> {
    if workflow.deadlines.is_empty() {
        return Ok(());
    }
    let subject = subject(table);
    let calendar = calendar_day::calendar(scope, work).await?;
    let known = deadline::of(scope, work, &subject, &[after.id]).await?;
    for rule in &workflow.deadlines {
        let place = Place { collection: &subject, record: after.id, name: rule.name.as_str() };
        let was = known.iter().find(|known| known.name == place.name).map(|known| &known.clock);
        let is = moved(table, rule, (before, after), was.cloned(), &calendar, at);
        match is {
            is if is.as_ref() == was => {}
            None => forget(scope, work, place).await?,
            Some(clock) => {
                in_reach(table, rule, &clock, &calendar)?;
                keep(app, scope, work, place, clock, (&calendar, at)).await?;
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
    follow(rule, state_of(after), starts_on, today, clock, calendar)
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
