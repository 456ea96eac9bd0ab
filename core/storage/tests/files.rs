//! Uploaded files on a real disk: streamed in and out, kept once, apart by tenant, and never half-written.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde_json::{Value as Json, json};
use sunlit_domain::filter::Filter;
use sunlit_domain::id::{ActorId, RecordId, TenantId};
use sunlit_domain::manifest::{Manifest, Spelling};
use sunlit_domain::record::read_changes;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::blobs::Blob;
use sunlit_storage::record::{self, Stamp, Target};
use sunlit_storage::tenant::file::{self, KEPT, PENDING, Uploaded};
use sunlit_storage::{Blobs, StorageError, Stores, Table, table, testing};
use uuid::Uuid;

/// SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

const MANIFEST: &str = r#"
[plugin]
id = "test-kit"
version = "1.0.0"
api = "0.1"
title = { zh = "测试" }
vendor = "sunlit"
[[collection]]
name = "notice"
title = { zh = "公告" }
field = [{ name = "cover", type = "file" }, { name = "papers", type = "list", of = "file" }]
"#;

struct Kit {
    blobs: Blobs,
    stores: Stores,
    table: Table,
    one: Scope,
    two: Scope,
    folder: tempfile::TempDir,
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = ScopeAuthority::establish();
        let scope =
            |n| authority.scope(TenantId(Uuid::from_u128(n)), Actor::known(ActorId(Uuid::from_u128(9)), vec![]));
        let manifest = Arc::new(Manifest::parse("plugin.toml", MANIFEST).map_err(|e| e.to_string()).unwrap());
        let kit = Self {
            blobs: Blobs::open(folder.path().join("files")).unwrap(),
            stores: testing::stores(&folder.path().join("tenants")).await,
            table: Table::of(&manifest, "notice").unwrap(),
            one: scope(1),
            two: scope(2),
            folder,
        };
        kit.stores.publish(&manifest).await.unwrap();
        for scope in [&kit.one, &kit.two] {
            let work = kit.stores.create(scope).await.unwrap().work(scope).await.unwrap();
            table::create(scope, &work, &manifest).await.unwrap();
            work.commit().await.unwrap();
        }
        kit
    }

    async fn put(&self, scope: &Scope, pieces: &[&[u8]]) -> Result<Blob, StorageError> {
        let mut incoming = self.blobs.begin(scope, Uuid::from_u128(77), 20_000_000).await?;
        for piece in pieces {
            incoming.write(Bytes::copy_from_slice(piece)).await?;
        }
        incoming.seal().await?.keep().await
    }

    async fn read(&self, scope: &Scope, sha256: &str, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
        let stream = self.blobs.get(scope, sha256, range).await.unwrap();
        stream.try_fold(Vec::new(), async |all, piece| Ok([all, piece.to_vec()].concat())).await.unwrap()
    }

    fn kept(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        walk(&self.folder.path().join("files"), &mut found);
        found
    }

    async fn upload(&self, scope: &Scope, n: u128, second: i64) -> file::Model {
        let work = self.stores.open(scope).await.unwrap().work(scope).await.unwrap();
        let (id, sha256, name) = (Uuid::from_u128(n), HELLO.to_owned(), "甲.txt".to_owned());
        let uploaded = Uploaded { id, sha256, size: 5, content_type: "text/plain".to_owned(), name, at: at(second) };
        let written = file::insert(scope, &work, uploaded).await.unwrap();
        work.commit().await.unwrap();
        written
    }

    async fn insert(&self, n: u128, json: Json) -> Result<(), StorageError> {
        let work = self.stores.open(&self.one).await?.work(&self.one).await?;
        let collection = self.table.collection();
        let changes = read_changes(collection, json.as_object().unwrap(), Spelling::Manifest, false).unwrap();
        let id = RecordId(Uuid::from_u128(n));
        record::insert(&self.one, &work, &self.table, id, &changes, Stamp { at: at(0) }).await?;
        work.commit().await
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + second * 1_000_000).unwrap()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

