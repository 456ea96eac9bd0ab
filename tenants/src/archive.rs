//! Archives: one file that holds everything that a tenant has, or what the platform knows, and that an empty installation can be
//! filled from.
//!
//! A tar file, packed with gzip, and encrypted with age where a passphrase or recipients are given. First comes `manifest.json`,
//! which names every entry that follows, in its order, with its bytes, rows and SHA-256; nothing else may follow. Start reading at
//! [`manifest`], then [`write`] and [`read`].

pub mod lock;
pub mod manifest;
pub mod read;
pub mod write;

use sha2::{Digest as _, Sha256};
use sunlit_app::AppError;
use sunlit_storage::StorageError;

pub use lock::{Opening, Sealing};
pub use manifest::{Entry, Manifest};

/// Why an archive cannot be written or read, or what it holds not be brought to life. Messages name the mend.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// What the archive is written to failed.
    #[error("the archive cannot be written: {0}")]
    Write(#[source] std::io::Error),
    /// An archive that no export wrote, or not as it is now.
    #[error("the archive is refused: {0}")]
    Refused(String),
    /// An archive that needs a key, or another one.
    #[error("{0}")]
    Locked(String),
    /// Something that is there already, or not there.
    #[error("{0}")]
    Taken(String),
    /// An argument that is not acceptable.
    #[error("{0}")]
    Argument(String),
    /// What was begun was torn down.
    #[error("the work was interrupted")]
    Interrupted,
    /// A use case failed.
    #[error(transparent)]
    App(#[from] AppError),
}

impl From<StorageError> for ArchiveError {
    fn from(error: StorageError) -> Self {
        Self::App(error.into())
    }
}

impl ArchiveError {
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), source }
    }
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}
