//! Creating, changing and deleting records through the API: payloads, rights, locks, audit and outbox.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value as Json, json};
use sunlit_domain::Role;
use sunlit_storage::tenant::{audit, outbox};
use sunlit_test_support::{Answer, TestApp};

const TENANT: &str = "900001";
const CREATE: &str = "mutation($input: Probe_ItemCreate!) { probeCreateItem(input: $input) \
                      { record { id version name number doubled } errors { code message path } } }";
const UPDATE: &str = "mutation($id: ID!, $version: Int!, $input: Probe_ItemUpdate!) \
                      { probeUpdateItem(id: $id, version: $version, input: $input) \
                      { record { version name number } errors { code path } } }";
const DELETE: &str = "mutation($id: ID!, $version: Int!) { probeDeleteItem(id: $id, version: $version) \
                      { record { name } errors { code path } } }";

struct Kit {
    app: TestApp,
    token: String,
}

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.probe_tenant(TENANT).await;
        app.probe_tenant("900002").await;
        let token = app.token(tenant, Role::Editor);
        Self { app, token }
    }

    async fn write(&self, query: &str, variables: Json) -> Answer {
        self.app.graphql(TENANT, Some(&self.token), query, variables).await
    }

    async fn create(&self, name: &str, number: i64) -> Json {
        let answer = self.write(CREATE, json!({ "input": { "name": name, "number": number } })).await;
        answer.data()["probeCreateItem"]["record"].clone()
    }

    async fn trail(&self) -> (Vec<String>, Vec<String>) {
        let scope = self.app.scope(self.app.tenant_id(TENANT).await);
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let audit = audit::latest(&scope, &session, 100).await.unwrap();
        let events = outbox::latest(&scope, &session, 100).await.unwrap();
        let written = audit.into_iter().filter(|row| row.subject == "probe.item").map(|row| row.action).collect();
        (written, events.into_iter().map(|row| row.name).collect())
    }

    async fn count(&self) -> i64 {
        let answer = self.app.graphql(TENANT, None, "{ probe { items { totalCount } } }", json!({})).await;
        answer.data()["probe"]["items"]["totalCount"].as_i64().unwrap()
    }
}

#[actix_web::test]
async fn a_record_is_created_changed_and_deleted_with_its_trail() {
    let kit = Kit::new().await;
    let record = kit.create("甲", 21).await;
    assert_eq!((&record["version"], &record["doubled"]), (&json!(1), &json!(42)));
    let id = record["id"].clone();
    let changed = kit.write(UPDATE, json!({ "id": id, "version": 1, "input": { "number": 5 } })).await;
    let expect = json!({ "record": { "version": 2, "name": "甲", "number": 5 }, "errors": [] });
    assert_eq!(changed.data()["probeUpdateItem"], expect);
    let stale = kit.write(UPDATE, json!({ "id": id, "version": 1, "input": { "number": 6 } })).await;
    assert_eq!(stale.data()["probeUpdateItem"]["errors"], json!([{ "code": "CONFLICT", "path": ["version"] }]));
    let deleted = kit.write(DELETE, json!({ "id": id, "version": 2 })).await;
    assert_eq!(deleted.data()["probeDeleteItem"]["record"], json!({ "name": "甲" }));
    let again = kit.write(DELETE, json!({ "id": id, "version": 2 })).await;
    assert_eq!(again.data()["probeDeleteItem"]["errors"], json!([{ "code": "NOT_FOUND", "path": ["id"] }]));
    let (audit, events) = kit.trail().await;
    assert_eq!(audit, ["delete", "update", "create"]);
    assert_eq!(events, ["probe.item.deleted", "probe.item.updated", "probe.item.created"]);
}

#[actix_web::test]
async fn what_is_not_acceptable_is_told_by_field_and_leaves_nothing() {
    let kit = Kit::new().await;
    let long = "长".repeat(61);
    let answer = kit.write(CREATE, json!({ "input": { "name": long, "number": 1 } })).await;
    let errors = &answer.data()["probeCreateItem"]["errors"];
    assert_eq!(errors[0]["code"], json!("INVALID_INPUT"));
    assert_eq!(errors[0]["path"], json!(["input", "name"]));
    assert_eq!(errors[0]["message"], json!("“名称”最多 60 个字"));
    assert_eq!((kit.count().await, kit.trail().await.0.len()), (0, 0));
}

#[actix_web::test]
async fn who_may_not_write_is_refused() {
    let kit = Kit::new().await;
    let input = json!({ "input": { "name": "乙", "number": 1 } });
    let anonymous = kit.app.graphql(TENANT, None, CREATE, input.clone()).await;
    assert_eq!(anonymous.code(), "UNAUTHENTICATED");
    let citizen = kit.app.token(kit.app.tenant_id(TENANT).await, Role::Citizen);
    assert_eq!(kit.app.graphql(TENANT, Some(&citizen), CREATE, input).await.code(), "DENIED");
    assert_eq!(kit.count().await, 0);
}

#[actix_web::test]
async fn another_tenants_record_is_not_found() {
    let kit = Kit::new().await;
    let id = kit.create("甲", 1).await["id"].clone();
    let neighbour = kit.app.tenant_id("900002").await;
    let token = kit.app.token(neighbour, Role::Editor);
    let read = "query($id: ID!) { probe { item(id: $id) { name } items { totalCount } } }";
    let answer = kit.app.graphql("900002", Some(&token), read, json!({ "id": id })).await;
    assert_eq!(answer.data()["probe"], json!({ "item": null, "items": { "totalCount": 0 } }));
    let change = json!({ "id": id, "version": 1, "input": { "number": 9 } });
    let answer = kit.app.graphql("900002", Some(&token), UPDATE, change).await;
    assert_eq!(answer.data()["probeUpdateItem"]["errors"], json!([{ "code": "NOT_FOUND", "path": ["id"] }]));
    let answer = kit.app.graphql("900002", Some(&token), DELETE, json!({ "id": id, "version": 1 })).await;
    assert_eq!(answer.data()["probeDeleteItem"]["errors"], json!([{ "code": "NOT_FOUND", "path": ["id"] }]));
    assert_eq!(kit.count().await, 1);
}

#[actix_web::test]
async fn one_call_computes_a_field_for_a_page_of_records() {
    let kit = Kit::new().await;
    for n in 0..30 {
        kit.create(&format!("n{n:02}"), n).await;
    }
    let query = "{ probe { items(first: 30, order: [NAME_ASC]) { nodes { number doubled } } } }";
    let answer = kit.app.graphql(TENANT, None, query, json!({})).await;
    let nodes = answer.data()["probe"]["items"]["nodes"].as_array().unwrap().clone();
    assert_eq!(nodes.len(), 30);
    for (n, node) in nodes.iter().enumerate() {
        assert_eq!((&node["number"], &node["doubled"]), (&json!(n), &json!(2 * n)));
    }
}
