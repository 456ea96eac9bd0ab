//! The platform's own tables: tenants, their host names, published packages, and
//! who has jobs due. No tenant's data is here.

pub mod due;
pub mod package;
pub mod tenant;

use std::path::Path;

use sea_orm::{DatabaseConnection, TransactionTrait as _};

use crate::sqlite::SqliteFile;
use crate::stores::make_folder;
use crate::{Engine, StorageError, tenant as tenant_tables};

/// The platform's database.
#[derive(Debug)]
pub struct Platform {
    file: SqliteFile,
}

impl Platform {
    /// Opens `platform.db` in `folder`; makes both when missing.
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub async fn open(folder: &Path) -> Result<Self, StorageError> {
        make_folder(folder)?;
        let file = SqliteFile::open(&folder.join("platform.db"), 2, true).await?;
        for_each_table(&file.writer).await?;
        Ok(Self { file })
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.file.readers
    }

    /// A writing transaction; rolls back when dropped.
    pub(crate) async fn begin(&self) -> Result<sea_orm::DatabaseTransaction, StorageError> {
        let connection = self.file.writer.clone();
        let begun = tokio::spawn(async move { connection.begin().await }).await;
        Ok(begun.map_err(|_| StorageError::Interrupted)??)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        Ok(self.file.readers.ping().await?)
    }
}

async fn for_each_table(writer: &DatabaseConnection) -> Result<(), StorageError> {
    tenant_tables::create(writer, Engine::Sqlite, tenant::Entity).await?;
    tenant_tables::create(writer, Engine::Sqlite, tenant::host::Entity).await?;
    tenant_tables::create(writer, Engine::Sqlite, package::Entity).await?;
    tenant_tables::create(writer, Engine::Sqlite, due::Entity).await
}
