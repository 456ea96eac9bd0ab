//! Whoever has an account corrects what it says of them (个人信息保护法, Art. 46).

use sunlit_domain::Scope;
use sunlit_domain::identity::account::name;
use sunlit_storage::tenant::identity::account;

use super::{audited, own};
use crate::command::begin;
use crate::command::commit::commit;
use crate::{App, AppError};

/// Changes the name of whoever asks.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::Argument`] for a name that is none.
pub async fn run(app: &App, scope: &Scope, new: &str) -> Result<(), AppError> {
    let id = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let name = name(new).ok_or_else(|| AppError::Argument("a name has 1 to 50 characters".to_owned()))?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = own(scope, &work).await?;
    account::put(scope, &work, account::Model { name, ..row }).await?;
    audited(app, scope, &work, ("rename", id), at).await?;
    commit(app, scope, work, None).await
}
