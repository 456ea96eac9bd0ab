//! Records on a real SQLite file: tables from a manifest, filters that agree with the evaluator, pages, locks, isolation.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use sunlit_domain::filter::{self, Filter, Purpose};
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::manifest::{Manifest, Slot, Spelling};
use sunlit_domain::page::{self, Order};
use sunlit_domain::record::{Changes, Record, read_changes};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::record::{self, AggregateQuery, GroupTerm, ListQuery, Stamp, Target};
use sunlit_storage::tenant::document;
use sunlit_storage::{Engine, StorageError, Stores, Table, table, testing};
use uuid::Uuid;

const MANIFEST: &str = r#"
[plugin]
id = "test-kit"
version = "1.0.0"
api = "0.1"
title = { zh = "测试" }
vendor = "sunlit"
[[collection]]
name = "park"
title = { zh = "园区" }
field = [
  { name = "code", type = "string", unique = true, filter = true, sort = true },
  { name = "name", type = "string", filter = true, sort = true },
  { name = "rent", type = "decimal", scale = 2, filter = true, sort = true },
  { name = "floors", type = "int", filter = true, sort = true },
  { name = "open", type = "bool", filter = true, sort = true },
  { name = "opened_on", type = "date", filter = true, sort = true },
  { name = "checked_at", type = "datetime", filter = true, sort = true },
  { name = "at", type = "point", filter = true },
  { name = "use_kind", type = "enum", filter = true, sort = true, values = [{ value = "office", title = { zh = "办公" } }, { value = "plant", title = { zh = "厂房" } }] },
  { name = "parent", type = "ref", to = "park", filter = true },
  { name = "tags", type = "list", of = "string", filter = true },
  { name = "years", type = "list", of = "int", filter = true },
  { name = "near_by", type = "list", of = "ref", to = "park", filter = true },
  { name = "ground", type = "area", filter = true },
  { name = "price", type = "money", filter = true, sort = true },
  { name = "extra", type = "json" },
]
"#;

struct Kit {
    stores: Stores,
    authority: ScopeAuthority,
    table: Table,
    _folder: tempfile::TempDir,
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Arc::new(Manifest::parse("plugin.toml", MANIFEST).map_err(|e| e.to_string()).unwrap());
        Self {
            stores: testing::stores(&folder.path().join("tenants")).await,
            authority: ScopeAuthority::establish(),
            table: Table::of(&manifest, "park").unwrap(),
            _folder: folder,
        }
    }

    async fn tenant(&self, n: u128) -> Scope {
        let scope = self.authority.scope(TenantId(Uuid::from_u128(n)), Actor::anonymous());
        let store = self.stores.create(&scope).await.unwrap();
        let work = store.work(&scope).await.unwrap();
        self.stores.publish(self.table.manifest()).await.unwrap();
        table::create(&scope, &work, self.table.manifest()).await.unwrap();
        work.commit().await.unwrap();
        scope
    }

    fn changes(&self, json: &Json) -> Changes {
        read_changes(self.table.collection(), json.as_object().unwrap(), Spelling::Manifest, false).unwrap()
    }

    async fn insert(&self, scope: &Scope, n: u128, json: Json) -> Result<Record, StorageError> {
        let work = self.stores.open(scope).await?.work(scope).await?;
        let id = RecordId(Uuid::from_u128(n));
        let record = record::insert(scope, &work, &self.table, id, &self.changes(&json), stamp(n)).await?;
        work.commit().await?;
        Ok(record)
    }

    async fn list(&self, scope: &Scope, query: &ListQuery) -> record::RecordPage {
        let session = self.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        record::list(scope, &session, &self.table, query).await.unwrap()
    }
}

fn stamp(n: u128) -> Stamp {
    Stamp { at: Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(n).unwrap()).unwrap() }
}

#[tokio::test]
async fn a_record_comes_back_as_it_was_written() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let written = kit
        .insert(
            &scope,
            7,
            json!({ "code": "A1", "name": "未央\u{1F3ED}'\"%_", "rent": "-38.50", "floors": -3, "open": true,
            "opened_on": "2026-02-28", "checked_at": "1969-12-31T23:59:59.999999Z",
            "at": { "lat": -34.293_001, "lng": 108.9 }, "use_kind": "plant", "tags": ["甲", "", "甲"],
            "years": [2026, -1], "price": "0.01", "ground": square(1, 2, 3), "extra": { "b": [1, null], "a": "\n" } }),
        )
        .await
        .unwrap();
    let page = kit.list(&scope, &ListQuery { first: 10, ..ListQuery::default() }).await;
    assert_eq!(page.records, [written]);
    let some =
        kit.list(&scope, &ListQuery { first: 10, slots: Some(vec![Slot::Field(2)]), ..ListQuery::default() }).await;
    assert_eq!(some.records[0].values[2].to_json(), json!("-38.50"));
    assert!(some.records[0].values[0].is_null());
}

