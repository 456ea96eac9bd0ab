//! Secrets of the installation itself, such as the keys that sign tokens, sealed by the vault. What belongs to a tenant is
//! in the tenant's store.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{QueryOrder as _, QueryTrait as _};
use sunlit_domain::value::Timestamp;

use super::Platform;
use crate::StorageError;

/// A secret.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "secret")]
pub struct Model {
    /// What it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// The secret, sealed by [`crate::Vault::seal_platform`] in the context of its name.
    pub sealed: String,
    /// Since when.
    pub created_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The sealed secret of that name.
///
/// # Errors
/// The database's.
pub async fn find(platform: &Platform, name: &str) -> Result<Option<String>, StorageError> {
    Ok(Entity::find_by_id(name).one(platform.reader()).await?.map(|row| row.sealed))
}

/// Keeps a secret, where none of that name is there; answers the one that is there then: of two nodes that make one at the
/// same time both use the first.
///
/// # Errors
/// The database's.
pub async fn keep(platform: &Platform, name: &str, sealed: &str, at: Timestamp) -> Result<String, StorageError> {
    let row =
        ActiveModel { name: Set(name.to_owned()), sealed: Set(sealed.to_owned()), created_at: Set(at.to_string()) };
    let transaction = platform.begin().await?;
    let first = OnConflict::column(Column::Name).do_nothing().to_owned();
    transaction.execute(&Entity::insert(row).on_conflict(first).into_query()).await?;
    transaction.commit().await?;
    find(platform, name).await?.ok_or(StorageError::Interrupted)
}

/// The secrets whose names begin so, the latest first.
///
/// # Errors
/// The database's.
pub async fn beginning(platform: &Platform, name: &str) -> Result<Vec<Model>, StorageError> {
    let found = Entity::find().filter(Column::Name.starts_with(name)).order_by_desc(Column::CreatedAt);
    Ok(found.order_by_desc(Column::Name).all(platform.reader()).await?)
}
