//! Makes an account for somebody, who takes it by the link in a mail.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::account::{email, name};
use sunlit_domain::identity::duty;
use sunlit_domain::plan::Quota;
use sunlit_domain::{Role, Scope};
use sunlit_storage::StorageError;
use sunlit_storage::tenant::identity::{account, role};

use super::{audited, send_ticket};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::command::usage::room;
use crate::identity::ticket::{self, TicketKind};
use crate::reading::require;
use crate::{App, AppError};

/// How many accounts a tenant has at most.
pub const MAX_ACCOUNTS: u64 = 100_000;

/// Somebody to be invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Their address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// What they are to do.
    pub roles: Vec<Role>,
}

/// An account that waits for its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invited {
    /// The account.
    pub account: ActorId,
    /// What the link in the mail carries. Only for whoever runs the installation, never for an answer of the API: whoever has it
    /// has the account.
    pub ticket: String,
}

/// Makes the account with its roles and mails the invitation.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::Argument`] for an address or name that is not
/// acceptable, [`AppError::SeparatedDuties`], [`AppError::Taken`] when the address has an account, [`AppError::QuotaExceeded`].
pub async fn run(app: &App, scope: &Scope, new: &Invitation) -> Result<Invited, AppError> {
    require(scope, Role::SecurityAdministrator)?;
    let email = email(&new.email).ok_or_else(|| AppError::Argument(format!("`{}` is no address", cut(&new.email))))?;
    let name = name(&new.name).ok_or_else(|| AppError::Argument("a name has 1 to 50 characters".to_owned()))?;
    let mut roles = new.roles.clone();
    roles.sort_unstable();
    roles.dedup();
    check(&roles)?;
    let at = app.environment.now();
    let id = ActorId(app.environment.new_id());
    let work = begin::administer(app, scope).await?;
    if account::count(scope, &work).await? >= MAX_ACCOUNTS {
        return Err(AppError::Limit(format!("a tenant has at most {MAX_ACCOUNTS} accounts")));
    }
    let row = account::Model {
        tenant_id: scope.tenant().0,
        id: id.0,
        email,
        name,
        state: account::INVITED.to_owned(),
        password: None,
        password_at: None,
        failures: 0,
        locked_until: None,
        totp: None,
        totp_at: None,
        totp_step: 0,
        created_at: at.to_string(),
        created_by: scope.actor().id().map(|id| id.0),
        signed_in_at: None,
    };
    room(app, scope, &work, (Quota::Accounts, 1)).await?;
    account::insert(scope, &work, row).await.map_err(taken)?;
    audited(app, scope, &work, ("invite", id), at).await?;
    for given in roles {
        role::grant(scope, &work, (id, given), at).await?;
        trail::of_change(app, scope, &work, ("grant", "role", &format!("{id} {}", given.name())), at).await?;
    }
    let ticket = send_ticket(app, scope, &work, (id, TicketKind::Invitation), at).await?;
    commit(app, scope, work, None).await?;
    Ok(Invited { account: id, ticket: ticket::text(&app.keys.tickets, scope.tenant(), ticket) })
}

/// Invites somebody again whose invitation has lapsed or was lost.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::NotFound`], [`AppError::Argument`] for whoever has
/// taken the account.
pub async fn again(app: &App, scope: &Scope, id: ActorId) -> Result<Invited, AppError> {
    require(scope, Role::SecurityAdministrator)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    if super::of(scope, &work, id).await?.state != account::INVITED {
        return Err(AppError::Argument("the account is taken: its owner can ask for another password".to_owned()));
    }
    audited(app, scope, &work, ("invite", id), at).await?;
    let ticket = send_ticket(app, scope, &work, (id, TicketKind::Invitation), at).await?;
    commit(app, scope, work, None).await?;
    Ok(Invited { account: id, ticket: ticket::text(&app.keys.tickets, scope.tenant(), ticket) })
}

/// Refuses roles that nobody is given, or that nobody has together.
pub(super) fn check(roles: &[Role]) -> Result<(), AppError> {
    if let Some(role) = roles.iter().find(|role| !duty::is_grantable(**role)) {
        return Err(AppError::Argument(format!("everybody is `{}` already", role.name())));
    }
    duty::conflict(roles).map_or(Ok(()), |(one, other)| Err(AppError::SeparatedDuties(one, other)))
}

/// An address that has an account.
pub(super) fn taken(error: StorageError) -> AppError {
    match error {
        StorageError::NotUnique { .. } => AppError::Taken,
        other => other.into(),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}
