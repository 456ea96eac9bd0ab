//! What is counted over a month: requests, jobs, the time of plugins; over nodes, and told of by mail.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::json;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::account::redeem;
use sunlit_app::command::usage::flush;
use sunlit_domain::Role;
use sunlit_domain::plan::Quota;
use sunlit_domain::value::Month;
use sunlit_storage::tenant::outbox;
use sunlit_test_support::TestApp;

use crate::kit::{OTHER, TENANT, shown, small, start, use_up};

const LIST: &str = "{ probe { items { totalCount } } }";

#[actix_web::test]
async fn beyond_the_months_requests_programs_are_refused_and_people_go_on() {
    let app = start().await;
    let tenant = small(&app).await;
    let security = app.scope_of(tenant, Role::SecurityAdministrator);
    let new = Invitation { email: "li@example.org".to_owned(), name: "李".to_owned(), roles: vec![Role::Editor] };
    let ticket = invite::run(app.app(), &security, &new).await.unwrap().ticket;
    redeem::run(app.app(), &app.state().authority, &app.scope(tenant), (&ticket, "碧水长天-2026x")).await.unwrap();
    for number in 1..=5 {
        let answer = app.graphql(TENANT, None, LIST, json!({})).await;
        assert!(answer.body["errors"].is_null(), "request {number}: {}", answer.body);
    }
    let refused = app.graphql(TENANT, None, LIST, json!({})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "QUOTA_EXCEEDED"), "{}", refused.body);
    assert!(refused.body.to_string().contains("本月请求数已用完"), "{}", refused.body);
    let (status, _, _) = app.call(TestRequest::get().uri(&format!("/t/{TENANT}/records/probe/item.csv"))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    // Pages for citizens stay there, people sign in and work, and the neighbour is not held up.
    assert_eq!(app.page(&format!("/t/{TENANT}/")).await.0, StatusCode::OK);
    let body = json!({ "email": "li@example.org", "password": "碧水长天-2026x" });
    let (status, _, told) =
        app.call(TestRequest::post().uri(&format!("/t/{TENANT}/auth/sign-in")).set_json(body)).await;
    assert_eq!(status, StatusCode::OK, "{told:?}");
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let answer = app.graphql(TENANT, told["accessToken"].as_str(), LIST, json!({})).await;
    assert!(answer.body["errors"].is_null(), "{}", answer.body);
    assert!(app.graphql(OTHER, None, LIST, json!({})).await.body["errors"].is_null());
    assert_eq!(app.app().usage.used(tenant, Quota::Requests), Some(10));
}

#[actix_web::test]
async fn what_was_counted_is_there_after_a_restart_and_written_once() {
    let app = start().await;
    let tenant = small(&app).await;
    for _ in 0..3 {
        app.graphql(TENANT, None, LIST, json!({})).await;
    }
    for _ in 0..2 {
        flush::run(app.app(), &app.state().authority).await.unwrap();
    }
    let again = app.another_node().await;
    assert_eq!(again.app().usage.used(tenant, Quota::Requests), Some(3));
}

#[actix_web::test]
async fn a_plugin_without_time_left_costs_its_own_field_and_no_page() {
    let app = start().await;
    let tenant = small(&app).await;
    let ask = "{ probe { echo(text: \"甲\") items { totalCount } } }";
    let before = app.graphql(TENANT, None, ask, json!({})).await;
    assert_eq!(before.data()["probe"]["echo"], "甲");
    assert!(app.app().usage.used(tenant, Quota::PluginCpu).is_some_and(|seconds| seconds == 0));
    use_up(&app, tenant, "plugin_cpu", 1_000_000).await;
    let after = app.graphql(TENANT, None, ask, json!({})).await;
    assert_eq!((after.status, after.code()), (StatusCode::OK, "QUOTA_EXCEEDED"), "{}", after.body);
    assert_eq!(after.body["data"]["probe"]["items"]["totalCount"], 0, "the rest stands: {}", after.body);
    assert_eq!(shown(&app, tenant, "plugin_cpu").await, ("1".to_owned(), json!("1")));
    assert_eq!(app.page(&format!("/t/{TENANT}/")).await.0, StatusCode::OK);
}

