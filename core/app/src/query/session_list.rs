//! Where somebody is signed in.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::session::Lifetime;
use sunlit_storage::tenant::identity::{role, session};
use uuid::Uuid;

use crate::identity::principal::instant;
use crate::{AppError, Reading};

/// How many are shown.
pub const MAX_SHOWN: u32 = 50;

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// Its id.
    pub id: Uuid,
    /// How it was signed in: `password`, `password+totp`, `oidc`, `oidc+totp`.
    pub method: String,
    /// What the browser or program says it is.
    pub agent: String,
    /// From which address.
    pub address: String,
    /// When it began, RFC 3339.
    pub began_at: String,
    /// When it was last used, RFC 3339.
    pub used_at: String,
}

/// The sessions of whoever asks, the latest first, at most [`MAX_SHOWN`].
///
/// # Errors
/// [`AppError::Unauthenticated`].
pub async fn run(reading: &Reading) -> Result<Vec<SignedIn>, AppError> {
    let (scope, now) = (reading.scope(), reading.now());
    let owner: ActorId = scope.actor().id().ok_or(AppError::Unauthenticated)?;
    let snapshot = reading.session().await?;
    let lifetime = Lifetime::of(&role::of(scope, &snapshot, owner).await?);
    let mut shown = Vec::new();
    for row in session::of(scope, &snapshot, owner, u64::from(MAX_SHOWN)).await? {
        let until = lifetime.until(instant(&row.began_at)?, instant(&row.used_at)?);
        if now < until {
            let session::Model { id, method, agent, address, began_at, used_at, .. } = row;
            shown.push(SignedIn { id, method, agent, address, began_at, used_at });
        }
    }
    Ok(shown)
}
