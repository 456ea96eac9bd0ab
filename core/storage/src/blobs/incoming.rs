//! An upload that is being written: digested and counted on its way, under a temporary name until it is complete.

use bytes::Bytes;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::path::Path;
use object_store::{MultipartId, MultipartUpload, ObjectStoreExt as _, PutPayload, PutPayloadMut};
use sha2::{Digest as _, Sha256};
use sunlit_domain::id::TenantId;
use uuid::Uuid;

use super::bucket::marker;
use super::place::Place;
use super::{Blob, BlobReader, INCOMING, derived_key, key};
use crate::StorageError;

/// Bytes that an upload gathers in memory before it writes them: the least that S3 takes as a part.
const PART: usize = 5 * 1024 * 1024;

/// An upload that is being written. Dropped before [`Incoming::seal`], it is removed by and by.
#[derive(Debug)]
pub struct Incoming {
    place: Place,
    tenant: TenantId,
    temporary: Path,
    written: Written,
    gathered: PutPayloadMut,
    digest: Sha256,
    size: u64,
    max_bytes: u64,
}

/// What is written of it so far.
#[derive(Debug)]
enum Written {
    /// To a file of the folder.
    File(Box<dyn MultipartUpload>),
    /// Parts of an upload to the bucket; none as long as everything is in memory.
    Parts(Option<(MultipartId, Vec<PartId>)>),
    /// It is sealed or given up.
    Over,
}

impl Incoming {
    pub(super) async fn begin(
        place: Place,
        tenant: TenantId,
        name: Uuid,
        max_bytes: u64,
    ) -> Result<Self, StorageError> {
        let temporary = Path::from_iter([tenant.to_string().as_str(), INCOMING, name.to_string().as_str()]);
        let written = match &place {
            Place::Folder { store, .. } => {
                Written::File(store.put_multipart(&temporary).await.map_err(|error| place.failed(error))?)
            }
            Place::Bucket { .. } => Written::Parts(None),
        };
        let (gathered, digest) = (PutPayloadMut::new(), Sha256::new());
        Ok(Self { place, tenant, temporary, written, gathered, digest, size: 0, max_bytes })
    }

    /// Adds what comes next.
    ///
    /// # Errors
    /// [`StorageError::TooLarge`], [`StorageError::Full`], [`StorageError::Blobs`], [`StorageError::Bucket`].
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

    /// Ends the writing: the content is whole and known, but has not its own name yet.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn seal(mut self) -> Result<Sealed, StorageError> {
        // What is small goes to a bucket in one piece, under its own name at once.
        let in_memory = matches!(self.written, Written::Parts(None));
        let content = if in_memory {
            let gathered: PutPayload = std::mem::take(&mut self.gathered).into();
            Content::Memory(gathered.into())
        } else {
            self.flush().await?;
            self.complete().await?;
            Content::Written
        };
        self.written = Written::Over;
        let digest = std::mem::take(&mut self.digest).finalize();
        let sha256: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Sealed {
            place: self.place.clone(),
            tenant: self.tenant,
            temporary: self.temporary.clone(),
            content,
            blob: Blob { sha256, size: self.size },
        })
    }

    /// Gives up: when this returns, nothing of the upload remains.
    pub async fn abort(mut self) {
        let aborted = match std::mem::replace(&mut self.written, Written::Over) {
            Written::File(mut upload) => upload.abort().await.map_err(|error| self.place.failed(error)),
            Written::Parts(Some((id, _))) => abort_parts(&self.place, &self.temporary, &id).await,
            Written::Parts(None) | Written::Over => Ok(()),
        };
        if let Err(error) = aborted {
            tracing::warn!(%error, "an upload that was given up could not be removed: it is swept later");
        }
    }

    async fn flush(&mut self) -> Result<(), StorageError> {
        let part: PutPayload = std::mem::take(&mut self.gathered).into();
        if part.content_length() == 0 {
            return Ok(());
        }
        let failed = |error| self.place.failed(error);
        match (&mut self.written, &self.place) {
            (Written::File(upload), _) => upload.put_part(part).await.map_err(failed),
            (Written::Parts(begun), Place::Bucket { store, .. }) => {
                if begun.is_none() {
                    let id = store.create_multipart(&self.temporary).await.map_err(failed)?;
                    *begun = Some((id.clone(), Vec::new()));
                    // Before the first part, so that no part is there of which nothing tells.
                    store.put(&marker(&self.temporary), id.into_bytes().into()).await.map_err(failed)?;
                }
                if let Some((id, parts)) = begun {
                    let next = parts.len();
                    parts.push(store.put_part(&self.temporary, id, next, part).await.map_err(failed)?);
                }
                Ok(())
            }
            _ => Err(StorageError::Interrupted),
        }
    }

    async fn complete(&mut self) -> Result<(), StorageError> {
        let failed = |error| self.place.failed(error);
        match (&mut self.written, &self.place) {
            (Written::File(upload), _) => upload.complete().await.map(drop).map_err(failed),
            (Written::Parts(Some((id, parts))), Place::Bucket { store, .. }) => {
                let parts = std::mem::take(parts);
                store.complete_multipart(&self.temporary, id, parts).await.map(drop).map_err(failed)
            }
            _ => Err(StorageError::Interrupted),
        }
    }
}

