//! The keys that programs of a tenant use.

use sunlit_domain::Role;
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_storage::tenant::identity::api_key;
use uuid::Uuid;

use crate::reading::require;
use crate::{AppError, Reading};

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which is the actor's in the audit trail.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// What it may be used for.
    pub scope: KeyScope,
    /// When it was made, RFC 3339.
    pub created_at: String,
    /// Until when it is good, RFC 3339.
    pub expires_at: String,
    /// Since when it is no longer good, RFC 3339.
    pub revoked_at: Option<String>,
}

/// All keys, the latest first.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator.
pub async fn run(reading: &Reading) -> Result<Vec<ApiKey>, AppError> {
    require(reading.scope(), Role::SecurityAdministrator)?;
    let rows = api_key::all(reading.scope(), &*reading.session().await?).await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

impl From<api_key::Model> for ApiKey {
    fn from(row: api_key::Model) -> Self {
        Self {
            id: row.id,
            name: row.name,
            roles: row.roles.split_whitespace().filter_map(Role::named).collect(),
            scope: serde_json::from_str(&row.scope).unwrap_or_default(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}
