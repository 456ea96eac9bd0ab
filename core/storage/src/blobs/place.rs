//! Where blobs are, and what a failure there means.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use object_store::aws::AmazonS3;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use sunlit_domain::value::Timestamp;

use super::bucket;
use crate::StorageError;

/// A folder or a bucket. Cloning shares it.
#[derive(Clone)]
pub(super) enum Place {
    Folder { store: Arc<LocalFileSystem>, path: PathBuf },
    Bucket { store: Arc<AmazonS3>, name: String },
}

impl fmt::Debug for Place {
    /// Without the store's own credentials, whatever it would show of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, .. } => f.debug_tuple("Folder").field(path).finish(),
            Self::Bucket { name, .. } => f.debug_tuple("Bucket").field(name).finish(),
        }
    }
}

impl Place {
    pub(super) fn store(&self) -> &dyn ObjectStore {
        match self {
            Self::Folder { store, .. } => store.as_ref(),
            Self::Bucket { store, .. } => store.as_ref(),
        }
    }

    /// What a failure of the store is to whoever asked.
    pub(super) fn failed(&self, error: object_store::Error) -> StorageError {
        match self {
            Self::Folder { .. } => of_folder(error),
            Self::Bucket { .. } => bucket::failed(&error),
        }
    }

    /// Deletes an object; one that is not there is deleted already.
    pub(super) async fn delete(&self, path: &Path) -> Result<(), StorageError> {
        match self.store().delete(path).await.map_err(|error| self.failed(error)) {
            Ok(()) | Err(StorageError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Moves an object.
    pub(super) async fn rename(&self, from: &Path, to: &Path) -> Result<(), StorageError> {
        self.store().rename(from, to).await.map_err(|error| self.failed(error))
    }
}

fn of_folder(error: object_store::Error) -> StorageError {
    match error {
        object_store::Error::NotFound { .. } => StorageError::NotFound,
        error if is_full(&error) => StorageError::Full,
        error => StorageError::Blobs(error.to_string()),
    }
}

/// Whether somewhere below it is that the disk, or the quota on it, is full.
fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    let mut cause = Some(error);
    while let Some(error) = cause {
        let io = error.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| matches!(io.kind(), StorageFull | QuotaExceeded)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Deletes the files of a folder that were last written before `before`: the store itself does not list what it has not
/// finished.
pub(super) async fn sweep_folder(folder: PathBuf, before: Timestamp) -> Result<usize, StorageError> {
    let before = UNIX_EPOCH + Duration::from_micros(u64::try_from(before.micros()).unwrap_or(0));
    let swept = tokio::task::spawn_blocking(move || {
        sweep_files(&folder, before).map_err(|source| StorageError::File { path: folder.display().to_string(), source })
    });
    swept.await.map_err(|_| StorageError::Interrupted)?
}

/// Removes a folder with everything in it; one that is not there is removed already.
pub(super) async fn remove_folder(folder: PathBuf) -> Result<(), StorageError> {
    let removed = tokio::task::spawn_blocking(move || match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StorageError::File { path: folder.display().to_string(), source: error })
        }
        _ => Ok(()),
    });
    removed.await.map_err(|_| StorageError::Interrupted)?
}

fn sweep_files(folder: &std::path::Path, before: SystemTime) -> std::io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut swept = 0;
    for entry in entries {
        let entry = entry?;
        if entry.metadata()?.modified()? < before {
            std::fs::remove_file(entry.path())?;
            swept += 1;
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_other_failures() {
        let store = |number| object_store::Error::Generic {
            store: "local",
            source: Box::new(std::io::Error::from_raw_os_error(number)),
        };
        // ENOSPC and EDQUOT against EIO, by their numbers on Linux.
        assert!(matches!(of_folder(store(28)), StorageError::Full));
        assert!(matches!(of_folder(store(122)), StorageError::Full));
        assert!(matches!(of_folder(store(5)), StorageError::Blobs(_)));
    }
}
