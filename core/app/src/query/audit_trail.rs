//! Who did what: the audit trail, for auditors alone.

use sunlit_domain::Role;
use sunlit_storage::tenant::audit;
use uuid::Uuid;

use crate::reading::require;
use crate::{AppError, Reading};

/// How many entries are answered at most.
pub const MAX_FIRST: u32 = 100;

/// An entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// When, RFC 3339.
    pub at: String,
    /// Who; none for the platform itself.
    pub actor: Option<Uuid>,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub subject: String,
    /// Which one.
    pub subject_id: String,
    /// SHA-256 of the record before, in hexadecimal.
    pub before_digest: Option<String>,
    /// SHA-256 of the record after.
    pub after_digest: Option<String>,
    /// The hash of the entry before.
    pub previous: String,
    /// Its own hash.
    pub hash: String,
}

/// The entries before place `before`, newest first, and whether more follow.
///
/// # Errors
/// [`AppError::Denied`] for whoever is no auditor, [`AppError::Argument`] for more than [`MAX_FIRST`] at once.
pub async fn run(reading: &Reading, first: u32, before: Option<i64>) -> Result<(Vec<AuditEntry>, bool), AppError> {
    require(reading.scope(), Role::Auditor)?;
    if !(1..=MAX_FIRST).contains(&first) {
        return Err(AppError::Argument(format!("`first` is 1 to {MAX_FIRST}, not {first}")));
    }
    let session = reading.session().await?;
    let mut rows = audit::before(reading.scope(), &session, before, u64::from(first) + 1).await?;
    let wanted = usize::try_from(first).unwrap_or(usize::MAX);
    let has_next = rows.len() > wanted;
    rows.truncate(wanted);
    Ok((rows.into_iter().map(AuditEntry::from).collect(), has_next))
}

impl From<audit::Model> for AuditEntry {
    fn from(row: audit::Model) -> Self {
        Self {
            seq: row.seq,
            at: row.at,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            subject_id: row.subject_id,
            before_digest: row.before_digest,
            after_digest: row.after_digest,
            previous: row.previous,
            hash: row.hash,
        }
    }
}
