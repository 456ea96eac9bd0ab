//! Takes back what whoever asks has agreed to, whatever state the tenant is in.

use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::identity::consent::Purpose;
use sunlit_storage::tenant::identity::consent;

use super::own;
use crate::command::commit::commit;
use crate::command::{begin, trail};
use crate::{App, AppError};

/// The version under which somebody takes back what they never gave in words: what comes unless it is taken back.
const UNASKED: &str = "unasked";

/// Takes it back: all versions. What was done before stays lawful (个人信息保护法, Art. 15).
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::NotFound`] for a key, or the database's.
pub async fn run(app: &App, scope: &Scope, purpose: Purpose) -> Result<(), AppError> {
    let id = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let account = ActorId(own(scope, &work).await?.id);
    if consent::withdraw(scope, &work, (account, purpose.name()), at).await? == 0 {
        consent::give(scope, &work, (account, purpose.name(), UNASKED), at).await?;
        consent::withdraw(scope, &work, (account, purpose.name()), at).await?;
    }
    trail::of_change(app, scope, &work, ("withdraw", "account", &format!("{id} {}", purpose.name())), at).await?;
    commit(app, scope, work, None).await
}
