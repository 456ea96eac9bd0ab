//! Requests that are too deep, too wide, too large, malformed, or for nobody: refused with a clear error, and the server
//! goes on.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_domain::Role;
use sunlit_test_support::TestApp;

const DISTRICT: &str = "610112";

async fn app() -> TestApp {
    let app = TestApp::start().await;
    app.provision(DISTRICT).await;
    app
}

#[actix_web::test]
async fn a_typed_query_answers_with_filter_computed_field_and_cursor() {
    let app = app().await;
    let query = "query($after: String) { streetCards { streets(first: 5, after: $after, order: [CODE_ASC], \
                 filter: { sample: { eq: true } }) { totalCount nodes { code name nearbyServicePoints } \
                 pageInfo { hasNextPage endCursor } } } }";
    let (mut after, mut codes) = (Json::Null, Vec::new());
    loop {
        let answer = app.graphql(DISTRICT, None, query, json!({ "after": after })).await;
        let streets = &answer.data()["streetCards"]["streets"];
        assert_eq!(streets["totalCount"], json!(12));
        for node in streets["nodes"].as_array().unwrap() {
            codes.push(node["code"].as_str().unwrap().to_owned());
            assert!((1..=3).contains(&node["nearbyServicePoints"].as_i64().unwrap()), "{node}");
        }
        after = streets["pageInfo"]["endCursor"].clone();
        if streets["pageInfo"]["hasNextPage"] == json!(false) {
            break;
        }
    }
    let expect: Vec<_> = (1..=12).map(|n| format!("{DISTRICT}{n:03}")).collect();
    assert_eq!(codes, expect);
}

#[actix_web::test]
async fn what_is_walkable_is_sorted_by_distance_and_leads_to_records() {
    let app = app().await;
    let query = "{ streetCards { walkable(from: { lat: 34.344166, lng: 108.908184 }, minutes: 30) \
                 { metres minutes servicePoint { name kind street { code } } } } }";
    let answer = app.graphql(DISTRICT, None, query, json!({})).await;
    let walks = answer.data()["streetCards"]["walkable"].as_array().unwrap().clone();
    assert!(walks.len() >= 2, "{walks:?}");
    let metres: Vec<_> = walks.iter().map(|walk| walk["metres"].as_i64().unwrap()).collect();
    assert!(metres.is_sorted());
    assert_eq!(walks[0]["servicePoint"]["street"]["code"], json!("610112001"));
    let none = query.replace("minutes: 30", "minutes: 0");
    assert_eq!(app.graphql(DISTRICT, None, &none, json!({})).await.code(), "INVALID_INPUT");
}

#[actix_web::test]
async fn a_document_past_a_limit_is_refused_as_a_whole() {
    let app = app().await;
    let nested = |n: usize| format!("{}{}", "{ a ".repeat(n), "}".repeat(n));
    let aliases: String = (0..31).map(|n| format!("x{n}: apiVersion ")).collect();
    let bomb: String = (0..19).map(|n| format!("fragment F{n} on Query {{ ...F{} ...F{} }} ", n + 1, n + 1)).collect();
    let cases = [
        (nested(2_000), "LIMIT_EXCEEDED"),
        (nested(13), "LIMIT_EXCEEDED"),
        (format!("{{ {aliases} }}"), "LIMIT_EXCEEDED"),
        (format!("{{ {} }}", "apiVersion ".repeat(2_001)), "TOO_LARGE"),
        (format!("{{ {} }}", "a ".repeat(2_001)), "LIMIT_EXCEEDED"),
        (format!("{{ ...F0 }} {bomb} fragment F19 on Query {{ apiVersion }}"), "LIMIT_EXCEEDED"),
        ("{ ...F } fragment F on Query { ...F }".to_owned(), "LIMIT_EXCEEDED"),
        (
            "{ streetCards { streets(first: 100) { nodes { id id id id } } } }"
                .replace("id id id id", &"id ".repeat(120)),
            "LIMIT_EXCEEDED",
        ),
        ("{ nothing }".to_owned(), "INVALID_INPUT"),
        ("{ streetCards { streets(first: 5".to_owned(), "INVALID_INPUT"),
        ("{ streetCards { streets(filter: { phone: { eq: \"1\" } }) { totalCount } } }".to_owned(), "INVALID_INPUT"),
        ("{ streetCards { streets(order: [PHONE_ASC]) { totalCount } } }".to_owned(), "INVALID_INPUT"),
    ];
    for (document, code) in cases {
        let answer = app.graphql(DISTRICT, None, &document, json!({})).await;
        let short: String = document.chars().take(60).collect();
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code), "{short}: {}", answer.body);
        assert!(answer.body.get("data").is_none(), "{short}: {}", answer.body);
    }
    let answer = app.graphql(DISTRICT, None, "{ apiVersion }", json!({})).await;
    assert_eq!(answer.data()["apiVersion"], json!("0.1"));
}

