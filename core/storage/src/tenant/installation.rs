//! Which packages the tenant has enabled, in which version, with which grants.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// An enabled package.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "installation")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The package's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub package: String,
    /// Its version.
    pub version: String,
    /// The granted capabilities, joined by spaces.
    pub grants: String,
    /// Since when.
    pub enabled_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Enables a package in a version, or moves it to that version.
///
/// # Errors
/// The database's.
pub async fn put(
    scope: &Scope,
    work: &Work,
    package: &str,
    version: &str,
    grants: &[&str],
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        package: Set(package.to_owned()),
        version: Set(version.to_owned()),
        grants: Set(grants.join(" ")),
        enabled_at: Set(at.to_string()),
    };
    let conflict = OnConflict::columns([Column::TenantId, Column::Package])
        .update_columns([Column::Version, Column::Grants])
        .to_owned();
    let insert = Entity::insert(row).on_conflict(conflict).into_query();
    work.execute(&insert).await?;
    Ok(())
}

/// The enabled package of that id.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, package: &str) -> Result<Option<Model>, StorageError> {
    let key = (session.guard(scope)?.0, package.to_owned());
    Ok(Entity::find_by_id(key).one(&session.transaction).await?)
}

/// The enabled packages by id.
///
/// # Errors
/// The database's.
pub async fn all(scope: &Scope, session: &Session) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_asc(Column::Package);
    Ok(found.all(&session.transaction).await?)
}
