//! Takes a ticket for what it is good for: its holder chooses a password.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::password;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::tenant::identity::{account, session, ticket};
use sunlit_storage::{Session, Work};

use super::audited;
use crate::command::begin;
use crate::command::commit::commit;
use crate::identity::principal::instant;
use crate::identity::ticket::{TicketKind, read};
use crate::{App, AppError};

/// Whom a ticket is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The account.
    pub account: ActorId,
    /// Its address.
    pub email: String,
    /// What its owner is called.
    pub name: String,
    /// What the ticket is: `invitation`, `reset`.
    pub kind: String,
}

/// Whom a ticket is for, at the scope's tenant, without taking it.
///
/// # Errors
/// [`AppError::SpentTicket`] for one that is not good, or no longer.
pub async fn look(app: &App, scope: &Scope, text: &str) -> Result<Holder, AppError> {
    let store = app.stores.open(scope).await?;
    let snapshot = store.snapshot(scope).await?;
    let (row, kind) = holder(app, scope, &snapshot, text).await?;
    Ok(Holder { account: ActorId(row.id), email: row.email, name: row.name, kind })
}

/// Gives the account the password that the ticket's holder chose; the ticket is spent, and every session of the account ends.
///
/// # Errors
/// [`AppError::SpentTicket`], [`AppError::Password`].
pub async fn run(
    app: &App,
    authority: &ScopeAuthority,
    scope: &Scope,
    (text, new): (&str, &str),
) -> Result<Holder, AppError> {
    let holder = look(app, scope, text).await?;
    password::check(new, &holder.email, &holder.name).map_err(AppError::Password)?;
    let hash = app.passwords.hash(&*app.environment, new).await?;
    let at = app.environment.now();
    let scope = authority.scope(scope.tenant(), Actor::known(holder.account, Vec::new()));
    let work = begin::administer(app, &scope).await?;
    let row = taken(app, &scope, &work, text).await?;
    let row = account::Model {
        state: account::ACTIVE.to_owned(),
        password: Some(hash),
        password_at: Some(at.to_string()),
        failures: 0,
        locked_until: None,
        ..row
    };
    account::put(&scope, &work, row).await?;
    session::end_of(&scope, &work, (holder.account, "password", None), at).await?;
    let action = if holder.kind == "invitation" { "accept" } else { "reset-password" };
    audited(app, &scope, &work, (action, holder.account), at).await?;
    commit(app, &scope, work, None).await?;
    app.rights_changed(scope.tenant()).await;
    Ok(holder)
}

/// Looks a second time, now that nobody else writes: of two who take a ticket at once one comes second.
async fn taken(app: &App, scope: &Scope, work: &Work, text: &str) -> Result<account::Model, AppError> {
    let (row, _) = holder(app, scope, work, text).await?;
    ticket::delete_of(scope, work, ActorId(row.id)).await?;
    Ok(row)
}

async fn holder(app: &App, scope: &Scope, session: &Session, text: &str) -> Result<(account::Model, String), AppError> {
    let id = read(&app.keys.tickets, scope.tenant(), text).ok_or(AppError::SpentTicket)?;
    let found = ticket::find(scope, session, id).await?.ok_or(AppError::SpentTicket)?;
    let chooses = [TicketKind::Invitation, TicketKind::Reset].iter().any(|kind| kind.name() == found.kind);
    if !chooses || instant(&found.expires_at)? <= app.environment.now() {
        return Err(AppError::SpentTicket);
    }
    let account = account::find(scope, session, ActorId(found.account)).await?;
    let account = account.filter(|account| account.state != account::DISABLED).ok_or(AppError::SpentTicket)?;
    Ok((account, found.kind))
}
