//! Ends a key, on every node at once.

use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::api_key;
use uuid::Uuid;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::reading::require;
use crate::{App, AppError};

/// Ends the key; ending it again changes nothing.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::NotFound`].
pub async fn run(app: &App, scope: &Scope, id: Uuid) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    api_key::find(scope, &work, id).await?.ok_or(AppError::NotFound)?;
    if api_key::revoke(scope, &work, id, at).await? {
        trail::of_change(app, scope, &work, ("revoke", "api-key", &id.to_string()), at).await?;
        commit(app, scope, work, None).await?;
        app.rights_changed(scope.tenant()).await;
    }
    Ok(())
}
