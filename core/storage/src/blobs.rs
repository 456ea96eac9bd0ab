//! The bytes of uploaded files, kept by tenant and content: `<tenant id>/<first two hex>/<sha256>`, in a local folder or in a
//! bucket of an S3-compatible store. The same content of one tenant is kept once; tenants share nothing. The keys are the same in
//! both, so that files are moved from one to the other by copying them as they are.
//!
//! What is known of a file beside its bytes stands in the tenant's store ([`crate::tenant::file`]): the local folder keeps no
//! content type. An upload is written under a temporary name while it is digested and counted, so that it is never whole in
//! memory, and gets its own name when it is complete ([`Incoming`]). One that breaks off leaves nothing; what a crash leaves is
//! swept ([`Blobs::sweep_incoming`]).
//!
//! What is made from a content, such as a picture in small, stands under `<tenant id>/derived/<first two hex>/<sha256>-<name>`,
//! and goes with it.

mod bucket;
mod incoming;
mod place;
mod reader;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStoreExt as _};
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;
use uuid::Uuid;

use crate::StorageError;
use crate::stores::make_folder;

pub use bucket::{BucketConfig, ObjectFault, Secret};
pub use incoming::{Incoming, Sealed};
use place::Place;
pub use reader::BlobReader;

/// The folder of uploads that are not complete, in each tenant's own. No digest begins like it.
const INCOMING: &str = "incoming";
/// The folder of what is made from contents.
const DERIVED: &str = "derived";