async fn next_due(app: &TestApp) -> Option<sunlit_domain::value::Timestamp> {
    let scope = app.scope(app.tenant_id(TENANT).await);
    let session = app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    outbox::next_due(&scope, &session).await.unwrap()
}

#[actix_web::test]
async fn beyond_the_months_jobs_schedules_wait_for_the_next_and_nothing_is_lost() {
    let app = start().await;
    let tenant = small(&app).await;
    app.worker().once().await.unwrap();
    use_up(&app, tenant, "jobs", 5).await;
    let token = app.token(tenant, Role::Administrator);
    let run = "mutation { runSchedule(package: \"probe\", schedule: \"chime\") { id errors { code } } }";
    assert_eq!(app.graphql(TENANT, Some(&token), run, json!({})).await.data()["runSchedule"]["errors"], json!([]));
    app.worker().once().await.unwrap();
    let until = Month::of(app.app().environment.now()).end().unwrap();
    let scope = app.scope(tenant);
    let session = app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let waiting = outbox::waiting(&scope, &session, "fire").await.unwrap();
    assert_eq!(waiting.len(), 1, "it waits");
    assert_eq!((waiting[0].at.parse(), waiting[0].attempts), (Ok(until), 0));
    drop(session);
    assert!(next_due(&app).await.is_some());
    assert_eq!(outbox_events(&app).await, 0, "nothing was fired");
}

async fn outbox_events(app: &TestApp) -> usize {
    let scope = app.scope(app.tenant_id(TENANT).await);
    let session = app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    outbox::latest(&scope, &session, 100).await.unwrap().len()
}

#[actix_web::test]
async fn administrators_are_told_once_a_level_that_a_plan_is_nearly_used_up() {
    let app = start().await;
    let tenant = small(&app).await;
    let security = app.scope_of(tenant, Role::SecurityAdministrator);
    let new =
        Invitation { email: "xi@example.org".to_owned(), name: "系".to_owned(), roles: vec![Role::Administrator] };
    let ticket = invite::run(app.app(), &security, &new).await.unwrap().ticket;
    redeem::run(app.app(), &app.state().authority, &app.scope(tenant), (&ticket, "碧水长天-2026x")).await.unwrap();
    let waiting = async || {
        let scope = app.scope(tenant);
        let session = app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        outbox::waiting(&scope, &session, "usage-mail").await.unwrap()
    };
    use_up(&app, tenant, "requests", 2).await;
    assert_eq!(waiting().await.len(), 0, "three of five");
    use_up(&app, tenant, "requests", 0).await;
    assert_eq!(waiting().await.len(), 1, "four of five");
    app.app().usage.request(tenant);
    flush::run(app.app(), &app.state().authority).await.unwrap();
    let told = waiting().await;
    assert_eq!(told.len(), 2, "all of them");
    // Neither the same process nor another one tells it again.
    use_up(&app, tenant, "requests", 9).await;
    let node = app.another_node().await;
    node.app().usage.request(tenant);
    flush::run(node.app(), &node.state().authority).await.unwrap();
    assert_eq!(waiting().await.len(), 2);
}

mod on_postgres {
    use super::*;

    #[actix_web::test]
    async fn a_quota_holds_over_nodes() {
        let app = start().await;
        let tenant = small(&app).await;
        let other = app.another_node().await;
        for _ in 0..3 {
            app.graphql(TENANT, None, LIST, json!({})).await;
        }
        other.graphql(TENANT, None, LIST, json!({})).await;
        for node in [&app, &other] {
            flush::run(node.app(), &node.state().authority).await.unwrap();
        }
        assert_eq!(other.app().usage.used(tenant, Quota::Requests), Some(4));
        assert!(other.graphql(TENANT, None, LIST, json!({})).await.body["errors"].is_null(), "the fifth");
        assert_eq!(other.graphql(TENANT, None, LIST, json!({})).await.code(), "QUOTA_EXCEEDED");
        // What one was refused, the other refuses after an interval.
        flush::run(other.app(), &other.state().authority).await.unwrap();
        app.graphql(TENANT, None, LIST, json!({})).await;
        flush::run(app.app(), &app.state().authority).await.unwrap();
        assert_eq!(app.graphql(TENANT, None, LIST, json!({})).await.code(), "QUOTA_EXCEEDED");
    }
}
