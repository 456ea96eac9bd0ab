//! Versions of a package in one tenant's file: minors share a table that only grows, and records move into the table of a
//! new major.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use serde_json::{Value as Json, json};
use sunlit_domain::filter::{self, Filter, Purpose};
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::manifest::{Manifest, Spelling};
use sunlit_domain::record::{Changes, read_changes};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::record::{self, Stamp, Target, transfer};
use sunlit_storage::{StorageError, Stores, Table, table, testing};
use uuid::Uuid;

const HEAD: &str = "api = \"0.1\"\ntitle = { zh = \"测试\" }\nvendor = \"sunlit\"\n";

struct Kit {
    stores: Stores,
    authority: ScopeAuthority,
    _folder: tempfile::TempDir,
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = testing::stores(&folder.path().join("tenants")).await;
        Self { stores, authority: ScopeAuthority::establish(), _folder: folder }
    }

    async fn tenant(&self, n: u128) -> Scope {
        let scope = self.authority.scope(TenantId(Uuid::from_u128(n)), Actor::anonymous());
        self.stores.create(&scope).await.unwrap();
        scope
    }
}

/// A manifest in that version, with these collections.
fn version(version: &str, collections: &str) -> Arc<Manifest> {
    let text = format!("[plugin]\nid = \"test-kit\"\nversion = \"{version}\"\n{HEAD}{collections}");
    Arc::new(Manifest::parse("plugin.toml", &text).map_err(|e| e.to_string()).unwrap())
}

#[tokio::test]
async fn the_table_of_a_major_is_the_union_of_its_minors() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let store = kit.stores.open(&scope).await.unwrap();
    let minor = |number: &str, more: &str| {
        let fields = format!("{{ name = \"name\", type = \"string\"{more} ]");
        version(number, &format!("[[collection]]\nname = \"lake\"\ntitle = {{ zh = \"湖\" }}\nfield = [{fields}\n"))
    };
    let first = minor("3.0.0", " }, { name = \"tags\", type = \"list\", of = \"string\" }");
    let later = minor(
        "3.1.0",
        ", filter = true, sort = true }, { name = \"at\", type = \"point\" }, { name = \"feeds\", type = \"ref\", to = \"lake\" }, \
         { name = \"kinds\", type = \"list\", of = \"int\" }, { name = \"tags\", type = \"list\", of = \"string\", filter = true }",
    );
    let write = async |manifest: &Arc<Manifest>, id: u128, input: Json| {
        let work = store.work(&scope).await.unwrap();
        kit.stores.publish(manifest).await.unwrap();
        table::create(&scope, &work, manifest).await.unwrap();
        let table = Table::of(manifest, "lake").unwrap();
        let input = input.as_object().unwrap().clone();
        let changes = read_changes(table.collection(), &input, Spelling::Manifest, true).unwrap();
        let id = RecordId(Uuid::from_u128(id));
        let at = Timestamp::from_micros(1).unwrap();
        record::insert(&scope, &work, &table, id, &changes, Stamp { at }).await.unwrap();
        work.commit().await.unwrap();
    };
    // Forth, back and forth again: a column that is there is not added twice, an index is made over what is there.
    write(&first, 1, json!({ "name": "甲", "tags": ["a"] })).await;
    write(&later, 2, json!({ "name": "乙", "kinds": [7], "at": { "lat": 1, "lng": 2 }, "tags": ["a"] })).await;
    write(&first, 3, json!({ "name": "丙" })).await;
    write(&later, 4, json!({ "name": "丁", "feeds": Uuid::from_u128(1).to_string() })).await;
    let session = store.snapshot(&scope).await.unwrap();
    let count = async |manifest: &Arc<Manifest>, json: Json| {
        let table = Table::of(manifest, "lake").unwrap();
        let filter = filter::parse(table.collection(), &json, Spelling::Manifest, Purpose::Manifest(None)).unwrap();
        record::count(&scope, &session, &table, Some(&filter)).await.unwrap()
    };
    assert_eq!(count(&first, json!({ "name": { "eq": "乙" } })).await, 1);
    assert_eq!(count(&later, json!({ "tags": { "has": "a" } })).await, 2);
    assert_eq!(count(&later, json!({ "kinds": { "has": 7 } })).await, 1);
    assert_eq!(count(&later, json!({ "name": { "gt": "" } })).await, 4);
}

