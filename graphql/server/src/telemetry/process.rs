//! What the system knows of this process; empty where it tells by other means than `/proc`.

use metrics::gauge;

/// Sets the gauges that Prometheus' own clients set, under their names.
pub(super) fn measure() {
    let numbers = [
        ("process_resident_memory_bytes", memory_bytes()),
        ("process_open_fds", open_files()),
        ("process_max_fds", most_open_files()),
        ("process_threads", threads()),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            gauge!(name).set(super::numbers::as_f64(value));
        }
    }
}

/// A number of `/proc/self/status`.
fn status(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse().ok()
}

fn memory_bytes() -> Option<u64> {
    // In units of 1,024 bytes, whatever they are called there.
    Some(status("VmRSS")? * 1_024)
}

fn threads() -> Option<u64> {
    status("Threads")
}

fn open_files() -> Option<u64> {
    // The folder that is being read is one of them.
    u64::try_from(std::fs::read_dir("/proc/self/fd").ok()?.count()).ok()?.checked_sub(1)
}

/// How many files this process may have open; none when there is no bound.
pub(crate) fn most_open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_itself() {
        assert!(memory_bytes().unwrap() > 1_000_000);
        assert!(threads().unwrap() >= 1);
        let before = open_files().unwrap();
        let _file = std::fs::File::open("/proc/self/status").unwrap();
        assert!(before >= 3 && most_open_files().unwrap() >= before);
    }
}
