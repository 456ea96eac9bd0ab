//! Turns what the engine says into an outcome and a blame.
//!
//! The order matters: what the host itself recorded (a stop, a refusal of memory, a failed port) explains more than the
//! trap that the plugin then ran into. Start at [`Verdict::of`].

use std::fmt::{self, Write as _};

use wasmtime::{Trap, WasmBacktrace};

use crate::data::{Data, GuestError};
use crate::limits::{Budget, Limits, Meter, Stopped};
use crate::report::{Blame, Outcome};

/// Longest message of a trap: frames carry names that the plugin chose, and a name may have megabytes.
const MESSAGE_BYTES: usize = 4096;

/// What an answer must be, beside being one well-formed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A list with so many values: one for each parent.
    Items(u32),
    /// Any value: an action's.
    Value,
}

/// How a run ended, as the engine tells it.
pub(crate) enum Ended {
    /// The wall clock or the deadline ran out.
    Late {
        /// The caller's deadline was nearer than the plugin's own limit.
        by_deadline: bool,
    },
    /// No instance could be made.
    NotStarted(wasmtime::Error),
    /// The function did not return.
    Failed(wasmtime::Error),
    /// The function returned.
    Returned(Result<Data, GuestError>),
}

pub(crate) struct Verdict {
    pub(crate) outcome: Outcome<Data>,
    pub(crate) blame: Option<Blame>,
    pub(crate) output_bytes: usize,
}

impl Verdict {
    pub(crate) fn of(ended: Ended, meter: &Meter, limits: &Limits, expected: Expected, wall_micros: u64) -> Self {
        match ended {
            Ended::Returned(Ok(data)) => answered(data, limits, expected),
            Ended::Returned(Err(error)) => declined(error, meter),
            Ended::Late { by_deadline } => late(by_deadline, meter, wall_micros),
            Ended::NotStarted(error) => not_started(&error, meter),
            Ended::Failed(error) => failed(&error, meter),
        }
    }

    fn guest(outcome: Outcome<Data>) -> Self {
        Self { outcome, blame: Some(Blame::Guest), output_bytes: 0 }
    }

    fn host(outcome: Outcome<Data>) -> Self {
        Self { outcome, blame: Some(Blame::Host), output_bytes: 0 }
    }
}

fn answered(data: Data, limits: &Limits, expected: Expected) -> Verdict {
    let output_bytes = data.size_bytes();
    let verdict = if output_bytes > limits.output_bytes {
        Verdict::guest(Outcome::LimitExceeded(Budget::OutputBytes))
    } else if let Err(malformed) = data.check() {
        Verdict::guest(Outcome::BadOutput(malformed.to_string()))
    } else {
        match (expected, data.root_items()) {
            (Expected::Items(parents), Some(count)) if count != parents => {
                Verdict::guest(Outcome::BadOutput(format!("{count} values were answered for {parents} parents")))
            }
            (Expected::Items(_), None) => Verdict::guest(Outcome::BadOutput("the answer is not a list".to_owned())),
            _ => Verdict { outcome: Outcome::Ok(data), blame: None, output_bytes },
        }
    };
    Verdict { output_bytes, ..verdict }
}

fn declined(error: GuestError, meter: &Meter) -> Verdict {
    if let Some(fault) = &meter.host_fault {
        return Verdict::host(Outcome::Unavailable(fault.clone()));
    }
    match (error, meter.exceeded, meter.denied) {
        (GuestError::Limit(_), Some(budget), _) => Verdict::guest(Outcome::LimitExceeded(budget)),
        (GuestError::Denied(_), _, Some(capability)) => {
            Verdict::host(Outcome::NotGranted(capability.name().to_owned()))
        }
        (error, ..) => Verdict { outcome: Outcome::Declined(error), blame: None, output_bytes: 0 },
    }
}

/// A plugin that spent most of its time waiting for a port is not the slow one.
fn late(by_deadline: bool, meter: &Meter, wall_micros: u64) -> Verdict {
    let in_ports = meter.host_time().as_micros() * 2 > u128::from(wall_micros);
    if by_deadline || in_ports || meter.host_fault.is_some() {
        Verdict::host(Outcome::TimedOut)
    } else {
        Verdict::guest(Outcome::TimedOut)
    }
}

fn not_started(error: &wasmtime::Error, meter: &Meter) -> Verdict {
    if meter.memory_refused || error.downcast_ref::<Trap>().is_some() {
        return failed(error, meter);
    }
    if let Some(budget) = meter.exceeded {
        return Verdict::guest(Outcome::LimitExceeded(budget));
    }
    Verdict::host(Outcome::Unavailable(format!("no instance: {error:#}")))
}