#[tokio::test]
async fn what_was_streamed_in_comes_out_whole_or_in_part() {
    let kit = Kit::new().await;
    let hello = kit.put(&kit.one, &[b"he", b"", b"llo"]).await.unwrap();
    assert_eq!((hello.sha256.as_str(), hello.size), (HELLO, 5));
    assert_eq!(kit.read(&kit.one, HELLO, None).await, b"hello");
    assert_eq!(kit.read(&kit.one, HELLO, Some(1..3)).await, b"el");
    let large: Vec<u8> = (0..12_000_000_u32).flat_map(|n| [n.to_le_bytes()[n as usize % 3]]).collect();
    let pieces: Vec<&[u8]> = large.chunks(700_001).collect();
    let blob = kit.put(&kit.one, &pieces).await.unwrap();
    assert_eq!(blob.size, 12_000_000);
    assert!(kit.read(&kit.one, &blob.sha256, None).await == large);
    let empty = kit.put(&kit.one, &[]).await.unwrap();
    assert_eq!((empty.size, kit.read(&kit.one, &empty.sha256, None).await.len()), (0, 0));
}

#[tokio::test]
async fn the_same_content_is_kept_once_for_each_tenant_and_other_tenants_do_not_find_it() {
    let kit = Kit::new().await;
    for _ in 0..2 {
        kit.put(&kit.one, &[b"hello"]).await.unwrap();
    }
    let kept = kit.kept();
    assert_eq!(kept.len(), 1);
    assert!(kept[0].ends_with(format!("{}/2c/{HELLO}", kit.one.tenant())), "{kept:?}");
    assert!(matches!(kit.blobs.get(&kit.two, HELLO, None).await.err(), Some(StorageError::NotFound)));
    assert!(!kit.blobs.contains(&kit.two, HELLO).await.unwrap());
    kit.blobs.delete(&kit.two, HELLO).await.unwrap();
    assert!(kit.blobs.contains(&kit.one, HELLO).await.unwrap());
    kit.put(&kit.two, &[b"hello"]).await.unwrap();
    assert_eq!(kit.kept().len(), 2);
    kit.blobs.delete(&kit.one, HELLO).await.unwrap();
    assert!(kit.blobs.contains(&kit.two, HELLO).await.unwrap());
}

#[tokio::test]
async fn an_upload_that_is_too_large_or_given_up_leaves_nothing() {
    let kit = Kit::new().await;
    let mut incoming = kit.blobs.begin(&kit.one, Uuid::from_u128(1), 7_000_000).await.unwrap();
    incoming.write(Bytes::from(vec![1; 6_000_000])).await.unwrap();
    assert_eq!(kit.kept().len(), 1, "the first part is on the disk");
    let refused = incoming.write(Bytes::from(vec![1; 1_000_001])).await;
    assert!(matches!(refused, Err(StorageError::TooLarge(7_000_000))));
    incoming.abort().await;
    assert!(kit.kept().is_empty(), "{:?}", kit.kept());
}

#[test]
fn an_upload_whose_task_is_dropped_leaves_nothing() {
    // With one blocking thread tasks run in their order: the second of them runs after the removal.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let kit = runtime.block_on(async {
        let kit = Kit::new().await;
        let mut incoming = kit.blobs.begin(&kit.one, Uuid::from_u128(1), 7_000_000).await.unwrap();
        incoming.write(Bytes::from(vec![1; 6_000_000])).await.unwrap();
        drop(incoming);
        tokio::task::spawn_blocking(|| {}).await.unwrap();
        kit
    });
    assert!(kit.kept().is_empty(), "{:?}", kit.kept());
}

#[tokio::test]
async fn what_a_crash_left_is_swept_when_it_is_old() {
    let kit = Kit::new().await;
    let incoming = kit.blobs.begin(&kit.one, Uuid::from_u128(1), 10).await.unwrap();
    std::mem::forget(incoming);
    assert_eq!(kit.kept().len(), 1);
    assert_eq!(kit.blobs.sweep_incoming(&kit.one, at(0)).await.unwrap(), 0, "it is younger than that");
    let future = Timestamp::from_micros(4_000_000_000_000_000).unwrap();
    assert_eq!(kit.blobs.sweep_incoming(&kit.two, future).await.unwrap(), 0, "it is another tenant's");
    assert_eq!(kit.blobs.sweep_incoming(&kit.one, future).await.unwrap(), 1);
    assert!(kit.kept().is_empty());
    kit.put(&kit.one, &[b"hello"]).await.unwrap();
    let old: Vec<String> = kit.blobs.older_than(&kit.one, future).try_collect().await.unwrap();
    let young: Vec<String> = kit.blobs.older_than(&kit.one, at(0)).try_collect().await.unwrap();
    assert_eq!((old, young.len()), (vec![HELLO.to_owned()], 0));
}

