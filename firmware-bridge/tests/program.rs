//! The gateway's own program: what it needs, what it weighs, and that a source that hangs stops nobody.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bridge::status::Status;
use serde_json::Value;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
/// Resident memory of a gateway with ten meters, KiB.
const MEMORY_KIB_MOST: u64 = 32 * 1024;

/// A meter that shows one Wh more at each look; silent while `hangs`.
fn dial(hangs: bool) -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in socket.incoming().flatten() {
            thread::spawn(move || answer(stream, hangs));
        }
    });
    port
}

fn answer(mut stream: TcpStream, hangs: bool) {
    let mut value = 1_000_u64;
    let mut request = [0; 12];
    while stream.read_exact(&mut request).is_ok() {
        if hangs {
            continue;
        }
        value += 1;
        let mut answer = request[..4].to_vec();
        answer.extend([0, 11, request[6], request[7], 8]);
        answer.extend(value.to_be_bytes());
        if stream.write_all(&answer).is_err() {
            return;
        }
    }
}

/// The binary under test; another build of it where `COMMONWATT_BRIDGE` names one.
fn binary() -> std::ffi::OsString {
    std::env::var_os("COMMONWATT_BRIDGE")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_firmware-bridge").into())
}

struct Program {
    folder: TempDir,
    process: Child,
}

impl Program {
    /// A gateway with nobody to publish to, that reads meters at these ports.
    fn start(ports: &[u16]) -> Program {
        Program::start_with(ports, &[])
    }

    fn start_with(ports: &[u16], environment: &[(&str, &str)]) -> Program {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let map = "name = \"dial\"\ntitle = \"A dial\"\ntable = \"holding\"\nword_order = \"high-first\"\n\
                   [[energy]]\nregister = \"2.8.0\"\naddress = 0\ntype = \"u64\"\nunit = \"Wh\"\n";
        std::fs::write(path("dial.toml"), map).unwrap();
        let mut config = format!(
            "[gateway]\nid = \"roof-1\"\nkey_folder = \"{}\"\n[uplink]\nurl = \"mqtt://127.0.0.1:1\"\n\
             [reading]\ninterval_ms = 200\ngather_ms = 50\ngive_up_s = 1\n\
             [backlog]\nfolder = \"{}\"\n[status]\nfile = \"{}\"\n",
            path("keys"),
            path("notes"),
            path("status.json"),
        );
        for (n, port) in ports.iter().enumerate() {
            config += &format!(
                "[[source]]\nkind = \"modbus\"\nname = \"dial {n}\"\naddress = \"127.0.0.1:{port}\"\n\
                 map = \"{}\"\nmeter = \"METER-{n}\"\n",
                path("dial.toml")
            );
        }
        std::fs::write(path("gateway.toml"), config).unwrap();
        // As systemd does it: the watchdog's number is that of the process.
        let process = Command::new("sh")
            .args(["-c", "WATCHDOG_PID=$$ exec \"$0\" \"$@\""])
            .arg(binary())
            .arg("run")
            .arg("--config")
            .arg(path("gateway.toml"))
            .envs(environment.iter().copied())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Program { folder, process }
    }

    fn ask(&self, output: &str) -> (bool, String) {
        let done = Command::new(env!("CARGO_BIN_EXE_firmware-bridge"))
            .args(["status", "--output", output, "--config"])
            .arg(self.folder.path().join("gateway.toml"))
            .output()
            .unwrap();
        (
            done.status.success(),
            String::from_utf8(done.stdout).unwrap(),
        )
    }

