//! Sets the tenant's own days, and counts running deadlines again.

use sunlit_domain::calendar::{Calendar, LocalDay, Overlay};
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::calendar_day;

use super::recount;
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::{App, AppError};

/// Puts these days in the place of all that were set (全国年节及纪念日放假办法 Art. 4). Deadlines that run are counted again in
/// the same transaction; what is too much for one follows as a job.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::Denied`] for anybody but an administrator, [`AppError::Argument`] for days that
/// are not acceptable.
pub async fn run(app: &App, scope: &Scope, days: Vec<LocalDay>) -> Result<Calendar, AppError> {
    if !scope.actor().has(Role::Administrator) {
        return Err(if scope.actor().id().is_some() { AppError::Denied } else { AppError::Unauthenticated });
    }
    let overlay = Overlay::new(days).map_err(|error| AppError::Argument(error.to_string()))?;
    let calendar = Calendar::new(overlay);
    let at = app.environment.now();
    let work = begin::work(app, scope).await?;
    calendar_day::replace(scope, &work, calendar.overlay()).await?;
    trail::of_change(app, scope, &work, ("set", "calendar", &calendar.digest()), at).await?;
    recount::batch(app, scope, &work, &calendar, at).await?;
    commit(app, scope, work, None).await?;
    Ok(calendar)
}
