//! GraphQL over HTTP: JSON in by POST, JSON out. A body is read up to its limit, the document passes the gate, and the
//! answer's status says whether the document was executed.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use sunlit_domain::{ErrorCode, Locale};
use sunlit_schema::{Execution, Limits, execute as execute_document, refusal};

use super::failure::Form;
use super::visitor::Visitor;

/// Bytes of a body: the largest document and its variables.
const MAX_BODY: usize = 256 * 1024;
const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

/// Answers a query or a mutation.
pub(super) async fn execute(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let locale = visitor.locale();
    let Some(media) = acceptable(&request) else {
        return plain(
            StatusCode::NOT_ACCEPTABLE,
            ErrorCode::Unsupported,
            "accept application/graphql-response+json",
            locale,
        );
    };
    if !is_json(&request) {
        // Anything that a foreign page's form can post is refused here.
        return plain(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::Unsupported,
            "send Content-Type: application/json",
            locale,
        );
    }
    let bytes = match body.to_bytes_limited(MAX_BODY).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, "the body broke off", locale),
        Err(_) => {
            let detail = format!("the body is larger than {MAX_BODY} bytes");
            return plain(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::TooLarge, &detail, locale);
        }
    };
    let parsed = match serde_json::from_slice::<async_graphql::Request>(&bytes) {
        Ok(parsed) if !parsed.query.is_empty() => parsed,
        Ok(_) => return plain(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, "the request has no query", locale),
        Err(error) => {
            let detail = format!("the body is not a GraphQL request: {error}");
            return plain(StatusCode::BAD_REQUEST, ErrorCode::InvalidInput, &detail, locale);
        }
    };
    let limits = if visitor.scope.actor().id().is_some() { Limits::SIGNED_IN } else { Limits::ANONYMOUS };
    let prepared = async {
        let reading = visitor.reading().await?;
        let schema = visitor.state.schema(reading.context()).await?;
        Ok((reading, schema))
    };
    match prepared.await {
        Ok((reading, schema)) => {
            let execution = execute_document(&schema, parsed, reading, limits, visitor.trace.clone()).await;
            respond(&execution, media)
        }
        Err(error) => visitor.failure(error, Form::Json).answer(&visitor.state),
    }
}

/// Another method than GET and POST.
pub(super) async fn other_method() -> HttpResponse {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, "use POST", Locale::Zh);
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, POST"));
    response
}

/// Answers a request that is refused before it is executed.
pub(super) fn plain(status: StatusCode, code: ErrorCode, detail: &str, locale: Locale) -> HttpResponse {
    write(status, RESPONSE, &refusal(code, detail, locale, None))
}

fn respond(execution: &Execution, media: &'static str) -> HttpResponse {
    // GraphQL over HTTP, §6.4: a document that was not executed is 4xx in the new media type, 200 in the old one.
    let status = if execution.executed || media == JSON { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    write(status, media, execution)
}

fn write(status: StatusCode, media: &'static str, execution: &Execution) -> HttpResponse {
    HttpResponse::build(status)
        .content_type(format!("{media}; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(execution.to_json())
}

fn is_json(request: &HttpRequest) -> bool {
    let header = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let essence = parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case(JSON));
    essence && parts.all(|part| part.is_empty() || part.eq_ignore_ascii_case("charset=utf-8"))
}

/// The media type to answer in; none when the caller accepts neither. A caller that names nothing gets plain JSON.
fn acceptable(request: &HttpRequest) -> Option<&'static str> {
    let Some(accept) = request.headers().get(header::ACCEPT) else { return Some(JSON) };
    let accept = accept.to_str().ok()?.to_ascii_lowercase();
    let mut ranges = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    ranges.find_map(|range| match range {
        RESPONSE => Some(RESPONSE),
        JSON | "application/*" | "*/*" => Some(JSON),
        _ => None,
    })
}
