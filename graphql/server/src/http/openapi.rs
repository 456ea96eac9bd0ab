//! The routes beside GraphQL, described for programs: OpenAPI 3.1, written by hand in `openapi.json`. A test walks through it
//! and asks each route.

use actix_web::HttpResponse;
use actix_web::http::header;

const DOCUMENT: &str = include_str!("openapi.json");

/// The description. Its server is the folder that it lies in, so it is the same for every tenant and tells nothing of any.
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/vnd.oai.openapi+json;version=3.1")
        .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
        .body(DOCUMENT)
}
