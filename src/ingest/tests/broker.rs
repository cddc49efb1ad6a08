//! The other door, through mosquitto on a port of its own and through a broker made of bytes.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use commonwatt_ingest::broker::{self, Broker, Config};
use journal::{FaultPlan, SlowDisk};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

use crate::{
    raw,
    stage::{GATEWAYS, Setup, Stage, payload, reads_topic, wait_for, wait_until},
};

pub struct Mosquitto {
    child: Child,
    pub port: u16,
    folder: tempfile::TempDir,
}

impl Mosquitto {
    pub fn start() -> Mosquitto {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let location = folder.path().display();
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest none\n\
             persistence true\npersistence_location {location}/\n\
             max_inflight_messages 1000\nmax_queued_messages 0\n"
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let child = Mosquitto::spawn(folder.path());
        let mosquitto = Mosquitto {
            child,
            port,
            folder,
        };
        mosquitto.wait_until_up();
        mosquitto
    }

    fn spawn(folder: &Path) -> Child {
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
        Command::new("mosquitto")
            .env("PATH", path)
            .arg("-c")
            .arg(folder.join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| {
                panic!("`mosquitto` cannot be run: {e}\nhint: apt-get install mosquitto")
            })
    }

    fn wait_until_up(&self) {
        wait_until("mosquitto listens", || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }

    /// kill -9, then a new one on the same port and folder.
    fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        self.child = Mosquitto::spawn(self.folder.path());
        self.wait_until_up();
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open_door(stage: &Stage, port: u16) -> Broker {
    broker::start(
        Config::new("127.0.0.1", port),
        Arc::clone(&stage.registry),
        Arc::clone(&stage.receipts),
        Arc::clone(&stage.metrics),
        stage.clock(),
    )
    .unwrap()
}

/// A gateway with a backlog: sends every number again and again until a receipt names it.
fn send_until_receipted(port: u16, gateway: &str, count: u64, pace: Duration) -> u64 {
    let mut options = MqttOptions::new(format!("roof {gateway}"), "127.0.0.1", port);
    options
        .set_clean_session(true)
        .set_keep_alive(Duration::from_secs(5))
        .set_inflight(20);
    let (client, mut connection) = Client::new(options, 1_000);
    let receipt_topic = format!("commonwatt/v1/{gateway}/receipt");
    let covered = std::sync::Mutex::new(None::<wire::Receipt>);
    let done = AtomicBool::new(false);
    let mut sent = 0;
    std::thread::scope(|scope| {
        let (covered, done, topic) = (&covered, &done, &receipt_topic);
        let subscriber = client.clone();
        scope.spawn(move || {
            for event in connection.iter() {
                match event {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        subscriber.try_subscribe(topic, QoS::AtLeastOnce).unwrap();
                    }
                    Ok(Event::Incoming(Packet::Publish(p))) => {
                        let receipt = wire::Receipt::parse(&p.payload).expect("a receipt");
                        *covered.lock().unwrap() = Some(receipt);
                    }
                    Ok(_) => {}
                    Err(_) => std::thread::sleep(Duration::from_millis(50)),
                }
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let named = |seq| {
            covered
                .lock()
                .unwrap()
                .as_ref()
                .is_some_and(|r| r.covers(1, seq))
        };
        let begin = std::time::Instant::now();
        loop {
            let missing: Vec<u64> = (1..=count).filter(|seq| !named(*seq)).collect();
            if missing.is_empty() {
                break;
            }
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "{} still missing",
                missing.len()
            );
            for seq in missing {
                // A full queue or a lost connection: this one is sent in the next round.
                let message = payload(gateway, 1, seq);
                sent += u64::from(
                    client
                        .try_publish(reads_topic(gateway), QoS::AtLeastOnce, false, message)
                        .is_ok(),
                );
                std::thread::sleep(pace);
            }
            std::thread::sleep(Duration::from_millis(600));
        }
        done.store(true, Ordering::Relaxed);
        client.disconnect().unwrap();
    });
    sent
}

#[test]
fn messages_through_a_broker_are_journaled_and_receipted() {
    let mosquitto = Mosquitto::start();
    let stage = Stage::without_endpoint(&Setup::default());
    let door = open_door(&stage, mosquitto.port);
    send_until_receipted(mosquitto.port, GATEWAYS[0], 200, Duration::ZERO);
    let mut sequences = stage.sequences(GATEWAYS[0], 1);
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences, (1..=200).collect::<Vec<_>>());
    assert_eq!(stage.metrics.broker_connected.get(), 1);
    door.stop();
}

#[test]
fn a_broker_killed_in_mid_stream_loses_nothing_in_the_end() {
    let mut mosquitto = Mosquitto::start();
    let port = mosquitto.port;
    let kills = std::env::var("COMMONWATT_BROKER_KILLS").ok();
    let kills: u32 = kills.and_then(|n| n.parse().ok()).unwrap_or(4);
    let stage = Stage::without_endpoint(&Setup::default());
    let door = open_door(&stage, port);
    let count = 1_500;
    let sender = std::thread::spawn(move || {
        send_until_receipted(port, GATEWAYS[0], count, Duration::from_millis(1))
    });
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(500));
        mosquitto.kill_and_restart();
    }
    let sent = sender.join().unwrap();
    let mut sequences = stage.sequences(GATEWAYS[0], 1);
    sequences.sort_unstable();
    sequences.dedup();
    assert_eq!(sequences, (1..=count).collect::<Vec<_>>());
    assert!(stage.metrics.broker_lost.get() >= u64::from(kills));
    println!("{kills} kills: {count} messages, {sent} sendings, none missing");
    door.stop();
}

