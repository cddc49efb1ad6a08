//! Uplinks and a fleet against a real broker that is killed, with a small daemon behind it.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bridge::{
    clock::Clock,
    session::Limits,
    simulate::{
        fleet::{Fleet, Gateway, Plan},
        half_hours::HalfHours,
        meter::Meter,
        roof::SimulatedRoof,
        stand_in::{BATH_YEAR, StandInYear},
    },
    uplink::{Uplink, UplinkConfig, tls},
};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use tempfile::TempDir;
use tokio::{task::JoinHandle, time::sleep};

use crate::support::{Daemon, read};

/// A mosquitto of our own: accounts `gw-0` … with the password `secret`, nothing kept on disk.
struct Broker {
    port: u16,
    folder: TempDir,
    running: Option<Child>,
}

impl Broker {
    fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// `more` is appended to the configuration of the listener.
    fn start_with(more: &str) -> Option<Self> {
        let Some(program) = program("mosquitto") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "`mosquitto` is not installed\nhint: apt-get install mosquitto"
            );
            eprintln!("skipped: `mosquitto` is not installed");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .unwrap()
            .port();
        let folder = tempfile::tempdir().unwrap();
        let passwords = folder.path().join("passwords");
        std::fs::write(&passwords, "").unwrap();
        for name in ["gw-0", "gw-1", "gw-2", "daemon"] {
            let done = Command::new(self::program("mosquitto_passwd").unwrap())
                .args([
                    "-b".as_ref(),
                    passwords.as_os_str(),
                    name.as_ref(),
                    "secret".as_ref(),
                ])
                .stderr(Stdio::null())
                .status();
            assert!(done.unwrap().success());
        }
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\n\
             persistence false\nmax_queued_messages 0\nmax_inflight_messages 1000\nuser root\n{more}\n",
            passwords.display()
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let mut broker = Broker {
            port,
            folder,
            running: None,
        };
        broker.run(&program);
        Some(broker)
    }

    fn run(&mut self, program: &Path) {
        let child = Command::new(program)
            .arg("-c")
            .arg(self.folder.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.running = Some(child.unwrap());
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < patience, "mosquitto does not listen");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn restart(&mut self) {
        self.run(&program("mosquitto").unwrap());
    }

    fn uplink(&self, gateway: &str) -> UplinkConfig {
        UplinkConfig {
            token: Some("secret".into()),
            replay_within_ms: 100,
            backoff_ms: (20, 200),
            ..UplinkConfig::new("127.0.0.1", self.port, gateway)
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

fn program(name: &str) -> Option<PathBuf> {
    ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
}

type Held = Arc<Mutex<[Daemon; 3]>>;

/// Holds notes and publishes a retained receipt for each gateway three times a second. A note counts
/// as held when it is in memory here, as it would be on a real daemon's disk.
fn daemon(port: u16) -> (Held, JoinHandle<()>) {
    let held = Held::default();
    let shared = Arc::clone(&held);
    let task = tokio::spawn(async move {
        loop {
            let mut options = MqttOptions::new("daemon", "127.0.0.1", port);
            options.set_credentials("daemon", "secret");
            options.set_max_packet_size(1 << 20, 1 << 20);
            let (client, mut events) = AsyncClient::new(options, 100);
            let mut said = tokio::time::interval(Duration::from_millis(300));
            let receipts = async {
                loop {
                    said.tick().await;
                    for i in 0..3 {
                        let text = shared.lock().unwrap()[i].receipt().to_string();
                        let topic = format!("commonwatt/v1/gw-{i}/receipt");
                        if client
                            .publish(topic, QoS::AtMostOnce, true, text)
                            .await
                            .is_err()
                        {
                            return;
                        }
                    }
                }
            };
            let notes = async {
                loop {
                    match events.poll().await {
                        Ok(Event::Incoming(Packet::ConnAck(_))) => {
                            let topic = "commonwatt/v1/+/reads";
                            client.try_subscribe(topic, QoS::AtLeastOnce).unwrap();
                        }
                        Ok(Event::Incoming(Packet::Publish(note))) => {
                            let gateway: usize =
                                note.topic.split('/').nth(2).unwrap()[3..].parse().unwrap();
                            shared.lock().unwrap()[gateway].take(&note.payload);
                        }
                        Ok(_) => {}
                        Err(_) => return,
                    }
                }
            };
            tokio::select! { () = receipts => {}, () = notes => {} }
            sleep(Duration::from_millis(50)).await;
        }
    });
    (held, task)
}

fn limits() -> Limits {
    Limits {
        reads_per_note: 5,
        note_after_ms: 50,
        resend_after_ms: 1_000,
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_killed_in_the_middle_loses_no_read() {
    let Some(mut broker) = Broker::start() else {
        return;
    };
    let (held, daemon) = daemon(broker.port);
    let uplink = Uplink::start(
        broker.uplink("gw-0"),
        9,
        limits(),
        Clock::system(Default::default()),
    );
    let total = 3_000;
    for n in 1..=total {
        uplink.read(read("E1", n)).await.unwrap();
        if n % 10 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
        if n % 600 == 300 {
            broker.kill();
        }
        if n % 600 == 450 {
            broker.restart();
        }
    }
    let state = uplink.watch();
    let end = uplink.stop(Duration::from_secs(30)).await;
    assert_eq!(end.standing.unreceipted, 0, "{end:?}");
    assert_eq!(end.standing.lost_reads, 0);
    assert!(end.connections >= 3, "{end:?}");
    drop(state);

    daemon.abort();
    let wh: Vec<i64> = held.lock().unwrap()[0]
        .reads()
        .iter()
        .map(|r| r.wh)
        .collect();
    assert_eq!(wh, (1..=i64::try_from(total).unwrap()).collect::<Vec<_>>());
}

/// An authority and a certificate for `localhost`, and the keys, in a folder.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("names"), "subjectAltName=DNS:localhost").unwrap();
    let steps = [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
         -subj /CN=authority -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
         -subj /CN=localhost -keyout host.key -out host.csr",
        "x509 -req -in host.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
         -extfile names -out host.pem",
    ];
    for step in steps {
        let done = Command::new("openssl")
            .args(step.split_whitespace())
            .current_dir(folder.path())
            .stderr(Stdio::null())
            .status();
        assert!(done.unwrap().success(), "openssl {step}");
    }
    folder
}

#[tokio::test]
async fn tls_trusts_the_given_authority_and_no_other() {
    let (ours, other) = (certificates(), certificates());
    let path = |name| ours.path().join(name).display().to_string();
    let tls = format!(
        "certfile {}\nkeyfile {}",
        path("host.pem"),
        path("host.key")
    );
    let Some(broker) = Broker::start_with(&tls) else {
        return;
    };
    for (trusted, expected) in [(&ours, 1), (&other, 0)] {
        let authority = std::fs::read(trusted.path().join("ca.pem")).unwrap();
        let config = UplinkConfig {
            host: "localhost".into(),
            tls: Some(tls::client(&authority, None).unwrap()),
            ..broker.uplink("gw-2")
        };
        let uplink = Uplink::start(config, 1, limits(), Clock::system(Default::default()));
        sleep(Duration::from_millis(500)).await;
        let end = uplink.stop(Duration::ZERO).await;
        assert_eq!(end.connections, expected);
    }
}

#[tokio::test]
async fn a_wrong_token_never_connects_and_keeps_every_read() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let config = UplinkConfig {
        token: Some("wrong".into()),
        ..broker.uplink("gw-0")
    };
    let uplink = Uplink::start(config, 1, limits(), Clock::system(Default::default()));
    for n in 1..=20 {
        uplink.read(read("E1", n)).await.unwrap();
    }
    sleep(Duration::from_millis(500)).await;
    let end = uplink.stop(Duration::from_millis(100)).await;
    assert_eq!((end.connected, end.connections), (false, 0));
    assert_eq!(end.standing.unreceipted, 4);
}

#[tokio::test]
async fn status_says_online_then_the_last_will_or_the_good_bye_says_offline() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let mut options = MqttOptions::new("desk", "127.0.0.1", broker.port);
    options.set_credentials("daemon", "secret");
    let (client, mut events) = AsyncClient::new(options, 10);
    let topic = "commonwatt/v1/gw-1/status";
    client.subscribe(topic, QoS::AtLeastOnce).await.unwrap();
    let mut next_status = async || loop {
        if let Event::Incoming(Packet::Publish(status)) = events.poll().await.unwrap() {
            let status: serde_json::Value = serde_json::from_slice(&status.payload).unwrap();
            return (
                status["online"].as_bool().unwrap(),
                status["boot"].as_u64().unwrap(),
            );
        }
    };
    let clock = || Clock::system(Default::default());

    let uplink = Uplink::start(broker.uplink("gw-1"), 4, limits(), clock());
    assert_eq!(next_status().await, (true, 4));
    // Nobody sends receipts; that must not hold up the good-bye beyond the grace.
    let (offline, _) = tokio::join!(next_status(), uplink.stop(Duration::from_millis(10)));
    assert_eq!(offline, (false, 4));

    let dropped = Uplink::start(broker.uplink("gw-1"), 5, limits(), clock());
    assert_eq!(next_status().await, (true, 5));
    drop(dropped);
    assert_eq!(next_status().await, (false, 5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_shows_the_roofs_registers_while_a_day_passes_in_two_seconds() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let (held, daemon) = daemon(broker.port);
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../config/demo/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv"
    );
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let file = HalfHours::read(file).unwrap();
    let year = Arc::new(StandInYear::new(&file, BATH_YEAR).unwrap());
    let origin = "2018-05-10T23:30:00Z".parse().unwrap();
    let roof = |kwp: &str| SimulatedRoof::new(Arc::clone(&year), kwp.parse().unwrap(), origin, 500);
    let roofs = ["37.24", "9", "13"].map(roof);
    let gateways: Vec<Gateway> = (0..3)
        .map(|i| Gateway {
            uplink: broker.uplink(&format!("gw-{i}")),
            meters: vec![Meter::measured(
                format!("SAMPLE-{i}"),
                "2.8.0".into(),
                roofs[i].clone(),
            )],
        })
        .collect();
    let from = "2026-06-05T00:00:00Z".parse().unwrap();
    let plan = Plan {
        clock: Clock::simulated(from, 43_200),
        boot: 1,
        limits: limits(),
        every_ms: 1_800_000,
        until: None,
    };
    let fleet = Fleet::start(&plan, gateways);
    let started = Instant::now();
    sleep(Duration::from_millis(2_200)).await;
    assert!(fleet.look().all(|(_, state)| state.connected));
    let end = fleet.stop(Duration::from_secs(10)).await;
    assert!(started.elapsed() < Duration::from_secs(8));
    assert_eq!((end.unreceipted, end.lost_reads), (0, 0), "{end:?}");
    daemon.abort();
    for (i, roof) in roofs.iter().enumerate() {
        let reads = held.lock().unwrap()[i].reads();
        assert!((44..=60).contains(&reads.len()), "{} reads", reads.len());
        for pair in reads.windows(2) {
            let apart_ms = pair[1].at.as_millisecond() - pair[0].at.as_millisecond();
            assert_eq!(apart_ms, 1_800_000, "a read on every half hour");
        }
        for read in reads {
            let shown = roof.at(read.at);
            assert_eq!((read.wh, read.w), (shown.wh, Some(shown.w)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulate_command_publishes_what_it_prints() {
    let Some(broker) = Broker::start() else {
        return;
    };
    let (held, daemon) = daemon(broker.port);
    let token = broker.folder.path().join("token");
    std::fs::write(&token, "secret\n").unwrap();
    let port = broker.port;
    let ran = tokio::task::spawn_blocking(move || {
        let simulate = |more: &[&str]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_firmware-bridge"));
            command
                .args([
                    "simulate",
                    "--meter",
                    "A",
                    "--meter",
                    "B",
                    "--night-draw",
                    "7",
                ])
                .args([
                    "--from",
                    "2026-06-05T00:00:00Z",
                    "--for",
                    "1d",
                    "--every",
                    "1800",
                ])
                .args(["--fault", "wake-up-zero", "--fault", "gap@+10h/2h"])
                .args(more)
                .output()
                .unwrap()
        };
        let printed = simulate(&["--print"]);
        let (token, broker) = (token.display().to_string(), format!("127.0.0.1:{port}"));
        let to = [
            "--gateway",
            "gw-0",
            "--token-file",
            &token,
            "--broker",
            &broker,
        ];
        let published = simulate(&[&to[..], &["--speed", "43200"]].concat());
        (printed, published)
    });
    let (printed, published) = ran.await.unwrap();
    let told = String::from_utf8_lossy(&published.stderr).into_owned();
    assert!(published.status.success(), "{told}");
    assert!(told.contains("SAMPLE"), "{told}");
    daemon.abort();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let mut expected: Vec<bridge::note::MeterRead> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // 48 half hours less 4 of the gap, two meters, two registers.
    assert_eq!(expected.len(), 44 * 2 * 2);
    let key = |r: &bridge::note::MeterRead| (r.meter.clone(), r.register.clone(), r.at);
    expected.sort_by_key(key);
    let mut reads = held.lock().unwrap()[0].reads();
    reads.sort_by_key(key);
    assert_eq!(reads, expected);
}
