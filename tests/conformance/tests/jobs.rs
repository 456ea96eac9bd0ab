//! Jobs and the audit trail through the API: who may see and do what, and what comes of it.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value as Json, json};
use sunlit_app::Environment as _;
use sunlit_domain::Role;
use sunlit_storage::tenant::outbox::{self, Job};
use sunlit_test_support::{Answer, TestApp, consistency};

const TENANT: &str = "900001";
const RUN: &str = "mutation($name: String!) { runSchedule(package: \"probe\", schedule: $name) \
                   { id errors { code } } }";
const DEAD: &str = "{ deadLetters { id kind key attempts error } }";
const REPLAY: &str = "mutation($id: ID!) { replayDeadLetter(id: $id) { id errors { code path } } }";
const TRAIL: &str = "query($first: Int, $after: String) { auditTrail(first: $first, after: $after) \
                     { nodes { seq action subject subjectId previous hash } pageInfo { hasNextPage endCursor } } }";

struct Kit {
    app: TestApp,
}

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        app.probe_tenant(TENANT).await;
        Self { app }
    }

    async fn ask(&self, role: Role, query: &str, variables: Json) -> Answer {
        let token = self.app.token(self.app.tenant_id(TENANT).await, role);
        self.app.graphql(TENANT, Some(&token), query, variables).await
    }

    /// A job that no version knows.
    async fn schedule_unknown(&self) {
        let scope = self.app.scope(self.app.tenant_id(TENANT).await);
        let app = self.app.app();
        let work = app.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
        let (id, due_at) = (app.environment.new_id(), app.environment.now());
        let job = Job { id, kind: "unheard-of", key: "k".to_owned(), due_at, payload: json!(null) };
        outbox::schedule(&scope, &work, job).await.unwrap();
        work.commit().await.unwrap();
    }
}

#[actix_web::test]
async fn an_administrator_runs_a_schedule_and_its_effect_is_there_once() {
    let kit = Kit::new().await;
    for (name, number) in [("甲", -1), ("乙", 1)] {
        let create = "mutation($input: Probe_ItemCreate!) { probeCreateItem(input: $input) { record { id } } }";
        kit.ask(Role::Editor, create, json!({ "input": { "name": name, "number": number } })).await.data();
    }
    assert_eq!(kit.ask(Role::Editor, RUN, json!({ "name": "clear" })).await.code(), "DENIED");
    let anonymous = kit.app.graphql(TENANT, None, RUN, json!({ "name": "clear" })).await;
    assert_eq!(anonymous.code(), "UNAUTHENTICATED");
    for name in ["clear", "chime", "chime"] {
        let answer = kit.ask(Role::Administrator, RUN, json!({ "name": name })).await;
        assert!(answer.data()["runSchedule"]["id"].is_string(), "{}", answer.body);
    }
    let missing = kit.ask(Role::Administrator, RUN, json!({ "name": "nothing" })).await;
    assert_eq!(missing.data()["runSchedule"]["errors"], json!([{ "code": "NOT_FOUND" }]));
    kit.app.worker().once().await.unwrap();
    let names = kit.app.graphql(TENANT, None, "{ probe { items { nodes { name } } } }", json!({})).await;
    assert_eq!(names.data()["probe"]["items"]["nodes"], json!([{ "name": "乙" }]));
    let tenant = kit.app.tenant_id(TENANT).await;
    let version = kit.app.app().newest_version("probe").await.unwrap().unwrap();
    let package = kit.app.app().package("probe", &version).await.unwrap();
    let story = consistency::check(kit.app.app(), &kit.app.scope(tenant), &package).await;
    assert_eq!(story.events.iter().filter(|(name, _)| name == "probe.schedule.chime").count(), 2);
    assert_eq!(story.dead, 0);
}

#[actix_web::test]
async fn an_administrator_sees_dead_letters_and_puts_them_back() {
    let kit = Kit::new().await;
    kit.schedule_unknown().await;
    kit.app.worker().once().await.unwrap();
    assert_eq!(kit.ask(Role::Editor, DEAD, json!({})).await.code(), "DENIED");
    let letters = kit.ask(Role::Administrator, DEAD, json!({})).await.data()["deadLetters"].clone();
    assert_eq!(letters.as_array().unwrap().len(), 1);
    assert_eq!((&letters[0]["kind"], &letters[0]["attempts"]), (&json!("unheard-of"), &json!(1)));
    let id = json!({ "id": letters[0]["id"] });
    assert_eq!(kit.ask(Role::Editor, REPLAY, id.clone()).await.code(), "DENIED");
    let done = kit.ask(Role::Administrator, REPLAY, id.clone()).await;
    assert_eq!(done.data()["replayDeadLetter"], json!({ "id": letters[0]["id"], "errors": [] }));
    let again = kit.ask(Role::Administrator, REPLAY, id).await;
    assert_eq!(again.data()["replayDeadLetter"]["errors"], json!([{ "code": "NOT_FOUND", "path": ["id"] }]));
    assert_eq!(kit.ask(Role::Administrator, DEAD, json!({})).await.data()["deadLetters"], json!([]));
}

#[actix_web::test]
async fn an_auditor_alone_reads_the_trail_page_by_page() {
    let kit = Kit::new().await;
    for name in ["chime", "clear", "chime"] {
        kit.ask(Role::Administrator, RUN, json!({ "name": name })).await.data();
    }
    for role in [Role::Administrator, Role::Editor] {
        assert_eq!(kit.ask(role, TRAIL, json!({})).await.code(), "DENIED");
    }
    let (mut seen, mut after) = (Vec::new(), Json::Null);
    loop {
        let page = kit.ask(Role::Auditor, TRAIL, json!({ "first": 2, "after": after })).await;
        let page = page.data()["auditTrail"].clone();
        seen.extend(page["nodes"].as_array().unwrap().clone());
        if page["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    let actions: Vec<_> = seen.iter().rev().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["create", "enable", "run", "run", "run"]);
    for pair in seen.windows(2) {
        assert_eq!(pair[0]["previous"], pair[1]["hash"]);
    }
    let foreign = kit.ask(Role::Auditor, TRAIL, json!({ "after": "x" })).await;
    assert_eq!(foreign.code(), "INVALID_INPUT");
}
