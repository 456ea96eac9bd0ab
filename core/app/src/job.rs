//! Jobs: what happens later, or by itself. A job is a row of the tenant's outbox, written in the transaction of the command
//! that wants it; a [`Worker`] leases it and runs what its kind stands for.
//!
//! A job may be run more than once: its worker may die, or be so slow that its lease ends. Therefore each kind keeps one of
//! two promises (invariant 6):
//!
//! - *Exactly once*: what it writes is one command, which also ends the job in the same transaction
//!   (`outbox::finish`). The second of two runs finds the job ended, and all that it wrote is undone. Such a kind answers
//!   [`Ran::Ended`].
//! - *At least once*: what it does lies outside the store, such as a message that is sent. It does it under an id of the job
//!   that the receiver knows again, and answers [`Ran::Done`]; then the worker ends the job.
//!
//! A new kind is a file in `job/` and an arm of [`run`].

mod deadline;
mod fire;
mod mail;
mod recount;
mod schedule;
mod usage_mail;
mod worker;

use std::sync::Arc;

use sunlit_domain::Scope;
use sunlit_storage::StorageError;
use sunlit_storage::tenant::outbox::Claimed;

pub(crate) use mail::MAIL;
pub(crate) use usage_mail::USAGE_MAIL;
pub use worker::{Pace, Running, Worker};

use crate::command::calendar::recount::RECOUNT;
use crate::command::deadline::TIMER;
use crate::command::schedule::{FIRE, TICK};
use crate::{App, AppError, Package, TenantContext};

/// Why a job did not do its work.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// It may succeed later: it is tried again, later each time, at most ten times.
    #[error("to be tried again: {0}")]
    Retry(String),
    /// It never will: it is given up at once.
    #[error("given up: {0}")]
    Fail(String),
}

impl From<AppError> for JobError {
    /// What another moment may mend is tried again; what the job asks for wrongly is not.
    fn from(error: AppError) -> Self {
        match error {
            AppError::Conflict { .. }
            | AppError::Moved(_)
            | AppError::ReadOnly
            | AppError::Suspended
            | AppError::Mail(_)
            | AppError::Storage(_)
            | AppError::Shared(_)
            | AppError::PluginFailed { .. } => Self::Retry(error.to_string()),
            other => Self::Fail(other.to_string()),
        }
    }
}

/// How a job came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ran {
    /// Its own transaction has ended it.
    Ended,
    /// Its work is done, and the worker is to end it.
    Done,
}

/// Runs a job: the one list of all kinds.
///
/// # Errors
/// [`JobError`].
pub async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    match job.kind.as_str() {
        TICK => schedule::run(app, scope, job).await,
        FIRE => fire::run(app, scope, job).await,
        TIMER => deadline::run(app, scope, job).await,
        MAIL => mail::run(app, scope, job).await,
        USAGE_MAIL => usage_mail::run(app, scope, job).await,
        RECOUNT => recount::run(app, scope, job).await,
        unknown => Err(JobError::Fail(format!("no job is called `{unknown}`: it needs another version of Sunlit"))),
    }
}

/// The package that a job is of; none when it is not enabled any more.
///
/// # Errors
/// [`JobError::Retry`] when it is enabled and does not load: what the job would do is not given up for that.
fn package_of<'c>(context: &'c TenantContext, id: &str) -> Result<Option<&'c Package>, JobError> {
    if context.broken.iter().any(|broken| broken == id) {
        return Err(JobError::Retry(format!("the package {id} does not load: see the log")));
    }
    Ok(context.package(id).ok().map(|installed| &*installed.package))
}

/// Whether a failure means that the job is no longer this worker's: then there is nothing to be done about it.
fn is_lost(error: &AppError) -> bool {
    matches!(error, AppError::Storage(StorageError::LeaseLost))
}
