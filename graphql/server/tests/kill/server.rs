//! The real server in a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::installation::Installation;

/// An unoptimised server compiles its plugin at the first start.
const START: Duration = Duration::from_secs(180);

pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts `sunlit serve` on the installation and waits until it serves.
    pub(crate) fn start(installation: &Installation) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut child = installation
            .command()
            .arg("serve")
            .env("SUNLIT_LISTEN", address.to_string())
            .env("SUNLIT_LOG", "warn,sunlit_server::command::serve=info")
            .env("SUNLIT_PLUGIN_SLOTS", "2")
            .env("SUNLIT_THREADS", "2")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (ready, served) = mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        // Reads to the end, for a full pipe would stop the server.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if line.contains("serving") {
                    let _ = ready.send(());
                } else {
                    println!("server: {line}");
                }
            }
        });
        assert!(served.recv_timeout(START).is_ok(), "the server does not serve");
        Self { child, address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}
