//! Real servers from Debian's packages, in a folder of their own, gone with the test.

use std::{
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// A server that runs.
pub struct Program {
    child: Child,
    command: fn(&Program) -> Command,
    pub port: u16,
    rpc: u16,
    folder: tempfile::TempDir,
}

impl Program {
    /// InfluxDB 1.6.7 (package `influxdb`).
    pub fn influxdb() -> Program {
        Program::start(|program| {
            let root = program.folder.path().display();
            let file = program.folder.path().join("influxdb.conf");
            std::fs::write(
                &file,
                format!(
                    "reporting-disabled = true\nbind-address = \"127.0.0.1:{}\"\n[meta]\n  dir = \"{root}/meta\"\n[data]\n  dir = \"{root}/data\"\n  wal-dir = \"{root}/wal\"\n  index-version = \"tsi1\"\n  query-log-enabled = false\n[monitor]\n  store-enabled = false\n[http]\n  bind-address = \"127.0.0.1:{}\"\n  log-enabled = false\n[logging]\n  level = \"error\"\n",
                    program.rpc, program.port
                ),
            )
            .unwrap();
            let mut command = Command::new(found("influxd", "influxdb"));
            command.args(["run", "-config"]).arg(file);
            command.env("HOME", program.folder.path());
            command
        })
    }

    /// victoria-metrics (package of that name).
    pub fn victoria() -> Program {
        Program::start(|program| {
            let mut command = Command::new(found("victoria-metrics", "victoria-metrics"));
            command
                .arg(format!(
                    "-storageDataPath={}",
                    program.folder.path().display()
                ))
                .arg(format!("-httpListenAddr=127.0.0.1:{}", program.port))
                .args(["-retentionPeriod=100y", "-search.disableCache"]);
            command
        })
    }

    fn start(command: fn(&Program) -> Command) -> Program {
        let free = || {
            TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        };
        let mut program = Program {
            child: Command::new("true").spawn().unwrap(),
            command,
            port: free(),
            rpc: free(),
            folder: tempfile::tempdir().unwrap(),
        };
        program.again();
        program
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it on the folder it had.
    pub fn again(&mut self) {
        self.kill();
        let mut command = (self.command)(self);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.child = command.spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "it does not listen");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn found(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/bin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.exists())
        .unwrap_or_else(|| panic!("`{name}` is not here\nhint: apt-get install {package}"))
}
