//! Whether a tenant's audit trail is still what was written.

use sunlit_domain::Scope;
use sunlit_storage::tenant::audit;

pub use sunlit_storage::tenant::audit::Chain;

use crate::{App, AppError};

/// Walks the chain of the scope's tenant; `head` is a hash that was noted down earlier. For operators of the installation,
/// who have its files anyway: no role is asked for.
///
/// # Errors
/// The database's. A broken chain is an answer, not an error.
pub async fn run(app: &App, scope: &Scope, head: Option<&str>) -> Result<Chain, AppError> {
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    Ok(audit::verify(scope, &session, head).await?)
}

/// The same of its last `rows` alone, for a quick look.
///
/// # Errors
/// The database's.
pub async fn of_end(app: &App, scope: &Scope, rows: u64) -> Result<Chain, AppError> {
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    Ok(audit::verify_end(scope, &session, rows).await?)
}
