//! States of tenants that do not simply serve: one that has no row is active.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::id::TenantId;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;

use super::super::Platform;
use crate::StorageError;

/// The state of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_state")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// `active`, `read-only`, `suspended`.
    pub state: String,
    /// Since when.
    pub since: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Puts a tenant into a state.
///
/// # Errors
/// The database's.
pub async fn put(platform: &Platform, tenant: TenantId, state: TenantState, at: Timestamp) -> Result<(), StorageError> {
    let row = ActiveModel { tenant_id: Set(tenant.0), state: Set(state.name().to_owned()), since: Set(at.to_string()) };
    let conflict = OnConflict::column(Column::TenantId).update_columns([Column::State, Column::Since]).to_owned();
    let transaction = platform.begin().await?;
    transaction.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(transaction.commit().await?)
}

/// The state of a tenant.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn of(platform: &Platform, tenant: TenantId) -> Result<TenantState, StorageError> {
    let row = Entity::find_by_id(tenant.0).one(platform.reader()).await?;
    row.map_or(Ok(TenantState::Active), |row| read(&row))
}

/// The tenants that do not simply serve.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn resting(platform: &Platform) -> Result<Vec<(TenantId, TenantState)>, StorageError> {
    let rows = Entity::find().filter(Column::State.ne(TenantState::Active.name())).all(platform.reader()).await?;
    rows.iter().map(|row| Ok((TenantId(row.tenant_id), read(row)?))).collect()
}

fn read(row: &Model) -> Result<TenantState, StorageError> {
    TenantState::named(&row.state).ok_or_else(|| StorageError::Corrupt("tenant_state".to_owned()))
}
