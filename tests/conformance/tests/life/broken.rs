//! Imports that fail: whatever the archive holds and wherever they break off, nothing of the tenant is there, and the sound archive
//! comes in afterwards.

use std::path::Path;
use std::pin::pin;
use std::task::Poll;

use sha2::{Digest as _, Sha256};
use sunlit_app::command::tenant::sweep;
use sunlit_domain::id::TenantId;
use sunlit_storage::platform::tenant::{self, staging};
use sunlit_tenants::ArchiveError;
use sunlit_tenants::archive::manifest::AuditHead;
use sunlit_tenants::archive::read::{self, Sink};
use sunlit_tenants::archive::write::ArchiveWriter;
use sunlit_tenants::archive::{Entry, Manifest, Opening, Sealing};
use sunlit_tenants::import::Wanted;
use sunlit_test_support::TestApp;

use crate::kit::{SLUG, cut_off, export, full, nothing_of, place, rooms, scope, slug, sound, take};

/// An archive in memory.
#[derive(Default, Clone)]
struct Whole {
    entries: Vec<(Entry, Vec<u8>)>,
}

impl Sink for Whole {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), ArchiveError> {
        self.entries = manifest.entries.iter().map(|entry| (entry.clone(), Vec::new())).collect();
        Ok(())
    }

    fn piece(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.entries.iter_mut().find(|(known, _)| known == entry).unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, _: &Entry) -> Result<(), ArchiveError> {
        Ok(())
    }
}

