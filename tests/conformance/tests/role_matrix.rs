//! Every role against every field and every action: what the manifest and the duties say, held against what the API answers.
//!
//! The matrix of the platform's own fields is made from the schema, so that a new field stands in it, and is kept in
//! `tests/conformance/roles.txt`: after a wanted change run once with `UPDATE_SNAPSHOTS=1` and read the difference.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_domain::identity::duty::Duty;
use sunlit_domain::manifest::Manifest;
use sunlit_domain::{Role, manifest};
use sunlit_test_support::{Answer, TestApp};

const BARE: &str = "900001";
const FULL: &str = "900002";
const APPLICANTS: &str = include_str!("../packages/applicants.toml");
const TYPES: &str = "{ __schema { types { kind name enumValues { name } inputFields { name type { ...T } } \
    fields { name args { name type { ...T } } type { ...T } } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// Whoever has not signed in, and every role.
fn viewers() -> Vec<Option<Role>> {
    [None].into_iter().chain(Role::ALL.into_iter().skip(1).map(Some)).collect()
}

fn name(viewer: Option<Role>) -> &'static str {
    viewer.map_or("anonymous", Role::name)
}

/// Whether an answer is a refusal for want of rights.
fn is_refused(answer: &Answer) -> bool {
    matches!(answer.code(), "DENIED" | "UNAUTHENTICATED")
}

struct Schema(BTreeMap<String, Json>);

impl Schema {
    async fn of(app: &TestApp, slug: &str) -> Self {
        let answer = app.graphql(slug, None, TYPES, json!({})).await;
        let types = answer.data()["__schema"]["types"].as_array().unwrap().iter();
        Self(types.map(|one| (one["name"].as_str().unwrap().to_owned(), one.clone())).collect())
    }

    fn fields(&self, of: &str) -> Vec<Json> {
        self.0[of]["fields"].as_array().cloned().unwrap_or_default()
    }

    /// Something that fits the type, with nothing that may be left out.
    fn value(&self, type_ref: &Json) -> Option<Json> {
        match type_ref["kind"].as_str().unwrap() {
            "NON_NULL" => Some(self.some(&type_ref["ofType"])),
            _ => None,
        }
    }

    fn some(&self, type_ref: &Json) -> Json {
        let named = type_ref["name"].as_str().unwrap_or_default();
        match (type_ref["kind"].as_str().unwrap(), named) {
            ("LIST", _) => json!([]),
            ("ENUM", _) => self.0[named]["enumValues"][0]["name"].clone(),
            ("INPUT_OBJECT", _) => {
                let fields = self.0[named]["inputFields"].as_array().unwrap().iter();
                let given = fields.filter_map(|field| {
                    Some((field["name"].as_str().unwrap().to_owned(), self.value(&field["type"])?))
                });
                Json::Object(given.collect())
            }
            (_, "Int") => json!(1),
            (_, "Boolean") => json!(false),
            (_, "ID") => json!("018f3b1e-0000-7000-8000-000000000001"),
            (_, "DateTime") => json!("2026-11-22T08:30:00Z"),
            _ => json!("nobody@example.org"),
        }
    }

    /// A document that asks for nothing but the field itself.
    fn ask(&self, kind: &str, field: &Json) -> (String, Json) {
        let (mut declared, mut given, mut variables) = (String::new(), String::new(), Map::new());
        for argument in field["args"].as_array().unwrap() {
            let Some(value) = self.value(&argument["type"]) else { continue };
            let name = argument["name"].as_str().unwrap();
            write!(declared, "${name}: {}, ", written(&argument["type"])).unwrap();
            write!(given, "{name}: ${name}, ").unwrap();
            variables.insert(name.to_owned(), value);
        }
        let brackets = |text: String| if text.is_empty() { text } else { format!("({text})") };
        let mut of = &field["type"];
        while of["ofType"].is_object() {
            of = &of["ofType"];
        }
        let inner = if of["kind"] == "OBJECT" { " { __typename }" } else { "" };
        let name = field["name"].as_str().unwrap();
        (format!("{kind}{} {{ {name}{}{inner} }}", brackets(declared), brackets(given)), variables.into())
    }
}

/// A type as it is written.
fn written(type_ref: &Json) -> String {
    match type_ref["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&type_ref["ofType"])),
        "LIST" => format!("[{}]", written(&type_ref["ofType"])),
        _ => type_ref["name"].as_str().unwrap().to_owned(),
    }
}

