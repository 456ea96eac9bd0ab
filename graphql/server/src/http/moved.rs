//! Addresses below a division code of former days: they lead to the tenant whose code it was.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use sunlit_app::AppError;
use sunlit_app::query::tenant_find;
use sunlit_domain::division_code::is_code;

use crate::state::State;

/// How long a browser may go on without asking again: a division may yet be split.
const FRESH: &str = "public, max-age=3600";

/// Answers with the present address when a former one is asked for.
pub(super) async fn lead<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let Some(location) = present(request.request()).await else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let moved = HttpResponse::PermanentRedirect()
        .insert_header((header::LOCATION, location))
        .insert_header((header::CACHE_CONTROL, FRESH))
        .finish();
    Ok(request.into_response(moved).map_into_right_body())
}

/// The same path and query below the slug of today; none for a slug that there is, and for what was nobody's code.
async fn present(request: &HttpRequest) -> Option<HeaderValue> {
    let asked = request.uri().path_and_query()?.as_str().strip_prefix("/t/")?;
    let (code, rest) = asked.split_at(asked.find(['/', '?']).unwrap_or(asked.len()));
    let state = request.app_data::<web::Data<State>>()?;
    if !is_code(code) || !matches!(tenant_find::by_slug(&state.app, code).await, Err(AppError::NotFound)) {
        return None;
    }
    let tenant = tenant_find::by_former_code(&state.app, code).await.ok()?;
    HeaderValue::try_from(format!("/t/{}{rest}", tenant.slug)).ok()
}