#[tokio::test]
async fn a_unique_value_stands_once_and_a_reference_leads_somewhere() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let first = kit.insert(&scope, 1, json!({ "code": "A1" })).await.unwrap();
    let again = kit.insert(&scope, 2, json!({ "code": "A1" })).await.unwrap_err();
    assert!(matches!(again, StorageError::NotUnique { field: Some(0), .. }), "{again:?}");
    let dangling = json!({ "code": "A2", "parent": Uuid::from_u128(99).to_string() });
    assert!(matches!(kit.insert(&scope, 3, dangling).await, Err(StorageError::BrokenReference)));
    kit.insert(&scope, 4, json!({ "code": "A3", "parent": first.id.to_string() })).await.unwrap();
    let work = kit.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    let target = Target { id: first.id, version: 1, filter: &Filter::everything() };
    let kept = record::delete(&scope, &work, &kit.table, target).await;
    assert!(matches!(kept, Err(StorageError::BrokenReference)), "{kept:?}");
}

#[tokio::test]
async fn a_change_needs_the_version_that_was_read_and_a_record_that_may_be_written() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let record = kit.insert(&scope, 1, json!({ "code": "A1", "floors": 1 })).await.unwrap();
    let everything = Filter::everything();
    let change = async |version: i64, filter: &Filter| {
        let work = kit.stores.open(&scope).await?.work(&scope).await?;
        let target = Target { id: record.id, version, filter };
        let changes = kit.changes(&json!({ "floors": 2 }));
        let changed = record::update(&scope, &work, &kit.table, target, &changes, stamp(9)).await?;
        work.commit().await?;
        Ok::<_, StorageError>(changed)
    };
    let (before, after) = change(1, &everything).await.unwrap();
    assert_eq!((before.version(), after.version(), after.values[3].to_json()), (1, 2, json!(2)));
    assert!(matches!(change(1, &everything).await, Err(StorageError::Conflict { expected: 1, found: 2 })));
    assert!(matches!(change(2, &Filter::Or(Vec::new())).await, Err(StorageError::NotFound)));
}

#[tokio::test]
async fn work_that_is_dropped_leaves_nothing() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let store = kit.stores.open(&scope).await.unwrap();
    let work = store.work(&scope).await.unwrap();
    let changes = kit.changes(&json!({ "code": "A1" }));
    record::insert(&scope, &work, &kit.table, RecordId(Uuid::from_u128(1)), &changes, stamp(1)).await.unwrap();
    drop(work);
    assert!(kit.list(&scope, &ListQuery { first: 9, ..ListQuery::default() }).await.records.is_empty());
}

#[tokio::test]
async fn many_records_are_inserted_as_each_would_be_alone() {
    let kit = Kit::new().await;
    let (one, many) = (kit.tenant(1).await, kit.tenant(2).await);
    let rows: Vec<(RecordId, Changes)> = (1..=450_u128)
        .map(|n| {
            let json = json!({ "code": format!("c{n}"), "rent": "0.50", "at": { "lat": 1, "lng": n % 180 } });
            (RecordId(Uuid::from_u128(n)), kit.changes(&json))
        })
        .collect();
    let work = kit.stores.open(&one).await.unwrap().work(&one).await.unwrap();
    for (id, changes) in &rows {
        record::insert(&one, &work, &kit.table, *id, changes, stamp(1)).await.unwrap();
    }
    work.commit().await.unwrap();
    let rows: Vec<(RecordId, &Changes)> = rows.iter().map(|(id, changes)| (*id, changes)).collect();
    let work = kit.stores.open(&many).await.unwrap().work(&many).await.unwrap();
    let written = record::insert_many(&many, &work, &kit.table, &rows, stamp(1)).await.unwrap();
    let again = work.attempt(record::insert_many(&many, &work, &kit.table, &rows[..1], stamp(1))).await;
    assert!(matches!(again, Err(StorageError::NotUnique { .. })));
    assert!(record::insert_many(&many, &work, &kit.table, &[], stamp(1)).await.unwrap().is_empty());
    assert!(matches!(
        record::insert_many(&one, &work, &kit.table, &rows[..1], stamp(1)).await,
        Err(StorageError::ForeignScope)
    ));
    work.commit().await.unwrap();
    let query = ListQuery { first: 1_000, ..ListQuery::default() };
    assert_eq!(kit.list(&many, &query).await.records, written);
    assert_eq!(kit.list(&one, &query).await.records, written);
}

