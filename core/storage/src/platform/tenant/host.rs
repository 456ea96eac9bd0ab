//! Host names, each of one tenant.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sunlit_domain::id::TenantId;

use super::super::Platform;
use crate::StorageError;

/// A host name.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "host_name")]
pub struct Model {
    /// Lower case, without port.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Whose it is.
    pub tenant_id: Uuid,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The host names of a tenant.
///
/// # Errors
/// The database's.
pub async fn of(platform: &Platform, tenant: TenantId) -> Result<Vec<String>, StorageError> {
    let found = Entity::find().filter(Column::TenantId.eq(tenant.0)).order_by_asc(Column::Name);
    Ok(found.all(platform.reader()).await?.into_iter().map(|row| row.name).collect())
}
