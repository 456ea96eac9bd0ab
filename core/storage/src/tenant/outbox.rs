//! The outbox: what a command leaves for later, written in the command's own transaction, so that none is lost or invented.
//!
//! One table holds two kinds of rows. An *event* is a fact for consumers, each of which follows with its own cursor
//! ([`events`]). A *job* is work to be done once, at its time or later: [`schedule`] writes it, a worker leases it with
//! [`claim`] and ends it with [`finish`], [`retry`] or [`bury`]. Done rows stay for [`KEPT`].

mod job;
mod lease;

use std::time::Duration;

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ConditionalStatement as _, Index, IndexCreateStatement};
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::value::Timestamp;

pub use job::{Job, MAX_PAYLOAD_BYTES, cancel, dead, next_due, replay, schedule, waiting};
pub use lease::{Claimed, bury, claim, finish, proceed, retry};

use crate::session::own;
use crate::{Session, StorageError, Work};

/// How long done rows stay.
pub const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A row of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The row's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `event` or `job`.
    pub kind: String,
    /// The event, `street-cards.street.created`, or the kind of job.
    pub name: String,
    /// What makes a waiting job the only one of its kind; none for an event.
    pub key: Option<String>,
    /// What an event is about: the record's id.
    pub subject_id: Option<Uuid>,
    /// The record's version after the event.
    pub version: Option<i64>,
    /// What a job has to know, JSON, at most [`MAX_PAYLOAD_BYTES`].
    #[sea_orm(column_type = "Text", nullable)]
    pub payload: Option<String>,
    /// When an event happened; from when on a job is due.
    pub at: String,
    /// `waiting`, `done` or `dead`. An event waits for nobody: it is done from the first.
    pub state: String,
    /// How often the job was claimed.
    pub attempts: i64,
    /// Until when the job is its worker's.
    pub leased_until: Option<String>,
    /// When it was done, or given up.
    pub ended_at: Option<String>,
    /// Why the last attempt failed.
    #[sea_orm(column_type = "Text", nullable)]
    pub last_error: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const EVENT: &str = "event";
const JOB: &str = "job";
const WAITING: &str = "waiting";
pub(crate) const DONE: &str = "done";
const DEAD: &str = "dead";

/// What finds waiting jobs and done rows, and lets a kind and key wait only once.
pub(super) fn indexes() -> [IndexCreateStatement; 3] {
    let index = |name: &str| Index::create().if_not_exists().name(name).table(Entity).take();
    let mut due = index("outbox__due");
    due.col(Column::TenantId).col(Column::State).col(Column::At);
    let mut ended = index("outbox__ended");
    ended.col(Column::TenantId).col(Column::EndedAt);
    let mut once = index("outbox__once");
    once.unique().col(Column::TenantId).col(Column::Name).col(Column::Key);
    once.and_where(Column::State.eq(WAITING));
    [due, ended, once]
}

/// Something that happened to a record.
#[derive(Debug, Clone)]
pub struct Event {
    /// The event's id.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// `street-cards.street.created`.
    pub event: String,
    /// The record; for the event of a schedule its job.
    pub record: RecordId,
    /// Its version afterwards.
    pub version: i64,
}

/// Writes an event.
///
/// # Errors
/// The database's.
pub async fn write(scope: &Scope, work: &Work, event: Event) -> Result<(), StorageError> {
    let row = row_of(work.guard(scope)?, event);
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
    let tenant = work.guard(scope)?;
    let mut rows = events.into_iter().map(|event| row_of(tenant, event)).peekable();
    while rows.peek().is_some() {
        let batch: Vec<ActiveModel> = rows.by_ref().take(BATCH).collect();
        Entity::insert_many(batch).exec_without_returning(&work.transaction).await?;
    }
    Ok(())
}

fn row_of(tenant: TenantId, event: Event) -> ActiveModel {
    ActiveModel {
        subject_id: Set(Some(event.record.0)),
        version: Set(Some(event.version)),
        state: Set(DONE.to_owned()),
        ended_at: Set(Some(event.at.to_string())),
        ..row(tenant, event.id.0, EVENT, event.event, event.at)
    }
}

/// The latest events, newest first.
///
/// # Errors
/// The database's.
pub async fn latest(scope: &Scope, session: &Session, first: u64) -> Result<Vec<Model>, StorageError> {
    let found = of_kind(session.guard(scope)?, EVENT).order_by_desc(Column::Id).limit(first);
    Ok(found.all(&session.transaction).await?)
}

/// The events that follow the one with id `after`, oldest first; from the first one when there is none.
///
/// # Errors
/// The database's.
pub async fn events(
    scope: &Scope,
    session: &Session,
    after: Option<Uuid>,
    first: u64,
) -> Result<Vec<Model>, StorageError> {
    let mut found = of_kind(session.guard(scope)?, EVENT).order_by_asc(Column::Id).limit(first);
    if let Some(after) = after {
        found = found.filter(Column::Id.gt(after));
    }
    Ok(found.all(&session.transaction).await?)
}

/// Removes done rows that have stayed for [`KEPT`]; answers how many. Dead jobs stay until somebody looks at them.
///
/// # Errors
/// The database's.
pub async fn purge(scope: &Scope, work: &Work, now: Timestamp) -> Result<u64, StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::State.eq(DONE))
        .filter(Column::EndedAt.lt(now.minus(KEPT).to_string()));
    Ok(gone.exec(&work.transaction).await?.rows_affected)
}

fn of_kind(tenant: TenantId, kind: &str) -> Select<Entity> {
    Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Kind.eq(kind))
}

fn row(tenant: TenantId, id: Uuid, kind: &str, name: String, at: Timestamp) -> ActiveModel {
    ActiveModel {
        tenant_id: Set(tenant.0),
        id: Set(id),
        kind: Set(kind.to_owned()),
        name: Set(name),
        key: Set(None),
        subject_id: Set(None),
        version: Set(None),
        payload: Set(None),
        at: Set(at.to_string()),
        state: Set(WAITING.to_owned()),
        attempts: Set(0),
        leased_until: Set(None),
        ended_at: Set(None),
        last_error: Set(None),
    }
}
