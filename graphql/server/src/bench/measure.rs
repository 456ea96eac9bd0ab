//! How time, processor time and memory are read, and how figures are printed. Reads Linux's `/proc`, so that no unsafe
//! code and no further dependency is needed.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::command::Failed;

/// How long a reader of processor time sleeps, so that every thread that has nothing to do has left its core: only then
/// is a thread's account exact.
const SETTLE: Duration = Duration::from_millis(1);

/// Empty intervals that are measured to learn what reading the accounts costs itself.
const CALIBRATIONS: usize = 21;

/// Prints `name value unit`.
#[expect(clippy::print_stdout, reason = "the measurement's answer")]
pub(super) fn line(name: &str, value: f64, unit: &str) {
    let digits = match value.abs() {
        large if large >= 100.0 => 1,
        middle if middle >= 1.0 => 2,
        _ => 4,
    };
    println!("{name} {value:.digits$} {unit}");
}

/// Lets the kernel count the peak of memory from now on; answers what is resident, in KiB.
pub(super) fn reset_peak() -> Result<f64, Failed> {
    fs::write("/proc/self/clear_refs", "5")
        .map_err(|error| format!("/proc/self/clear_refs: {error}: the peak of memory cannot be counted anew"))?;
    // The accounts of memory are brought up to date by and by.
    std::thread::sleep(Duration::from_millis(2));
    kib_of("self", "status", "VmRSS")
}

pub(super) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(super) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The value below which `permille` thousandths of the values lie; not a number when there are none.
pub(super) fn quantile(values: &[f64], permille: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let index = (sorted.len() * permille / 1_000).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

pub(super) fn median(values: &[f64]) -> f64 {
    quantile(values, 500)
}

/// What one contender took: each call's time, and each batch's processor time for a call. Microseconds.
#[derive(Debug, Default)]
pub(super) struct Series {
    walls: Vec<f64>,
    cpu: Vec<f64>,
    rates: Vec<f64>,
}

impl Series {
    /// Adds a batch: the time of each of its calls, of all of them, and of the process's threads.
    pub(super) fn add(&mut self, walls: &[Duration], whole: Duration, cpu: Duration) {
        let calls = walls.len() as f64;
        self.walls.extend(walls.iter().copied().map(micros));
        self.cpu.push(micros(cpu) / calls);
        self.rates.push(calls / whole.as_secs_f64());
    }

    /// Processor time of a call, of all threads of the process: the median of the batches.
    pub(super) fn cpu(&self) -> f64 {
        median(&self.cpu)
    }

    /// Calls a second: the median of the batches.
    pub(super) fn rate(&self) -> f64 {
        median(&self.rates)
    }

    pub(super) fn p50(&self) -> f64 {
        median(&self.walls)
    }

    /// Prints time and processor time of a call.
    pub(super) fn print(&self, name: &str) {
        line(&format!("{name}.p50"), self.p50(), "us");
        line(&format!("{name}.p99"), quantile(&self.walls, 990), "us");
        line(&format!("{name}.cpu"), self.cpu(), "us");
    }
}

/// Counts the processor time of this process.
#[derive(Debug)]
pub(super) struct CpuClock {
    reading_costs: Duration,
}

/// The processor time of each thread, in nanoseconds.
#[derive(Debug)]
pub(super) struct CpuAccounts(BTreeMap<OsString, u64>);

impl CpuClock {
    /// A clock that knows what reading it costs.
    pub(super) fn new() -> Result<Self, Failed> {
        let unaware = Self { reading_costs: Duration::ZERO };
        let mut costs = Vec::new();
        for _ in 0..CALIBRATIONS {
            let started = CpuAccounts::read()?;
            costs.push(unaware.since(&started)?);
        }
        costs.sort_unstable();
        Ok(Self { reading_costs: costs[CALIBRATIONS / 2] })
    }

    /// Processor time of all threads since `start`. What a thread did that has ended meanwhile is not in it.
    pub(super) fn since(&self, start: &CpuAccounts) -> Result<Duration, Failed> {
        let end = CpuAccounts::read()?;
        let of_thread =
            |(thread, end): (&OsString, &u64)| end.saturating_sub(start.0.get(thread).copied().unwrap_or(0));
        let nanos = end.0.iter().map(of_thread).sum();
        Ok(Duration::from_nanos(nanos).saturating_sub(self.reading_costs))
    }
}

impl CpuAccounts {
    /// Reads the scheduler's accounts.
    pub(super) fn read() -> Result<Self, Failed> {
        std::thread::sleep(SETTLE);
        let mut accounts = BTreeMap::new();
        for thread in fs::read_dir("/proc/self/task").map_err(|error| no_accounts(&error))? {
            let thread = thread.map_err(|error| no_accounts(&error))?;
            let text = match fs::read_to_string(thread.path().join("schedstat")) {
                Ok(text) => text,
                // The thread has ended since the folder was read.
                Err(error) if !thread.path().exists() && error.kind() != io::ErrorKind::PermissionDenied => continue,
                Err(error) => return Err(no_accounts(&error)),
            };
            let nanos = text.split_whitespace().next().and_then(|first| first.parse().ok());
            accounts.insert(thread.file_name(), nanos.ok_or_else(|| format!("schedstat says `{text}`"))?);
        }
        Ok(Self(accounts))
    }
}

fn no_accounts(error: &io::Error) -> Failed {
    format!("processor time cannot be read from /proc/self/task: {error}: measure on Linux with schedstat").into()
}

/// Runs `call` so many times, one after the other; each one's time, and that of all.
pub(super) fn timed(
    calls: usize,
    mut call: impl FnMut() -> Result<(), Failed>,
) -> Result<(Vec<Duration>, Duration), Failed> {
    let mut walls = Vec::with_capacity(calls);
    let started = Instant::now();
    for _ in 0..calls {
        let asked = Instant::now();
        call()?;
        walls.push(asked.elapsed());
    }
    Ok((walls, started.elapsed()))
}

/// As [`timed`], for calls that wait.
pub(super) async fn timed_async<F>(
    calls: usize,
    mut call: impl FnMut() -> F,
) -> Result<(Vec<Duration>, Duration), Failed>
where
    F: Future<Output = Result<(), Failed>>,
{
    let mut walls = Vec::with_capacity(calls);
    let started = Instant::now();
    for _ in 0..calls {
        let asked = Instant::now();
        call().await?;
        walls.push(asked.elapsed());
    }
    Ok((walls, started.elapsed()))
}

/// A figure in KiB of `/proc/<process>/<file>`, such as `VmRSS` of `status`.
pub(super) fn kib_of(process: &str, file: &str, name: &str) -> Result<f64, Failed> {
    let path = format!("/proc/{process}/{file}");
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}"))?;
    field(&text, name).ok_or_else(|| format!("{path} has no {name}").into())
}

