//! Which plan a tenant has, and when a subscription that was cancelled ends: a tenant without a row has the default plan for as long
//! as it is there.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::id::{PlanId, TenantId};
use sunlit_domain::value::Timestamp;

use super::super::Platform;
use crate::StorageError;

/// The plan of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_plan")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The plan's id; none for the default plan.
    pub plan: Option<String>,
    /// Since when.
    pub since: String,
    /// When it is suspended, after it was cancelled.
    pub ends_at: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a tenant has subscribed to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscribed {
    /// The plan; none for the default plan.
    pub plan: Option<PlanId>,
    /// When it ends, after it was cancelled.
    pub ends_at: Option<Timestamp>,
}

/// Gives a tenant a plan, and says when it ends.
///
/// # Errors
/// The database's.
pub async fn put(platform: &Platform, tenant: TenantId, to: &Subscribed, at: Timestamp) -> Result<(), StorageError> {
    let transaction = platform.begin().await?;
    put_in(&transaction, tenant, to, at).await?;
    Ok(transaction.commit().await?)
}

pub(super) async fn put_in(
    transaction: &impl ConnectionTrait,
    tenant: TenantId,
    to: &Subscribed,
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(tenant.0),
        plan: Set(to.plan.as_ref().map(ToString::to_string)),
        since: Set(at.to_string()),
        ends_at: Set(to.ends_at.map(|at| at.to_string())),
    };
    let changed = [Column::Plan, Column::Since, Column::EndsAt];
    let conflict = OnConflict::column(Column::TenantId).update_columns(changed).to_owned();
    transaction.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(())
}

/// The row of a tenant, which only those have that were given a plan or have cancelled.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn find(platform: &Platform, tenant: TenantId) -> Result<Option<Subscribed>, StorageError> {
    let row = Entity::find_by_id(tenant.0).one(platform.reader()).await?;
    row.map(|row| read(&row)).transpose()
}

/// What tenants have subscribed to that have a row.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub(super) async fn all(platform: &Platform) -> Result<Vec<(TenantId, Subscribed)>, StorageError> {
    let rows = Entity::find().all(platform.reader()).await?;
    rows.iter().map(|row| Ok((TenantId(row.tenant_id), read(row)?))).collect()
}

fn read(row: &Model) -> Result<Subscribed, StorageError> {
    let corrupt = || StorageError::Corrupt("tenant_plan".to_owned());
    Ok(Subscribed {
        plan: row.plan.as_deref().map(|plan| plan.parse().map_err(|_| corrupt())).transpose()?,
        ends_at: row.ends_at.as_deref().map(|at| at.parse().map_err(|_| corrupt())).transpose()?,
    })
}
