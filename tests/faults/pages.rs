//! The listener of the pages among people who mean no good, and with real clients over TLS.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
    thread::{self, sleep},
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    daemon::{Daemon, Place, Settings, free_port},
    figure, is_campaign, society,
};

/// Connections that mean no good; just below what the daemon lets in at once.
const HOSTILE: usize = 1_000;
/// All of them are closed by then.
const CLOSED_WITHIN: Duration = Duration::from_secs(15);
/// They may cost so much memory, KiB.
const MEMORY_KIB: u64 = 64 << 10;
/// Pages that good clients open, each on a connection of its own.
const GOOD: usize = 300;

/// What somebody sends who means no good, before they fall silent.
const KINDS: [(&str, &[u8]); 4] = [
    ("silent", b""),
    ("half a header", b"GET / HTTP/1.1\r\nHost: loc"),
    (
        "slow body",
        b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nuser=",
    ),
    ("idle", b"GET /robots.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"),
];

/// Bytes of the process in memory, KiB.
fn memory_kib(daemon: &Daemon) -> u64 {
    let path = format!("/proc/{}/status", daemon.process.id());
    let status = std::fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let words = line.expect("VmRSS").split_whitespace().next();
    words.and_then(|kib| kib.parse().ok()).expect("a number")
}

/// How long good clients wait for a page, sorted.
fn good(place: &Place) -> Vec<Duration> {
    let mut waits: Vec<Duration> = (0..GOOD)
        .map(|_| {
            let began = Instant::now();
            place.page("/s/load");
            began.elapsed()
        })
        .collect();
    waits.sort_unstable();
    waits
}

fn p99(waits: &[Duration]) -> Duration {
    waits[waits.len() * 99 / 100 - 1]
}

