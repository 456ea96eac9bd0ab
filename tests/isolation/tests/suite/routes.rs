//! Another tenant's things on every route, and its token at every door. The cases are held against the route table, so that a
//! new route cannot be forgotten.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value as Json, json};

use crate::kit::{Kit, Side, fresh_id};
use crate::people;
use crate::swap::listed;

const ROUTES: &str = include_str!("../../../../graphql/server/src/http.rs");

/// What is sent to a route.
pub(crate) enum Trial {
    /// A request that names a thing: another tenant's is nobody's, and one's own is another matter.
    Names { make: Box<dyn Fn(&str) -> TestRequest>, own: String, theirs: String },
    /// A request with another tenant's token.
    TheirToken(TestRequest),
    /// A request that asks neither who comes nor for anything of theirs, with the status of its answer.
    Open(TestRequest, StatusCode),
}

#[actix_web::test]
async fn no_route_leads_to_another_tenants_things() {
    let kit = Kit::new().await;
    let mut uncovered = Vec::new();
    for (route, method) in routes() {
        let trials = trials(&kit, &route, method);
        if trials.is_empty() {
            uncovered.push(format!("{method} {route}"));
        }
        for trial in trials {
            let (status, text) = match trial {
                Trial::Names { make, own, theirs } => {
                    let nobody = fresh_id().to_string();
                    let nobodys = fetch(&kit, make(&nobody), &nobody).await;
                    let asked = fetch(&kit, make(&theirs), &theirs).await;
                    assert_eq!(asked, nobodys, "{method} {route}");
                    assert_ne!(fetch(&kit, make(&own), &own).await, nobodys, "{method} {route}: one's own {own}");
                    asked
                }
                Trial::TheirToken(request) => {
                    let answer = fetch(&kit, request.insert_header(bearer(&kit.other)), "…").await;
                    assert_eq!(answer.0, StatusCode::UNAUTHORIZED, "{method} {route}: {answer:?}");
                    answer
                }
                Trial::Open(request, expect) => {
                    let answer = fetch(&kit, request, "…").await;
                    assert_eq!(answer.0, expect, "{method} {route}: {answer:?}");
                    answer
                }
            };
            assert!(!text.contains(&kit.other.canary), "{method} {route}: {status} {text}");
        }
    }
    assert_eq!(uncovered, listed("route"), "routes that no case covers");
}

/// What stands in the route table below a tenant's address, with each method.
fn routes() -> BTreeSet<(String, &'static str)> {
    let table = ROUTES.split_once("fn tenant_routes").unwrap().1.split_once("\n}\n").unwrap().0;
    let mut routes = BTreeSet::new();
    for statement in table.split("\n        .").skip(1) {
        let route = statement.split('"').nth(1).unwrap();
        for (call, method) in [("get()", "GET"), ("head()", "HEAD"), ("post()", "POST")] {
            if statement.contains(call) {
                routes.insert((route.to_owned(), method));
            }
        }
    }
    assert!(routes.len() >= 14, "{routes:?}");
    routes
}

fn bearer(side: &Side) -> (&'static str, String) {
    ("authorization", format!("Bearer {}", side.token))
}

/// The status and the text of an answer, without what was asked for.
async fn fetch(kit: &Kit, request: TestRequest, asked: &str) -> (StatusCode, String) {
    let (status, _, body) = kit.app.call(request).await;
    let text = match serde_json::from_slice::<Json>(&body) {
        Ok(mut answer) => {
            // Each import has an id of its own.
            answer.as_object_mut().map(|answer| answer.remove("import"));
            answer.to_string()
        }
        Err(_) => String::from_utf8_lossy(&body).into_owned(),
    };
    (status, text.replace(asked, "…"))
}

