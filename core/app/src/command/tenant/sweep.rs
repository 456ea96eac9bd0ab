//! Removes what imports have left that broke off, and brings to an end what erasures did not come to.

use sunlit_domain::id::TenantId;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::StorageError;
use sunlit_storage::platform::tenant::{self, staging};

use crate::{App, AppError};

/// Removes what every import has left whose process is gone; answers the slugs that they were for. What was removed leaves the log
/// of the platform's database too. Running it twice does nothing the second time.
///
/// # Errors
/// The stores'; what was removed stays so.
pub async fn run(app: &App, authority: &ScopeAuthority) -> Result<Vec<String>, AppError> {
    let mut swept = Vec::new();
    for row in staging::all(&app.platform).await?.into_iter().filter(|row| row.what == staging::IMPORT) {
        let scope = authority.scope(TenantId(row.tenant_id), Actor::anonymous());
        let claim = match app.stores.try_claim(&scope).await {
            Ok(claim) => claim,
            // Somebody is at it.
            Err(StorageError::Claimed) => continue,
            Err(error) => return Err(error.into()),
        };
        // It may have come to its end in between.
        let left = staging::of(&app.platform, scope.tenant()).await?;
        if left.is_some_and(|left| left.what == staging::IMPORT) {
            leavings(app, &scope).await?;
            staging::end(&app.platform, scope.tenant()).await?;
            swept.push(row.slug);
        }
        claim.release().await;
    }
    app.platform.settle_removed().await;
    Ok(swept)
}

/// Removes what the store has under the id of the scope's tenant, of which the platform knows nothing. To be called by whoever
/// holds the claim on it.
pub(super) async fn leavings(app: &App, scope: &Scope) -> Result<(), AppError> {
    if tenant::by_id(&app.platform, scope.tenant()).await?.is_some() {
        return Err(AppError::Life(format!("the tenant {} is there, and nothing of it is swept", scope.tenant())));
    }
    app.stores.erase(scope).await?;
    app.blobs.erase(scope).await?;
    Ok(())
}
