//! GraphQL over HTTP: methods, media types, origins, registered documents, deadlines, and callers who leave.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::AppError;
use sunlit_app::Reading;
use sunlit_app::command::document::add::{self, NewDocument};
use sunlit_app::command::setting::set;
use sunlit_app::query::document_find::hash_of;
use sunlit_domain::id::TenantId;
use sunlit_domain::{Locale, Role};
use sunlit_schema::{Ask, Call, Carries, Execution, Limits, TraceId, Unbounded, execute};
use sunlit_test_support::TestApp;

const TENANT: &str = "900001";
const QUERY: &str = "{ apiVersion }";
const CREATE: &str = "mutation { probeCreateItem(input: { name: \"甲\" }) { record { id } errors { code } } }";

async fn app() -> (TestApp, TenantId) {
    let app = TestApp::start().await;
    let tenant = app.probe_tenant(TENANT).await;
    (app, tenant)
}

fn get(parameters: &[(&str, &str)]) -> TestRequest {
    let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let pairs: Vec<_> = parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    TestRequest::get().uri(&format!("/t/{TENANT}/graphql?{}", pairs.join("&")))
}

fn post(body: &Json) -> TestRequest {
    TestRequest::post().uri(&format!("/t/{TENANT}/graphql")).set_json(body)
}

