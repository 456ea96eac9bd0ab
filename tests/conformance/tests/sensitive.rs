//! Sensitive values over the real routes: who sees what of them, and that nothing that lies in the database, its trail, its
//! queue or its files tells them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Map, Value as Json, json};
use sunlit_app::command::key::{rewrap, rotate};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::query::key_status;
use sunlit_domain::id::TenantId;
use sunlit_domain::{Actor, Role};
use sunlit_storage::tenant::{audit, outbox};
use sunlit_storage::testing;
use sunlit_test_support::{EventStream, TestApp};

const TENANT: &str = "900030";
const MANIFEST: &str = include_str!("../packages/applicants.toml");
/// The fields in their order in the package, with the values of the one applicant.
const VALUES: [(&str, &str); 7] = [
    ("code", "A1"),
    ("name", "欧阳镜明"),
    ("phone", "13812345678"),
    ("idNumber", "610112199003071234"),
    ("illness", "慢性肾炎需要长期透析"),
    ("bornOn", "1990-03-07"),
    ("reason", "申请公开"),
];
/// What nobody finds who looks into the database.
const SECRETS: [&str; 5] = ["欧阳镜明", "13812345678", "610112199003071234", "慢性肾炎需要长期透析", "1990-03-07"];
const OWNER: (Role, u128) = (Role::Citizen, 7);

