//! Whose rows of the audit trail a copy of a tenant has taken over: the chain of a tenant that was imported under another id was
//! hashed under the id that it had.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// A part of the chain.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "origin")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The place of the part's last row; it begins after the part before.
    #[sea_orm(primary_key, auto_increment = false)]
    pub last_seq: i64,
    /// The id under which its rows were hashed.
    pub original: Uuid,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Says that the chain as it stands, of `rows` rows, was another tenant's.
///
/// # Errors
/// The database's.
pub async fn note(scope: &Scope, work: &Work, original: TenantId, rows: i64) -> Result<(), StorageError> {
    let row = Model { tenant_id: work.guard(scope)?.0, last_seq: rows, original: original.0 };
    Entity::insert(ActiveModel::from(row).reset_all()).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// The parts of the tenant's chain that it took over, first to last.
///
/// # Errors
/// The database's.
pub async fn all(scope: &Scope, session: &Session) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_asc(Column::LastSeq);
    Ok(found.all(&session.transaction).await?)
}

/// The id under which the row at place `seq` was hashed: the tenant's own where it took nothing over.
#[must_use]
pub fn of(origins: &[Model], seq: i64) -> Option<Uuid> {
    origins.iter().find(|part| seq <= part.last_seq).map(|part| part.original)
}