async fn ask(app: &TestApp, request: TestRequest) -> (StatusCode, Json) {
    let (status, _, body) = app.call(request).await;
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn code(body: &Json) -> &str {
    body["errors"][0]["extensions"]["code"].as_str().unwrap_or("")
}

#[actix_web::test]
async fn get_answers_queries_and_nothing_else() {
    let (app, _) = app().await;
    let (status, body) = ask(&app, get(&[("query", QUERY)])).await;
    assert_eq!((status, &body["data"]["apiVersion"]), (StatusCode::OK, &json!("0.1")));
    assert!(body["extensions"]["cost"]["requested"].as_u64().unwrap() > 0, "{body}");
    assert_eq!(body["extensions"]["cost"]["limit"], json!(10_000));
    for (parameters, expect) in [
        (&[("query", CREATE)][..], (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED")),
        (&[("query", "subscription { probeItemChanged { id } }")], (StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED")),
        (&[("query", QUERY), ("query", QUERY)], (StatusCode::BAD_REQUEST, "INVALID_INPUT")),
        (&[("query", QUERY), ("variables", "[1]")], (StatusCode::BAD_REQUEST, "INVALID_INPUT")),
        (&[("query", QUERY), ("variables", "{")], (StatusCode::BAD_REQUEST, "INVALID_INPUT")),
        (&[("query", QUERY), ("operationName", "No")], (StatusCode::OK, "INVALID_INPUT")),
        (&[("query", "query A { apiVersion } mutation B { x }")], (StatusCode::OK, "INVALID_INPUT")),
        (&[("documentId", "sha256:00")], (StatusCode::OK, "PERSISTED_QUERY_NOT_FOUND")),
    ] {
        let (status, body) = ask(&app, get(parameters)).await;
        assert_eq!((status, code(&body)), expect, "{parameters:?}: {body}");
    }
    let count = app.graphql(TENANT, None, "{ probe { items { totalCount } } }", json!({})).await;
    assert_eq!(count.data()["probe"]["items"]["totalCount"], json!(0), "nothing was written");
}

#[actix_web::test]
async fn only_the_tenants_own_pages_and_allowed_origins_may_ask() {
    let (app, tenant) = app().await;
    let from = |origin: &'static str| {
        get(&[("query", QUERY)]).insert_header(("origin", origin)).insert_header(("host", "own:80"))
    };
    let preflight = |origin: &'static str| {
        TestRequest::with_uri(&format!("/t/{TENANT}/graphql"))
            .method(actix_web::http::Method::OPTIONS)
            .insert_header(("origin", origin))
            .insert_header(("access-control-request-method", "POST"))
    };
    for foreign in ["https://a.example", "null", "https://own", "http://own:8080", ""] {
        let (status, headers, _) = app.call(from(foreign)).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{foreign}");
        assert!(!headers.contains_key("access-control-allow-origin"), "{foreign}");
        assert!(headers.get_all("vary").any(|vary| vary == "Origin"), "{foreign}");
        assert_eq!(app.call(preflight(foreign)).await.0, StatusCode::FORBIDDEN, "{foreign}");
    }
    assert_eq!(app.call(from("https://own:80")).await.0, StatusCode::OK);

    app.set(tenant, "allowed_origins", &json!(["https://a.example"])).await;
    let (status, headers, _) = app.call(from("https://a.example")).await;
    assert_eq!(
        (status, headers.get("access-control-allow-origin").unwrap().to_str().unwrap()),
        (StatusCode::OK, "https://a.example")
    );
    let (status, headers, _) = app.call(preflight("https://a.example")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(headers.get("access-control-allow-headers").unwrap().to_str().unwrap().contains("authorization"));
    assert_eq!(app.call(from("https://b.example")).await.0, StatusCode::FORBIDDEN);

    app.set(tenant, "allowed_origins", &json!(["*"])).await;
    let (status, headers, _) = app.call(preflight("https://b.example")).await;
    assert_eq!(
        (status, headers.get("access-control-allow-origin").unwrap().to_str().unwrap()),
        (StatusCode::NO_CONTENT, "*")
    );
    assert!(!headers.get("access-control-allow-headers").unwrap().to_str().unwrap().contains("authorization"));
    assert!(!headers.contains_key("access-control-allow-credentials"));

    // What one tenant allows, another does not.
    app.probe_tenant("900002").await;
    let other = TestRequest::get()
        .uri("/t/900002/graphql?query=%7BapiVersion%7D")
        .insert_header(("origin", "https://b.example"));
    assert_eq!(app.call(other).await.0, StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn only_an_administrator_sets_what_there_is_to_set() {
    let (app, tenant) = app().await;
    let set = async |scope, name: &str, value: Json| set::run(app.app(), &scope, name, &value).await;
    let anonymous = set(app.scope(tenant), "allowed_origins", json!([])).await;
    assert!(matches!(anonymous, Err(AppError::Unauthenticated)), "{anonymous:?}");
    for (name, value) in
        [("nothing", json!(1)), ("allowed_origins", json!("*")), ("trusted_documents_only", json!("no"))]
    {
        let refused = set(app.administrator(tenant), name, value).await;
        assert!(matches!(refused, Err(AppError::Argument(_))), "{name}: {refused:?}");
    }
}

fn document(text: &str) -> NewDocument {
    NewDocument { name: "version.graphql".to_owned(), text: text.to_owned(), hash: None }
}

#[actix_web::test]
async fn a_registered_document_is_found_by_its_hash() {
    let (app, tenant) = app().await;
    let administrator = app.administrator(tenant);
    let hash = add::run(app.app(), &administrator, &[document(QUERY)]).await.unwrap().pop().unwrap();
    let apollo = |hash: &str| json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    for body in [json!({ "documentId": hash }), json!({ "documentId": format!("sha256:{hash}") }), apollo(&hash)] {
        let (status, answer) = ask(&app, post(&body)).await;
        assert_eq!((status, &answer["data"]["apiVersion"]), (StatusCode::OK, &json!("0.1")), "{body}");
    }
    for (body, expect) in [
        (apollo(&hash_of("{ other }")), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": "../../etc" }), "PERSISTED_QUERY_NOT_FOUND"),
        (json!({ "documentId": hash, "query": "{ __typename }" }), "INVALID_INPUT"),
    ] {
        assert_eq!(code(&ask(&app, post(&body)).await.1), expect, "{body}");
    }
    // A document of one tenant is none of another's.
    app.probe_tenant("900002").await;
    let foreign = TestRequest::post().uri("/t/900002/graphql").set_json(json!({ "documentId": hash }));
    assert_eq!(code(&ask(&app, foreign).await.1), "PERSISTED_QUERY_NOT_FOUND");
}

#[actix_web::test]
async fn where_only_registered_documents_are_trusted_the_anonymous_send_nothing_else() {
    let (app, tenant) = app().await;
    add::run(app.app(), &app.administrator(tenant), &[document(QUERY)]).await.unwrap();
    app.set(tenant, "trusted_documents_only", &json!(true)).await;
    let strange = "{ __typename }";
    let answer = app.graphql(TENANT, None, strange, json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::FORBIDDEN, "DOCUMENT_NOT_TRUSTED"));
    assert_eq!(app.graphql(TENANT, None, QUERY, json!({})).await.data()["apiVersion"], json!("0.1"));
    let token = app.token(tenant, Role::Editor);
    assert_eq!(app.graphql(TENANT, Some(&token), strange, json!({})).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn documents_are_registered_all_or_none_and_so_many() {
    let (app, tenant) = app().await;
    let administrator = app.administrator(tenant);
    let add = async |new: &[NewDocument]| add::run(app.app(), &administrator, new).await;
    let refused = add::run(app.app(), &app.scope(tenant), &[document(QUERY)]).await;
    assert!(matches!(refused, Err(AppError::Unauthenticated)), "{refused:?}");
    let wrong = NewDocument { hash: Some(hash_of("other")), ..document(QUERY) };
    assert!(matches!(add(&[document("{ a }"), wrong]).await, Err(AppError::Argument(_))));
    assert!(matches!(add(&[document(" ")]).await, Err(AppError::Argument(_))));
    assert!(matches!(add(&[document(&"x".repeat(70_000))]).await, Err(AppError::Limit(_))));
    let many: Vec<_> = (0..add::MAX_DOCUMENTS).map(|n| document(&format!("{{ a{n} }}"))).collect();
    assert_eq!(add(&many).await.unwrap().len(), 2_000);
    assert!(matches!(add(&[document("{ one_more }")]).await, Err(AppError::Limit(_))));
    assert_eq!(add(&many[..1]).await.unwrap(), [hash_of("{ a0 }")], "what is registered may be registered again");
    assert_eq!(
        code(&ask(&app, post(&json!({ "documentId": hash_of("{ one_more }") }))).await.1),
        "PERSISTED_QUERY_NOT_FOUND"
    );
}

#[actix_web::test]
async fn the_schema_is_served_with_its_entity_tag() {
    let (app, _) = app().await;
    let fetch = || TestRequest::get().uri(&format!("/t/{TENANT}/graphql/schema.graphql"));
    let (status, headers, body) = app.call(fetch()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(String::from_utf8(body.to_vec()).unwrap().contains("type Subscription"));
    let tag = headers.get("etag").unwrap().clone();
    let (status, _, body) = app.call(fetch().insert_header(("if-none-match", tag))).await;
    assert_eq!((status, body.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(app.call(fetch().insert_header(("if-none-match", "\"other\""))).await.0, StatusCode::OK);
}

#[actix_web::test]
async fn introspection_is_answered_within_the_limits() {
    let (app, _) = app().await;
    let query = "{ __schema { queryType { name } mutationType { name } subscriptionType { name } types { kind name \
                 fields(includeDeprecated: true) { name args { name type { ...T } } type { ...T } } } } } \
                 fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
    let answer = app.graphql(TENANT, None, query, json!({})).await;
    assert_eq!(answer.data()["__schema"]["subscriptionType"]["name"], json!("Subscription"));
}

async fn execute_within(app: &TestApp, tenant: TenantId, query: &str, deadline: Duration) -> Execution {
    let reading = Reading::begin(app.app(), app.scope(tenant), Locale::En).await.unwrap();
    let schema = app.state().schema(reading.context()).await.unwrap();
    let carries = Carries { mutations: true, subscriptions: false };
    let limits = Limits { deadline, ..Limits::ANONYMOUS };
    let ask = Ask { query: Some(query.to_owned()), ..Ask::default() };
    let call = Call { reading, limits, carries, trace: TraceId("trace-1".to_owned()), allowance: Arc::new(Unbounded) };
    execute(&schema, ask, call).await
}

#[actix_web::test]
async fn an_execution_that_takes_too_long_is_given_up() {
    let (app, tenant) = app().await;
    assert!(execute_within(&app, tenant, QUERY, Duration::from_secs(30)).await.failed.is_none());
    // The store's two readers are busy, so that it cannot even begin.
    let scope = app.scope(tenant);
    let store = app.app().stores.open(&scope).await.unwrap();
    let busy = (store.snapshot(&scope).await.unwrap(), store.snapshot(&scope).await.unwrap());
    let given_up = execute_within(&app, tenant, "{ probe { items { totalCount } } }", Duration::ZERO).await;
    drop(busy);
    let body: Json = serde_json::from_str(&given_up.to_json().0).unwrap();
    assert_eq!(code(&body), "UNAVAILABLE");
    assert_eq!(body["errors"][0]["extensions"]["traceId"], json!("trace-1"));
    assert!(body.get("data").is_none(), "{body}");
    let next = execute_within(&app, tenant, QUERY, Duration::from_secs(30)).await;
    assert!(next.failed.is_none());
}

#[actix_web::test]
async fn an_answer_cannot_be_multiplied_without_bound() {
    let (app, tenant) = app().await;
    let token = app.token(tenant, Role::Editor);
    for _ in 0..100 {
        let created = app.graphql(TENANT, Some(&token), CREATE, json!({})).await;
        assert_eq!(created.data()["probeCreateItem"]["errors"], json!([]));
    }
    // One alias of 60,000 letters stands in the answer once for each record.
    let alias = "b".repeat(60_000);
    let lists = |count: usize| -> String {
        let lists = (0..count).map(|n| format!("l{n}: items(first: 100) {{ nodes {{ ...F }} }} "));
        let lists: String = lists.collect();
        format!("{{ probe {{ {lists} }} }} fragment F on Probe_Item {{ {alias}: name }}")
    };
    let answer = app.graphql(TENANT, Some(&token), &lists(1), json!({})).await;
    assert_eq!(answer.data()["probe"]["l0"]["nodes"].as_array().unwrap().len(), 100);
    let answer = app.graphql(TENANT, Some(&token), &lists(3), json!({})).await;
    assert_eq!(answer.code(), "LIMIT_EXCEEDED", "18 MB");
}

/// Polls `work` so many times and then drops it, as a caller does who leaves. Whether it was done by then.
async fn left_after(polls: usize, work: impl Future<Output = ()>) -> bool {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        work.as_mut().poll(context).map(|()| true)
    })
    .await
}

#[actix_web::test]
async fn a_caller_may_leave_at_any_moment() {
    let (app, tenant) = app().await;
    let token = app.token(tenant, Role::Editor);
    let read = "{ probe { items(first: 5) { totalCount nodes { name doubled } } } }";
    for work in [CREATE, read] {
        let mut polls = 0;
        loop {
            let asked = async { drop(app.graphql(TENANT, Some(&token), work, json!({})).await) };
            let done = left_after(polls, asked).await;
            // Writers queue behind one another: a transaction left open would hold this one up until it fails.
            let next =
                tokio::time::timeout(Duration::from_secs(5), app.graphql(TENANT, Some(&token), CREATE, json!({})));
            assert_eq!(next.await.unwrap().data()["probeCreateItem"]["errors"], json!([]), "after {polls} polls");
            if done {
                break;
            }
            polls += 1;
        }
        assert!(polls > 1, "{work} waits {polls} times");
    }
}
