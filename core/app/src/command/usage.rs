//! What tenants use: written down, told of, and refused beyond what their plan gives.

pub mod flush;
pub mod tell;

use sunlit_domain::Scope;
use sunlit_domain::plan::{Feature, Quota};
use sunlit_storage::Session;

use crate::query::usage_find::level;
use crate::{App, AppError};

/// Refuses when `more` of something that a tenant has at a time would be beyond what its plan gives. To be asked in the transaction
/// that brings it, so that of two who come at once the second is counted on the first.
///
/// # Errors
/// [`AppError::QuotaExceeded`], or the database's.
pub(super) async fn room(
    app: &App,
    scope: &Scope,
    session: &Session,
    (quota, more): (Quota, u64),
) -> Result<(), AppError> {
    let plan = app.plan_for(scope.tenant()).await?;
    let Some(most) = plan.quotas.of(quota) else { return Ok(()) };
    if level(scope, session, quota).await?.saturating_add(more) > most {
        return Err(AppError::QuotaExceeded(quota));
    }
    Ok(())
}

/// Refuses what the tenant's plan does not have.
///
/// # Errors
/// [`AppError::NotInPlan`], or the database's.
pub(super) async fn has(app: &App, scope: &Scope, feature: Feature) -> Result<(), AppError> {
    let plan = app.plan_for(scope.tenant()).await?;
    if plan.features.contains(&feature) { Ok(()) } else { Err(AppError::NotInPlan(feature)) }
}
