//! Which tenants have jobs due: only a hint, so that workers need not open every store. The jobs themselves lie in the
//! tenants' stores; a hint is written after the commit, and what a crash left without one a sweep finds.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{QueryOrder, QuerySelect, QueryTrait as _};
use sunlit_domain::id::TenantId;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;

use super::Platform;
use super::tenant::state;
use crate::StorageError;

/// When a tenant's next job is due.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant_due")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// When, or earlier than that.
    #[sea_orm(indexed)]
    pub next_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes that a job of the tenant is due at `at`; an earlier note stays.
///
/// # Errors
/// The database's.
pub async fn hint(platform: &Platform, tenant: TenantId, at: Timestamp) -> Result<(), StorageError> {
    let row = ActiveModel { tenant_id: Set(tenant.0), next_at: Set(at.to_string()) };
    let earlier = Expr::col((Entity, Column::NextAt)).gt(at.to_string());
    let conflict =
        OnConflict::column(Column::TenantId).update_column(Column::NextAt).action_and_where(earlier).to_owned();
    let transaction = platform.begin().await?;
    transaction.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(transaction.commit().await?)
}

/// The tenants that serve and have jobs due at `now`, longest due first, each with what its note says.
///
/// # Errors
/// The database's.
pub async fn due(platform: &Platform, now: Timestamp, limit: u64) -> Result<Vec<(TenantId, Timestamp)>, StorageError> {
    let found = serving().filter(Column::NextAt.lte(now.to_string())).order_by_asc(Column::NextAt).limit(limit);
    let rows = found.all(platform.reader()).await?;
    rows.into_iter().map(|row| Ok((TenantId(row.tenant_id), read(&row.next_at)?))).collect()
}

/// When the next job of any tenant that serves is due, past or future.
///
/// # Errors
/// The database's.
pub async fn next(platform: &Platform) -> Result<Option<Timestamp>, StorageError> {
    let row = serving().order_by_asc(Column::NextAt).one(platform.reader()).await?;
    row.map(|row| read(&row.next_at)).transpose()
}

/// Replaces the note that said `seen` by what the store says now; answers whether it did. A note that was written since
/// stays.
///
/// Whoever calls this looks into the store once more afterwards: a job that was committed in between left its note in vain
/// if the one of `seen` was earlier.
///
/// # Errors
/// The database's.
pub async fn settle(
    platform: &Platform,
    tenant: TenantId,
    seen: Timestamp,
    next: Option<Timestamp>,
) -> Result<bool, StorageError> {
    let transaction = platform.begin().await?;
    let is_seen = Column::TenantId.eq(tenant.0).and(Column::NextAt.eq(seen.to_string()));
    let changed = match next {
        Some(next) => {
            let update = Entity::update_many().col_expr(Column::NextAt, Expr::value(next.to_string()));
            update.filter(is_seen).exec(&transaction).await?.rows_affected
        }
        None => Entity::delete_many().filter(is_seen).exec(&transaction).await?.rows_affected,
    };
    transaction.commit().await?;
    Ok(changed > 0)
}

/// The notes of tenants that simply serve: nothing changes in the others, and their jobs wait.
fn serving() -> Select<Entity> {
    let resting = state::Entity::find()
        .select_only()
        .column(state::Column::TenantId)
        .filter(state::Column::State.ne(TenantState::Active.name()));
    Entity::find().filter(Column::TenantId.not_in_subquery(resting.into_query()))
}

fn read(text: &str) -> Result<Timestamp, StorageError> {
    text.parse().map_err(|_| StorageError::Corrupt("next_at".to_owned()))
}
