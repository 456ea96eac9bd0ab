//! Lets a tenant serve, makes it read-only, or suspends it. What it has stays as it is.

use sunlit_domain::Scope;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant::state;

use crate::command::commit::commit;
use crate::command::trail;
use crate::nodes::Said;
use crate::{App, AppError};

/// Puts the scope's tenant into `state`. Jobs that are due meanwhile are done when it serves again.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope, state: TenantState) -> Result<(), AppError> {
    let at = app.environment.now();
    let work = app.stores.open(scope).await?.work(scope).await?;
    trail::of_change(app, scope, &work, (state.name(), "tenant", "state"), at).await?;
    state::put(&app.platform, scope.tenant(), state, at).await?;
    commit(app, scope, work, None).await?;
    app.directory.forget();
    app.say(Said::Tenants).await;
    app.ring();
    Ok(())
}
