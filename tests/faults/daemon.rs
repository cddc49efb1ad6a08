//! The real daemon: started, asked, stopped and killed.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a daemon may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a daemon keeps its data and listens. Ports are chosen once, so that a restarted daemon is
/// found again.
pub struct Place {
    /// The data folder.
    pub data: PathBuf,
    /// Port of the pages.
    pub http: u16,
    /// Port of the MQTT endpoint.
    pub mqtt: u16,
    config: PathBuf,
}

/// A running daemon.
pub struct Daemon {
    /// Its process; for [`crate::powercut::Disk::cut`].
    pub process: Child,
    /// From the start of the process until it was ready.
    pub ready_after: Duration,
}

impl Place {
    /// Data in `data`, configuration and log in `outside`.
    pub fn new(data: PathBuf, outside: &Path) -> Self {
        let (http, mqtt) = (free_port(), free_port());
        let config = outside.join("commonwatt.toml");
        // Small segments, so that rounds of a few hundred milliseconds cross their borders.
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:{http}\"\n\n[mqtt]\nlisten = \"127.0.0.1:{mqtt}\"\n\n\
             [journal]\nsegment_bytes = 4194304\n"
        );
        std::fs::write(&config, text).unwrap();
        Place {
            data,
            http,
            mqtt,
            config,
        }
    }

    /// Starts the daemon and waits until it is ready: `/healthz` says 200 and the endpoint listens.
    pub fn start(&self) -> Daemon {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.config.with_file_name("daemon.log"))
            .unwrap();
        let started = Instant::now();
        let process = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .arg("serve")
            .args(["--config".as_ref(), self.config.as_os_str()])
            .args(["--data".as_ref(), self.data.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut daemon = Daemon {
            process,
            ready_after: Duration::ZERO,
        };
        while !(self.healthy() && TcpStream::connect(("127.0.0.1", self.mqtt)).is_ok()) {
            let gone = daemon.process.try_wait().unwrap();
            assert!(gone.is_none(), "daemon ended: {gone:?}\n{}", self.log());
            let waited = started.elapsed();
            assert!(waited < PATIENCE, "not ready in {waited:?}\n{}", self.log());
            sleep(Duration::from_millis(5));
        }
        daemon.ready_after = started.elapsed();
        daemon
    }

    /// Runs a command on the data and gives its JSON; it must succeed.
    pub fn ask(&self, arguments: &[&str]) -> Value {
        let done = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .args(arguments)
            .args(["--output", "json", "--data"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {words}");
        serde_json::from_slice(&done.stdout)
            .unwrap_or_else(|error| panic!("{arguments:?} printed no JSON: {error}\n{words}"))
    }

    /// What the daemons of this place have said so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.config.with_file_name("daemon.log")).unwrap_or_default()
    }

    fn healthy(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.http)) else {
            return false;
        };
        let patience = Some(Duration::from_secs(2));
        let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.set_read_timeout(patience).is_ok()
            && stream.write_all(request).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }
}

impl Daemon {
    /// kill -9.
    pub fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// SIGTERM; it must end cleanly.
    pub fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "daemon ended with {status}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Only a test that failed gets here with a process that still runs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}
