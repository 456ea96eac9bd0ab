//! A package of thirty collections with everything that a manifest can declare goes round: manifest, tables, schema, records
//! over GraphQL, spreadsheets out of one tenant and into others, and there is the same again.
#![expect(clippy::unwrap_used, reason = "tests")]

mod draw;
mod kept_ids;
mod kit;
mod package;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Map, Value as Json, json};
use sunlit_domain::Manifest;
use sunlit_domain::format;
use sunlit_domain::id::{lower_camel, upper_camel};
use sunlit_domain::manifest::{Collection, Field, FieldType, STANDARD_FIELDS, Spelling, Standard};
use sunlit_domain::value::Value;
use sunlit_sheet::{Form, Sheet, read};
use sunlit_storage::Table;

use crate::draw::Draw;
use crate::kit::{Kit, Place};

/// Records of each collection.
const RECORDS: usize = 12;

#[test]
fn the_package_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/packages/round-trip.toml");
    let text = package::manifest();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), text, "run with UPDATE_SNAPSHOTS=1 to accept");
}

#[test]
fn the_package_declares_every_type_and_every_option() {
    let manifest = Manifest::parse("package", &package::manifest()).map_err(|errors| errors.to_string()).unwrap();
    assert_eq!(manifest.collections.len(), 30);
    let fields: Vec<&Field> = manifest.collections.iter().flat_map(|collection| &collection.fields).collect();
    // What the schema of manifests names, so that a new type or option is missed here.
    let schema = serde_json::to_value(Manifest::json_schema()).unwrap();
    let options = schema["$defs"]["Field"]["properties"].as_object().unwrap();
    for option in options.keys() {
        let is_used = |field: &&Field| {
            let given = serde_json::to_value(field).unwrap();
            !matches!(given.get(option), None | Some(Json::Null | Json::Bool(false)))
        };
        assert!(fields.iter().any(is_used), "no field has `{option}`");
    }
    let types = schema["$defs"]["FieldType"]["oneOf"].as_array().unwrap();
    for name in types.iter().map(|one| &one["const"]) {
        let field_type: FieldType = serde_json::from_value(name.clone()).unwrap();
        assert!(fields.iter().any(|field| field.field_type == field_type), "no field is {name}");
        let ranged =
            |bound: fn(&Field) -> bool| fields.iter().any(|field| field.field_type == field_type && bound(field));
        use FieldType::{Date, Datetime, Decimal, Int, Money, String, Text};
        if matches!(field_type, String | Int | Decimal | Money | Date | Datetime) {
            assert!(ranged(|field| field.min.is_some()) && ranged(|field| field.max.is_some()), "no bounds of {name}");
        }
        if field_type.kind(Some(2)).is_some_and(|kind| kind.listed().is_some()) && field_type != Text {
            assert!(fields.iter().any(|field| field.of == Some(field_type)), "no list of {name}");
        }
    }
    for format in format::ALL {
        assert!(fields.iter().any(|field| field.format == Some(format)), "no field has the format {}", format.name());
    }
    assert!(manifest.collections.iter().any(|collection| collection.workflow.is_some()));
    assert!(manifest.collections.iter().any(|collection| collection.plural.is_some()));
}

#[actix_web::test]
async fn thirty_collections_go_round_and_come_back_the_same() {
    let kit = Kit::new().await;
    let (first, by_csv, by_xlsx) = (kit.place("900001").await, kit.place("900002").await, kit.place("900003").await);
    for place in [&first, &by_csv, &by_xlsx] {
        check_tables(&kit, place).await;
    }
    check_schema(&kit, &first).await;
    let written = write(&kit, &first).await;
    for collection in &kit.manifest.collections {
        let name = collection.name.as_str();
        let records = kit.records(&first, collection).await;
        assert_eq!(records.len(), RECORDS);
        for record in &records {
            let id = record["id"].as_str().unwrap();
            assert_eq!(*record, written[name][id], "{name}: what was written is not what is read");
        }
        let csv = kit.export(&first, collection, Form::Csv).await;
        let xlsx = kit.export(&first, collection, Form::Xlsx).await;
        let (of_csv, of_xlsx) = (read(Form::Csv, &csv, None).unwrap(), read(Form::Xlsx, &xlsx, None).unwrap());
        for (one, other) in values_of(collection, &of_csv).iter().zip(&values_of(collection, &of_xlsx)) {
            assert_eq!(one, other, "{name}: the two forms differ");
        }
        for (place, form, file) in [(&by_csv, Form::Csv, &csv), (&by_xlsx, Form::Xlsx, &xlsx)] {
            let (status, done) = kit.import(place, collection, (form, "&ids=keep"), file.clone()).await;
            assert_eq!((status, &done["created"]), (StatusCode::OK, &json!(RECORDS)), "{name}: {done}");
            assert_eq!(kit.records(place, collection).await, records, "{name} by {form:?}");
            let again = kit.export(place, collection, Form::Csv).await;
            assert!(again == csv, "{name} by {form:?}: {}", difference(&csv, &again));
            let again = kit.export(place, collection, Form::Xlsx).await;
            assert_eq!(read(Form::Xlsx, &again, None).unwrap(), of_xlsx, "{name}");
            // A second time there is nothing left to do.
            let (status, done) = kit.import(place, collection, (form, "&ids=keep"), file.clone()).await;
            assert_eq!((status, &done["unchanged"]), (StatusCode::OK, &json!(RECORDS)), "{name}: {done}");
        }
    }
}

