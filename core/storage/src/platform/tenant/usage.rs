//! What tenants have used in a month: sums that every node adds to.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{QuerySelect, QueryTrait as _};
use sunlit_domain::id::TenantId;

use super::super::Platform;
use crate::StorageError;

/// Rows of one statement.
const BATCH: usize = 500;

/// A sum.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_usage")]
pub struct Model {
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The month in China's time: `2026-11`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: String,
    /// What is counted: a quota; or `told:<quota>:<percent>`, that its administrators were told of so much of it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub quota: String,
    /// How much.
    pub amount: i64,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What is added to a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Whose.
    pub tenant: TenantId,
    /// See [`Model::month`].
    pub month: String,
    /// See [`Model::quota`].
    pub quota: String,
    /// How much more.
    pub amount: u64,
}

/// Adds to sums, all or none. What is of a tenant that is there no more is not written.
///
/// # Errors
/// The database's.
pub async fn add(platform: &Platform, added: &[Added]) -> Result<(), StorageError> {
    let transaction = platform.begin().await?;
    for batch in added.chunks(BATCH) {
        let ids = batch.iter().map(|added| added.tenant.0);
        // Locked where rows can be, so that nobody is removed while something is added to it.
        let there: Vec<Uuid> = super::Entity::find()
            .select_only()
            .column(super::Column::Id)
            .filter(super::Column::Id.is_in(ids))
            .lock_shared()
            .into_tuple()
            .all(&transaction)
            .await?;
        let rows = batch.iter().filter(|added| there.contains(&added.tenant.0)).map(|added| ActiveModel {
            tenant_id: Set(added.tenant.0),
            month: Set(added.month.clone()),
            quota: Set(added.quota.clone()),
            amount: Set(i64::try_from(added.amount).unwrap_or(i64::MAX)),
        });
        let rows: Vec<ActiveModel> = rows.collect();
        if rows.is_empty() {
            continue;
        }
        let sum = Expr::col((Entity, Column::Amount)).add(Expr::col(("excluded", Column::Amount)));
        let conflict =
            OnConflict::columns([Column::TenantId, Column::Month, Column::Quota]).value(Column::Amount, sum).to_owned();
        transaction.execute(&Entity::insert_many(rows).on_conflict(conflict).into_query()).await?;
    }
    Ok(transaction.commit().await?)
}

/// The sums of a month of these tenants; of all when none are named.
///
/// # Errors
/// The database's.
pub async fn sums(platform: &Platform, month: &str, tenants: Option<&[TenantId]>) -> Result<Vec<Model>, StorageError> {
    let found = Entity::find().filter(Column::Month.eq(month));
    let Some(tenants) = tenants else { return Ok(found.all(platform.reader()).await?) };
    let mut sums = Vec::new();
    for some in tenants.chunks(BATCH) {
        let some = some.iter().map(|tenant| tenant.0);
        sums.extend(found.clone().filter(Column::TenantId.is_in(some)).all(platform.reader()).await?);
    }
    Ok(sums)
}

/// Removes the sums of months before `month`; answers how many.
///
/// # Errors
/// The database's.
pub async fn purge(platform: &Platform, month: &str) -> Result<u64, StorageError> {
    let transaction = platform.begin().await?;
    let gone = Entity::delete_many().filter(Column::Month.lt(month)).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(gone.rows_affected)
}
