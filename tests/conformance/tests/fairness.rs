//! Whoever asks for more than is given waits, and nobody else does.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::SystemEnvironment;
use sunlit_app::command::tenant::set_plan;
use sunlit_domain::Role;
use sunlit_domain::id::{PlanId, TenantId};
use sunlit_domain::plan::{Plan, Plans};
use sunlit_tenants::plans;
use sunlit_test_support::TestApp;

const STORMED: &str = "900001";
const CALM: &str = "900002";
const TIGHT: &str = r#"
id = "tight"
name = { zh = "紧" }
summary = { zh = "紧" }
[limits]
cost_per_second = 30
cost_burst = 12_000
caller_cost_per_second = 30
caller_cost_burst = 10_000
requests_at_once = 1
"#;
/// Costs about 2,000.
const COSTLY: &str = "{ probe { a: items(first: 100) { nodes { id name } } b: items(first: 100) { nodes { id name } } \
                      c: items(first: 100) { nodes { id name } } d: items(first: 100) { nodes { id name } } \
                      e: items(first: 100) { nodes { id name } } f: items(first: 100) { nodes { id name } } } }";

/// A tenant with little, and its neighbour.
async fn start() -> (TestApp, TenantId) {
    let plan = Plan::parse("tight.toml", TIGHT).map_err(|errors| errors.to_string()).unwrap();
    let app = TestApp::start_configured(Arc::new(SystemEnvironment), |config| {
        let carried = plans(None, &PlanId::standard()).unwrap();
        let all: Vec<_> = carried.all().map(|plan| Plan::clone(plan)).chain([plan]).collect();
        config.plans = Plans::new(all, &PlanId::standard()).unwrap();
    })
    .await;
    let tenant = app.probe_tenant(STORMED).await;
    app.probe_tenant(CALM).await;
    set_plan::run(app.app(), &app.administrator(tenant), &"tight".parse().unwrap()).await.unwrap();
    (app, tenant)
}

fn from(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 4_000))
}

fn asks(slug: &str, query: &str, last: u8) -> TestRequest {
    let body = json!({ "query": query });
    TestRequest::post().uri(&format!("/t/{slug}/graphql")).peer_addr(from(last)).set_json(body)
}

/// Asks until it is refused: how often it was answered before.
async fn until_refused(app: &TestApp, last: u8) -> usize {
    for answered in 0..100 {
        let (status, headers, body) = app.call(asks(STORMED, COSTLY, last)).await;
        if status == StatusCode::OK {
            continue;
        }
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
        let wait: u64 = headers.get(header::RETRY_AFTER).unwrap().to_str().unwrap().parse().unwrap();
        assert!((1..=120).contains(&wait), "{wait}");
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], json!("RATE_LIMITED"));
        assert!(body["errors"][0]["message"].as_str().unwrap().contains("请求过于频繁"), "{body}");
        assert_eq!(body.get("data"), None);
        return answered;
    }
    panic!("nothing is refused");
}

#[actix_web::test]
async fn a_caller_who_asks_for_too_much_is_told_when_to_ask_again() {
    let (app, tenant) = start().await;
    let answered = until_refused(&app, 1).await;
    assert!((2..=20).contains(&answered), "{answered}");
    // A little is soon there again.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(app.call(asks(STORMED, "{ __typename }", 1)).await.0, StatusCode::OK);
    // Another caller has its own; together they have the tenant's.
    assert_eq!(app.call(asks(STORMED, "{ probe { items { totalCount } } }", 2)).await.0, StatusCode::OK);
    assert!(until_refused(&app, 2).await < answered, "the tenant's own is used up");
    // Of whoever has a key or a token as of anybody else.
    let token = app.token(tenant, Role::Editor);
    let signed = asks(STORMED, COSTLY, 3).insert_header((header::AUTHORIZATION, format!("Bearer {token}")));
    assert_eq!(app.call(signed).await.0, StatusCode::TOO_MANY_REQUESTS);
    // The neighbour does not notice.
    for _ in 0..answered * 2 {
        assert_eq!(app.call(asks(CALM, COSTLY, 1)).await.0, StatusCode::OK);
    }
}