async fn check_tables(kit: &Kit, place: &Place) {
    let scope = kit.app.scope(place.tenant);
    let session = kit.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    for collection in &kit.manifest.collections {
        let table = Table::of(&kit.manifest, collection.name.as_str()).unwrap();
        let standard = STANDARD_FIELDS.into_iter().map(Standard::name).map(str::to_owned);
        let declared = collection.fields.iter().flat_map(Field::columns);
        let expect: BTreeSet<String> = ["tenant_id".to_owned()].into_iter().chain(standard).chain(declared).collect();
        let there = table.columns_there(&scope, &session).await.unwrap();
        assert_eq!(there.into_iter().collect::<BTreeSet<_>>(), expect, "{}", table.name());
    }
}

async fn check_schema(kit: &Kit, place: &Place) {
    let path = format!("/t/{}/graphql/schema.graphql", place.slug);
    let (status, _, body) = kit.app.call(TestRequest::get().uri(&path)).await;
    let sdl = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, StatusCode::OK);
    for collection in &kit.manifest.collections {
        let own = upper_camel(collection.name.as_str());
        for part in [
            format!("type RoundTrip_{own} {{"),
            format!("input RoundTrip_{own}Create {{"),
            format!("roundTripCreate{own}("),
        ] {
            assert!(sdl.contains(&part), "{part}");
        }
    }
}

/// Writes records of every collection over GraphQL; answers what each must read like, by collection and id.
async fn write(kit: &Kit, place: &Place) -> BTreeMap<String, BTreeMap<String, Json>> {
    let mut draw = Draw::seeded(2026);
    let mut written: BTreeMap<String, BTreeMap<String, Json>> = BTreeMap::new();
    for collection in &kit.manifest.collections {
        let mut used: BTreeMap<&str, BTreeSet<Value>> = BTreeMap::new();
        for number in 0..RECORDS {
            let (mut input, mut expect) = (Map::new(), Map::new());
            for field in &collection.fields {
                let name = lower_camel(field.name.as_str());
                let target = field.to.as_ref().and_then(|to| written.get(to.collection().as_str()));
                let ids: Vec<String> = target.map(|records| records.keys().cloned().collect()).unwrap_or_default();
                let json = match field.name.as_str() {
                    "code" => json!(format!("{}-{number:03}", if number % 2 == 0 { "AA" } else { "BZ" })),
                    own => values::draw(field, &mut draw, &ids, used.entry(own).or_default()),
                };
                // What is left out is what the field presets; what is empty stays empty.
                if json.is_null() && draw.below(2) == 0 {
                    expect.insert(name, answered(field, &field.default_value()));
                    continue;
                }
                expect.insert(name.clone(), answered(field, &values::stored(field, &json)));
                input.insert(name, sent(field, json));
            }
            let id = kit.create(place, collection, &input).await;
            let state = collection.initial_state();
            expect.extend([
                ("id".to_owned(), json!(id)),
                ("version".to_owned(), json!(1)),
                ("state".to_owned(), json!(state)),
            ]);
            written.entry(collection.name.to_string()).or_default().insert(id, expect.into());
        }
    }
    written
}

/// As a caller sends it: the values of enums in upper case.
fn sent(field: &Field, json: Json) -> Json {
    match (field.item_type(), json) {
        (FieldType::Enum, Json::String(text)) => json!(text.to_uppercase()),
        (FieldType::Enum, Json::Array(items)) => items.into_iter().map(|item| sent(field, item)).collect(),
        (_, json) => json,
    }
}

/// As a value is answered.
fn answered(field: &Field, value: &Value) -> Json {
    match (field.item_type(), value) {
        (_, Value::Null) if field.field_type == FieldType::List => json!([]),
        (_, Value::List(items)) => items.iter().map(|item| answered(field, item)).collect(),
        (FieldType::Ref, Value::Id(id)) => json!({ "id": id.to_string() }),
        (FieldType::Enum, Value::Text(text)) => json!(text.to_uppercase()),
        (_, value) => value.to_json(),
    }
}

/// What the cells mean, by row and column: a workbook writes 0.50 as the number 0.5.
fn values_of(collection: &Collection, sheet: &Sheet) -> Vec<(usize, String, Value)> {
    let kind = |name: &String| collection.attribute(name, Spelling::Manifest).unwrap().kind;
    let value = |name: &String, cell: &str| Value::from_cell(kind(name), cell).unwrap();
    let rows = sheet.rows.iter().enumerate();
    rows.flat_map(|(at, row)| {
        row.cells().zip(&sheet.header).map(move |(cell, name)| (at, name.clone(), value(name, cell)))
    })
    .collect()
}

/// The first place where two files differ.
fn difference(one: &[u8], other: &[u8]) -> String {
    let at = one.iter().zip(other).position(|(a, b)| a != b).unwrap_or_else(|| one.len().min(other.len()));
    let around =
        |bytes: &[u8]| String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())]).into_owned();
    format!("at byte {at}:\n{:?}\n{:?}", around(one), around(other))
}

/// The first collection that has a field of that name.
fn collection_with<'a>(manifest: &'a Manifest, field: &str) -> &'a Collection {
    let has = |collection: &&Collection| collection.fields.iter().any(|candidate| candidate.name == *field);
    manifest.collections.iter().find(has).unwrap()
}
