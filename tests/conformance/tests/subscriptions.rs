//! Subscriptions as event streams: what a follower hears, what it does not, and how it is let go.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::document::add::{self, NewDocument};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::tenant::set_state;
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_domain::tenant_state::TenantState;
use sunlit_test_support::{EventStream, TestApp};

const TENANT: &str = "900001";
/// The public reads notes below ten; drafts are the editors' own.
const NOTES: &str = r#"
[plugin]
id = "notes"
version = "0.1.0"
api = "0.1"
title = { zh = "便笺" }
vendor = "sunlit"

[[collection]]
name = "note"
title = { zh = "便笺" }
[[collection.field]]
name = "number"
type = "int"
title = { zh = "数值" }
required = true
filter = true
[collection.access]
read = [{ role = "public", where = { number = { lt = 10 } } }, { role = "editor" }]
create = [{ role = "editor" }]
update = [{ role = "editor" }]
delete = [{ role = "editor" }]

[[collection]]
name = "draft"
title = { zh = "草稿" }
[[collection.field]]
name = "number"
type = "int"
title = { zh = "数值" }
[collection.access]
read = [{ role = "editor" }]
create = [{ role = "editor" }]
"#;
const FOLLOW: &str = "subscription { notesNoteChanged { kind id version record { number } } }";

struct Kit {
    app: TestApp,
    token: String,
}

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let more = NOTES.replace("\"notes\"", "\"more-notes\"");
        for manifest in [NOTES.to_owned(), more] {
            publish::run(app.app(), manifest, None, Existing::Keep).await.unwrap();
        }
        let tenant: TenantId = app.tenant(TENANT, &[("notes", &[])]).await;
        let token = app.token(tenant, Role::Editor);
        Self { app, token }
    }

    async fn follow(&self, query: &str, token: Option<&str>) -> Follower {
        self.follow_with(json!({ "query": query }), token).await
    }

    async fn follow_with(&self, body: Json, token: Option<&str>) -> Follower {
        let request = TestRequest::post()
            .uri(&format!("/t/{TENANT}/graphql"))
            .insert_header(("accept", "text/event-stream"))
            .set_json(body);
        let request = match token {
            Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
            None => request,
        };
        let response = self.app.open(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream; charset=utf-8");
        Follower(EventStream(response.into_body()))
    }

    async fn write(&self, mutation: &str) -> Json {
        let answer =
            self.app.graphql(TENANT, Some(&self.token), &format!("mutation {{ {mutation} }}"), json!({})).await;
        let payload = answer.data().as_object().unwrap().values().next().unwrap().clone();
        assert_eq!(payload["errors"], json!([]), "{mutation}");
        payload["record"].clone()
    }

    async fn create(&self, number: i64) -> String {
        let mutation =
            format!("notesCreateNote(input: {{ number: {number} }}) {{ record {{ id }} errors {{ code }} }}");
        self.write(&mutation).await["id"].as_str().unwrap().to_owned()
    }

    async fn update(&self, id: &str, version: i64, number: i64) {
        let input = format!("id: \"{id}\", version: {version}, input: {{ number: {number} }}");
        self.write(&format!("notesUpdateNote({input}) {{ record {{ id }} errors {{ code }} }}")).await;
    }

    async fn delete(&self, id: &str, version: i64) {
        let mutation = format!("notesDeleteNote(id: \"{id}\", version: {version}) {{ errors {{ code }} }}");
        self.write(&mutation).await;
    }
}

struct Follower(EventStream);

impl Follower {
    async fn event(&mut self) -> Option<(String, Json)> {
        self.0.event().await
    }

    /// What is told next: kind, version, and the record's number.
    async fn told(&mut self) -> (String, i64, Json) {
        let (event, answer) = self.event().await.unwrap();
        assert_eq!(event, "next", "{answer}");
        assert!(answer.get("errors").is_none(), "{answer}");
        let change = &answer["data"]["notesNoteChanged"];
        (
            change["kind"].as_str().unwrap().to_owned(),
            change["version"].as_i64().unwrap(),
            change["record"]["number"].clone(),
        )
    }

