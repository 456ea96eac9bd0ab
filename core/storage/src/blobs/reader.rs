//! A content as code reads it that knows nothing of stores: from any place, block by block.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use tokio::runtime::Handle;

use super::place::Place;
use crate::StorageError;

/// Bytes that are fetched at once.
const BLOCK: u64 = 512 * 1024;

/// Reads a content on a thread that may block; so it must be made where a runtime runs, and used in `spawn_blocking`. A failure
/// of the store is an [`io::Error`] around its [`StorageError`], which [`StorageError::of_reader`] gives back.
#[derive(Debug)]
pub struct BlobReader {
    source: Source,
    size: u64,
    at: u64,
}

#[derive(Debug)]
enum Source {
    Memory(Bytes),
    Kept { place: Place, path: Path, runtime: Option<Handle>, block: Bytes, begins: u64 },
}

impl BlobReader {
    pub(super) fn memory(bytes: Bytes) -> Self {
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Self { source: Source::Memory(bytes), size, at: 0 }
    }

    pub(super) fn kept(place: Place, path: Path, size: u64) -> Self {
        let runtime = Handle::try_current().ok();
        Self { source: Source::Kept { place, path, runtime, block: Bytes::new(), begins: 0 }, size, at: 0 }
    }

    /// Its bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes at the present place, as far as one block has them.
    fn here(&mut self) -> io::Result<Bytes> {
        let at = self.at;
        match &mut self.source {
            Source::Memory(bytes) => Ok(bytes.slice(index(at)?..)),
            Source::Kept { place, path, runtime, block, begins } => {
                let ends = *begins + u64::try_from(block.len()).unwrap_or(0);
                if !(*begins..ends).contains(&at) {
                    let runtime = runtime.as_ref().ok_or_else(|| io::Error::other(StorageError::Interrupted))?;
                    let range = at..at.saturating_add(BLOCK).min(self.size);
                    let fetched = runtime.block_on(place.store().get_range(path, range));
                    *block = fetched.map_err(|error| io::Error::other(place.failed(error)))?;
                    *begins = at;
                    if block.is_empty() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Ok(block.slice(index(at - *begins)?..))
            }
        }
    }
}

fn index(at: u64) -> io::Result<usize> {
    usize::try_from(at).map_err(|_| io::ErrorKind::InvalidInput.into())
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let here = self.here()?;
        let count = here.len().min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.at += u64::try_from(count).unwrap_or(0);
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let found = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = found.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
