//! Looks through an upload that is whole, before it gets its own name: whether it is two things at once, or unpacks to more than
//! anybody can hold. Nothing is kept of what is read: any content is looked through in the memory of a block.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sunlit_domain::file::MediaType;
use sunlit_storage::StorageError;
use sunlit_storage::blobs::{BlobReader, Sealed};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::content_type::{is_archive, is_document};
use crate::{App, AppError};

/// Files in an archive.
const MAX_FILES: usize = 10_000;
/// Bytes of everything unpacked.
const MAX_UNPACKED: u64 = 512 * 1024 * 1024;
/// How many times larger than itself an archive may be unpacked, once that is more than [`SMALL`].
const MAX_RATIO: u64 = 200;
const SMALL: u64 = 16 * 1024 * 1024;
/// Bytes that may be read to find what is in an archive: its list, and what is searched for it.
const MAX_LIST: u64 = 8 * 1024 * 1024;
/// Bytes of a file's beginning and of its end in which a second file is looked for: the list of an archive ends with a comment of
/// at most 65,535 bytes (APPNOTE.TXT 6.3.10, 4.3.16).
const EDGE: u64 = 66_000;
/// How the list of an archive ends, without its comment.
const LIST_END: &[u8] = b"PK\x05\x06";
const LIST_END_BYTES: usize = 22;
/// What no picture holds, and every page does that runs a script.
const PAGES: [&[u8]; 6] = [b"<script", b"<html", b"<!doctype html", b"<iframe", b"<body", b"<?php"];

/// Looks through an upload of that type.
///
/// # Errors
/// [`AppError::Unsupported`] for what is two things or damaged, [`AppError::Limit`] for what unpacks to too much, and the store's.
pub(crate) async fn run(app: &App, sealed: &Sealed, content_type: &str) -> Result<(), AppError> {
    if !is_archive(content_type) && !MediaType::is_shown_inline(content_type) {
        return Ok(());
    }
    let interrupted = || AppError::Storage(StorageError::Interrupted);
    // The place is given back when the work is done, whoever still waits for it.
    let place = Arc::clone(&app.inspections).acquire_owned().await.map_err(|_| interrupted())?;
    let (reader, content_type) = (sealed.reader(), content_type.to_owned());
    let looked = tokio::task::spawn_blocking(move || {
        let _place = place;
        look(reader, &content_type)
    });
    looked.await.map_err(|_| interrupted())?
}

fn look(reader: BlobReader, content_type: &str) -> Result<(), AppError> {
    let size = reader.size();
    if is_archive(content_type) {
        return unpack(reader, size, is_document(content_type));
    }
    is_one_thing(reader, size, content_type)
}

/// Refuses a picture or PDF that is a page or an archive too: what is shown as one is run as the other.
fn is_one_thing(mut reader: impl Read + Seek, size: u64, content_type: &str) -> Result<(), AppError> {
    let two = |what: &str| {
        AppError::Unsupported(format!(
            "the file is {content_type} and {what} at once: save it again with the program it was made with, and send that"
        ))
    };
    let edge = |reader: &mut dyn Read| {
        let mut bytes = Vec::new();
        reader.take(EDGE).read_to_end(&mut bytes).map(|_| bytes).map_err(unreadable)
    };
    let head = edge(&mut reader)?;
    reader.seek(SeekFrom::Start(size.saturating_sub(EDGE))).map_err(unreadable)?;
    let tail = edge(&mut reader)?;
    if ends_an_archive(&tail) {
        return Err(two("a zip archive"));
    }
    let is_picture = content_type.starts_with("image/");
    if is_picture && [&head, &tail].into_iter().any(|bytes| holds_a_page(bytes)) {
        return Err(two("a web page"));
    }
    Ok(())
}

/// Whether the bytes end with the end of an archive's list, whose comment is as long as what follows.
fn ends_an_archive(tail: &[u8]) -> bool {
    tail.windows(LIST_END_BYTES).enumerate().any(|(at, end)| {
        let comment = usize::from(u16::from_le_bytes([end[20], end[21]]));
        end.starts_with(LIST_END) && at + LIST_END_BYTES + comment == tail.len()
    })
}

fn holds_a_page(bytes: &[u8]) -> bool {
    let begins = |at: usize| {
        PAGES.iter().any(|page| bytes[at..].get(..page.len()).is_some_and(|b| b.eq_ignore_ascii_case(page)))
    };
    bytes.iter().enumerate().any(|(at, byte)| *byte == b'<' && begins(at))
}

