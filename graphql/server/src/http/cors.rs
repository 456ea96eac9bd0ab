//! Which web pages may use a tenant's API: its own, and those whose origin its administrators allowed
//! (`CoreSetting::AllowedOrigins`).
//!
//! **Cross-site request forgery.** A browser sends nothing on its own that this API takes for a right: rights come from the
//! `Authorization` header alone, cookies hold a visitor's language and type size. So a foreign page can send nothing in
//! somebody's name. Even so, nothing that changes data can be sent by a foreign page without a preflight: mutations come by
//! POST with `application/json`, which no form can send, and the preflight of an origin that is not allowed is refused. GET
//! carries queries only, which change nothing, so it needs no special header; a foreign page cannot read the answer. Should a
//! cookie ever carry a right, GET must ask for one of the headers named in [`ALLOWED_HEADERS`].
//!
//! A request that names a foreign origin is refused altogether, WebSockets and event streams too: a browser asks no
//! preflight for those. Credentials in the sense of Fetch (cookies) are never allowed, and `*` does not even let a page send
//! an `Authorization` header.

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use sunlit_domain::{Actor, ErrorCode};

use super::graphql::plain;
use super::preferences::Chosen;
use super::visitor;
use crate::state::State;

/// What a page of an allowed origin may send. The last three are what clients send to force a preflight.
const ALLOWED_HEADERS: &str = "content-type, accept-language, last-event-id, range, if-range, if-none-match, \
                               apollo-require-preflight, x-requested-with, graphql-preflight";
/// What a page may read of an answer beside its body: names, sizes and parts of files.
const EXPOSED_HEADERS: &str = "etag, content-disposition, content-range, accept-ranges";
/// Seconds for which a browser may remember what a preflight answered.
const REMEMBERED: &str = "600";

/// What the tenant says to the origin of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// No page asks, or one of the tenant's own.
    Own,
    /// The origin is allowed by its name.
    Named(HeaderValue),
    /// Every origin is allowed.
    Any,
    /// The origin is not allowed.
    Foreign,
}

/// Refuses foreign origins, answers preflights, and tells browsers what they may hand to a page.
pub(super) async fn guard<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    let verdict = judge(request.request()).await;
    let preflight =
        request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if verdict == Verdict::Foreign || preflight {
        let mut response = match &verdict {
            Verdict::Foreign => foreign(request.request()),
            _ => HttpResponse::NoContent().finish(),
        };
        tell(&verdict, response.headers_mut());
        if preflight && verdict != Verdict::Foreign {
            tell_preflight(&verdict, response.headers_mut());
        }
        return Ok(request.into_response(response).map_into_right_body());
    }
    let mut response = next.call(request).await?;
    tell(&verdict, response.headers_mut());
    Ok(response.map_into_left_body())
}

fn foreign(request: &HttpRequest) -> HttpResponse {
    let detail = "this origin is not among the tenant's allowed_origins";
    plain(StatusCode::FORBIDDEN, ErrorCode::Denied, detail, Chosen::of(request).locale)
}

fn tell(verdict: &Verdict, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let allowed = match verdict {
        Verdict::Own | Verdict::Foreign => return,
        Verdict::Named(origin) => origin.clone(),
        Verdict::Any => HeaderValue::from_static("*"),
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
}

fn tell_preflight(verdict: &Verdict, headers: &mut HeaderMap) {
    let sent = match verdict {
        Verdict::Named(_) => format!("authorization, {ALLOWED_HEADERS}"),
        _ => ALLOWED_HEADERS.to_owned(),
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    if let Ok(sent) = HeaderValue::from_str(&sent) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, sent);
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(REMEMBERED));
}

async fn judge(request: &HttpRequest) -> Verdict {
    let Some(header) = request.headers().get(header::ORIGIN) else { return Verdict::Own };
    let Ok(origin) = header.to_str() else { return Verdict::Foreign };
    if is_own(request, origin) {
        return Verdict::Own;
    }
    let Some(state) = request.app_data::<web::Data<State>>() else { return Verdict::Foreign };
    // Without a tenant there is nothing to protect, and the handler says so.
    let Ok((tenant, _)) = visitor::tenant(state, request).await else { return Verdict::Own };
    let scope = state.authority.scope(tenant.id, Actor::anonymous());
    let Ok(context) = state.app.context(&scope).await else { return Verdict::Foreign };
    let allowed = &context.core.allowed_origins;
    if allowed.iter().any(|one| one.eq_ignore_ascii_case(origin)) {
        Verdict::Named(header.clone())
    } else if allowed.iter().any(|one| one == "*") {
        Verdict::Any
    } else {
        Verdict::Foreign
    }
}

/// Whether the page comes from the very host and port that is asked. The scheme is not compared: behind a proxy that ends
/// TLS the server does not know its own.
pub(super) fn is_own(request: &HttpRequest, origin: &str) -> bool {
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    !authority.is_empty() && host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
}
