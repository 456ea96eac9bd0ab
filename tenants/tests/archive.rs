//! Archives that no export wrote: each is refused, and for its own reason.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use sunlit_tenants::archive::manifest::{AuditHead, Identity, PackageEntry};
use sunlit_tenants::archive::read::{self, MAX_TOTAL_BYTES, Sink};
use sunlit_tenants::archive::write::ArchiveWriter;
use sunlit_tenants::archive::{ArchiveError, Entry, Manifest, Opening, Sealing};
use tar::{Builder, EntryType, Header};

const ROWS: &[u8] = b"{\"a\":1}\n{\"a\":2}\n";

#[derive(Default)]
struct Nobody;

impl Sink for Nobody {
    fn manifest(&mut self, _: &Manifest) -> Result<(), ArchiveError> {
        Ok(())
    }
    fn piece(&mut self, _: &Entry, _: &[u8]) -> Result<(), ArchiveError> {
        Ok(())
    }
    fn end(&mut self, _: &Entry) -> Result<(), ArchiveError> {
        Ok(())
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn rows(path: &str, bytes: &[u8]) -> Entry {
    let rows = u64::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap();
    Entry { path: path.to_owned(), bytes: bytes.len() as u64, rows: Some(rows), sha256: digest(bytes) }
}

fn identity() -> Identity {
    serde_json::from_value(json!({
        "id": "018f3b1e-0000-7000-8000-000000000001", "slug": "900001", "kind": "district", "code": "900001",
        "name": { "zh": "甲" }, "short_name": { "zh": "甲" }, "hosts": [], "codes": [],
    }))
    .unwrap()
}

fn manifest(entries: Vec<Entry>, packages: Vec<PackageEntry>) -> Manifest {
    let audit = AuditHead { rows: 0, head: "0".repeat(64), fault: None };
    Manifest::of("2026-11-22T08:30:00.000000Z".to_owned(), Some((identity(), audit)), packages, entries)
}

/// One file of a tar file: its header's name, kind and length are as given.
struct Part<'a> {
    name: &'a str,
    kind: EntryType,
    bytes: &'a [u8],
}

fn part<'a>(name: &'a str, bytes: &'a [u8]) -> Part<'a> {
    Part { name, kind: EntryType::Regular, bytes }
}

/// A packed tar file of these parts, whatever their names are.
fn packed(parts: &[Part<'_>]) -> Vec<u8> {
    let mut tar = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for Part { name, kind, bytes } in parts {
        let mut header = Header::new_ustar();
        // Past the checks of the library, as an attacker writes it.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        header.set_cksum();
        tar.append(&header, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn refused(bytes: &[u8], expect: &str) {
    let told = read::read_from(bytes, &Opening::Plain, MAX_TOTAL_BYTES, &mut Nobody);
    match told {
        Err(ArchiveError::Refused(why)) => assert!(why.contains(expect), "{why}, where {expect} was awaited"),
        other => panic!("{expect}: {other:?}"),
    }
}

#[test]
fn what_the_manifest_does_not_name_in_its_order_is_refused() {
    let (one, two) = ("tenant/audit.ndjson", "tenant/setting.ndjson");
    let manifest = manifest(vec![rows(one, ROWS), rows(two, b"")], Vec::new());
    let text = manifest.text().unwrap();
    let head = || part("manifest.json", text.as_bytes());
    let check = |parts: Vec<Part<'_>>, expect: &str| refused(&packed(&parts), expect);
    let sound = packed(&[head(), part(one, ROWS), part(two, b"")]);
    read::read_from(sound.as_slice(), &Opening::Plain, MAX_TOTAL_BYTES, &mut Nobody).unwrap();
    check(vec![], "cut off");
    check(vec![part(one, ROWS), head()], "where its manifest names `manifest.json`");
    check(vec![head()], "is missing");
    check(vec![head(), part(one, ROWS)], "is missing");
    check(vec![head(), part(two, b""), part(one, ROWS)], "where its manifest names `tenant/audit.ndjson`");
    check(vec![head(), part(one, ROWS), part(two, b""), part(two, b"")], "does not name");
    check(vec![head(), part(one, ROWS), part(two, b""), part("../../etc/passwd", b"x")], "does not name");
    check(vec![head(), part(one, ROWS), part(one, ROWS), part(two, b"")], "where its manifest names");
    check(vec![head(), part("/tenant/audit.ndjson", ROWS), part(two, b"")], "where its manifest names");
    check(vec![head(), part("./tenant/audit.ndjson", ROWS), part(two, b"")], "where its manifest names");
    check(vec![head(), part("tenant/../tenant/audit.ndjson", ROWS), part(two, b"")], "where its manifest names");
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Directory,
        EntryType::Char,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::XHeader,
        EntryType::XGlobalHeader,
        EntryType::GNULongName,
    ] {
        check(vec![head(), Part { name: one, kind, bytes: ROWS }, part(two, b"")], "where its manifest names");
    }
    // A header that would give the next entry another name or length.
    let pax = b"28 path=tenant/audit.ndjson\n";
    let named = Part { name: "x", kind: EntryType::XHeader, bytes: pax };
    check(vec![head(), named, part("y", ROWS), part(two, b"")], "where its manifest names");
    check(vec![head(), part(one, &ROWS[1..]), part(two, b"")], "its manifest says 16");
    let other = b"{\"a\":1}\n{\"a\":3}\n";
    check(vec![head(), part(one, other), part(two, b"")], "its SHA-256 is another");
}

#[test]
fn a_manifest_that_does_not_fit_itself_is_refused() {
    let sound = manifest(vec![rows("tenant/audit.ndjson", ROWS)], Vec::new());
    let check = |change: &dyn Fn(&mut Json), expect: &str| {
        let mut json = serde_json::to_value(&sound).unwrap();
        change(&mut json);
        let text = json.to_string();
        refused(&packed(&[part("manifest.json", text.as_bytes()), part("tenant/audit.ndjson", ROWS)]), expect);
    };
    check(&|json| json["format"] = json!("zip"), "no archive of Sunlit");
    check(&|json| json["version"] = json!(2), "form 2");
    check(&|json| json["tenant"]["slug"] = json!("900002"), "the seal");
    check(&|json| json["tenant"]["slug"] = json!("../x"), "cannot be read");
    check(&|json| json["created_at"] = json!("yesterday"), "the seal");
    check(&|json| json["entries"][0]["rows"] = json!(3), "the seal");
    check(&|json| json["root"] = json!("0"), "the seal");
    check(&|json| json["colour"] = json!(1), "cannot be read");
    check(&|json| json["entries"][0]["bytes"] = json!(-1), "cannot be read");
    refused(&packed(&[part("manifest.json", b"{")]), "cannot be read");
    refused(&packed(&[part("manifest.json", b"[]")]), "cannot be read");
}

/// As somebody would who knows how to reckon a seal.
#[test]
fn a_manifest_that_fits_itself_and_names_what_no_archive_has_is_refused() {
    let check = |entries: Vec<Entry>, packages: Vec<PackageEntry>, expect: &str| {
        let manifest = manifest(entries, packages);
        refused(&packed(&[part("manifest.json", manifest.text().unwrap().as_bytes())]), expect);
    };
    let entry =
        |path: &str, bytes: u64, rows: Option<u64>| Entry { path: path.to_owned(), bytes, rows, sha256: digest(b"") };
    check(vec![entry("tenant/../x.ndjson", 0, Some(0))], vec![], "which no archive has");
    check(vec![entry("/etc/passwd", 0, None)], vec![], "which no archive has");
    check(vec![entry("tenant/a.ndjson", 0, Some(0)), entry("tenant/a.ndjson", 0, Some(0))], vec![], "twice");
    check(vec![entry("tenant/a.ndjson", 0, None)], vec![], "rows");
    check(vec![entry(&format!("files/{}", digest(b"")), 0, Some(0))], vec![], "rows");
    check(vec![entry(&format!("files/{}", digest(b"x")), 0, None)], vec![], "another content");
    check(vec![entry(&format!("files/{}", digest(b"")), 200 * 1024 * 1024, None)], vec![], "more than");
    check(
        vec![entry("tenant/a.ndjson", u64::MAX, Some(0)), entry("tenant/b.ndjson", u64::MAX, Some(0))],
        vec![],
        "--max-bytes",
    );
    check(vec![entry("packages/a/1.0.0/plugin.toml", 0, None)], vec![], "packages");
    check(vec![entry("packages/a/1.0.0/component.wasm", 5 * 1024 * 1024, None)], vec![], "more than");
    let package =
        PackageEntry { id: "a".parse().unwrap(), version: "1.0.0".to_owned(), digest: digest(b""), component: true };
    check(vec![entry("packages/a/1.0.0/plugin.toml", 0, None)], vec![package], "packages");
    check(vec![entry("platform/tenant.ndjson", 0, Some(0))], vec![], "does not belong");
    let mut short = entry("tenant/a.ndjson", 0, Some(0));
    short.sha256 = "0".repeat(63);
    check(vec![short], vec![], "no SHA-256");
}

#[test]
fn rows_are_counted_and_end_with_a_line() {
    let check = |bytes: &[u8], said: u64, expect: &str| {
        let entry = Entry { rows: Some(said), ..rows("tenant/audit.ndjson", bytes) };
        let text = manifest(vec![entry], Vec::new()).text().unwrap();
        refused(&packed(&[part("manifest.json", text.as_bytes()), part("tenant/audit.ndjson", bytes)]), expect);
    };
    check(ROWS, 3, "2 whole rows");
    check(&ROWS[..ROWS.len() - 1], 2, "1 whole rows");
    check(b"{}", 0, "0 whole rows");
    check(&vec![b'x'; read::MAX_LINE + 1], 0, "a row of more than");
}

/// A gibibyte of zeros, packed to a mebibyte: given up long before it is unpacked.
#[test]
fn what_unpacks_to_far_more_than_its_size_is_refused() {
    let bytes: u64 = 1024 * 1024 * 1024;
    let entry = Entry { path: "tenant/audit.ndjson".to_owned(), bytes, rows: Some(0), sha256: "0".repeat(64) };
    let text = manifest(vec![entry], Vec::new()).text().unwrap();
    let mut packed = packed(&[part("manifest.json", text.as_bytes())]);
    packed.clear();
    let mut gzip = GzEncoder::new(packed, Compression::best());
    for (name, bytes) in [("manifest.json", text.len() as u64), ("tenant/audit.ndjson", bytes)] {
        let mut header = Header::new_ustar();
        header.set_path(name).unwrap();
        header.set_size(bytes);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).unwrap();
        if name == "manifest.json" {
            gzip.write_all(text.as_bytes()).unwrap();
            gzip.write_all(&vec![0; (512 - text.len() % 512) % 512]).unwrap();
        }
    }
    let line = [b"\n".as_slice(), &[b'0'; 4095]].concat();
    for _ in 0..bytes / 4096 / 4 {
        gzip.write_all(&line).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 2 * 1024 * 1024, "{}", bomb.len());
    refused(&bomb, "times its size");
}

#[test]
fn what_follows_the_end_is_refused() {
    let text = manifest(Vec::new(), Vec::new()).text().unwrap();
    let sound = packed(&[part("manifest.json", text.as_bytes())]);
    read::read_from(sound.as_slice(), &Opening::Plain, MAX_TOTAL_BYTES, &mut Nobody).unwrap();
    refused(&[sound.as_slice(), b"x"].concat(), "follows");
    refused(&[sound.as_slice(), &sound].concat(), "follows");
    // Inside the packed stream too.
    let mut tar = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(sound.as_slice()), &mut tar).unwrap();
    let repacked = |more: &[u8]| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&tar).unwrap();
        gzip.write_all(more).unwrap();
        gzip.finish().unwrap()
    };
    read::read_from(repacked(&[0; 4096]).as_slice(), &Opening::Plain, MAX_TOTAL_BYTES, &mut Nobody).unwrap();
    refused(&repacked(b"hidden"), "follows");
    refused(&repacked(&[0; 128 * 1024]), "follows");
}