    /// The stream ends with an error of this code.
    async fn ends_with(&mut self, code: &str) {
        loop {
            let (event, answer) = self.event().await.unwrap();
            assert_eq!(event, "next");
            let Some(error) = answer["errors"].get(0) else { continue };
            assert_eq!(error["extensions"]["code"], json!(code), "{answer}");
            assert!(answer.get("data").is_none(), "{answer}");
            break;
        }
        assert_eq!(self.event().await.unwrap().0, "complete");
        assert!(self.event().await.is_none());
    }
}

fn told(kind: &str, version: i64, number: impl Into<Json>) -> (String, i64, Json) {
    (kind.to_owned(), version, number.into())
}

#[actix_web::test]
async fn a_follower_hears_of_what_it_may_read_and_of_nothing_else() {
    let kit = Kit::new().await;
    let mut public = kit.follow(FOLLOW, None).await;
    let mut editor = kit.follow(FOLLOW, Some(&kit.token)).await;
    let near = kit.create(5).await;
    assert_eq!(public.told().await, told("CREATED", 1, 5));
    let far = kit.create(50).await;
    kit.update(&far, 1, 51).await;
    kit.delete(&far, 2).await;
    kit.update(&near, 1, 60).await;
    kit.update(&near, 2, 6).await;
    // Nothing was told of the other note, nor of this one while it was out of reach.
    assert_eq!(public.told().await, told("UPDATED", 3, 6));
    kit.delete(&near, 3).await;
    assert_eq!(public.told().await, told("DELETED", 3, Json::Null));
    // The editor may read both, and hears of the end of both.
    let mut ends = Vec::new();
    while ends.len() < 2 {
        let (event, answer) = editor.event().await.unwrap();
        let change = &answer["data"]["notesNoteChanged"];
        assert!(event == "next" && change["id"].is_string(), "{answer}");
        ends.extend((change["kind"] == json!("DELETED")).then(|| change["id"].clone()));
    }
    assert_eq!(ends, [json!(far), json!(near)]);
}

#[actix_web::test]
async fn a_follower_of_one_record_hears_of_no_other() {
    let kit = Kit::new().await;
    let (one, other) = (kit.create(1).await, kit.create(2).await);
    let query = FOLLOW.replace("Changed {", &format!("Changed(id: \"{one}\") {{"));
    let mut follower = kit.follow(&query, None).await;
    kit.update(&other, 1, 3).await;
    kit.update(&one, 1, 4).await;
    assert_eq!(follower.told().await, told("UPDATED", 2, 4));
}

