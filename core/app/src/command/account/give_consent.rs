//! Notes that whoever asks agrees to something, in the version of the text that they were shown.

use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::identity::consent::{Purpose, is_version};
use sunlit_storage::tenant::identity::consent;

use super::own;
use crate::command::commit::commit;
use crate::command::{begin, trail};
use crate::{App, AppError};

/// Agreements of an account at most.
pub const MAX_CONSENTS: u64 = 200;

/// Notes it.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::NotFound`] for a key, [`AppError::Argument`] for what is no version, [`AppError::Limit`].
pub async fn run(app: &App, scope: &Scope, purpose: Purpose, version: &str) -> Result<(), AppError> {
    let id = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    if !is_version(version) {
        return Err(AppError::Argument("a version has 1 to 40 letters, digits, points and hyphens".to_owned()));
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let account = ActorId(own(scope, &work).await?.id);
    if consent::of(scope, &work, account, MAX_CONSENTS).await?.len() as u64 >= MAX_CONSENTS {
        return Err(AppError::Limit(format!("an account has at most {MAX_CONSENTS} agreements")));
    }
    consent::give(scope, &work, (account, purpose.name(), version), at).await?;
    trail::of_change(app, scope, &work, ("consent", "account", &format!("{id} {} {version}", purpose.name())), at)
        .await?;
    commit(app, scope, work, None).await
}
