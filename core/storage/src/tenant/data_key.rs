//! The tenant's data keys, wrapped by a master key. The one of the greatest number seals; former ones stay, so that what was
//! sealed under them opens.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{QueryOrder, QuerySelect, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// One data key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "data_key")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// 1, 2, 3 …; never used again.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// The key, wrapped.
    pub wrapped: String,
    /// The id of the master key that wraps it.
    pub master_key: String,
    /// When it was made.
    pub created_at: String,
    /// Since when no record is sealed under it any more.
    pub retired_at: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// All data keys, the first first.
///
/// # Errors
/// The database's.
pub async fn all(scope: &Scope, session: &Session) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_asc(Column::Number);
    Ok(found.all(&session.transaction).await?)
}

/// The data key of that number; without one the latest.
///
/// # Errors
/// The database's.
pub(crate) async fn find(scope: &Scope, session: &Session, number: Option<i64>) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let mut found = Entity::find().filter(own(Column::TenantId, tenant.0));
    found = match number {
        Some(number) => found.filter(Column::Number.eq(number)),
        None => found.order_by_desc(Column::Number).limit(1),
    };
    Ok(found.one(&session.transaction).await?)
}

/// Keeps a new data key.
pub(crate) async fn put(
    scope: &Scope,
    work: &Work,
    number: i64,
    (wrapped, master_key): (&str, &str),
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        number: Set(number),
        wrapped: Set(wrapped.to_owned()),
        master_key: Set(master_key.to_owned()),
        created_at: Set(at.to_string()),
        retired_at: Set(None),
    };
    work.execute(&Entity::insert(row).into_query()).await?;
    Ok(())
}

/// Wraps a data key anew.
pub(crate) async fn rewrap(
    scope: &Scope,
    work: &Work,
    number: i64,
    (wrapped, master_key): (&str, &str),
) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let update = Entity::update_many()
        .col_expr(Column::Wrapped, Expr::value(wrapped))
        .col_expr(Column::MasterKey, Expr::value(master_key))
        .filter(own(Column::TenantId, tenant.0).and(Column::Number.eq(number)));
    update.exec(&work.transaction).await?;
    Ok(())
}

/// Notes that nothing is sealed any more under keys before `number`.
///
/// # Errors
/// The database's.
pub async fn retire_before(scope: &Scope, work: &Work, number: i64, at: Timestamp) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let former = own(Column::TenantId, tenant.0).and(Column::Number.lt(number)).and(Column::RetiredAt.is_null());
    let update = Entity::update_many().col_expr(Column::RetiredAt, Expr::value(at.to_string())).filter(former);
    update.exec(&work.transaction).await?;
    Ok(())
}
