//! Somebody asks for what a schedule does, now or at a time of their choice; its own instants stay.

use std::time::Duration;

use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::outbox::{self, Job};
use uuid::Uuid;

use super::{FIRE, Firing};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::reading::require;
use crate::{App, AppError, Package};

/// How far ahead one may ask.
const FARTHEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// Whether the scope's actor may: to be asked before anything is looked up for them.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] for whoever is no administrator.
pub fn may(scope: &Scope) -> Result<(), AppError> {
    require(scope, Role::Administrator)
}

/// Schedules it; answers the job's id.
///
/// # Errors
/// [`AppError::Denied`] for whoever is no administrator, [`AppError::NotFound`] when the package has no such schedule,
/// [`AppError::Argument`] when the time is more than 30 days ahead.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    name: &str,
    at: Option<Timestamp>,
) -> Result<Uuid, AppError> {
    may(scope)?;
    let schedule = package.manifest.schedule(name).ok_or(AppError::NotFound)?;
    let now = app.environment.now();
    let due_at = at.unwrap_or(now).max(now);
    if due_at > now.plus(FARTHEST) {
        return Err(AppError::Argument(
            "a schedule can be run at most 30 days ahead: choose an earlier time".to_owned(),
        ));
    }
    let id = app.environment.new_id();
    let firing = Firing { cron: None, ..Firing::at(package.id(), schedule, due_at) };
    let work = begin::work(app, scope).await?;
    let key = format!("{}@{id}", firing.name());
    outbox::schedule(scope, &work, Job { id, kind: FIRE, key, due_at, payload: firing.payload()? }).await?;
    trail::of_change(app, scope, &work, ("run", "schedule", &firing.name()), now).await?;
    commit(app, scope, work, None).await?;
    Ok(id)
}
