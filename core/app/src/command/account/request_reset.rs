//! Mails whoever has an account the way to another password. What it answers does not tell whether there is one.

use std::time::Duration;

use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::identity::account::email;
use sunlit_storage::tenant::identity::account;

use super::{audited, send_ticket};
use crate::command::begin;
use crate::command::commit::commit;
use crate::identity::principal::instant;
use crate::identity::ticket::TicketKind;
use crate::{App, AppError};

/// Nobody is mailed twice within this time.
const BETWEEN: Duration = Duration::from_mins(2);

/// Mails the ticket, if there is an account of that address whose owner may sign in.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope, address: &str) -> Result<(), AppError> {
    let Some(address) = email(address) else { return Ok(()) };
    let store = app.stores.open(scope).await?;
    let found = account::by_email(scope, &store.snapshot(scope).await?, &address).await?;
    let Some(found) = found.filter(|account| account.state == account::ACTIVE) else { return Ok(()) };
    let (id, at) = (ActorId(found.id), app.environment.now());
    let work = begin::administer(app, scope).await?;
    let recent = sunlit_storage::tenant::identity::ticket::of(scope, &work, id, TicketKind::Reset.name()).await?;
    if let Some(recent) = recent
        && at < instant(&recent.created_at)?.plus(BETWEEN)
    {
        return Ok(());
    }
    send_ticket(app, scope, &work, (id, TicketKind::Reset), at).await?;
    audited(app, scope, &work, ("request-reset", id), at).await?;
    commit(app, scope, work, None).await
}
