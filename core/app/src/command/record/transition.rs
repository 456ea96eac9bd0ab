//! Makes a transition of a record's workflow.

use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::workflow::Transition;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::Record;
use sunlit_domain::workflow::{self, WhyNot};
use sunlit_domain::{Actor, Scope};
use sunlit_storage::record::{self, Stamp};
use sunlit_storage::tenant::step;
use sunlit_storage::{Table, Work};

use super::{Writing, begin};
use crate::command::commit::commit;
use crate::command::deadline::{extend, subject};
use crate::command::trail::{self, Done};
use crate::reading::readable;
use crate::{App, AppError, Change, Package};

/// Which transition is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Its name in the manifest.
    pub transition: &'a str,
    /// The reason, where one is taken.
    pub comment: Option<&'a str>,
    /// Where it grants an extension: by how many days; none means as many as may be.
    pub days: Option<u32>,
}

/// Makes the transition of the record `id`, which the caller read at `version`: state, history, deadlines, audit and event in one
/// transaction.
///
/// # Errors
/// [`AppError::NotFound`] also for a record that the actor may not read, [`AppError::Conflict`], [`AppError::Denied`],
/// [`AppError::Unauthenticated`], [`AppError::Refused`] with the reason.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    (id, version): (RecordId, i64),
    asked: Asked<'_>,
) -> Result<Record, AppError> {
    let table = package.table(collection)?;
    let workflow = table.collection().workflow.as_ref().ok_or(AppError::NotFound)?;
    let transition = workflow.transition(asked.transition).ok_or(AppError::NotFound)?;
    let readable = readable(scope, table.collection())?;
    let at = app.environment.now();
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let before = record::get(scope, &work, table, id, Some(&readable)).await?.ok_or(AppError::NotFound)?;
    if before.version() != version {
        return Err(AppError::Conflict { expected: version, found: before.version() });
    }
    may(scope, &work, table, transition, &before).await?;
    let comment = workflow::comment(transition, asked.comment).map_err(AppError::Refused)?;
    let (runs_as, spelling) = (RunsAs::Caller, Spelling::Manifest);
    let writing = Writing { app, scope, work: &work, context: &context, package, runs_as, spelling, at };
    let (after, change) = within(writing, table, transition, &before, (comment, asked.days)).await?;
    commit(app, scope, work, change).await?;
    Ok(after)
}

/// Makes the transition in a transaction that others may share, whoever may make it: that was decided before.
pub(in crate::command) async fn within(
    writing: Writing<'_>,
    table: &Table,
    transition: &Transition,
    before: &Record,
    (comment, days): (Option<String>, Option<u32>),
) -> Result<(Record, Option<Change>), AppError> {
    let Writing { app, scope, work, at, .. } = writing;
    let after = record::enter(scope, work, table, before, transition.to.as_str(), Stamp { at }).await?;
    write_step(writing, table, transition, (before, &after), comment).await?;
    let done = (Done::Moved(transition.name.as_str()), at);
    let change = trail::of_record(app, scope, work, table, (Some(before), Some(&after)), done).await?;
    extend::grant(app, scope, work, table, before.id, (transition.name.as_str(), days), at).await?;
    Ok((after, change))
}

async fn may(
    scope: &Scope,
    work: &Work,
    table: &Table,
    transition: &Transition,
    record: &Record,
) -> Result<(), AppError> {
    let others: Vec<&str> = transition.distinct_from.iter().map(AsRef::as_ref).collect();
    let past = step::last_actors(scope, work, &subject(table), &[record.id], &others).await?;
    let past = past.get(&record.id).cloned().unwrap_or_default();
    workflow::may(table.collection(), transition, scope.actor(), record, &past)
        .map_err(|why| refusal(why, scope.actor()))
}

fn refusal(why: WhyNot, actor: &Actor) -> AppError {
    match why {
        WhyNot::Denied if actor.id().is_none() => AppError::Unauthenticated,
        WhyNot::Denied => AppError::Denied,
        other => AppError::Refused(other),
    }
}

async fn write_step(
    Writing { app, scope, work, at, .. }: Writing<'_>,
    table: &Table,
    transition: &Transition,
    (before, after): (&Record, &Record),
    comment: Option<String>,
) -> Result<(), AppError> {
    let step = step::Step {
        id: app.environment.new_id(),
        collection: &subject(table),
        record: after.id,
        transition: transition.name.as_str(),
        from: Some(workflow::state_of(before)),
        to: transition.to.as_str(),
        comment,
        at,
        version: after.version(),
    };
    Ok(step::write(scope, work, step).await?)
}
