//! Ends the session of whoever shows its refresh token.

use sunlit_domain::id::ActorId;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::tenant::identity::session;

use super::REFRESH_PREFIX;
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::identity::secret::Token;
use crate::{App, AppError};

/// Ends the session. A token that is none, or was spent, ends nothing, and nobody is told so.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, authority: &ScopeAuthority, scope: &Scope, text: &str) -> Result<(), AppError> {
    let Some(shown) = Token::read(REFRESH_PREFIX, text) else { return Ok(()) };
    let store = app.stores.open(scope).await?;
    let found = session::find(scope, &store.snapshot(scope).await?, shown.id).await?;
    let Some(found) = found.filter(|found| shown.is(&found.refresh_hash)) else { return Ok(()) };
    let at = app.environment.now();
    let scope = authority.scope(scope.tenant(), Actor::known(ActorId(found.account), Vec::new()));
    let work = begin::administer(app, &scope).await?;
    if session::end(&scope, &work, (shown.id, "signed-out"), at).await? {
        trail::of_change(app, &scope, &work, ("sign-out", "session", &shown.id.to_string()), at).await?;
        commit(app, &scope, work, None).await?;
        app.identity_changed().await;
    }
    Ok(())
}
