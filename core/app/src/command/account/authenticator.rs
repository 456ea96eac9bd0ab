//! The second factor of an account: set up, confirmed by a first code, taken away.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::duty;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::Work;
use sunlit_storage::platform::tenant;
use sunlit_storage::tenant::identity::account::{self, Model};
use sunlit_storage::tenant::identity::role;

use super::{audited, own};
use crate::command::begin;
use crate::command::commit::commit;
use crate::identity::authenticator::{self, Enrolment};
use crate::reading::require;
use crate::{App, AppError};

/// Sets an authenticator up for whoever asks; it is asked for once [`confirm`] has seen a code of it.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::Argument`] when there is one.
pub async fn enrol(app: &App, scope: &Scope) -> Result<Enrolment, AppError> {
    let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
    let work = begin::administer(app, scope).await?;
    let row = own(scope, &work).await?;
    if row.totp_at.is_some() {
        return Err(AppError::Argument("there is an authenticator: remove it first".to_owned()));
    }
    let given = offer(app, scope, &work, row, &tenant.short_name.zh).await?;
    commit(app, scope, work, None).await?;
    Ok(given)
}

/// Confirms the authenticator of whoever asks by a code of it.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::SecondFactorRequired`] for a wrong code.
pub async fn confirm(app: &App, scope: &Scope, code: &str) -> Result<(), AppError> {
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = own(scope, &work).await?;
    let id = ActorId(row.id);
    let row = checked(app, scope, &work, row, code, at).await?.map_err(|_| AppError::SecondFactorRequired)?;
    account::put(scope, &work, row).await?;
    audited(app, scope, &work, ("confirm-authenticator", id), at).await?;
    commit(app, scope, work, None).await
}

/// Takes the authenticator of whoever asks away, who shows a code of it. Whoever holds a separated duty sets another one up when
/// they next sign in.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::SecondFactorRequired`] for a wrong code.
pub async fn remove_own(app: &App, scope: &Scope, code: &str) -> Result<(), AppError> {
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = own(scope, &work).await?;
    let row = checked(app, scope, &work, row, code, at).await?.map_err(|_| AppError::SecondFactorRequired)?;
    removed(app, scope, work, row, at).await
}

/// Takes somebody's authenticator away, who has lost it.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, and for one who means themselves; [`AppError::NotFound`].
pub async fn remove(app: &App, scope: &Scope, id: ActorId) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    if scope.actor().id() == Some(id) {
        return Err(AppError::Denied);
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = super::of(scope, &work, id).await?;
    removed(app, scope, work, row, at).await
}

async fn removed(app: &App, scope: &Scope, work: Work, row: Model, at: Timestamp) -> Result<(), AppError> {
    let id = ActorId(row.id);
    account::put(scope, &work, Model { totp: None, totp_at: None, ..row }).await?;
    audited(app, scope, &work, ("remove-authenticator", id), at).await?;
    commit(app, scope, work, None).await
}

/// Whether the account has to show a second factor: by its own wish, or by its duty.
pub(crate) async fn is_needed(scope: &Scope, work: &Work, row: &Model) -> Result<bool, AppError> {
    Ok(row.totp_at.is_some() || duty::needs_second_factor(&role::of(scope, work, ActorId(row.id)).await?))
}

/// What an app has to be given for an account whose authenticator is not confirmed yet: the same until it is.
pub(crate) async fn offer(
    app: &App,
    scope: &Scope,
    work: &Work,
    row: Model,
    issuer: &str,
) -> Result<Enrolment, AppError> {
    let (context, email) = (context(&row), row.email.clone());
    let secret = match &row.totp {
        Some(sealed) => app.vault.open(scope, work, &context, sealed).await?,
        None => {
            let secret = authenticator::new_secret(&*app.environment);
            let sealed = app.vault.seal(scope, work, &context, &secret).await?;
            account::put(scope, work, Model { totp: Some(sealed), ..row }).await?;
            secret
        }
    };
    authenticator::enrolment(&secret, issuer, &email)
}

/// The account after a right code, which is taken once and confirms a new authenticator; the account as it was after a wrong one.
pub(crate) async fn checked(
    app: &App,
    scope: &Scope,
    work: &Work,
    row: Model,
    code: &str,
    at: Timestamp,
) -> Result<Result<Model, Model>, AppError> {
    let Some(sealed) = &row.totp else { return Ok(Err(row)) };
    let secret = app.vault.open(scope, work, &context(&row), sealed).await?;
    let step = authenticator::step(&secret, code, at)?;
    Ok(match step.filter(|step| *step > row.totp_step) {
        Some(step) => {
            let totp_at = row.totp_at.clone().or_else(|| Some(at.to_string()));
            Ok(Model { totp_step: step, totp_at, ..row })
        }
        None => Err(row),
    })
}

fn context(row: &Model) -> String {
    account::totp_context(row.id)
}