fn failed(error: &wasmtime::Error, meter: &Meter) -> Verdict {
    if let Some(Stopped(budget)) = error.downcast_ref() {
        return Verdict::guest(Outcome::LimitExceeded(*budget));
    }
    let trap = error.downcast_ref::<Trap>();
    if trap == Some(&Trap::OutOfFuel) {
        return Verdict::guest(Outcome::LimitExceeded(Budget::Fuel));
    }
    let gave_up = trap.is_none_or(|trap| *trap == Trap::UnreachableCodeReached);
    if meter.memory_refused && gave_up {
        return Verdict::guest(Outcome::OutOfMemory);
    }
    let in_guest = error.downcast_ref::<WasmBacktrace>().is_some();
    if hostcall_bytes_exhausted(error) {
        let budget = if in_guest { Budget::HostcallBytes } else { Budget::OutputBytes };
        return Verdict::guest(Outcome::LimitExceeded(budget));
    }
    if trap.is_none() && !in_guest {
        return Verdict::guest(Outcome::BadOutput(cut(format_args!("{}", error.root_cause()))));
    }
    let outcome = Outcome::Trapped(message(error, trap));
    if meter.host_fault.is_some() { Verdict::host(outcome) } else { Verdict::guest(outcome) }
}

/// Wasmtime 48 keeps the type of this error to itself; a test holds it to these words.
fn hostcall_bytes_exhausted(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

fn message(error: &wasmtime::Error, trap: Option<&Trap>) -> String {
    let first = trap.map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    match error.downcast_ref::<WasmBacktrace>() {
        Some(frames) => cut(format_args!("{first}\n{frames}")),
        None => cut(format_args!("{first}")),
    }
}

/// Writes at most [`MESSAGE_BYTES`], and stops asking for more then.
fn cut(message: fmt::Arguments<'_>) -> String {
    let mut bounded = Bounded(String::new());
    // An error says that the rest was cut.
    let _ = bounded.write_fmt(message);
    bounded.0
}

struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MESSAGE_BYTES - self.0.len();
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() <= room { Ok(()) } else { Err(fmt::Error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Token;

    fn verdict(ended: Ended, meter: &Meter) -> (&'static str, Option<Blame>) {
        let verdict = Verdict::of(ended, meter, &Limits::query(), Expected::Items(1), 1_000);
        (verdict.outcome.name(), verdict.blame)
    }

    fn trapped(trap: Trap) -> Ended {
        Ended::Failed(wasmtime::Error::new(trap))
    }

    #[test]
    fn an_answer_must_be_a_list_with_a_value_for_each_parent() {
        let meter = Meter::new(Limits::query());
        let list = |tokens| Ended::Returned(Ok(Data { shapes: Vec::new(), tokens }));
        let bad = ("bad_output", Some(Blame::Guest));
        assert_eq!(verdict(list(vec![Token::Items(1), Token::Null]), &meter), ("ok", None));
        assert_eq!(verdict(list(vec![Token::Items(2), Token::Null, Token::Null]), &meter), bad);
        assert_eq!(verdict(list(vec![Token::Null]), &meter), bad);
        assert_eq!(verdict(list(vec![Token::Items(1)]), &meter), bad);
    }

    #[test]
    fn what_the_host_recorded_explains_the_trap() {
        let mut meter = Meter::new(Limits::query());
        let guest = Some(Blame::Guest);
        assert_eq!(verdict(trapped(Trap::UnreachableCodeReached), &meter), ("trapped", guest));
        assert_eq!(verdict(trapped(Trap::OutOfFuel), &meter), ("limit_exceeded", guest));
        meter.memory_refused = true;
        assert_eq!(verdict(trapped(Trap::UnreachableCodeReached), &meter), ("out_of_memory", guest));
        assert_eq!(verdict(trapped(Trap::StackOverflow), &meter), ("trapped", guest));
    }

    #[test]
    fn a_failed_port_is_not_held_against_the_plugin() {
        let mut meter = Meter::new(Limits::query());
        let sorry = || Ended::Returned(Err(GuestError::Unavailable("storage".to_owned())));
        assert_eq!(verdict(sorry(), &meter), ("declined", None));
        meter.host_fault = Some("storage: disk".to_owned());
        let host = Some(Blame::Host);
        assert_eq!(verdict(sorry(), &meter), ("unavailable", host));
        assert_eq!(verdict(trapped(Trap::UnreachableCodeReached), &meter), ("trapped", host));
        assert_eq!(verdict(Ended::Late { by_deadline: false }, &meter), ("timed_out", host));
    }

    #[test]
    fn a_deadline_nearer_than_the_limit_is_not_the_plugins_fault() {
        let meter = Meter::new(Limits::query());
        assert_eq!(verdict(Ended::Late { by_deadline: true }, &meter), ("timed_out", Some(Blame::Host)));
        assert_eq!(verdict(Ended::Late { by_deadline: false }, &meter), ("timed_out", Some(Blame::Guest)));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        assert_eq!(cut(format_args!("{}", "政".repeat(5_000))).len(), MESSAGE_BYTES - 1);
        assert_eq!(cut(format_args!("short {}", 1)), "short 1");
    }
}
