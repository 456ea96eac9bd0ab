//! The beginning of every command: the tenant's one writing transaction.

use sunlit_domain::Scope;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::Work;
use sunlit_storage::platform::tenant::state;

use crate::{App, AppError};

/// A writing transaction for what people and jobs do in a tenant. Its state is asked once the writer is taken, so that nothing
/// changes any more when [`super::tenant::set_state`] has ended.
///
/// # Errors
/// [`AppError::ReadOnly`] and [`AppError::Suspended`], and when the writer does not come free in time.
pub(super) async fn work(app: &App, scope: &Scope) -> Result<Work, AppError> {
    let work = administer(app, scope).await?;
    may_change(app, scope).await?;
    Ok(work)
}

/// A writing transaction for whoever keeps a tenant, whatever its state: its packages, settings and state, and the keeping of
/// leases.
///
/// # Errors
/// [`AppError::Denied`] for a key that is for reading only, and when the writer does not come free in time.
pub(super) async fn administer(app: &App, scope: &Scope) -> Result<Work, AppError> {
    if scope.actor().key_scope().read_only {
        return Err(AppError::Denied);
    }
    Ok(app.stores.open(scope).await?.work(scope).await?)
}

/// Refuses what would change something in a tenant that does not simply serve: to be asked before much is taken in for it.
///
/// # Errors
/// [`AppError::ReadOnly`], [`AppError::Suspended`].
pub(super) async fn may_change(app: &App, scope: &Scope) -> Result<(), AppError> {
    match state::of(&app.platform, scope.tenant()).await? {
        TenantState::Active => Ok(()),
        TenantState::ReadOnly => Err(AppError::ReadOnly),
        TenantState::Suspended => Err(AppError::Suspended),
    }
}
