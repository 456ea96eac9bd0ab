//! What is kept of a tenant that was erased: that it was, when and by whom, and which export was its last. Nothing personal.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sunlit_domain::id::TenantId;

use super::super::Platform;
use crate::StorageError;

/// An erased tenant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_tombstone")]
pub struct Model {
    /// The id that it had.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The slug that it had.
    pub slug: String,
    /// When.
    pub erased_at: String,
    /// By whom; none for somebody who was not signed in.
    pub erased_by: Option<Uuid>,
    /// The root hash of its last export, when there was one.
    pub last_export: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The tombstone of a tenant.
///
/// # Errors
/// The database's.
pub async fn of(platform: &Platform, tenant: TenantId) -> Result<Option<Model>, StorageError> {
    Ok(Entity::find_by_id(tenant.0).one(platform.reader()).await?)
}

/// All of them, by when.
///
/// # Errors
/// The database's.
pub async fn all(platform: &Platform) -> Result<Vec<Model>, StorageError> {
    let found = Entity::find().order_by_asc(Column::ErasedAt).order_by_asc(Column::TenantId);
    Ok(found.all(platform.reader()).await?)
}
