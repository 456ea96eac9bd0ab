//! The real server in a process of its own, with everything on that operators may switch on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value as Json;
use sunlit_test_support::TestApp;

/// An unoptimised server compiles its plugins at the first start.
const START: Duration = Duration::from_secs(180);

pub(crate) struct Server {
    child: Child,
    environment: Vec<(String, String)>,
    listen: SocketAddr,
    metrics: SocketAddr,
    lines: Option<JoinHandle<Vec<String>>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Server {
    /// Starts `sunlit serve` on the installation of `app`, and waits until it serves.
    pub(crate) fn start(app: &TestApp, variables: &[(&str, &str)]) -> Self {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (listen, metrics) = (free(), free());
        let mut environment = app.variables();
        let (public, numbers) = (listen.to_string(), metrics.to_string());
        let set = [
            ("SUNLIT_LISTEN", public.as_str()),
            ("SUNLIT_METRICS_LISTEN", numbers.as_str()),
            ("SUNLIT_TRUSTED_PROXIES", "[127.0.0.1/32]"),
            ("SUNLIT_LOG", "info,sunlit_app=debug,sunlit_schema=debug,sunlit_server=debug,sunlit_storage=debug"),
            ("SUNLIT_LOG_FORMAT", "json"),
            ("SUNLIT_THREADS", "2"),
        ];
        let set = set.iter().chain(variables).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        environment.extend(set);
        let mut command = Command::new(env!("CARGO_BIN_EXE_sunlit"));
        command.arg("serve").current_dir(app.folder()).envs(environment.iter().cloned());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (ready, served) = mpsc::channel();
        let log = BufReader::new(child.stderr.take().unwrap());
        let lines = std::thread::spawn(move || {
            let mut lines = Vec::new();
            for line in log.lines().map_while(Result::ok) {
                println!("server: {line}");
                if line.contains("\"serving\"") {
                    let _ = ready.send(());
                }
                lines.push(line);
            }
            lines
        });
        assert!(served.recv_timeout(START).is_ok(), "the server does not serve");
        Self { child, environment, listen, metrics, lines: Some(lines) }
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        ask(self.listen, "GET", path, headers, "")
    }

    pub(crate) fn graphql(&self, tenant: &str, headers: &[(&str, &str)], body: &Json) -> Reply {
        let own = [("content-type", "application/json"), ("accept", "application/graphql-response+json")];
        let headers: Vec<_> = own.iter().chain(headers).copied().collect();
        ask(self.listen, "POST", &format!("/t/{tenant}/graphql"), &headers, &body.to_string())
    }

    /// What Prometheus reads.
    pub(crate) fn numbers(&self) -> Reply {
        let reply = ask(self.metrics, "GET", "/metrics", &[], "");
        assert_eq!(reply.status, 200, "{reply:?}");
        assert!(reply.header("content-type").unwrap().starts_with("text/plain; version=0.0.4"), "{reply:?}");
        reply
    }

    /// What `sunlit doctor` says of the installation while it is served.
    pub(crate) fn doctor(&self) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sunlit"));
        let environment = self.environment.iter().filter(|(name, _)| name != "SUNLIT_OTLP_ENDPOINT");
        let told = command.arg("doctor").envs(environment.cloned()).output().unwrap();
        String::from_utf8(told.stdout).unwrap()
    }

    /// SIGTERM; the lines that it wrote.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let stopped = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(stopped.success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended:?}");
        self.lines.take().unwrap().join().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer}"));
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Reply { status, headers: headers.collect(), body: body.to_owned() }
}