#[actix_web::test]
async fn what_cannot_be_followed_is_refused() {
    let kit = Kit::new().await;
    let deep = format!("subscription {{ notesNoteChanged(id: {}) {{ id }} }}", "[".repeat(2_000));
    for (query, code) in [
        ("subscription { notesDraftChanged { id } }", "UNAUTHENTICATED"),
        ("subscription { a: notesNoteChanged { id } b: notesNoteChanged { id } }", "INVALID_INPUT"),
        ("subscription { ...F } fragment F on Subscription { notesNoteChanged { id } }", "INVALID_INPUT"),
        ("subscription { __typename }", "INVALID_INPUT"),
        ("subscription { notesNoteChanged(id: \"nonsense\") { id } }", "INVALID_INPUT"),
        ("subscription { nothing }", "INVALID_INPUT"),
        (deep.as_str(), "LIMIT_EXCEEDED"),
    ] {
        kit.follow(query, None).await.ends_with(code).await;
    }
    // Where there is one answer, there is no subscription.
    let answer = kit.app.graphql(TENANT, None, FOLLOW, json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::NOT_ACCEPTABLE, "UNSUPPORTED"));
    // A stream carries one answer just as well.
    let mut query = kit.follow("{ apiVersion }", None).await;
    assert_eq!(query.event().await.unwrap().1["data"]["apiVersion"], json!("0.1"));
    assert_eq!(query.event().await.unwrap().0, "complete");
    let foreign = TestRequest::post()
        .uri(&format!("/t/{TENANT}/graphql"))
        .insert_header(("accept", "text/event-stream"))
        .insert_header(("origin", "https://evil.example"))
        .set_json(json!({ "query": FOLLOW }));
    assert_eq!(kit.app.call(foreign).await.0, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn a_stream_by_get_changes_nothing() {
    let kit = Kit::new().await;
    let query = "mutation%7BnotesCreateNote(input:%7Bnumber:1%7D)%7Brecord%7Bid%7D%7D%7D";
    let request = TestRequest::get()
        .uri(&format!("/t/{TENANT}/graphql?query={query}"))
        .insert_header(("accept", "text/event-stream"))
        .insert_header(("authorization", format!("Bearer {}", kit.token)));
    Follower(EventStream(kit.app.open(request).await.into_body())).ends_with("UNSUPPORTED").await;
    let answer = kit.app.graphql(TENANT, None, "{ notes { notes { totalCount } } }", json!({})).await;
    assert_eq!(answer.data()["notes"]["notes"]["totalCount"], json!(0));
}

#[actix_web::test]
async fn a_follower_that_falls_behind_is_told_so_and_let_go() {
    let kit = Kit::new().await;
    let mut follower = kit.follow(FOLLOW, None).await;
    for _ in 0..300 {
        kit.create(1).await;
    }
    follower.ends_with("LIMIT_EXCEEDED").await;
}

#[actix_web::test]
async fn followers_keep_no_connection_to_the_database() {
    let kit = Kit::new().await;
    let administrator = kit.app.administrator(kit.app.tenant_id(TENANT).await);
    // Distinct documents, so that each is read from the database.
    let text = |n: usize| format!("{FOLLOW}{}", " ".repeat(n));
    let new: Vec<_> = (0..5).map(|n| NewDocument { name: "follow".to_owned(), text: text(n), hash: None }).collect();
    let mut followers = Vec::new();
    for hash in add::run(kit.app.app(), &administrator, &new).await.unwrap() {
        followers.push(kit.follow_with(json!({ "documentId": hash }), None).await);
    }
    kit.create(7).await;
    for follower in &mut followers {
        assert_eq!(follower.told().await, told("CREATED", 1, 7));
    }
}

#[actix_web::test]
async fn followers_are_told_when_the_packages_change() {
    let kit = Kit::new().await;
    let mut follower = kit.follow(FOLLOW, None).await;
    kit.app.tenant(TENANT, &[("notes", &[]), ("more-notes", &[])]).await;
    kit.create(1).await;
    follower.ends_with("UNAVAILABLE").await;
}

#[actix_web::test]
async fn followers_are_let_go_when_their_tenant_is_suspended_and_none_comes_in_its_place() {
    let kit = Kit::new().await;
    let mut follower = kit.follow(FOLLOW, Some(&kit.token)).await;
    let administrator = kit.app.administrator(kit.app.tenant_id(TENANT).await);
    set_state::run(kit.app.app(), &administrator, TenantState::Suspended).await.unwrap();
    follower.ends_with("UNAVAILABLE").await;
    let late = TestRequest::post()
        .uri(&format!("/t/{TENANT}/graphql"))
        .insert_header(("accept", "text/event-stream"))
        .set_json(json!({ "query": FOLLOW }));
    assert_eq!(kit.app.call(late).await.0, StatusCode::SERVICE_UNAVAILABLE);
    set_state::run(kit.app.app(), &administrator, TenantState::Active).await.unwrap();
    let mut again = kit.follow(FOLLOW, None).await;
    kit.create(5).await;
    assert_eq!(again.told().await, told("CREATED", 1, 5));
}

#[actix_web::test]
async fn connections_end_with_their_client_and_with_the_server() {
    let kit = Kit::new().await;
    let live = &kit.app.state().live;
    let (one, mut other) = (kit.follow(FOLLOW, None).await, kit.follow(FOLLOW, None).await);
    assert_eq!(live.count(), 2);
    drop(one);
    let fewer = async {
        while live.count() > 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), fewer).await.unwrap();
    live.end();
    assert_eq!(other.event().await.unwrap().0, "complete");
    assert!(other.event().await.is_none());
    let late = TestRequest::post()
        .uri(&format!("/t/{TENANT}/graphql"))
        .insert_header(("accept", "text/event-stream"))
        .set_json(json!({ "query": FOLLOW }));
    assert_eq!(kit.app.call(late).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