#[actix_web::test]
async fn people_are_told_on_a_page_and_programs_by_a_problem() {
    let (app, _) = start().await;
    until_refused(&app, 1).await;
    let mut seen = None;
    for _ in 0..200 {
        let (status, headers, body) =
            app.call(TestRequest::get().uri(&format!("/t/{STORMED}/")).peer_addr(from(1))).await;
        if status != StatusCode::OK {
            seen = Some((status, headers, body));
            break;
        }
    }
    let (status, headers, body) = seen.unwrap();
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key(header::RETRY_AFTER));
    assert!(page.contains("请求过于频繁") && page.contains("<html"), "{page}");
    let path = format!("/t/{STORMED}/files?name=a.txt");
    let (status, headers, body) = app.call(TestRequest::post().uri(&path).peer_addr(from(1)).set_payload("a")).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(headers.contains_key(header::RETRY_AFTER));
    assert_eq!(serde_json::from_slice::<Json>(&body).unwrap()["code"], json!("RATE_LIMITED"));
}

#[actix_web::test]
async fn whoever_guesses_is_charged() {
    let (app, _) = start().await;
    let mut seen = Vec::new();
    for number in 0..600 {
        let page = TestRequest::get().uri(&format!("/t/{STORMED}/p/probe")).peer_addr(from(1));
        let guessed = page.insert_header((header::AUTHORIZATION, format!("Bearer guess-{number}")));
        let status = app.call(guessed).await.0;
        if seen.last() != Some(&status) {
            seen.push(status);
        }
    }
    assert_eq!(seen.first(), Some(&StatusCode::UNAUTHORIZED));
    assert!(seen.contains(&StatusCode::TOO_MANY_REQUESTS), "{seen:?}");
}

#[actix_web::test]
async fn an_address_tries_to_sign_in_only_so_often() {
    let (app, _) = start().await;
    let attempt = |last: u8, slug: &str| {
        TestRequest::default()
            .method(Method::POST)
            .uri(&format!("/t/{slug}/auth/refresh"))
            .peer_addr(from(last))
            .set_json(json!({ "refreshToken": "none" }))
    };
    let mut refused = 0;
    for _ in 0..260 {
        let (status, headers, _) = app.call(attempt(1, CALM)).await;
        match status {
            StatusCode::UNAUTHORIZED => {}
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(headers.contains_key(header::RETRY_AFTER));
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(refused >= 20, "{refused}");
    assert_eq!(app.call(attempt(2, CALM)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(app.call(attempt(1, STORMED)).await.0, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn requests_beyond_the_places_wait_and_too_many_do_not() {
    let (app, tenant) = start().await;
    // Both readers are busy: whoever has the one place waits for one of them.
    let scope = app.scope(tenant);
    let store = app.app().stores.open(&scope).await.unwrap();
    let busy = (store.snapshot(&scope).await.unwrap(), store.snapshot(&scope).await.unwrap());
    let small = "{ probe { items { totalCount } } }";
    let waiting: Vec<_> = (0..9).map(|last| Box::pin(app.call(asks(STORMED, small, last + 1)))).collect();
    let mut waiting = futures_util::future::join_all(waiting);
    for _ in 0..50 {
        assert!(futures_util::poll!(&mut waiting).is_pending());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (status, headers, _) = app.call(asks(STORMED, small, 100)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS, "eight wait for one place, not nine");
    assert!(headers.contains_key(header::RETRY_AFTER));
    assert_eq!(app.call(asks(CALM, small, 100)).await.0, StatusCode::OK, "the neighbour has its own places");
    drop(busy);
    assert!(waiting.await.into_iter().all(|(status, _, _)| status == StatusCode::OK));
}