impl Whole {
    fn text(&mut self, path: &str, change: impl FnOnce(String) -> String) {
        let (entry, bytes) = self.entries.iter_mut().find(|(entry, _)| entry.path == path).unwrap();
        let changed = change(String::from_utf8(std::mem::take(bytes)).unwrap());
        entry.rows = Some(u64::try_from(changed.lines().count()).unwrap());
        *bytes = changed.into_bytes();
        entry.bytes = u64::try_from(bytes.len()).unwrap();
        entry.sha256 = Sha256::digest(&*bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    }

    /// Writes it as somebody would who knows how: every hash fits.
    async fn write(&self, like: &Manifest, path: &Path, audit: impl FnOnce(&mut AuditHead)) {
        let mut head = like.audit.clone().unwrap();
        audit(&mut head);
        let entries = self.entries.iter().map(|(entry, _)| entry.clone()).collect();
        let about = Some((like.tenant.clone().unwrap(), head));
        let manifest = Manifest::of(like.created_at.clone(), about, like.packages.clone(), entries);
        let file = std::fs::File::create(path).unwrap();
        let writer = ArchiveWriter::begin(file, Sealing::Plain, &manifest).unwrap();
        for (entry, bytes) in &self.entries {
            writer.entry(&entry.path, entry.bytes).await.unwrap();
            if !bytes.is_empty() {
                writer.write(bytes.clone()).await.unwrap();
            }
        }
        writer.finish(Ok(())).await.unwrap();
    }
}

async fn nothing_is_there(app: &TestApp, id: TenantId) {
    assert!(tenant::all(&app.app().platform).await.unwrap().is_empty());
    assert_eq!(staging::all(&app.app().platform).await.unwrap(), []);
    nothing_of(app, id).await;
}

#[actix_web::test]
async fn an_archive_that_fits_itself_but_makes_no_sound_tenant_leaves_nothing() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = full(&here, SLUG, "token-word").await;
    let (path, manifest) = export(&here, SLUG, "sound.sunlit").await;
    let mut whole = Whole::default();
    read::read(&path, &Opening::Plain, u64::MAX, &mut whole).unwrap();
    type Change = Box<dyn Fn(&mut Whole)>;
    let text = |path: &'static str, change: fn(String) -> String| -> Change {
        Box::new(move |whole| whole.text(path, change))
    };
    let double: fn(String) -> String = |text| format!("{text}{}\n", text.lines().next().unwrap());
    let cases: Vec<(&str, Change, &str)> = vec![
        ("a row twice", text("collections/vault/v2/room.ndjson", double), "there twice"),
        ("a row of the trail twice", text("tenant/audit.ndjson", double), "there twice"),
        (
            "a row of the trail less",
            text("tenant/audit.ndjson", |text| text.lines().skip(1).map(|line| format!("{line}\n")).collect()),
            "audit trail",
        ),
        (
            "a row of the trail changed",
            text("tenant/audit.ndjson", |text| text.replacen("\"create\"", "\"update\"", 1)),
            "audit trail",
        ),
        ("no rooms, to which papers refer", text("collections/vault/v2/room.ndjson", |_| String::new()), "refer"),
        ("no files, to which papers refer", text("tenant/file.ndjson", |_| String::new()), "refer"),
        (
            "another column",
            text("tenant/setting.ndjson", |text| text.replacen('{', "{\"colour\":1,", 1)),
            "no column `colour`",
        ),
        (
            "another field",
            text("collections/vault/v1/paper.ndjson", |text| text.replacen('{', "{\"colour\":1,", 1)),
            "no field `colour`",
        ),
        (
            "a value of another kind",
            text("collections/vault/v1/paper.ndjson", |text| text.replacen("\"pages\":-7", "\"pages\":\"x\"", 1)),
            "`pages`",
        ),
        (
            "a number that is none",
            text("tenant/step.ndjson", |text| text.replacen("\"version\":", "\"version\":0.5,\"v\":", 1)),
            "step",
        ),
        ("no JSON", text("collections/vault/v1/room.ndjson", |text| text.replacen('{', "[", 1)), "JSON"),
        (
            "a package that it does not carry",
            text("tenant/installation.ndjson", |text| text.replace("\"version\":\"2.0.0\"", "\"version\":\"2.5.0\"")),
            "2.5.0",
        ),
        (
            "a table that nobody knows",
            Box::new(|whole| {
                let at = whole.entries.iter().position(|(entry, _)| entry.path == "tenant/step.ndjson").unwrap();
                whole.entries[at].0.path = "tenant/platform.ndjson".to_owned();
            }),
            "no table platform",
        ),
        (
            "a table of the platform",
            Box::new(|whole| {
                let at = whole.entries.iter().position(|(entry, _)| entry.path == "tenant/step.ndjson").unwrap();
                whole.entries[at].0.path = "platform/tenant.ndjson".to_owned();
            }),
            "does not belong",
        ),
        (
            "a collection of no package",
            Box::new(|whole| {
                let at = whole.entries.iter().position(|(entry, _)| entry.path.ends_with("v1/room.ndjson")).unwrap();
                whole.entries[at].0.path = "collections/vault/v7/room.ndjson".to_owned();
            }),
            "of no package",
        ),
        (
            "a file without its bytes",
            Box::new(|whole| {
                let at = whole.entries.iter().position(|(entry, _)| entry.path.starts_with("files/")).unwrap();
                whole.entries.remove(at);
            }),
            "no bytes of the file",
        ),
        (
            "no table at all",
            Box::new(|whole| whole.entries.retain(|(entry, _)| entry.path.starts_with("packages/"))),
            "no tables",
        ),
        (
            "a package's manifest that is another",
            Box::new(|whole| {
                let path = whole
                    .entries
                    .iter()
                    .find(|(entry, _)| entry.path.ends_with("vault/2.0.0/plugin.toml"))
                    .unwrap()
                    .0
                    .path
                    .clone();
                whole.text(&path, |text| text.replacen("档案", "别的", 1));
                whole.entries.iter_mut().find(|(entry, _)| entry.path == path).unwrap().0.rows = None;
            }),
            "another one",
        ),
    ];
    for (what, change, expect) in &cases {
        let mut changed = whole.clone();
        change(&mut changed);
        let path = place(&there, "broken.sunlit");
        changed.write(&manifest, &path, |_| {}).await;
        let told = take(&there, &path, &Wanted::default()).await.err().map(|error| error.to_string());
        assert!(told.as_ref().is_some_and(|told| told.contains(expect)), "{what}: {told:?}");
        nothing_is_there(&there, id).await;
    }
    // What the manifest says of the trail does not fit the rows; or the trail was broken before.
    let path_of_broken = place(&there, "broken.sunlit");
    whole.write(&manifest, &path_of_broken, |head| head.head = "0".repeat(64)).await;
    assert!(take(&there, &path_of_broken, &Wanted::default()).await.unwrap_err().to_string().contains("audit trail"));
    whole.write(&manifest, &path_of_broken, |head| head.fault = Some("row 1 was changed".to_owned())).await;
    assert!(take(&there, &path_of_broken, &Wanted::default()).await.unwrap_err().to_string().contains("audit trail"));
    nothing_is_there(&there, id).await;
    println!("{} archives were refused and left nothing", cases.len() + 2);
    take(&there, &path, &Wanted::default()).await.unwrap();
    assert_eq!(rooms(&there, SLUG).await, 3);
}

