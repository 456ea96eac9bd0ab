//! Schedules of packages.
//!
//! A schedule waits as one job of kind [`TICK`], whose payload says for which instant. When it is due, one transaction marks
//! it done, writes the job of kind [`FIRE`] for that instant, and writes the next tick, which is after now: so each instant
//! fires once, however many workers there are, and instants that were missed fire once together. What the schedule does is
//! the other job's, so that its failure never stops the clock.

pub(super) mod align;
pub mod fire;
pub mod run_now;
pub mod tick;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sunlit_domain::Scope;
use sunlit_domain::manifest::Schedule;
use sunlit_domain::value::Timestamp;
use sunlit_storage::Work;
use sunlit_storage::tenant::outbox::{self, Claimed, Job};

use crate::{App, AppError};

/// The kind of job that waits for a schedule's next instant. Its key is `<package>.<schedule>`.
pub const TICK: &str = "schedule";
/// The kind of job that does what a schedule says. Its key is `<package>.<schedule>@<instant>`.
pub const FIRE: &str = "fire";

/// What both kinds of job have to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Firing {
    /// The package's id.
    pub(crate) package: String,
    /// The schedule's name.
    pub(crate) schedule: String,
    /// The expression that the instant came of; none when somebody asked for it.
    pub(crate) cron: Option<String>,
    /// For which instant, RFC 3339.
    pub(crate) instant: String,
}

impl Firing {
    fn at(package: &str, schedule: &Schedule, instant: Timestamp) -> Self {
        Self {
            package: package.to_owned(),
            schedule: schedule.name.to_string(),
            cron: Some(schedule.cron.clone()),
            instant: instant.to_string(),
        }
    }

    /// What a claimed job's payload says.
    pub(crate) fn of(job: &Claimed) -> Result<Self, AppError> {
        serde_json::from_value(job.payload.clone())
            .map_err(|error| AppError::Argument(format!("the payload is no firing of a schedule: {error}")))
    }

    fn name(&self) -> String {
        format!("{}.{}", self.package, self.schedule)
    }

    fn instant(&self) -> Result<Timestamp, AppError> {
        self.instant.parse().map_err(|_| AppError::Argument("the payload names no instant".to_owned()))
    }

    fn payload(&self) -> Result<Json, AppError> {
        serde_json::to_value(self).map_err(|error| AppError::Argument(error.to_string()))
    }
}

/// Writes the tick of a schedule's first instant after `after`; the one that waits is replaced.
async fn wait_for_next(
    app: &App,
    scope: &Scope,
    work: &Work,
    (package, schedule): (&str, &Schedule),
    after: Timestamp,
) -> Result<(), AppError> {
    let Some(instant) = schedule.next_after(after) else { return Ok(()) };
    let firing = Firing::at(package, schedule, instant);
    let job = Job {
        id: app.environment.new_id(),
        kind: TICK,
        key: firing.name(),
        due_at: instant,
        payload: firing.payload()?,
    };
    Ok(outbox::schedule(scope, work, job).await?)
}
