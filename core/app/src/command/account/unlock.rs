//! Lets somebody try again whose account is locked by wrong answers.

use sunlit_domain::id::ActorId;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::account;

use super::audited;
use crate::command::begin;
use crate::command::commit::commit;
use crate::reading::require;
use crate::{App, AppError};

/// Unlocks the account.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::NotFound`].
pub async fn run(app: &App, scope: &Scope, id: ActorId) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = super::of(scope, &work, id).await?;
    account::put(scope, &work, account::Model { failures: 0, locked_until: None, ..row }).await?;
    audited(app, scope, &work, ("unlock", id), at).await?;
    commit(app, scope, work, None).await
}