#[tokio::test]
async fn another_tenants_session_serves_nobody_else() {
    let kit = Kit::new().await;
    let (one, two) = (kit.tenant(1).await, kit.tenant(2).await);
    kit.insert(&one, 1, json!({ "code": "A1" })).await.unwrap();
    let store = kit.stores.open(&one).await.unwrap();
    assert!(matches!(store.snapshot(&two).await, Err(StorageError::ForeignScope)));
    let session = store.snapshot(&one).await.unwrap();
    let query = ListQuery { first: 9, ..ListQuery::default() };
    assert!(matches!(record::list(&two, &session, &kit.table, &query).await, Err(StorageError::ForeignScope)));
    assert!(matches!(record::count(&two, &session, &kit.table, None).await, Err(StorageError::ForeignScope)));
    let id = RecordId(Uuid::from_u128(1));
    assert!(matches!(record::get(&two, &session, &kit.table, id, None).await, Err(StorageError::ForeignScope)));
    let work = store.work(&one).await.unwrap();
    let target = Target { id, version: 1, filter: &Filter::everything() };
    let changes = Changes::new();
    let foreign = |result: Result<(), StorageError>| assert!(matches!(result, Err(StorageError::ForeignScope)));
    foreign(record::insert(&two, &work, &kit.table, id, &changes, stamp(1)).await.map(drop));
    foreign(record::update(&two, &work, &kit.table, target, &changes, stamp(1)).await.map(drop));
    foreign(record::delete(&two, &work, &kit.table, target).await.map(drop));
    foreign(table::create(&two, &work, kit.table.manifest()).await);
    let text = || "{ a }".to_owned();
    let new = document::Document { hash: "00".to_owned(), text: text(), name: text(), at: stamp(1).at };
    foreign(document::add(&two, &work, new).await);
    foreign(document::find(&two, &session, "00").await.map(drop));
    foreign(document::count(&two, &session).await.map(drop));
    assert!(kit.list(&two, &query).await.records.is_empty());
    let unknown = kit.authority.scope(TenantId(Uuid::from_u128(3)), Actor::anonymous());
    if kit.stores.engine() == Engine::Sqlite {
        assert!(matches!(kit.stores.open(&unknown).await, Err(StorageError::NoStore)));
    }
}

#[tokio::test]
async fn a_later_minor_version_grows_its_table_and_keeps_its_records() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.insert(&scope, 1, json!({ "code": "A1" })).await.unwrap();
    let grown = MANIFEST.replace("1.0.0", "1.1.0").replace(
        "field = [",
        "field = [\n  { name = \"gate\", type = \"point\", filter = true },\n  { name = \"note\", type = \"string\", sort = true },",
    );
    let manifest = Arc::new(Manifest::parse("plugin.toml", &grown).map_err(|e| e.to_string()).unwrap());
    let table = Table::of(&manifest, "park").unwrap();
    for _ in 0..2 {
        let work = kit.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
        kit.stores.publish(&manifest).await.unwrap();
        table::create(&scope, &work, &manifest).await.unwrap();
        work.commit().await.unwrap();
    }
    let session = kit.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let query = ListQuery { first: 9, ..ListQuery::default() };
    let page = record::list(&scope, &session, &table, &query).await.unwrap();
    assert_eq!((page.records.len(), page.records[0].values[2].to_json()), (1, json!("A1")));
}

mod on_sqlite {
    use super::*;

