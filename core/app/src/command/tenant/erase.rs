//! Erases a suspended tenant: its rows, its files, what nodes remember of it, and at last what the platform knows of it, of which a
//! tombstone stays. Broken off, it is run again and goes on.

use sunlit_domain::Scope;
use sunlit_domain::id::TenantSlug;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant::{self, life, staging, tombstone};

use crate::nodes::Said;
use crate::{App, AppError};

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// What stays.
    pub tombstone: tombstone::Model,
    /// How many files' bytes, and what was derived from them, were deleted.
    pub blobs: usize,
}

/// Erases the scope's tenant, which `confirmed` names.
///
/// # Errors
/// [`AppError::Life`] when the tenant is not suspended or another one is named, [`sunlit_storage::StorageError::Claimed`] while
/// another process is at it, or the stores'. What was erased stays so; the tenant answers nobody any more.
pub async fn run(app: &App, scope: &Scope, confirmed: &TenantSlug) -> Result<Erased, AppError> {
    let claim = app.stores.claim(scope).await?;
    let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
    if tenant.slug != *confirmed {
        return Err(AppError::Life(format!("{confirmed} is not the tenant that is to be erased: nothing was erased")));
    }
    if tenant.state != TenantState::Suspended {
        let slug = &tenant.slug;
        return Err(AppError::Life(format!(
            "{slug} is {}: only a suspended tenant is erased: run `sunlit tenant state {slug} suspended` first",
            tenant.state.name()
        )));
    }
    let at = app.environment.now();
    staging::begin(&app.platform, tenant.id, tenant.slug.as_str(), staging::ERASE, at).await?;
    app.changes.end(tenant.id);
    // Other nodes close what they have open of it.
    app.say(Said::Erased(tenant.id)).await;
    app.stores.erase(scope).await?;
    let mut blobs = app.blobs.erase(scope).await?;
    let tombstone = life::remove(&app.platform, &tenant, scope.actor().id(), at).await?;
    app.forget_tenants();
    app.usage.forget(tenant.id);
    app.stores.settle().await;
    app.say(Said::Erased(tenant.id)).await;
    // What was on its way when the tenant was suspended: it finds no tenant any more from here on.
    app.stores.erase(scope).await?;
    blobs += app.blobs.erase(scope).await?;
    claim.release().await;
    Ok(Erased { tombstone, blobs })
}
