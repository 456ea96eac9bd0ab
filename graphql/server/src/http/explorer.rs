//! For developers of clients: GraphiQL while developing, and the schema as text.

use actix_web::http::header::{self, ETag, EntityTag, Header as _, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::RustEmbed;

use super::failure::{Failure, Form};
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

/// GraphiQL.
pub(super) fn page() -> HttpResponse {
    match Files::get("explorer.html") {
        Some(file) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .append_header((header::VARY, "Accept"))
            .body(file.data.into_owned()),
        None => HttpResponse::NotFound().finish(),
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

/// The tenant's schema in the schema definition language. What it looks like follows from the package set and our own
/// version, so these are its entity tag.
pub(super) async fn schema(
    visitor: Result<Visitor, Failure>,
    request: HttpRequest,
    state: web::Data<State>,
) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    let composed = async {
        let reading = visitor.reading().await?;
        let schema = visitor.state.schema(reading.context()).await?;
        Ok((schema, reading.context().set_digest.clone()))
    };
    match composed.await {
        Ok((schema, digest)) => {
            let tag = EntityTag::new_strong(format!("{}-{digest}", env!("CARGO_PKG_VERSION")));
            let known = matches!(IfNoneMatch::parse(&request), Ok(IfNoneMatch::Items(tags)) if tags.iter().any(|known| known.weak_eq(&tag)));
            let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
            response.insert_header(ETag(tag)).insert_header((header::CACHE_CONTROL, "no-cache"));
            if known {
                return response.finish();
            }
            response.content_type("text/plain; charset=utf-8").body(schema.sdl().to_owned())
        }
        Err(error) => visitor.failure(error, Form::Page).answer(&visitor.state),
    }
}