/// Unpacks everything, without keeping it, and counts: what an archive says of itself may be wrong.
fn unpack(reader: impl Read + Seek, size: u64, is_document: bool) -> Result<(), AppError> {
    let budget = Arc::new(AtomicU64::new(MAX_LIST));
    let mut archive = ZipArchive::new(Bounded { reader, budget: Arc::clone(&budget) }).map_err(damaged)?;
    if archive.len() > MAX_FILES {
        return Err(AppError::Limit(format!(
            "the archive holds {} files, at most {MAX_FILES} are taken",
            archive.len()
        )));
    }
    // Parts that lie upon each other would have the same bytes read again and again.
    budget.store(size.saturating_mul(2).saturating_add(MAX_LIST), Ordering::Relaxed);
    let mut total = 0_u64;
    for index in 0..archive.len() {
        total = total.saturating_add(count(&mut archive, index, MAX_UNPACKED - total, is_document)?);
        if total > MAX_UNPACKED || (total > SMALL && total / size.max(1) > MAX_RATIO) {
            return Err(AppError::Limit(format!(
                "the archive unpacks to more than {MAX_UNPACKED} bytes, or to more than {MAX_RATIO} times its own: send what is in \
                 it as files of their own"
            )));
        }
    }
    Ok(())
}

/// The bytes that a file in the archive unpacks to, no more than one above `most`. Of what cannot be unpacked here, such as what
/// has a password, the archive's word is taken; a document has none of it.
fn count<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    most: u64,
    is_document: bool,
) -> Result<u64, AppError> {
    let declared = {
        let raw = archive.by_index_raw(index).map_err(damaged)?;
        if leads_out(raw.name_raw()) {
            return Err(AppError::Unsupported(
                "the archive holds a file whose name leads out of it: pack it anew without such names".to_owned(),
            ));
        }
        raw.size()
    };
    if declared > most {
        return Ok(declared);
    }
    match archive.by_index(index) {
        Ok(file) => io::copy(&mut file.take(most.saturating_add(1)), &mut io::sink()).map_err(unreadable),
        Err(ZipError::UnsupportedArchive(_) | ZipError::InvalidPassword) if !is_document => Ok(declared),
        Err(error) => Err(damaged(error)),
    }
}

/// Whether a name leads out of the folder that it is unpacked in: through a folder's parent, or by a drive. A first stroke is left
/// away by whatever unpacks it. Names may be in any encoding.
fn leads_out(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| matches!(byte, b'/' | b'\\'));
    let has_drive = name.get(1) == Some(&b':') && name[0].is_ascii_alphabetic();
    has_drive || name.contains(&0) || parts.any(|part| part == b"..")
}

fn damaged(error: ZipError) -> AppError {
    match error {
        ZipError::Io(error) => unreadable(error),
        other => refused(&other.to_string()),
    }
}

/// What could not be read: because the store failed, or because it is not what it says.
fn unreadable(error: io::Error) -> AppError {
    match StorageError::of_reader(error) {
        Ok(failed) => failed.into(),
        Err(error) => refused(&error.to_string()),
    }
}

fn refused(why: &str) -> AppError {
    AppError::Unsupported(format!("the archive cannot be read: {why}: pack it anew, and send that"))
}

