//! Whether the process lives, and whether it can answer.

use actix_web::{HttpResponse, web};

use crate::state::State;

/// The process lives.
pub(super) async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The platform's database answers.
pub(super) async fn ready(state: web::Data<State>) -> HttpResponse {
    match state.app.platform.ping().await {
        Ok(()) => HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ready\n"),
        Err(error) => {
            tracing::error!(%error, "the platform's database does not answer");
            HttpResponse::ServiceUnavailable().content_type("text/plain; charset=utf-8").body("not ready\n")
        }
    }
}
