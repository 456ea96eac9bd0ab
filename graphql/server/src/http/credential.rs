//! What an `Authorization` value is good for now: the access token of a session that goes on, an operator's token, or a key.

use sunlit_app::AppError;
use sunlit_app::identity::principal::{self, KEY_PREFIX, Principal};
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Role, Scope};

use crate::state::State;
use crate::token::TokenError;

/// A good credential.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) scope: Scope,
    /// Until when it is good.
    pub(super) until: Timestamp,
}

/// Whom the credential speaks for at this tenant, or a refusal: never a silent fall-back to the anonymous actor.
///
/// # Errors
/// [`AppError::Unauthenticated`], or the database's.
pub(super) async fn check(state: &State, tenant: TenantId, authorization: &str) -> Result<Credential, AppError> {
    let text = authorization.strip_prefix("Bearer ").ok_or(AppError::Unauthenticated)?.trim();
    let anonymous = state.authority.scope(tenant, Actor::anonymous());
    if text.starts_with(KEY_PREFIX) {
        let found = principal::of_key(&state.app, &anonymous, text).await?;
        let Principal { actor, until } = found.ok_or(AppError::Unauthenticated)?;
        return Ok(Credential { scope: state.authority.scope(tenant, actor), until });
    }
    let accepted = match state.tokens.check(text, tenant) {
        // Another node may have begun to sign with another key.
        Err(TokenError::OtherKey) => {
            state.renew_token_keys().await;
            state.tokens.check(text, tenant)
        }
        checked => checked,
    };
    let accepted = accepted.map_err(|error| {
        tracing::info!(%error, "a token was refused");
        AppError::Unauthenticated
    })?;
    let Some(session) = accepted.session else {
        let scope = state.authority.scope(tenant, accepted.actor);
        return Ok(Credential { scope, until: accepted.until });
    };
    let found = principal::of_session(&state.app, &anonymous, session).await?.ok_or(AppError::Unauthenticated)?;
    let actor = narrowed(&accepted.actor, &found.actor).ok_or(AppError::Unauthenticated)?;
    let actor = actor.in_session(session);
    let until = accepted.until.min(found.until);
    Ok(Credential { scope: state.authority.scope(tenant, actor), until })
}

/// The actor with the roles that both the token and the account have: a role that was taken is gone at once, and one that was given
/// comes with the next token. None when they are two people.
fn narrowed(token: &Actor, account: &Actor) -> Option<Actor> {
    let id = account.id().filter(|id| token.id() == Some(*id))?;
    let roles: Vec<Role> = token.roles().iter().copied().filter(|role| account.has(*role)).collect();
    Some(Actor::known(id, roles))
}

#[cfg(test)]
mod tests {
    use sunlit_domain::id::ActorId;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_is_never_good_for_more_than_its_account_or_itself() {
        let one = ActorId(Uuid::from_u128(1));
        let token = Actor::known(one, vec![Role::Editor, Role::Reviewer]);
        let account = Actor::known(one, vec![Role::Reviewer, Role::Auditor]);
        assert_eq!(narrowed(&token, &account).unwrap().roles(), [Role::Public, Role::Reviewer]);
        assert!(narrowed(&Actor::known(ActorId(Uuid::from_u128(2)), vec![]), &account).is_none());
        assert!(narrowed(&Actor::anonymous(), &Actor::anonymous()).is_none());
    }
}
