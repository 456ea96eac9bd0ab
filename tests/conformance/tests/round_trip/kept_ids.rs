//! Imports that keep the ids of the file: for administrators, without collisions, all or nothing.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde_json::json;
use sunlit_domain::Role;
use sunlit_domain::manifest::{Collection, Field};
use sunlit_sheet::{Cell, Form, Writer};

use crate::draw::Draw;
use crate::kit::{Kit, Place};
use crate::{collection_with, values};

const IDS: [&str; 3] = [
    "018f3b1e-0000-7000-8000-000000000001",
    "018f3b1e-0000-7000-8000-000000000002",
    "018f3b1e-0000-7000-8000-000000000003",
];
const KEEP: (Form, &str) = (Form::Csv, "&ids=keep");

/// A file of records: id, code and parent of each, and what the collection requires beside them.
fn file(collection: &Collection, rows: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut draw = Draw::seeded(1);
    let needed: Vec<&Field> =
        collection.fields.iter().filter(|field| field.required && field.name != *"code").collect();
    let header: Vec<&str> =
        ["id", "version", "code", "parent"].into_iter().chain(needed.iter().map(|field| field.name.as_str())).collect();
    let mut writer = Writer::new(Form::Csv, &header).unwrap();
    for (id, code, parent) in rows {
        let mut cells =
            vec![*id, "7", *code, *parent].into_iter().map(str::to_owned).map(Cell::Text).collect::<Vec<_>>();
        for field in &needed {
            let json = values::draw(field, &mut draw, &[], &mut BTreeSet::new());
            cells.push(Cell::Text(values::stored(field, &json).to_cell()));
        }
        writer.row(&cells).unwrap();
    }
    writer.finish().unwrap()
}

async fn refused(kit: &Kit, place: &Place, collection: &Collection, file: impl Into<Bytes>, message: &str) {
    let (status, answer) = kit.import(place, collection, KEEP, file).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{answer}");
    assert!(answer["problems"][0]["message"].as_str().unwrap().contains(message), "{answer}");
}

#[actix_web::test]
async fn ids_are_kept_for_administrators_and_never_taken_twice() {
    let kit = Kit::new().await;
    let place = kit.place("900001").await;
    let collection = collection_with(&kit.manifest, "parent");
    let file = |rows: &[(&str, &str, &str)]| file(collection, rows);
    let [one, two, three] = IDS;
    let new = file(&[(one, "AA-001", two), (two, "AA-002", one), (three, "AA-003", three)]);
    let editor = kit.app.token(place.tenant, Role::Editor);
    let (status, _) = kit.import_as(&editor, &place, collection, KEEP, new.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = kit.import(&place, collection, (Form::Csv, "&ids=new"), new.clone()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, answer) = kit.import(&place, collection, (Form::Csv, ""), new.clone()).await;
    assert_eq!((status, &answer["count"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(3)), "{answer}");

    let twice = file(&[(one, "AA-001", ""), (one, "AA-002", "")]);
    refused(&kit, &place, collection, twice, "出现两次").await;
    let nowhere = file(&[(one, "AA-001", two)]);
    refused(&kit, &place, collection, nowhere, "parent").await;
    let (status, done) = kit.import(&place, collection, (Form::Csv, "&ids=keep&dry_run=true"), new.clone()).await;
    assert_eq!((status, &done["created"]), (StatusCode::OK, &json!(3)), "{done}");
    assert!(kit.records(&place, collection).await.is_empty());

    // Rows that refer to themselves and to each other.
    let (status, done) = kit.import(&place, collection, KEEP, new).await;
    assert_eq!((status, &done["created"]), (StatusCode::OK, &json!(3)), "{done}");
    let records = kit.records(&place, collection).await;
    let parents: Vec<_> = records.iter().map(|record| record["parent"]["id"].as_str().unwrap()).collect();
    assert_eq!((parents, &records[0]["version"]), (vec![two, one, three], &json!(1)));

    // An id that is taken names its record: it is changed at its own version only, and not by whoever may not.
    refused(&kit, &place, collection, file(&[(one, "AA-009", "")]), "").await;
    let (status, done) =
        kit.import(&place, collection, KEEP, format!("id,version,code\n{one},1,ZZ-998\n{two},1,AA-002\n")).await;
    assert_eq!((status, &done["updated"], &done["unchanged"]), (StatusCode::OK, &json!(1), &json!(1)), "{done}");
    let closed = "018f3b1e-0000-7000-8000-000000000004";
    let (status, done) = kit.import(&place, collection, KEEP, file(&[(closed, "ZZ-999", "")])).await;
    assert_eq!(status, StatusCode::OK, "{done}");
    let taken = format!("id,code\n{closed},AA-007\n");
    refused(&kit, &place, collection, taken, "没有这条记录").await;
}
