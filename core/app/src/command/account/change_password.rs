//! Whoever knows their password chooses another.

use sunlit_domain::Scope;
use sunlit_domain::identity::password;
use sunlit_storage::tenant::identity::{account, session};

use super::{audited, own};
use crate::command::begin;
use crate::command::commit::commit;
use crate::{App, AppError};

/// Changes the password of whoever asks; every other session ends.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::InvalidCredentials`] when `old` is not the password, [`AppError::Password`].
pub async fn run(app: &App, scope: &Scope, old: &str, new: &str) -> Result<(), AppError> {
    let id = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let store = app.stores.open(scope).await?;
    let found = account::find(scope, &store.snapshot(scope).await?, id).await?.ok_or(AppError::NotFound)?;
    if !crate::command::session::sign_in::is_password(app, scope, &found, old).await? {
        return Err(AppError::InvalidCredentials);
    }
    password::check(new, &found.email, &found.name).map_err(AppError::Password)?;
    let hash = app.passwords.hash(&*app.environment, new).await?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = own(scope, &work).await?;
    if row.password != found.password {
        return Err(AppError::InvalidCredentials);
    }
    let row = account::Model { password: Some(hash), password_at: Some(at.to_string()), ..row };
    account::put(scope, &work, row).await?;
    session::end_of(scope, &work, (id, "password", scope.actor().session()), at).await?;
    audited(app, scope, &work, ("change-password", id), at).await?;
    commit(app, scope, work, None).await?;
    app.rights_changed(scope.tenant()).await;
    Ok(())
}
