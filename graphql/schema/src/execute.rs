//! Executes a request: find the document, gate, parse, measure, validate, resolve.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::dataloader::DataLoader;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, value};
use futures_util::future::BoxFuture;
use sunlit_app::{AppError, Reading};
use sunlit_domain::{ErrorCode, Locale};
use tracing::Instrument as _;

use crate::allowance::Allowance;
use crate::ask::Ask;
use crate::compose::TenantSchema;
pub use crate::error::TraceId;
use crate::error::with_code;
use crate::loader::Gather;
use crate::{answer, cost, gate, meter};

/// How much a caller may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the document.
    pub document_bytes: usize,
    /// How long its execution may take; of a subscription, each event's.
    pub deadline: Duration,
}

impl Limits {
    /// Anonymous callers: 16 KiB.
    pub const ANONYMOUS: Self = Self { document_bytes: 16 * 1024, deadline: Duration::from_secs(30) };
    /// Callers who signed in: 64 KiB.
    pub const SIGNED_IN: Self = Self { document_bytes: 64 * 1024, ..Self::ANONYMOUS };
}

/// Which operations a transport carries beside queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carries {
    /// Mutations: not over a request that must change nothing.
    pub mutations: bool,
    /// Subscriptions: not where there is one answer.
    pub subscriptions: bool,
}

/// Who asks, over what.
#[derive(Debug, Clone)]
pub struct Call {
    /// The caller's reading.
    pub reading: Reading,
    /// What it may ask for.
    pub limits: Limits,
    /// What the transport carries.
    pub carries: Carries,
    /// The id of the request.
    pub trace: TraceId,
    /// What it may spend.
    pub allowance: Arc<dyn Allowance>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Execution {
    /// The answer.
    pub response: Response,
    /// Why there is no data: the document was refused, or its execution given up. Then the answer has no `data` entry
    /// (GraphQL over HTTP).
    pub failed: Option<ErrorCode>,
    /// When it is answered, if it is asked again: of a request that was refused because too much was asked.
    pub retry_after: Option<Duration>,
    locale: Locale,
}

impl Execution {
    /// The answer as JSON, of at most 16 MiB, with why there is no data. Without `data` when it failed (GraphQL over HTTP,
    /// §6.4.2).
    #[must_use]
    pub fn to_json(&self) -> (String, Option<ErrorCode>) {
        let text = match self.failed {
            None => answer::to_json(&self.response),
            Some(_) => answer::to_json(&serde_json::json!({ "errors": self.response.errors })),
        };
        text.map_or_else(|| too_large(self.locale).to_json(), |text| (text, self.failed))
    }

    /// The errors alone, as a JSON list.
    #[must_use]
    pub fn errors_json(&self) -> String {
        answer::to_json(&self.response.errors).unwrap_or_else(|| "[]".to_owned())
    }
}

/// A document that may be executed.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    document: Arc<ExecutableDocument>,
    pub(crate) operation: OperationType,
    cost: u64,
}

impl Prepared {
    /// What its execution costs, at most.
    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }
}

/// Executes what is asked. Always answers; a document that is refused answers with errors only.
pub async fn execute(schema: &TenantSchema, ask: Ask, call: Call) -> Execution {
    match prepare(schema, &ask, &call).await {
        Ok(prepared) if prepared.operation != OperationType::Subscription => match charge(&prepared, &call) {
            Ok(()) => {
                let kind = meter::kind(prepared.operation);
                run(schema, &prepared, ask, call).instrument(meter::span(kind)).await
            }
            Err(refused) => {
                meter::refused(&refused);
                *refused
            }
        },
        Ok(_) => {
            let refused = not_carried(OperationType::Subscription, &call);
            meter::refused(&refused);
            refused
        }
        Err(refused) => {
            meter::refused(&refused);
            *refused
        }
    }
}

/// Whether a text may be registered as a document: it passes the gate and the parser.
///
/// # Errors
/// Why it does not.
pub fn is_acceptable(document: &str) -> Result<(), String> {
    gate::check(document).map_err(|refused| refused.to_string())?;
    parse_query(document).map(drop).map_err(|error| error.to_string())
}

/// Looks at the document before it is executed.
pub(crate) async fn prepare(schema: &TenantSchema, ask: &Ask, call: &Call) -> Result<Prepared, Box<Execution>> {
    let locale = call.reading.locale();
    let refuse = |code, detail: &str| Box::new(refusal(code, detail, locale, None));
    let text = ask.document(&call.reading).await.map_err(|error| Box::new(failure(&error, locale, &call.trace)))?;
    let bytes = call.limits.document_bytes;
    if text.len() > bytes {
        return Err(refuse(ErrorCode::TooLarge, &format!("the document is larger than {bytes} bytes: shorten it")));
    }
    gate::check(&text).map_err(|refused| refuse(ErrorCode::LimitExceeded, &refused.to_string()))?;
    let document = match schema.documents.get(&*text) {
        Some(known) => known,
        None => match parse_query(&*text) {
            Ok(parsed) => schema.remember(&text, parsed),
            Err(error) => return Err(Box::new(not_graphql(error.into(), locale))),
        },
    };
    let measured = cost::measure(&document, &ask.variables, schema.schema.registry(), &schema.prices);
    let cost = measured.map_err(|refused| refuse(ErrorCode::LimitExceeded, &refused.to_string()))?.cost;
    let Some(operation) = operation(&document, ask.operation_name.as_deref()) else {
        let detail = "operationName must name one of the document's operations";
        return Err(refuse(ErrorCode::InvalidInput, detail));
    };
    let carried = match operation {
        OperationType::Query => true,
        OperationType::Mutation => call.carries.mutations,
        OperationType::Subscription => call.carries.subscriptions,
    };
    if carried { Ok(Prepared { document, operation, cost }) } else { Err(Box::new(not_carried(operation, call))) }
}

