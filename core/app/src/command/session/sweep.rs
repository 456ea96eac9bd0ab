//! Removes what nobody can use any more: sessions half a year after their last use, and tickets that have lapsed.

use std::time::Duration;

use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::identity::{session, ticket};

use crate::command::begin;
use crate::command::commit::commit;
use crate::{App, AppError};

/// How long sessions are kept (网络安全法: 网络日志留存不少于六个月).
const KEPT: Duration = Duration::from_hours(24 * 190);

/// Sweeps the scope's tenant.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope) -> Result<(), AppError> {
    let now = app.environment.now();
    let before = |kept: Duration| {
        let kept = i64::try_from(kept.as_micros()).unwrap_or(i64::MAX);
        Timestamp::from_micros(now.micros().saturating_sub(kept)).unwrap_or(now)
    };
    let work = begin::work(app, scope).await?;
    session::sweep(scope, &work, before(KEPT)).await?;
    ticket::sweep(scope, &work, now).await?;
    commit(app, scope, work, None).await
}
