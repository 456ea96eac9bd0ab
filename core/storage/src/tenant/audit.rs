//! The audit trail: one row for each command, in the command's own transaction, and each row chained to the one before.
//!
//! A row's hash is SHA-256 over its canonical text, which holds the hash of the row before. So a row that was changed,
//! removed, inserted or moved by other hands breaks the chain at that place ([`verify`]). Whoever rewrites the whole rest of
//! a chain, or cuts off its end, is found by a head that was noted down elsewhere.

mod verify;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Index, IndexCreateStatement};
use sea_orm::{QueryOrder, QuerySelect};
use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::id::{ActorId, RecordId};
use sunlit_domain::value::Timestamp;

pub use verify::{Chain, Fault, verify, verify_end};

use crate::session::AuditPlace;
use crate::session::own;
use crate::{Session, StorageError, Work};

/// What the first row of a chain names as the hash before it.
pub const NO_ROW: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A row of the audit trail.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The row's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its place in the tenant's chain: 1, 2, 3 …
    pub seq: i64,
    /// When.
    pub at: String,
    /// Who; none for the platform itself.
    pub actor: Option<Uuid>,
    /// What was done: `create`, `update`, `delete`, `transition`, `import`, `upload`, `enable`, `upgrade`, `set` and the like.
    pub action: String,
    /// What it was done to: `street-cards.street`, `package`.
    pub subject: String,
    /// Which one: a record's id or a name.
    pub subject_id: String,
    /// SHA-256 of the record before, in hexadecimal.
    pub before_digest: Option<String>,
    /// SHA-256 of the record after.
    pub after_digest: Option<String>,
    /// The hash of the row before, [`NO_ROW`] for the first.
    pub previous: String,
    /// SHA-256 of [`Model::canonical`], in hexadecimal.
    pub hash: String,
}

/// Nothing is related by the ORM; the tenant's predicate stands in every query.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The row as one text with one spelling, without its hash: a line for each column, in the order of this type, name, tab,
    /// value as JSON.
    #[must_use]
    pub fn canonical(&self) -> String {
        use serde_json::Value as Json;
        let text = |value: &Option<String>| value.clone().map_or(Json::Null, Json::from);
        let columns = [
            ("tenant_id", Json::from(self.tenant_id.to_string())),
            ("id", Json::from(self.id.to_string())),
            ("seq", Json::from(self.seq)),
            ("at", Json::from(self.at.as_str())),
            ("actor", self.actor.map_or(Json::Null, |actor| Json::from(actor.to_string()))),
            ("action", Json::from(self.action.as_str())),
            ("subject", Json::from(self.subject.as_str())),
            ("subject_id", Json::from(self.subject_id.as_str())),
            ("before_digest", text(&self.before_digest)),
            ("after_digest", text(&self.after_digest)),
            ("previous", Json::from(self.previous.as_str())),
        ];
        columns.into_iter().map(|(name, value)| format!("{name}\t{value}\n")).collect()
    }

    /// The hash that the row must have.
    #[must_use]
    pub fn digest(&self) -> String {
        Sha256::digest(self.canonical()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What gives each place of a chain to one row.
pub(super) fn index() -> IndexCreateStatement {
    let mut index = Index::create().if_not_exists().name("audit__seq").table(Entity).unique().take();
    index.col(Column::TenantId).col(Column::Seq).take()
}

/// Finds what somebody did.
pub(super) fn by_actor() -> IndexCreateStatement {
    let mut index = Index::create().if_not_exists().name("audit__actor").table(Entity).take();
    index.col(Column::TenantId).col(Column::Actor).col(Column::Seq).take()
}

/// What a command did.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The row's id.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// See [`Model::action`].
    pub action: &'static str,
    /// See [`Model::subject`].
    pub subject: String,
    /// See [`Model::subject_id`].
    pub subject_id: String,
    /// See [`Model::before_digest`].
    pub before_digest: Option<String>,
    /// See [`Model::after_digest`].
    pub after_digest: Option<String>,
}

/// Writes an entry at the end of the chain; the actor is the scope's.
///
/// # Errors
/// The database's.
pub async fn write(scope: &Scope, work: &Work, entry: Entry) -> Result<(), StorageError> {
    let (seq, previous) = end(scope, work).await?;
    let mut row = Model {
        tenant_id: work.guard(scope)?.0,
        id: entry.id.0,
        seq: seq + 1,
        at: entry.at.to_string(),
        actor: scope.actor().id().map(|id| id.0),
        action: entry.action.to_owned(),
        subject: entry.subject,
        subject_id: entry.subject_id,
        before_digest: entry.before_digest,
        after_digest: entry.after_digest,
        previous,
        hash: String::new(),
    };
    row.hash = row.digest();
    let end = (row.seq, row.hash.clone());
    Entity::insert(ActiveModel::from(row).reset_all()).exec_without_returning(&work.transaction).await?;
    *work.last_audit() = Some(end);
    Ok(())
}

/// Where the chain ends: asked once in a transaction that writes many entries.
async fn end(scope: &Scope, work: &Work) -> Result<AuditPlace, StorageError> {
    let known = work.last_audit().clone();
    if let Some(end) = known {
        return Ok(end);
    }
    let last = latest(scope, work, 1).await?.pop();
    Ok(last.map_or_else(|| (0, NO_ROW.to_owned()), |last| (last.seq, last.hash)))
}

/// The latest entries, newest first.
///
/// # Errors
/// The database's.
pub async fn latest(scope: &Scope, session: &Session, first: u64) -> Result<Vec<Model>, StorageError> {
    before(scope, session, None, first).await
}

/// The entries before place `seq` of the chain, newest first; from the end when there is none.
///
/// # Errors
/// The database's.
pub async fn before(
    scope: &Scope,
    session: &Session,
    seq: Option<i64>,
    first: u64,
) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let mut found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_desc(Column::Seq).limit(first);
    if let Some(seq) = seq {
        found = found.filter(Column::Seq.lt(seq));
    }
    Ok(found.all(&session.transaction).await?)
}

/// As [`before`], of what one actor did.
///
/// # Errors
/// The database's.
pub async fn of_actor(
    scope: &Scope,
    session: &Session,
    actor: ActorId,
    (seq, first): (Option<i64>, u64),
) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let mut found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Actor.eq(actor.0))
        .order_by_desc(Column::Seq)
        .limit(first);
    if let Some(seq) = seq {
        found = found.filter(Column::Seq.lt(seq));
    }
    Ok(found.all(&session.transaction).await?)
}
