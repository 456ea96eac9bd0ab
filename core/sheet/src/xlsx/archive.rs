//! Looks an archive over before a parser sees it: what it unpacks to, and what it makes the parser reserve.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::{Fault, SheetError};

/// Files in the archive.
const MAX_FILES: usize = 2_000;
/// Bytes of everything unpacked. A sheet spends about ten times its text on mark-up.
const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// Bytes of the texts that cells share, which the parser keeps in memory.
const MAX_SHARED: u64 = 128 * 1024 * 1024;
/// Bytes of any other part that the parser keeps in memory: styles, names, relations.
const MAX_PART: u64 = 4 * 1024 * 1024;
/// Bytes of what is no text, such as a picture.
const MAX_PICTURE: u64 = 32 * 1024 * 1024;
/// Digits of the number of shared texts that a file may announce: the parser reserves so many places.
const MAX_COUNT_DIGITS: usize = 7;

/// Unpacks everything, without keeping it, and counts.
pub(super) fn check(bytes: &[u8]) -> Result<(), SheetError> {
    let damaged = || Fault::Damaged.whole();
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    if archive.len() > MAX_FILES {
        return Err(Fault::TooManyBytes.whole());
    }
    let mut total = 0;
    for index in 0..archive.len() {
        let file = archive.by_index(index).map_err(|_| damaged())?;
        let name = file.name().map_err(|_| damaged())?.to_ascii_lowercase();
        let is_text = name.ends_with(".xml") || name.ends_with(".rels");
        let is_shared = name.ends_with("sharedstrings.xml");
        let most = match &name {
            name if name.contains("worksheets/") && is_text => MAX_UNPACKED,
            _ if is_shared => MAX_SHARED,
            _ if is_text => MAX_PART,
            _ => MAX_PICTURE,
        };
        total += count(file, most.min(MAX_UNPACKED - total), is_shared)?;
    }
    Ok(())
}

/// The bytes that `file` unpacks to, at most `most`; texts that cells share are looked into.
fn count(mut file: impl Read, most: u64, is_shared: bool) -> Result<u64, SheetError> {
    let mut buffer = vec![0; 64 * 1024];
    let (mut total, mut kept) = (0, 0);
    loop {
        // What the end of the last piece may have begun stands before the next.
        let read = file.read(&mut buffer[kept..]).map_err(|_| Fault::Damaged.whole())?;
        if read == 0 {
            return Ok(total);
        }
        total += read as u64;
        if total > most {
            return Err(Fault::TooManyBytes.whole());
        }
        let piece = &buffer[..kept + read];
        if is_shared && is_trap(piece) {
            return Err(Fault::Damaged.whole());
        }
        let tail = piece.len().min(OVERLAP);
        let start = piece.len() - tail;
        buffer.copy_within(start..start + tail, 0);
        kept = tail;
    }
}

const COUNT: &[u8] = b"uniqueCount";
/// Longer than an announcement that is refused.
const OVERLAP: usize = 64;

/// Whether the piece announces more shared texts than any file of allowed size has, or is no text of single bytes (in UTF-16
/// an announcement would not be seen here).
fn is_trap(piece: &[u8]) -> bool {
    if piece.contains(&0) {
        return true;
    }
    let mut rest = piece;
    while let Some(at) = rest.windows(COUNT.len()).position(|window| window == COUNT) {
        rest = &rest[at + COUNT.len()..];
        let value = rest.iter().skip_while(|byte| byte.is_ascii_whitespace() || b"='\"".contains(byte));
        if value.take_while(|byte| byte.is_ascii_digit()).count() > MAX_COUNT_DIGITS {
            return true;
        }
    }
    false
}
