//! Which jobs were given up, for administrators.

use sunlit_domain::{Role, Scope};
use sunlit_storage::Session;
use sunlit_storage::tenant::outbox;
use uuid::Uuid;

use crate::reading::require;
use crate::{App, AppError, Reading};

/// How many are answered at most.
pub const MAX_FIRST: u32 = 100;

/// A job that was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: Uuid,
    /// What it was to do.
    pub kind: String,
    /// What made it one of its kind.
    pub key: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was given up, RFC 3339.
    pub given_up_at: String,
    /// Why.
    pub error: String,
}

/// The jobs that were given up, latest first.
///
/// # Errors
/// [`AppError::Denied`] for whoever is no administrator, [`AppError::Argument`] for more than [`MAX_FIRST`] at once.
pub async fn run(reading: &Reading, first: u32) -> Result<Vec<DeadLetter>, AppError> {
    require(reading.scope(), Role::Administrator)?;
    read(reading.scope(), &*reading.session().await?, first).await
}

/// The same for operators of the installation.
///
/// # Errors
/// As [`run`].
pub async fn of_tenant(app: &App, scope: &Scope, first: u32) -> Result<Vec<DeadLetter>, AppError> {
    require(scope, Role::Administrator)?;
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    read(scope, &session, first).await
}

async fn read(scope: &Scope, session: &Session, first: u32) -> Result<Vec<DeadLetter>, AppError> {
    if !(1..=MAX_FIRST).contains(&first) {
        return Err(AppError::Argument(format!("`first` is 1 to {MAX_FIRST}, not {first}")));
    }
    let rows = outbox::dead(scope, session, u64::from(first)).await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

impl From<outbox::Model> for DeadLetter {
    fn from(row: outbox::Model) -> Self {
        Self {
            id: row.id,
            kind: row.name,
            key: row.key.unwrap_or_default(),
            attempts: row.attempts,
            given_up_at: row.ended_at.unwrap_or_default(),
            error: row.last_error.unwrap_or_default(),
        }
    }
}