/// The blobs of all tenants. Cloning shares them.
#[derive(Debug, Clone)]
pub struct Blobs {
    place: Place,
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
        let store =
            LocalFileSystem::new_with_prefix(&folder).map_err(|error| StorageError::Blobs(error.to_string()))?;
        // A row of the store refers to the blob, and the store is synchronised too.
        let store = Arc::new(store.with_fsync(true));
        Ok(Self { place: Place::Folder { store, path: folder } })
    }

    /// Blobs as objects of a bucket. Nothing is asked of it yet: where it is not to be had, the rest of Sunlit goes on.
    ///
    /// # Errors
    /// [`StorageError::Bucket`] when its description is unsound.
    pub fn open_bucket(config: &BucketConfig) -> Result<Self, StorageError> {
        Ok(Self { place: Place::Bucket { store: Arc::new(bucket::open(config)?), name: config.bucket.clone() } })
    }

    /// Whether files can be written, found and deleted, tried with an empty one under the temporary name `name`.
    ///
    /// # Errors
    /// What stands in the way, with the mend.
    pub async fn check(&self, scope: &Scope, name: Uuid) -> Result<(), StorageError> {
        let path = Path::from_iter([scope.tenant().to_string().as_str(), INCOMING, name.to_string().as_str()]);
        let store = self.place.store();
        store.put(&path, Bytes::from_static(b"sunlit").into()).await.map_err(|error| self.place.failed(error))?;
        store.head(&path).await.map_err(|error| self.place.failed(error))?;
        store.delete(&path).await.map_err(|error| self.place.failed(error))
    }

    /// Begins an upload of at most `max_bytes` under the temporary name `name`.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn begin(&self, scope: &Scope, name: Uuid, max_bytes: u64) -> Result<Incoming, StorageError> {
        Incoming::begin(self.place.clone(), scope.tenant(), name, max_bytes).await
    }

    /// The bytes of a blob, or those in `range`.
    ///
    /// # Errors
    /// [`StorageError::NotFound`], [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn get(
        &self,
        scope: &Scope,
        sha256: &str,
        range: Option<Range<u64>>,
    ) -> Result<BlobStream, StorageError> {
        let range = range.map(GetRange::Bounded);
        let options = GetOptions { range, ..GetOptions::default() };
        let found = self.place.store().get_opts(&key(scope.tenant(), sha256)?, options).await;
        let place = self.place.clone();
        let found = found.map_err(|error| place.failed(error))?;
        Ok(found.into_stream().map_err(move |error| place.failed(error)).boxed())
    }

    /// A reader of a blob of `size` bytes, for threads that may block.
    ///
    /// # Errors
    /// [`StorageError::NotFound`] for a digest that is none. What is not there fails when it is read.
    pub fn reader(&self, scope: &Scope, sha256: &str, size: u64) -> Result<BlobReader, StorageError> {
        Ok(BlobReader::kept(self.place.clone(), key(scope.tenant(), sha256)?, size))
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn contains(&self, scope: &Scope, sha256: &str) -> Result<bool, StorageError> {
        match self.place.store().head(&key(scope.tenant(), sha256)?).await.map_err(|error| self.place.failed(error)) {
            Ok(_) => Ok(true),
            Err(StorageError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The digests of the tenant's blobs that were written before `before`, and of contents from which something was made before,
    /// in pieces as the store lists them. A digest may come twice.
    ///
    /// # Errors
    /// Each piece may be a [`StorageError::Blobs`] or a [`StorageError::Bucket`].
    #[must_use]
    pub fn older_than(&self, scope: &Scope, before: Timestamp) -> BoxStream<'static, Result<String, StorageError>> {
        let prefix = Path::from(scope.tenant().to_string());
        let listed = self.place.store().list(Some(&prefix)).try_filter_map(move |found| async move {
            Ok(digest_of(&found).filter(|_| is_before(&found, before)).map(str::to_owned))
        });
        let place = self.place.clone();
        listed.map_err(move |error| place.failed(error)).boxed()
    }

    /// Deletes a blob and what was made from it; one that is not there is deleted already.
    ///
    /// # Errors
    /// [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn delete(&self, scope: &Scope, sha256: &str) -> Result<(), StorageError> {
        self.place.delete(&key(scope.tenant(), sha256)?).await?;
        self.delete_derived(scope, sha256).await
    }

    /// What was made from a content under `name`, if it was.
    ///
    /// # Errors
    /// [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn derived(&self, scope: &Scope, sha256: &str, name: &str) -> Result<Option<Bytes>, StorageError> {
        let path = derived_key(scope.tenant(), sha256, name)?;
        let found = async { self.place.store().get(&path).await?.bytes().await };
        match found.await.map_err(|error| self.place.failed(error)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(StorageError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes what was made from a content.
    ///
    /// # Errors
    /// [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn delete_derived(&self, scope: &Scope, sha256: &str) -> Result<(), StorageError> {
        let folder = derived_key(scope.tenant(), sha256, "")?;
        let folder: Path = folder.parts().take(3).collect();
        let mut listed = self.place.store().list(Some(&folder));
        while let Some(found) = listed.try_next().await.map_err(|error| self.place.failed(error))? {
            if digest_of(&found) == Some(sha256) {
                self.place.delete(&found.location).await?;
            }
        }
        Ok(())
    }

    /// Deletes everything that is kept for the scope's tenant, whatever it is called; answers how many things.
    ///
    /// # Errors
    /// [`StorageError::Blobs`], [`StorageError::Bucket`], [`StorageError::File`]; what was deleted stays so.
    pub async fn erase(&self, scope: &Scope) -> Result<usize, StorageError> {
        let tenant = scope.tenant().to_string();
        let prefix = Path::from(tenant.as_str());
        if let Place::Bucket { store, .. } = &self.place {
            // Uploads that are not complete are no objects.
            let incoming = prefix.clone().join(INCOMING);
            bucket::sweep(store, &incoming, |_| true).await.map_err(|error| self.place.failed(error))?;
        }
        let mut gone = 0;
        let mut listed = self.place.store().list(Some(&prefix));
        while let Some(found) = listed.try_next().await.map_err(|error| self.place.failed(error))? {
            self.place.delete(&found.location).await?;
            gone += 1;
        }
        if let Place::Folder { path, .. } = &self.place {
            // Nor are they listed here, and empty folders stay.
            place::remove_folder(path.join(tenant)).await?;
        }
        Ok(gone)
    }

    /// Deletes what uploads left that broke off with the whole process, and were last written before `before`; answers how
    /// many.
    ///
    /// # Errors
    /// [`StorageError::File`], [`StorageError::Bucket`], [`StorageError::Interrupted`].
    pub async fn sweep_incoming(&self, scope: &Scope, before: Timestamp) -> Result<usize, StorageError> {
        let tenant = scope.tenant().to_string();
        match &self.place {
            Place::Folder { path, .. } => place::sweep_folder(path.join(tenant).join(INCOMING), before).await,
            Place::Bucket { store, .. } => {
                let prefix = Path::from_iter([tenant.as_str(), INCOMING]);
                let swept = bucket::sweep(store, &prefix, |found| is_before(found, before)).await;
                swept.map_err(|error| self.place.failed(error))
            }
        }
    }
}

fn is_before(found: &ObjectMeta, before: Timestamp) -> bool {
    found.last_modified.timestamp_micros() < before.micros()
}

/// Of which content an object is, or from which it was made; none for what is neither.
fn digest_of(found: &ObjectMeta) -> Option<&str> {
    let name = found.location.filename()?;
    let digest = name.split_once('-').map_or(name, |(digest, _)| digest);
    is_digest(digest).then_some(digest)
}

/// Where a blob is kept. A digest that is none leads nowhere, so that no path can be made of it.
fn key(tenant: TenantId, sha256: &str) -> Result<Path, StorageError> {
    if !is_digest(sha256) {
        return Err(StorageError::NotFound);
    }
    Ok(Path::from_iter([tenant.to_string().as_str(), &sha256[..2], sha256]))
}

/// Where something that was made from a content is kept.
fn derived_key(tenant: TenantId, sha256: &str, name: &str) -> Result<Path, StorageError> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'-');
    if !is_digest(sha256) || !is_plain {
        return Err(StorageError::NotFound);
    }
    let name = format!("{sha256}-{name}");
    Ok(Path::from_iter([tenant.to_string().as_str(), DERIVED, &sha256[..2], &name]))
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digests_are_keys() {
        let tenant = TenantId(Uuid::from_u128(1));
        let digest = "0a".repeat(32);
        assert!(key(tenant, &digest).is_ok() && derived_key(tenant, &digest, "v1-320").is_ok());
        for bad in ["", "../../x", &"0A".repeat(32), &"0a".repeat(33), &format!("..{}", "0a".repeat(31))] {
            assert!(matches!(key(tenant, bad), Err(StorageError::NotFound)), "{bad}");
            assert!(matches!(derived_key(tenant, bad, "x"), Err(StorageError::NotFound)), "{bad}");
        }
        for bad in ["../x", "X", "a/b", "a.b", "甲"] {
            assert!(matches!(derived_key(tenant, &digest, bad), Err(StorageError::NotFound)), "{bad}");
        }
    }
}
