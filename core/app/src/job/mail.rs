//! Mails a ticket to whom it is for. It works outside the store: a letter that is handed in twice has one id and one link.

use std::sync::Arc;

use serde::Deserialize;
use sunlit_domain::error_code::message;
use sunlit_domain::id::ActorId;
use sunlit_domain::{Locale, Scope};
use sunlit_storage::platform::tenant;
use sunlit_storage::tenant::identity::{account, ticket};
use sunlit_storage::tenant::outbox::Claimed;
use uuid::Uuid;

use super::{JobError, Ran};
use crate::identity::ticket::text;
use crate::mail::{Letter, MailError};
use crate::{App, AppError};

/// The name of this kind of job.
pub(crate) const MAIL: &str = "mail";

#[derive(Deserialize)]
struct Payload {
    letter: String,
    account: ActorId,
    ticket: Uuid,
}

pub(super) async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    let payload: Payload =
        serde_json::from_value(job.payload.clone()).map_err(|error| JobError::Fail(format!("its payload: {error}")))?;
    let Some(letter) = letter(app, scope, job.id, &payload).await? else { return Ok(Ran::Done) };
    let mailer = app.mailer.as_ref().ok_or(AppError::Mail(MailError::None))?;
    mailer.send(letter).await.map_err(AppError::Mail)?;
    Ok(Ran::Done)
}

/// The letter; none when its ticket is spent or its account gone.
async fn letter(app: &App, scope: &Scope, id: Uuid, payload: &Payload) -> Result<Option<Letter>, AppError> {
    let store = app.stores.open(scope).await?;
    let snapshot = store.snapshot(scope).await?;
    let Some(found) = ticket::find(scope, &snapshot, payload.ticket).await? else { return Ok(None) };
    let Some(account) = account::find(scope, &snapshot, payload.account).await? else { return Ok(None) };
    let Some(tenant) = tenant::by_id(&app.platform, scope.tenant()).await? else { return Ok(None) };
    let link =
        format!("{}/auth/ticket?t={}", app.address_of(&tenant), text(&app.keys.tickets, scope.tenant(), found.id));
    let write = |part: &str, locale: Locale| {
        message(&format!("mail.{}.{part}", payload.letter), locale)
            .replace("{tenant}", tenant.name.get(locale))
            .replace("{name}", &account.name)
            .replace("{link}", &link)
    };
    let body = format!("{}\n\n----\n\n{}\n", write("body", Locale::Zh), write("body", Locale::En));
    let subject = write("subject", Locale::Zh);
    Ok(Some(Letter { id, to: account.email, name: account.name, subject, body }))
}