#[actix_web::test]
async fn an_argument_past_its_bound_fails_its_field() {
    let app = app().await;
    for (arguments, code) in [
        ("first: 101", "LIMIT_EXCEEDED"),
        ("first: 0", "LIMIT_EXCEEDED"),
        ("first: -1", "LIMIT_EXCEEDED"),
        ("after: \"bm9uc2Vuc2U\"", "INVALID_INPUT"),
        ("filter: { name: { eq: null } }", "INVALID_INPUT"),
        ("filter: { at: { within: { south: 2, west: 1, north: 1, east: 2 } } }", "INVALID_INPUT"),
    ] {
        let query = format!("{{ apiVersion streetCards {{ streets({arguments}) {{ totalCount }} }} }}");
        let answer = app.graphql(DISTRICT, None, &query, json!({})).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::OK, code), "{arguments}: {}", answer.body);
    }
    let first = "{ streetCards { streets(first: 1, order: [CODE_ASC]) { pageInfo { endCursor } } } }";
    let answer = app.graphql(DISTRICT, None, first, json!({})).await;
    let cursor = answer.data()["streetCards"]["streets"]["pageInfo"]["endCursor"].clone();
    let other = "query($after: String) { streetCards { streets(after: $after, order: [NAME_ASC]) { totalCount } } }";
    let answer = app.graphql(DISTRICT, None, other, json!({ "after": cursor })).await;
    assert_eq!(answer.code(), "INVALID_INPUT", "a cursor of another order: {}", answer.body);
}