    #[tokio::test]
    async fn closing_the_least_used_store_waits_for_nobody_and_harms_no_session() {
        let kit = Kit::new().await;
        assert_eq!(kit.stores.engine(), Engine::Sqlite);
        let first = kit.tenant(1).await;
        kit.insert(&first, 1, json!({ "code": "A1" })).await.unwrap();
        let session = kit.stores.open(&first).await.unwrap().snapshot(&first).await.unwrap();
        let query = ListQuery { first: 9, ..ListQuery::default() };
        record::list(&first, &session, &kit.table, &query).await.unwrap();
        for n in 2..=140 {
            kit.tenant(n).await;
        }
        kit.stores.settle().await;
        assert!(kit.stores.open_count() <= 128, "{}", kit.stores.open_count());
        let page = record::list(&first, &session, &kit.table, &query).await.unwrap();
        assert_eq!(page.records.len(), 1);
        assert_eq!(kit.list(&first, &query).await.records.len(), 1);
    }
}

/// A record with some values missing, from small ranges so that ties and hits are common.
fn any_record() -> impl Strategy<Value = Json> {
    let text = || prop::sample::select(vec!["", "a", "A", "ab", "未央", "央", "%", "_", "\u{1F3ED}", "a\\b"]);
    let date = || prop::sample::select(vec!["0001-01-01", "2026-01-31", "9999-12-31"]);
    let time = || prop::sample::select(vec!["1969-12-31T23:59:59.999999Z", "2026-01-01T00:00:00.000000Z"]);
    let plain = (
        prop::option::of(text()),
        prop::option::of(-3_i64..3),
        prop::option::of(-2_i64..3),
        prop::option::of(any::<bool>()),
        prop::option::of(date()),
        prop::option::of(time()),
        prop::option::of((-2_i32..3, -2_i32..3)),
        prop::option::of(prop::sample::select(vec!["office", "plant"])),
    );
    let more = (
        prop::collection::vec(text(), 0..3),
        prop::collection::vec(-2_i32..3, 0..3),
        prop::option::of((-2_i32..3, -2_i32..3, 1_i32..4)),
        prop::option::of(-2_i64..3),
    );
    (plain, more).prop_map(|((name, rent, floors, open, opened, checked, at, kind), (tags, years, ground, price))| {
        json!({ "name": name, "rent": rent.map(|r| format!("{r}.25")), "floors": floors, "open": open,
            "opened_on": opened, "checked_at": checked,
            "at": at.map(|(lat, lng)| json!({ "lat": lat, "lng": lng })), "use_kind": kind,
            "tags": tags, "years": years, "price": price.map(|p| format!("{p}.50")),
            "ground": ground.map(|(lat, lng, side)| square(lat, lng, side)), "extra": { "k": floors } })
    })
}

fn square(lat: i32, lng: i32, side: i32) -> Json {
    let (north, east) = (lat + side, lng + side);
    let ring = json!([[lng, lat], [east, lat], [east, north], [lng, north], [lng, lat]]);
    json!({ "type": "Polygon", "coordinates": [ring] })
}

fn any_filter() -> impl Strategy<Value = Json> {
    const NAMES: [&str; 13] = [
        "name",
        "rent",
        "floors",
        "open",
        "opened_on",
        "checked_at",
        "at",
        "use_kind",
        "tags",
        "years",
        "ground",
        "price",
        "extra",
    ];
    let ordered = prop::sample::select(vec!["eq", "ne", "lt", "lte", "gt", "gte"]);
    let leaf = (any_record(), 0_usize..13, ordered, 0_usize..5, -2_i32..3, -2_i32..3).prop_map(
        |(values, which, op, form, a, b)| {
            let name = NAMES[which];
            let value = values[name].clone();
            let bounds = json!({ "south": a.min(b), "west": a.min(b), "north": a.max(b), "east": a.max(b) });
            let centre = json!({ "at": { "lat": a, "lng": b }, "metres": 50_000 * (form + 1).min(4) });
            let test = match (form, name) {
                (0, _) | (_, "extra") => json!({ "is_null": a > 0 }),
                (1 | 2, "at") => json!({ "within": bounds }),
                (_, "at") => json!({ "near": centre }),
                (1 | 2, "ground") => json!({ "within": bounds }),
                (_, "ground") => json!({ "intersects": bounds }),
                (1 | 2, "tags" | "years") => json!({ "has_any": value }),
                (_, "tags") => json!({ "has": "a" }),
                (_, "years") => json!({ "has": a }),
                (1, _) if !value.is_null() => json!({ "in": [value] }),
                (2, _) if !value.is_null() => json!({ "not_in": [value] }),
                (3, "name") if !value.is_null() => json!({ "contains": value }),
                (4, "name") if !value.is_null() => json!({ "starts_with": value }),
                (_, "open") if !value.is_null() => json!({ "eq": value }),
                _ if !value.is_null() => json!({ op: value }),
                _ => json!({ "is_null": true }),
            };
            json!({ name: test })
        },
    );
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|all| json!({ "and": all })),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|any| json!({ "or": any })),
            inner.prop_map(|one| json!({ "not": one })),
        ]
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

