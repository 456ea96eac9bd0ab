//! Failures of use cases as GraphQL errors: message in the viewer's language, code in `extensions`, nothing of our inside.

use async_graphql::{Error, ErrorExtensions as _};
use sunlit_app::AppError;
use sunlit_domain::{ErrorCode, Locale};

/// The id that a caller may quote and an operator can look for.
#[derive(Debug, Clone)]
pub struct TraceId(pub String);

/// A use case's failure as a field's error. An internal one is logged here, once, and told only by its trace id.
pub(crate) fn to_gql(error: &AppError, locale: Locale, trace: &TraceId) -> Error {
    let code = error.code();
    if code == ErrorCode::Internal {
        tracing::error!(trace.id = trace.0, error = error as &dyn std::error::Error, "a request failed");
    }
    let mut message = code.message(locale).to_owned();
    if let Some(detail) = error.detail(locale) {
        message = format!("{message}：{detail}");
    }
    with_code(&message, code, (code == ErrorCode::Internal).then_some(trace))
}

/// An error with its code.
pub(crate) fn with_code(message: &str, code: ErrorCode, trace: Option<&TraceId>) -> Error {
    Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", code.code());
        if let Some(trace) = trace {
            extensions.set("traceId", trace.0.as_str());
        }
    })
}
