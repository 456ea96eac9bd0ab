//! Another tenant's ids in every argument of every field, and on every route: to whoever asks they are ids of nothing. The
//! cases are made from the schema and from the route table, so that a new field or route cannot be forgotten.

use std::collections::BTreeSet;

use crate::kit::{Kit, Side, fresh_id};
use crate::schema::{Case, Schema};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::json;

/// What no case covers; empty.
const UNCOVERED: &str = include_str!("../../uncovered.txt");
const ROUTES: &str = include_str!("../../../../graphql/server/src/http.rs");

/// Everything that a tenant has, as the API tells it to somebody with every right.
async fn dump(kit: &Kit, side: &Side, schema: &Schema) -> String {
    let mut told = String::new();
    for query in schema.everything() {
        told.push_str(&kit.ask(side, &query, json!({})).await.body["data"].to_string());
        told.push('\n');
    }
    told
}

#[actix_web::test]
async fn another_tenants_ids_are_ids_of_nothing_in_every_argument() {
    let kit = Kit::new().await;
    let schema = Schema::of(&kit).await;
    let before = dump(&kit, &kit.other, &schema).await;
    assert!(before.contains(&kit.other.canary), "what is protected is there: {before}");
    let cases = schema.cases(&kit.own);
    assert!(cases.len() > 100, "{} cases", cases.len());
    let mut tried = 0;
    for case in &cases {
        for foreign in kit.other.ids.values() {
            let theirs = answer(&kit, case, foreign).await;
            let nobodys = answer(&kit, case, &fresh_id().to_string()).await;
            assert_eq!(theirs, nobodys, "{} tells another tenant's id from nobody's", case.name);
            assert!(!theirs.contains(&kit.other.canary), "{}: {theirs}", case.name);
            tried += 1;
        }
    }
    assert_eq!(dump(&kit, &kit.other, &schema).await, before);
    println!("{} arguments of {} fields, {tried} swaps", cases.len(), schema.covered(&cases).len());
    let uncovered: Vec<String> = schema.with_ids().difference(&schema.covered(&cases)).cloned().collect();
    assert_eq!(uncovered, UNCOVERED.lines().map(str::to_owned).collect::<Vec<_>>(), "fields that no case covers");
}

/// What is answered, with the id that was asked for taken out.
async fn answer(kit: &Kit, case: &Case, id: &str) -> String {
    let answer = kit.ask(&kit.own, &case.query, case.variables(id)).await;
    format!("{} {}", answer.status, answer.body).replace(id, "…")
}

#[actix_web::test]
async fn cursors_of_another_tenant_lead_to_ones_own_records_alone() {
    let kit = Kit::new().await;
    let page = "query($after: String) { workspace { vault { papers(first: 1, after: $after, order: [CODE_ASC]) \
                { nodes { code text } pageInfo { endCursor } } } } }";
    let theirs = kit.ask(&kit.other, page, json!({})).await;
    let cursor = &theirs.data()["workspace"]["vault"]["papers"]["pageInfo"]["endCursor"];
    let own = kit.ask(&kit.own, page, json!({ "after": cursor })).await;
    assert!(cursor.is_string() && !own.body.to_string().contains(&kit.other.canary), "{}", own.body);
}

#[actix_web::test]
async fn no_route_leads_to_another_tenants_things() {
    let kit = Kit::new().await;
    let mut uncovered = BTreeSet::new();
    for route in routes() {
        let requests = requests(&kit, &route);
        if requests.is_empty() {
            uncovered.insert(route.clone());
        }
        for (theirs, nobodys) in requests {
            let theirs = fetch(&kit, theirs).await;
            assert!(!theirs.1.contains(&kit.other.canary), "{route}: {theirs:?}");
            if let Some(nobodys) = nobodys {
                assert_eq!(theirs, fetch(&kit, nobodys).await, "{route}");
            }
        }
    }
    assert_eq!(uncovered, UNCOVERED.lines().map(str::to_owned).collect(), "routes that no case covers");
}

/// What stands in the route table, below a tenant's address.
fn routes() -> BTreeSet<String> {
    let table = ROUTES.split_once("fn tenant_routes").unwrap().1;
    let table = table.split_once("\n}\n").unwrap().0;
    let opened = table.split("web::resource(\"").skip(1).chain(table.split(".route(\"").skip(1));
    opened.map(|rest| rest.split_once('"').unwrap().0.to_owned()).collect()
}

async fn fetch(kit: &Kit, (request, id): (TestRequest, String)) -> (StatusCode, String) {
    let (status, _, body) = kit.app.call(request).await;
    let text = String::from_utf8_lossy(&body).replace(&id, "…");
    // Each failure has a trace of its own.
    (status, text)
}

