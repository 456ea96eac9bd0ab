//! A cluster of one test alone, which it may kill.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A running cluster; stopped when it is dropped, its folder is its owner's.
#[derive(Debug)]
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// Makes and starts one in `folder`, which the server's own user may enter.
    #[must_use]
    pub fn start(folder: PathBuf) -> Self {
        let versions = std::fs::read_dir("/usr/lib/postgresql").unwrap();
        let bins = versions.map(|version| version.unwrap().path().join("bin"));
        let bin = bins.filter(|bin| bin.join("initdb").exists()).max().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        std::fs::create_dir_all(&folder).unwrap();
        let _ = Command::new("chown").arg("postgres").arg(&folder).stderr(Stdio::null()).status();
        let cluster = Self { bin, folder, port };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["--pgdata", &data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"],
        );
        cluster.restart();
        cluster
    }

    /// The address of its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// SIGKILL to the postmaster and all its processes.
    pub fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        let _ = Command::new("pkill").args(["-KILL", "-P", &pid]).status();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }

    /// Starts it again, after a kill too.
    pub fn restart(&self) {
        let options = format!(
            "-c port={} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c full_page_writes=off -c fsync=off",
            self.port,
            self.folder.display()
        );
        let log = self.folder.join("server.log").display().to_string();
        self.run("pg_ctl", &["--pgdata", &self.data(), "--log", &log, "--wait", "start", "--options", &options]);
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// The server refuses to run as root.
    fn run(&self, program: &str, args: &[&str]) {
        let program = self.bin.join(program);
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        let mut command = match is_root {
            true => Command::new("runuser"),
            false => Command::new(&program),
        };
        if is_root {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        let done = command
            .args(args)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "{} {args:?}", program.display());
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.run("pg_ctl", &["--pgdata", &self.data(), "--mode=immediate", "--wait", "stop"]);
    }
}
