//! Published package versions: manifest and component, kept by version. What was published never changes.

use sea_orm::QuerySelect;
use sea_orm::entity::prelude::*;

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

/// The published versions of a package, in no order.
///
/// # Errors
/// The database's.
pub async fn versions(platform: &Platform, package: &str) -> Result<Vec<String>, StorageError> {
    let found = Entity::find().select_only().column(Column::Version).filter(Column::Package.eq(package));
    Ok(found.into_tuple().all(platform.reader()).await?)
}

/// The manifests of every published version.
///
/// # Errors
/// The database's.
pub async fn manifests(platform: &Platform) -> Result<Vec<String>, StorageError> {
    Ok(Entity::find().select_only().column(Column::Manifest).into_tuple().all(platform.reader()).await?)
}

/// Every published version without its content: package, version, digest.
///
/// # Errors
/// The database's.
pub async fn all(platform: &Platform) -> Result<Vec<(String, String, String)>, StorageError> {
    let columns = [Column::Package, Column::Version, Column::Digest];
    let found = Entity::find().select_only().columns(columns);
    Ok(found.into_tuple().all(platform.reader()).await?)
}

/// The manifest of one version.
///
/// # Errors
/// The database's.
pub async fn manifest(platform: &Platform, package: &str, version: &str) -> Result<Option<String>, StorageError> {
    let key = (package.to_owned(), version.to_owned());
    let found = Entity::find_by_id(key).select_only().column(Column::Manifest);
    Ok(found.into_tuple().one(platform.reader()).await?)
}
