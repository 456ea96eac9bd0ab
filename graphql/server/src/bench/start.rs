//! Cold start of the demo with cached artefacts, and what it holds at rest.
//!
//! Each start is a process of its own: from just before it is spawned to its first good answer.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sunlit_domain::ScopeAuthority;

use super::measure::{TemporaryFolder, field, kib_of, line, median, millis};
use super::streets::provision_demo;
use crate::command::Failed;
use crate::config::Config;

const STARTS: usize = 5;
/// How often a starting process is asked whether it is ready.
const POLL: Duration = Duration::from_millis(2);
/// When a process counts as at rest.
const REST: Duration = Duration::from_secs(2);
/// How long a start or a stop may take at most.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures five starts.
///
/// # Errors
/// When the demo does not start, does not stop, or does not stop well.
pub async fn run(mut config: Config, authority: &ScopeAuthority) -> Result<(), Failed> {
    let folder = TemporaryFolder::new("start")?;
    config.keep_in(folder.path().join("data"));
    let installation = provision_demo(&config, authority).await?;
    installation.app.stores.close().await;
    drop(installation);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start(folder.path(), &config.data)?);
    }
    let print = |name: &str, unit: &str, figure: fn(&Start) -> f64| {
        let values: Vec<f64> = starts.iter().map(figure).collect();
        line(&format!("start.{name}"), median(&values), unit);
    };
    print("ready.p50", "ms", |start| millis(start.ready));
    let slowest = starts.iter().map(|start| millis(start.ready)).fold(0.0, f64::max);
    line("start.ready.max", slowest, "ms");
    print("stop.p50", "ms", |start| millis(start.stopped));
    print("rest.rss", "MiB", |start| start.rss_kib / 1024.0);
    print("rest.pss", "MiB", |start| start.pss_kib / 1024.0);
    print("rest.threads", "threads", |start| start.threads);
    print("rest.open_files", "files", |start| start.open_files);
    Ok(())
}

struct Start {
    ready: Duration,
    stopped: Duration,
    rss_kib: f64,
    pss_kib: f64,
    threads: f64,
    open_files: f64,
}

fn start(folder: &Path, data: &Path) -> Result<Start, Failed> {
    // Taken and given back: the demo is told its port, and prints no other.
    let address = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let log = folder.join("demo.log");
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("demo").arg("--data").arg(data).arg("--port").arg(address.port().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&log)?);

    let began = Instant::now();
    let mut demo = Demo(command.spawn()?);
    demo.await_ready(address, began).map_err(|error| with_log(&*error, &log))?;
    let ready = began.elapsed();
    std::thread::sleep(REST);

    let process = demo.0.id().to_string();
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let rss_kib = field(&status, "VmRSS").ok_or("the process's status has no VmRSS")?;
    let threads = field(&status, "Threads").ok_or("the process's status has no Threads")?;
    let pss_kib = kib_of(&process, "smaps_rollup", "Pss")?;
    let open_files = fs::read_dir(format!("/proc/{process}/fd"))?.count() as f64;
    let stopped = demo.stop().map_err(|error| with_log(&*error, &log))?;
    Ok(Start { ready, stopped, rss_kib, pss_kib, threads, open_files })
}

/// A running demo, which does not outlive the measurement.
struct Demo(Child);

impl Demo {
    fn await_ready(&mut self, address: SocketAddr, began: Instant) -> Result<(), Failed> {
        while !is_ready(address) {
            if let Some(status) = self.0.try_wait()? {
                return Err(format!("the demo ended before it was ready: {status}").into());
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("the demo was not ready after {} s", PATIENCE.as_secs()).into());
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }

    /// Asks it to stop, as an operator does; how long that took.
    fn stop(&mut self) -> Result<Duration, Failed> {
        let began = Instant::now();
        let asked = Command::new("kill").arg("-TERM").arg(self.0.id().to_string()).status();
        let asked = asked.map_err(|error| format!("the command kill cannot be run: {error}"))?;
        if !asked.success() {
            return Err(format!("the demo cannot be asked to stop: kill ended with {asked}").into());
        }
        loop {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(began.elapsed()),
                Some(status) => return Err(format!("the demo did not stop well: {status}").into()),
                None if began.elapsed() > PATIENCE => {
                    return Err(format!("the demo did not stop within {} s", PATIENCE.as_secs()).into());
                }
                None => std::thread::sleep(POLL),
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            // An error has been told already; that it cannot be killed either helps nobody.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}

fn is_ready(address: SocketAddr) -> bool {
    let answer = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    answer().is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200"))
}

/// The failure with what the demo wrote last.
fn with_log(error: &(dyn std::error::Error + Send + Sync), log: &Path) -> Failed {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last: Vec<&str> = text.lines().rev().take(10).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    format!("{error}\n{}", last.join("\n")).into()
}