#[actix_web::test]
async fn each_role_reaches_the_fields_of_the_platform_that_are_its_own() {
    let app = TestApp::start().await;
    // Without packages nothing but the platform's own fields is there.
    let tenant = app.tenant(BARE, &[]).await;
    let schema = Schema::of(&app, BARE).await;
    let mut matrix = String::from(
        "# Which roles reach which field of the platform: written by tests/conformance/tests/role_matrix.rs.\n",
    );
    for (root, kind) in [("Query", "query"), ("Mutation", "mutation")] {
        for field in schema.fields(root) {
            let (document, variables) = schema.ask(kind, &field);
            let mut reached = Vec::new();
            for viewer in viewers() {
                let token = viewer.map(|role| app.token(tenant, role));
                let answer = app.graphql(BARE, token.as_deref(), &document, variables.clone()).await;
                assert_ne!(answer.code(), "INTERNAL", "{document}: {}", answer.body);
                let is_sound = !answer.body["errors"].to_string().contains("GRAPHQL_VALIDATION_FAILED");
                assert!(is_sound && answer.status.is_success(), "{document}: {}", answer.body);
                if !is_refused(&answer) {
                    reached.push(viewer);
                }
            }
            let field = field["name"].as_str().unwrap();
            check_duties(field, kind, &reached);
            let names: Vec<_> = reached.iter().map(|viewer| name(*viewer)).collect();
            writeln!(matrix, "{root}.{field}: {}", names.join(" ")).unwrap();
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/roles.txt");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &matrix).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), matrix, "run with UPDATE_SNAPSHOTS=1 to accept");
}

/// What only some may do is one duty's, and nobody changes anything without having signed in.
fn check_duties(field: &str, kind: &str, reached: &[Option<Role>]) {
    if kind == "mutation" {
        assert!(!reached.contains(&None), "{field} is open to whoever has not signed in");
    }
    let all_signed_in = Role::ALL.len() - 1;
    let signed_in = reached.iter().flatten().count();
    if signed_in == all_signed_in {
        return;
    }
    let duties = reached.iter().flatten().filter(|role| Duty::of(**role).is_some()).count();
    assert!(signed_in == 1 && duties == 1, "{field} is one duty's or everybody's, and not {reached:?}'s");
}

#[actix_web::test]
async fn each_role_does_with_records_and_fields_what_the_manifest_says() {
    let app = TestApp::start().await;
    publish::run(app.app(), APPLICANTS.to_owned(), None, Existing::Keep).await.unwrap();
    let tenant = app.tenant(FULL, &[("applicants", &[])]).await;
    let manifest = Manifest::parse("applicants.toml", APPLICANTS).map_err(|errors| errors.to_string()).unwrap();
    let collection = &manifest.collections[0];
    let owner = app.token_of(tenant, Role::Citizen, 7);
    let create = "mutation($input: Applicants_ApplicantCreate!) { it: applicantsCreateApplicant(input: $input) { record { id } errors { code } } }";
    let input = json!({ "code": "甲", "name": "欧阳镜明", "phone": "13812345678", "idNumber": "610112199003071234",
        "illness": "慢性肾炎", "bornOn": "1990-03-07", "reason": "补助" });
    let made = app.graphql(FULL, Some(&owner), create, json!({ "input": input })).await;
    let id = made.data()["it"]["record"]["id"].as_str().unwrap().to_owned();
    let mut seen = 0;
    for viewer in viewers() {
        let token = viewer.map(|role| app.token(tenant, role));
        let has =
            |rules: &[manifest::Rule]| rules.iter().any(|rule| rule.role == Role::Public || Some(rule.role) == viewer);
        let access = &collection.access;
        let nobody = "018f3b1e-0000-7000-8000-000000000001";
        let deeds = [
            ("read", "{ applicants { applicants { totalCount } } }".to_owned(), has(&access.read)),
            (
                "create",
                "mutation { applicantsCreateApplicant(input: { code: \"\", name: \"\" }) { errors { code } } }"
                    .to_owned(),
                has(&access.create),
            ),
            (
                "update",
                format!(
                    "mutation {{ applicantsUpdateApplicant(id: \"{nobody}\", version: 1, input: {{}}) {{ errors {{ code }} }} }}"
                ),
                has(&access.update),
            ),
            (
                "delete",
                format!(
                    "mutation {{ applicantsDeleteApplicant(id: \"{nobody}\", version: 1) {{ errors {{ code }} }} }}"
                ),
                has(&access.delete),
            ),
        ];
        for (deed, document, may) in deeds {
            let answer = app.graphql(FULL, token.as_deref(), &document, json!({})).await;
            assert_eq!(!is_refused(&answer), may, "{} {deed}: {}", name(viewer), answer.body);
        }
        let fields: Vec<_> = collection.fields.iter().map(|field| api(field.name.as_str())).collect();
        let read = format!("{{ applicants {{ applicant(id: \"{id}\") {{ {} }} }} }}", fields.join(" "));
        let answer = app.graphql(FULL, token.as_deref(), &read, json!({})).await;
        let record = &answer.data()["applicants"]["applicant"];
        for field in &collection.fields {
            let told = record[api(field.name.as_str())].clone();
            let own = &input[api(field.name.as_str())];
            let is_open = field.readers.is_empty() && !field.owner_reads;
            let expect = if is_open || field.readers.iter().any(|role| Some(*role) == viewer) {
                told == *own
            } else if field.mask.is_some() {
                told.as_str().is_some_and(|text| text.contains('*')) && told != *own
            } else {
                told.is_null()
            };
            assert!(expect, "{} {}: {told}", name(viewer), field.name);
            seen += 1;
        }
    }
    println!("{seen} fields of {} viewers, and 4 actions of each", viewers().len());
}

/// A name as the API spells it.
fn api(name: &str) -> String {
    sunlit_domain::id::lower_camel(name)
}
