//! Which version of a package a tenant has enabled.

use sunlit_domain::Scope;
use sunlit_domain::manifest::Version;
use sunlit_storage::tenant::installation;

use crate::{App, AppError};

/// The enabled version, and its grants as they are kept: names joined by spaces. None when the package is not enabled.
///
/// # Errors
/// The database's.
pub async fn run(app: &App, scope: &Scope, id: &str) -> Result<Option<(Version, String)>, AppError> {
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    let row = installation::find(scope, &session, id).await?;
    Ok(row.map(|row| (row.version.parse().unwrap_or_default(), row.grants)))
}
