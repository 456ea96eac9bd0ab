//! Sensitive values: sealed in the database, as they were for whoever reads through the platform, and bound to their place.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::manifest::{Manifest, Slot, Spelling};
use sunlit_domain::record::{Changes, Record, read_changes};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::platform::Platform;
use sunlit_storage::record::{self, ListQuery, SealedColumns, Stamp, Target, transfer};
use sunlit_storage::{Postgres, StorageError, Stores, Table, Vault, VaultError, table, testing};
use uuid::Uuid;

const PHONE: &str = "13812345678";

fn manifest(version: &str) -> Arc<Manifest> {
    let text = format!(
        r#"
[plugin]
id = "sealed-kit"
version = "{version}"
api = "0.1"
title = {{ zh = "测试" }}
vendor = "sunlit"
[[collection]]
name = "applicant"
title = {{ zh = "申请人" }}
field = [
  {{ name = "code", type = "string", unique = true, filter = true, sort = true }},
  {{ name = "phone", type = "string", sensitive = true, readers = ["reviewer"] }},
  {{ name = "note", type = "text", sensitive = true, readers = ["reviewer"] }},
  {{ name = "born_on", type = "date", sensitive = true, readers = ["reviewer"] }},
  {{ name = "of", type = "ref", to = "applicant", filter = true }},
]
"#
    );
    Arc::new(Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string()).unwrap())
}

struct Kit {
    stores: Stores,
    vault: Vault,
    table: Table,
    one: Scope,
    two: Scope,
    tenants: PathBuf,
    _folder: tempfile::TempDir,
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tenants = folder.path().join("tenants");
        let (vault, stores) = match testing::database().await {
            Some(config) => {
                let database = Postgres::connect(config).await.unwrap();
                let vault = testing::vault(&Platform::shared(&database)).await;
                (vault.clone(), Stores::shared(database, vault))
            }
            None => {
                let vault = testing::vault(&Platform::open(folder.path()).await.unwrap()).await;
                (vault.clone(), Stores::new(tenants.clone(), vault).unwrap())
            }
        };
        let authority = ScopeAuthority::establish();
        let scope = |n| authority.scope(TenantId(Uuid::from_u128(n)), Actor::anonymous());
        let table = Table::of(&manifest("1.0.0"), "applicant").unwrap();
        let kit = Self { stores, vault, table, one: scope(1), two: scope(2), tenants, _folder: folder };
        kit.make(&kit.table).await;
        kit
    }

    async fn make(&self, table: &Table) {
        self.stores.publish(table.manifest()).await.unwrap();
        for scope in [&self.one, &self.two] {
            let work = self.stores.create(scope).await.unwrap().work(scope).await.unwrap();
            table::create(scope, &work, table.manifest()).await.unwrap();
            work.commit().await.unwrap();
        }
    }

    async fn insert(&self, scope: &Scope, n: u128, input: &Json) -> Record {
        let work = self.stores.open(scope).await.unwrap().work(scope).await.unwrap();
        let record = record::insert(scope, &work, &self.table, id(n), &changes(&self.table, input), stamp()).await;
        work.commit().await.unwrap();
        record.unwrap()
    }

    async fn get(&self, scope: &Scope, n: u128) -> Result<Record, StorageError> {
        let session = self.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        record::get(scope, &session, &self.table, id(n), None).await.map(Option::unwrap)
    }

    /// What stands in the column, by code.
    async fn column(&self, scope: &Scope, column: &str) -> Vec<String> {
        let tenant = scope.tenant().0.simple();
        let sql = format!("SELECT {column} FROM {} WHERE tenant_id = x'{tenant}' ORDER BY code", self.table.name());
        testing::peek(&self.stores, &self.tenants, scope, &sql).await
    }

    async fn tamper(&self, scope: &Scope, set: &str) {
        let sql = format!("UPDATE {} SET {set} WHERE tenant_id = x'{}'", self.table.name(), scope.tenant().0.simple());
        testing::tamper(&self.stores, &self.tenants, scope, &sql).await.unwrap();
    }
}

fn id(n: u128) -> RecordId {
    RecordId(Uuid::from_u128(n))
}

fn changes(table: &Table, json: &Json) -> Changes {
    read_changes(table.collection(), json.as_object().unwrap(), Spelling::Manifest, false).unwrap()
}

fn stamp() -> Stamp {
    Stamp { at: Timestamp::from_micros(1_700_000_000_000_000).unwrap() }
}

fn applicant(code: &str) -> Json {
    json!({ "code": code, "phone": PHONE, "note": "长年患病", "born_on": "1990-03-07" })
}

fn is_sealed(text: &str) -> bool {
    text.starts_with("v1.1.") && !text.contains(PHONE)
}