#[actix_web::test]
async fn an_archive_that_was_cut_off_or_changed_is_refused_before_anything_is_written() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = full(&here, SLUG, "token-word").await;
    let (path, whole) = export(&here, SLUG, "sound.sunlit").await;
    let bytes = std::fs::read(&path).unwrap();
    let broken = place(&there, "broken.sunlit");
    let check = async |bytes: &[u8], what: &str| {
        std::fs::write(&broken, bytes).unwrap();
        let told = take(&there, &broken, &Wanted::default()).await;
        assert!(matches!(told, Err(ArchiveError::Refused(_))), "{what}: {told:?}");
    };
    for part in 0..8 {
        check(&bytes[..bytes.len() * part / 8], &format!("cut off after {part}/8")).await;
    }
    check(&bytes[..bytes.len() - 1], "without its last byte").await;
    check(&[bytes.as_slice(), b"more"].concat(), "with something behind it").await;
    check(&[bytes.as_slice(), bytes.as_slice()].concat(), "twice").await;
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        // The header of gzip says nothing that counts, but for its first three bytes and its flags.
        if (4..10).contains(&at) {
            continue;
        }
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        std::fs::write(&broken, &changed).unwrap();
        // A bit may say nothing: then everything is read as it was.
        match sound(&broken).await {
            Err(ArchiveError::Refused(_)) => {}
            Ok(manifest) => assert_eq!(manifest, whole, "changed at {at}"),
            other => panic!("changed at {at}: {other:?}"),
        }
    }
    check(b"", "nothing").await;
    check(b"PK\x03\x04 a zip file", "another kind of file").await;
    nothing_is_there(&there, id).await;
    assert!(take(&there, there.folder(), &Wanted::default()).await.is_err());
    // More than somebody lets it have.
    let wanted = Wanted { total: 1_000, ..Wanted::default() };
    let told = take(&there, &path, &wanted).await.unwrap_err().to_string();
    assert!(told.contains("--max-bytes"), "{told}");
    sound(&path).await.unwrap();
}

/// Dropped at every so many rests, as a kill would end it there: the next one cleans up and succeeds.
#[actix_web::test]
async fn an_import_that_broke_off_anywhere_leaves_nothing_that_serves() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = full(&here, SLUG, "token-word").await;
    let (path, _) = export(&here, SLUG, "sound.sunlit").await;
    let (mut steps, mut left, mut cut) = (0_usize, 0, 0);
    loop {
        let wanted = Wanted::default();
        let done = cut_off(steps, take(&there, &path, &wanted)).await;
        let Some(done) = done else {
            cut += 1;
            steps += 1 + steps / 16;
            // PostgreSQL may notice late that the claim's holder is gone; the next run is not to be cut off while it waits for that.
            there.app().stores.claim(&scope(&there, id)).await.unwrap().release().await;
            let found = tenant::all(&there.app().platform).await.unwrap();
            // The last step is the platform's, and behind it the tenant is whole.
            if found.is_empty() {
                let (status, _, _) = there.call(actix_web::test::TestRequest::get().uri(&format!("/t/{SLUG}/"))).await;
                assert_eq!(status.as_u16(), 404);
                left += usize::from(!staging::all(&there.app().platform).await.unwrap().is_empty());
                continue;
            }
            break;
        };
        match done {
            // The run before was cut off while the last commit was on its way to the database, which ended it.
            Err(ArchiveError::Taken(_)) if cut > 0 => {}
            done => drop(done.unwrap()),
        }
        break;
    }
    assert!(cut >= 5 && left >= 2, "{cut} were cut off, {left} of them left something");
    println!("{cut} imports were cut off, {left} of them left something, and the next one cleaned up");
    assert_eq!((rooms(&there, SLUG).await, there.tenant_id(SLUG).await), (3, id));
    assert_eq!(staging::all(&there.app().platform).await.unwrap(), []);
}

#[actix_web::test]
async fn what_a_broken_off_import_left_is_swept() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let id = full(&here, SLUG, "token-word").await;
    let (path, _) = export(&here, SLUG, "sound.sunlit").await;
    // Cut off when something was written.
    for steps in 0..400 {
        let wanted = Wanted::default();
        let mut importing = pin!(take(&there, &path, &wanted));
        let mut polled = 0;
        let ended = std::future::poll_fn(|context| match importing.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if polled >= steps => Poll::Ready(None),
            Poll::Pending => {
                polled += 1;
                Poll::Pending
            }
        });
        let ended = ended.await;
        assert!(ended.is_none(), "nothing was left by any run that was cut off: {ended:?}");
        if !staging::all(&there.app().platform).await.unwrap().is_empty() {
            break;
        }
    }
    let authority = &there.state().authority;
    let mut swept = Vec::new();
    // The tasks of the dropped run end by themselves.
    for _ in 0..50 {
        swept = sweep::run(there.app(), authority).await.unwrap();
        if !swept.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(swept, [slug(SLUG).to_string()]);
    assert_eq!(sweep::run(there.app(), authority).await.unwrap(), Vec::<String>::new());
    nothing_is_there(&there, id).await;
}
