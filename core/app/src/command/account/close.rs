//! Whoever has an account closes it: nothing of it is left but its id in the trail of what it did (个人信息保护法, Art. 47; 网络数据安全管理条例,
//! Art. 24).

use sunlit_domain::Scope;
use sunlit_storage::tenant::identity::{account, consent, external, role, session, ticket};

use super::{audited, keep_security, own};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::session::sign_in::is_password;
use crate::{App, AppError};

/// Closes the account of whoever asks, who says their password once more.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::InvalidCredentials`], [`AppError::Argument`] for the last security administrator.
pub async fn run(app: &App, scope: &Scope, password: &str) -> Result<(), AppError> {
    let id = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let store = app.stores.open(scope).await?;
    let found = account::find(scope, &store.snapshot(scope).await?, id).await?.ok_or(AppError::NotFound)?;
    if found.password.is_some() && !is_password(app, scope, &found, password).await? {
        return Err(AppError::InvalidCredentials);
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    own(scope, &work).await?;
    keep_security(scope, &work, id).await?;
    session::delete_of(scope, &work, id).await?;
    ticket::delete_of(scope, &work, id).await?;
    external::delete_of(scope, &work, id).await?;
    consent::delete_of(scope, &work, id).await?;
    role::delete_of(scope, &work, id).await?;
    account::delete(scope, &work, id).await?;
    audited(app, scope, &work, ("close", id), at).await?;
    commit(app, scope, work, None).await?;
    app.rights_changed(scope.tenant()).await;
    Ok(())
}
