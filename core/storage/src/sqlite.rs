//! Opens SQLite files: WAL, full synchronisation, foreign keys, one writer and a few readers.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
/// How long after the beginning of a snapshot a statement in it may still run. Whoever gave up waiting does not end it: it would keep a
/// core busy, and one of the tenant's few readers.
const READING: Duration = Duration::from_secs(60);
/// After how many steps of SQLite's machine the time is looked at: some tenths of a millisecond.
const STEPS: i32 = 20_000;

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
        Self::open_within(path, readers, create, READING).await
    }

    /// As [`SqliteFile::open`], with another bound for statements of readers.
    async fn open_within(path: &Path, readers: u32, create: bool, reading: Duration) -> Result<Self, StorageError> {
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
        let readers = pool(readers)
            .after_connect(move |connection, _| Box::pin(bound(connection, reading)))
            .before_acquire(move |connection, _| {
                Box::pin(async move { bound(connection, reading).await.map(|()| true) })
            })
            .connect_lazy_with(options.create_if_missing(false).read_only(true));
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

    pub(crate) async fn close(&self) {
        let (readers, writer) = (self.readers.close_by_ref().await, self.writer.close_by_ref().await);
        if let Err(error) = readers.and(writer) {
            tracing::warn!(%error, "a database file was not closed cleanly");
        }
    }
}

/// Has statements interrupted that still run so long after now.
async fn bound(connection: &mut SqliteConnection, reading: Duration) -> sqlx::Result<()> {
    let until = Instant::now() + reading;
    connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < until);
    Ok(())
}

/// Whether a connection may serve the next caller. Where the disk is full SQLite ends a transaction by itself; the driver still
/// counts it, and what later callers commit would be parts of a transaction that never ends. Such a connection is closed.
async fn is_at_rest(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // The last transaction's end may still be in the queue.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnectionTrait as _, Statement};

    use super::*;
    use crate::Engine;

    #[tokio::test]
    async fn a_statement_that_takes_too_long_is_interrupted_and_its_reader_serves_again() {
        let folder = tempfile::tempdir().unwrap();
        let limit = Duration::from_millis(200);
        let file = SqliteFile::open_within(&folder.path().join("a.db"), 1, true, limit).await.unwrap();
        let ask = async |sql: &str| {
            let row = file.readers.query_one_raw(Statement::from_string(Engine::Sqlite.backend(), sql)).await;
            row.map_err(StorageError::from).map(|row| row.unwrap().try_get_by_index::<i64>(0).unwrap())
        };
        let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
        for _ in 0..2 {
            let told = tokio::time::timeout(Duration::from_secs(60), ask(endless)).await.unwrap().unwrap_err();
            assert!(told.is_overload(), "{told}");
            assert_eq!(ask("SELECT 7").await.unwrap(), 7);
        }
        // The time counts from when the reader was taken, not from when it was opened.
        tokio::time::sleep(limit * 2).await;
        let much = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 50000) SELECT count(*) FROM n";
        assert_eq!(ask(much).await.unwrap(), 50_000);
        file.close().await;
    }
}
