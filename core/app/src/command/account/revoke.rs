//! Takes a role from an account. It is gone from every session at once.

use sunlit_domain::id::ActorId;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::role;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::reading::require;
use crate::{App, AppError};

/// Takes `role` from the account; taking what it does not have changes nothing.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::NotFound`], [`AppError::Argument`] for the last
/// security administrator.
pub async fn run(app: &App, scope: &Scope, id: ActorId, taken: Role) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    super::of(scope, &work, id).await?;
    if taken == Role::SecurityAdministrator {
        super::keep_security(scope, &work, id).await?;
    }
    if !role::revoke(scope, &work, id, taken).await? {
        return Ok(());
    }
    trail::of_change(app, scope, &work, ("revoke", "role", &format!("{id} {}", taken.name())), at).await?;
    commit(app, scope, work, None).await?;
    app.rights_changed(scope.tenant()).await;
    Ok(())
}
