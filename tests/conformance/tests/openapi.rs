//! The description of the routes beside GraphQL says what they do: each is asked for what it describes.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_domain::Role;
use sunlit_test_support::TestApp;

const SLUG: &str = "900001";
const ID: &str = "018f3b1e-0000-7000-8000-000000000001";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

async fn app() -> TestApp {
    let app = TestApp::start().await;
    publish::run(app.app(), include_str!("files/desk.toml").to_owned(), None, Existing::Keep).await.unwrap();
    app.tenant(SLUG, &[("desk", &[])]).await;
    app
}

async fn document(app: &TestApp) -> Json {
    let (status, headers, body) = app.call(TestRequest::get().uri(&format!("/t/{SLUG}/openapi.json"))).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers.get("content-type").unwrap(), "application/vnd.oai.openapi+json;version=3.1");
    serde_json::from_slice(&body).unwrap()
}

/// Asserts that the answer's status, media type and body are described for the operation.
fn described(document: &Json, path: &str, method: &str, answer: (StatusCode, Option<&str>, &[u8])) {
    let (status, media, body) = answer;
    let operation = &document["paths"][path][method];
    let response = &operation["responses"][status.as_str()];
    assert!(response.is_object(), "{method} {path} answers {status}, which is not described");
    let Some(content) = response["content"].as_object() else { return };
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_owned();
    let media = essence(media.unwrap_or_default());
    let known = content.iter().find(|(name, _)| essence(name) == media || *name == "*/*");
    let (_, known) =
        known.unwrap_or_else(|| panic!("{method} {path} {status} answers {media}, which is not described"));
    if let Some(reference) = known["schema"]["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        check_object(schema, &serde_json::from_slice(body).unwrap());
    }
}

/// The part of JSON Schema that the document uses of objects.
fn check_object(schema: &Json, value: &Json) {
    let properties = schema["properties"].as_object().unwrap();
    for name in schema["required"].as_array().unwrap() {
        assert!(value.get(name.as_str().unwrap()).is_some(), "{name} is missing in {value}");
    }
    for (name, value) in value.as_object().unwrap() {
        let property = properties.get(name).unwrap_or_else(|| panic!("{name} is not described"));
        let fits = match property["type"].as_str().unwrap() {
            "string" => value.is_string(),
            "integer" => value.is_u64(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            other => panic!("{other} is not known to this test"),
        };
        assert!(fits && property.get("const").is_none_or(|only| only == value), "{name}: {value}");
    }
}

#[actix_web::test]
async fn every_described_operation_answers_as_described() {
    let app = app().await;
    let document = document(&app).await;
    assert_eq!((&document["openapi"], &document["servers"][0]["url"]), (&json!("3.1.0"), &json!(".")));
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "an operation's id stands twice"
            );
            assert!(operation["summary"].is_string() && operation["security"].is_array(), "{method} {path}");
            for name in path.split(['/', '.']).filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let declared = item["parameters"].as_array().unwrap().iter().any(|one| one["name"] == *name);
                assert!(declared, "{path} does not describe {name}");
            }
            // Without rights and without anything: a refusal that is described, never a missing route's page.
            let values =
                [("{id}", ID), ("{name}", "x"), ("{package}", "desk"), ("{collection}", "notice"), ("{form}", "csv")];
            let asked = values.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
            let method_name: Method = method.to_uppercase().parse().unwrap();
            let request = TestRequest::default().method(method_name).uri(&format!("/t/{SLUG}{asked}"));
            let (status, headers, body) = app.call(request).await;
            let media = headers.get("content-type").map(|value| value.to_str().unwrap());
            described(&document, path, method, (status, media, &body));
        }
    }
    assert_eq!(
        ids.into_iter().collect::<Vec<_>>(),
        ["aboutFile", "describe", "exportRecords", "exportTenant", "importRecords", "readFile", "uploadFile"]
    );
}

