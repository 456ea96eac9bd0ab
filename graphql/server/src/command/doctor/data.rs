//! The data folder: whether it can be written, has room, and keeps its keys to itself.

use std::io;
use std::path::Path;

use super::Findings;
use crate::config::Config;

const MIB: u64 = 1 << 20;
/// Below this a checkpoint or an upload may fail.
const TOO_LITTLE: u64 = 256 * MIB;
/// Below this it is time to make room.
const LITTLE: u64 = 2_048 * MIB;

pub(super) fn folder(config: &Config, findings: &mut Findings) {
    let folder = &config.data;
    let shown = folder.display().to_string();
    if !folder.exists() {
        return findings.fault(
            "data folder",
            format!("{shown} does not exist"),
            "begin with `sunlit serve`, which makes it, or set `data`",
        );
    }
    match probe(folder) {
        Ok(()) => findings.ok("data folder", shown),
        Err(error) => {
            findings.fault(
                "data folder",
                format!("{shown}: {error}"),
                "let the user that runs Sunlit write there, or set `data`",
            );
        }
    }
}

fn probe(folder: &Path) -> io::Result<()> {
    let probe = folder.join(".doctor");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(&probe)
}

pub(super) fn space(config: &Config, findings: &mut Findings) {
    let Ok(system) = rustix::fs::statvfs(&config.data) else { return };
    judge(system.f_bavail.saturating_mul(system.f_frsize), findings);
}

fn judge(free: u64, findings: &mut Findings) {
    let found = format!("{} MiB free", free / MIB);
    let mend = "make room where `data` is, or move it to a larger disk";
    if free < TOO_LITTLE {
        findings.fault("disk", found, mend);
    } else if free < LITTLE {
        findings.warning("disk", found, mend);
    } else {
        findings.ok("disk", found);
    }
}

/// Whoever reads the master key and the data reads everything that is sealed.
pub(super) fn keys(config: &Config, findings: &mut Findings) {
    let folder = config.data.join("keys");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return findings.ok("keys", "none lies in the data folder");
    };
    let mut open = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if is_open(&path) {
            open.push(path.display().to_string());
        }
    }
    open.sort();
    if open.is_empty() {
        findings.ok("keys", "readable by their owner alone");
    } else {
        let found = format!("{} can be read by others than the owner", open.join(", "));
        findings.fault(
            "keys",
            found,
            "chmod 600, and go over to another master key if somebody may have read it: see infra/keys/README.md",
        );
    }
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_disk_is_told_before_it_is_full() {
        let check = |free, expect| {
            let mut findings = Findings::default();
            judge(free, &mut findings);
            assert_eq!(findings.findings[0].state, expect, "{free}");
        };
        check(0, State::Fault);
        check(TOO_LITTLE - 1, State::Fault);
        check(TOO_LITTLE, State::Warning);
        check(LITTLE, State::Ok);
    }
}
