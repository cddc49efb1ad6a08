//! The peers: other people's programs, each started for one bench on a free port of loopback with
//! a folder of its own, and ended with it.

pub mod http;
pub mod influx;
pub mod mosquitto;
pub mod postgres;
pub mod victoria;

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

/// A store of reads that is not ours.
pub trait Peer {
    /// Its name in the figures.
    fn name(&self) -> &'static str;
    /// Takes reads: meter, time in ms, Wh, W.
    fn write(&mut self, reads: &[Read]) -> anyhow::Result<()>;
    /// Puts everything on disk as it stays; gives the bytes it takes.
    fn settle(&mut self) -> anyhow::Result<u64>;
    /// The last register value of each half hour of one meter; gives how many there were.
    fn half_hours(&mut self, meter: u32, from_ms: i64, to_ms: i64) -> anyhow::Result<usize>;
}

/// A read as peers take it.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// Number of the meter.
    pub meter: u32,
    /// Time, ms.
    pub at: i64,
    /// Register, Wh.
    pub wh: i64,
    /// Power, W.
    pub w: i32,
}

/// Starts a peer.
type Start = fn() -> anyhow::Result<Box<dyn Peer>>;

/// Every peer whose program is installed, and the names of those that are not.
pub fn installed() -> (Vec<(&'static str, Start)>, Vec<&'static str>) {
    let all: [(&'static str, bool, Start); 3] = [
        (
            "victoria-metrics",
            victoria::is_installed(),
            victoria::start,
        ),
        ("influxdb", influx::is_installed(), influx::start),
        ("postgresql", postgres::is_installed(), postgres::start),
    ];
    let there = all.iter().filter(|p| p.1).map(|p| (p.0, p.2)).collect();
    let absent = all.iter().filter(|p| !p.1).map(|p| p.0).collect();
    (there, absent)
}

/// A program of a peer. Dropping it ends it.
struct Program {
    child: Child,
}

impl Program {
    fn start(command: &mut Command, port: u16) -> anyhow::Result<Program> {
        let name = command.get_program().to_string_lossy().into_owned();
        let quiet = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = quiet
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        let mut program = Program { child };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(status) = program.child.try_wait()? {
                bail!("`{name}` ended at once: {status}");
            }
            if began.elapsed() > Duration::from_secs(30) {
                bail!("`{name}` does not listen on port {port}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(program)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free a moment ago.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The program in one of the usual folders.
fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/sbin", "/usr/bin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(usual)
        .map(|folder| folder.join(name))
        .find(|p| p.is_file())
}

/// Bytes of all files in a folder.
pub fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // A file may go while we look.
        let Ok(facts) = entry.metadata() else {
            continue;
        };
        sum += if facts.is_dir() {
            folder_bytes(&entry.path())?
        } else {
            facts.len()
        };
    }
    Ok(sum)
}
