//! Reads archives, of which every byte is somebody else's: in one pass, with nothing taken that the manifest does not name, in its
//! order, of its length and digest, and with bounds for what unpacks.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};
use tar::{Archive, EntryType};

use super::manifest::{MAX_BYTES, NAME, refused, told};
use super::{ArchiveError, Entry, Manifest, Opening, hex};

/// Bytes that the entries of an archive may have when nobody says otherwise: 64 GiB.
pub const MAX_TOTAL_BYTES: u64 = 64 * 1024 * 1024 * 1024;
/// How many bytes one packed byte may become, once an archive is larger than [`RATIO_FROM`]. Rows pack to a tenth or less; a bomb to
/// a thousandth.
const MAX_RATIO: u64 = 400;
const RATIO_FROM: u64 = 64 * 1024 * 1024;
/// Bytes of one row.
pub const MAX_LINE: usize = 32 * 1024 * 1024;
/// Zeros that may follow the end mark of a tar file: it fills its last block.
const MAX_PADDING: u64 = 64 * 1024;
const PIECE: usize = 64 * 1024;

/// Who takes what is read, in its order.
pub trait Sink {
    /// The manifest, before everything else.
    ///
    /// # Errors
    /// Ends the reading.
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), ArchiveError>;

    /// A piece of an entry.
    ///
    /// # Errors
    /// Ends the reading.
    fn piece(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), ArchiveError>;

    /// The end of an entry, which is what the manifest says of it.
    ///
    /// # Errors
    /// Ends the reading.
    fn end(&mut self, entry: &Entry) -> Result<(), ArchiveError>;
}

/// Reads the archive in a file to its very end, and checks everything; to be called where blocking is no harm.
///
/// # Errors
/// [`ArchiveError::Refused`], [`ArchiveError::Locked`], [`ArchiveError::File`], or those of `sink`.
pub fn read(path: &Path, opening: &Opening, total: u64, sink: &mut dyn Sink) -> Result<Manifest, ArchiveError> {
    let file = File::open(path).map_err(|error| ArchiveError::file(path, error))?;
    if !file.metadata().map_err(|error| ArchiveError::file(path, error))?.is_file() {
        let no_file = std::io::Error::from(std::io::ErrorKind::InvalidInput);
        return Err(ArchiveError::file(path, no_file));
    }
    read_from(file, opening, total, sink)
}

/// As [`read`], from anywhere.
///
/// # Errors
/// As [`read`].
pub fn read_from(
    source: impl Read,
    opening: &Opening,
    total: u64,
    sink: &mut dyn Sink,
) -> Result<Manifest, ArchiveError> {
    let packed = Arc::new(AtomicU64::new(0));
    let counted = Counted { inner: opening.open(BufReader::with_capacity(PIECE, source))?, count: Arc::clone(&packed) };
    let mut ratio = Ratio { packed, plain: 0 };
    let mut tar = Archive::new(GzDecoder::new(BufReader::with_capacity(PIECE, counted)));
    let manifest;
    {
        // Raw: what would give the next entry another name or length is an entry itself, of a kind that is refused.
        let mut entries = tar.entries().map_err(|error| damaged(&error))?.raw(true);
        let mut first = next(&mut entries, NAME)?;
        let bytes = size(&mut first, NAME, None, MAX_BYTES)?;
        let mut text = Vec::new();
        copy(&mut first, bytes, &mut ratio, |piece| {
            text.extend_from_slice(piece);
            Ok(())
        })?;
        drop(first);
        manifest = Manifest::read(&text, total)?;
        drop(text);
        sink.manifest(&manifest)?;
        for expected in &manifest.entries {
            let mut entry = next(&mut entries, &expected.path)?;
            let bytes = size(&mut entry, &expected.path, Some(expected.bytes), u64::MAX)?;
            take(&mut entry, expected, bytes, &mut ratio, sink)?;
        }
        if let Some(more) = entries.next() {
            let path = more.map_err(|error| damaged(&error))?.path_bytes().into_owned();
            return Err(refused(format!(
                "it has `{}`, which its manifest does not name",
                told(&String::from_utf8_lossy(&path))
            )));
        }
    }
    nothing_follows(tar.into_inner())?;
    Ok(manifest)
}

type Entries<'a, R> = tar::Entries<'a, R>;

