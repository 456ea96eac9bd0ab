//! What one call may use, and the meter that watches it.
//!
//! [`Limits`] are numbers; [`Meter`] lives in the store, refuses memory and tables on the engine's behalf and remembers
//! *that* it refused: the guest's failed allocation arrives as a bare `unreachable` without a word.
//!
//! The meter knows what no capability does: each one counts itself here.

use std::fmt;
use std::time::{Duration, Instant};

use wasmtime::ResourceLimiter;

use crate::capability::Capability;

/// Elements of all tables of one instance together. A Rust plugin has some hundred (one a function pointer); the pool
/// reserves this many for each table.
pub(crate) const TABLE_ELEMENTS: usize = 20_000;

/// Core instances of one component: `wit-component` writes three, an adapter or two may join.
pub(crate) const CORE_INSTANCES: usize = 10;

/// Memories of one component: one plugin, one memory.
pub(crate) const MEMORIES: usize = 1;

/// Tables of one component: the plugin's own and the one of `wit-component`'s shim, and as many to spare.
pub(crate) const TABLES: usize = 4;

/// What one call may use. A plan may raise the defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Instructions, roughly: one unit an operator, [`Limits::HOST_CALL_FUEL`] a host call. The first bound that a spinning
    /// plugin meets, and the only one that is the same on every machine.
    pub fuel: u64,
    /// From the start of the run (not of the wait for a slot) to the answer, time in host calls included.
    pub wall_clock: Duration,
    /// Bytes of linear memory. The pool's own bound ([`HostConfig::memory_bytes`](crate::HostConfig)) holds as well.
    pub memory_bytes: usize,
    /// Bytes that one crossing from the plugin to the host may make the host allocate (wasmtime's `hostcall_fuel`): the
    /// arguments of one host call, and the answer of the call itself. Checked before anything is allocated.
    pub hostcall_fuel: usize,
    /// Live component-model handles.
    pub handles: usize,
    /// Calls of `storage`, `records` and `settings` (`log` and `clock` cost fuel only).
    pub host_calls: u32,
    /// Records that `storage` and `records` handed over.
    pub rows: u32,
    /// Changes of records that a call may make.
    pub writes: u32,
    /// Bytes of the values in them, as [`Data::size_bytes`](crate::Data::size_bytes) counts.
    pub write_bytes: usize,
    /// Bytes of the answer as [`Data::size_bytes`](crate::Data::size_bytes) counts them. An answer must also fit in
    /// [`Limits::hostcall_fuel`]: raise both together.
    pub output_bytes: usize,
    /// Bytes of log lines that are kept; what comes after is dropped and counted.
    pub log_bytes: usize,
}

const MIB: usize = 1 << 20;

impl Limits {
    /// Fuel that a host call costs the plugin, beside what it does: about what crossing the border costs in time (some
    /// hundred nanoseconds), so that a loop of host calls is no cheaper than a loop of instructions.
    pub const HOST_CALL_FUEL: u64 = 1_000;

    /// For one field of a query: nobody waits longer than 200 ms for a plugin.
    #[must_use]
    pub const fn query() -> Self {
        Self {
            fuel: 50_000_000,
            wall_clock: Duration::from_millis(200),
            memory_bytes: 32 * MIB,
            hostcall_fuel: MIB,
            handles: 1_000,
            host_calls: 200,
            rows: 5_000,
            writes: 0,
            write_bytes: 0,
            output_bytes: MIB,
            log_bytes: 64 * 1024,
        }
    }

    /// For an action, which somebody waits for: 2 s a run, waiting for a reader of a busy tenant included; 200 changes of
    /// 1 MiB together.
    #[must_use]
    pub const fn action() -> Self {
        Self {
            fuel: 100_000_000,
            wall_clock: Duration::from_secs(2),
            host_calls: 1_000,
            writes: 200,
            write_bytes: MIB,
            ..Self::query()
        }
    }

    /// For an event that a plugin handles in the background: 5 s.
    #[must_use]
    pub const fn event() -> Self {
        Self {
            fuel: 500_000_000,
            wall_clock: Duration::from_secs(5),
            memory_bytes: 64 * MIB,
            hostcall_fuel: 8 * MIB,
            host_calls: 5_000,
            rows: 100_000,
            ..Self::query()
        }
    }

    /// For a scheduled job: as an event, but 30 s.
    #[must_use]
    pub const fn job() -> Self {
        Self { wall_clock: Duration::from_secs(30), ..Self::event() }
    }

    /// For installing and migrating: ten minutes and a million rows. 50,000 host calls are
    /// a million rows in pages of twenty.
    #[must_use]
    pub const fn migrate() -> Self {
        Self {
            fuel: 5_000_000_000,
            wall_clock: Duration::from_secs(600),
            host_calls: 50_000,
            rows: 1_000_000,
            ..Self::event()
        }
    }
}

/// A budget that can be exceeded, by the name that vendors and operators read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Budget {
    /// [`Limits::fuel`].
    Fuel,
    /// [`Limits::hostcall_fuel`], by the arguments of a host call.
    HostcallBytes,
    /// [`Limits::host_calls`].
    HostCalls,
    /// [`Limits::rows`].
    Rows,
    /// [`Limits::writes`].
    Writes,
    /// [`Limits::write_bytes`].
    WriteBytes,
    /// [`Limits::output_bytes`], or [`Limits::hostcall_fuel`] by the answer.
    OutputBytes,
    /// Elements, tables, memories or instances; the same for every call.
    Parts,
}

