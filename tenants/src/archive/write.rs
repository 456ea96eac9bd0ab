//! Writes archives: packing and sealing run beside the reading, on a thread of their own, and what waits between them is bounded.

use std::io::{BufWriter, Read, Write};

use bytes::{Buf as _, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::manifest::NAME;
use super::{ArchiveError, Manifest, Sealing};

/// Pieces that wait to be written.
const WAITING: usize = 16;
/// Bytes that are gathered before they go out.
const GATHERED: usize = 128 * 1024;

#[derive(Debug)]
enum Piece {
    Entry {
        path: String,
        bytes: u64,
    },
    Bytes(Bytes),
    /// Without it the archive was given up.
    End,
}

/// An archive that is being written. Dropped before [`ArchiveWriter::finish`], what was written is no archive.
#[derive(Debug)]
pub struct ArchiveWriter {
    pieces: mpsc::Sender<Piece>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl ArchiveWriter {
    /// Begins with the manifest.
    ///
    /// # Errors
    /// [`ArchiveError::Argument`] when there is more than an archive can carry.
    pub fn begin(
        out: impl Write + Send + 'static,
        sealing: Sealing,
        manifest: &Manifest,
    ) -> Result<Self, ArchiveError> {
        let manifest = manifest.text()?;
        let (pieces, received) = mpsc::channel(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            let out = BufWriter::with_capacity(GATHERED, out);
            let mut out = sealing.write(out, |out| pack(out, &manifest, received))?;
            out.flush()
        });
        Ok(Self { pieces, thread })
    }

    /// Begins an entry of so many bytes.
    ///
    /// # Errors
    /// [`ArchiveError::Interrupted`] when nobody writes any more; [`ArchiveWriter::finish`] tells why.
    pub async fn entry(&self, path: &str, bytes: u64) -> Result<(), ArchiveError> {
        self.send(Piece::Entry { path: path.to_owned(), bytes }).await
    }

    /// Adds bytes to the entry that was begun.
    ///
    /// # Errors
    /// As [`ArchiveWriter::entry`].
    pub async fn write(&self, bytes: impl Into<Bytes>) -> Result<(), ArchiveError> {
        let bytes = bytes.into();
        if bytes.is_empty() { Ok(()) } else { self.send(Piece::Bytes(bytes)).await }
    }

    async fn send(&self, piece: Piece) -> Result<(), ArchiveError> {
        self.pieces.send(piece).await.map_err(|_| ArchiveError::Interrupted)
    }

    /// Ends the archive; `written` is what became of its pieces.
    ///
    /// # Errors
    /// Why it could not be written, or that of `written`.
    pub async fn finish(self, written: Result<(), ArchiveError>) -> Result<(), ArchiveError> {
        let written = match written {
            Ok(()) => self.send(Piece::End).await,
            failed => failed,
        };
        drop(self.pieces);
        let thread = self.thread.await.map_err(|_| ArchiveError::Interrupted)?;
        match (written, thread) {
            // A writer that has failed takes no pieces any more: why it failed is what counts.
            (Ok(()) | Err(ArchiveError::Interrupted), Err(error)) => Err(ArchiveError::Write(error)),
            (written, _) => written,
        }
    }
}

fn pack(out: &mut dyn Write, manifest: &str, mut pieces: mpsc::Receiver<Piece>) -> std::io::Result<()> {
    let mut tar = Builder::new(GzEncoder::new(out, Compression::fast()));
    let manifest_bytes = u64::try_from(manifest.len()).unwrap_or(u64::MAX);
    tar.append_data(&mut header(manifest_bytes), NAME, manifest.as_bytes())?;
    loop {
        match pieces.blocking_recv() {
            Some(Piece::Entry { path, bytes }) => {
                let content = Content { pieces: &mut pieces, piece: Bytes::new(), left: bytes };
                tar.append_data(&mut header(bytes), &path, content)?;
            }
            Some(Piece::End) => break,
            Some(Piece::Bytes(_)) => return Err(wrong("an entry has more bytes than it was said to have")),
            None => return Err(wrong("the archive was given up")),
        }
    }
    tar.into_inner()?.finish()?.flush()
}

fn header(bytes: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::Regular);
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

fn wrong(what: &str) -> std::io::Error {
    std::io::Error::other(what.to_owned())
}

/// The bytes of one entry as they come.
struct Content<'a> {
    pieces: &'a mut mpsc::Receiver<Piece>,
    piece: Bytes,
    left: u64,
}

impl Read for Content<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        while self.piece.is_empty() {
            if self.left == 0 {
                return Ok(0);
            }
            self.piece = match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => bytes,
                Some(_) => return Err(wrong("an entry has fewer bytes than it was said to have")),
                None => return Err(wrong("the archive was given up")),
            };
            let bytes = u64::try_from(self.piece.len()).unwrap_or(u64::MAX);
            self.left = self
                .left
                .checked_sub(bytes)
                .ok_or_else(|| wrong("an entry has more bytes than it was said to have"))?;
        }
        let count = self.piece.len().min(into.len());
        self.piece.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