impl Kit {
    /// `count` random records of a new tenant.
    async fn random_records(&self, tenant: u128, count: u128, runner: &mut TestRunner) -> (Scope, Vec<Record>) {
        let scope = self.tenant(tenant).await;
        let mut records: Vec<Record> = Vec::new();
        for n in 0..count {
            let mut json = any_record().new_tree(runner).unwrap().current();
            json["code"] = json!(format!("C{n}"));
            if n % 3 == 2 {
                json["near_by"] = json!([records[0].id.to_string(), records[1].id.to_string()]);
            }
            records.push(self.insert(&scope, n, json).await.unwrap());
        }
        (scope, records)
    }

    /// What `filter` admits, by the evaluator of the domain, in `order`.
    fn expected<'r>(records: &'r [Record], filter: &Filter, order: &Order) -> Vec<&'r Record> {
        let admits = |record: &&Record| filter.matches(&|attribute| record.get(attribute.slot).clone());
        let mut expect: Vec<&Record> = records.iter().filter(admits).collect();
        expect.sort_by(|a, b| {
            let by = |term: &page::OrderTerm| {
                let ordering = a.get(term.attribute.slot).cmp(b.get(term.attribute.slot));
                if term.descending { ordering.reverse() } else { ordering }
            };
            order.with_id().iter().map(by).find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        expect
    }

    fn filter(&self, json: &Json) -> Filter {
        filter::parse(self.table.collection(), json, Spelling::Manifest, Purpose::Manifest(None)).unwrap()
    }
}

#[tokio::test]
async fn ten_thousand_filters_in_sql_agree_with_the_evaluator() {
    let kit = Kit::new().await;
    let mut runner = TestRunner::new(Config::with_cases(1));
    let mut hits = 0;
    for tenant in 1..=20 {
        let (scope, records) = kit.random_records(tenant, 40, &mut runner).await;
        let session = kit.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        for _ in 0..500 {
            let json = any_filter().new_tree(&mut runner).unwrap().current();
            let filter = kit.filter(&json);
            let query = ListQuery { filter: Some(filter.clone()), first: 99, ..ListQuery::default() };
            let found = record::list(&scope, &session, &kit.table, &query).await.unwrap().records;
            let expect = Kit::expected(&records, &filter, &Order::default());
            assert_eq!(found.iter().collect::<Vec<_>>(), expect, "{json}");
            hits += found.len();
        }
    }
    // Neither everything nor nothing: the filters do tell records apart.
    assert!((20_000..380_000).contains(&hits), "{hits} of 400,000");
}

#[test]
fn pages_in_any_order_visit_each_record_once() {
    let (runtime, kit) = {
        let runtime = runtime();
        let kit = runtime.block_on(Kit::new());
        (runtime, kit)
    };
    let (scope, records) = runtime.block_on(kit.random_records(1, 60, &mut TestRunner::new(Config::with_cases(1))));
    let names = ["code", "name", "rent", "floors", "open", "opened_on", "checked_at", "use_kind", "price"];
    let order = prop::collection::vec((0_usize..9, any::<bool>()), 0..3);
    let mut runner = TestRunner::new(Config::with_cases(200));
    runner
        .run(&(any_filter(), order, 1_u32..9), |(json, order, first)| {
            let collection = kit.table.collection();
            let filter = kit.filter(&json);
            let spell = |(i, down): &(usize, bool)| format!("{}{}", if *down { "-" } else { "" }, names[*i]);
            let names: Vec<_> = order.iter().map(spell).collect();
            let viewer = Actor::anonymous();
            let order = Order::read(collection, names.iter().map(String::as_str), Purpose::Viewer(&viewer)).unwrap();
            let expect = Kit::expected(&records, &filter, &order);
            let mut seen = Vec::new();
            let mut query =
                ListQuery { filter: Some(filter.clone()), order: order.clone(), first, ..ListQuery::default() };
            runtime.block_on(async {
                loop {
                    let page = kit.list(&scope, &query).await;
                    query.after = page.records.last().map(|last| page::cursor(collection, &query.order, last));
                    seen.extend(page.records);
                    if !page.has_next {
                        break;
                    }
                }
                let session = kit.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
                let count = record::count(&scope, &session, &kit.table, Some(&filter)).await.unwrap();
                assert_eq!(usize::try_from(count).unwrap(), expect.len());
            });
            prop_assert_eq!(seen.iter().collect::<Vec<_>>(), expect);
            Ok(())
        })
        .unwrap();
}

