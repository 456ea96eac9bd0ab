//! Counts what operators want to know of jobs and plugin calls: numbers of this process, for whoever has installed a recorder of
//! the crate `metrics`; without one nothing is kept.
//!
//! No label holds anything that a tenant has written, and none names a tenant: the names of packages and of what they export
//! are their vendors', the kinds of jobs our own. Each set of names is bounded, so that the number of series is.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use metrics::{counter, histogram};
use sunlit_plugin_host::CallReport;

/// How many exports of packages have series of their own; what comes later is `other`.
const MAX_EXPORTS: usize = 500;
/// How many kinds of jobs.
const MAX_KINDS: usize = 100;
/// What stands for the names beyond a bound.
const OTHER: &str = "other";

/// Names that have series of their own.
struct Names {
    known: LazyLock<Mutex<HashSet<String>>>,
    most: usize,
}

static EXPORTS: Names = Names::new(MAX_EXPORTS);
static KINDS: Names = Names::new(MAX_KINDS);

impl Names {
    const fn new(most: usize) -> Self {
        Self { known: LazyLock::new(Mutex::default), most }
    }

    /// Whether `name` may stand in a label.
    fn admits(&self, name: &str) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.contains(name) || known.len() < self.most && known.insert(name.to_owned())
    }
}

/// A plugin was called.
pub(crate) fn plugin_called(package: &str, export: &str, report: &CallReport) {
    let (package, export) = match EXPORTS.admits(&format!("{package} {export}")) {
        true => (package.to_owned(), export.to_owned()),
        false => (OTHER.to_owned(), OTHER.to_owned()),
    };
    let outcome = report.outcome.name().to_owned();
    let ended = [("package", package.clone()), ("export", export.clone()), ("outcome", outcome)];
    counter!("sunlit_plugin_calls_total", &ended).increment(1);
    let labels = [("package", package), ("export", export)];
    let used = &report.used;
    let seconds = Duration::from_micros(used.queue_micros.saturating_add(used.wall_micros)).as_secs_f64();
    histogram!("sunlit_plugin_call_seconds", &labels).record(seconds);
    histogram!("sunlit_plugin_call_fuel", &labels).record(as_f64(used.fuel));
}

/// A job was taken by a worker, so long after it was due.
pub(crate) fn job_taken(kind: &str, late: Duration) {
    histogram!("sunlit_job_wait_seconds", "kind" => kind_of(kind)).record(late.as_secs_f64());
}

/// A job was run, to an end of one of the names `done`, `retried`, `given_up` and `lost`.
pub(crate) fn job_ended(kind: &str, outcome: &'static str, took: Duration) {
    counter!("sunlit_jobs_total", "kind" => kind_of(kind), "outcome" => outcome).increment(1);
    histogram!("sunlit_job_seconds", "kind" => kind_of(kind)).record(took.as_secs_f64());
}

fn kind_of(kind: &str) -> String {
    if KINDS.admits(kind) { kind.to_owned() } else { OTHER.to_owned() }
}

#[expect(clippy::cast_precision_loss, reason = "a number for a histogram")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_bound_have_no_series_of_their_own() {
        let names = Names::new(2);
        assert!(names.admits("a") && names.admits("b"));
        assert!(!names.admits("c"), "the third");
        assert!(names.admits("a"), "one that was there before");
    }
}
