//! What commands print, and where the log goes.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the command line's answers")]

use std::error::Error;
use std::fmt::Display;
use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::Failed;
use crate::config::{Config, LogFormat};

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

/// Sends the log to standard error, so that standard output holds answers only.
pub(super) fn log_to_stderr(config: &Config) -> Result<(), Failed> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| format!("configuration: log = \"{}\": {error}: write a filter like \"info\"", config.log))?;
    let registry = tracing_subscriber::registry().with(filter);
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => registry.with(layer).try_init()?,
        LogFormat::Json => registry.with(layer.json()).try_init()?,
    }
    Ok(())
}
