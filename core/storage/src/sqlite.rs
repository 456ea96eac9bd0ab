//! Opens SQLite files: WAL, full synchronisation, foreign keys, one writer and a few readers.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, Connection as _};
use sea_orm::{DatabaseConnection, SqlxSqliteConnector};

use crate::StorageError;

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections of one file. Writers are one, so that they queue here and not at the lock.
#[derive(Debug)]
pub(crate) struct SqliteFile {
    pub(crate) writer: DatabaseConnection,
    pub(crate) readers: DatabaseConnection,
    path: PathBuf,
}

impl SqliteFile {
    /// Opens `path`; makes it when `create`.
    pub(crate) async fn open(path: &Path, readers: u32, create: bool) -> Result<Self, StorageError> {
        // The order of pragmas matters: busy_timeout comes before journal_mode in sqlx's own list.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(create)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true);
        let pool = |connections: u32| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .idle_timeout(None)
                .max_lifetime(None)
                .test_before_acquire(false)
                .after_release(|connection, _| Box::pin(async move { is_at_rest(connection).await }))
        };
        let connect = |error| {
            StorageError::Database(sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(std::sync::Arc::new(error))))
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(connect)?;
        let readers = pool(readers).connect_lazy_with(options.create_if_missing(false).read_only(true));
        Ok(Self {
            writer: SqlxSqliteConnector::from_sqlx_sqlite_pool(writer),
            readers: SqlxSqliteConnector::from_sqlx_sqlite_pool(readers),
            path: path.to_owned(),
        })
    }

    /// A reader of its own, beside the few that serve: for a snapshot that lasts.
    pub(crate) fn another_reader(&self) -> DatabaseConnection {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .create_if_missing(false)
            .read_only(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT).idle_timeout(None);
        SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.max_lifetime(None).connect_lazy_with(options))
    }

    pub(crate) async fn close(self) {
        let (readers, writer) = (self.readers.close().await, self.writer.close().await);
        if let Err(error) = readers.and(writer) {
            tracing::warn!(%error, "a database file was not closed cleanly");
        }
    }
}

/// Whether a connection may serve the next caller. Where the disk is full SQLite ends a transaction by itself; the driver still
/// counts it, and what later callers commit would be parts of a transaction that never ends. Such a connection is closed.
async fn is_at_rest(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // The last transaction's end may still be in the queue.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}
