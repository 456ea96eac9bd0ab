//! Lets a tenant serve, makes it read-only, or suspends it. What it has stays as it is.

use sunlit_domain::Scope;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;
use sunlit_storage::platform::tenant::plan::{self, Subscribed};
use sunlit_storage::platform::tenant::{self, staging, state};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::nodes::Said;
use crate::{App, AppError};

/// Puts the scope's tenant into `state`; one that serves again is no longer about to end. Nothing in it changes any more when this has ended, unless it is to serve; jobs that
/// are due meanwhile are done when it serves again. Another process that serves files goes on to show a suspended tenant
/// for as long as it remembers who the tenants are.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Life`] of a tenant that is being erased, or the database's. The state is the platform's and the trail the tenant's: when only the second cannot be written, the state is
/// put back.
pub async fn run(app: &App, scope: &Scope, state: TenantState) -> Result<(), AppError> {
    let ends_at = (state == TenantState::Active).then_some(None);
    change(app, scope, state, ends_at, state.name()).await
}

/// As [`run`], with when the subscription ends, where that changes, and what stands in the trail.
pub(super) async fn change(
    app: &App,
    scope: &Scope,
    state: TenantState,
    ends_at: Option<Option<Timestamp>>,
    action: &'static str,
) -> Result<(), AppError> {
    let at = app.environment.now();
    // While the writer is taken, nobody else writes: whoever comes after it sees the state.
    let work = begin::administer(app, scope).await?;
    let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
    let staged = staging::of(&app.platform, scope.tenant()).await?;
    if staged.is_some_and(|staged| staged.what == staging::ERASE) {
        return Err(AppError::Life(
            "the tenant is being erased: run `sunlit tenant erase` again until it has ended".to_owned(),
        ));
    }
    let before = state::of(&app.platform, scope.tenant()).await?;
    trail::of_change(app, scope, &work, (action, "tenant", "state"), at).await?;
    state::put(&app.platform, scope.tenant(), state, at).await?;
    let (was, is) = (tenant.ends_at, ends_at.unwrap_or(tenant.ends_at));
    let subscribed = |ends_at| Subscribed { plan: tenant.plan.clone(), ends_at };
    if was != is {
        plan::put(&app.platform, scope.tenant(), &subscribed(is), at).await?;
    }
    if let Err(error) = commit(app, scope, work, None).await {
        if was != is {
            plan::put(&app.platform, scope.tenant(), &subscribed(was), at).await?;
        }
        state::put(&app.platform, scope.tenant(), before, at).await?;
        return Err(error);
    }
    app.directory.forget();
    app.changes.end(scope.tenant());
    app.say(Said::State(scope.tenant())).await;
    app.ring();
    Ok(())
}
