//! The history of records: one row for each transition of their workflow. Rows are added, never changed.

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, ExprTrait as _, Func, Order, WindowStatement};
use sea_orm::{FromQueryResult as _, Iterable as _, QueryOrder, QuerySelect, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::id::{ActorId, RecordId};
use sunlit_domain::value::Timestamp;
use sunlit_domain::workflow::LastActors;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// How many steps of a record its history shows.
pub const MAX_SHOWN: u32 = 100;
/// The name of a step's place among those of its record, the latest first.
const PLACE: &str = "place_";

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "step")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The collection: `disclosure.notice`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection: String,
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record: Uuid,
    /// The step's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The transition; `create` for the first step.
    pub transition: String,
    /// The state before; none for the first step.
    pub from_state: Option<String>,
    /// The state after.
    pub to_state: String,
    /// Who; none for somebody who was not signed in.
    pub actor: Option<Uuid>,
    /// The comment that was given.
    #[sea_orm(column_type = "Text", nullable)]
    pub comment: Option<String>,
    /// When.
    pub at: String,
    /// The record's version afterwards.
    pub version: i64,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A step to be written; who makes it is the scope's actor.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// The step's id.
    pub id: Uuid,
    /// See [`Model::collection`].
    pub collection: &'a str,
    /// The record.
    pub record: RecordId,
    /// See [`Model::transition`].
    pub transition: &'a str,
    /// See [`Model::from_state`].
    pub from: Option<&'a str>,
    /// See [`Model::to_state`].
    pub to: &'a str,
    /// See [`Model::comment`].
    pub comment: Option<String>,
    /// When.
    pub at: Timestamp,
    /// See [`Model::version`].
    pub version: i64,
}

/// Adds a step.
///
/// # Errors
/// The database's.
pub async fn write(scope: &Scope, work: &Work, step: Step<'_>) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        collection: Set(step.collection.to_owned()),
        record: Set(step.record.0),
        id: Set(step.id),
        transition: Set(step.transition.to_owned()),
        from_state: Set(step.from.map(ToOwned::to_owned)),
        to_state: Set(step.to.to_owned()),
        actor: Set(scope.actor().id().map(|id| id.0)),
        comment: Set(step.comment),
        at: Set(step.at.to_string()),
        version: Set(step.version),
    };
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// The latest steps of these records, the oldest of them first, at most [`MAX_SHOWN`] each.
///
/// # Errors
/// The database's.
pub async fn history(
    scope: &Scope,
    session: &Session,
    collection: &str,
    records: &[RecordId],
) -> Result<BTreeMap<RecordId, Vec<Model>>, StorageError> {
    let mut inner = of(scope, session, collection, records)?.into_query();
    let mut window = WindowStatement::partition_by(Column::Record);
    window.order_by(Column::Id, Order::Desc);
    inner.expr_window_as(Func::cust(Alias::new("ROW_NUMBER")), window, Alias::new(PLACE));
    let mut latest = session.among(inner);
    latest
        .columns(Column::iter())
        .and_where(Expr::col(Alias::new(PLACE)).lte(i64::from(MAX_SHOWN)))
        .order_by(Column::Id, Order::Asc);
    let mut histories: BTreeMap<RecordId, Vec<Model>> = BTreeMap::new();
    for row in session.all(&latest).await? {
        let step = Model::from_query_result(&row, "")?;
        histories.entry(RecordId(step.record)).or_default().push(step);
    }
    Ok(histories)
}

/// Who made each of these transitions of these records last.
///
/// # Errors
/// The database's.
pub async fn last_actors(
    scope: &Scope,
    session: &Session,
    collection: &str,
    records: &[RecordId],
    transitions: &[&str],
) -> Result<BTreeMap<RecordId, LastActors>, StorageError> {
    let wanted = Column::Transition.is_in(transitions.iter().copied());
    let found = of(scope, session, collection, records)?.filter(wanted).order_by_asc(Column::Id);
    let rows: Vec<(Uuid, String, Option<Uuid>)> = found
        .select_only()
        .columns([Column::Record, Column::Transition, Column::Actor])
        .into_tuple()
        .all(&session.transaction)
        .await?;
    let mut last: BTreeMap<RecordId, LastActors> = BTreeMap::new();
    for (record, transition, actor) in rows {
        last.entry(RecordId(record)).or_default().insert(transition, actor.map(ActorId));
    }
    Ok(last)
}

/// Keeps the history of a collection's records under another name of the collection.
///
/// # Errors
/// The database's.
pub async fn rename(scope: &Scope, work: &Work, from: &str, to: &str) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let rows = Entity::update_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Collection.eq(from));
    rows.col_expr(Column::Collection, Expr::value(to)).exec(&work.transaction).await?;
    Ok(())
}

fn of(
    scope: &Scope,
    session: &Session,
    collection: &str,
    records: &[RecordId],
) -> Result<Select<Entity>, StorageError> {
    let tenant = session.guard(scope)?;
    Ok(Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Collection.eq(collection))
        .filter(Column::Record.is_in(records.iter().map(|record| record.0))))
}
