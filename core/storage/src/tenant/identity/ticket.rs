//! Tickets: what a link in a mail is good for, once. A ticket's secret is computed from its id and is nowhere kept.

use sea_orm::entity::prelude::*;
use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ticket")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What for: `invitation`, `reset`.
    pub kind: String,
    /// Whose.
    pub account: Uuid,
    /// When it was made.
    pub created_at: String,
    /// Until when it is good.
    pub expires_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Writes a ticket; an earlier one of the same kind and account goes.
///
/// # Errors
/// The database's.
pub async fn put(scope: &Scope, work: &Work, ticket: Model) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let earlier = Entity::delete_many()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Account.eq(ticket.account))
        .filter(Column::Kind.eq(ticket.kind.as_str()));
    earlier.exec(&work.transaction).await?;
    let row = ActiveModel::from(Model { tenant_id: tenant.0, ..ticket }).reset_all();
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// Removes the tickets of an account.
///
/// # Errors
/// The database's.
pub async fn delete_of(scope: &Scope, work: &Work, account: ActorId) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    gone.exec(&work.transaction).await?;
    Ok(())
}

/// Removes the tickets that were good until before `before`.
///
/// # Errors
/// The database's.
pub async fn sweep(scope: &Scope, work: &Work, before: Timestamp) -> Result<u64, StorageError> {
    let tenant = work.guard(scope)?;
    let gone =
        Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::ExpiresAt.lt(before.to_string()));
    Ok(gone.exec(&work.transaction).await?.rows_affected)
}

/// The ticket of that id.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, id: Uuid) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Id.eq(id));
    Ok(found.one(&session.transaction).await?)
}

/// The ticket of this kind that an account has.
///
/// # Errors
/// The database's.
pub async fn of(scope: &Scope, session: &Session, account: ActorId, kind: &str) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Account.eq(account.0))
        .filter(Column::Kind.eq(kind));
    Ok(found.one(&session.transaction).await?)
}
