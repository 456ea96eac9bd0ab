//! Ends sessions: one's own, or as security administrator somebody's.

use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::session;
use uuid::Uuid;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::{App, AppError};

/// Ends one session of whoever asks; a security administrator may end anybody's.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::NotFound`] for a session of somebody else, or none.
pub async fn run(app: &App, scope: &Scope, id: Uuid) -> Result<(), AppError> {
    let actor = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let found = session::find(scope, &work, id).await?;
    let may = |found: &session::Model| found.account == actor.0 || scope.actor().has(Role::SecurityAdministrator);
    found.filter(may).ok_or(AppError::NotFound)?;
    if session::end(scope, &work, (id, "revoked"), at).await? {
        trail::of_change(app, scope, &work, ("end", "session", &id.to_string()), at).await?;
        commit(app, scope, work, None).await?;
        app.rights_changed(scope.tenant()).await;
    }
    Ok(())
}

/// Ends all sessions of whoever asks but the one in which they ask; answers how many.
///
/// # Errors
/// [`AppError::Unauthenticated`].
pub async fn others(app: &App, scope: &Scope) -> Result<u64, AppError> {
    let account = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let but = scope.actor().session();
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let ended = session::end_of(scope, &work, (account, "revoked", but), at).await?;
    if ended > 0 {
        trail::of_change(app, scope, &work, ("end-all", "session", &account.to_string()), at).await?;
        commit(app, scope, work, None).await?;
        app.rights_changed(scope.tenant()).await;
    }
    Ok(ended)
}
