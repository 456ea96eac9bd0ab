//! Notes that everything that a tenant has is about to leave: to be run before the first byte of it does.

use sunlit_domain::Scope;
use sunlit_storage::platform::tenant::{self, exported};

use crate::command::commit::commit;
use crate::command::{begin, only_administrators, trail};
use crate::{App, AppError};

/// Writes the audit entry, and keeps `root`, the archive's root hash, as that of the tenant's last export.
///
/// # Errors
/// [`AppError::Denied`], [`AppError::Unauthenticated`], [`AppError::NotFound`], or the database's.
pub async fn run(app: &App, scope: &Scope, root: &str) -> Result<(), AppError> {
    only_administrators(scope)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    // It may have been erased since its snapshot was taken.
    if tenant::by_id(&app.platform, scope.tenant()).await?.is_none() {
        return Err(AppError::NotFound);
    }
    trail::of_change(app, scope, &work, ("export", "tenant", root), at).await?;
    commit(app, scope, work, None).await?;
    Ok(exported::note(&app.platform, scope.tenant(), root, at).await?)
}
