//! What the machine gives: ports, and how many files may be open.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Findings;
use crate::config::Config;
use crate::telemetry::most_open_files;

/// How long a port may take to say who is there.
const PATIENCE: Duration = Duration::from_secs(2);
/// Open files of 128 tenants' files with a writer and two readers each, every one with its log and shared memory, and connections
/// beside them.
const FILES_OF_TENANTS: u64 = 2_048;
/// The same where tenants are in a database.
const FILES: u64 = 1_024;
/// With fewer nothing works under load.
const TOO_FEW: u64 = 256;

pub(super) async fn ports(config: &Config, findings: &mut Findings) {
    port("address", "listen", config.listen, "/healthz", findings).await;
    if let Some(address) = config.metrics_listen {
        port("metrics address", "metrics_listen", address, "/metrics", findings).await;
    }
}

/// Free, or Sunlit's already.
async fn port(check: &str, key: &str, address: SocketAddr, path: &str, findings: &mut Findings) {
    let Err(error) = std::net::TcpListener::bind(address) else {
        return findings.ok(check, format!("{address} is free"));
    };
    if error.kind() == io::ErrorKind::AddrInUse && answers(address, path).await {
        return findings.ok(check, format!("{address} is served by Sunlit"));
    }
    findings.fault(check, format!("{address}: {error}"), format!("stop what uses it, or choose another `{key}`"));
}

/// Whether a Sunlit is there.
async fn answers(address: SocketAddr, path: &str) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(64 * 1024).read_to_end(&mut answer).await?;
        Ok::<_, io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = tokio::time::timeout(PATIENCE, ask).await.ok().and_then(Result::ok).unwrap_or_default();
    answer.starts_with("HTTP/1.1 200") && (answer.ends_with("\r\n\r\nok\n") || answer.contains("sunlit_build_info"))
}

pub(super) fn open_files(config: &Config, findings: &mut Findings) {
    let wanted = if config.database.is_some() { FILES } else { FILES_OF_TENANTS };
    judge(most_open_files(), wanted, findings);
}

fn judge(most: Option<u64>, wanted: u64, findings: &mut Findings) {
    let Some(most) = most else { return findings.ok("open files", "without a limit") };
    let (found, mend) =
        (format!("at most {most}"), format!("let it be {wanted} or more: `ulimit -n`, or LimitNOFILE= of systemd"));
    if most < TOO_FEW {
        findings.fault("open files", found, mend);
    } else if most < wanted {
        findings.warning("open files", found, mend);
    } else {
        findings.ok("open files", found);
    }
}
