//! The last export of each tenant: what its tombstone names when it is erased.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;

use super::super::Platform;
use crate::StorageError;

/// An export.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_export")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The root hash of the archive's entries.
    pub root: String,
    /// When.
    pub at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes an export as the tenant's last.
///
/// # Errors
/// The database's.
pub async fn note(platform: &Platform, tenant: TenantId, root: &str, at: Timestamp) -> Result<(), StorageError> {
    let row = ActiveModel { tenant_id: Set(tenant.0), root: Set(root.to_owned()), at: Set(at.to_string()) };
    let conflict = OnConflict::column(Column::TenantId).update_columns([Column::Root, Column::At]).to_owned();
    let transaction = platform.begin().await?;
    transaction.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(transaction.commit().await?)
}

/// The last export of a tenant.
///
/// # Errors
/// The database's.
pub async fn of(platform: &Platform, tenant: TenantId) -> Result<Option<Model>, StorageError> {
    Ok(Entity::find_by_id(tenant.0).one(platform.reader()).await?)
}