/// Somebody's role and number, none for whoever has not signed in, and what they see of each field.
type Viewer = (Option<(Role, u128)>, [Option<&'static str>; 7]);

/// Who sees what, in the order of [`VALUES`].
fn viewers() -> Vec<Viewer> {
    let values = VALUES.map(|(_, value)| Some(value));
    let [code, name, phone, identity, illness, born, reason] = values;
    let (few, some, most) = (Some("欧***"), Some("138****5678"), Some("6101**********1234"));
    let none = Some("******");
    let nothing = [code, few, some, most, none, None, reason];
    vec![
        (None, nothing),
        (Some((Role::Citizen, 8)), nothing),
        (Some((Role::Enterprise, 9)), nothing),
        (Some((Role::Editor, 1)), nothing),
        (Some((Role::Auditor, 2)), nothing),
        (Some(OWNER), [code, name, phone, most, none, None, reason]),
        (Some((Role::Reviewer, 3)), [code, name, phone, most, illness, born, reason]),
        (Some((Role::Administrator, 4)), [code, name, some, identity, none, None, reason]),
    ]
}

struct Kit {
    app: TestApp,
    tenant: TenantId,
    id: String,
}

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        publish::run(app.app(), MANIFEST.to_owned(), None, Existing::Keep).await.unwrap();
        let tenant = app.tenant(TENANT, &[("applicants", &[])]).await;
        let mut kit = Self { app, tenant, id: String::new() };
        let input: Map<String, Json> = VALUES.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let create = "mutation($input: Applicants_ApplicantCreate!) { it: applicantsCreateApplicant(input: $input) \
                      { record { id name illness } errors { code path message } } }";
        let made = kit.ask(Some(OWNER), create, json!({ "input": input })).await;
        assert_eq!(made["it"]["errors"], json!([]), "{made}");
        assert_eq!(made["it"]["record"]["name"], json!("欧阳镜明"));
        // What one wrote oneself is masked too, when one may not read it.
        assert_eq!(made["it"]["record"]["illness"], json!("******"));
        made["it"]["record"]["id"].as_str().unwrap().clone_into(&mut kit.id);
        kit
    }

    fn token(&self, who: Option<(Role, u128)>) -> Option<String> {
        who.map(|(role, person)| self.app.token_of(self.tenant, role, person))
    }

    async fn ask(&self, who: Option<(Role, u128)>, query: &str, variables: Json) -> Json {
        let answer = self.app.graphql(TENANT, self.token(who).as_deref(), query, variables).await;
        assert!(answer.body.get("errors").is_none(), "{}", answer.body);
        answer.body["data"].clone()
    }

    async fn get(&self, who: Option<(Role, u128)>, path: &str) -> String {
        let mut request = TestRequest::get().uri(&format!("/t/{TENANT}{path}"));
        if let Some(token) = self.token(who) {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        let (status, _, body) = self.app.call(request).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        String::from_utf8(body.to_vec()).unwrap()
    }
}

fn names() -> String {
    VALUES.map(|(name, _)| name).join(" ")
}

#[actix_web::test]
async fn each_role_sees_the_value_the_mask_or_nothing_in_every_form() {
    let kit = Kit::new().await;
    let fields = names();
    for (who, expect) in viewers() {
        let expected: Map<String, Json> =
            VALUES.iter().zip(expect).map(|((name, _), value)| ((*name).to_owned(), json!(value))).collect();
        let list = format!("{{ applicants {{ applicants {{ nodes {{ {fields} }} }} }} }}");
        assert_eq!(
            kit.ask(who, &list, json!({})).await["applicants"]["applicants"]["nodes"],
            json!([expected]),
            "{who:?}"
        );
        let one = format!("query($id: ID!) {{ applicants {{ applicant(id: $id) {{ {fields} }} }} }}");
        let one = kit.ask(who, &one, json!({ "id": kit.id })).await;
        assert_eq!(one["applicants"]["applicant"], json!(expected), "{who:?}");
        // A spreadsheet, where nothing is an empty cell.
        let sheet = kit
            .get(who, "/records/applicants/applicant.csv?fields=code,name,phone,idNumber,illness,bornOn,reason")
            .await;
        let row = expect.map(Option::unwrap_or_default).join(",");
        assert!(sheet.contains(&format!("\r\n{row}\r\n")), "{who:?}: {sheet}");
        // Pages: in a table, and alone.
        for path in ["/p/applicants/", "/p/applicants/applicants/A1"] {
            let page = kit.get(who, path).await;
            for ((name, value), seen) in VALUES.iter().zip(expect) {
                match seen {
                    Some(seen) => assert!(page.contains(seen), "{who:?} {path} {name}: {page}"),
                    None => {
                        assert!(!page.contains("1990-") && !page.contains("1990年"), "{who:?} {path} {name}: {page}");
                    }
                }
                assert!(seen == Some(*value) || !page.contains(value), "{who:?} {path} tells {name}");
            }
        }
    }
}

#[actix_web::test]
async fn nobody_looks_anything_up_by_what_is_sealed() {
    let kit = Kit::new().await;
    let reviewer = kit.token(Some((Role::Reviewer, 3)));
    for query in [
        "{ applicants { applicants(filter: { phone: { eq: \"13812345678\" } }) { totalCount } } }",
        "{ applicants { applicants(filter: { bornOn: { lt: \"2000-01-01\" } }) { totalCount } } }",
        "{ applicants { applicants(order: [PHONE_ASC]) { totalCount } } }",
        "{ applicants { applicants(search: \"13812345678\") { totalCount } } }",
        "{ applicants { applicantsAggregate { groups(by: [PHONE]) { nodes { count } } } } }",
        "{ applicants { applicantsAggregate { groups(by: [BORN_ON_YEAR]) { nodes { count } } } } }",
        "{ applicants { applicantsAggregate { max { bornOn } } } }",
    ] {
        let answer = kit.app.graphql(TENANT, reviewer.as_deref(), query, json!({})).await;
        assert!(answer.body["errors"][0]["message"].is_string(), "{query}: {}", answer.body);
    }
    for query in ["filter=%7B%22phone%22%3A%7B%22eq%22%3A%2213812345678%22%7D%7D", "order=phone", "order=-bornOn"] {
        let path = format!("/t/{TENANT}/records/applicants/applicant.csv?{query}");
        let request = TestRequest::get().uri(&path);
        let request = request.insert_header(("authorization", format!("Bearer {}", reviewer.clone().unwrap())));
        assert_eq!(kit.app.call(request).await.0, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[actix_web::test]
async fn a_mask_is_never_written_back() {
    let kit = Kit::new().await;
    let update = "mutation($id: ID!, $input: Applicants_ApplicantUpdate!) { it: applicantsUpdateApplicant(id: $id, \
                  version: 1, input: $input) { record { version } errors { code path message } } }";
    for (field, masked) in
        [("name", "欧***"), ("phone", "138****5678"), ("idNumber", "6101**********1234"), ("illness", "******")]
    {
        let done = kit.ask(Some((Role::Editor, 1)), update, json!({ "id": kit.id, "input": { field: masked } })).await;
        let error = &done["it"]["errors"][0];
        assert_eq!((&error["code"], &error["path"]), (&json!("INVALID_INPUT"), &json!(["input", field])), "{done}");
        assert!(error["message"].as_str().unwrap().contains("遮盖"), "{done}");
    }
    // An export of somebody who sees masks, brought in again, changes nothing.
    let export = kit.get(Some((Role::Editor, 1)), "/records/applicants/applicant.csv").await;
    let request = TestRequest::post()
        .uri(&format!("/t/{TENANT}/records/applicants/applicant?format=csv"))
        .insert_header(("authorization", format!("Bearer {}", kit.token(Some((Role::Editor, 1))).unwrap())))
        .insert_header(("content-type", "text/csv"))
        .set_payload(export);
    let (status, _, body) = kit.app.call(request).await;
    let told: Json = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
    assert!(told["problems"].as_array().unwrap().len() >= 4, "{told}");
    for secret in SECRETS {
        assert!(!told.to_string().contains(secret), "{told}");
    }
    let read = "{ applicants { applicants { nodes { version name phone } } } }";
    let seen = kit.ask(Some((Role::Reviewer, 3)), read, json!({})).await;
    let expect = json!([{ "version": 1, "name": "欧阳镜明", "phone": "13812345678" }]);
    assert_eq!(seen["applicants"]["applicants"]["nodes"], expect);
}

#[actix_web::test]
async fn whoever_follows_sees_what_they_may() {
    let kit = Kit::new().await;
    let follow = "subscription { applicantsApplicantChanged { kind record { name phone bornOn } } }";
    let open = async |who: Option<(Role, u128)>| {
        let mut request = TestRequest::post()
            .uri(&format!("/t/{TENANT}/graphql"))
            .insert_header(("accept", "text/event-stream"))
            .set_json(json!({ "query": follow }));
        if let Some(token) = kit.token(who) {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        EventStream(kit.app.open(request).await.into_body())
    };
    let (mut anybody, mut reviewer) = (open(None).await, open(Some((Role::Reviewer, 3))).await);
    let update = "mutation($id: ID!, $version: Int!) { it: applicantsUpdateApplicant(id: $id, version: $version, \
                  input: { phone: \"13900001111\" }) { record { version } errors { code } } }";
    let done = kit.ask(Some(OWNER), update, json!({ "id": kit.id, "version": 1 })).await;
    assert_eq!(done["it"]["errors"], json!([]), "{done}");
    let heard = anybody.event().await.unwrap().1["data"]["applicantsApplicantChanged"]["record"].clone();
    assert_eq!(heard, json!({ "name": "欧***", "phone": "139****1111", "bornOn": null }));
    let heard = reviewer.event().await.unwrap().1["data"]["applicantsApplicantChanged"]["record"].clone();
    assert_eq!(heard, json!({ "name": "欧阳镜明", "phone": "13900001111", "bornOn": "1990-03-07" }));
    let delete = "mutation($id: ID!) { it: applicantsDeleteApplicant(id: $id, version: 2) { errors { code } } }";
    kit.ask(Some((Role::Editor, 1)), delete, json!({ "id": kit.id })).await;
    // The one word of its end tells nothing of what it held.
    let told = format!("{:?}", anybody.event().await);
    assert!(told.contains("DELETED") && SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");
}

/// Every text that an SQL client, or whoever has the disk, finds.
async fn everything_kept(kit: &Kit) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let stores = &kit.app.app().stores;
    if stores.database().is_some() {
        let tables = "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
        for table in testing::run::<String>(stores, &[tables]).await.unwrap() {
            let rows = format!("SELECT t::text FROM \"{table}\" t");
            let rows: Vec<String> = testing::run(stores, &[&rows]).await.unwrap();
            found.push((table, rows.join("\n").into_bytes()));
        }
    }
    walk(&kit.app.folder().join("data"), &mut found);
    found
}

fn walk(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap()));
        }
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

#[actix_web::test]
async fn nothing_that_is_kept_tells_what_is_sensitive() {
    let kit = Kit::new().await;
    // Written in every way: changed, in many, imported, sealed anew.
    let update = "mutation($id: ID!) { it: applicantsUpdateApplicant(id: $id, version: 1, input: { reason: \"另事\", \
                  name: \"欧阳镜明\" }) { errors { code } } }";
    kit.ask(Some(OWNER), update, json!({ "id": kit.id })).await;
    let many = "mutation { it: applicantsCreateApplicants(inputs: [{ code: \"A2\", name: \"欧阳镜明\", phone: \"13812345678\" }]) \
                { errors { code } } }";
    assert_eq!(kit.ask(Some((Role::Editor, 1)), many, json!({})).await["it"]["errors"], json!([]));
    let rows = "code,name,phone,id_number,illness,born_on\nA3,欧阳镜明,13812345678,610112199003071234,慢性肾炎需要长期透析,1990-03-07\n";
    let request = TestRequest::post()
        .uri(&format!("/t/{TENANT}/records/applicants/applicant?format=csv"))
        .insert_header(("authorization", format!("Bearer {}", kit.token(Some((Role::Editor, 1))).unwrap())))
        .insert_header(("content-type", "text/csv"))
        .set_payload(rows);
    let (status, _, body) = kit.app.call(request).await;
    assert_eq!(status, StatusCode::OK, "{body:?}");
    let scope = kit.app.administrator(kit.tenant);
    let rotated = rotate::run(kit.app.app(), &scope).await.unwrap();
    assert_eq!((rotated.number, rotated.is_new, rotated.records), (2, true, 3));
    let session = kit.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let trail = format!("{:?}", audit::latest(&scope, &session, 1_000).await.unwrap());
    let queue = format!("{:?}", outbox::latest(&scope, &session, 1_000).await.unwrap());
    drop(session);
    // Of a file of one row its plain digest would tell, by trying.
    let plain = sha256(rows.as_bytes());
    assert!(!trail.contains(&plain) && trail.contains("import") && trail.contains("rotate"), "{trail}");
    kit.app.app().stores.close().await;
    let kept = everything_kept(&kit).await;
    assert!(
        kept.iter().any(|(_, bytes)| holds(bytes, "申请公开") || holds(bytes, "另事")),
        "what is open is not found either"
    );
    for secret in SECRETS {
        assert!(!trail.contains(secret) && !queue.contains(secret), "{secret}");
        let place = kept.iter().find(|(_, bytes)| holds(bytes, secret)).map(|(place, _)| place);
        assert_eq!(place, None, "{secret}");
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[actix_web::test]
async fn a_rotation_changes_nothing_that_anybody_sees_and_ends_where_it_was_cut_off() {
    let kit = Kit::new().await;
    let (app, scope) = (kit.app.app(), kit.app.administrator(kit.tenant));
    let seen = async || {
        kit.ask(
            Some((Role::Reviewer, 3)),
            &format!("{{ applicants {{ applicants {{ nodes {{ version {} }} }} }} }}", names()),
            json!({}),
        )
        .await
    };
    let before = seen().await;
    assert!(rotate::run(app, &kit.app.scope_of(kit.tenant, Role::Editor)).await.is_err());
    assert!(rotate::run(app, &kit.app.scope(kit.tenant)).await.is_err());
    // The new key was made, and nothing more.
    let work = app.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    assert_eq!(app.vault.rotate(&scope, &work).await.unwrap(), 2);
    work.commit().await.unwrap();
    assert!(key_status::run(app, &kit.app.state().authority).await.unwrap().tenants[0].is_rotating);
    assert_eq!(seen().await, before);
    let ended = rotate::run(app, &scope).await.unwrap();
    assert_eq!((ended.number, ended.is_new, ended.records), (2, false, 1));
    let again = rotate::run(app, &scope).await.unwrap();
    assert_eq!((again.number, again.is_new, again.records), (3, true, 1));
    let status = key_status::run(app, &kit.app.state().authority).await.unwrap();
    assert!(status.tenants.len() == 1 && !status.tenants[0].is_rotating && status.tenants[0].number == 3, "{status:?}");
    assert_eq!(seen().await, before);
    // The master key is the current one already.
    let actor = Actor::known(sunlit_domain::id::ActorId(uuid::Uuid::from_u128(2)), vec![Role::Administrator]);
    let done = rewrap::run(app, &kit.app.state().authority, &actor).await.unwrap();
    assert_eq!((done.is_new, done.keys), (false, 0));
    assert_eq!(seen().await, before);
}
