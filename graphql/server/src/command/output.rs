//! What commands print, and where the log goes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line's answers")]

use std::error::Error;
use std::fmt::Display;
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::JsonFields;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Failed;
use crate::config::{Config, LogFormat};
use crate::telemetry::lines::JsonLines;
use crate::telemetry::traces::Traces;

/// One line of a command's answer.
pub(super) fn line(text: impl Display) {
    println!("{text}");
}

/// A failure and its causes, each on its line unless the line before says it already.
pub(super) fn tell(error: &(dyn Error + 'static)) {
    let mut told = error.to_string();
    eprintln!("error: {told}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !told.contains(&text) {
            eprintln!("  because: {text}");
        }
        told = text;
        cause = error.source();
    }
}

/// Sends the log to standard error, so that standard output holds answers only, and spans to the collector where one is configured.
pub(super) fn log_to_stderr(config: &Config) -> Result<Traces, Failed> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| format!("configuration: log = \"{}\": {error}: write a filter like \"info\"", config.log))?;
    let traces = Traces::to(config.otlp_endpoint.as_deref(), config.otlp_sample_ratio)
        .map_err(|error| format!("configuration: otlp_endpoint: {error}: write one like \"http://127.0.0.1:4318\""))?;
    // One filter for all: with one for each layer, whoever asks beforehand whether a level is on, as the database's driver does,
    // takes the next span from a layer (tracing-subscriber 0.3).
    let registry = tracing_subscriber::registry().with(filter).with(traces.layer());
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => registry.with(layer).try_init()?,
        LogFormat::Json => {
            let layer = layer.with_ansi(false).fmt_fields(JsonFields::new()).event_format(JsonLines);
            registry.with(layer).try_init()?;
        }
    }
    Ok(traces)
}