#[tokio::test]
async fn what_is_written_comes_back_and_the_database_holds_none_of_it() {
    let kit = Kit::new().await;
    let written = kit.insert(&kit.one, 1, &applicant("1")).await;
    let read = kit.get(&kit.one, 1).await.unwrap();
    assert_eq!(read, written);
    let values: Vec<Json> = read.values.iter().map(sunlit_domain::Value::to_json).collect();
    assert_eq!(json!(values), json!(["1", PHONE, "长年患病", "1990-03-07", null]));
    // Many at once, of which one has nothing to hide, and those that refer to another.
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    let of = |code: &str| {
        let mut input = applicant(code);
        input["of"] = json!(id(1).to_string());
        input
    };
    let inputs =
        [changes(&kit.table, &of("2")), changes(&kit.table, &json!({ "code": "3", "phone": null, "note": "" }))];
    let rows: Vec<_> = inputs.iter().enumerate().map(|(n, changes)| (id(2 + n as u128), changes)).collect();
    let inserted = record::insert_many(&kit.one, &work, &kit.table, &rows, stamp()).await.unwrap();
    work.commit().await.unwrap();
    let session = kit.stores.open(&kit.one).await.unwrap().snapshot(&kit.one).await.unwrap();
    let query = ListQuery { first: 10, ..ListQuery::default() };
    let listed = record::list(&kit.one, &session, &kit.table, &query).await.unwrap().records;
    assert_eq!(listed[1..], inserted);
    assert_eq!(listed[2].values[2].to_json(), json!(""));
    let by = kit.table.collection().attribute("of", Spelling::Manifest).unwrap();
    let nested = record::list_by(&kit.one, &session, &kit.table, (by, &[id(1).0]), &query).await.unwrap();
    assert_eq!(nested[&id(1).0].records, [inserted[0].clone()]);
    // Some fields only.
    let slots = vec![Slot::Field(0), Slot::Field(3)];
    let query = ListQuery { slots: Some(slots), ..query };
    let part = record::list(&kit.one, &session, &kit.table, &query).await.unwrap().records;
    assert_eq!(part[0].values[3].to_json(), json!("1990-03-07"));
    assert!(part[0].values[1].is_null());
    drop(session);
    for column in ["phone", "note", "born_on"] {
        let stored = kit.column(&kit.one, &format!("coalesce({column}, '')")).await;
        assert!(is_sealed(&stored[0]) && is_sealed(&stored[1]), "{stored:?}");
        assert_ne!(stored[0], stored[1], "equal values are equal texts");
        assert_eq!(stored[2].is_empty(), column != "note", "{stored:?}");
    }
    assert_eq!(kit.column(&kit.one, "code").await, ["1", "2", "3"]);
}

#[tokio::test]
async fn a_changed_value_is_sealed_and_one_that_is_taken_away_is_gone() {
    let kit = Kit::new().await;
    kit.insert(&kit.one, 1, &applicant("1")).await;
    let before = kit.column(&kit.one, "phone").await;
    let everything = sunlit_domain::filter::Filter::everything();
    let target = Target { id: id(1), version: 1, filter: &everything };
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    let input = changes(&kit.table, &json!({ "phone": "13900000000", "note": null }));
    let (old, new) = record::update(&kit.one, &work, &kit.table, target, &input, stamp()).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!((old.values[1].to_json(), new.values[1].to_json()), (json!(PHONE), json!("13900000000")));
    assert_eq!(kit.get(&kit.one, 1).await.unwrap(), new);
    assert!(is_sealed(&kit.column(&kit.one, "phone").await[0]) && kit.column(&kit.one, "phone").await != before);
    assert_eq!(kit.column(&kit.one, "coalesce(note, 'nothing')").await, ["nothing"]);
}

#[tokio::test]
async fn a_value_that_was_carried_elsewhere_does_not_open() {
    let kit = Kit::new().await;
    kit.insert(&kit.one, 1, &applicant("1")).await;
    kit.insert(&kit.two, 1, &applicant("1")).await;
    let stored = kit.column(&kit.one, "phone").await.remove(0);
    let refused = async |scope: &Scope, n| match kit.get(scope, n).await {
        Err(StorageError::Vault(error)) => error,
        other => panic!("{other:?}"),
    };
    // To another field of the record, to another record, to another tenant.
    kit.tamper(&kit.one, "note = phone").await;
    assert_eq!(refused(&kit.one, 1).await, VaultError::NotOpened);
    kit.tamper(&kit.one, "note = null").await;
    assert!(kit.get(&kit.one, 1).await.is_ok());
    kit.tamper(&kit.two, &format!("phone = '{stored}'")).await;
    assert_eq!(refused(&kit.two, 1).await, VaultError::NotOpened);
    kit.insert(&kit.one, 2, &json!({ "code": "2" })).await;
    kit.tamper(&kit.one, &format!("phone = '{stored}'")).await;
    assert!(kit.get(&kit.one, 1).await.is_ok());
    assert_eq!(refused(&kit.one, 2).await, VaultError::NotOpened);
    // What nobody sealed is not taken for a value.
    kit.tamper(&kit.one, "phone = '13800000000'").await;
    let told = refused(&kit.one, 1).await;
    assert!(told == VaultError::NotSealed && !told.to_string().contains("138"), "{told}");
}

