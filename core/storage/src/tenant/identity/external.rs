//! Which account a person has whom a provider of identities vouches for.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::IndexCreateStatement;
use sea_orm::{QueryOrder as _, QuerySelect as _};
use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;

use super::index_of;
use crate::session::own;
use crate::{Session, StorageError, Work};

/// A person as a provider knows them.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "external_identity")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The provider's issuer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub issuer: String,
    /// The provider's own id of the person, which it gives to nobody else (OpenID Connect Core 1.0, §2, `sub`).
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The account.
    pub account: Uuid,
    /// Since when.
    pub linked_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(super) fn index() -> IndexCreateStatement {
    index_of("external_identity", &["account"])
}

/// Writes it down.
///
/// # Errors
/// [`StorageError::NotUnique`] when the person has an account, or the database's.
pub async fn insert(scope: &Scope, work: &Work, identity: Model) -> Result<(), StorageError> {
    let row = ActiveModel::from(Model { tenant_id: work.guard(scope)?.0, ..identity }).reset_all();
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// The account of the person whom `issuer` calls `subject`.
///
/// # Errors
/// The database's.
pub async fn account(
    scope: &Scope,
    session: &Session,
    issuer: &str,
    subject: &str,
) -> Result<Option<ActorId>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Issuer.eq(issuer))
        .filter(Column::Subject.eq(subject));
    Ok(found.one(&session.transaction).await?.map(|row| ActorId(row.account)))
}

/// Whether `issuer` vouches for somebody with this account already.
///
/// # Errors
/// The database's.
pub async fn is_linked(scope: &Scope, session: &Session, issuer: &str, account: ActorId) -> Result<bool, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Issuer.eq(issuer))
        .filter(Column::Account.eq(account.0));
    Ok(found.one(&session.transaction).await?.is_some())
}

/// As whom providers know the owner of an account, at most `first`.
///
/// # Errors
/// The database's.
pub async fn of(scope: &Scope, session: &Session, account: ActorId, first: u64) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    Ok(found.order_by_asc(Column::Issuer).limit(first).all(&session.transaction).await?)
}

/// Removes what is known of an account.
///
/// # Errors
/// The database's.
pub async fn delete_of(scope: &Scope, work: &Work, account: ActorId) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    gone.exec(&work.transaction).await?;
    Ok(())
}
