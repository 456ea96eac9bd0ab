//! Plans that say of everything what becomes of it, and records that move by them.

use serde_json::{Value as Json, json};

use super::*;
use crate::id::RecordId;
use crate::locale::Locale;
use crate::manifest::Standard;
use crate::record::read_changes;

const HEAD: &str = "api = \"0.1\"\ntitle = { zh = \"园区\" }\nvendor = \"sunlit\"\n";
const OLD: &str = r#"
[[collection]]
name = "firm"
title = { zh = "企业" }
field = [{ name = "name", type = "string", translated = true }]
[[collection]]
name = "site"
title = { zh = "载体" }
field = [
  { name = "name", type = "string" },
  { name = "price", type = "decimal", scale = 2 },
  { name = "floors", type = "int" },
  { name = "use_kind", type = "enum", values = [{ value = "office", title = { zh = "办公" } }, { value = "works", title = { zh = "工厂" } }] },
  { name = "held_by", type = "ref", to = "firm" },
  { name = "fax", type = "string" },
]
"#;
const NEW: &str = r#"
[[collection]]
name = "company"
title = { zh = "企业" }
field = [{ name = "title", type = "string", translated = true }]
[[collection]]
name = "site"
title = { zh = "载体" }
field = [
  { name = "name", type = "string", required = true, max = 4 },
  { name = "rent", type = "decimal", scale = 1 },
  { name = "floors", type = "decimal", scale = 1 },
  { name = "use_kind", type = "enum", values = [{ value = "office", title = { zh = "办公" } }, { value = "plant", title = { zh = "厂房" } }] },
  { name = "held_by", type = "ref", to = "company" },
  { name = "grade", type = "string", required = true },
]
[[migrate]]
from = "firm"
collection = "company"
fields = { title = "name" }
[[migrate]]
from = "site"
collection = "site"
fields = { rent = "price", floors = "floors" }
values = { use_kind = { works = "plant" } }
defaults = { grade = "C" }
drop = ["fax"]
"#;

fn manifest(version: &str, body: &str) -> Manifest {
    let text = format!("[plugin]\nid = \"parks\"\nversion = \"{version}\"\n{HEAD}{body}");
    Manifest::parse("plugin.toml", &text).map_err(|errors| errors.to_string()).unwrap()
}

fn plan(body: &str) -> Result<Plan, Vec<SourceProblem>> {
    Plan::new(&manifest("1.4.0", OLD), &manifest("2.0.0", body))
}

fn step() -> Move {
    plan(NEW).unwrap().moves.into_iter().find(|step| step.from.name == *"site").unwrap()
}

fn record(step: &Move, input: &Json) -> Record {
    let input = input.as_object().unwrap();
    let mut record = Record::new(RecordId(uuid::Uuid::from_u128(7)), &step.from);
    record.set(Slot::Standard(Standard::Version), Value::Int(5));
    for (index, value) in read_changes(&step.from, input, Spelling::Manifest, true).unwrap() {
        record.set(Slot::Field(index), value);
    }
    record
}

#[test]
fn a_record_moves_by_its_plan_and_keeps_who_it_is() {
    let step = step();
    let old = record(
        &step,
        &json!({ "name": "甲", "price": "12.50", "floors": 3, "use_kind": "works", "fax": "1",
                 "held_by": "018f3b1e-0000-7000-8000-000000000001" }),
    );
    let new = step.convert(&old).unwrap();
    let values: Vec<Json> = new.values.iter().map(Value::to_json).collect();
    assert_eq!(json!(values), json!(["甲", "12.5", "3.0", "plant", "018f3b1e-0000-7000-8000-000000000001", "C"]));
    assert_eq!((new.id, new.version()), (old.id, 5));
    assert_eq!(step.dropped, ["fax"]);
    assert_eq!(plan(NEW).unwrap().left, Vec::<String>::new());
}

#[test]
fn each_value_that_the_new_version_does_not_accept_is_told() {
    let step = step();
    let told = |input: Json| -> Vec<String> {
        let problems = step.convert(&record(&step, &input)).unwrap_err();
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message(Locale::En))).collect()
    };
    assert_eq!(told(json!({})), ["name: name is required"]);
    assert_eq!(told(json!({ "name": "一二三四五" })), ["name: name may have at most 4 characters"]);
    let told = told(json!({ "price": "12.55" }));
    assert!(told.len() == 2 && told[1].starts_with("rent: "), "{told:?}");
}

#[test]
fn an_english_form_follows_its_field() {
    let plan = plan(NEW).unwrap();
    let firm = &plan.moves[0];
    let old = record(firm, &json!({ "name": "甲", "name_en": "A" }));
    assert_eq!(firm.convert(&old).unwrap().values, [Value::Text("甲".to_owned()), Value::Text("A".to_owned())]);
}

