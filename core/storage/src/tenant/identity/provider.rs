//! The provider of identities that a tenant trusts: at most one.

use sea_orm::entity::prelude::*;
use sunlit_domain::Scope;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// A provider (OpenID Connect Core 1.0).
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "identity_provider")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its issuer.
    pub issuer: String,
    /// What people read on the button.
    pub title: String,
    /// The id of this tenant at the provider.
    pub client_id: String,
    /// The sealed secret of this tenant at the provider.
    pub client_secret: String,
    /// Whether whoever it vouches for gets an account as a citizen.
    pub creates_citizens: bool,
    /// Since when.
    pub set_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The place of the provider's secret, for the vault.
pub const SECRET_CONTEXT: &str = "identity_provider/client_secret";

/// Sets the provider in the place of an earlier one, or takes it away.
///
/// # Errors
/// The database's.
pub async fn put(scope: &Scope, work: &Work, provider: Option<Model>) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    Entity::delete_many().filter(own(Column::TenantId, tenant.0)).exec(&work.transaction).await?;
    if let Some(provider) = provider {
        let row = ActiveModel::from(Model { tenant_id: tenant.0, ..provider }).reset_all();
        Entity::insert(row).exec_without_returning(&work.transaction).await?;
    }
    Ok(())
}

/// The tenant's provider.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    Ok(Entity::find().filter(own(Column::TenantId, tenant.0)).one(&session.transaction).await?)
}