#[actix_web::test]
async fn a_body_that_is_no_request_is_refused_before_it_is_read_further() {
    let app = app().await;
    let uri = format!("/t/{DISTRICT}/graphql");
    let post = |content_type: &'static str, body: Vec<u8>| {
        TestRequest::post().uri(&uri).insert_header(("content-type", content_type)).set_payload(body)
    };
    let check = async |request: TestRequest, status: StatusCode, code: &str| {
        let (found, _, body) = app.call(request).await;
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!((found, body["errors"][0]["extensions"]["code"].as_str().unwrap()), (status, code), "{body}");
    };
    let large = format!("{{\"query\":\"{}\"}}", "x".repeat(300_000)).into_bytes();
    check(post("application/json", large), StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE").await;
    check(post("application/json", b"{".to_vec()), StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    check(post("application/json", b"{}".to_vec()), StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    check(post("application/json", "[".repeat(5_000).into_bytes()), StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    let deep =
        format!("{{\"query\":\"{{ apiVersion }}\",\"variables\":{{\"x\":{}{}}}}}", "[".repeat(200), "]".repeat(200));
    check(post("application/json", deep.into_bytes()), StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    check(post("application/json; charset=gbk", b"{}".to_vec()), StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED")
        .await;
    check(post("application/json", vec![0xFF, 0xFE]), StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    let query = br#"{"query":"{ apiVersion }"}"#.to_vec();
    for foreign in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        check(post(foreign, query.clone()), StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED").await;
    }
    let strange = post("application/json", query.clone()).insert_header(("accept", "image/png"));
    check(strange, StatusCode::NOT_ACCEPTABLE, "UNSUPPORTED").await;
    check(TestRequest::get().uri(&uri), StatusCode::BAD_REQUEST, "INVALID_INPUT").await;
    check(TestRequest::delete().uri(&uri), StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED").await;
    let (status, _, _) = app.call(post("application/json; charset=utf-8", query)).await;
    assert_eq!(status, StatusCode::OK);
}

#[actix_web::test]
async fn an_unknown_tenant_is_not_found() {
    let app = app().await;
    let long = "9".repeat(300);
    for slug in ["999999", "610113", "61011%EF%BC%92", "%2e%2e", "610112%00", long.as_str()] {
        let answer = app.graphql(slug, None, "{ apiVersion }", json!({})).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "NOT_FOUND"), "{slug}");
        assert_eq!(app.page(&format!("/t/{slug}/")).await.0, StatusCode::NOT_FOUND, "{slug}");
    }
    let host = |host: &'static str| TestRequest::get().uri("/p/street-cards/").insert_header(("host", host));
    assert_eq!(app.call(host("weiyang.localhost:8080")).await.0, StatusCode::OK);
    for foreign in ["weiyang.localhost.evil.example", "xweiyang.localhost", "weiyang", "", "localhost"] {
        assert_eq!(app.call(host(foreign)).await.0, StatusCode::NOT_FOUND, "{foreign}");
    }
    let forwarded = host("localhost").insert_header(("x-forwarded-host", "weiyang.localhost"));
    assert_eq!(app.call(forwarded).await.0, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_token_of_one_tenant_is_worthless_at_another() {
    let app = app().await;
    let city = app.tenant_id("610100").await;
    let foreign = app.token(city, Role::Editor);
    let answer = app.graphql(DISTRICT, Some(&foreign), "{ apiVersion }", json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    for nonsense in ["", "x", "a.b.c"] {
        let answer = app.graphql(DISTRICT, Some(nonsense), "{ apiVersion }", json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{nonsense}");
    }
}

#[actix_web::test]
async fn pages_and_answers_carry_their_protection() {
    let app = app().await;
    let (_, headers, _) = app.call(TestRequest::get().uri(&format!("/t/{DISTRICT}/p/street-cards/"))).await;
    let policy = headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(headers.get("x-content-type-options").unwrap(), "nosniff");
    assert_eq!(headers.get("x-frame-options").unwrap(), "DENY");
    let hostile = TestRequest::get().uri(&format!("/t/{DISTRICT}/preferences?fs=3&back=%2F%2Fevil.example"));
    let (status, headers, _) = app.call(hostile).await;
    assert_eq!((status, headers.get("location").unwrap().to_str().unwrap()), (StatusCode::SEE_OTHER, "/"));
}

#[actix_web::test]
async fn a_document_that_would_multiply_is_refused_at_once() {
    let app = app().await;
    let tower = |width: usize| -> String {
        let floor =
            |n: usize| format!("fragment F{n} on StreetCards {{ {} }} ", format!("...F{} ", n + 1).repeat(width));
        (0..18).map(floor).chain(["fragment F18 on StreetCards { ...Nope }".to_owned()]).collect()
    };
    let variable = json!({ "f": { "or": vec![json!({}); 3_000] } });
    let uses = format!(
        "query($f: StreetCards_StreetFilter!) {{ streetCards {{ streets(filter: {{ or: [{}] }}) {{ totalCount }} }} }}",
        "$f ".repeat(100)
    );
    let calls: String = (0..9)
        .map(|n| format!("w{n}: walkable(from: {{ lat: 34.3, lng: 108.9 }}, minutes: 1) {{ metres }} "))
        .collect();
    let roots = "apiVersion ".repeat(11);
    let listed = json!({ "v": vec!["x"; 600] });
    let lists = "query($v: [String!]) { streetCards { streets(filter: { or: [{ name: { in: $v } }, { code: { in: $v } }] }) { totalCount } } }";
    for (document, variables, code) in [
        (format!("{{ streetCards {{ ...F0 }} }} {}", tower(4)), json!({}), "LIMIT_EXCEEDED"),
        (
            format!("{{ ...{{ ...{{ ...{{ ...{{ ...F }} }} }} }} }} fragment F on Query {{ {roots} }}"),
            json!({}),
            "LIMIT_EXCEEDED",
        ),
        (uses, variable, "LIMIT_EXCEEDED"),
        (format!("{{ streetCards {{ {calls} }} }}"), json!({}), "LIMIT_EXCEEDED"),
        (lists.to_owned(), listed, "INVALID_INPUT"),
    ] {
        let answer = app.graphql(DISTRICT, None, &document, variables).await;
        let short: String = document.chars().take(60).collect();
        assert_eq!(answer.code(), code, "{short}: {}", answer.body);
    }
}
