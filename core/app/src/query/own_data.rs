//! Everything that a tenant has about whoever asks, for a copy of it (个人信息保护法, Art. 45): the account with its roles and sessions
//! has its own questions; here is the rest.

use sunlit_domain::id::ActorId;
use sunlit_storage::tenant::audit;
use sunlit_storage::tenant::identity::{consent, external};

use super::audit_trail::{AuditEntry, MAX_FIRST};
use crate::command::account::give_consent::MAX_CONSENTS;
use crate::{AppError, Reading};

/// How many providers' names are shown.
pub const MAX_IDENTITIES: u64 = 50;

/// The person as a provider of identities knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Whose word it is.
    pub issuer: String,
    /// The provider's own id of the person.
    pub subject: String,
    /// Since when.
    pub linked_at: String,
}

/// What the person has agreed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// To what.
    pub purpose: String,
    /// In which version.
    pub version: String,
    /// When.
    pub given_at: String,
    /// When it was taken back.
    pub withdrawn_at: Option<String>,
}

/// Whose data are asked for: their own.
fn owner(reading: &Reading) -> Result<ActorId, AppError> {
    reading.scope().actor().id().ok_or(AppError::Unauthenticated)
}

/// Who vouches for whoever asks.
///
/// # Errors
/// [`AppError::Unauthenticated`], or the database's.
pub async fn identities(reading: &Reading) -> Result<Vec<Identity>, AppError> {
    let (owner, session) = (owner(reading)?, reading.session().await?);
    let rows = external::of(reading.scope(), &session, owner, MAX_IDENTITIES).await?;
    Ok(rows
        .into_iter()
        .map(|row| Identity { issuer: row.issuer, subject: row.subject, linked_at: row.linked_at })
        .collect())
}

/// What whoever asks has agreed to, the latest first.
///
/// # Errors
/// [`AppError::Unauthenticated`], or the database's.
pub async fn consents(reading: &Reading) -> Result<Vec<Consent>, AppError> {
    let (owner, session) = (owner(reading)?, reading.session().await?);
    let rows = consent::of(reading.scope(), &session, owner, MAX_CONSENTS).await?;
    let consent = |row: consent::Model| Consent {
        purpose: row.purpose,
        version: row.version,
        given_at: row.given_at,
        withdrawn_at: row.withdrawn_at,
    };
    Ok(rows.into_iter().map(consent).collect())
}

/// What whoever asks has done, newest first, before place `before` of the trail, and whether more follow.
///
/// # Errors
/// [`AppError::Unauthenticated`], [`AppError::Argument`] for more than [`MAX_FIRST`] at once, or the database's.
pub async fn actions(reading: &Reading, first: u32, before: Option<i64>) -> Result<(Vec<AuditEntry>, bool), AppError> {
    let owner = owner(reading)?;
    if !(1..=MAX_FIRST).contains(&first) {
        return Err(AppError::Argument(format!("`first` is 1 to {MAX_FIRST}, not {first}")));
    }
    let session = reading.session().await?;
    let mut rows = audit::of_actor(reading.scope(), &session, owner, (before, u64::from(first) + 1)).await?;
    let has_next = rows.len() > first as usize;
    rows.truncate(first as usize);
    Ok((rows.into_iter().map(AuditEntry::from).collect(), has_next))
}
