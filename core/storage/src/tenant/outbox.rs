//! The outbox: events written in the transaction of the command that caused them, so that none is lost or invented.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::value::Timestamp;

use crate::{Session, StorageError, Work};

/// An event that waits for its consumers.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The event's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it happened.
    pub at: String,
    /// `street-cards.street.created`.
    pub event: String,
    /// What it is about: the record's id.
    pub subject_id: Uuid,
    /// The record's version after it.
    pub version: i64,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Something that happened to a record.
#[derive(Debug, Clone)]
pub struct Event {
    /// The event's id.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// See [`Model::event`].
    pub event: String,
    /// The record.
    pub record: RecordId,
    /// Its version afterwards.
    pub version: i64,
}

/// Writes an event.
///
/// # Errors
/// The database's.
pub async fn write(scope: &Scope, work: &Work, event: Event) -> Result<(), StorageError> {
    let row = row_of(work.guard(scope)?.0, event);
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// Events of one statement.
const BATCH: usize = 500;

/// Writes many events, for a command that is about many records.
///
/// # Errors
/// The database's.
pub async fn write_many(scope: &Scope, work: &Work, events: Vec<Event>) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?.0;
    let mut rows = events.into_iter().map(|event| row_of(tenant, event)).peekable();
    while rows.peek().is_some() {
        let batch: Vec<ActiveModel> = rows.by_ref().take(BATCH).collect();
        Entity::insert_many(batch).exec_without_returning(&work.transaction).await?;
    }
    Ok(())
}

fn row_of(tenant: Uuid, event: Event) -> ActiveModel {
    ActiveModel {
        tenant_id: Set(tenant),
        id: Set(event.id.0),
        at: Set(event.at.to_string()),
        event: Set(event.event),
        subject_id: Set(event.record.0),
        version: Set(event.version),
    }
}

/// The latest events, newest first.
///
/// # Errors
/// The database's.
pub async fn latest(scope: &Scope, session: &Session, first: u64) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_desc(Column::Id).limit(first);
    Ok(found.all(&session.transaction).await?)
}
