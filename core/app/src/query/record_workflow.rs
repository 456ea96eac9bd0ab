//! How records stand in their workflow: what the viewer may do now, what was done, and what has to be done by when.

use std::collections::{BTreeMap, BTreeSet};

use sunlit_domain::access::Root;
use sunlit_domain::calendar::Calendar;
use sunlit_domain::id::{ActorId, RecordId};
use sunlit_domain::manifest::Collection;
use sunlit_domain::manifest::workflow::Transition;
use sunlit_domain::record::Record;
use sunlit_domain::value::{Date, Timestamp};
use sunlit_domain::workflow::clock::DeadlineState;
use sunlit_domain::workflow::{self, LastActors, Standing, WhyNot};
use sunlit_storage::record;
use sunlit_storage::tenant::deadline::{self, Kept};
use sunlit_storage::tenant::{calendar_day, step};

use crate::command::deadline::subject;
use crate::{AppError, Package, Reading};

/// A record's workflow as its viewer sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What the viewer may do; for those who do not work on the record only what they may do now.
    pub transitions: Vec<Choice>,
    /// What was done, the oldest first; empty for those who stand outside.
    pub history: Vec<Step>,
    /// What has to be done in time; empty for those who stand outside.
    pub deadlines: Vec<Due>,
}

/// A transition and whether the viewer may make it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name in the manifest.
    pub name: String,
    /// Why it may not be made; none when it may.
    pub why_not: Option<WhyNot>,
}

/// A step of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The transition's name; `create` for the first step.
    pub transition: String,
    /// The state before.
    pub from: Option<String>,
    /// The state after.
    pub to: String,
    /// Who; shown to those who work on the record.
    pub actor: Option<ActorId>,
    /// The comment; shown to those who work on the record.
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The record's version afterwards.
    pub version: i64,
}

/// A deadline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its name in the manifest.
    pub name: String,
    /// How it stands.
    pub state: DeadlineState,
    /// The day that began it.
    pub starts_on: Date,
    /// Its last day; none while it is paused.
    pub due_on: Option<Date>,
    /// How many days of its unit are left; negative when it has passed; none when what it is for was done.
    pub days_left: Option<i64>,
    /// By how many days it was extended.
    pub extended: u32,
    /// How many days were not counted because of pauses.
    pub excluded_days: i64,
    /// Whether its last day may still move.
    pub provisional: bool,
}

/// The workflow of those of the given records that the viewer may read.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] when no rule lets the viewer read at all.
pub async fn run(
    reading: &Reading,
    package: &Package,
    collection: &str,
    ids: &[RecordId],
) -> Result<BTreeMap<RecordId, Seen>, AppError> {
    let table = package.table(collection)?;
    let (scope, subject) = (reading.scope(), subject(table));
    let readable = reading.readable(table.collection())?;
    let session = reading.session().await?;
    let records = record::get_many(scope, &session, table, ids, Some(&readable)).await?;
    reading.charge(&records)?;
    let outside = reading.root() == Root::Public;
    let others = others(table.collection());
    let past = step::last_actors(scope, &session, &subject, ids, &others).await?;
    // What is kept for those who work on a record is not even read for others.
    let worked_on: &[RecordId] = if outside { &[] } else { ids };
    let mut histories = step::history(scope, &session, &subject, worked_on).await?;
    let mut deadlines: BTreeMap<RecordId, Vec<Kept>> = BTreeMap::new();
    for kept in deadline::of(scope, &session, &subject, worked_on).await? {
        deadlines.entry(kept.record).or_default().push(kept);
    }
    let calendar = calendar_day::calendar(scope, &session).await?;
    let today = reading.now().date_in_china();
    let mut seen = BTreeMap::new();
    for record in &records {
        // What was published is shown to everybody alike.
        let standing = match outside {
            true => Standing::Outside,
            false => workflow::standing(table.collection(), scope.actor(), record),
        };
        let past = past.get(&record.id).cloned().unwrap_or_default();
        let mut view =
            Seen { transitions: choices(reading, table.collection(), record, &past, standing), ..Seen::default() };
        if standing != Standing::Outside {
            let history = histories.remove(&record.id).unwrap_or_default();
            view.history = history.into_iter().map(|row| shown(row, standing)).collect::<Result<_, _>>()?;
            let due = deadlines.remove(&record.id).unwrap_or_default();
            view.deadlines = due.into_iter().map(|kept| as_due(kept, &calendar, today)).collect();
        }
        seen.insert(record.id, view);
    }
    Ok(seen)
}

/// The transitions that others are to be distinct from.
fn others(collection: &Collection) -> Vec<&str> {
    let transitions = collection.workflow.iter().flat_map(|workflow| &workflow.transitions);
    let names: BTreeSet<&str> =
        transitions.flat_map(|transition| &transition.distinct_from).map(AsRef::as_ref).collect();
    names.into_iter().collect()
}

fn choices(
    reading: &Reading,
    collection: &Collection,
    record: &Record,
    past: &LastActors,
    standing: Standing,
) -> Vec<Choice> {
    let transitions = collection.workflow.iter().flat_map(|workflow| &workflow.transitions);
    let choice = |transition: &Transition| Choice {
        name: transition.name.to_string(),
        why_not: workflow::may(collection, transition, reading.scope().actor(), record, past).err(),
    };
    transitions.map(choice).filter(|choice| standing == Standing::Staff || choice.why_not.is_none()).collect()
}

fn shown(row: step::Model, standing: Standing) -> Result<Step, AppError> {
    let corrupt = |_| sunlit_storage::StorageError::Corrupt("step.at".to_owned());
    let is_staff = standing == Standing::Staff;
    Ok(Step {
        transition: row.transition,
        from: row.from_state,
        to: row.to_state,
        actor: row.actor.filter(|_| is_staff).map(ActorId),
        comment: row.comment.filter(|_| is_staff),
        at: row.at.parse().map_err(corrupt)?,
        version: row.version,
    })
}

fn as_due(kept: Kept, calendar: &Calendar, today: Date) -> Due {
    let period = &kept.clock.period;
    Due {
        state: kept.clock.state(),
        starts_on: period.starts_on,
        due_on: kept.dates.due_on,
        days_left: kept.clock.ended_on.is_none().then(|| period.days_left(calendar, today)),
        extended: period.extension,
        excluded_days: kept.excluded_days,
        provisional: kept.dates.provisional,
        name: kept.name,
    }
}
