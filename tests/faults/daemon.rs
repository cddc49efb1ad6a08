//! The real daemon: started, asked, stopped and killed.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// How long a daemon may take until it is ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// The daemon's account at a broker that asks for one.
pub const BROKER_USER: &str = "commonwatt";
/// Its password there.
pub const BROKER_PASSWORD: &str = "the daemon's own";

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

/// What differs from a small daemon with only its own endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Port of an outside broker to read from too.
    pub broker: Option<u16>,
    /// Whether the daemon shows user name and password there ([`BROKER_USER`], [`BROKER_PASSWORD`]).
    pub broker_login: bool,
    /// One of several behind the broker: a name of its own there, and its own gateways only.
    pub shard: Option<usize>,
    /// Size of a journal segment; small, so that rounds of a few hundred ms cross their borders.
    pub segment_bytes: u64,
    /// How long reads may wait before they are written to the series.
    pub flush_interval_s: u64,
    /// How many may wait before they are written, and before intake slows.
    pub flush_reads: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            broker: None,
            broker_login: false,
            shard: None,
            segment_bytes: 4 << 20,
            flush_interval_s: 1,
            flush_reads: 2_000_000,
        }
    }
}

/// What `/healthz` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing, or nothing in time.
    Silent,
    /// 200.
    Well,
    /// 503, for these reasons.
    Ill(String),
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
    pub fn new(data: PathBuf, outside: &Path, settings: Settings) -> Self {
        let place = Place {
            data,
            http: free_port(),
            mqtt: free_port(),
            config: outside.join("commonwatt.toml"),
        };
        place.set(settings);
        place
    }

    /// Other settings from the next start on.
    pub fn set(&self, settings: Settings) {
        let Settings {
            broker,
            broker_login,
            shard,
            segment_bytes,
            flush_interval_s,
            flush_reads,
        } = settings;
        let (http, mqtt) = (self.http, self.mqtt);
        let url = broker.map_or(String::new(), |port| format!("mqtt://127.0.0.1:{port}"));
        let password = self.config.with_file_name("broker.password");
        let login = match broker_login {
            true => format!(
                "username = \"{BROKER_USER}\"\npassword_file = \"{}\"\n",
                password.display()
            ),
            false => String::new(),
        };
        let shard = shard.map_or_else(String::new, |number| {
            format!("client_id = \"commonwatt-{number}\"\nown_gateways_only = true\n")
        });
        std::fs::write(password, BROKER_PASSWORD).unwrap();
        let text = format!(
            "[http]\nlisten = \"127.0.0.1:{http}\"\n\n[mqtt]\nlisten = \"127.0.0.1:{mqtt}\"\n\n\
             [broker]\nurl = \"{url}\"\n{login}{shard}\n[journal]\nsegment_bytes = {segment_bytes}\n\n\
             [series]\nflush_interval_s = {flush_interval_s}\nflush_reads = {flush_reads}\n\
             max_lag_reads = {}\n",
            flush_reads.saturating_mul(2)
        );
        std::fs::write(&self.config, text).unwrap();
    }

    /// More lines of `[http]`, from the next start on.
    pub fn http_more(&self, lines: &str) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let text = text.replacen("[http]\n", &format!("[http]\n{lines}"), 1);
        std::fs::write(&self.config, text).unwrap();
    }

    /// Starts the daemon and waits until it is ready: `/healthz` says 200 and the endpoint listens.
    pub fn start(&self) -> Daemon {
        self.start_under(&[])
            .unwrap_or_else(|why| panic!("{why}\n{}", self.log()))
    }

    /// Starts the daemon under a tracer, whose words come first on the command line. The tracer
    /// must leave our child to be the daemon (`strace -D`), so that signals reach the right process.
    pub fn start_under(&self, tracer: &[&str]) -> Result<Daemon, String> {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.config.with_file_name("daemon.log"))
            .unwrap();
        let mut words = tracer.to_vec();
        words.push(env!("CARGO_BIN_EXE_commonwatt"));
        let started = Instant::now();
        let process = Command::new(words[0])
            .args(&words[1..])
            .arg("serve")
            .args(["--config".as_ref(), self.config.as_os_str()])
            .args(["--data".as_ref(), self.data.as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("`{}`: {error}\nhint: apt-get install {0}", words[0]));
        let mut daemon = Daemon {
            process,
            ready_after: Duration::ZERO,
        };
        while !(self.health() == Health::Well
            && TcpStream::connect(("127.0.0.1", self.mqtt)).is_ok())
        {
            if let Some(status) = daemon.process.try_wait().unwrap() {
                return Err(format!("the daemon ended by itself: {status}"));
            }
            let waited = started.elapsed();
            if waited > PATIENCE {
                return Err(format!("not ready in {waited:?}: {:?}", self.health()));
            }
            sleep(Duration::from_millis(2));
        }
        daemon.ready_after = started.elapsed();
        Ok(daemon)
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

    /// Asks `/healthz` once.
    pub fn health(&self) -> Health {
        let answer = self.get("/healthz").unwrap_or_default();
        match answer.split_once("\r\n\r\n") {
            Some((head, _)) if head.starts_with("HTTP/1.1 200") => Health::Well,
            Some((head, why)) if head.starts_with("HTTP/1.1 503") => {
                Health::Ill(why.trim_end().to_owned())
            }
            _ => Health::Silent,
        }
    }

    /// A page that must be there.
    pub fn page(&self, path: &str) -> String {
        let answer = self.get(path).unwrap_or_default();
        match answer.split_once("\r\n\r\n") {
            Some((head, page)) if head.starts_with("HTTP/1.1 200") => page.to_owned(),
            _ => panic!("{path}: {answer}"),
        }
    }

    /// What a page answers in time, head and body; nothing when it does not.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
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

/// A port that nobody listens on. It lies below those that Linux gives to whoever connects, so that
/// nobody has it while a broker or daemon that is to come back is down.
pub fn free_port() -> u16 {
    const FIRST: u32 = 12_000;
    const COUNT: u32 = 20_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..COUNT {
        // Processes that run beside each other begin at places of their own.
        let place = std::process::id().wrapping_mul(611) + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(FIRST + place % COUNT).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}
