//! Which major versions of packages the tenant's records were moved into, or are being moved into.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// The records are being copied while the old version serves.
pub const COPYING: &str = "copying";
/// The new tables have served: what they hold may be nowhere else.
pub const SWITCHED: &str = "switched";

/// One migration.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "migration")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The package's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub package: String,
    /// The major version whose tables are filled.
    #[sea_orm(primary_key, auto_increment = false)]
    pub major: i64,
    /// The version that served before.
    pub from_version: String,
    /// What the copies were made by: the digests of both versions.
    pub plan: String,
    /// [`COPYING`] or [`SWITCHED`].
    pub state: String,
    /// Since when.
    pub at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What is said of a migration.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The package's id.
    pub package: &'a str,
    /// The major version whose tables are filled.
    pub major: u32,
    /// The version that serves, or served before.
    pub from_version: &'a str,
    /// The digests of both versions.
    pub plan: &'a str,
    /// [`COPYING`] or [`SWITCHED`].
    pub state: &'a str,
}

/// Writes how far a migration is.
///
/// # Errors
/// The database's.
pub async fn put(scope: &Scope, work: &Work, step: Step<'_>, at: Timestamp) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        package: Set(step.package.to_owned()),
        major: Set(step.major.into()),
        from_version: Set(step.from_version.to_owned()),
        plan: Set(step.plan.to_owned()),
        state: Set(step.state.to_owned()),
        at: Set(at.to_string()),
    };
    let conflict = OnConflict::columns([Column::TenantId, Column::Package, Column::Major])
        .update_columns([Column::FromVersion, Column::Plan, Column::State, Column::At])
        .to_owned();
    work.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(())
}

/// How far the migration into a major version is; none when there was none.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, package: &str, major: u32) -> Result<Option<Model>, StorageError> {
    let key = (session.guard(scope)?.0, package.to_owned(), i64::from(major));
    Ok(Entity::find_by_id(key).one(&session.transaction).await?)
}

/// All migrations of the tenant.
///
/// # Errors
/// The database's.
pub async fn all(scope: &Scope, session: &Session) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0));
    Ok(found.order_by_asc(Column::Package).order_by_asc(Column::Major).all(&session.transaction).await?)
}

/// Forgets a migration whose copies are gone.
///
/// # Errors
/// The database's.
pub async fn remove(scope: &Scope, work: &Work, package: &str, major: u32) -> Result<(), StorageError> {
    let key = (work.guard(scope)?.0, package.to_owned(), i64::from(major));
    Entity::delete_by_id(key).exec(&work.transaction).await?;
    Ok(())
}
