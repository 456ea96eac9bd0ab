//! For developers of clients: GraphiQL while developing, and the schema as text.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use rust_embed::RustEmbed;
use sunlit_domain::ErrorCode;

use super::failure::{Failure, Form};
use super::graphql::plain;
use super::visitor::Visitor;
use crate::state::State;

#[derive(RustEmbed)]
#[folder = "../../frontend/explorer"]
#[include = "explorer.*"]
#[include = "vendor/*"]
struct Files;

/// GraphiQL's editor writes inline styles; its scripts are our own files.
const POLICY: &str = "default-src 'none'; connect-src 'self'; img-src 'self' data:; font-src 'self' data:; \
                      style-src 'self' 'unsafe-inline'; script-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// GraphiQL, while developing.
pub(super) async fn page(visitor: Visitor) -> HttpResponse {
    let file = Files::get("explorer.html").filter(|_| visitor.state.development);
    match file {
        Some(file) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .body(file.data.into_owned()),
        None => {
            let mut response =
                plain(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, "use POST", visitor.locale());
            response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
            response
        }
    }
}

/// Its scripts and styles.
pub(super) async fn file(state: web::Data<State>, name: web::Path<String>) -> HttpResponse {
    let known = |name: &str| Files::get(&format!("vendor/{name}")).or_else(|| Files::get(name));
    let Some(file) = known(&name).filter(|_| state.development) else { return HttpResponse::NotFound().finish() };
    let content_type =
        if name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    HttpResponse::Ok().content_type(content_type).body(file.data.into_owned())
}

/// The tenant's schema in the schema definition language.
pub(super) async fn schema(visitor: Result<Visitor, Failure>, state: web::Data<State>) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    let composed = async {
        let reading = visitor.reading().await?;
        visitor.state.schema(reading.context()).await
    };
    match composed.await {
        Ok(schema) => HttpResponse::Ok()
            .content_type("text/plain; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-cache"))
            .body(schema.sdl()),
        Err(error) => visitor.failure(error, Form::Page).answer(&visitor.state),
    }
}
