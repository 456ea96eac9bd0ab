//! Mails an administrator how much of the plan is used. It works outside the store: a letter that is handed in twice has one id.

use std::sync::Arc;

use serde::Deserialize;
use sunlit_domain::error_code::message;
use sunlit_domain::id::ActorId;
use sunlit_domain::identity::consent::Purpose;
use sunlit_domain::plan::Quota;
use sunlit_domain::{Locale, Scope};
use sunlit_storage::platform::tenant;
use sunlit_storage::tenant::identity::{account, consent};
use sunlit_storage::tenant::outbox::Claimed;

use super::{JobError, Ran};
use crate::command::account::give_consent::MAX_CONSENTS;
use crate::mail::{Letter, MailError};
use crate::{App, AppError};

/// The name of this kind of job.
pub(crate) const USAGE_MAIL: &str = "usage-mail";

#[derive(Deserialize)]
struct Payload {
    account: ActorId,
    quota: String,
    percent: u64,
    used: u64,
    most: u64,
}

pub(super) async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    let payload: Payload =
        serde_json::from_value(job.payload.clone()).map_err(|error| JobError::Fail(format!("its payload: {error}")))?;
    let Some(letter) = letter(app, scope, job, &payload).await? else { return Ok(Ran::Done) };
    let mailer = app.mailer.as_ref().ok_or(AppError::Mail(MailError::None))?;
    mailer.send(letter).await.map_err(AppError::Mail)?;
    Ok(Ran::Done)
}

/// The letter; none when the account is gone, its owner wants no such mail, or its quota is none of this version.
async fn letter(app: &App, scope: &Scope, job: &Claimed, payload: &Payload) -> Result<Option<Letter>, AppError> {
    let Some(quota) = Quota::named(&payload.quota) else { return Ok(None) };
    let snapshot = app.stores.open(scope).await?.snapshot(scope).await?;
    let Some(account) = account::find(scope, &snapshot, payload.account).await? else { return Ok(None) };
    let given = consent::of(scope, &snapshot, payload.account, MAX_CONSENTS).await?;
    let taken_back = |row: &&consent::Model| row.purpose == Purpose::UsageMail.name();
    // What was said last counts.
    if given.iter().find(taken_back).is_some_and(|row| row.withdrawn_at.is_some()) {
        return Ok(None);
    }
    let Some(tenant) = tenant::by_id(&app.platform, scope.tenant()).await? else { return Ok(None) };
    let write = |part: &str, locale: Locale| {
        message(&format!("mail.usage.{part}"), locale)
            .replace("{tenant}", tenant.name.get(locale))
            .replace("{name}", &account.name)
            .replace("{quota}", message(quota.title_key(), locale))
            .replace("{percent}", &payload.percent.to_string())
            .replace("{used}", &quota.amount(payload.used))
            .replace("{most}", &quota.amount(payload.most))
            .replace("{advice}", message(quota.key(), locale))
            .replace("{link}", &format!("{}/auth/account", app.address_of(&tenant)))
    };
    let body = format!("{}\n\n----\n\n{}\n", write("body", Locale::Zh), write("body", Locale::En));
    let subject = write("subject", Locale::Zh);
    Ok(Some(Letter { id: job.id, to: account.email, name: account.name, subject, body }))
}