type Asked = (TestRequest, String);

/// Requests that name another tenant's things, each with one that names nobody's.
fn requests(kit: &Kit, route: &str) -> Vec<(Asked, Option<Asked>)> {
    let (own, other) = (&kit.own, &kit.other);
    let mine = |request: TestRequest| request.insert_header(("authorization", format!("Bearer {}", own.token)));
    let swap = |make: &dyn Fn(&str) -> TestRequest, foreign: &str| {
        let nobodys = fresh_id().to_string();
        ((make(foreign), foreign.to_owned()), Some((make(&nobodys), nobodys)))
    };
    let at = |path: &str| format!("/t/{}{path}", own.slug);
    // Another tenant's token opens nothing.
    let with_their_token = |request: TestRequest| {
        let request = request.insert_header(("authorization", format!("Bearer {}", other.token)));
        ((request, String::new()), None)
    };
    let (file, paper) = (other.ids["File"].as_str(), other.ids["Vault_Paper"].as_str());
    match route {
        "/graphql" => {
            let body = json!({ "query": "{ workspace { vault { papers { nodes { text } } } } }" });
            vec![with_their_token(TestRequest::post().uri(&at("/graphql")).set_json(body))]
        }
        "/graphql/schema.graphql" | "/openapi.json" | "/preferences" | "" | "/" => {
            vec![with_their_token(TestRequest::get().uri(&at(route)))]
        }
        "/records/{package}/{collection}.{form:csv|xlsx}" => {
            let csv = |id: &str| {
                let filter = format!("%7B%22id%22%3A%7B%22eq%22%3A%22{id}%22%7D%7D");
                mine(TestRequest::get().uri(&at(&format!("/records/vault/paper.csv?filter={filter}"))))
            };
            vec![swap(&csv, paper), with_their_token(TestRequest::get().uri(&at("/records/vault/paper.csv")))]
        }
        "/records/{package}/{collection:[^./]+}" => {
            let import = |column: &'static str| {
                move |id: &str| {
                    mine(TestRequest::post().uri(&at("/records/vault/paper?format=csv&ids=keep")))
                        .insert_header(("content-type", "text/csv"))
                        .set_payload(format!("code,{column}\r\nnew,{id}\r\n"))
                }
            };
            let refer = |id: &str| import("room")(id);
            let scan = |id: &str| import("scan")(id);
            vec![swap(&refer, &other.ids["Vault_Room"]), swap(&scan, file)]
        }
        "/files" => vec![with_their_token(
            TestRequest::post().uri(&at("/files?name=a.png")).insert_header(("content-type", "image/png")),
        )],
        "/files/{id}/{name}" => {
            let get = |id: &str| mine(TestRequest::get().uri(&at(&format!("/files/{id}/a.png"))));
            let anonymous = |id: &str| TestRequest::get().uri(&at(&format!("/files/{id}/a.png")));
            vec![swap(&get, file), swap(&anonymous, file)]
        }
        "/p/{package}" | "/p/{package}/{path:.*}" => {
            let page = |id: &str| mine(TestRequest::get().uri(&at(&format!("/p/vault/{id}"))));
            vec![swap(&page, paper)]
        }
        _ => Vec::new(),
    }
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

#[actix_web::test]
async fn a_job_that_was_moved_to_another_tenant_finds_nothing_there() {
    let kit = Kit::new().await;
    let scope = crate::kit::scope(&kit.app, kit.own.tenant);
    let store = kit.app.app().stores.open(&scope).await.unwrap();
    let work = store.work(&scope).await.unwrap();
    let payload = json!({ "collection": "vault.paper", "record": kit.other.ids["Vault_Paper"], "name": "review" });
    let job = sunlit_storage::tenant::outbox::Job {
        id: fresh_id(),
        kind: "deadline",
        key: "stolen".to_owned(),
        due_at: "2020-01-01T00:00:00Z".parse().unwrap(),
        payload,
    };
    sunlit_storage::tenant::outbox::schedule(&scope, &work, job).await.unwrap();
    work.commit().await.unwrap();
    kit.app.worker().once().await.unwrap();
    let answer = kit.ask(&kit.own, "{ auditTrail(first: 100) { nodes { subject subjectId } } }", json!({})).await;
    assert!(!answer.body.to_string().contains(&kit.other.ids["Vault_Paper"]), "{}", answer.body);
    let events = |side: &Side| crate::kit::scope(&kit.app, side.tenant);
    for side in [&kit.own, &kit.other] {
        let scope = events(side);
        let session = kit.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let events = sunlit_storage::tenant::outbox::latest(&scope, &session, 100).await.unwrap();
        assert!(!events.iter().any(|event| event.name.ends_with("overdue")), "{}", side.slug);
    }
}
