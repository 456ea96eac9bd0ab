//! The audit trail: one row for each command, in the command's own transaction.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::value::Timestamp;

use crate::{Session, StorageError, Work};

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
    /// When.
    pub at: String,
    /// Who; none for the platform itself.
    pub actor: Option<Uuid>,
    /// What was done: `create`, `update`, `delete`, `enable`, `set`.
    pub action: String,
    /// What it was done to: `street-cards.street`, `package`.
    pub subject: String,
    /// Which one: a record's id or a name.
    pub subject_id: String,
    /// SHA-256 of the record before, in hexadecimal.
    pub before_digest: Option<String>,
    /// SHA-256 of the record after.
    pub after_digest: Option<String>,
}

/// Nothing is related by the ORM; the tenant's predicate stands in every query.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

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

/// Writes an entry; the actor is the scope's.
///
/// # Errors
/// The database's.
pub async fn write(scope: &Scope, work: &Work, entry: Entry) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        id: Set(entry.id.0),
        at: Set(entry.at.to_string()),
        actor: Set(scope.actor().id().map(|id| id.0)),
        action: Set(entry.action.to_owned()),
        subject: Set(entry.subject),
        subject_id: Set(entry.subject_id),
        before_digest: Set(entry.before_digest),
        after_digest: Set(entry.after_digest),
    };
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// The latest entries, newest first.
///
/// # Errors
/// The database's.
pub async fn latest(scope: &Scope, session: &Session, first: u64) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_desc(Column::Id).limit(first);
    Ok(found.all(&session.transaction).await?)
}
