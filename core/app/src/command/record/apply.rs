//! Commits what an action has written: all of it in one transaction, with the action's own entry in the trail, or nothing.
//!
//! The call is over when this begins: no plugin runs inside a writing transaction (invariant 5).

use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Action, Spelling};
use sunlit_domain::record::Changes;

use super::{Writing, begin, create, delete, update};
use crate::command::commit::commit;
use crate::command::trail;
use crate::{App, AppError, Package};

/// A change of one record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Write {
    /// The collection of the action's package.
    pub(crate) collection: String,
    /// The record.
    pub(crate) id: RecordId,
    /// What becomes of it.
    pub(crate) change: Change,
}

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Change {
    /// It is new.
    Create(Changes),
    /// It was read at `version`, and these fields change.
    Update { version: i64, changes: Changes },
    /// It was read at `version`, and goes.
    Delete { version: i64 },
}

/// Makes the changes in their order, each as its own command would: rights, references, versions, trail.
///
/// # Errors
/// Those of the records' own commands. Nothing remains then.
pub(crate) async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    action: &Action,
    writes: &[Write],
) -> Result<(), AppError> {
    let at = app.environment.now();
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let (runs_as, spelling) = (action.runs_as, Spelling::Manifest);
    let writing = Writing { app, scope, work: &work, context: &context, package, runs_as, spelling, at };
    let mut told = Vec::new();
    for write in writes {
        told.extend(one(writing, write).await?);
    }
    trail::of_change(app, scope, &work, ("act", package.id(), action.name.as_str()), at).await?;
    commit(app, scope, work, told).await
}

async fn one(writing: Writing<'_>, write: &Write) -> Result<Option<crate::Change>, AppError> {
    let table = writing.package.table(&write.collection)?;
    let (_, told) = match &write.change {
        Change::Create(changes) => create::within(writing, table, write.id, changes).await?,
        Change::Update { version, changes } => update::within(writing, table, (write.id, *version), changes).await?,
        Change::Delete { version } => delete::within(writing, table, (write.id, *version)).await?,
    };
    Ok(told)
}
