//! Published package versions: manifest and component, kept by version. What was published never changes.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};

use super::Platform;
use crate::StorageError;

/// One version of a package.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "package_version")]
pub struct Model {
    /// The package's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub package: String,
    /// `major.minor.patch`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    /// SHA-256 over manifest and component, in hexadecimal.
    pub digest: String,
    /// `plugin.toml` as published.
    #[sea_orm(column_type = "Text")]
    pub manifest: String,
    /// The component; none for a package without logic.
    pub component: Option<Vec<u8>>,
    /// When.
    pub published_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Publishes a version that is not there yet. What happens to one that is, the command decides.
///
/// # Errors
/// [`StorageError::NotUnique`] when the version is there, or the database's.
pub async fn publish(platform: &Platform, row: Model) -> Result<(), StorageError> {
    let transaction = platform.begin().await?;
    Entity::insert(ActiveModel::from(row).reset_all()).exec_without_returning(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// Replaces a version that is still in development. Only for the demo and the developer's loop.
///
/// # Errors
/// The database's.
pub async fn replace(platform: &Platform, row: Model) -> Result<(), StorageError> {
    let transaction = platform.begin().await?;
    Entity::delete_by_id((row.package.clone(), row.version.clone())).exec(&transaction).await?;
    Entity::insert(ActiveModel::from(row).reset_all()).exec_without_returning(&transaction).await?;
    Ok(transaction.commit().await?)
}

/// One version.
///
/// # Errors
/// The database's.
pub async fn find(platform: &Platform, package: &str, version: &str) -> Result<Option<Model>, StorageError> {
    Ok(Entity::find_by_id((package.to_owned(), version.to_owned())).one(platform.reader()).await?)
}

/// The version of a package that was published last.
///
/// # Errors
/// The database's.
pub async fn newest_version(platform: &Platform, package: &str) -> Result<Option<String>, StorageError> {
    let found = Entity::find()
        .select_only()
        .column(Column::Version)
        .filter(Column::Package.eq(package))
        .order_by_desc(Column::PublishedAt);
    Ok(found.into_tuple().one(platform.reader()).await?)
}
