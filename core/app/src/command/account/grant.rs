//! Gives an account a role.

use sunlit_domain::id::ActorId;
use sunlit_domain::{Role, Scope};
use sunlit_storage::StorageError;
use sunlit_storage::tenant::identity::role;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::reading::require;
use crate::{App, AppError};

/// Gives `role` to the account; giving it again changes nothing.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, and for one who means themselves; [`AppError::NotFound`],
/// [`AppError::SeparatedDuties`].
pub async fn run(app: &App, scope: &Scope, id: ActorId, given: Role) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    // Nobody gives themselves rights.
    if scope.actor().id() == Some(id) {
        return Err(AppError::Denied);
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    super::of(scope, &work, id).await?;
    let mut roles = role::of(scope, &work, id).await?;
    if roles.contains(&given) {
        return Ok(());
    }
    roles.push(given);
    super::invite::check(&roles)?;
    role::grant(scope, &work, (id, given), at).await.map_err(|error| match error {
        // The index of the database is the second wall.
        StorageError::NotUnique { .. } => AppError::SeparatedDuties(given, given),
        other => other.into(),
    })?;
    trail::of_change(app, scope, &work, ("grant", "role", &format!("{id} {}", given.name())), at).await?;
    commit(app, scope, work, None).await?;
    app.rights_changed(scope.tenant()).await;
    Ok(())
}
