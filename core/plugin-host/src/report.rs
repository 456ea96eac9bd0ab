//! What a call came to: its outcome, who is to blame for it, what it used and what it wrote.

use std::fmt;

use crate::capability::log::Logs;
use crate::data::{Data, GuestError};
use crate::limits::Budget;

/// The report of one call, whatever happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallReport {
    /// How it ended.
    pub outcome: Outcome<Data>,
    /// Whose fault it is that there is no answer; none for [`Outcome::Ok`] and [`Outcome::Declined`]. Only the guest's
    /// faults count for the breaker.
    pub blame: Option<Blame>,
    /// What it used; zero when it never ran.
    pub used: Usage,
    /// What the plugin wrote, on success too.
    pub logs: Logs,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// A well-formed answer: for fields one value for each parent, for an action one value.
    Ok(T),
    /// The plugin answered with an error, in good order.
    Declined(GuestError),
    /// The wall clock, or the caller's deadline, ran out.
    TimedOut,
    /// The plugin asked for more memory than it may have, and gave up.
    OutOfMemory,
    /// A budget was used up.
    LimitExceeded(Budget),
    /// The plugin broke off: a panic, an endless recursion, a wild access. The first line says which; the rest are the
    /// plugin's frames, with names if the component kept them. At most 4 KiB.
    Trapped(String),
    /// The plugin needed a capability that was declined, and passed the refusal on.
    NotGranted(String),
    /// The host cannot run the call now, or failed it.
    Unavailable(String),
    /// The plugin answered, but not with a value that fits the question.
    BadOutput(String),
}

impl<T> Outcome<T> {
    /// The name of the outcome in snake case, for metrics: `ok`, `timed_out`, ….
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ok(_) => "ok",
            Self::Declined(_) => "declined",
            Self::TimedOut => "timed_out",
            Self::OutOfMemory => "out_of_memory",
            Self::LimitExceeded(_) => "limit_exceeded",
            Self::Trapped(_) => "trapped",
            Self::NotGranted(_) => "not_granted",
            Self::Unavailable(_) => "unavailable",
            Self::BadOutput(_) => "bad_output",
        }
    }
}

/// Whose fault an outcome is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The plugin's.
    Guest,
    /// The platform's, or of something that it waited for.
    Host,
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guest => "guest",
            Self::Host => "host",
        })
    }
}

/// What a call used. Times are microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// See [`Limits::fuel`](crate::Limits::fuel): the same for the same call on every machine.
    pub fuel: u64,
    /// Time on a plugin thread: making the instance, running, host functions, clearing up. Close to processor time unless
    /// the machine is overloaded.
    pub busy_micros: u64,
    /// From the start of the run to its end.
    pub wall_micros: u64,
    /// Before that: waiting for a place and a slot.
    pub queue_micros: u64,
    /// In calls of ports, as part of `wall_micros`.
    pub host_micros: u64,
    /// Largest size of the linear memory.
    pub memory_bytes: usize,
    /// Calls of ports.
    pub host_calls: u32,
    /// Records handed over.
    pub rows: u32,
    /// Changes of records that the port has kept.
    pub writes: u32,
    /// Size of the answer, see [`Data::size_bytes`].
    pub output_bytes: usize,
}

impl CallReport {
    /// A call that never ran.
    pub(crate) fn unavailable(reason: &str) -> Self {
        Self {
            outcome: Outcome::Unavailable(reason.to_owned()),
            blame: Some(Blame::Host),
            used: Usage::default(),
            logs: Logs::default(),
        }
    }
}