fn trials(kit: &Kit, route: &str, method: &str) -> Vec<Trial> {
    let (own, other) = (&kit.own, &kit.other);
    let slug = own.slug;
    let at = move |path: &str| format!("/t/{slug}{path}");
    let token = own.token.clone();
    let mine = move |request: TestRequest| request.insert_header(("authorization", format!("Bearer {token}")));
    let names = |make: Box<dyn Fn(&str) -> TestRequest>, own: &str, theirs: &str| Trial::Names {
        make,
        own: own.to_owned(),
        theirs: theirs.to_owned(),
    };
    let by_id = |make, kind: &str| names(make, &own.ids[kind], &other.ids[kind]);
    let import = |query: &'static str, head: &'static str, row: &'static str| -> Box<dyn Fn(&str) -> TestRequest> {
        let mine = mine.clone();
        Box::new(move |id| {
            mine(TestRequest::post().uri(&at(&format!("/records/vault/paper?format=csv&dry_run=true{query}"))))
                .insert_header(("content-type", "text/csv"))
                .set_payload(format!("{head}\r\n{}\r\n", row.replace("{}", id)))
        })
    };
    const BY_ID: &str = "query($id: ID!) { workspace { vault { paper(id: $id) { text } } } }";
    match (route, method) {
        ("/graphql", "POST") => {
            let body = json!({ "query": "{ apiVersion }" });
            let document =
                move |hash: &str| TestRequest::post().uri(&at("/graphql")).set_json(json!({ "documentId": hash }));
            let follow = json!({ "query": "subscription { vaultPaperChanged { id } }" });
            let stream = TestRequest::post().insert_header(("accept", "text/event-stream"));
            vec![
                names(Box::new(document), &own.document, &other.document),
                Trial::TheirToken(TestRequest::post().uri(&at("/graphql")).set_json(body)),
                Trial::TheirToken(stream.uri(&at("/graphql")).set_json(follow)),
            ]
        }
        ("/graphql", "GET") => {
            let mine = mine.clone();
            let query = move |id: &str| {
                let variables = json!({ "id": id }).to_string();
                let parts = [("query", BY_ID), ("variables", variables.as_str())];
                mine(TestRequest::get().uri(&at(&format!("/graphql?{}", encoded(&parts)))))
            };
            let document = move |hash: &str| TestRequest::get().uri(&at(&format!("/graphql?documentId={hash}")));
            let socket = TestRequest::get()
                .uri(&at("/graphql"))
                .insert_header(("connection", "upgrade"))
                .insert_header(("upgrade", "websocket"))
                .insert_header(("sec-websocket-version", "13"))
                .insert_header(("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="))
                .insert_header(("sec-websocket-protocol", "graphql-transport-ws"));
            vec![
                by_id(Box::new(query), "Vault_Paper"),
                names(Box::new(document), &own.document, &other.document),
                Trial::TheirToken(TestRequest::get().uri(&at("/graphql?query=%7BapiVersion%7D"))),
                Trial::TheirToken(socket),
            ]
        }
        ("/graphql/schema.graphql", "GET") => vec![Trial::TheirToken(TestRequest::get().uri(&at(route)))],
        ("/export", "GET") => vec![
            Trial::TheirToken(TestRequest::get().uri(&at("/export?plain=true"))),
            Trial::Open(TestRequest::get().uri(&at("/export?plain=true")), StatusCode::UNAUTHORIZED),
        ],
        ("/openapi.json", "GET") => vec![Trial::Open(TestRequest::get().uri(&at(route)), StatusCode::OK)],
        ("/preferences", "GET") => {
            vec![Trial::Open(TestRequest::get().uri(&at("/preferences?fs=2")), StatusCode::SEE_OTHER)]
        }
        ("" | "/", "GET") => vec![
            Trial::Open(TestRequest::get().uri(&at(route)), StatusCode::OK),
            Trial::TheirToken(TestRequest::get().uri(&at(route))),
        ],
        ("/records/{package}/{collection}.{form:csv|xlsx}", "GET") => {
            let mine = mine.clone();
            let csv = move |id: &str| {
                let filter = json!({ "id": { "eq": id } }).to_string();
                mine(
                    TestRequest::get()
                        .uri(&at(&format!("/records/vault/paper.csv?{}", encoded(&[("filter", &filter)])))),
                )
            };
            let sheet = TestRequest::get().uri(&at("/records/vault/paper.xlsx"));
            vec![by_id(Box::new(csv), "Vault_Paper"), Trial::TheirToken(sheet)]
        }
        ("/records/{package}/{collection:[^./]+}", "POST") => vec![
            by_id(import("", "code,room", "new,{}"), "Vault_Room"),
            by_id(import("", "code,rooms", "new,\"[\"\"{}\"\"]\""), "Vault_Room"),
            by_id(import("", "code,item", "new,{}"), "Probe_Item"),
            by_id(import("", "code,scan", "new,{}"), "File"),
            by_id(import("", "id,code", "{},new"), "Vault_Paper draft"),
            by_id(import("&ids=keep", "id,code", "{},new"), "Vault_Paper draft"),
            names(import("&key=code", "code,pages", "{},9"), &own.canary, &other.canary),
            Trial::TheirToken(
                TestRequest::post()
                    .uri(&at("/records/vault/paper?format=csv"))
                    .insert_header(("content-type", "text/csv")),
            ),
        ],
        ("/files", "POST") => vec![Trial::TheirToken(
            TestRequest::post().uri(&at("/files?name=a.png")).insert_header(("content-type", "image/png")),
        )],
        ("/files/{id}/{name}", "GET" | "HEAD") => {
            let of = if method == "GET" { TestRequest::get } else { head };
            let mine = mine.clone();
            let width = mine.clone();
            let small = move |id: &str| width(of().uri(&at(&format!("/files/{id}/a.png?width=320"))));
            let get = move |id: &str| mine(of().uri(&at(&format!("/files/{id}/a.png"))));
            let anonymous = move |id: &str| of().uri(&at(&format!("/files/{id}/a.png")));
            // Another tenant's address is nobody's, and its token opens no file of one's own.
            let (path, own_token) = own.address.split_once("token=").unwrap();
            let (_, other_token) = other.address.split_once("token=").unwrap();
            let (tokens, own_id) = ((own_token.to_owned(), other_token.to_owned()), own.ids["File"].clone());
            let address = move |id: &str| {
                let token = if id == own_id { &tokens.0 } else { &tokens.1 };
                of().uri(&at(&format!("/files/{id}/a.png?token={token}")))
            };
            let path = path.to_owned();
            let token = move |token: &str| of().uri(&at(&format!("{path}token={token}")));
            vec![
                by_id(Box::new(address), "File"),
                names(Box::new(token), own_token, other_token),
                by_id(Box::new(small), "File"),
                by_id(Box::new(get), "File"),
                by_id(Box::new(anonymous), "File open"),
                Trial::TheirToken(of().uri(&at(&format!("/files/{}/a.png", own.ids["File open"])))),
            ]
        }
        ("/p/{package}" | "/p/{package}/{path:.*}", "GET") => {
            let page = move |code: &str| TestRequest::get().uri(&at(&format!("/p/vault/papers/{code}")));
            vec![
                names(Box::new(page), &own.canary, &other.canary),
                Trial::TheirToken(TestRequest::get().uri(&at("/p/vault"))),
            ]
        }
        _ => people::trials(kit, route, method),
    }
}

