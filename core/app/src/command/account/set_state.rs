//! Lets nobody sign in to an account any more, or somebody again.

use sunlit_domain::id::ActorId;
use sunlit_domain::plan::Quota;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::{account, session, ticket};

use super::{audited, keep_security};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::usage::room;
use crate::reading::require;
use crate::{App, AppError};

/// Disables the account, which ends its sessions and tickets, or enables it again.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, and for one who means themselves; [`AppError::NotFound`],
/// [`AppError::Argument`] for the last security administrator, [`AppError::QuotaExceeded`].
pub async fn run(app: &App, scope: &Scope, id: ActorId, is_enabled: bool) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    if scope.actor().id() == Some(id) {
        return Err(AppError::Denied);
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let mut row = super::of(scope, &work, id).await?;
    let state = match (is_enabled, row.password.is_some()) {
        (false, _) => account::DISABLED,
        (true, true) => account::ACTIVE,
        (true, false) => account::INVITED,
    };
    if row.state == state {
        return Ok(());
    }
    if is_enabled {
        room(app, scope, &work, (Quota::Accounts, 1)).await?;
    } else {
        keep_security(scope, &work, id).await?;
        session::end_of(scope, &work, (id, "disabled", None), at).await?;
        ticket::delete_of(scope, &work, id).await?;
    }
    state.clone_into(&mut row.state);
    account::put(scope, &work, row).await?;
    audited(app, scope, &work, (if is_enabled { "enable" } else { "disable" }, id), at).await?;
    commit(app, scope, work, None).await?;
    app.rights_changed(scope.tenant()).await;
    Ok(())
}
