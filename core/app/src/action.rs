//! An action: a mutation that a package's component resolves.
//!
//! The call runs on a snapshot and writes into a buffer; when it has answered, the command `record/apply` commits the buffer
//! in one transaction (invariant 5). Where another command came first the call runs again, on a new snapshot.

use std::sync::Arc;

use sunlit_domain::manifest::Action;
use sunlit_domain::value::Value;
use sunlit_plugin_host::{ActionInput, GuestError, Limits, Outcome, Ports, Token};

use crate::command::record::apply::{self, Write};
use crate::port::{RecordsOfPackage, SettingsOfPackage, StorageOfPackage, View};
use crate::query::plugin_resolve::{answered, nonsense, reported, shape};
use crate::tokens::{self, Answer};
use crate::{AppError, Installed, Reading};

/// How often a call runs before its caller is told CONFLICT.
pub const MAX_RUNS: u32 = 3;

/// Does the action with these arguments (in the order that the manifest declares them), and answers what the component
/// did; none when the manifest declares no answer. What it wrote has been committed then.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] for a caller without one of the action's roles,
/// [`AppError::PluginDeclined`], [`AppError::PluginFailed`], [`AppError::Conflict`] when others kept coming first, and
/// what the records' own commands answer. Nothing has been written then.
pub async fn run(
    reading: &Reading,
    installed: &Arc<Installed>,
    action: &Action,
    args: &[Value],
) -> Result<Option<Answer>, AppError> {
    may_act(reading, action)?;
    let mut runs = Runs::default();
    loop {
        match once(reading, installed, action, args).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => runs.after(failed)?,
        }
    }
}

fn may_act(reading: &Reading, action: &Action) -> Result<(), AppError> {
    let actor = reading.scope().actor();
    match (action.roles.iter().any(|role| actor.has(*role)), actor.id()) {
        (true, _) => Ok(()),
        (false, Some(_)) => Err(AppError::Denied),
        (false, None) => Err(AppError::Unauthenticated),
    }
}

/// Why a run came to nothing, and whether another one could come to something.
struct Failed {
    error: AppError,
    again: bool,
}

impl Failed {
    fn for_good(error: AppError) -> Self {
        Self { error, again: false }
    }

    /// The changes were sound on the call's snapshot: what is no longer there, no longer at its version or no longer free
    /// was taken by somebody who came first.
    fn of_commit(error: AppError) -> Self {
        let again = matches!(error, AppError::Conflict { .. } | AppError::NotFound | AppError::Problems(_));
        Self { error, again }
    }
}

/// How often the call has come to nothing.
#[derive(Debug, Default)]
struct Runs(u32);

impl Runs {
    /// Whether to run again; if not, what the caller is told.
    fn after(&mut self, failed: Failed) -> Result<(), AppError> {
        self.0 += 1;
        if !failed.again || self.0 >= MAX_RUNS {
            return Err(failed.error);
        }
        tracing::debug!(runs = self.0, error = %failed.error, "an action runs again");
        Ok(())
    }
}

async fn once(
    reading: &Reading,
    installed: &Arc<Installed>,
    action: &Action,
    args: &[Value],
) -> Result<Option<Answer>, Failed> {
    let attempt = reading.own().afresh().await.map_err(Failed::for_good)?;
    let (answer, writes) = call(&attempt, installed, action, args).await.map_err(Failed::for_good)?;
    // The snapshot goes back before the transaction begins: whoever waits to write keeps nobody from reading.
    drop(attempt);
    let (app, scope, package) = (reading.app(), reading.scope(), &installed.package);
    apply::run(app, scope, package, action, &writes).await.map_err(Failed::of_commit)?;
    Ok(answer)
}

/// One run: the answer, checked, and what was written.
async fn call(
    reading: &Reading,
    installed: &Arc<Installed>,
    action: &Action,
    args: &[Value],
) -> Result<(Option<Answer>, Vec<Write>), AppError> {
    let plugin = installed.plugin.as_ref().ok_or(AppError::NotFound)?;
    let view = View::new(reading, installed, action.runs_as);
    let names = action.args.iter().map(|arg| arg.name.to_string()).collect();
    let input = ActionInput {
        lane: installed.lane.clone(),
        action: action.name.to_string(),
        args: tokens::object(names, args),
        ports: Ports {
            storage: Some(Arc::new(StorageOfPackage::new(&view))),
            records: Some(Arc::new(RecordsOfPackage::new(&view))),
            settings: Some(Arc::new(SettingsOfPackage::new(installed))),
        },
        now_micros: reading.now().micros(),
        limits: Limits::action(),
    };
    let report = reported(reading, installed, action.name.as_str(), plugin.act(input)).await?;
    // A plugin that passes a conflict on says what the caller has to hear: its version is old.
    if let Outcome::Declined(GuestError::Other((GuestError::CONFLICT, _))) = &report.outcome
        && let Some((expected, found)) = view.buffer.conflict()
    {
        return Err(AppError::Conflict { expected, found });
    }
    let data = answered(installed, action.name.as_str(), report)?;
    let wrong = |reason| nonsense(installed, action.name.as_str(), reason);
    let answer = match &action.returns {
        None if data.tokens.first() == Some(&Token::Null) => None,
        None => return Err(wrong("expected null: the manifest declares no answer".to_owned())),
        Some(returns) => {
            let shape = shape(&installed.package.manifest, returns).ok_or(AppError::NotFound)?;
            Some(tokens::read_one(&data, &shape).map_err(wrong)?)
        }
    };
    Ok((answer, view.buffer.take()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict() -> AppError {
        AppError::Conflict { expected: 1, found: 2 }
    }

    #[test]
    fn a_call_that_came_second_runs_three_times_in_all() {
        for second in [conflict, || AppError::NotFound, || AppError::Problems(Vec::new())] {
            let mut runs = Runs::default();
            assert!(runs.after(Failed::of_commit(second())).is_ok());
            assert!(runs.after(Failed::of_commit(second())).is_ok());
            assert!(runs.after(Failed::of_commit(second())).is_err());
        }
    }

    #[test]
    fn what_another_run_would_not_mend_is_told_at_once() {
        for failed in [AppError::Denied, AppError::BrokenReference, AppError::PluginDeclined(String::new())] {
            let code = failed.code();
            assert_eq!(Runs::default().after(Failed::of_commit(failed)).unwrap_err().code(), code);
        }
        assert!(matches!(Runs::default().after(Failed::for_good(conflict())), Err(AppError::Conflict { .. })));
    }
}
