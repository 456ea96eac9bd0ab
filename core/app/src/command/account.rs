//! The people of a tenant: invited, given roles, let in and out. Whoever names people is the security administrator
//! (`sunlit_domain::identity::duty`); everybody keeps their own account.

pub mod authenticator;
pub mod change_password;
pub mod close;
pub mod give_consent;
pub mod grant;
pub mod invite;
pub mod redeem;
pub mod rename;
pub mod request_reset;
pub mod revoke;
pub mod set_state;
pub mod unlock;
pub mod withdraw_consent;

use serde_json::json;
use sunlit_domain::id::ActorId;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::Work;
use sunlit_storage::tenant::identity::account::{self, Model};
use sunlit_storage::tenant::identity::{role, ticket};
use sunlit_storage::tenant::outbox::{self, Job};

use super::trail;
use crate::identity::ticket::TicketKind;
use crate::job::MAIL;
use crate::{App, AppError};

/// The account of that id.
async fn of(scope: &Scope, work: &Work, id: ActorId) -> Result<Model, AppError> {
    account::find(scope, work, id).await?.ok_or(AppError::NotFound)
}

/// The account of whoever asks.
async fn own(scope: &Scope, work: &Work) -> Result<Model, AppError> {
    of(scope, work, scope.actor().id().ok_or(AppError::Unauthenticated)?).await
}

/// Writes the audit entry of what was done to an account.
async fn audited(
    app: &App,
    scope: &Scope,
    work: &Work,
    (action, account): (&'static str, ActorId),
    at: Timestamp,
) -> Result<(), AppError> {
    trail::of_change(app, scope, work, (action, "account", &account.to_string()), at).await
}

/// Refuses to leave the tenant without anybody who could name people.
async fn keep_security(scope: &Scope, work: &Work, but: ActorId) -> Result<(), AppError> {
    let held = role::of(scope, work, but).await?;
    if held.contains(&Role::SecurityAdministrator)
        && role::others(scope, work, Role::SecurityAdministrator, but).await? == 0
    {
        return Err(AppError::Argument("this is the only security administrator: name another one first".to_owned()));
    }
    Ok(())
}

/// Makes a ticket for an account, and the job that mails it.
async fn send_ticket(
    app: &App,
    scope: &Scope,
    work: &Work,
    (account, kind): (ActorId, TicketKind),
    at: Timestamp,
) -> Result<uuid::Uuid, AppError> {
    let id = app.environment.new_id();
    let ticket = ticket::Model {
        tenant_id: scope.tenant().0,
        id,
        kind: kind.name().to_owned(),
        account: account.0,
        created_at: at.to_string(),
        expires_at: at.plus(kind.lasts()).to_string(),
    };
    ticket::put(scope, work, ticket).await?;
    let job = Job {
        id: app.environment.new_id(),
        kind: MAIL,
        key: format!("{account} {}", kind.name()),
        due_at: at,
        payload: json!({ "letter": kind.name(), "account": account, "ticket": id }),
    };
    outbox::schedule(scope, work, job).await?;
    Ok(id)
}