/// Charges the caller for what the document costs at most.
pub(crate) fn charge(prepared: &Prepared, call: &Call) -> Result<(), Box<Execution>> {
    let spent = call.allowance.spend(prepared.cost);
    spent.map_err(|error| Box::new(failure(&error, call.reading.locale(), &call.trace)))
}

/// The operation that is meant: the named one, or the only one.
fn operation(document: &ExecutableDocument, name: Option<&str>) -> Option<OperationType> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(only), None) => Some(only),
        (DocumentOperations::Single(_), Some(_)) => None,
        (DocumentOperations::Multiple(all), Some(name)) => all.get(name),
        (DocumentOperations::Multiple(all), None) if all.len() == 1 => all.values().next(),
        (DocumentOperations::Multiple(_), None) => None,
    };
    found.map(|operation| operation.node.ty)
}

async fn run(schema: &TenantSchema, prepared: &Prepared, ask: Ask, call: Call) -> Execution {
    let (locale, trace, deadline) = (call.reading.locale(), call.trace.clone(), call.limits.deadline);
    let started = Instant::now();
    let request = request(prepared, ask, call);
    let executed = schema.schema.execute(request);
    let execution = finished(bounded(executed, deadline, locale, &trace).await, prepared, locale);
    meter::executed(meter::kind(prepared.operation), prepared, &execution, started);
    execution
}

/// The request as the library takes it, with all that resolvers reach.
pub(crate) fn request(prepared: &Prepared, ask: Ask, call: Call) -> Request {
    let mut request = Request::new(String::new()).variables(ask.variables);
    request.operation_name = ask.operation_name;
    request.set_parsed_query(ExecutableDocument::clone(&prepared.document));
    // On the request's own thread the loader's batch runs when all fields of a page have asked.
    let spawn = |batch: BoxFuture<'static, ()>| tokio::spawn(batch.in_current_span());
    let gather = DataLoader::new(Gather(call.reading.clone()), spawn).delay(Duration::ZERO);
    request.data(call.reading).data(gather).data(call.trace)
}

/// Gives an execution up when it takes too long, and its answer when that has grown too large.
pub(crate) async fn bounded<T>(
    work: impl Future<Output = T>,
    deadline: Duration,
    locale: Locale,
    trace: &TraceId,
) -> Result<T, Box<Execution>> {
    match tokio::time::timeout(deadline, answer::counted(work)).await {
        Ok((done, true)) => Ok(done),
        Ok((_, false)) => Err(Box::new(too_large(locale))),
        Err(_) => {
            tracing::warn!(trace.id = trace.0, ?deadline, "an execution took too long and was given up");
            let detail = format!("it took longer than {} s", deadline.as_secs());
            Err(Box::new(refusal(ErrorCode::Unavailable, &detail, locale, Some(trace))))
        }
    }
}

pub(crate) fn finished(done: Result<Response, Box<Execution>>, prepared: &Prepared, locale: Locale) -> Execution {
    let mut response = match done {
        Ok(response) => response,
        Err(given_up) => return *given_up,
    };
    if is_request_error(&response) {
        response.errors.iter_mut().for_each(|error| code_if_missing(error, ErrorCode::InvalidInput));
        return Execution { response, failed: Some(ErrorCode::InvalidInput), retry_after: None, locale };
    }
    let cost = value!({ "requested": prepared.cost, "limit": cost::MAX_COST });
    response.extensions.insert("cost".to_owned(), cost);
    Execution { response, failed: None, retry_after: None, locale }
}

/// The answer to a request that is refused as a whole.
#[must_use]
pub fn refusal(code: ErrorCode, detail: &str, locale: Locale, trace: Option<&TraceId>) -> Execution {
    let told = code.message(locale);
    let message = if detail.is_empty() { told.to_owned() } else { format!("{told}：{detail}") };
    let trace = trace.filter(|_| matches!(code, ErrorCode::Internal | ErrorCode::Unavailable));
    let error = with_code(&message, code, trace).into_server_error(async_graphql::Pos::default());
    let error = ServerError { locations: Vec::new(), ..error };
    Execution { response: Response::from_errors(vec![error]), failed: Some(code), retry_after: None, locale }
}

/// The answer to a request that a use case refused as a whole; an internal failure is logged here, once.
#[must_use]
pub fn failure(error: &AppError, locale: Locale, trace: &TraceId) -> Execution {
    let code = error.code();
    if code == ErrorCode::Internal {
        tracing::error!(trace.id = trace.0, error = error as &dyn std::error::Error, "a request failed");
    }
    let refused = refusal(code, &error.detail(locale).unwrap_or_default(), locale, Some(trace));
    Execution { retry_after: error.retry_after(), ..refused }
}

fn not_carried(operation: OperationType, call: &Call) -> Execution {
    let detail = match operation {
        OperationType::Mutation => "send mutations with POST",
        _ => "ask for subscriptions over WebSocket, or accept text/event-stream",
    };
    refusal(ErrorCode::Unsupported, detail, call.reading.locale(), None)
}

fn too_large(locale: Locale) -> Execution {
    let detail = format!("the answer is larger than {} bytes: ask for less", answer::MAX_BYTES);
    refusal(ErrorCode::LimitExceeded, &detail, locale, None)
}

fn not_graphql(mut error: ServerError, locale: Locale) -> Execution {
    error.message = format!("{}：{}", ErrorCode::InvalidInput.message(locale), error.message);
    code_if_missing(&mut error, ErrorCode::InvalidInput);
    let response = Response::from_errors(vec![error]);
    Execution { response, failed: Some(ErrorCode::InvalidInput), retry_after: None, locale }
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
