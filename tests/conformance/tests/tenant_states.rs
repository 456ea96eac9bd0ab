//! Tenants that are read-only or suspended: what they answer, what waits, and that others go on.
#![expect(clippy::unwrap_used, reason = "tests")]

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::json;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::tenant::set_state;
use sunlit_domain::Role;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::tenant::outbox;
use sunlit_test_support::{Answer, PROBE_GRANTS, TestApp};

const TENANT: &str = "900001";
const OTHER: &str = "900002";
const LIST: &str = "{ probe { items { totalCount } } }";

async fn create(app: &TestApp, slug: &str) -> Answer {
    let token = app.token(app.tenant_id(slug).await, Role::Editor);
    app.create_item(slug, &token, "甲").await
}

async fn events(app: &TestApp, slug: &str) -> usize {
    let scope = app.scope(app.tenant_id(slug).await);
    let session = app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    outbox::latest(&scope, &session, 100).await.unwrap().len()
}

#[actix_web::test]
async fn a_tenant_that_is_read_only_is_read_and_nothing_in_it_changes() {
    let app = TestApp::start().await;
    publish::run(app.app(), include_str!("files/desk.toml").to_owned(), None, Existing::Keep).await.unwrap();
    let tenant = app.tenant(TENANT, &[("probe", &PROBE_GRANTS), ("desk", &[])]).await;
    app.probe_tenant(OTHER).await;
    assert!(create(&app, TENANT).await.is_acknowledged());
    let token = app.token(tenant, Role::Administrator);
    let run = "mutation { runSchedule(package: \"probe\", schedule: \"chime\") { id errors { code } } }";
    assert_eq!(app.graphql(TENANT, Some(&token), run, json!({})).await.data()["runSchedule"]["errors"], json!([]));
    let before = events(&app, TENANT).await;
    set_state::run(app.app(), &app.administrator(tenant), TenantState::ReadOnly).await.unwrap();
    assert_eq!(app.graphql(TENANT, None, LIST, json!({})).await.data()["probe"]["items"]["totalCount"], json!(1));
    assert!(app.page(&format!("/t/{TENANT}/")).await.0.is_success());
    let refused = create(&app, TENANT).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::OK, "READ_ONLY"), "{}", refused.body);
    let editor = app.token(tenant, Role::Editor);
    let paths = [("files?name=a.csv", "text/csv"), ("records/probe/item?format=csv", "text/csv")];
    for (path, media) in paths {
        let request = TestRequest::post().uri(&format!("/t/{TENANT}/{path}")).insert_header(("content-type", media));
        let request = request.insert_header(("authorization", format!("Bearer {editor}"))).set_payload("name\n乙\n");
        let (status, _, body) = app.call(request).await;
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(status == StatusCode::FORBIDDEN && text.contains("READ_ONLY"), "{path}: {status} {text}");
    }
    // Its jobs wait; the neighbour's do not.
    assert!(create(&app, OTHER).await.is_acknowledged());
    app.worker().once().await.unwrap();
    assert_eq!(events(&app, TENANT).await, before);
    set_state::run(app.app(), &app.administrator(tenant), TenantState::Active).await.unwrap();
    app.worker().once().await.unwrap();
    assert_eq!(events(&app, TENANT).await, before + 1);
    assert!(create(&app, TENANT).await.is_acknowledged());
}

#[actix_web::test]
async fn a_suspended_tenant_says_so_to_everybody_and_keeps_what_it_has() {
    let app = TestApp::start().await;
    let tenant = app.probe_tenant(TENANT).await;
    app.probe_tenant(OTHER).await;
    assert!(create(&app, TENANT).await.is_acknowledged());
    set_state::run(app.app(), &app.administrator(tenant), TenantState::Suspended).await.unwrap();
    for answer in [app.graphql(TENANT, None, LIST, json!({})).await, create(&app, TENANT).await] {
        assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "SUSPENDED"), "{}", answer.body);
    }
    let (status, page) = app.page(&format!("/t/{TENANT}/")).await;
    assert!(
        status == StatusCode::SERVICE_UNAVAILABLE && page.contains("本站暂停服务") && page.contains("12345"),
        "{status} {page}"
    );
    assert!(!page.contains("返回首页"), "its home is no way on: {page}");
    assert_eq!(app.graphql(OTHER, None, LIST, json!({})).await.status, StatusCode::OK);
    set_state::run(app.app(), &app.administrator(tenant), TenantState::Active).await.unwrap();
    assert_eq!(app.graphql(TENANT, None, LIST, json!({})).await.data()["probe"]["items"]["totalCount"], json!(1));
}