/// Ends an upload to the bucket and takes its marker away.
async fn abort_parts(place: &Place, temporary: &Path, id: &MultipartId) -> Result<(), StorageError> {
    let Place::Bucket { store, .. } = place else { return Ok(()) };
    match store.abort_multipart(temporary, id).await.map_err(|error| place.failed(error)) {
        Ok(()) | Err(StorageError::NotFound) => {}
        Err(error) => return Err(error),
    }
    place.delete(&marker(temporary)).await
}

impl Drop for Incoming {
    /// A file is removed by its own writer. An upload to a bucket is ended by a task, or by the sweep where none can run.
    fn drop(&mut self) {
        let Written::Parts(Some((id, _))) = std::mem::replace(&mut self.written, Written::Over) else { return };
        let (place, temporary) = (self.place.clone(), self.temporary.clone());
        by_and_by(async move { abort_parts(&place, &temporary, &id).await });
    }
}

/// An upload that is whole. Dropped, it is removed by and by.
#[derive(Debug)]
pub struct Sealed {
    place: Place,
    tenant: TenantId,
    temporary: Path,
    content: Content,
    blob: Blob,
}

#[derive(Debug)]
enum Content {
    /// All of it is here.
    Memory(Bytes),
    /// It stands under its temporary name.
    Written,
    /// It has found its place, or is gone.
    Over,
}

impl Sealed {
    /// What the content is.
    #[must_use]
    pub fn blob(&self) -> &Blob {
        &self.blob
    }

    /// A reader of the content, for threads that may block.
    #[must_use]
    pub fn reader(&self) -> BlobReader {
        match &self.content {
            Content::Memory(bytes) => BlobReader::memory(bytes.clone()),
            _ => BlobReader::kept(self.place.clone(), self.temporary.clone(), self.blob.size),
        }
    }

    /// Gives the upload its own name.
    ///
    /// # Errors
    /// [`StorageError::Full`], [`StorageError::Blobs`], [`StorageError::Bucket`].
    pub async fn keep(self) -> Result<Blob, StorageError> {
        // The same content may be there already. Putting it again makes it young, so that no sweep takes it meanwhile.
        let path = key(self.tenant, &self.blob.sha256)?;
        self.keep_as(path).await
    }

    /// Keeps it as what was made from the content `sha256`.
    ///
    /// # Errors
    /// As [`Sealed::keep`].
    pub async fn keep_derived(self, sha256: &str, name: &str) -> Result<Blob, StorageError> {
        let path = derived_key(self.tenant, sha256, name)?;
        self.keep_as(path).await
    }

    async fn keep_as(mut self, path: Path) -> Result<Blob, StorageError> {
        match &self.content {
            Content::Memory(bytes) => {
                let put = self.place.store().put(&path, bytes.clone().into()).await;
                put.map_err(|error| self.place.failed(error))?;
            }
            Content::Written => {
                if let Place::Bucket { .. } = self.place {
                    // The object is there: from now on the sweep needs no marker.
                    self.place.delete(&marker(&self.temporary)).await?;
                }
                self.place.rename(&self.temporary, &path).await?;
            }
            Content::Over => return Err(StorageError::Interrupted),
        }
        self.content = Content::Over;
        Ok(self.blob.clone())
    }

    /// Gives up: when this returns, nothing of the upload remains.
    pub async fn discard(mut self) {
        if matches!(std::mem::replace(&mut self.content, Content::Over), Content::Written)
            && let Err(error) = discard(&self.place, &self.temporary).await
        {
            tracing::warn!(%error, "an upload that was given up could not be removed: it is swept later");
        }
    }
}

async fn discard(place: &Place, temporary: &Path) -> Result<(), StorageError> {
    if let Place::Bucket { .. } = place {
        place.delete(&marker(temporary)).await?;
    }
    place.delete(temporary).await
}

impl Drop for Sealed {
    fn drop(&mut self) {
        if matches!(self.content, Content::Written) {
            let (place, temporary) = (self.place.clone(), self.temporary.clone());
            by_and_by(async move { discard(&place, &temporary).await });
        }
    }
}

/// Removes what was dropped, where there is somebody to do it; the sweep does what is left.
fn by_and_by(work: impl Future<Output = Result<(), StorageError>> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(async move {
            if let Err(error) = work.await {
                tracing::warn!(%error, "an upload that was dropped could not be removed: it is swept later");
            }
        });
    }
}
