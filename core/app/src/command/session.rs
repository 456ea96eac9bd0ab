//! Signing in and out. A session is begun by a password or by a provider's word, lasts as long as
//! `sunlit_domain::identity::session` says, and is kept up by refresh tokens of which each is good once.

pub mod end;
pub mod refresh;
pub mod sign_in;
pub mod sign_in_external;
pub mod sign_out;
pub mod sweep;

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::session::Lifetime;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::Work;
use sunlit_storage::tenant::identity::account::Model as Account;
use sunlit_storage::tenant::identity::{account, role, session};
use uuid::Uuid;

use super::trail;
use crate::identity::authenticator::Enrolment;
use crate::identity::secret::Token;
use crate::{App, AppError};

/// What a refresh token begins with.
pub(crate) const REFRESH_PREFIX: &str = "slr_";
/// Characters that are kept of what a browser says it is.
const MAX_AGENT: usize = 200;

/// With what somebody signs in.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client<'a> {
    /// What the browser or program says it is.
    pub agent: &'a str,
    /// Its address.
    pub address: &'a str,
}

/// A session that has just begun or been refreshed.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub account: ActorId,
    /// What its owner is called.
    pub name: String,
    /// What its owner may do.
    pub roles: Vec<Role>,
    /// The next refresh token, which nobody else learns.
    pub refresh_token: String,
    /// Until when it goes on if nobody uses it.
    pub until: Timestamp,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("id", &self.id).field("account", &self.account).finish_non_exhaustive()
    }
}

/// How an attempt to sign in went that was not wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempted {
    /// Whoever it was is in.
    SignedIn(Opened),
    /// An authenticator has to be set up first: then the same once more, with a code of it.
    MustEnrol(Enrolment),
}

/// Begins a session of the account, whose row is written too.
async fn open(
    app: &App,
    scope: &Scope,
    work: &Work,
    (row, method): (Account, &str),
    client: Client<'_>,
    at: Timestamp,
) -> Result<Opened, AppError> {
    let owner = ActorId(row.id);
    let token = Token::new(&*app.environment, app.environment.new_id());
    let begun = session::Model {
        tenant_id: scope.tenant().0,
        id: token.id,
        account: owner.0,
        refresh_hash: token.digest(),
        method: method.to_owned(),
        agent: client.agent.chars().filter(|c| !c.is_control()).take(MAX_AGENT).collect(),
        address: client.address.to_owned(),
        began_at: at.to_string(),
        used_at: at.to_string(),
        ended_at: None,
        ended_why: None,
    };
    session::insert(scope, work, begun).await?;
    let name = row.name.clone();
    let signed_in = Account { failures: 0, locked_until: None, signed_in_at: Some(at.to_string()), ..row };
    account::put(scope, work, signed_in).await?;
    trail::of_change(app, scope, work, ("sign-in", "session", &token.id.to_string()), at).await?;
    let roles = role::of(scope, work, owner).await?;
    let until = Lifetime::of(&roles).until(at, at);
    Ok(Opened { id: token.id, account: owner, name, roles, refresh_token: token.text(REFRESH_PREFIX), until })
}