    fn wait_for(&self, what: impl Fn(&Status) -> bool) -> Status {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = Status::read(&self.folder.path().join("status.json")).ok();
            match status {
                Some(status) if what(&status) => return status,
                seen => assert!(Instant::now() < until, "{seen:?}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn memory_kib(&self) -> u64 {
        let status = format!("/proc/{}/status", self.process.id());
        let text = std::fs::read_to_string(status).unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("VmHWM:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// SIGTERM.
    fn stop(mut self) -> Status {
        let pid = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.process.wait().unwrap().success());
        self.wait_for(|status| !status.running)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only a test that failed gets here with a process that still runs.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn it_runs_without_broker_and_a_source_that_hangs_stops_nobody() {
    let program = Program::start(&[dial(false), dial(true), dial(false)]);
    let status = program.wait_for(|status| {
        let answered = |n: &str| status.sources.get(n).is_some_and(|s| s.rounds > 15);
        answered("0: dial 0") && answered("2: dial 2") && status.sources.len() == 3
    });
    let hanging = &status.sources["1: dial 1"];
    assert!(
        hanging.failure.is_some() && hanging.reads.is_empty(),
        "{hanging:?}"
    );
    assert!(hanging.rounds * 2 < status.sources["0: dial 0"].rounds);
    assert!(!status.connected);
    assert!(status.backlog.unreceipted_notes > 10, "{status:?}");

    let (fresh, text) = program.ask("text");
    assert!(
        fresh && text.contains("METER-0 2.8.0") && text.contains("uplink        down"),
        "{text}"
    );
    let (fresh, json) = program.ask("json");
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(
        fresh && json["backlog"]["unreceipted_notes"].as_u64() > Some(10),
        "{json}"
    );
    let kept = status.backlog.unreceipted_notes;
    let end = program.stop();
    assert!(
        end.backlog.unreceipted_notes >= kept,
        "nothing went at the end"
    );
}

#[test]
fn systemd_hears_when_it_is_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let program = Program::start_with(
        &[dial(false)],
        &[
            ("NOTIFY_SOCKET", path.to_str().unwrap()),
            ("WATCHDOG_USEC", "600000"),
        ],
    );
    let hear = || {
        let mut said = [0; 256];
        let size = socket.recv(&mut said).unwrap();
        String::from_utf8_lossy(&said[..size]).trim_end().to_owned()
    };
    assert_eq!(hear(), "READY=1");
    for _ in 0..5 {
        assert_eq!(hear(), "WATCHDOG=1");
    }
    program.stop();
    while hear() != "STOPPING=1" {}
}

#[test]
fn ten_meters_fit_into_32_mib() {
    let ports: Vec<u16> = (0..10).map(|_| dial(false)).collect();
    let program = Program::start(&ports);
    program.wait_for(|status| status.sources.values().filter(|s| s.rounds > 20).count() == 10);
    let memory = program.memory_kib();
    println!("memory at ten meters: {memory} KiB at most");
    assert!(memory < MEMORY_KIB_MOST, "{memory} KiB");
    program.stop();
}

#[test]
fn a_status_without_a_gateway_is_the_callers_problem() {
    let mut program = Program::start(&[dial(false)]);
    program.wait_for(|status| status.running);
    assert!(program.ask("text").0);
    program.process.kill().unwrap();
    program.process.wait().unwrap();
    // Its last status is some seconds old and says that it runs; its process is gone.
    let (fresh, text) = program.ask("text");
    assert!(!fresh && text.contains("gateway       roof-1"), "{text}");
    std::fs::remove_file(program.folder.path().join("status.json")).unwrap();
    assert!(!program.ask("text").0);
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    let program = Program::start(&[dial(false)]);
    program.wait_for(|status| status.running);
    let config = program.folder.path().join("gateway.toml");
    for arguments in [
        &["status"][..],
        &[
            "simulate",
            "--print",
            "--for",
            "30d",
            "--from",
            "2026-06-01T00:00:00Z",
        ],
    ] {
        // `true` reads nothing and is gone before the first line.
        let done = Command::new("sh")
            .args([
                "-c",
                "{ sleep 0.3; exec \"$0\" \"$@\"; echo $? >&2; } | true",
            ])
            .arg(env!("CARGO_BIN_EXE_firmware-bridge"))
            .args(arguments)
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(
            !said.contains("panicked") && !said.contains("error"),
            "{said}"
        );
    }
}

#[test]
fn two_devices_with_one_serial_number_are_not_two_truths() {
    let device = |unit: u8, wh: u32| {
        serde_json::json!({"unit": unit, "base": 40_000, "models": [
            {"ID": 1, "L": 66, "Mn": "Maker", "Md": "Model 5", "Vr": "1.02", "SN": "9999abcd"},
            {"ID": 103, "WH": wh, "WH_SF": 0, "St": 4},
        ]})
    };
    let served = crate::sunspec::serve(
        "tcp",
        &serde_json::json!([device(1, 1_000), device(2, 7_000)]),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut config = format!(
        "[gateway]\nid = \"roof-1\"\nkey_folder = \"{}\"\n[uplink]\nurl = \"mqtt://127.0.0.1:1\"\n\
         [reading]\ninterval_ms = 200\ngather_ms = 50\n\
         [backlog]\nfolder = \"{}\"\n[status]\nfile = \"{}\"\n",
        path("keys"),
        path("notes"),
        path("status.json"),
    );
    for unit in [1, 2] {
        config += &format!(
            "[[source]]\nkind = \"sunspec\"\naddress = \"{}\"\nunit = {unit}\n",
            served.address()
        );
    }
    std::fs::write(path("gateway.toml"), config).unwrap();
    let process = Command::new(env!("CARGO_BIN_EXE_firmware-bridge"))
        .args(["run", "--config", &path("gateway.toml")])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let program = Program { folder, process };
    let status = program.wait_for(|status| {
        status.sources.len() == 2 && status.sources.values().all(|source| source.rounds > 3)
    });
    let refused: Vec<_> = status
        .sources
        .values()
        .filter_map(|s| s.failure.clone())
        .collect();
    assert_eq!(refused.len(), 1, "{status:?}");
    assert!(
        refused[0].contains("of meter `9999abcd` is read by source"),
        "{refused:?}"
    );
    program.stop();
}

/// What Cargo would build with these arguments: normal and build dependencies, one a line.
fn tree(arguments: &[&str]) -> String {
    let manifest: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let done = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-e",
            "normal,build",
            "--prefix",
            "none",
            "--manifest-path",
        ])
        .arg(manifest)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

#[test]
fn neither_crate_needs_the_daemon() {
    let ours = |tree: &str| -> Vec<String> {
        let names = tree.lines().filter_map(|line| line.split(' ').next());
        let mut ours: Vec<String> = names
            .filter(|name| name.starts_with("commonwatt") || *name == "firmware-bridge")
            .map(str::to_owned)
            .collect();
        ours.sort();
        ours.dedup();
        ours
    };
    assert_eq!(ours(&tree(&[])), ["commonwatt-wire", "firmware-bridge"]);
    let wire = tree(&["-p", "commonwatt-wire"]);
    assert_eq!(ours(&wire), ["commonwatt-wire"]);
}

#[test]
fn without_tls_nothing_is_c() {
    let c_tools = [
        "cc ",
        "cmake ",
        "pkg-config ",
        "bindgen ",
        "ring ",
        "aws-lc",
        "openssl",
        "libudev",
    ];
    let c_in = |tree: &str| -> Vec<String> {
        let is_c = |line: &&str| c_tools.iter().any(|tool| line.starts_with(tool));
        tree.lines().filter(is_c).map(str::to_owned).collect()
    };
    assert_eq!(c_in(&tree(&["--no-default-features"])), [""; 0]);
    assert!(
        !c_in(&tree(&[])).is_empty(),
        "with TLS there is ring: the test would notice"
    );
}