#[test]
fn pages_visit_each_record_that_stays_once_while_others_come() {
    let (runtime, kit) = {
        let runtime = runtime();
        let kit = runtime.block_on(Kit::new());
        (runtime, kit)
    };
    let mut runner = TestRunner::new(Config::with_cases(1));
    let (scope, records) = runtime.block_on(kit.random_records(1, 40, &mut runner));
    let viewer = Actor::anonymous();
    let mut next = 1_000_u128;
    for names in [vec!["name"], vec!["-rent", "floors"], vec!["-created_at"], vec![]] {
        let order = Order::read(kit.table.collection(), names.clone(), Purpose::Viewer(&viewer)).unwrap();
        let mut query = ListQuery { order, first: 3, ..ListQuery::default() };
        let mut seen: Vec<RecordId> = Vec::new();
        loop {
            let page = runtime.block_on(kit.list(&scope, &query));
            query.after = page.records.last().map(|last| page::cursor(kit.table.collection(), &query.order, last));
            seen.extend(page.records.iter().map(|record| record.id));
            if !page.has_next {
                break;
            }
            // A record that orders anywhere, before or after the place of the cursor.
            for _ in 0..2 {
                let mut json = any_record().new_tree(&mut runner).unwrap().current();
                json["code"] = json!(format!("C{next}"));
                if seen.len() < 60 {
                    runtime.block_on(kit.insert(&scope, next, json)).unwrap();
                }
                next += 1;
            }
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "{names:?}: a record came twice");
        for record in &records {
            assert!(distinct.contains(&record.id), "{names:?}: a record was left out");
        }
    }
}

/// Both engines: groups of one size come in the order of their keys, and no value before any.
#[tokio::test]
async fn groups_of_one_size_are_ordered_by_their_keys() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let rows =
        [json!({ "floors": 2 }), json!({}), json!({ "floors": -1 }), json!({ "floors": 5 }), json!({ "floors": 5 })];
    for (n, row) in (1..).zip(rows) {
        kit.insert(&scope, n, row).await.unwrap();
    }
    let term = GroupTerm::Value(kit.table.collection().attribute("floors", Spelling::Manifest).unwrap());
    let query = AggregateQuery { by: vec![term], first: 10, ..AggregateQuery::default() };
    let session = kit.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let found = record::aggregate(&scope, &session, &kit.table, &query).await.unwrap();
    let keys: Vec<_> = found.groups.iter().map(|group| (group.keys[0].to_json(), group.count)).collect();
    assert_eq!(keys, [(json!(5), 2), (Json::Null, 1), (json!(-1), 1), (json!(2), 1)]);
}

#[tokio::test]
async fn whoever_waits_to_write_is_counted_until_the_writer_is_free_or_they_leave() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let store = kit.stores.open(&scope).await.unwrap();
    let used = kit.stores.in_use().await;
    assert_eq!((used.open, used.waiting_writers), (1, 0));
    let work = store.work(&scope).await.unwrap();
    let second = tokio::spawn({
        let (store, scope) = (Arc::clone(&store), scope.clone());
        async move { store.work(&scope).await.map(drop) }
    });
    while kit.stores.in_use().await.waiting_writers < 1 {
        tokio::task::yield_now().await;
    }
    {
        let mut leaving = std::pin::pin!(store.work(&scope));
        let polled = leaving.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        assert!(polled.is_pending());
        assert_eq!(kit.stores.in_use().await.waiting_writers, 2);
    }
    let used = kit.stores.in_use().await;
    assert_eq!((used.waiting_writers, used.waiting_readers), (1, 0));
    drop(work);
    second.await.unwrap().unwrap();
    assert_eq!(kit.stores.in_use().await.waiting_writers, 0);
    let pools = kit.stores.in_use().await.pools;
    assert_eq!(pools.is_empty(), kit.stores.database().is_none());
    assert!(pools.iter().all(|pool| pool.idle <= pool.open && pool.open <= pool.most), "{pools:?}");
}