#[tokio::test]
async fn a_digest_tells_nothing_and_stays_the_same_whatever_is_rotated() {
    let kit = Kit::new().await;
    let record = kit.insert(&kit.one, 1, &applicant("1")).await;
    let twin = kit.insert(&kit.two, 1, &applicant("1")).await;
    let digest = async |scope: &Scope, record: &Record| {
        let session = kit.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        record::digest(scope, &session, &kit.table, record).await.unwrap()
    };
    let first = digest(&kit.one, &record).await;
    assert_eq!(first.len(), 64);
    // Another tenant's of the same content differs, and so does what anybody can compute.
    assert_ne!(digest(&kit.two, &twin).await, first);
    let plain = Sha256::digest(record.canonical(kit.table.collection()));
    let plain: String = plain.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_ne!(plain, first);
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    kit.vault.rotate(&kit.one, &work).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(digest(&kit.one, &record).await, first);
    let mut other = record.clone();
    other.set(Slot::Field(1), sunlit_domain::Value::Text("13812345679".to_owned()));
    assert_ne!(digest(&kit.one, &other).await, first);
}

#[tokio::test]
async fn records_are_sealed_anew_in_steps_that_may_be_cut_off() {
    let kit = Kit::new().await;
    for n in 1..=7 {
        kit.insert(&kit.one, n, &applicant(&n.to_string())).await;
    }
    kit.insert(&kit.one, 8, &json!({ "code": "8" })).await;
    let mut read = Vec::new();
    for n in 1..=8 {
        read.push(kit.get(&kit.one, n).await.unwrap());
    }
    let place = SealedColumns::of(&kit.table).unwrap();
    assert_eq!(place.fields, ["phone", "note", "born_on"]);
    let store = kit.stores.open(&kit.one).await.unwrap();
    let work = store.work(&kit.one).await.unwrap();
    assert_eq!(kit.vault.rotate(&kit.one, &work).await.unwrap(), 2);
    work.commit().await.unwrap();
    let step = async |after, commit: bool| {
        let work = store.work(&kit.one).await.unwrap();
        let done = record::reseal(&kit.one, &work, &place, after, 3).await.unwrap();
        if commit {
            work.commit().await.unwrap();
        }
        done
    };
    let first = step(None, true).await;
    assert_eq!((first.records, first.last), (3, Some(id(3))));
    // Cut off: nothing of it remains, and nothing is lost.
    assert_eq!(step(first.last, false).await.records, 3);
    let current = async || {
        let stored = kit.column(&kit.one, "coalesce(phone, 'v1.2.')").await;
        stored.iter().filter(|text| text.starts_with("v1.2.")).count() - 1
    };
    assert_eq!(current().await, 3);
    // Begun again, it goes on.
    assert_eq!(step(None, true).await.last, Some(id(6)));
    assert_eq!(step(Some(id(6)), true).await.last, Some(id(7)));
    let done = step(None, true).await;
    assert_eq!((done.records, done.last, current().await), (0, None, 7));
    for (n, record) in read.iter().enumerate() {
        // Versions and all.
        assert_eq!(kit.get(&kit.one, n as u128 + 1).await.unwrap(), *record);
    }
    // A value that does not open stops it.
    kit.insert(&kit.two, 1, &applicant("1")).await;
    kit.tamper(&kit.two, "phone = note").await;
    let work = kit.stores.open(&kit.two).await.unwrap().work(&kit.two).await.unwrap();
    kit.vault.rotate(&kit.two, &work).await.unwrap();
    let stopped = record::reseal(&kit.two, &work, &place, None, 3).await.unwrap_err();
    assert!(matches!(stopped, StorageError::Vault(VaultError::NotOpened)), "{stopped}");
    assert!(matches!(record::reseal(&kit.one, &work, &place, None, 3).await, Err(StorageError::ForeignScope)));
}

#[tokio::test]
async fn a_record_that_moves_into_a_new_major_is_sealed_for_its_new_place() {
    let kit = Kit::new().await;
    let record = kit.insert(&kit.one, 1, &applicant("1")).await;
    let new = Table::of(&manifest("2.0.0"), "applicant").unwrap();
    kit.make(&new).await;
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    transfer::put(&kit.one, &work, &new, &record).await.unwrap();
    assert_eq!(record::get(&kit.one, &work, &new, id(1), None).await.unwrap().unwrap(), record);
    transfer::clear(&kit.one, &work, None, &new).await.unwrap();
    let cleared = record::get(&kit.one, &work, &new, id(1), None).await.unwrap().unwrap();
    assert!(cleared.values.iter().all(sunlit_domain::Value::is_null));
    let mut places = vec![SealedColumns::of(&kit.table).unwrap(), SealedColumns::of(&new).unwrap()];
    assert_eq!(record::there(&kit.one, &work, places.clone()).await.unwrap(), places);
    places.push(SealedColumns { table: "c_other__v1__nothing".to_owned(), fields: vec!["phone".to_owned()] });
    places[0].fields.push("later".to_owned());
    let there = record::there(&kit.one, &work, places).await.unwrap();
    assert!(there.len() == 2 && !there[0].fields.contains(&"later".to_owned()), "{there:?}");
}
