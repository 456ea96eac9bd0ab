//! Puts a job back that was given up.

use sunlit_domain::{Role, Scope};
use sunlit_storage::StorageError;
use sunlit_storage::tenant::outbox;
use uuid::Uuid;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::reading::require;
use crate::{App, AppError};

/// Puts the job back among the waiting ones, due at once and with all its attempts.
///
/// # Errors
/// [`AppError::Denied`] for whoever is no administrator, [`AppError::NotFound`] when no such job was given up,
/// [`AppError::Argument`] when another job has taken its place meanwhile.
pub async fn run(app: &App, scope: &Scope, id: Uuid) -> Result<(), AppError> {
    require(scope, Role::Administrator)?;
    let at = app.environment.now();
    let work = begin::work(app, scope).await?;
    outbox::replay(scope, &work, id, at).await.map_err(|error| match error {
        StorageError::NotUnique { .. } => {
            AppError::Argument("another job of this kind and key waits already: let it run".to_owned())
        }
        other => other.into(),
    })?;
    trail::of_change(app, scope, &work, ("replay", "job", &id.to_string()), at).await?;
    commit(app, scope, work, None).await
}
