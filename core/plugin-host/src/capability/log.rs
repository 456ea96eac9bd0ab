//! `sunlit:host/log`: lines for the operator and the vendor, kept in the report of the call and passed on to `tracing`
//! (target `plugin`) with tenant and package.
//!
//! The plugin's text is data: it never becomes part of a format, a target or a field name. Bounded before it is copied.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, WasmList, WasmStr};

use super::{CallState, charge};
use crate::gate::Lane;

pub(super) const INTERFACE: &str = "sunlit:host/log@0.1.0";

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum LogLevel {
    /// For the vendor while developing.
    #[component(name = "debug")]
    Debug,
    /// What happened.
    #[component(name = "info")]
    Info,
    /// What somebody should look at.
    #[component(name = "warn")]
    Warn,
    /// What failed; a panic is written here by the SDK.
    #[component(name = "error")]
    Error,
}

/// One line that a plugin wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// What the plugin said.
    pub message: String,
    /// Names and values beside it.
    pub fields: Vec<(String, String)>,
}

/// What a plugin wrote during one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logs {
    /// In the order written.
    pub lines: Vec<LogLine>,
    /// Lines that no longer fitted into [`Limits::log_bytes`](crate::Limits::log_bytes).
    pub dropped: u64,
}

/// The log of a running call.
pub(crate) struct Book {
    lane: Lane,
    logs: Logs,
    bytes_left: usize,
}

impl Book {
    pub(crate) fn new(lane: Lane, bytes: usize) -> Self {
        Self { lane, logs: Logs::default(), bytes_left: bytes }
    }

    pub(crate) fn close(self) -> Logs {
        self.logs
    }

    /// After the first line that did not fit nothing is kept, so that what is kept has no gaps.
    fn is_full(&self) -> bool {
        self.logs.dropped > 0
    }

    fn keep(&mut self, line: Option<LogLine>) {
        match line {
            Some(line) => {
                emit(&self.lane, &line);
                self.logs.lines.push(line);
            }
            None => self.logs.dropped += 1,
        }
    }
}

type Arguments = (LogLevel, WasmStr, WasmList<(WasmStr, WasmStr)>);

pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap("write", |mut store, arguments: Arguments| {
        charge(&mut store)?;
        let line = if store.data().log.is_full() { None } else { read(&mut store, &arguments)? };
        store.data_mut().log.keep(line);
        Ok(())
    })
}

/// Copies the line out of the plugin's memory, or nothing as soon as it does not fit.
fn read(store: &mut StoreContextMut<'_, CallState>, arguments: &Arguments) -> wasmtime::Result<Option<LogLine>> {
    let (level, message, fields) = arguments;
    let mut left = store.data().log.bytes_left;
    let Some(message) = text(store, message, &mut left)? else {
        return Ok(None);
    };
    let mut line = LogLine { level: *level, message, fields: Vec::new() };
    for at in 0..fields.len() {
        let Some(field) = fields.get(&mut *store, at) else { break };
        let (name, value) = field?;
        let (Some(name), Some(value)) = (text(store, &name, &mut left)?, text(store, &value, &mut left)?) else {
            return Ok(None);
        };
        line.fields.push((name, value));
    }
    store.data_mut().log.bytes_left = left;
    Ok(Some(line))
}

/// Every text counts one byte more than it has, so that empty ones end as well.
fn text(store: &StoreContextMut<'_, CallState>, text: &WasmStr, left: &mut usize) -> wasmtime::Result<Option<String>> {
    let text = text.to_str(store)?;
    match left.checked_sub(text.len() + 1) {
        Some(rest) => {
            *left = rest;
            Ok(Some(text.into_owned()))
        }
        None => Ok(None),
    }
}

fn emit(lane: &Lane, line: &LogLine) {
    let (tenant, package, message, fields) = (lane.tenant(), lane.package(), line.message.as_str(), &line.fields);
    match line.level {
        LogLevel::Debug => tracing::debug!(target: "plugin", tenant, package, message, ?fields),
        LogLevel::Info => tracing::info!(target: "plugin", tenant, package, message, ?fields),
        LogLevel::Warn => tracing::warn!(target: "plugin", tenant, package, message, ?fields),
        LogLevel::Error => tracing::error!(target: "plugin", tenant, package, message, ?fields),
    }
}