#[test]
fn a_message_too_large_to_keep_holds_up_nobody() {
    let mosquitto = Mosquitto::start();
    let stage = Stage::without_endpoint(&Setup::default());
    let door = open_door(&stage, mosquitto.port);
    wait_until("the door is open", || {
        stage.metrics.broker_connected.get() == 1
    });
    let mut options = MqttOptions::new("a careless roof", "127.0.0.1", mosquitto.port);
    options.set_max_packet_size(64 << 20, 64 << 20);
    let (client, mut connection) = Client::new(options, 10);
    client
        .publish(
            reads_topic(GATEWAYS[0]),
            QoS::AtLeastOnce,
            false,
            vec![b' '; 3 << 20],
        )
        .unwrap();
    let acknowledged = connection
        .iter()
        .any(|event| matches!(event, Ok(Event::Incoming(Packet::PubAck(_)))));
    assert!(acknowledged, "mosquitto takes it");
    send_until_receipted(mosquitto.port, GATEWAYS[1], 5, Duration::ZERO);
    assert_eq!(stage.metrics.broker_lost.get(), 0, "the connection stood");
    assert_eq!(stage.metrics.excess.get(), 1, "a digest stands for it");
    door.stop();
}

#[test]
fn a_stranger_behind_the_broker_is_acknowledged_counted_and_not_kept() {
    let mosquitto = Mosquitto::start();
    let stage = Stage::without_endpoint(&Setup::default());
    let door = open_door(&stage, mosquitto.port);
    wait_until("the door is open", || {
        stage.metrics.broker_connected.get() == 1
    });
    let port = mosquitto.port.to_string();
    let to = |topic: &str| {
        let output = Command::new("mosquitto_pub")
            .args(["-p", &port, "-q", "1", "-t", topic, "-m", "x"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    to("commonwatt/v1/stranger/reads");
    to("commonwatt/v1/elmore-1/status");
    wait_until("the status is on disk", || stage.journaled().len() == 1);
    assert_eq!(stage.metrics.unknown_gateway.get(), 1);
    assert!(stage.metrics.recent_refusals()[0].contains("stranger"));
    door.stop();
}

#[test]
fn what_did_not_reach_the_disk_is_delivered_again() {
    let mosquitto = Mosquitto::start();
    let disk = journal::MemoryDisk::new();
    let failing = Stage::without_endpoint(&Setup {
        disk: Some(disk.shared()),
        segment_bytes: 1 << 20,
        ..Setup::default()
    });
    let door = open_door(&failing, mosquitto.port);
    wait_until("the door is open", || {
        failing.metrics.broker_connected.get() == 1
    });
    disk.set_plan(FaultPlan {
        sync: Some(1),
        ..FaultPlan::default()
    });
    let port = mosquitto.port.to_string();
    for seq in 1..=5 {
        let message = payload(GATEWAYS[0], 1, seq);
        let status = Command::new("mosquitto_pub")
            .args([
                "-p",
                &port,
                "-q",
                "1",
                "-t",
                &reads_topic(GATEWAYS[0]),
                "-m",
                &message,
            ])
            .status()
            .unwrap();
        assert!(status.success());
    }
    wait_until("the failure is noticed", || {
        failing.metrics.broker_lost.get() > 0
    });
    assert_eq!(failing.metrics.acknowledged.get(), 0);
    door.stop();
    let healed = Stage::without_endpoint(&Setup::default());
    let door = open_door(&healed, mosquitto.port);
    wait_until("all five are on disk", || {
        healed.sequences(GATEWAYS[0], 1).len() == 5
    });
    door.stop();
}

/// A broker made of bytes: accepts one connection of the inlet and reads its CONNECT and SUBSCRIBE.
fn accept_inlet(listener: &TcpListener) -> raw::Raw {
    loop {
        let (stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let mut raw = raw::Raw { stream };
        let (first, body) = raw.packet();
        assert_eq!(first, 0x10);
        if body.ends_with(b"-receipts") {
            // The outlet: leave it waiting.
            std::mem::forget(raw);
            continue;
        }
        assert_eq!(body[7] & 2, 0, "the session is persistent");
        raw.send(&[0x20, 2, 0, 0]);
        let (first, body) = raw.packet();
        assert_eq!(first, 0x82);
        raw.send(&[0x90, 5, body[0], body[1], 1, 1, 1]);
        return raw;
    }
}

#[test]
fn acknowledgements_keep_the_order_of_arrival_and_die_with_their_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(journal::RealDisk::new(folder.path()).unwrap());
    let slow = SlowDisk::new(disk, Duration::from_millis(150));
    let stage = Stage::without_endpoint(&Setup {
        disk: Some(Arc::new(slow)),
        ..Setup::default()
    });
    let door = open_door(&stage, port);
    let mut first = accept_inlet(&listener);
    let mut bytes = Vec::new();
    for (id, gateway) in [(40, GATEWAYS[0]), (7, "stranger"), (9, GATEWAYS[1])] {
        bytes.extend(raw::publish(
            4,
            1,
            id,
            &reads_topic(gateway),
            payload(gateway, 1, id.into()).as_bytes(),
        ));
    }
    first.send(&bytes);
    for id in [40, 7, 9] {
        assert_eq!(first.packet(), (0x40, vec![0, id]));
    }
    first.send(&raw::publish(
        4,
        1,
        11,
        &reads_topic(GATEWAYS[0]),
        payload(GATEWAYS[0], 1, 41).as_bytes(),
    ));
    wait_until("it is taken in", || stage.metrics.messages.get() == 4);
    first.stream.shutdown(std::net::Shutdown::Both).unwrap();
    let mut second = accept_inlet(&listener);
    wait_for(Duration::from_secs(10), "it is on disk", || {
        stage.journaled().len() == 3
    });
    second.is_quiet(Duration::from_millis(500));
    second.send(&raw::publish(
        4,
        1,
        12,
        &reads_topic(GATEWAYS[0]),
        payload(GATEWAYS[0], 1, 41).as_bytes(),
    ));
    assert_eq!(second.packet(), (0x40, vec![0, 12]));
    door.stop();
}

#[test]
fn a_refused_subscription_is_noticed_and_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stage = Stage::without_endpoint(&Setup::default());
    let door = open_door(&stage, listener.local_addr().unwrap().port());
    let mut refused = 0;
    while refused < 2 {
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(700)))
            .unwrap();
        let mut bytes = [0; 400];
        let seen = stream.read(&mut bytes).unwrap();
        if bytes[..seen].ends_with(b"-receipts") {
            continue;
        }
        stream.write_all(&[0x20, 2, 0, 0]).unwrap();
        let seen = stream.read(&mut bytes).unwrap();
        assert!(seen > 4 && bytes[0] == 0x82);
        stream
            .write_all(&[0x90, 5, bytes[2], bytes[3], 0x80, 1, 1])
            .unwrap();
        assert_eq!(
            stream.read(&mut bytes).unwrap_or(0),
            0,
            "the connection is given up"
        );
        refused += 1;
    }
    assert_eq!(stage.metrics.broker_connected.get(), 0);
    assert!(stage.metrics.recent_refusals()[0].contains("refused to subscribe"));
    drop(door);
}
