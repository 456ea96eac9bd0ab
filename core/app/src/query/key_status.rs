//! How keys stand: for operators.

use sunlit_domain::{Actor, ScopeAuthority};
use sunlit_storage::platform::tenant;
use sunlit_storage::tenant::data_key;
use sunlit_storage::vault::Standing;

use crate::{App, AppError};

/// How keys stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The master keys.
    pub masters: Standing,
    /// The tenants that have sealed something, by slug.
    pub tenants: Vec<TenantKeys>,
}

/// The data keys of one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantKeys {
    /// The tenant's slug.
    pub slug: String,
    /// The number of the key that seals.
    pub number: i64,
    /// Since when.
    pub created_at: String,
    /// The ids of the master keys that wrap its keys, each once.
    pub wrapped_by: Vec<String>,
    /// Whether a rotation of its key was cut off.
    pub is_rotating: bool,
}

/// How the keys of the installation and its tenants stand.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, authority: &ScopeAuthority) -> Result<KeyStatus, AppError> {
    let mut tenants = Vec::new();
    for tenant in tenant::all(&app.platform).await? {
        let scope = authority.scope(tenant.id, Actor::anonymous());
        let session = app.stores.open(&scope).await?.snapshot(&scope).await?;
        let keys = data_key::all(&scope, &session).await?;
        let Some((latest, former)) = keys.split_last() else { continue };
        let mut wrapped_by: Vec<String> = keys.iter().map(|key| key.master_key.clone()).collect();
        wrapped_by.sort_unstable();
        wrapped_by.dedup();
        tenants.push(TenantKeys {
            slug: tenant.slug.to_string(),
            number: latest.number,
            created_at: latest.created_at.clone(),
            wrapped_by,
            is_rotating: former.iter().any(|key| key.retired_at.is_none()),
        });
    }
    Ok(KeyStatus { masters: app.vault.standing().await?, tenants })
}
