//! Ends a subscription: read-only at once, so that what is there can be taken along, and suspended after some days. Until then it can
//! be taken up again.

use std::time::Duration;

use sunlit_domain::Scope;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;
use sunlit_storage::platform::tenant;

use super::set_state;
use crate::command::only_administrators;
use crate::{App, AppError};

/// Days from the cancelling to the end, unless somebody says otherwise.
pub const DAYS: u32 = 30;
/// How many they may be.
pub const MAX_DAYS: u32 = 366;

/// Makes the scope's tenant read-only, to be suspended in so many days; answers when.
///
/// # Errors
/// [`AppError::Denied`] for anybody but an administrator, [`AppError::Argument`] for a number of days that is not acceptable,
/// [`AppError::Suspended`] where it has ended already, and those of [`set_state::run`].
pub async fn run(app: &App, scope: &Scope, days: u32) -> Result<Timestamp, AppError> {
    only_administrators(scope)?;
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(AppError::Argument(format!("choose 1 to {MAX_DAYS} days")));
    }
    if state(app, scope).await? == TenantState::Suspended {
        return Err(AppError::Suspended);
    }
    let ends_at = app.environment.now().plus(Duration::from_secs(u64::from(days) * 24 * 3600));
    set_state::change(app, scope, TenantState::ReadOnly, Some(Some(ends_at)), "cancel").await?;
    Ok(ends_at)
}

/// Takes a subscription up again that was cancelled and has not ended.
///
/// # Errors
/// [`AppError::Denied`] for anybody but an administrator, [`AppError::Argument`] where nothing was cancelled, and those of
/// [`set_state::run`].
pub async fn resume(app: &App, scope: &Scope) -> Result<(), AppError> {
    only_administrators(scope)?;
    let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
    match (tenant.ends_at, tenant.state) {
        (_, TenantState::Suspended) => Err(AppError::Suspended),
        (None, _) => Err(AppError::Argument("the subscription was not cancelled".to_owned())),
        (Some(_), _) => set_state::change(app, scope, TenantState::Active, Some(None), "resume").await,
    }
}

/// Suspends the scope's tenant when its days are over; answers whether they are.
///
/// # Errors
/// Those of [`set_state::run`].
pub async fn end(app: &App, scope: &Scope) -> Result<bool, AppError> {
    let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
    let is_over = tenant.ends_at.is_some_and(|ends_at| ends_at <= app.environment.now());
    if !is_over || tenant.state == TenantState::Suspended {
        return Ok(false);
    }
    set_state::change(app, scope, TenantState::Suspended, None, TenantState::Suspended.name()).await?;
    Ok(true)
}

async fn state(app: &App, scope: &Scope) -> Result<TenantState, AppError> {
    Ok(tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?.state)
}
