//! Gives a tenant another plan.

use std::sync::Arc;

use sunlit_domain::Scope;
use sunlit_domain::id::PlanId;
use sunlit_domain::plan::{Plan, Quota};
use sunlit_storage::platform::tenant;
use sunlit_storage::platform::tenant::plan::{self, Subscribed};

use crate::command::commit::commit;
use crate::command::{begin, only_administrators, trail};
use crate::nodes::Said;
use crate::query::usage_find::level;
use crate::{App, AppError};

/// Gives the scope's tenant the plan, from now on.
///
/// # Errors
/// [`AppError::Denied`] for anybody but an administrator, [`AppError::Argument`] for a plan that is not there,
/// [`AppError::PlanTooSmall`] when the tenant has more than it gives, or the database's.
pub async fn run(app: &App, scope: &Scope, id: &PlanId) -> Result<Arc<Plan>, AppError> {
    only_administrators(scope)?;
    let plan = app.plans.get(id).cloned().ok_or_else(|| {
        let known: Vec<&str> = app.plans.all().map(|plan| plan.id.as_str()).collect();
        AppError::Argument(format!("there is no plan {id}: choose one of {}", known.join(", ")))
    })?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
    for quota in Quota::ALL {
        let used = level(scope, &work, quota).await?;
        if let Some(most) = plan.quotas.of(quota).filter(|most| used > *most) {
            return Err(AppError::PlanTooSmall { quota, used, most });
        }
    }
    trail::of_change(app, scope, &work, ("set-plan", "tenant", id.as_str()), at).await?;
    let before = Subscribed { plan: tenant.plan.clone(), ends_at: tenant.ends_at };
    let subscribed = Subscribed { plan: Some(id.clone()), ends_at: tenant.ends_at };
    plan::put(&app.platform, scope.tenant(), &subscribed, at).await?;
    if let Err(error) = commit(app, scope, work, None).await {
        plan::put(&app.platform, scope.tenant(), &before, at).await?;
        return Err(error);
    }
    app.directory.forget();
    app.say(Said::Tenants).await;
    app.ring();
    Ok(plan)
}

/// As [`run`], for the tenant's own administrators: among the plans that are offered.
///
/// # Errors
/// As [`run`]; a plan that is not offered is none.
pub async fn choose(app: &App, scope: &Scope, id: &str) -> Result<Arc<Plan>, AppError> {
    only_administrators(scope)?;
    let Some(plan) = app.plans.offered().find(|plan| plan.id == *id) else {
        let offered: Vec<&str> = app.plans.offered().map(|plan| plan.id.as_str()).collect();
        return Err(AppError::Argument(format!("this plan is not offered: choose one of {}", offered.join(", "))));
    };
    run(app, scope, &plan.id).await
}
