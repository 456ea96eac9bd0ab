//! The platform's own tables: tenants, their host names and division codes, published packages, who has jobs due, what the
//! installation keeps sealed; which tenants are being made or erased, and which were. No tenant's data is here.

pub mod due;
pub mod master_key;
pub mod package;
pub mod secret;
pub mod tenant;

use std::path::Path;

use sea_orm::{ConnectionTrait, DatabaseConnection, Statement, TransactionTrait as _};
use sunlit_domain::value::Timestamp;

use crate::postgres::{self, Postgres};
use crate::sqlite::SqliteFile;
use crate::stores::make_folder;
use crate::{Engine, StorageError, table, tenant as tenant_tables};

/// The platform's tables, which hold nothing of tenants.
pub(crate) const TABLES: [&str; 13] = [
    "tenant",
    "host_name",
    "division_code",
    "package_version",
    "tenant_due",
    "tenant_state",
    "master_key",
    "secret",
    "tenant_staging",
    "tenant_tombstone",
    "tenant_export",
    "tenant_plan",
    "tenant_usage",
];

/// The platform's database.
#[derive(Debug, Clone)]
pub struct Platform {
    writer: DatabaseConnection,
    readers: DatabaseConnection,
}

impl Platform {
    /// Opens `platform.db` in `folder`; makes both when missing.
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub async fn open(folder: &Path) -> Result<Self, StorageError> {
        make_folder(folder)?;
        let file = SqliteFile::open(&folder.join("platform.db"), 2, true).await?;
        // What is removed of a tenant is overwritten; rows are removed here seldom.
        file.writer.execute_unprepared("PRAGMA secure_delete = ON").await?;
        create_tables(&file.writer, Engine::Sqlite).await?;
        Ok(Self { writer: file.writer, readers: file.readers })
    }

    /// The platform's tables of a PostgreSQL database.
    #[must_use]
    pub fn shared(database: &Postgres) -> Self {
        Self { writer: database.platform().clone(), readers: database.platform().clone() }
    }

    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.readers
    }

    /// A writing transaction; rolls back when dropped.
    pub(crate) async fn begin(&self) -> Result<sea_orm::DatabaseTransaction, StorageError> {
        let connection = self.writer.clone();
        let begun = tokio::spawn(async move { connection.begin().await }).await;
        Ok(begun.map_err(|_| StorageError::Interrupted)??)
    }

    /// Brings what was removed out of SQLite's log, where it would stay readable for a while.
    pub async fn settle_removed(&self) {
        if self.writer.get_database_backend() == Engine::Postgres.backend() {
            return;
        }
        if let Err(error) = self.writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await {
            tracing::warn!(%error, "the platform's log was not emptied: what was removed leaves it by and by");
        }
    }

    /// Says a word to the other nodes, now; on SQLite there are none.
    ///
    /// # Errors
    /// As [`crate::Work::say`].
    pub async fn say(&self, word: &str) -> Result<(), StorageError> {
        if self.writer.get_database_backend() != Engine::Postgres.backend() {
            return Ok(());
        }
        postgres::notify(&self.writer, word).await
    }

    /// What the database's clock says; none where there is no database but files.
    ///
    /// # Errors
    /// The database's.
    pub async fn clock(&self) -> Result<Option<Timestamp>, StorageError> {
        let backend = Engine::Postgres.backend();
        if self.readers.get_database_backend() != backend {
            return Ok(None);
        }
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let row = self.readers.query_one_raw(Statement::from_string(backend, sql)).await?;
        let micros: i64 = row.ok_or(StorageError::Interrupted)?.try_get_by_index(0)?;
        Ok(Timestamp::from_micros(micros))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ping(&self) -> Result<(), StorageError> {
        Ok(self.readers.ping().await?)
    }
}

pub(crate) async fn create_tables(connection: &impl ConnectionTrait, engine: Engine) -> Result<(), StorageError> {
    tenant_tables::create(connection, engine, tenant::Entity).await?;
    tenant_tables::create(connection, engine, tenant::host::Entity).await?;
    tenant_tables::create(connection, engine, tenant::code::Entity).await?;
    table::make_index(connection, engine, &tenant::code::index()).await?;
    tenant_tables::create(connection, engine, tenant::state::Entity).await?;
    tenant_tables::create(connection, engine, package::Entity).await?;
    tenant_tables::create(connection, engine, due::Entity).await?;
    tenant_tables::create(connection, engine, master_key::Entity).await?;
    tenant_tables::create(connection, engine, secret::Entity).await?;
    tenant_tables::create(connection, engine, tenant::staging::Entity).await?;
    tenant_tables::create(connection, engine, tenant::tombstone::Entity).await?;
    tenant_tables::create(connection, engine, tenant::exported::Entity).await?;
    tenant_tables::create(connection, engine, tenant::plan::Entity).await?;
    tenant_tables::create(connection, engine, tenant::usage::Entity).await
}