#[tokio::test]
async fn a_transfer_makes_the_new_table_equal_and_stays_within_its_tenant() {
    let kit = Kit::new().await;
    let (own, other) = (kit.tenant(1).await, kit.tenant(2).await);
    let collection = "[[collection]]\nname = \"lake\"\ntitle = { zh = \"湖\" }\nfield = [{ name = \"name\", type = \"string\", unique = true }]\n";
    let (old, new) = (version("1.0.0", collection), version("2.0.0", collection));
    let (from, to) = (Table::of(&old, "lake").unwrap(), Table::of(&new, "lake").unwrap());
    let store = kit.stores.open(&own).await.unwrap();
    let work = store.work(&own).await.unwrap();
    kit.stores.publish(&old).await.unwrap();
    kit.stores.publish(&new).await.unwrap();
    table::create(&own, &work, &old).await.unwrap();
    table::create(&own, &work, &new).await.unwrap();
    let at = Timestamp::from_micros(1).unwrap();
    let id = |n: u128| RecordId(Uuid::from_u128(n));
    let named = |name: &str| Changes::from([(0, sunlit_domain::Value::Text(name.to_owned()))]);
    for n in 1..=3 {
        record::insert(&own, &work, &from, id(n), &named(&format!("{n}")), Stamp { at }).await.unwrap();
    }
    let step = (&from, &to);
    assert_eq!(transfer::changed(&own, &work, step, None, 2).await.unwrap(), [id(1), id(2)]);
    assert_eq!(transfer::changed(&own, &work, step, Some(id(2)), 2).await.unwrap(), [id(3)]);
    for record in record::get_many(&own, &work, &from, &[id(1), id(2), id(3)], None).await.unwrap() {
        transfer::put(&own, &work, &to, &record).await.unwrap();
    }
    assert!(transfer::changed(&own, &work, step, None, 9).await.unwrap().is_empty());
    // Two records swap their unique values, and one goes.
    let everything = Filter::everything();
    let target = |n| Target { id: id(n), version: 1, filter: &everything };
    record::delete(&own, &work, &from, target(3)).await.unwrap();
    for (n, version, name) in [(1, 1, "x"), (2, 1, "1"), (1, 2, "2")] {
        let target = Target { version, ..target(n) };
        record::update(&own, &work, &from, target, &named(name), Stamp { at }).await.unwrap();
    }
    transfer::clear(&own, &work, Some(&from), &to).await.unwrap();
    transfer::prune(&own, &work, Some(&from), &to).await.unwrap();
    assert_eq!(transfer::changed(&own, &work, step, None, 9).await.unwrap(), [id(1), id(2)]);
    for record in record::get_many(&own, &work, &from, &[id(1), id(2)], None).await.unwrap() {
        transfer::put(&own, &work, &to, &record).await.unwrap();
    }
    let all = |table: &Table| {
        let (table, own, work) = (table.clone(), &own, &work);
        async move { record::get_many(own, work, &table, &[id(1), id(2), id(3)], None).await.unwrap() }
    };
    assert_eq!(all(&from).await, all(&to).await);
    assert_eq!(transfer::present(&own, &work, &to, &[id(1), id(3)]).await.unwrap(), [id(1)].into());
    let record = all(&from).await.remove(0);
    let refused = [
        transfer::changed(&other, &work, step, None, 9).await.map(drop),
        transfer::clear(&other, &work, Some(&from), &to).await,
        transfer::prune(&other, &work, None, &to).await,
        transfer::present(&other, &work, &to, &[id(1)]).await.map(drop),
        transfer::put(&other, &work, &to, &record).await,
    ];
    assert!(refused.iter().all(|result| matches!(result, Err(StorageError::ForeignScope))), "{refused:?}");
}
