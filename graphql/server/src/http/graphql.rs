//! GraphQL over HTTP (draft of 2025): queries by GET, queries and mutations by POST with JSON, subscriptions as an event
//! stream; JSON out. A body is read up to its limit, the document passes the gate, and the answer's status says whether the
//! document was executed. Who may ask from which page: `cors.rs`.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Map, Value as Json};
use sunlit_domain::{ErrorCode, Locale};
use sunlit_schema::{Ask, Carries, Execution, execute as execute_document, refusal};

use super::failure::{Form, retry_after};
use super::media::{Media, negotiate};
use super::visitor::Visitor;
use super::{events, explorer, socket};

/// Bytes of a body: the largest document and its variables.
pub(super) const MAX_BODY: usize = 256 * 1024;

/// What GET and POST answer in, unless a page is shown.
const OFFERED: [Media; 3] = [Media::Response, Media::Json, Media::Events];

/// A request that is refused before its document is looked at.
struct Unreadable {
    status: StatusCode,
    code: ErrorCode,
    detail: String,
}

impl Unreadable {
    fn new(status: StatusCode, code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into() }
    }

    fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, detail)
    }
}

/// Answers a query; opens a WebSocket; shows GraphiQL to a browser while developing.
pub(super) async fn get(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if request.headers().contains_key(header::SEC_WEBSOCKET_KEY) {
        return socket::open(visitor, &request, body);
    }
    let ask = from_address(&request);
    let asks_nothing = ask.as_ref().is_ok_and(|ask| !ask.has_document());
    if asks_nothing && visitor.state.development {
        let offered = [Media::Response, Media::Json, Media::Page];
        if negotiate(&request, &offered) == Some(Media::Page) {
            return explorer::page();
        }
    }
    answer(visitor, &request, ask, Carries { mutations: false, subscriptions: false }).await
}

/// Answers a query or a mutation.
pub(super) async fn post(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let ask = from_body(&request, body).await;
    answer(visitor, &request, ask, Carries { mutations: true, subscriptions: false }).await
}

/// Another method than GET and POST.
pub(super) async fn other_method(request: HttpRequest) -> HttpResponse {
    if request.method() == actix_web::http::Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((header::ALLOW, "GET, POST, OPTIONS")).finish();
    }
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, "use POST", Locale::Zh);
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
    response
}

async fn answer(
    visitor: Visitor,
    request: &HttpRequest,
    ask: Result<Ask, Unreadable>,
    carries: Carries,
) -> HttpResponse {
    let locale = visitor.locale();
    let Some(media) = negotiate(request, &OFFERED) else {
        let detail = "accept application/graphql-response+json, application/json or text/event-stream";
        return plain(StatusCode::NOT_ACCEPTABLE, ErrorCode::Unsupported, detail, locale);
    };
    let ask = match ask {
        Ok(ask) if ask.has_document() => ask,
        Ok(_) => return unreadable(&Unreadable::bad("the request has no query and no documentId"), media, locale),
        Err(error) => return unreadable(&error, media, locale),
    };
    if media == Media::Events {
        return events::open(visitor, ask, carries).await;
    }
    let executed = async {
        let _place = visitor.purse.place().await?;
        let (schema, call) = visitor.call(carries).await?;
        Ok(execute_document(&schema, ask, call).await)
    };
    match executed.await {
        Ok(execution) => respond(&execution, media, carries),
        Err(error) => visitor.failure(error, Form::Json).answer(&visitor.state),
    }
}

/// The parameters of a GET request. Variables and extensions are JSON.
fn from_address(request: &HttpRequest) -> Result<Ask, Unreadable> {
    let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let pairs = pairs.map_err(|_| Unreadable::bad("the address is not well-formed"))?.into_inner();
    let mut parameters = Map::new();
    for (name, text) in pairs {
        let value = match name.as_str() {
            "variables" | "extensions" if !text.is_empty() => serde_json::from_str(&text)
                .map_err(|error| Unreadable::bad(format!("`{name}` is not JSON: {error}")))?,
            "variables" | "extensions" => Json::Null,
            _ => Json::String(text),
        };
        if parameters.insert(name.clone(), value).is_some() {
            return Err(Unreadable::bad(format!("`{name:.40}` is given twice")));
        }
    }
    Ask::try_from(parameters).map_err(|error| Unreadable::bad(error.to_string()))
}

/// The parameters of a POST request. Anything that a foreign page's form can post is refused here.
async fn from_body(request: &HttpRequest, body: web::Payload) -> Result<Ask, Unreadable> {
    let unsupported = |detail| Unreadable::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::Unsupported, detail);
    if !is_json(request) {
        return Err(unsupported("send Content-Type: application/json in UTF-8"));
    }
    if request.headers().get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported("send the body without Content-Encoding"));
    }
    let bytes = match body.to_bytes_limited(MAX_BODY).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(Unreadable::bad("the body broke off")),
        Err(_) => {
            let detail = format!("the body is larger than {MAX_BODY} bytes");
            return Err(Unreadable::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, detail));
        }
    };
    serde_json::from_slice(&bytes)
        .map_err(|error| Unreadable::bad(format!("the body is not a GraphQL request: {error}")))
}

fn is_json(request: &HttpRequest) -> bool {
    let header = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(Media::Json.name()));
    let utf_8 = |part: &str| part.is_empty() || part.replace('"', "").eq_ignore_ascii_case("charset=utf-8");
    essence && parts.all(utf_8)
}

/// Answers a request that is refused before it is executed.
pub(super) fn plain(status: StatusCode, code: ErrorCode, detail: &str, locale: Locale) -> HttpResponse {
    write(status, Media::Response, refusal(code, detail, locale, None).to_json().0)
}

fn unreadable(error: &Unreadable, media: Media, locale: Locale) -> HttpResponse {
    let media = if media == Media::Json { Media::Json } else { Media::Response };
    write(error.status, media, refusal(error.code, &error.detail, locale, None).to_json().0)
}

fn respond(execution: &Execution, media: Media, carries: Carries) -> HttpResponse {
    let (text, failed) = execution.to_json();
    let status = status(failed, media, carries);
    let mut response = write(status, media, text);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("POST"));
    }
    if let Some(wait) = execution.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, retry_after(wait));
    }
    response
}

/// GraphQL over HTTP, §6.4: a document that is refused is 4xx in the new media type, and 200 in the old one.
fn status(failed: Option<ErrorCode>, media: Media, carries: Carries) -> StatusCode {
    use ErrorCode::{DocumentUnknown, InvalidInput, LimitExceeded, TooLarge, Unsupported};
    match failed {
        None => StatusCode::OK,
        Some(Unsupported) if carries.mutations => StatusCode::NOT_ACCEPTABLE,
        Some(Unsupported) => StatusCode::METHOD_NOT_ALLOWED,
        Some(InvalidInput | LimitExceeded | TooLarge | DocumentUnknown) if media == Media::Json => StatusCode::OK,
        Some(TooLarge) => StatusCode::BAD_REQUEST,
        Some(code) => StatusCode::from_u16(code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn write(status: StatusCode, media: Media, text: String) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(format!("{}; charset=utf-8", media.name()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .append_header((header::VARY, "Accept"))
        .body(text)
}
