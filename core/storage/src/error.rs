//! What can go wrong below the use cases.

use std::borrow::Cow;

use sea_orm::sqlx;
use sea_orm::{DbErr, RuntimeErr, SqlErr};

use crate::blobs::ObjectFault;

/// A storage failure. Messages for an operator name the mend.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The tenant has no store here: of files only, where its own is gone, for scopes are made for known tenants. In a PostgreSQL
    /// database nothing has to be there.
    #[error("the tenant's store is not there: restore it from a backup, or make it anew with `sunlit tenant create`")]
    NoStore,
    /// A scope of one tenant met a session of another. A fault of ours: nothing was read or written.
    #[error("the scope does not belong to this tenant's session")]
    ForeignScope,
    /// There is no such record, or not one that the filter admits.
    #[error("there is no such record")]
    NotFound,
    /// The record is no longer in the version that the caller read.
    #[error("the record is at version {found}, not {expected}")]
    Conflict {
        /// What the caller read.
        expected: i64,
        /// What is there.
        found: i64,
    },
    /// A unique value is taken.
    #[error("a unique value is taken: {detail}")]
    NotUnique {
        /// The index of the field, where the engine named it.
        field: Option<usize>,
        /// The engine's message.
        detail: String,
    },
    /// A reference to a record that is not there, or a record that others refer to.
    #[error("a reference would be broken")]
    BrokenReference,
    /// A stored value is not what its column says: the file was changed by other hands.
    #[error("stored value of `{0}` is not readable: restore the tenant from a backup")]
    Corrupt(String),
    /// A cursor or order that does not belong to the list.
    #[error(transparent)]
    Page(#[from] sunlit_domain::page::PageError),
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[source] DbErr),
    /// The database is not one to serve from.
    #[error("{0}")]
    Unsafe(String),
    /// A file could not be made or opened.
    #[error("{path}: {source}: check that the folder exists and may be written")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// No space is left for files.
    #[error("no space is left for files: free some on the disk of the data folder, or move the folder to a larger one")]
    Full,
    /// An upload has more bytes than it may.
    #[error("the file has more than {0} bytes")]
    TooLarge(u64),
    /// The store of files failed.
    #[error("the store of files failed: {0}: check that the folder `files` may be written")]
    Blobs(String),
    /// The vault has no key for it, or not the right one.
    #[error(transparent)]
    Vault(#[from] crate::vault::VaultError),
    /// The bucket of files does not do what it is asked.
    #[error("the files of `files_s3_bucket`: {fault} ({detail})")]
    Bucket {
        /// What is wrong, and the mend.
        fault: ObjectFault,
        /// What the store says.
        detail: String,
    },
    /// What several callers waited for failed.
    #[error(transparent)]
    Shared(std::sync::Arc<StorageError>),
    /// A job whose lease another worker has taken over, or that was replaced or cancelled meanwhile.
    #[error("the job is no longer this worker's: what it did is undone")]
    LeaseLost,
    /// A job's payload is larger than a row may carry.
    #[error("a job's payload has {0} bytes: store what it needs as records and hand their ids over")]
    PayloadTooLarge(usize),
    /// A line of an archive that is no row of its table.
    #[error("{0}")]
    BadRow(String),
    /// Another process makes, erases or replaces the same tenant.
    #[error("another process is at work on this tenant's whole store: wait until it has ended")]
    Claimed,
    /// A task of ours was torn down.
    #[error("the work was interrupted")]
    Interrupted,
}