/// The number after `name:`.
pub(super) fn field(text: &str, name: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

/// A folder that ends with the measurement.
#[derive(Debug)]
pub(super) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A new, empty folder among the machine's temporary files.
    pub(super) fn new(bench: &str) -> Result<Self, Failed> {
        let path = std::env::temp_dir().join(format!("sunlit-bench-{bench}-{}", std::process::id()));
        fs::create_dir(&path).map_err(|error| {
            format!("{}: {error}: remove it, or set TMPDIR to a folder that may be written", path.display())
        })?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "a temporary folder stays: remove it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_seen() {
        let check = |values: &[f64], permille, expect| {
            assert!(quantile(values, permille).total_cmp(&expect).is_eq(), "{values:?}");
        };
        check(&[3.0, 1.0, 2.0], 500, 2.0);
        check(&[3.0, 1.0, 2.0], 990, 3.0);
        check(&[1.0], 1_000, 1.0);
        check(&[], 500, f64::NAN);
    }

    #[test]
    fn the_figures_of_a_process_are_found_by_name() {
        let check = |text, name, expect: Option<f64>| assert_eq!(field(text, name), expect, "{name}");
        check("VmRSSx:\t1 kB\nVmRSS:\t  24 kB\n", "VmRSS", Some(24.0));
        check("Threads:\t7\n", "Threads", Some(7.0));
        check("Threads:\n", "Threads", None);
        check("", "Pss", None);
    }

    #[test]
    fn work_costs_more_processor_time_than_sleep() {
        let clock = CpuClock::new().unwrap();
        let start = CpuAccounts::read().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        let slept = clock.since(&start).unwrap();
        let start = CpuAccounts::read().unwrap();
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {}
        assert!(clock.since(&start).unwrap() > slept);
    }
}