/// When the other end of a connection is closed; a slow sender sends a byte a second meanwhile.
fn closed_after(mut stream: TcpStream, trickles: bool, began: Instant) -> Option<Duration> {
    stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .unwrap();
    let mut bytes = [0; 4096];
    while began.elapsed() < CLOSED_WITHIN + Duration::from_secs(10) {
        if trickles && stream.write_all(b"a").is_err() {
            return Some(began.elapsed());
        }
        match stream.read(&mut bytes) {
            Ok(0) => return Some(began.elapsed()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return Some(began.elapsed()),
        }
    }
    None
}

#[test]
fn a_thousand_hostile_connections_are_closed_and_good_clients_notice_little() {
    let folder = TempDir::new().unwrap();
    let place = Place::new(
        folder.path().join("data"),
        folder.path(),
        Settings::default(),
    );
    society::found(&place, 3, 1);
    let daemon = place.start();
    good(&place);
    let (before, memory) = (good(&place), memory_kib(&daemon));

    let began = Instant::now();
    let hostile: Vec<_> = (0..HOSTILE)
        .map(|n| {
            let (kind, sends) = KINDS[n % KINDS.len()];
            let mut stream = TcpStream::connect(("127.0.0.1", place.http)).unwrap();
            stream.write_all(sends).unwrap();
            let watch = thread::Builder::new().stack_size(64 << 10);
            let trickles = kind == "slow body";
            let closed = watch.spawn(move || closed_after(stream, trickles, began));
            (kind, closed.unwrap())
        })
        .collect();
    let opened = began.elapsed();
    let among = good(&place);
    let grown = memory_kib(&daemon).saturating_sub(memory);
    let mut last = Duration::ZERO;
    for (kind, closed) in hostile {
        let after = closed.join().unwrap();
        let after = after.unwrap_or_else(|| panic!("a `{kind}` connection stays open"));
        assert!(after < opened + CLOSED_WITHIN, "`{kind}`: {after:?}");
        last = last.max(after);
    }
    assert!(grown < MEMORY_KIB, "{grown} KiB more");
    // They are gone, and the daemon serves as before.
    place.page("/s/load");
    let ratio = p99(&among).as_secs_f64() / p99(&before).as_secs_f64();
    println!(
        "p99 {:?} before, {:?} among {HOSTILE} hostile ({ratio:.2}x); all closed after {last:?}; {grown} KiB more",
        p99(&before),
        p99(&among)
    );
    if is_campaign() {
        assert!(ratio < 2.0, "p99 is {ratio:.2} times what it was");
    }
    figure(
        "hostile_http",
        json!({
            "connections": HOSTILE,
            "good_p99_us_before": p99(&before).as_micros() as u64,
            "good_p99_us_among": p99(&among).as_micros() as u64,
            "last_closed_ms": last.as_millis() as u64,
            "memory_kib": grown,
        }),
    );
    daemon.stop();
}

/// A certificate for this machine, made by openssl; its path and its key's.
fn certificate(folder: &Path) -> (String, String) {
    let path = |name: &str| folder.join(name).display().to_string();
    let (chain, key) = (path("tls.pem"), path("tls.key"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", &key, "-out", &chain])
        .output()
        .expect("openssl: apt-get install openssl");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    (chain, key)
}

#[test]
fn real_clients_open_the_private_pages_over_tls_of_our_own() {
    let folder = TempDir::new().unwrap();
    let place = Place::new(
        folder.path().join("data"),
        folder.path(),
        Settings::default(),
    );
    let (chain, key) = certificate(folder.path());
    let port = free_port();
    place.http_more(&format!(
        "tls_listen = \"127.0.0.1:{port}\"\ntls_certificate_file = \"{chain}\"\ntls_key_file = \"{key}\"\n"
    ));
    society::found(&place, 1, 1);
    let daemon = place.start();
    let curl = |args: &[&str], path: &str| {
        let done = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "10"])
            .args(["--cacert", &chain])
            .args(args)
            .arg(format!("https://localhost:{port}{path}"))
            .output()
            .expect("curl: apt-get install curl");
        let words = String::from_utf8_lossy(&done.stdout).into_owned();
        (done.status.success(), words)
    };
    for version in ["--tlsv1.3", "--tlsv1.2"] {
        let (_, page) = curl(&[version], "/s/load");
        assert!(page.starts_with("HTTP/1.1 200"), "{version}: {page}");
    }
    // The door is shown, and says nothing to whoever knows no password.
    let (_, door) = curl(&[], "/login");
    assert!(door.starts_with("HTTP/1.1 200"), "{door}");
    let form = [
        "--data",
        "user=nobody&password=kettle+orchard+violin&code=000000",
    ];
    let (_, refused) = curl(&form, "/login");
    assert!(refused.contains("not right"), "{refused}");
    assert!(
        !refused
            .to_lowercase()
            .contains("set-cookie: __host-commonwatt=0"),
        "{refused}"
    );
    let (_, desk) = curl(&[], "/desk");
    assert!(desk.starts_with("HTTP/1.1 303"), "{desk}");
    // Versions that are broken are not spoken, and a stranger's certificate is not believed.
    let (old, _) = curl(
        &["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"],
        "/",
    );
    assert!(!old, "TLS 1.1 is spoken");
    let client = |args: &[&str]| {
        let done = Command::new("openssl")
            .args(["s_client", "-connect", &format!("127.0.0.1:{port}")])
            .args([
                "-CAfile",
                &chain,
                "-verify_return_error",
                "-verify_hostname",
                "localhost",
            ])
            .args(args)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("openssl");
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    let said = client(&["-alpn", "h2,http/1.1"]);
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    // Whoever speaks no TLS there gets no page, and whoever says nothing is closed.
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    plain.set_read_timeout(Some(CLOSED_WITHIN)).unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"));
    let silent = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let closed = closed_after(silent, false, Instant::now());
    assert!(
        closed.is_some_and(|after| after < CLOSED_WITHIN),
        "{closed:?}"
    );
    sleep(Duration::from_millis(50));
    daemon.stop();
}
