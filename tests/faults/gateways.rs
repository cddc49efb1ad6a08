//! Gateways that sign: enrolled with a one-time code, through both doors, with real clients; and
//! everything that somebody else might try in their name.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use bridge::{
    enrol::{self, Login},
    keys::KeyFolder,
    uplink::UplinkConfig,
};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tempfile::TempDir;
use wire::{
    NoteWriter, SecretKey,
    enrol::Code,
    note::{ClockLetter, Head, Link, MeterState, Read, Register},
};

use crate::{
    daemon::{BROKER_PASSWORD, BROKER_USER, Daemon, Place, Settings, free_port},
    society,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon with two roofs, `gw-0` with `METER-0-0` and `gw-1` with `METER-1-0`.
pub struct Stage {
    pub folder: TempDir,
    pub place: Place,
    pub daemon: Option<Daemon>,
    pub tokens: [String; 2],
}

impl Stage {
    pub fn new(settings: Settings) -> Stage {
        let mut stage = Stage::closed(settings);
        stage.open();
        stage
    }

    /// Everything but the daemon.
    pub fn closed(settings: Settings) -> Stage {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(folder.path().join("data"), folder.path(), settings);
        let accounts = society::found(&place, 2, 1);
        let tokens = [0, 1].map(|n: usize| accounts[n].token.clone());
        Stage {
            folder,
            place,
            daemon: None,
            tokens,
        }
    }

    /// Starts the daemon and waits until it answers commands.
    pub fn open(&mut self) {
        self.daemon = Some(self.place.start());
        let socket = self.place.data.join("commonwatt.sock");
        self.wait_until("the daemon answers commands", |_| {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
    }

    pub fn keys(&self, name: &str) -> KeyFolder {
        KeyFolder::at(&self.folder.path().join(name))
    }

    pub fn code(&self, gateway: &str) -> Code {
        let made = self.place.ask(&["gateway", "enrol", gateway]);
        Code::parse(made["code"].as_str().expect("a code")).expect("a code")
    }

    /// Times and evidence of the reads of a meter, in order.
    pub fn reads(&self, meter: &str) -> Vec<(i64, String)> {
        let listed = self.place.ask(&["reads", "list", "--meter", meter]);
        let row = |row: &Value| {
            let evidence = row["evidence"].as_str().expect("a letter").to_owned();
            (row["wh"].as_i64().expect("Wh"), evidence)
        };
        listed.as_array().expect("a list").iter().map(row).collect()
    }

    pub fn gateway(&self, id: &str) -> Value {
        let listed = self.place.ask(&["gateway", "list"]);
        let mut lines = listed.as_array().expect("a list").iter();
        lines.find(|line| line["id"] == id).expect("listed").clone()
    }

    pub fn wait_until(&self, what: &str, holds: impl Fn(&Stage) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(self) {
            let log = self.place.log();
            assert!(Instant::now() < until, "waited in vain until {what}\n{log}");
            sleep(Duration::from_millis(100));
        }
    }

    /// What the journal gives must be what the projections say.
    pub fn verify(&self) {
        self.place.ask(&["verify"]);
    }
}

pub fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// A signed note with one read of `METER-<n>-0`.
pub fn note(key: &SecretKey, n: usize, boot: u64, seq: u64, wh: u64) -> Vec<u8> {
    note_of(
        key,
        n,
        &format!("METER-{n}-0"),
        (boot, seq),
        now_ms(),
        None,
        wh,
    )
}

/// When the register of every test shows so much: every value has its own minute of yesterday.
pub fn minute_of(wh: u64) -> i64 {
    now_ms() / 86_400_000 * 86_400_000 - 86_400_000 + 60_000 * i64::try_from(wh - 1_000).unwrap()
}

/// A note of gateway `n` with one read of any meter, made at any time, after any other.
pub fn note_of(
    key: &SecretKey,
    n: usize,
    meter: &str,
    (boot, seq): (u64, u64),
    now_ms: i64,
    prev: Option<Link>,
    wh: u64,
) -> Vec<u8> {
    let mut buffer = [0; 1_024];
    let gateway = format!("gw-{n}");
    let head = Head {
        gateway: &gateway,
        boot,
        seq,
        prev,
        now_ms,
        clock: ClockLetter::Synced,
    };
    let mut writer = NoteWriter::begin(&mut buffer, &head).unwrap();
    writer
        .read(&Read {
            meter,
            register: Register::EXPORT,
            at_ms: minute_of(wh),
            state: MeterState::Good,
            wh,
            w: None,
        })
        .unwrap();
    let used = writer.sign(key).unwrap();
    buffer[..used].to_vec()
}

pub fn json(n: usize, boot: u64, seq: u64, wh: u64) -> Vec<u8> {
    format!(
        r#"{{"boot":{boot},"seq":{seq},"now":"2026-06-21T12:00:00Z","clock":"S","reads":[{{"meter":"METER-{n}-0","register":"2.8.0","t":"2026-06-21T11:59:50Z","wh":{wh}}}]}}"#
    )
    .into_bytes()
}

pub fn reads_topic(n: usize) -> String {
    format!("commonwatt/v1/gw-{n}/reads")
}

/// Publishes with QoS 1 through rumqttc; whether it was acknowledged.
pub fn publish(port: u16, user: &str, password: &str, topic: &str, payload: &[u8]) -> bool {
    let mut options = MqttOptions::new(format!("try {user} {}", now_ms()), "127.0.0.1", port);
    options.set_credentials(user, password);
    options.set_keep_alive(Duration::from_secs(5));
    let (client, mut connection) = Client::new(options, 10);
    client
        .publish(topic, QoS::AtLeastOnce, false, payload)
        .unwrap();
    for event in connection.iter() {
        match event {
            Ok(Event::Incoming(Packet::PubAck(_))) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    false
}

/// The retained message of a topic, through mosquitto's own tool; empty when nothing comes.
fn retained(port: u16, user: &str, password: &str, topic: &str) -> String {
    let port = port.to_string();
    let done = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &port, "-u", user, "-P", password])
        .args(["-t", topic, "-q", "1", "-C", "1", "-W", "3"])
        .output()
        .unwrap_or_else(|e| {
            panic!("`mosquitto_sub`: {e}\nhint: apt-get install mosquitto-clients")
        });
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

pub fn uplink(port: u16, n: usize, token: Option<&str>) -> UplinkConfig {
    let mut config = UplinkConfig::new("127.0.0.1", port, format!("gw-{n}"));
    config.token = token.map(str::to_owned);
    config
}

pub fn wait_for<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn a_gateway_enrols_with_a_code_and_nobody_can_sign_in_its_name() {
    let stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let keys = stage.keys("keys-0");
    let code = stage.code("gw-0");
    let to = uplink(port, 0, None);
    let print = wait_for(enrol::enrol(&to, &keys, &code, Login::ByCode)).unwrap();
    let line = stage.gateway("gw-0");
    assert_eq!(line["evidence"], "G");
    assert_eq!(line["keys"][0]["fingerprint"], print.to_string());
    assert_eq!(stage.gateway("gw-1")["evidence"], "T");

    // The code is used up, and it never was a password for anything else.
    assert!(!publish(port, "gw-0", code.reveal(), &reads_topic(0), b"x"));
    let thief = stage.keys("thief");
    let again = wait_for(enrol::enrol(&to, &thief, &code, Login::ByCode));
    assert!(again.is_err());

    let token = keys.token().unwrap().unwrap();
    let key = keys.key().unwrap();
    let send = |payload: &[u8]| publish(port, "gw-0", &token, &reads_topic(0), payload);
    assert!(send(&note(&key, 0, 1, 1, 1_001)));
    assert_eq!(stage.reads("METER-0-0"), [(1_001, "G".to_owned())]);

    // Acknowledged, kept, told, and none of it counts: not signed, changed, by another key, and
    // another gateway's note. No receipt names it.
    assert!(send(&json(0, 1, 2, 2_000)));
    let mut changed = note(&key, 0, 1, 2, 1_002);
    let at = changed.windows(4).rposition(|w| w == b"1002").unwrap();
    changed[at + 3] = b'9';
    assert!(send(&changed));
    let other = thief.key().unwrap();
    assert!(send(&note(&other, 0, 1, 2, 1_003)));
    assert!(send(&note(&other, 1, 1, 2, 1_004)));
    stage.wait_until("four messages are not believed", |stage| {
        stage.gateway("gw-0")["not_believed"] == 4
    });
    assert_eq!(stage.reads("METER-0-0").len(), 1);
    let receipt = retained(port, "gw-0", &token, "commonwatt/v1/gw-0/receipt");
    assert!(
        receipt.contains(r#"{"boot":1,"upto":1,"also":[]}"#),
        "{receipt}"
    );

    // Another gateway may not publish there, whatever it has.
    let stolen = note(&key, 0, 1, 3, 1_005);
    assert!(!publish(
        port,
        "gw-1",
        &stage.tokens[1],
        &reads_topic(0),
        &stolen
    ));
    assert!(publish(
        port,
        "gw-1",
        &stage.tokens[1],
        &reads_topic(1),
        &json(1, 1, 1, 5)
    ));
    assert_eq!(stage.reads("METER-1-0"), [(5, "T".to_owned())]);

    // Sent again, and sent by its owner to another place: nothing changes.
    assert!(send(&note(&key, 0, 1, 2, 1_006)));
    let twice = note(&key, 0, 1, 3, 1_007);
    assert!(send(&twice) && send(&twice));
    assert!(publish(
        port,
        "gw-1",
        &stage.tokens[1],
        &reads_topic(1),
        &twice
    ));
    assert_eq!(stage.reads("METER-0-0").len(), 3);
    assert_eq!(stage.gateway("gw-0")["clones"].as_array().unwrap().len(), 0);
    assert_eq!(stage.reads("METER-1-0").len(), 1);

    // Two notes of one number and different bytes are two gateways: both kept, and said.
    assert!(send(&note(&key, 0, 1, 3, 1_008)));
    stage.wait_until("the clone is listed", |stage| {
        stage.gateway("gw-0")["clones"][0]["seq"] == 3
    });
    assert!(stage.place.log().contains("two gateways have this key"));
    assert_eq!(stage.reads("METER-0-0").len(), 4);
    stage.verify();

    // And all of it is still so after a start.
    let mut stage = stage;
    stage.daemon.take().unwrap().stop();
    stage.open();
    let line = stage.gateway("gw-0");
    assert_eq!(line["clones"].as_array().unwrap().len(), 1);
    assert_eq!(line["keys"][0]["fingerprint"], print.to_string());
    // The note that came before the start is remembered.
    assert!(send(&note(&key, 0, 1, 2, 1_009)));
    stage.wait_until("a clone of an older number is seen", |stage| {
        stage.gateway("gw-0")["clones"].as_array().unwrap().len() == 2
    });
    stage.daemon.take().unwrap().stop();
}

#[test]
fn a_key_is_rotated_by_the_old_one_and_revoked_from_a_date() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let keys = stage.keys("keys-0");
    let code = stage.code("gw-0");
    let to = uplink(port, 0, None);
    wait_for(enrol::enrol(&to, &keys, &code, Login::ByCode)).unwrap();
    let token = keys.token().unwrap().unwrap();
    let old = keys.key().unwrap();
    let send = |payload: &[u8]| publish(port, "gw-0", &token, &reads_topic(0), payload);

    let to = uplink(port, 0, Some(&token));
    wait_for(enrol::rotate(&to, &keys)).unwrap();
    let new = keys.key().unwrap();
    assert_ne!(old.public(), new.public());
    // A note that waited in the backlog is signed with the old key, and still good.
    assert!(send(&note(&old, 0, 1, 1, 1_001)));
    assert!(send(&note(&new, 0, 1, 2, 1_002)));
    let good = |wh| (wh, "G".to_owned());
    assert_eq!(stage.reads("METER-0-0"), [good(1_001), good(1_002)]);

    sleep(Duration::from_millis(1_500));
    let stolen_at = jiff::Timestamp::from_second(now_ms() / 1_000).unwrap();
    sleep(Duration::from_millis(20));
    assert!(send(&note(&new, 0, 1, 3, 1_003)));
    assert_eq!(stage.reads("METER-0-0").len(), 3);
    let from = stolen_at.to_string();
    stage.place.ask(&[
        "gateway", "revoke", "gw-0", "--from", &from, "--reason", "stolen",
    ]);
    // What came since does not count, and a rebuild says the same.
    assert_eq!(stage.reads("METER-0-0"), [good(1_001), good(1_002)]);
    stage.verify();
    assert!(!send(&note(&new, 0, 1, 4, 1_004)));
    let line = stage.gateway("gw-0");
    assert_eq!(
        (&line["credential"], &line["evidence"]),
        (&"revoked".into(), &"none".into())
    );

    // The revoked key never comes back; a new one does.
    let code = stage.code("gw-0");
    let asked = uplink(port, 0, None);
    let mut request = [0; 1_024];
    let used = wire::enrol::write_enrolment(&mut request, "gw-0", &new, None, &code).unwrap();
    let enrol_topic = "commonwatt/v1/gw-0/enrol";
    assert!(publish(
        port,
        "gw-0",
        code.reveal(),
        enrol_topic,
        &request[..used]
    ));
    stage.wait_until("the revoked key is refused", |stage| {
        stage.place.log().contains("this key was revoked")
    });
    let fresh = stage.keys("keys-fresh");
    wait_for(enrol::enrol(&asked, &fresh, &code, Login::ByCode)).unwrap();
    let token = fresh.token().unwrap().unwrap();
    let send = |payload: &[u8]| publish(port, "gw-0", &token, &reads_topic(0), payload);
    assert!(send(&note(&fresh.key().unwrap(), 0, 2, 1, 1_005)));
    assert!(send(&note(&new, 0, 2, 2, 1_006)));
    assert_eq!(
        stage.reads("METER-0-0"),
        [good(1_001), good(1_002), good(1_005)]
    );
    stage.verify();
    stage.daemon.take().unwrap().stop();
}

/// A mosquitto that knows nobody but the users of our ACL file.
pub struct Guarded {
    child: Child,
    pub port: u16,
}

impl Guarded {
    pub fn start(folder: &TempDir, port: u16, acl: &str, users: &[(&str, &str)]) -> Guarded {
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("acl"), acl).unwrap();
        std::fs::write(file("passwords"), "").unwrap();
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        for (user, password) in users {
            let made = Command::new("mosquitto_passwd")
                .env("PATH", &path)
                .arg("-b")
                .arg(file("passwords"))
                .args([user, password])
                .stderr(Stdio::null())
                .status()
                .unwrap_or_else(|e| {
                    panic!("`mosquitto_passwd`: {e}\nhint: apt-get install mosquitto")
                });
            assert!(made.success());
        }
        let config = format!(
            "listener {port} 127.0.0.1\nuser root\nlog_dest none\nallow_anonymous false\n\
             password_file {}\nacl_file {}\n",
            file("passwords").display(),
            file("acl").display()
        );
        std::fs::write(file("mosquitto.conf"), config).unwrap();
        let child = Command::new("mosquitto")
            .env("PATH", path)
            .arg("-c")
            .arg(file("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("`mosquitto`: {e}\nhint: apt-get install mosquitto"));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "mosquitto does not listen");
            sleep(Duration::from_millis(10));
        }
        Guarded { child, port }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn behind_a_broker_the_generated_acl_keeps_gateways_apart_and_keys_keep_forgers_out() {
    let broker_port = free_port();
    let settings = Settings {
        broker: Some(broker_port),
        broker_login: true,
        ..Settings::default()
    };
    let mut stage = Stage::closed(settings);
    let made = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
        .args(["gateway", "acl", "--data"])
        .arg(&stage.place.data)
        .output()
        .unwrap();
    let acl = String::from_utf8(made.stdout).unwrap();
    let users = [
        (BROKER_USER, BROKER_PASSWORD),
        ("gw-0", "roof zero"),
        ("gw-1", "roof one"),
    ];
    let broker = Guarded::start(&stage.folder, broker_port, &acl, &users);
    let port = broker.port;
    stage.open();

    let keys = stage.keys("keys-0");
    let code = stage.code("gw-0");
    let to = uplink(port, 0, Some("roof zero"));
    let print = wait_for(enrol::enrol(&to, &keys, &code, Login::AsConfigured)).unwrap();
    assert_eq!(
        stage.gateway("gw-0")["keys"][0]["fingerprint"],
        print.to_string()
    );
    let key = keys.key().unwrap();
    assert!(publish(
        port,
        "gw-0",
        "roof zero",
        &reads_topic(0),
        &note(&key, 0, 1, 1, 1_001)
    ));
    let good = |wh| (wh, "G".to_owned());
    stage.wait_until("the signed read is there", |stage| {
        stage.reads("METER-0-0") == [good(1_001)]
    });

    // A wrong password gets nowhere. Gateway 1 as itself: the broker answers as version 3.1.1 must,
    // and passes nothing on; a true note of gateway 0 is no better in its hands.
    let forged = note(&key, 0, 1, 2, 1_002);
    assert!(!publish(port, "gw-0", "a guess", &reads_topic(0), &forged));
    for payload in [forged.clone(), json(0, 1, 2, 1_003)] {
        publish(port, "gw-1", "roof one", &reads_topic(0), &payload);
        publish(
            port,
            "gw-1",
            "roof one",
            "commonwatt/v1/gw-0/enrol",
            &payload,
        );
        publish(
            port,
            "gw-1",
            "roof one",
            "commonwatt/v1/gw-0/receipt",
            &payload,
        );
    }
    stage.wait_until("the own receipt names the note", |_| {
        let mine = retained(port, "gw-0", "roof zero", "commonwatt/v1/gw-0/receipt");
        mine.contains(r#""boot":1,"upto":1"#)
    });
    assert_eq!(
        retained(port, "gw-1", "roof one", "commonwatt/v1/gw-0/receipt"),
        ""
    );
    assert_eq!(
        retained(port, "gw-1", "roof one", "commonwatt/v1/+/receipt")
            .matches("boot\":1,\"upto\":1")
            .count(),
        0
    );

    // On its own topic it may say what it likes, in its own name only.
    assert!(publish(port, "gw-1", "roof one", &reads_topic(1), &forged));
    assert!(publish(
        port,
        "gw-1",
        "roof one",
        &reads_topic(1),
        &json(1, 1, 1, 5)
    ));
    stage.wait_until("its own read is there", |stage| {
        stage.reads("METER-1-0") == [(5, "T".to_owned())]
    });
    assert_eq!(stage.reads("METER-0-0"), [good(1_001)]);
    stage.wait_until("the note of another is told", |stage| {
        stage.gateway("gw-1")["not_believed"] == 1
    });

    // Who has the broker itself, and with it every topic, can forge nothing either.
    assert!(publish(
        port,
        "gw-0",
        "roof zero",
        &reads_topic(0),
        &json(0, 1, 2, 1_004)
    ));
    stage.wait_until("what is not signed is told", |stage| {
        stage.gateway("gw-0")["not_believed"] == 1
    });
    assert_eq!(stage.reads("METER-0-0"), [good(1_001)]);
    stage.verify();
    stage.daemon.take().unwrap().stop();
}