#[actix_web::test]
async fn the_answers_to_uploads_and_readings_are_described() {
    let app = app().await;
    let document = document(&app).await;
    let tenant = app.tenant_id(SLUG).await;
    let (editor, auditor) = (app.token(tenant, Role::Editor), app.token(tenant, Role::Auditor));
    let upload = |token: &str, content_type: &str, body: &[u8]| {
        let request = TestRequest::post().uri(&format!("/t/{SLUG}/files?name=a.png"));
        let request = request.insert_header(("authorization", format!("Bearer {token}")));
        request.insert_header(("content-type", content_type.to_owned())).set_payload(body.to_vec())
    };
    let refused = upload("nonsense", "image/png", PNG);
    let large = upload(&editor, "image/png", PNG).insert_header(("content-length", "999999999"));
    let mut created = Json::Null;
    for (request, expect) in [
        (upload(&editor, "image/png", PNG), 201),
        (TestRequest::post().uri(&format!("/t/{SLUG}/files?name=%")).insert_header(("content-type", "image/png")), 415),
        (refused, 401),
        (TestRequest::post().uri("/t/999999/files"), 404),
        (large, 413),
        (upload(&editor, "image/png", b"%PDF-1.7"), 415),
        (upload(&auditor, "image/png", PNG), 201),
    ] {
        let (status, headers, body) = app.call(request).await;
        assert_eq!(status.as_u16(), expect, "{body:?}");
        let media = headers.get("content-type").unwrap().to_str().unwrap();
        described(&document, "/files", "post", (status, Some(media), &body));
        if created.is_null() {
            created = serde_json::from_slice(&body).unwrap();
        }
    }
    let create =
        "mutation($id: ID!) { deskCreateNotice(input: { code: \"a\", open: true, cover: $id }) { errors { code } } }";
    let made = app.graphql(SLUG, Some(&editor), create, json!({ "id": created["id"] })).await;
    assert_eq!(made.data()["deskCreateNotice"]["errors"], json!([]));
    let path = format!("/t/{SLUG}/files/{}/a.png", created["id"].as_str().unwrap());
    let tag = format!("\"{}\"", created["sha256"].as_str().unwrap());
    for (name, value, expect) in [
        ("accept", "*/*", 200),
        ("range", "bytes=0-1", 206),
        ("if-none-match", tag.as_str(), 304),
        ("range", "bytes=999-", 416),
        ("authorization", "Bearer nonsense", 401),
        ("?width", "161", 400),
        ("?width", "160", 415),
        ("?token", "nonsense", 404),
    ] {
        let request = match name.strip_prefix('?') {
            Some(name) => TestRequest::get().uri(&format!("{path}?{name}={value}")),
            None => TestRequest::get().uri(&path).insert_header((name, value)),
        };
        let (status, headers, body) = app.call(request).await;
        assert_eq!(status.as_u16(), expect, "{name}: {value}");
        let media = headers.get("content-type").map(|value| value.to_str().unwrap());
        described(&document, "/files/{id}/{name}", "get", (status, media, &body));
        let response = &document["paths"]["/files/{id}/{name}"]["get"]["responses"][status.as_str()];
        for name in response["headers"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(headers.contains_key(name.to_lowercase()), "{status} lacks {name}");
        }
    }
}

#[actix_web::test]
async fn the_answers_to_spreadsheets_are_described() {
    let app = app().await;
    let document = document(&app).await;
    let editor = app.token(app.tenant_id(SLUG).await, Role::Editor);
    let address = format!("/t/{SLUG}/records/desk/notice");
    let import = |query: &str, content_type: &str, body: &'static str| {
        let request = TestRequest::post().uri(&format!("{address}?{query}"));
        let request = request.insert_header(("authorization", format!("Bearer {editor}")));
        request.insert_header(("content-type", content_type.to_owned())).set_payload(body)
    };
    for (request, expect) in [
        (import("format=csv", "text/csv", "code\r\nA\r\n"), 200),
        (import("format=csv", "text/csv", "code\r\n\"\"\r\n,\r\nA\r\n"), 422),
        (import("format=csv&errors=file", "text/csv", "code\r\nA\r\n"), 422),
        (import("format=odt", "text/csv", "code\r\n"), 400),
        (import("format=csv", "text/plain", "code\r\n"), 415),
        (import("format=csv&ids=keep", "text/csv", "code\r\n"), 403),
    ] {
        let (status, headers, body) = app.call(request).await;
        assert_eq!(status.as_u16(), expect, "{body:?}");
        let media = headers.get("content-type").unwrap().to_str().unwrap();
        described(&document, "/records/{package}/{collection}", "post", (status, Some(media), &body));
    }
    for (query, expect) in
        [(".csv", 200), (".xlsx?titles=zh", 200), (".csv?order=nothing", 400), (".csv?fields=x", 400)]
    {
        let (status, headers, body) = app.call(TestRequest::get().uri(&format!("{address}{query}"))).await;
        assert_eq!(status.as_u16(), expect, "{query}");
        let media = headers.get("content-type").unwrap().to_str().unwrap();
        described(&document, "/records/{package}/{collection}.{form}", "get", (status, Some(media), &body));
    }
}
