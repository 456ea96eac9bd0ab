//! Goes on with a session: its refresh token is spent for the next one. A token that is shown a second time has been stolen, by whoever
//! shows it now or before: then the session ends (RFC 9700, §4.14.2).

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::session::Lifetime;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::tenant::identity::{account, role, session};

use super::{Opened, REFRESH_PREFIX};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::identity::principal::instant;
use crate::identity::secret::Token;
use crate::{App, AppError};

/// Spends a refresh token of the scope's tenant.
///
/// # Errors
/// [`AppError::Unauthenticated`] for a token that is none, was spent, or whose session has ended.
pub async fn run(app: &App, authority: &ScopeAuthority, scope: &Scope, text: &str) -> Result<Opened, AppError> {
    let shown = Token::read(REFRESH_PREFIX, text).ok_or(AppError::Unauthenticated)?;
    let store = app.stores.open(scope).await?;
    // Nobody's writer is taken for a token of nothing.
    let known = session::find(scope, &store.snapshot(scope).await?, shown.id).await?;
    let owner = ActorId(known.filter(|known| known.ended_at.is_none()).ok_or(AppError::Unauthenticated)?.account);
    let at = app.environment.now();
    let scope = authority.scope(scope.tenant(), Actor::known(owner, Vec::new()));
    let work = begin::administer(app, &scope).await?;
    let found = session::find(&scope, &work, shown.id).await?.filter(|found| found.ended_at.is_none());
    let found = found.ok_or(AppError::Unauthenticated)?;
    if !shown.is(&found.refresh_hash) {
        session::end(&scope, &work, (shown.id, "reused"), at).await?;
        trail::of_change(app, &scope, &work, ("reuse", "session", &shown.id.to_string()), at).await?;
        commit(app, &scope, work, None).await?;
        app.rights_changed(scope.tenant()).await;
        tracing::warn!(tenant.id = %scope.tenant(), session.id = %shown.id, "a refresh token was shown again: its session is ended");
        return Err(AppError::Unauthenticated);
    }
    let row = account::find(&scope, &work, owner).await?.filter(|row| row.state == account::ACTIVE);
    let row = row.ok_or(AppError::Unauthenticated)?;
    let roles = role::of(&scope, &work, owner).await?;
    let lifetime = Lifetime::of(&roles);
    let began = instant(&found.began_at)?;
    if lifetime.until(began, instant(&found.used_at)?) <= at {
        return Err(AppError::Unauthenticated);
    }
    let next = Token::new(&*app.environment, shown.id);
    session::refresh(&scope, &work, (shown.id, &next.digest()), at).await?;
    commit(app, &scope, work, None).await?;
    let (until, refresh_token) = (lifetime.until(began, at), next.text(REFRESH_PREFIX));
    Ok(Opened { id: shown.id, account: owner, name: row.name, roles, refresh_token, until })
}