#[tokio::test]
async fn a_file_that_a_record_refers_to_cannot_go_and_one_that_is_not_there_cannot_be_referred_to() {
    let kit = Kit::new().await;
    let (cover, paper, unused) =
        (kit.upload(&kit.one, 1, 0).await, kit.upload(&kit.one, 2, 0).await, kit.upload(&kit.one, 3, 0).await);
    let foreign = kit.upload(&kit.two, 4, 0).await;
    for missing in [
        json!({ "cover": foreign.id.to_string() }),
        json!({ "papers": [paper.id.to_string(), foreign.id.to_string()] }),
    ] {
        assert!(matches!(kit.insert(8, missing).await, Err(StorageError::BrokenReference)));
    }
    kit.insert(9, json!({ "cover": cover.id.to_string(), "papers": [paper.id.to_string()] })).await.unwrap();
    for (file, expect_kept) in [(&cover, true), (&paper, true), (&unused, false)] {
        let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
        let deleted = file::delete(&kit.one, &work, file.id).await;
        assert_eq!(matches!(deleted, Err(StorageError::BrokenReference)), expect_kept, "{deleted:?}");
    }
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    let target = Target { id: RecordId(Uuid::from_u128(9)), version: 1, filter: &Filter::everything() };
    record::delete(&kit.one, &work, &kit.table, target).await.unwrap();
    file::delete(&kit.one, &work, cover.id).await.unwrap();
    file::delete(&kit.one, &work, paper.id).await.unwrap();
    assert!(file::get_many(&kit.one, &work, &[cover.id, paper.id]).await.unwrap().is_empty());
}

#[tokio::test]
async fn files_wait_pending_until_they_are_kept() {
    let kit = Kit::new().await;
    let written = kit.upload(&kit.one, 1, 0).await;
    let later = kit.upload(&kit.one, 2, 100).await;
    assert_eq!((written.state.as_str(), written.uploader()), (PENDING, kit.one.actor().id()));
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    assert_eq!(file::get_many(&kit.one, &work, &[written.id]).await.unwrap(), std::slice::from_ref(&written));
    assert_eq!(file::pending_since(&kit.one, &work, at(50), 9).await.unwrap(), std::slice::from_ref(&written));
    assert_eq!(file::pending_since(&kit.one, &work, at(200), 9).await.unwrap(), [written.clone(), later]);
    file::put_state(&kit.one, &work, &[written.id], KEPT, at(60)).await.unwrap();
    assert!(file::pending_since(&kit.one, &work, at(50), 9).await.unwrap().is_empty());
    file::delete(&kit.one, &work, written.id).await.unwrap();
    assert_eq!(file::get_many(&kit.one, &work, &[written.id]).await.unwrap().len(), 1, "what is kept is not deleted");
    let digests = [HELLO.to_owned(), "00".repeat(32)];
    assert_eq!(file::known_digests(&kit.one, &work, &digests).await.unwrap(), [HELLO]);
    let foreign = |result: Result<(), StorageError>| assert!(matches!(result, Err(StorageError::ForeignScope)));
    foreign(file::get_many(&kit.two, &work, &[written.id]).await.map(drop));
    foreign(file::pending_since(&kit.two, &work, at(50), 9).await.map(drop));
    foreign(file::put_state(&kit.two, &work, &[written.id], KEPT, at(60)).await);
    foreign(file::delete(&kit.two, &work, written.id).await);
    foreign(file::known_digests(&kit.two, &work, &digests).await.map(drop));
    let uploaded = Uploaded {
        id: Uuid::nil(),
        sha256: HELLO.to_owned(),
        size: 5,
        content_type: String::new(),
        name: String::new(),
        at: at(0),
    };
    foreign(file::insert(&kit.two, &work, uploaded).await.map(drop));
}
