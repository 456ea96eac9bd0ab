//! Codes of the tenants' divisions, today's and former ones, each with the days on which it holds.

use std::collections::BTreeSet;

use sea_orm::ActiveValue::Set;
use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Index, IndexCreateStatement};
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Date;

use super::super::Platform;
use crate::StorageError;

/// A code of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "division_code")]
pub struct Model {
    /// The digits.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The first day on which it held; empty, and so before every day, when that is not known.
    #[sea_orm(primary_key, auto_increment = false)]
    pub valid_from: String,
    /// The first day on which it no longer held; none of today's.
    pub valid_to: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Finds the codes of a tenant.
pub(in crate::platform) fn index() -> IndexCreateStatement {
    let mut index = Index::create().if_not_exists().name("division_code__tenant").table(Entity).take();
    index.col(Column::TenantId).take()
}

/// Gives the tenant these codes instead of those that it has.
pub(super) async fn replace(
    transaction: &impl ConnectionTrait,
    tenant: TenantId,
    codes: &[DivisionCode],
) -> Result<(), StorageError> {
    Entity::delete_many().filter(Column::TenantId.eq(tenant.0)).exec(transaction).await?;
    for DivisionCode { code, valid_from, valid_to } in codes {
        let row = ActiveModel {
            code: Set(code.clone()),
            tenant_id: Set(tenant.0),
            valid_from: Set(valid_from.map(|day| day.to_string()).unwrap_or_default()),
            valid_to: Set(valid_to.map(|day| day.to_string())),
        };
        Entity::insert(row).exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// All codes of a tenant in the order in which they ended, today's last.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn of(platform: &Platform, tenant: TenantId) -> Result<Vec<DivisionCode>, StorageError> {
    let mut rows = Entity::find().filter(Column::TenantId.eq(tenant.0)).all(platform.reader()).await?;
    let order = |row: &Model| (row.valid_to.is_none(), row.valid_to.clone(), row.valid_from.clone(), row.code.clone());
    rows.sort_by_key(order);
    rows.into_iter().map(read).collect()
}

/// The tenants whose code it was on that day: more than one when a division was split.
pub(super) async fn holders(platform: &Platform, code: &str, day: Date) -> Result<BTreeSet<Uuid>, StorageError> {
    let day = day.to_string();
    let ends = Condition::any().add(Column::ValidTo.is_null()).add(Column::ValidTo.gt(day.as_str()));
    let held = Entity::find().filter(Column::Code.eq(code)).filter(Column::ValidFrom.lte(day.as_str())).filter(ends);
    Ok(held.all(platform.reader()).await?.into_iter().map(|row| row.tenant_id).collect())
}

/// The tenant to which a former code leads; none when it was several tenants', or is another's today.
pub(super) async fn successor(platform: &Platform, code: &str) -> Result<Option<Uuid>, StorageError> {
    let rows = Entity::find().filter(Column::Code.eq(code)).all(platform.reader()).await?;
    let former = rows.iter().find(|row| row.valid_to.is_some()).map(|row| row.tenant_id);
    Ok(former.filter(|tenant| rows.iter().all(|row| row.tenant_id == *tenant)))
}

fn read(row: Model) -> Result<DivisionCode, StorageError> {
    let day = |text: &str| text.parse().map_err(|_| StorageError::Corrupt("division_code".to_owned()));
    Ok(DivisionCode {
        valid_from: Some(row.valid_from.as_str()).filter(|from| !from.is_empty()).map(day).transpose()?,
        valid_to: row.valid_to.as_deref().map(day).transpose()?,
        code: row.code,
    })
}