fn head() -> TestRequest {
    TestRequest::default().method(actix_web::http::Method::HEAD)
}

/// Parts of a query as they stand in an address.
fn encoded(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().map(|(name, text)| format!("{name}={}", utf8_percent_encode(text, NON_ALPHANUMERIC)));
    parts.collect::<Vec<_>>().join("&")
}

#[actix_web::test]
async fn a_tenant_is_told_by_its_address_and_by_nothing_else() {
    let kit = Kit::new().await;
    let query = json!({ "query": "{ vault { rooms { nodes { name } } } }" });
    for (name, value) in [
        ("x-tenant", kit.other.slug),
        ("x-tenant-id", &kit.other.tenant.to_string()),
        ("x-forwarded-host", "900002.localhost"),
        ("x-original-url", "/t/900002/graphql"),
        ("cookie", "tenant=900002"),
    ] {
        let request = TestRequest::post().uri("/t/900001/graphql").insert_header((name, value)).set_json(&query);
        let (status, _, body) = kit.app.call(request).await;
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(status.is_success() && text.contains(&kit.own.canary), "{name}: {text}");
        assert!(!text.contains(&kit.other.canary), "{name}: {text}");
    }
    for slug in ["900001.", "900001%2F..%2F900002", "９００００２", "900002%00", "900002 ", "900003"] {
        let path = format!("/t/{}/graphql", slug.replace(' ', "%20"));
        let Ok(path) = path.parse::<actix_web::http::Uri>() else { continue };
        let (status, _, body) = kit.app.call(TestRequest::post().uri(&path.to_string()).set_json(&query)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{slug}");
        assert!(!String::from_utf8(body.to_vec()).unwrap().contains("canary"), "{slug}");
    }
}