/// A reader that gives up when more has been read through it than there was a need for.
struct Bounded<R> {
    reader: R,
    budget: Arc<AtomicU64>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.budget.load(Ordering::Relaxed).checked_sub(u64::try_from(read).unwrap_or(u64::MAX));
        let left = left.ok_or_else(|| io::Error::other("its parts lie upon each other, or its list is too long"))?;
        self.budget.store(left, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Bounded<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.reader.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(bytes: &[u8]) -> Result<(), AppError> {
        unpack(Cursor::new(bytes), bytes.len() as u64, true)
    }

    #[test]
    fn an_archive_is_taken_unless_it_is_a_bomb_or_damaged() {
        let text = "一段普通的文字。".repeat(1_000);
        unpacked(&packed(&[("word/document.xml", text.as_bytes()), ("[Content_Types].xml", b"<Types/>")])).unwrap();
        let large = vec![0; 40 * 1024 * 1024];
        assert!(matches!(unpacked(&packed(&[("a", &large)])), Err(AppError::Limit(_))), "40 MiB of nothing in 40 KiB");
        let small = vec![0; 8 * 1024 * 1024];
        unpacked(&packed(&[("a", &small)])).unwrap();
        let many: Vec<(String, &[u8])> = (0..=MAX_FILES).map(|n| (n.to_string(), &b""[..])).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
        assert!(matches!(unpacked(&packed(&many)), Err(AppError::Limit(_))));
        let whole = packed(&[("a", text.as_bytes())]);
        for damaged in [&whole[..whole.len() / 2], &whole[..whole.len() - 1], &b"PK\x03\x04 and no more"[..], &[]] {
            assert!(matches!(unpacked(damaged), Err(AppError::Unsupported(_))));
        }
        let mut flipped = whole.clone();
        flipped[60] ^= 1;
        assert!(matches!(unpacked(&flipped), Err(AppError::Unsupported(_))), "its sum does not fit");
    }

    #[test]
    fn what_an_archive_says_of_its_size_is_not_believed() {
        let mut bomb = packed(&[("a", &vec![0; 40 * 1024 * 1024])]);
        let size = u32::try_from(40 * 1024 * 1024).unwrap().to_le_bytes();
        for at in 0..bomb.len() - 4 {
            if bomb[at..at + 4] == size {
                bomb[at..at + 4].copy_from_slice(&7_u32.to_le_bytes());
            }
        }
        assert!(unpacked(&bomb).is_err());
        // All entries of the list lead to the same bytes.
        let one = packed(&[("aaaa", &vec![1; 100_000])]);
        let begins = one.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        let ends = one.windows(4).position(|bytes| bytes == LIST_END).unwrap();
        let (mut overlapping, entry) = (one[..begins].to_vec(), &one[begins..ends]);
        for n in 0..9_000_u16 {
            let mut entry = entry.to_vec();
            entry[46..50].copy_from_slice(format!("{n:04}").as_bytes());
            overlapping.extend(entry);
        }
        let mut end = one[ends..].to_vec();
        end[8..10].copy_from_slice(&9_000_u16.to_le_bytes());
        end[10..12].copy_from_slice(&9_000_u16.to_le_bytes());
        end[12..16].copy_from_slice(&u32::try_from(9_000 * entry.len()).unwrap().to_le_bytes());
        overlapping.extend(end);
        assert!(unpacked(&overlapping).is_err(), "900 MB in less than one");
    }

    #[test]
    fn names_that_lead_out_of_an_archive_are_refused() {
        for name in ["../../etc/passwd", "a/../../b", "..\\..\\b", "C:\\Windows\\b"] {
            let found = unpacked(&packed(&[(name, b"x")]));
            assert!(matches!(&found, Err(AppError::Unsupported(why)) if why.contains("name")), "{name}: {found:?}");
        }
        unpacked(&packed(&[("word/a..b.xml", b"x"), ("目录/文件", b"x")])).unwrap();
    }

    #[test]
    fn a_file_that_is_two_things_is_refused() {
        let check = |content_type: &str, bytes: &[u8], expect: Option<&str>| {
            let found = is_one_thing(Cursor::new(bytes), bytes.len() as u64, content_type);
            match (expect, found) {
                (None, Ok(())) => {}
                (Some(what), Err(AppError::Unsupported(why))) => assert!(why.contains(what), "{why}"),
                (_, found) => {
                    panic!("{content_type} {:?}: {found:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(40)]))
                }
            }
        };
        let padded = |begin: &[u8], n: usize, end: &[u8]| [begin, &vec![b' '; n], end].concat();
        let archive = packed(&[("a.js", b"alert(1)")]);
        check("image/gif", b"GIF89a plain", None);
        check("image/gif", b"GIF89a/*<HTML><script>alert(1)</script>*/", Some("web page"));
        check("image/png", &padded(b"\x89PNG", 200_000, b"<ScRiPt src=x>"), Some("web page"));
        check("image/jpeg", &padded(b"\xff\xd8\xff", 200_000, b"<?php system($_GET[0]);"), Some("web page"));
        check("image/jpeg", b"\xff\xd8\xff <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"/>", None);
        check("application/pdf", b"%PDF-1.7 <html> in a text %%EOF", None);
        check("application/pdf", &padded(b"%PDF-1.7 %%EOF", 100_000, &archive), Some("zip archive"));
        check("image/gif", &padded(b"GIF89a", 10, &archive), Some("zip archive"));
        // A comment hides the end of the list, unless it is looked for.
        let mut commented = archive.clone();
        let at = commented.len() - 2;
        commented[at..].copy_from_slice(&60_000_u16.to_le_bytes());
        check("application/pdf", &padded(b"%PDF-1.7", 9, &padded(&commented, 60_000, b"")), Some("zip archive"));
        check("application/pdf", &padded(b"%PDF-1.7 names PK\x05\x06 in its text", 100, b"%%EOF"), None);
    }
}
