//! Tenants that are being made or erased as a whole. A row is written before anything else is, and goes with the last step: what is
//! left by somebody who holds no claim any more broke off.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;

use super::super::Platform;
use crate::StorageError;

/// A tenant is being imported: what its store has is of no use until it is there.
pub const IMPORT: &str = "import";
/// A tenant is being erased: it comes to its end only.
pub const ERASE: &str = "erase";

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_staging")]
pub struct Model {
    /// To which tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its slug, or the one that it is to have.
    pub slug: String,
    /// [`IMPORT`] or [`ERASE`].
    pub what: String,
    /// Since when.
    pub begun_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes what begins.
///
/// # Errors
/// The database's.
pub async fn begin(
    platform: &Platform,
    tenant: TenantId,
    slug: &str,
    what: &'static str,
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(tenant.0),
        slug: Set(slug.to_owned()),
        what: Set(what.to_owned()),
        begun_at: Set(at.to_string()),
    };
    let changed = [Column::Slug, Column::What, Column::BegunAt];
    let conflict = OnConflict::column(Column::TenantId).update_columns(changed).to_owned();
    let transaction = platform.begin().await?;
    transaction.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(transaction.commit().await?)
}

/// Notes that it has ended, one way or the other.
///
/// # Errors
/// The database's.
pub async fn end(platform: &Platform, tenant: TenantId) -> Result<(), StorageError> {
    let transaction = platform.begin().await?;
    end_in(&transaction, tenant).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn end_in(transaction: &impl ConnectionTrait, tenant: TenantId) -> Result<(), StorageError> {
    Entity::delete_by_id(tenant.0).exec(transaction).await?;
    Ok(())
}

/// What is being done to a tenant.
///
/// # Errors
/// The database's.
pub async fn of(platform: &Platform, tenant: TenantId) -> Result<Option<Model>, StorageError> {
    Ok(Entity::find_by_id(tenant.0).one(platform.reader()).await?)
}

/// Everything that was begun and has not ended.
///
/// # Errors
/// The database's.
pub async fn all(platform: &Platform) -> Result<Vec<Model>, StorageError> {
    Ok(Entity::find().all(platform.reader()).await?)
}
