//! Lets a tenant serve, makes it read-only, or suspends it. What it has stays as it is.

use sunlit_domain::Scope;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant::{self, staging, state};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::nodes::Said;
use crate::{App, AppError};

/// Puts the scope's tenant into `state`. Nothing in it changes any more when this has ended, unless it is to serve; jobs that
/// are due meanwhile are done when it serves again. Another process that serves files goes on to show a suspended tenant
/// for as long as it remembers who the tenants are.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Life`] of a tenant that is being erased, or the database's. The state is the platform's and the trail the tenant's: when only the second cannot be written, the state is
/// put back.
pub async fn run(app: &App, scope: &Scope, state: TenantState) -> Result<(), AppError> {
    let at = app.environment.now();
    // While the writer is taken, nobody else writes: whoever comes after it sees the state.
    let work = begin::administer(app, scope).await?;
    if tenant::by_id(&app.platform, scope.tenant()).await?.is_none() {
        return Err(AppError::NotFound);
    }
    let staged = staging::of(&app.platform, scope.tenant()).await?;
    if staged.is_some_and(|staged| staged.what == staging::ERASE) {
        return Err(AppError::Life(
            "the tenant is being erased: run `sunlit tenant erase` again until it has ended".to_owned(),
        ));
    }
    let before = state::of(&app.platform, scope.tenant()).await?;
    trail::of_change(app, scope, &work, (state.name(), "tenant", "state"), at).await?;
    state::put(&app.platform, scope.tenant(), state, at).await?;
    if let Err(error) = commit(app, scope, work, None).await {
        state::put(&app.platform, scope.tenant(), before, at).await?;
        return Err(error);
    }
    app.directory.forget();
    app.changes.end(scope.tenant());
    app.say(Said::State(scope.tenant())).await;
    app.ring();
    Ok(())
}
