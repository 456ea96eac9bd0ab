//! The span of a request: what every line and span below it carries.
//!
//! Its trace is the one of the W3C `traceparent` where the request comes from an address that is trusted (`trusted_proxies`), else
//! a new one: a stranger must not choose which of our traces are kept, nor write into another's. Of the address only the
//! route's pattern is told, of the client nothing.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest, web};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use sunlit_schema::TraceId;
use tracing::Span;
use tracing::field::Empty;
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::numbers;
use crate::state::State;

/// What an answer names its trace by, to callers that are trusted (W3C Trace Context, level 2).
const TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");

/// Builds the span of a request.
#[derive(Debug)]
pub struct RequestSpan;

/// What is known of a request's trace.
#[derive(Debug, Clone)]
struct Trace {
    id: String,
    is_trusted: bool,
}

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let is_trusted = is_trusted(request);
        let parent = if is_trusted { parent(request.headers()) } else { None };
        let id = match &parent {
            Some(parent) => parent.span().span_context().trace_id().to_string(),
            None => request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.simple().to_string()),
        };
        let (method, route) = (numbers::method(request.method()), numbers::route(request));
        // Of the highest level, so that no filter takes its fields from the lines that it lets pass.
        let span = tracing::error_span!(
            "request",
            otel.name = format!("{method} {route}"),
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route,
            http.response.status_code = Empty,
            tenant.id = Empty,
            trace.id = id,
        );
        if let Some(parent) = parent {
            // Without a collector there is nothing that has a parent.
            let _ = span.set_parent(parent);
        }
        request.extensions_mut().insert(Trace { id, is_trusted });
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = numbers::status(outcome);
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// The id of the request's trace: what a caller may quote and an operator can look for.
pub(crate) fn trace(request: &HttpRequest) -> TraceId {
    TraceId(request.extensions().get::<Trace>().map_or_else(String::new, |trace| trace.id.clone()))
}

/// Tells a trusted caller which span its answer is of.
///
/// # Errors
/// Those of the handler.
pub(crate) async fn answer_with_trace<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let is_trusted = request.extensions().get::<Trace>().is_some_and(|trace| trace.is_trusted);
    let mut response = next.call(request).await?;
    if is_trusted && let Some(value) = traceresponse() {
        response.headers_mut().insert(TRACERESPONSE, value);
    }
    Ok(response)
}

/// The present span as `traceparent` writes it; none without a collector.
fn traceresponse() -> Option<HeaderValue> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    let text = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    if span.is_valid() { HeaderValue::try_from(text).ok() } else { None }
}

/// Whether the request comes from a proxy of the operator's.
fn is_trusted(request: &ServiceRequest) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let state = request.app_data::<web::Data<State>>();
    peer.zip(state).is_some_and(|(peer, state)| state.trusted_proxies.iter().any(|known| known.contains(&peer)))
}

/// The span that the request says it belongs below, if that is well-formed.
fn parent(headers: &HeaderMap) -> Option<Context> {
    let context = TraceContextPropagator::new().extract(&Headers(headers));
    context.span().span_context().is_valid().then_some(context)
}

struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}
