//! Whose session a refresh token keeps up, without spending it: for pages that only show who is signed in.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::session::Lifetime;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::{account, role, session};

use crate::command::session::REFRESH_PREFIX;
use crate::identity::principal::instant;
use crate::identity::secret::Token;
use crate::{App, AppError};

/// Whoever is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The account.
    pub account: ActorId,
    /// Its address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they may do.
    pub roles: Vec<Role>,
    /// How many sessions of theirs go on.
    pub sessions: usize,
}

/// Who is signed in by this refresh token at the scope's tenant; none when nobody is.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope, text: &str) -> Result<Option<Owner>, AppError> {
    let Some(shown) = Token::read(REFRESH_PREFIX, text) else { return Ok(None) };
    let store = app.stores.open(scope).await?;
    let snapshot = store.snapshot(scope).await?;
    let found = session::find(scope, &snapshot, shown.id).await?;
    let found = found.filter(|found| found.ended_at.is_none() && shown.is(&found.refresh_hash));
    let Some(found) = found else { return Ok(None) };
    let id = ActorId(found.account);
    let row = account::find(scope, &snapshot, id).await?.filter(|row| row.state == account::ACTIVE);
    let Some(row) = row else { return Ok(None) };
    let roles = role::of(scope, &snapshot, id).await?;
    let (lifetime, now) = (Lifetime::of(&roles), app.environment.now());
    if lifetime.until(instant(&found.began_at)?, instant(&found.used_at)?) <= now {
        return Ok(None);
    }
    let mut sessions = 0;
    for other in session::of(scope, &snapshot, id, 100).await? {
        sessions += usize::from(now < lifetime.until(instant(&other.began_at)?, instant(&other.used_at)?));
    }
    Ok(Some(Owner { account: id, email: row.email, name: row.name, roles, sessions }))
}
