//! What the tenant set for its packages, as JSON in the one encoding of values.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::Scope;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "setting")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The package's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub package: String,
    /// The setting's name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Its value as JSON.
    pub value: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Sets a value.
///
/// # Errors
/// The database's.
pub async fn put(scope: &Scope, work: &Work, package: &str, name: &str, value: &str) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        package: Set(package.to_owned()),
        name: Set(name.to_owned()),
        value: Set(value.to_owned()),
    };
    let conflict = OnConflict::columns([Column::TenantId, Column::Package, Column::Name])
        .update_columns([Column::Value])
        .to_owned();
    let insert = Entity::insert(row).on_conflict(conflict).into_query();
    work.execute(&insert).await?;
    Ok(())
}

/// All settings of the tenant.
///
/// # Errors
/// The database's.
pub async fn all(scope: &Scope, session: &Session) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    Ok(Entity::find().filter(own(Column::TenantId, tenant.0)).all(&session.transaction).await?)
}