impl StorageError {
    /// Whether the connection to the database was lost, or is ended by it: PostgreSQL's classes 08 and 57.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        match self.of_driver() {
            Some(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => true,
            Some(sqlx::Error::Database(error)) => {
                error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P"))
            }
            _ => false,
        }
    }

    /// Whether it failed because too many wait or no space is left, and may be tried again later.
    #[must_use]
    pub fn is_overload(&self) -> bool {
        match self {
            Self::Full | Self::Bucket { .. } | Self::Database(DbErr::ConnectionAcquire(_)) => true,
            Self::Shared(error) => error.is_overload(),
            Self::Database(_) => {
                self.is_disconnected() || self.is_pool_empty() || self.code().is_some_and(|code| of_overload(&code))
            }
            _ => false,
        }
    }

    /// The failure of the store that a reader of a content met ([`crate::blobs::BlobReader`]); the other error back where it was
    /// none.
    ///
    /// # Errors
    /// The error itself.
    pub fn of_reader(error: std::io::Error) -> Result<Self, std::io::Error> {
        error.downcast::<Self>()
    }

    /// Whether a lock of PostgreSQL did not come free in time.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        self.code().is_some_and(|code| code == LOCK_TIMEOUT)
    }

    fn is_pool_empty(&self) -> bool {
        matches!(self.of_driver(), Some(sqlx::Error::PoolTimedOut))
    }

    /// The code that the database gives: SQLSTATE on PostgreSQL, the extended result code on SQLite.
    fn code(&self) -> Option<Cow<'_, str>> {
        match self.of_driver()? {
            sqlx::Error::Database(error) => error.code(),
            _ => None,
        }
    }

    /// What the database's driver says, however often it is wrapped.
    fn of_driver(&self) -> Option<&sqlx::Error> {
        use DbErr::{Conn, Exec, Query};
        match self {
            Self::Shared(error) => error.of_driver(),
            Self::Database(
                Conn(RuntimeErr::SqlxError(error))
                | Exec(RuntimeErr::SqlxError(error))
                | Query(RuntimeErr::SqlxError(error)),
            ) => Some(error),
            _ => None,
        }
    }
}

/// SQLSTATE `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";

/// SQLSTATE `query_canceled`.
const STATEMENT_TIMEOUT: &str = "57014";

/// Of PostgreSQL a lock that did not come free, a statement that took too long, a deadlock, and class 53, which is what the server
/// lacks; of SQLite `SQLITE_INTERRUPT`, `SQLITE_BUSY`, `SQLITE_BUSY_SNAPSHOT` and `SQLITE_FULL`. A SQLSTATE has five characters, a result code fewer.
fn of_overload(code: &str) -> bool {
    matches!(code, LOCK_TIMEOUT | STATEMENT_TIMEOUT | "40P01" | "5" | "9" | "517" | "13")
        || (code.len() == 5 && code.starts_with("53"))
}

impl From<DbErr> for StorageError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(detail)) => Self::NotUnique { field: None, detail },
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::BrokenReference,
            // SQLite reports a RESTRICT as a trigger's refusal, which sea-orm does not classify.
            _ if error.to_string().contains("FOREIGN KEY constraint failed") => Self::BrokenReference,
            _ => Self::Database(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn overload_is_told_by_codes() {
        for code in ["55P03", "40P01", "53100", "53300", "57014", "5", "9", "517", "13"] {
            assert!(of_overload(code), "{code}");
        }
        for code in ["23505", "42P01", "53", "1", "19", "2067", "1555"] {
            assert!(!of_overload(code), "{code}");
        }
    }

    #[test]
    fn a_failure_that_several_waited_for_is_what_it_was() {
        let failure = |error| StorageError::Database(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))));
        let shared = |error| StorageError::Shared(Arc::new(StorageError::Shared(Arc::new(error))));
        assert!(shared(failure(sqlx::Error::PoolTimedOut)).is_overload());
        assert!(shared(StorageError::Full).is_overload());
        let lost = shared(failure(sqlx::Error::Protocol("gone".to_owned())));
        assert!(lost.is_disconnected() && lost.is_overload());
        let other = shared(failure(sqlx::Error::RowNotFound));
        assert!(!other.is_disconnected() && !other.is_overload());
        assert!(!shared(StorageError::NotFound).is_overload());
        // What it says is no reason.
        let text = "a lock timeout of words".to_owned();
        assert!(!shared(StorageError::Database(DbErr::Custom(text))).is_overload());
    }
}
