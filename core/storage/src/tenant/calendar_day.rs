//! The tenant's own days of the working-day calendar.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sunlit_domain::Scope;
use sunlit_domain::calendar::{Calendar, LocalDay, Overlay};

use crate::session::own;
use crate::{Session, StorageError, Work};

/// One day.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "calendar_day")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The day, `2026-04-20`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub date: String,
    /// Why: `壮族三月三`.
    pub name: String,
    /// Whether it is a day off; otherwise it is a workday.
    pub off: bool,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Puts these days in the place of all that were there.
///
/// # Errors
/// The database's.
pub async fn replace(scope: &Scope, work: &Work, overlay: &Overlay) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    Entity::delete_many().filter(own(Column::TenantId, tenant.0)).exec(&work.transaction).await?;
    for day in overlay.days() {
        let row = ActiveModel {
            tenant_id: Set(tenant.0),
            date: Set(day.date.to_string()),
            name: Set(day.name.clone()),
            off: Set(day.off),
        };
        Entity::insert(row).exec_without_returning(&work.transaction).await?;
    }
    Ok(())
}

/// The working days of the tenant.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn calendar(scope: &Scope, session: &Session) -> Result<Calendar, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_asc(Column::Date);
    let corrupt = || StorageError::Corrupt("calendar_day".to_owned());
    let read = |row: Model| Some(LocalDay { date: row.date.parse().ok()?, name: row.name, off: row.off });
    let days = found.all(&session.transaction).await?.into_iter().map(read).collect::<Option<Vec<_>>>();
    Ok(Calendar::new(Overlay::new(days.ok_or_else(corrupt)?).map_err(|_| corrupt())?))
}
