//! The bytes of uploaded files, kept by tenant and content: `<tenant id>/<first two hex>/<sha256>`. The same content of one
//! tenant is kept once; tenants share nothing.
//!
//! What is known of a file beside its bytes stands in the tenant's store ([`crate::tenant::file`]): the local folder keeps no
//! content type. An upload is written under a temporary name while it is digested and counted, so that it is never whole in
//! memory, and gets its own name when it is complete. One that breaks off leaves nothing; what a crash leaves is swept
//! ([`Blobs::sweep_incoming`]).

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload, PutPayloadMut,
};
use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;
use uuid::Uuid;

use crate::StorageError;
use crate::stores::make_folder;

/// Bytes that an upload gathers in memory before it writes them: the least that S3 takes as a part.
const PART: usize = 5 * 1024 * 1024;
/// The folder of uploads that are not complete, in each tenant's own. No digest begins like it.
const INCOMING: &str = "incoming";

/// The blobs of all tenants. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: Arc<LocalFileSystem>,
    folder: PathBuf,
}

/// What an upload's content turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
}

/// The bytes of a blob, piece by piece.
pub type BlobStream = BoxStream<'static, Result<Bytes, StorageError>>;

impl Blobs {
    /// Blobs as files in `folder`, which is made when missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn open(folder: PathBuf) -> Result<Self, StorageError> {
        make_folder(&folder)?;
        // A row of the store refers to the blob, and the store is synchronised too.
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), folder })
    }

    /// Begins an upload of at most `max_bytes` under the temporary name `name`.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Blobs`].
    pub async fn begin(&self, scope: &Scope, name: Uuid, max_bytes: u64) -> Result<Incoming, StorageError> {
        let tenant = scope.tenant();
        let temporary = Path::from_iter([tenant.to_string().as_str(), INCOMING, name.to_string().as_str()]);
        let upload = self.store.put_multipart(&temporary).await?;
        Ok(Incoming {
            store: Arc::clone(&self.store),
            tenant,
            temporary,
            upload,
            gathered: PutPayloadMut::new(),
            digest: Sha256::new(),
            size: 0,
            max_bytes,
        })
    }

    /// The bytes of a blob, or those in `range`.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::Blobs`].
    pub async fn get(
        &self,
        scope: &Scope,
        sha256: &str,
        range: Option<Range<u64>>,
    ) -> Result<BlobStream, StorageError> {
        let range = range.map(GetRange::Bounded);
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.store.get_opts(&key(scope.tenant(), sha256)?, options).await?;
        Ok(found.into_stream().map_err(StorageError::from).boxed())
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// [`StorageError::Blobs`].
    pub async fn contains(&self, scope: &Scope, sha256: &str) -> Result<bool, StorageError> {
        match self.store.head(&key(scope.tenant(), sha256)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// The digests of the tenant's blobs that were written before `before`, in pieces as the store lists them.
    ///
    /// # Errors
    /// Each piece may be a [`StorageError::Blobs`].
    #[must_use]
    pub fn older_than(&self, scope: &Scope, before: Timestamp) -> BoxStream<'static, Result<String, StorageError>> {
        let prefix = Path::from(scope.tenant().to_string());
        let listed = self.store.list(Some(&prefix)).try_filter_map(move |found| async move {
            let old = found.last_modified.timestamp_micros() < before.micros();
            let name = found.location.filename().filter(|name| is_digest(name));
            Ok(name.filter(|_| old).map(str::to_owned))
        });
        listed.map_err(StorageError::from).boxed()
    }

    /// Deletes a blob; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`StorageError::Blobs`].
    pub async fn delete(&self, scope: &Scope, sha256: &str) -> Result<(), StorageError> {
        match self.store.delete(&key(scope.tenant(), sha256)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes what uploads left that broke off with the whole process, and were last written before `before`; answers how
    /// many. The local folder's own affair: an object store ends such uploads by a rule of its bucket.
    ///
    /// # Errors
    /// [`StorageError::File`], [`StorageError::Interrupted`].
    pub async fn sweep_incoming(&self, scope: &Scope, before: Timestamp) -> Result<usize, StorageError> {
        let folder = self.folder.join(scope.tenant().to_string()).join(INCOMING);
        let before = UNIX_EPOCH + Duration::from_micros(u64::try_from(before.micros()).unwrap_or(0));
        let swept = tokio::task::spawn_blocking(move || {
            sweep_folder(&folder, before)
                .map_err(|source| StorageError::File { path: folder.display().to_string(), source })
        });
        swept.await.map_err(|_| StorageError::Interrupted)?
    }
}

fn sweep_folder(folder: &std::path::Path, before: SystemTime) -> std::io::Result<usize> {
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

/// Where a blob is kept. A digest that is none leads nowhere, so that no path can be made of it.
fn key(tenant: TenantId, sha256: &str) -> Result<Path, StorageError> {
    if !is_digest(sha256) {
        return Err(StorageError::NotFound);
    }
    Ok(Path::from_iter([tenant.to_string().as_str(), &sha256[..2], sha256]))
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// An upload that is being written. Dropped before [`Incoming::finish`], it is removed by and by.
#[derive(Debug)]
pub struct Incoming {
    store: Arc<LocalFileSystem>,
    tenant: TenantId,
    temporary: Path,
    upload: Box<dyn MultipartUpload>,
    gathered: PutPayloadMut,
    digest: Sha256,
    size: u64,
    max_bytes: u64,
}

impl Incoming {
    /// Adds what comes next.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`], [`StorageError::Full`], [`StorageError::Blobs`].
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), StorageError> {
        self.size = self.size.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.size > self.max_bytes {
            return Err(StorageError::TooLarge(self.max_bytes));
        }
        self.digest.update(&bytes);
        while self.gathered.content_length() + bytes.len() >= PART {
            let fits = PART - self.gathered.content_length();
            self.gathered.push(bytes.split_to(fits));
            self.flush().await?;
        }
        self.gathered.push(bytes);
        Ok(())
    }

    /// Gives the upload its own name.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Blobs`].
    pub async fn finish(mut self) -> Result<Blob, StorageError> {
        self.flush().await?;
        self.upload.complete().await?;
        let sha256: String = self.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        // The same content may be there already. Putting it again makes it young, so that no sweep takes it meanwhile.
        let moved = self.store.rename(&self.temporary, &key(self.tenant, &sha256)?).await;
        if let Err(error) = moved {
            let _ = self.store.delete(&self.temporary).await;
            return Err(error.into());
        }
        Ok(Blob { sha256, size: self.size })
    }

    /// Gives up: when this returns, nothing of the upload remains.
    pub async fn abort(mut self) {
        if let Err(error) = self.upload.abort().await {
            tracing::warn!(%error, "an upload that was given up could not be removed: it is swept later");
        }
    }

    async fn flush(&mut self) -> Result<(), StorageError> {
        let part: PutPayload = std::mem::take(&mut self.gathered).into();
        if part.content_length() > 0 {
            self.upload.put_part(part).await?;
        }
        Ok(())
    }
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            error if is_full(&error) => Self::Full,
            error => Self::Blobs(error.to_string()),
        }
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
        assert!(matches!(StorageError::from(store(28)), StorageError::Full));
        assert!(matches!(StorageError::from(store(122)), StorageError::Full));
        assert!(matches!(StorageError::from(store(5)), StorageError::Blobs(_)));
    }

    #[test]
    fn only_digests_are_keys() {
        let tenant = TenantId(Uuid::from_u128(1));
        assert!(key(tenant, &"0a".repeat(32)).is_ok());
        for bad in ["", "../../x", &"0A".repeat(32), &"0a".repeat(33), &format!("..{}", "0a".repeat(31))] {
            assert!(matches!(key(tenant, bad), Err(StorageError::NotFound)), "{bad}");
        }
    }
}