fn next<'a, R: Read>(entries: &mut Entries<'a, R>, path: &str) -> Result<tar::Entry<'a, R>, ArchiveError> {
    let entry = entries.next().ok_or_else(|| refused(format!("it is cut off: `{path}` is missing")))?;
    let entry = entry.map_err(|error| damaged(&error))?;
    if entry.header().entry_type() != EntryType::Regular || *entry.path_bytes() != *path.as_bytes() {
        let found = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        return Err(refused(format!("it has `{}` where its manifest names `{path}`", told(&found))));
    }
    Ok(entry)
}

fn size<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    path: &str,
    expected: Option<u64>,
    most: u64,
) -> Result<u64, ArchiveError> {
    let bytes = entry.header().entry_size().map_err(|error| damaged(&error))?;
    match expected {
        Some(expected) if bytes != expected => {
            Err(refused(format!("`{path}` has {bytes} bytes, its manifest says {expected}")))
        }
        _ if bytes > most => Err(refused(format!("`{path}` has {bytes} bytes, more than {most}"))),
        _ => Ok(bytes),
    }
}

/// Hands an entry over, and holds it against what the manifest says.
fn take<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    expected: &Entry,
    bytes: u64,
    ratio: &mut Ratio,
    sink: &mut dyn Sink,
) -> Result<(), ArchiveError> {
    let mut digest = Sha256::new();
    let (mut rows, mut line) = (0_u64, 0_usize);
    copy(entry, bytes, ratio, |piece| {
        digest.update(piece);
        if expected.rows.is_some() {
            for part in piece.split_inclusive(|byte| *byte == b'\n') {
                line += part.len();
                if line > MAX_LINE {
                    return Err(refused(format!("`{}` has a row of more than {MAX_LINE} bytes", expected.path)));
                }
                if part.ends_with(b"\n") {
                    (rows, line) = (rows + 1, 0);
                }
            }
        }
        sink.piece(expected, piece)
    })?;
    if hex(&digest.finalize()) != expected.sha256 {
        return Err(refused(format!("`{}` was changed: its SHA-256 is another", expected.path)));
    }
    if expected.rows.is_some_and(|expected| expected != rows || line > 0) {
        return Err(refused(format!("`{}` has {rows} whole rows, its manifest says otherwise", expected.path)));
    }
    sink.end(expected)
}

fn copy<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    bytes: u64,
    ratio: &mut Ratio,
    mut take: impl FnMut(&[u8]) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let mut piece = vec![0; PIECE];
    let mut left = bytes;
    while left > 0 {
        let count = entry.read(&mut piece).map_err(|error| damaged(&error))?;
        if count == 0 {
            return Err(refused("it is cut off: an entry ends too early".to_owned()));
        }
        let read = u64::try_from(count).unwrap_or(u64::MAX);
        left = left.saturating_sub(read);
        ratio.unpacked(read)?;
        take(&piece[..count])?;
    }
    Ok(())
}

/// After the end mark come zeros to the end of a block, then the end of the packed stream, and nothing after it.
fn nothing_follows(mut unpacked: GzDecoder<impl std::io::BufRead>) -> Result<(), ArchiveError> {
    let mut padding = Vec::new();
    (&mut unpacked).take(MAX_PADDING + 1).read_to_end(&mut padding).map_err(|error| damaged(&error))?;
    if padding.iter().any(|byte| *byte != 0) || u64::try_from(padding.len()).is_ok_and(|count| count > MAX_PADDING) {
        return Err(refused("something follows its end".to_owned()));
    }
    let mut rest = [0; 1];
    match unpacked.into_inner().read(&mut rest) {
        Ok(0) => Ok(()),
        Ok(_) => Err(refused("something follows its end".to_owned())),
        Err(error) => Err(damaged(&error)),
    }
}

fn damaged(error: &std::io::Error) -> ArchiveError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => refused("it is cut off".to_owned()),
        _ => refused(format!("it is damaged: {error}")),
    }
}

/// Counts what comes out of the packed side.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(into)?;
        self.count.fetch_add(u64::try_from(count).unwrap_or(0), Ordering::Relaxed);
        Ok(count)
    }
}

struct Ratio {
    packed: Arc<AtomicU64>,
    plain: u64,
}

impl Ratio {
    fn unpacked(&mut self, bytes: u64) -> Result<(), ArchiveError> {
        self.plain = self.plain.saturating_add(bytes);
        let packed = self.packed.load(Ordering::Relaxed).max(1);
        if self.plain > RATIO_FROM && self.plain / packed > MAX_RATIO {
            return Err(refused(format!("it unpacks to more than {MAX_RATIO} times its size")));
        }
        Ok(())
    }
}
