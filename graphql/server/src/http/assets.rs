//! Stylesheet and icon. Their names carry a digest, so they never change under one name.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::state::State;

pub(super) async fn asset(state: web::Data<State>, request: HttpRequest) -> HttpResponse {
    match state.renderer.assets().iter().find(|asset| asset.path == request.path()) {
        Some(asset) => HttpResponse::Ok()
            .content_type(asset.content_type)
            .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .body(asset.bytes.clone()),
        None => HttpResponse::NotFound().finish(),
    }
}