/// Whatever a changed byte leaves readable is what was written: gzip's own check sees the whole stream. Some bits say nothing, such as
/// those of its header, or how far back a zero is fetched from that follows zeros.
#[test]
fn a_byte_that_was_changed_anywhere_is_noticed_or_changes_nothing() {
    let manifest = manifest(vec![rows("tenant/audit.ndjson", ROWS)], Vec::new());
    let text = manifest.text().unwrap();
    let sound = packed(&[part("manifest.json", text.as_bytes()), part("tenant/audit.ndjson", ROWS)]);
    let mut unnoticed = Vec::new();
    for at in 0..sound.len() {
        for bit in [0x01, 0x10, 0x80] {
            let mut changed = sound.clone();
            changed[at] ^= bit;
            match read::read_from(changed.as_slice(), &Opening::Plain, MAX_TOTAL_BYTES, &mut Nobody) {
                Err(ArchiveError::Refused(_)) => {}
                Ok(read) => {
                    assert_eq!(read, manifest, "at {at}");
                    unnoticed.push((at, bit));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    let behind = unnoticed.iter().filter(|(at, _)| *at >= sound.len() - 8).count();
    println!("of {} bytes {} bits say nothing: {unnoticed:?}", sound.len(), unnoticed.len());
    assert_eq!(behind, 0, "the check at the end says something");
    assert!(unnoticed.len() < sound.len() / 4, "{unnoticed:?}");
}

async fn sealed(path: &Path, sealing: Sealing) {
    let manifest = manifest(vec![rows("tenant/audit.ndjson", ROWS)], Vec::new());
    let writer = ArchiveWriter::begin(std::fs::File::create(path).unwrap(), sealing, &manifest).unwrap();
    writer.entry("tenant/audit.ndjson", ROWS.len() as u64).await.unwrap();
    writer.write(ROWS).await.unwrap();
    writer.finish(Ok(())).await.unwrap();
}

fn open(path: &Path, opening: &Opening) -> Result<Manifest, ArchiveError> {
    read::read(path, opening, MAX_TOTAL_BYTES, &mut Nobody)
}

#[tokio::test]
async fn an_archive_for_recipients_opens_with_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("sealed");
    let (own, other) = (age::x25519::Identity::generate(), age::x25519::Identity::generate());
    let key_file = |identity: &age::x25519::Identity| {
        use age::secrecy::ExposeSecret as _;
        format!("# created: today\n# public key: {}\n{}\n", identity.to_public(), identity.to_string().expose_secret())
    };
    let recipient = own.to_public().to_string();
    sealed(&path, Sealing::recipients([recipient.as_str()]).unwrap()).await;
    open(&path, &Opening::keys(&key_file(&own)).unwrap()).unwrap();
    for opening in
        [Opening::Plain, Opening::keys(&key_file(&other)).unwrap(), Opening::passphrase("some words and more")]
    {
        assert!(matches!(open(&path, &opening), Err(ArchiveError::Locked(_))), "{opening:?}");
    }
    for bad in ["", "# nothing", "age1abc", "AGE-SECRET-KEY-1QQQ"] {
        assert!(Opening::keys(bad).is_err(), "{bad}");
    }
    for bad in [vec![], vec!["age1abc"], vec![recipient.as_str(), "ssh-ed25519 AAAA"]] {
        assert!(Sealing::recipients(bad.iter().copied()).is_err(), "{bad:?}");
    }
    // An entry that is not what was said of it ends the archive, whoever writes it.
    let manifest = manifest(vec![rows("tenant/audit.ndjson", ROWS)], Vec::new());
    for bytes in [&ROWS[1..], b"{\"a\":1}\n{\"a\":2}\n\n"] {
        let out = std::fs::File::create(&path).unwrap();
        let writer = ArchiveWriter::begin(out, Sealing::Plain, &manifest).unwrap();
        writer.entry("tenant/audit.ndjson", ROWS.len() as u64).await.unwrap();
        let _ = writer.write(bytes.to_vec()).await;
        assert!(matches!(writer.finish(Ok(())).await, Err(ArchiveError::Write(_))));
        assert!(open(&path, &Opening::Plain).is_err());
    }
}