/// Expects a problem with these words when `from` is replaced by `to` in the new manifest.
#[track_caller]
fn refused(from: &str, to: &str, path: &str, words: &str) {
    assert!(NEW.contains(from), "the manifest has no {from}");
    let problems = plan(&NEW.replacen(from, to, 1)).unwrap_err();
    assert!(
        problems.iter().any(|problem| problem.path == path && problem.message.contains(words)),
        "expected {path}: {words} in {problems:?}"
    );
}

#[test]
fn what_would_be_lost_or_is_not_there_is_refused() {
    refused("drop = [\"fax\"]\n", "", "migrate.1.drop", "the old field `site.fax`");
    refused("drop = [\"fax\"]", "drop = [\"fax\", \"phone\"]", "migrate.1.drop", "no field `phone`");
    refused("drop = [\"fax\"]", "drop = [\"fax\", \"price\"]", "migrate.1.drop", "both taken over and dropped");
    refused("rent = \"price\", ", "", "migrate.1.drop", "the old field `site.price`");
    refused("rent = \"price\", ", "rent = \"fax\", ", "migrate.1.fields", "their types differ");
    refused("rent = \"price\", ", "rent = \"cost\", ", "migrate.1.fields", "no field `cost`");
    refused(", floors = \"floors\"", "", "migrate.1.fields", "`site.floors` changed its type");
    refused("values = { use_kind = { works = \"plant\" } }\n", "", "migrate.1.values", "the value `works`");
    refused("works = \"plant\"", "works = \"plant\", shop = \"plant\"", "migrate.1.values", "no value `shop`");
    refused("defaults = { grade = \"C\" }\n", "", "migrate.1.defaults", "`site.grade` is required and new");
    refused("from = \"firm\"", "from = \"club\"", "migrate.0.from", "no collection `club`");
    refused("from = \"firm\"", "from = \"club\"", "migrate", "nothing is said of `firm`");
    refused("to = \"company\"", "to = \"site\"", "collection.1", "the records of `firm` do not move");
}

#[test]
fn what_was_sealed_does_not_become_open() {
    let seal = |text: &str, field: &str| {
        let (open, sealed) = (
            format!("name = \"{field}\", type"),
            format!("name = \"{field}\", sensitive = true, readers = [\"editor\"], type"),
        );
        assert!(text.contains(&open), "mend the place that this test changes");
        text.replacen(&open, &sealed, 1)
    };
    let (old, new) = (seal(OLD, "name"), seal(NEW, "title"));
    let plan = |old: &str, new: &str| Plan::new(&manifest("1.4.0", old), &manifest("2.0.0", new));
    let told = plan(&old, NEW).unwrap_err();
    assert!(told.iter().any(|problem| problem.message.contains("would lie open")), "{told:?}");
    assert!(plan(&old, &new).is_ok());
    assert!(plan(OLD, &new).is_ok());
}

#[test]
fn a_declaration_is_checked_with_its_manifest() {
    let refuse = |from: &str, to: &str, words: &str| {
        let text = format!("[plugin]\nid = \"parks\"\nversion = \"2.0.0\"\n{HEAD}{}", NEW.replacen(from, to, 1));
        let told = Manifest::parse("plugin.toml", &text).unwrap_err().to_string();
        assert!(told.contains(words), "expected {words:?} in {told}");
    };
    refuse("rent = \"price\"", "cost = \"price\"", "has no field `cost`");
    refuse("grade = \"C\"", "grade = 1", "not a value that the field accepts");
    refuse("works = \"plant\"", "works = \"mill\"", "has no value `mill`");
    refuse("from = \"site\"", "from = \"firm\"", "stands twice");
    refuse("collection = \"company\"", "collection = \"site\"", "stands twice");
    refuse("collection = \"company\"\n", "", "`collection` is missing");
    refuse("collection = \"company\"", "collection = \"guild\"", "no such collection");
    let zero = format!("[plugin]\nid = \"parks\"\nversion = \"0.2.0\"\n{HEAD}{NEW}");
    assert!(Manifest::parse("plugin.toml", &zero).unwrap_err().to_string().contains("before 0"));
}

#[test]
fn what_keeps_its_name_moves_without_a_declaration_and_what_goes_is_named() {
    let same = plan(OLD).unwrap();
    assert_eq!(same.moves.len(), 2);
    let gone = "[[collection]]\nname = \"firm\"\ntitle = { zh = \"企业\" }\nfield = [{ name = \"name\", type = \"string\", \
                translated = true }]\n";
    assert!(plan(gone).unwrap_err()[0].message.contains("nothing is said of `site`"));
    assert_eq!(plan(&format!("{gone}[[migrate]]\nfrom = \"site\"\n")).unwrap().left, ["site"]);
}
