//! Signs somebody in with address and password, and a code of their authenticator where one is needed.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::account::email;
use sunlit_domain::identity::lockout::Attempts;
use sunlit_domain::{Actor, LocalText, Scope, ScopeAuthority};
use sunlit_storage::Work;
use sunlit_storage::tenant::identity::account::{self, Model};

use super::{Attempted, Client, open};
use crate::command::account::authenticator::{checked, is_needed, offer};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::identity::principal::instant;
use crate::{App, AppError};

/// What somebody shows.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The address of their account.
    pub email: &'a str,
    /// Its password.
    pub password: &'a str,
    /// A code of its authenticator.
    pub code: Option<&'a str>,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(secret)")
    }
}

/// Signs in. `scope` names the tenant; `issuer` is what an authenticator shows for it.
///
/// # Errors
/// [`AppError::InvalidCredentials`] for a wrong address or password, which take the same time; [`AppError::SecondFactorRequired`]
/// when the password is right and the code is missing or wrong; [`AppError::Locked`] after five wrong answers.
pub async fn run(
    app: &App,
    authority: &ScopeAuthority,
    scope: &Scope,
    issuer: &LocalText,
    (shown, client): (Shown<'_>, Client<'_>),
) -> Result<Attempted, AppError> {
    let Some(address) = email(shown.email) else {
        return Err(AppError::InvalidCredentials);
    };
    let store = app.stores.open(scope).await?;
    let found = account::by_email(scope, &store.snapshot(scope).await?, &address).await?;
    let known = found.filter(|account| account.state == account::ACTIVE);
    let Some(found) = known else {
        return Err(nobody(app, scope, &address, shown.password).await?);
    };
    let owner = ActorId(found.id);
    let scope = authority.scope(scope.tenant(), Actor::known(owner, Vec::new()));
    if !is_password(app, &scope, &found, shown.password).await? {
        return Err(AppError::InvalidCredentials);
    }
    let at = app.environment.now();
    let work = begin::administer(app, &scope).await?;
    let row = again(&scope, &work, &found).await?;
    if !is_needed(&scope, &work, &row).await? {
        let opened = open(app, &scope, &work, (row, "password"), client, at).await?;
        commit(app, &scope, work, None).await?;
        return Ok(Attempted::SignedIn(opened));
    }
    match shown.code {
        None if row.totp_at.is_some() => Err(AppError::SecondFactorRequired),
        None => {
            let given = offer(app, &scope, &work, row, &issuer.zh).await?;
            commit(app, &scope, work, None).await?;
            Ok(Attempted::MustEnrol(given))
        }
        Some(code) => match checked(app, &scope, &work, row, code, at).await? {
            Ok(row) => {
                let opened = open(app, &scope, &work, (row, "password+totp"), client, at).await?;
                commit(app, &scope, work, None).await?;
                Ok(Attempted::SignedIn(opened))
            }
            Err(row) => {
                failed(app, &scope, work, row).await?;
                Err(AppError::SecondFactorRequired)
            }
        },
    }
}

/// Whether it is the account's password. A wrong one counts.
pub(crate) async fn is_password(app: &App, scope: &Scope, found: &Model, password: &str) -> Result<bool, AppError> {
    if let Some(until) = attempts(found)?.locked(app.environment.now()) {
        return Err(AppError::Locked(until));
    }
    if app.passwords.verify(found.password.as_deref(), password).await? {
        return Ok(true);
    }
    let work = begin::administer(app, scope).await?;
    if let Some(row) = account::find(scope, &work, ActorId(found.id)).await? {
        failed(app, scope, work, row).await?;
    }
    Ok(false)
}

/// Writes down that somebody answered wrongly. The answer that locks is the last that is written until the lock ends.
pub(super) async fn failed(app: &App, scope: &Scope, work: Work, row: Model) -> Result<(), AppError> {
    let at = app.environment.now();
    let before = attempts(&row)?;
    if before.locked(at).is_some() {
        return Ok(());
    }
    let after = before.failed(at);
    let id = row.id.to_string();
    let action = if after.locked_until.is_some() { "lock" } else { "refuse" };
    let locked_until = after.locked_until.map(|until| until.to_string());
    account::put(scope, &work, Model { failures: after.failures, locked_until, ..row }).await?;
    trail::of_change(app, scope, &work, (action, "account", &id), at).await?;
    commit(app, scope, work, None).await
}

/// The account as it is now, if nothing of what was looked at has changed.
async fn again(scope: &Scope, work: &Work, found: &Model) -> Result<Model, AppError> {
    let row = account::find(scope, work, ActorId(found.id)).await?;
    let is_same = |row: &Model| row.password == found.password && row.state == account::ACTIVE;
    row.filter(is_same).ok_or(AppError::InvalidCredentials)
}

fn attempts(row: &Model) -> Result<Attempts, AppError> {
    let locked_until = row.locked_until.as_deref().map(instant).transpose()?;
    Ok(Attempts { failures: row.failures, locked_until })
}

/// What whoever tries an address without an account is told: the same, after the same time, and after as many tries.
async fn nobody(app: &App, scope: &Scope, address: &str, password: &str) -> Result<AppError, AppError> {
    let (key, now) = ((scope.tenant(), address.to_owned()), app.environment.now());
    let attempts = app.guesses.get(&key).unwrap_or_default();
    if let Some(until) = attempts.locked(now) {
        return Ok(AppError::Locked(until));
    }
    app.passwords.verify(None, password).await?;
    app.guesses.insert(key, attempts.failed(now));
    Ok(AppError::InvalidCredentials)
}
