//! What a credential is good for now: whose session or key it is, and which roles its owner has. Remembered for half a minute, and
//! forgotten at once, on every node, when somebody changes it.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_domain::identity::session::Lifetime;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Role, Scope};
use sunlit_storage::tenant::identity::{account, api_key, role, session};
use uuid::Uuid;

use super::secret::Token;
use crate::{App, AppError};

/// What a key's text begins with.
pub const KEY_PREFIX: &str = "slk_";
/// How long what was found is remembered.
const FRESH: Duration = Duration::from_secs(30);
/// How many credentials are remembered.
const MAX_PRINCIPALS: u64 = 100_000;

/// Whoever a credential speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who acts, with the roles of now.
    pub actor: Actor,
    /// Until when, if nothing changes.
    pub until: Timestamp,
}

/// What is known of credentials: the principal, and of keys the digest of their secret.
type Known = Option<Arc<(Principal, Option<String>)>>;

/// Principals by tenant and the id of their session or key.
#[derive(Debug)]
pub(crate) struct Principals(Cache<(TenantId, Uuid, u64), Known>);

impl Principals {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(MAX_PRINCIPALS).time_to_live(FRESH).build())
    }
}

/// Whoever holds the session of that id, at the scope's tenant; none when it has ended, or its account may not sign in.
///
/// # Errors
/// The database's.
pub async fn of_session(app: &App, scope: &Scope, id: Uuid) -> Result<Option<Principal>, AppError> {
    let known = remembered(app, scope, id, async { find_session(app, scope, id).await }).await?;
    Ok(known.map(|known| known.0.clone()).filter(|principal| app.environment.now() < principal.until))
}

/// Whoever holds this key, at the scope's tenant; none when it is none, or no longer good.
///
/// # Errors
/// The database's.
pub async fn of_key(app: &App, scope: &Scope, text: &str) -> Result<Option<Principal>, AppError> {
    let Some(token) = Token::read(KEY_PREFIX, text) else { return Ok(None) };
    let known = remembered(app, scope, token.id, async { find_key(app, scope, token.id).await }).await?;
    let is_its = |known: &Arc<(Principal, Option<String>)>| known.1.as_deref().is_some_and(|digest| token.is(digest));
    let found = known.filter(is_its).map(|known| known.0.clone());
    Ok(found.filter(|principal| app.environment.now() < principal.until))
}

async fn remembered(
    app: &App,
    scope: &Scope,
    id: Uuid,
    find: impl Future<Output = Result<Known, AppError>>,
) -> Result<Known, AppError> {
    let key = (scope.tenant(), id, app.identity_generation());
    app.principals.0.try_get_with(key, find).await.map_err(AppError::Shared)
}

async fn find_session(app: &App, scope: &Scope, id: Uuid) -> Result<Known, AppError> {
    let store = app.stores.open(scope).await?;
    let snapshot = store.snapshot(scope).await?;
    let Some(found) = session::find(scope, &snapshot, id).await? else { return Ok(None) };
    let owner = ActorId(found.account);
    let account = account::find(scope, &snapshot, owner).await?;
    if found.ended_at.is_some() || account.is_none_or(|account| account.state != account::ACTIVE) {
        return Ok(None);
    }
    let roles = role::of(scope, &snapshot, owner).await?;
    let until = Lifetime::of(&roles).until(instant(&found.began_at)?, instant(&found.used_at)?);
    Ok(Some(Arc::new((Principal { actor: Actor::known(owner, roles), until }, None))))
}

async fn find_key(app: &App, scope: &Scope, id: Uuid) -> Result<Known, AppError> {
    let store = app.stores.open(scope).await?;
    let snapshot = store.snapshot(scope).await?;
    let found = api_key::find(scope, &snapshot, id).await?;
    let Some(found) = found.filter(|found| found.revoked_at.is_none()) else { return Ok(None) };
    let roles = found.roles.split_whitespace().filter_map(Role::named).collect();
    // What cannot be read opens nothing.
    let Ok(bounds) = serde_json::from_str::<KeyScope>(&found.scope) else { return Ok(None) };
    let actor = Actor::known(ActorId(id), roles).within(bounds);
    Ok(Some(Arc::new((Principal { actor, until: instant(&found.expires_at)? }, Some(found.hash)))))
}

/// An instant as it is stored.
pub(crate) fn instant(text: &str) -> Result<Timestamp, AppError> {
    text.parse().map_err(|_| AppError::Storage(sunlit_storage::StorageError::Corrupt("at".to_owned())))
}
