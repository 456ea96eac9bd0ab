//! Executes a request: gate, parse, measure, validate, resolve.

use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response, ServerError};
use sunlit_app::Reading;
use sunlit_domain::{ErrorCode, Locale};

use crate::compose::TenantSchema;
pub use crate::error::TraceId;
use crate::error::with_code;
use crate::loader::Gather;
use crate::{cost, gate};

/// How much a caller may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the document.
    pub document_bytes: usize,
}

impl Limits {
    /// Anonymous callers: 16 KiB.
    pub const ANONYMOUS: Self = Self { document_bytes: 16 * 1024 };
    /// Callers who signed in: 64 KiB.
    pub const SIGNED_IN: Self = Self { document_bytes: 64 * 1024 };
}

/// What came of a request.
#[derive(Debug)]
pub struct Execution {
    /// The answer.
    pub response: Response,
    /// Whether the document was executed at all: the response has a `data` entry (GraphQL over HTTP).
    pub executed: bool,
}

impl Execution {
    /// The answer as JSON. A document that was not executed has no `data` entry (GraphQL over HTTP, §6.4.2).
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = if self.executed {
            serde_json::to_string(&self.response)
        } else {
            serde_json::to_string(&serde_json::json!({ "errors": self.response.errors }))
        };
        text.unwrap_or_default()
    }
}

/// Executes `request` for `reading`. Always answers; a document that is refused answers with errors only.
pub async fn execute(
    schema: &TenantSchema,
    mut request: Request,
    reading: Reading,
    limits: Limits,
    trace: TraceId,
) -> Execution {
    let locale = reading.locale();
    if request.query.len() > limits.document_bytes {
        let bytes = limits.document_bytes;
        return refusal(
            ErrorCode::TooLarge,
            &format!("the document is larger than {bytes} bytes: shorten it"),
            locale,
            None,
        );
    }
    if let Err(refused) = gate::check(&request.query) {
        return refusal(ErrorCode::LimitExceeded, &refused.to_string(), locale, None);
    }
    let document = match schema.documents.get(&request.query) {
        Some(known) => known,
        None => match parse_query(&request.query) {
            Ok(parsed) => schema.remember(&request.query, parsed),
            Err(error) => return not_graphql(error.into(), locale),
        },
    };
    if let Err(refused) = cost::measure(&document, &request.variables, &schema.prices) {
        return refusal(ErrorCode::LimitExceeded, &refused.to_string(), locale, None);
    }
    request.set_parsed_query(ExecutableDocument::clone(&document));
    // On the request's own thread the loader's batch runs when all fields of a page have asked.
    let gather = DataLoader::new(Gather(reading.clone()), tokio::spawn).delay(Duration::ZERO);
    let request = request.data(reading).data(gather).data(trace);
    let mut response = schema.schema.execute(request).await;
    let executed = !is_request_error(&response);
    if !executed {
        response.errors.iter_mut().for_each(|error| code_if_missing(error, ErrorCode::InvalidInput));
    }
    Execution { response, executed }
}

/// The answer to a request that is refused as a whole.
#[must_use]
pub fn refusal(code: ErrorCode, detail: &str, locale: Locale, trace: Option<&TraceId>) -> Execution {
    let told = code.message(locale);
    let message = if detail.is_empty() { told.to_owned() } else { format!("{told}：{detail}") };
    let trace = trace.filter(|_| code == ErrorCode::Internal);
    let error = with_code(&message, code, trace).into_server_error(async_graphql::Pos::default());
    let error = ServerError { locations: Vec::new(), ..error };
    Execution { response: Response::from_errors(vec![error]), executed: false }
}

fn not_graphql(mut error: ServerError, locale: Locale) -> Execution {
    error.message = format!("{}：{}", ErrorCode::InvalidInput.message(locale), error.message);
    code_if_missing(&mut error, ErrorCode::InvalidInput);
    Execution { response: Response::from_errors(vec![error]), executed: false }
}

/// Errors of parsing and validation carry no code; those of our fields always do.
fn is_request_error(response: &Response) -> bool {
    let has_code =
        |error: &ServerError| error.extensions.as_ref().is_some_and(|extensions| extensions.get("code").is_some());
    response.data == async_graphql::Value::Null && !response.errors.is_empty() && !response.errors.iter().any(has_code)
}

fn code_if_missing(error: &mut ServerError, code: ErrorCode) {
    let extensions = error.extensions.get_or_insert_with(Default::default);
    if extensions.get("code").is_none() {
        extensions.set("code", code.code());
    }
}
