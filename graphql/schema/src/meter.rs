//! Counts operations for operators: how many of each kind came to which end, what they cost and how long they took. No label
//! holds a word of a document: kinds and outcomes are ours.

use std::time::Instant;

use async_graphql::parser::types::OperationType;
use metrics::{counter, histogram};
use tracing::Span;

use crate::execute::{Execution, Prepared};

/// What is counted of an event of a subscription, beside the operations themselves.
pub(crate) const EVENT: &str = "event";
/// An operation of a document that was refused before it was clear what it asks.
pub(crate) const UNKNOWN: &str = "unknown";

/// The kind of an operation, in labels.
pub(crate) fn kind(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// The span of an execution: of the highest level, so that no filter takes its fields from the lines that it lets pass.
pub(crate) fn span(kind: &'static str) -> Span {
    let empty = tracing::field::Empty;
    tracing::error_span!(
        "graphql",
        otel.name = format!("graphql {kind}"),
        operation = kind,
        cost = empty,
        outcome = empty
    )
}

/// A subscription has begun.
pub(crate) fn begun() {
    counted(kind(OperationType::Subscription), "begun");
}

/// A document was refused.
pub(crate) fn refused(execution: &Execution) {
    counted(UNKNOWN, outcome(execution));
}

/// An operation was executed, since `started`.
pub(crate) fn executed(kind: &'static str, prepared: &Prepared, execution: &Execution, started: Instant) {
    let outcome = outcome(execution);
    Span::current().record("cost", prepared.cost()).record("outcome", outcome);
    counted(kind, outcome);
    histogram!("sunlit_graphql_cost", "operation" => kind).record(as_f64(prepared.cost()));
    histogram!("sunlit_graphql_seconds", "operation" => kind).record(started.elapsed().as_secs_f64());
}

/// `ok`, `partial` where some fields failed, or the code with which the whole was refused.
fn outcome(execution: &Execution) -> &'static str {
    match execution.failed {
        Some(code) => code.code(),
        None if execution.response.errors.is_empty() => "ok",
        None => "partial",
    }
}

fn counted(kind: &'static str, outcome: &'static str) {
    counter!("sunlit_graphql_operations_total", "operation" => kind, "outcome" => outcome).increment(1);
}

#[expect(clippy::cast_precision_loss, reason = "a number for a histogram")]
fn as_f64(number: u64) -> f64 {
    number as f64
}