impl Budget {
    /// `fuel`, `hostcall_bytes`, `host_calls`, `rows`, `writes`, `write_bytes`, `output_bytes` or `parts`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fuel => "fuel",
            Self::HostcallBytes => "hostcall_bytes",
            Self::HostCalls => "host_calls",
            Self::Rows => "rows",
            Self::Writes => "writes",
            Self::WriteBytes => "write_bytes",
            Self::OutputBytes => "output_bytes",
            Self::Parts => "parts",
        }
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Stops a call inside a host function, because a budget is used up.
#[derive(Debug, thiserror::Error)]
#[error("the call used up its budget of {0}")]
pub(crate) struct Stopped(pub(crate) Budget);

/// What a call has used, and what was refused.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    pub(crate) memory_bytes: usize,
    pub(crate) host_calls: u32,
    pub(crate) rows: u32,
    pub(crate) writes: u32,
    write_bytes: usize,
    /// Time in finished calls of ports.
    host_time: Duration,
    /// When the call of a port began that runs now.
    pub(crate) host_since: Option<Instant>,
    /// Memory was asked for beyond the limit.
    pub(crate) memory_refused: bool,
    /// The last budget that answered `limit` to the plugin.
    pub(crate) exceeded: Option<Budget>,
    /// The last declined capability that the plugin tried.
    pub(crate) denied: Option<Capability>,
    /// A port failed through no fault of the plugin.
    pub(crate) host_fault: Option<String>,
}

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            memory_bytes: 0,
            host_calls: 0,
            rows: 0,
            writes: 0,
            write_bytes: 0,
            host_time: Duration::ZERO,
            host_since: None,
            memory_refused: false,
            exceeded: None,
            denied: None,
            host_fault: None,
        }
    }

    /// Counts a call of a port. Past the limit the call as a whole ends: a plugin that does not stop asking would not
    /// stop on an error either.
    pub(crate) fn count_host_call(&mut self) -> Result<(), Stopped> {
        if self.host_calls >= self.limits.host_calls {
            return Err(Stopped(Budget::HostCalls));
        }
        self.host_calls += 1;
        Ok(())
    }

    /// A port has answered.
    pub(crate) fn leave_host(&mut self) {
        self.host_time = self.host_time();
        self.host_since = None;
    }

    /// Time in ports so far, one that never answered included.
    pub(crate) fn host_time(&self) -> Duration {
        self.host_time + self.host_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Counts records before they are handed over; false when they are too many, and then they must not be.
    pub(crate) fn count_rows(&mut self, rows: u32) -> bool {
        let sum = self.rows.saturating_add(rows);
        let within = sum <= self.limits.rows;
        if within {
            self.rows = sum;
        } else {
            self.exceeded = Some(Budget::Rows);
        }
        within
    }

    /// The budget that one more change of so many bytes would pass; then it must not be made.
    pub(crate) fn refuse_write(&mut self, bytes: usize) -> Option<Budget> {
        let budget = if self.writes >= self.limits.writes {
            Budget::Writes
        } else if self.write_bytes.saturating_add(bytes) > self.limits.write_bytes {
            Budget::WriteBytes
        } else {
            return None;
        };
        self.exceeded = Some(budget);
        Some(budget)
    }

    /// Counts a change that was made.
    pub(crate) fn count_write(&mut self, bytes: usize) {
        self.writes = self.writes.saturating_add(1);
        self.write_bytes = self.write_bytes.saturating_add(bytes);
    }

    /// Whether not one more record may be handed over.
    pub(crate) fn rows_used_up(&self) -> bool {
        self.rows >= self.limits.rows
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let most = maximum.map_or(self.limits.memory_bytes, |maximum| maximum.min(self.limits.memory_bytes));
        let granted = desired <= most;
        if granted {
            self.memory_bytes = self.memory_bytes.max(desired);
        } else {
            self.memory_refused = true;
        }
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_refused = true;
        Ok(())
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= TABLE_ELEMENTS;
        if !granted {
            self.exceeded = Some(Budget::Parts);
        }
        Ok(granted)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_memory_is_remembered_and_not_counted_as_used() {
        let mut meter = Meter::new(Limits { memory_bytes: 100, ..Limits::query() });
        assert!(meter.memory_growing(0, 100, None).unwrap());
        assert!(!meter.memory_refused);
        assert!(!meter.memory_growing(100, 101, None).unwrap());
        assert!(meter.memory_refused);
        assert_eq!(meter.memory_bytes, 100);
    }

    #[test]
    fn rows_past_the_limit_are_not_handed_over_and_not_counted() {
        let mut meter = Meter::new(Limits { rows: 10, ..Limits::query() });
        assert!(meter.count_rows(9));
        assert!(!meter.count_rows(2));
        assert_eq!((meter.rows, meter.exceeded), (9, Some(Budget::Rows)));
        assert!(meter.count_rows(1));
        assert!(meter.rows_used_up());
    }

    #[test]
    fn writes_are_bounded_by_number_and_by_bytes() {
        let mut meter = Meter::new(Limits { writes: 2, write_bytes: 10, ..Limits::query() });
        assert_eq!(meter.refuse_write(10), None);
        meter.count_write(4);
        assert_eq!(meter.refuse_write(7), Some(Budget::WriteBytes));
        assert_eq!(meter.refuse_write(6), None);
        meter.count_write(6);
        assert_eq!((meter.refuse_write(0), meter.exceeded), (Some(Budget::Writes), Some(Budget::Writes)));
        assert_eq!(Meter::new(Limits::query()).refuse_write(0), Some(Budget::Writes));
    }

    #[test]
    fn tables_are_bounded() {
        let mut meter = Meter::new(Limits::query());
        assert!(meter.table_growing(0, TABLE_ELEMENTS, None).unwrap());
        assert!(!meter.table_growing(0, TABLE_ELEMENTS + 1, None).unwrap());
        assert_eq!(meter.exceeded, Some(Budget::Parts));
    }
}
