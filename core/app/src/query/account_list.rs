//! Accounts as their security administrator sees them, and as their owner does.

use std::collections::BTreeMap;

use sunlit_domain::id::ActorId;
use sunlit_domain::{Role, Scope};
use sunlit_storage::Session;
use sunlit_storage::tenant::identity::account::{self, Model};
use sunlit_storage::tenant::identity::role;

use crate::reading::require;
use crate::{AppError, Reading};

/// How many are answered at most.
pub const MAX_FIRST: u32 = 100;

/// An account without what nobody is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The actor's id.
    pub id: ActorId,
    /// Its address.
    pub email: String,
    /// What its owner is called.
    pub name: String,
    /// `invited`, `active`, `disabled`.
    pub state: String,
    /// What its owner may do, sorted.
    pub roles: Vec<Role>,
    /// Whether a code is asked for beside the password.
    pub has_second_factor: bool,
    /// Until when it is locked, RFC 3339.
    pub locked_until: Option<String>,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// When somebody last signed in, RFC 3339.
    pub signed_in_at: Option<String>,
}

/// A page of accounts in the order in which they were made, and whether there are more.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::Argument`] for more than [`MAX_FIRST`] at once.
pub async fn run(reading: &Reading, first: u32, after: Option<ActorId>) -> Result<(Vec<Account>, bool), AppError> {
    require(reading.scope(), Role::SecurityAdministrator)?;
    if !(1..=MAX_FIRST).contains(&first) {
        return Err(AppError::Argument(format!("`first` is 1 to {MAX_FIRST}, not {first}")));
    }
    let (scope, session) = (reading.scope(), reading.session().await?);
    let mut rows = account::page(scope, &session, u64::from(first) + 1, after).await?;
    let has_more = rows.len() > first as usize;
    rows.truncate(first as usize);
    Ok((with_roles(scope, &session, rows).await?, has_more))
}

/// The account of that id, for its owner and for security administrators.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::NotFound`].
pub async fn by_id(reading: &Reading, id: ActorId) -> Result<Account, AppError> {
    let actor = reading.scope().actor();
    if actor.id().ok_or(AppError::Unauthenticated)? != id && !actor.has(Role::SecurityAdministrator) {
        return Err(AppError::NotFound);
    }
    let (scope, session) = (reading.scope(), reading.session().await?);
    let found = account::find(scope, &session, id).await?;
    let mut found = with_roles(scope, &session, found.into_iter().collect()).await?;
    found.pop().ok_or(AppError::NotFound)
}

async fn with_roles(scope: &Scope, session: &Session, rows: Vec<Model>) -> Result<Vec<Account>, AppError> {
    let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
    let mut roles: BTreeMap<ActorId, Vec<Role>> = BTreeMap::new();
    for (account, role) in role::of_all(scope, session, &ids).await? {
        roles.entry(account).or_default().push(role);
    }
    let account = |row: Model| {
        let id = ActorId(row.id);
        let mut roles = roles.remove(&id).unwrap_or_default();
        roles.sort_unstable();
        Account {
            id,
            email: row.email,
            name: row.name,
            state: row.state,
            roles,
            has_second_factor: row.totp_at.is_some(),
            locked_until: row.locked_until,
            created_at: row.created_at,
            signed_in_at: row.signed_in_at,
        }
    };
    Ok(rows.into_iter().map(account).collect())
}
