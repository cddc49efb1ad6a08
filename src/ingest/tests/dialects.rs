//! Devices that speak their own dialect, through both doors.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use commonwatt_ingest::{
    broker::{self, Config},
    registry::{Command, Device},
};
use domain::{
    calendar::Instant,
    metering::{Obis, SeriesId},
    quantity::WattHours,
};
use records::{
    Decoded,
    decision::MappingApplied,
    decode,
    devices::{DeviceReader, Devices},
    directory::Directory,
    message::Arrived,
};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};

use crate::{
    broker::Mosquitto,
    raw::{Hello, Raw, publish, subscribe},
    stage::{GATEWAYS, NOON, Setup, Stage, wait_until},
};

/// A gateway entry of the stage becomes a device whose meter is the first one.
fn applied(gateway: &str, mapping: &str, meter: &str) -> MappingApplied {
    MappingApplied {
        gateway: gateway.to_owned(),
        name: mapping.to_owned(),
        meters: BTreeMap::from([(meter.to_owned(), GATEWAYS[0].to_owned())]),
        reversed: true,
        zone: "Europe/London".to_owned(),
        text: mapping::shipped::named(mapping).unwrap().text.to_owned(),
    }
}

/// The stage with its second gateway entered as a device.
fn enter(stage: &Stage, setup: &Setup, topics: &str, applied: MappingApplied) {
    let device = Device {
        topics: Arc::from(topics),
        reader: Arc::new(DeviceReader::new(applied).unwrap()),
    };
    let entries = GATEWAYS.map(|id| stage.enrolment(id, setup)).to_vec();
    let devices = HashMap::from([(Arc::from(GATEWAYS[1]), device)]);
    stage.registry.replace_with(entries, devices).unwrap();
}

fn shelly() -> MappingApplied {
    applied(GATEWAYS[1], "shelly-gen1", "shellyem-D3B45C-0")
}

const TOPICS: &str = "shellies/shellyem-D3B45C/#";
const TOTAL: &str = "shellies/shellyem-D3B45C/emeter/0/total";

fn placed(stage: &Stage) -> Vec<(SeriesId, i64)> {
    let committed = stage.committed.lock().unwrap();
    let placed = committed.iter().flat_map(|d| &d.placed);
    placed.map(|read| (read.series, read.wh.0)).collect()
}

#[test]
fn a_device_publishes_its_own_topics_and_no_others() {
    let setup = Setup::default();
    let stage = Stage::new();
    enter(&stage, &setup, TOPICS, shelly());
    let mut device = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[1]));
    // It listens for its commands like any device; there are none.
    device.send(&subscribe(
        4,
        9,
        &["shellies/shellyem-D3B45C/relay/0/command"],
    ));
    assert_eq!(device.packet(), (0x90, vec![0, 9, 0]));
    device.send(&publish(4, 1, 1, TOTAL, b"64541.0"));
    assert_eq!(device.packet(), (0x40, vec![0, 1]));
    // What the mapping does not read is acknowledged, counted and not kept.
    device.send(&publish(
        4,
        1,
        2,
        "shellies/shellyem-D3B45C/online",
        b"true",
    ));
    assert_eq!(device.packet(), (0x40, vec![0, 2]));
    device.send(&publish(
        4,
        2,
        3,
        "shellies/shellyem-D3B45C/relay/0",
        b"off",
    ));
    assert_eq!(device.packet(), (0x50, vec![0, 3]));
    assert_eq!(stage.metrics.aside.get(), 2);
    let kept = stage.journaled();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].1, TOTAL);
    // Wired the other way round, its import is the export of the meter that was meant.
    assert_eq!(placed(&stage), [(SeriesId(0), 64_541)]);
    device.send(&publish(4, 1, 4, "shellies/another/emeter/0/total", b"1"));
    assert_eq!(device.closed(), b"");
    let mut other = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[2]));
    other.send(&publish(4, 1, 1, TOTAL, b"99999.0"));
    assert_eq!(other.closed(), b"");
    assert_eq!(stage.journaled().len(), 1);
}

#[test]
fn a_device_may_leave_its_will_on_its_own_topics() {
    let setup = Setup::default();
    let stage = Stage::new();
    enter(&stage, &setup, TOPICS, shelly());
    let mut hello = Hello::v4(GATEWAYS[1]);
    hello.will = Some(("shellies/shellyem-D3B45C/online".into(), "false".into()));
    drop(Raw::connect(stage.address(), &hello));
    hello.will = Some(("tele/another/LWT".into(), "Offline".into()));
    let mut raw = Raw::open(stage.address());
    raw.send(&hello.packet());
    assert_ne!(raw.packet().1[1], 0, "a will on foreign topics is refused");
    assert_eq!(stage.journaled(), []);
}

#[test]
fn a_message_means_the_same_at_a_replay_by_the_hash_in_its_record() {
    let setup = Setup::default();
    let stage = Stage::new();
    enter(&stage, &setup, TOPICS, shelly());
    let mut device = Raw::connect(stage.address(), &Hello::v4(GATEWAYS[1]));
    for (id, payload) in [(1, "64541.0"), (2, "nan"), (3, "a lot"), (4, "64542.9")] {
        device.send(&publish(4, 1, id, TOTAL, payload.as_bytes()));
        assert_eq!(device.packet().0, 0x40);
    }
    let mut devices = Devices::default();
    devices.apply(&shelly()).unwrap();
    // A later mapping of the same entry does not change what came before it.
    let mut later = shelly();
    later.reversed = false;
    devices.apply(&later).unwrap();
    let directory = Directory::new([(GATEWAYS[0], Obis::EXPORT, SeriesId(0))]);
    let mut again = Decoded::default();
    for (record, number) in stage.raw_records().iter().zip(0_u32..) {
        let arrived = Arrived::decode(record).unwrap();
        assert!(arrived.message().mapping.is_some());
        assert_eq!(arrived.message().undecodable, number == 2);
        decode::replay(record, number, &directory, &devices, &mut again).unwrap();
    }
    let values: Vec<i64> = again.placed.iter().map(|read| read.wh.0).collect();
    assert_eq!(values, [64_541, 64_542]);
    assert_eq!(placed(&stage).len(), 2);
    assert_eq!(again.undecodable.len(), 1);
    assert!(again.undecodable[0].reason.contains("`a lot`"));
}

/// Topic and payload of a message that nobody entered.
type Unentered = (String, Vec<u8>);

#[test]
fn what_nobody_entered_goes_to_the_inbox_while_nobody_has_a_credential() {
    let setup = Setup {
        credentials: false,
        ..Setup::default()
    };
    let stage = Stage::with(setup);
    let seen: Arc<Mutex<Vec<Unentered>>> = Arc::default();
    let inbox = Arc::clone(&seen);
    stage.registry.take_unentered(Box::new(move |message| {
        let row = (message.topic.to_owned(), message.payload.to_vec());
        inbox.lock().unwrap().push(row);
    }));
    let mut hello = Hello::v4("anybody");
    hello.login = None;
    let mut raw = Raw::connect(stage.address(), &hello);
    raw.send(&publish(4, 1, 1, "tele/plug/SENSOR", b"{}"));
    assert_eq!(raw.packet(), (0x40, vec![0, 1]));
    assert_eq!(
        *seen.lock().unwrap(),
        [("tele/plug/SENSOR".to_owned(), b"{}".to_vec())]
    );
    assert_eq!(stage.metrics.unentered.get(), 1);
    assert_eq!(stage.journaled(), []);
    // The own format is never a matter for the inbox.
    raw.send(&publish(4, 1, 2, "commonwatt/v1/stranger/reads", b"{}"));
    assert_eq!(raw.closed(), b"");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

/// Publishes at the broker and waits until it has everything.
fn publish_all(port: u16, messages: &[(&str, &str, bool)]) {
    let options = MqttOptions::new(format!("device {}", messages.len()), "127.0.0.1", port);
    let (client, mut connection) = Client::new(options, 100);
    for (topic, payload, retain) in messages {
        client
            .publish(*topic, QoS::AtLeastOnce, *retain, payload.as_bytes())
            .unwrap();
    }
    let mut acknowledged = 0;
    for event in connection.iter() {
        if let Ok(Event::Incoming(Packet::PubAck(_))) = event {
            acknowledged += 1;
            if acknowledged == messages.len() {
                return;
            }
        }
    }
}

#[test]
fn an_outside_broker_brings_a_device_and_its_memory_is_not_believed() {
    let mosquitto = Mosquitto::start();
    let setup = Setup::default();
    let stage = Stage::without_endpoint(&setup);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let inbox = Arc::clone(&seen);
    stage.registry.take_unentered(Box::new(move |message| {
        inbox.lock().unwrap().push(message.topic.to_owned());
    }));
    // An old value waits in the broker's memory before we come.
    publish_all(mosquitto.port, &[(TOTAL, "500.0", true)]);
    let mut config = Config::new("127.0.0.1", mosquitto.port);
    config.inbox_filters = vec!["tele/+/SENSOR".to_owned()];
    let door = broker::start(
        config,
        Arc::clone(&stage.registry),
        Arc::clone(&stage.receipts),
        Arc::clone(&stage.metrics),
        stage.clock(),
    )
    .unwrap();
    wait_until("the door is open", || {
        stage.metrics.broker_connected.get() == 1
    });
    // The device is entered while the door stands open: it subscribes to it then.
    enter(&stage, &setup, TOPICS, shelly());
    wait_until("the old value came", || {
        stage.metrics.undecodable.get() == 1
    });
    publish_all(
        mosquitto.port,
        &[
            (TOTAL, "64541.0", true),
            ("shellies/shellyem-D3B45C/online", "true", true),
            ("tele/strange/SENSOR", "{}", false),
            ("zigbee2mqtt/nobody", "{}", false),
        ],
    );
    wait_until("the read is on disk", || {
        placed(&stage) == [(SeriesId(0), 64_541)]
    });
    wait_until("the strange one is in the inbox", || {
        *seen.lock().unwrap() == ["tele/strange/SENSOR"]
    });
    let committed = stage.committed.lock().unwrap();
    let why = committed
        .iter()
        .flat_map(|d| &d.undecodable)
        .next()
        .unwrap();
    assert!(
        why.reason.contains("nobody knows when it was read"),
        "{}",
        why.reason
    );
    assert_eq!(why.received, Instant(NOON));
    drop(committed);
    door.stop();
}

#[test]
fn a_broker_is_told_to_keep_a_victron_talking_and_a_node_to_be_born_again() {
    let mosquitto = Mosquitto::start();
    let options = MqttOptions::new("listener", "127.0.0.1", mosquitto.port);
    let (client, mut connection) = Client::new(options, 100);
    client.subscribe("R/#", QoS::AtMostOnce).unwrap();
    client
        .subscribe("spBv1.0/+/NCMD/+", QoS::AtMostOnce)
        .unwrap();
    let heard: Arc<Mutex<BTreeMap<String, Vec<u8>>>> = Arc::default();
    let ears = Arc::clone(&heard);
    let ready = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let listening = Arc::clone(&ready);
    std::thread::spawn(move || {
        for event in connection.iter() {
            match event {
                Ok(Event::Incoming(Packet::SubAck(_))) => {
                    listening.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
                }
                Ok(Event::Incoming(Packet::Publish(p))) => {
                    ears.lock().unwrap().insert(p.topic, p.payload.to_vec());
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    wait_until("the listener listens", || {
        ready.load(std::sync::atomic::Ordering::Acquire) == 2
    });
    let setup = Setup::default();
    let stage = Stage::without_endpoint(&setup);
    let victron = applied(GATEWAYS[1], "victron", "c0619-grid-30");
    enter(&stage, &setup, "N/c0619/#", victron);
    let door = broker::start(
        Config::new("127.0.0.1", mosquitto.port),
        Arc::clone(&stage.registry),
        Arc::clone(&stage.receipts),
        Arc::clone(&stage.metrics),
        stage.clock(),
    )
    .unwrap();
    stage.registry.command(Command {
        topic: "spBv1.0/factory/NCMD/line1".into(),
        payload: commonwatt_ingest::rebirth(7),
    });
    wait_until("both were told", || heard.lock().unwrap().len() == 2);
    let heard = heard.lock().unwrap();
    let keep = String::from_utf8(heard["R/c0619/keepalive"].clone()).unwrap();
    assert!(keep.contains("keepalive-options"), "{keep}");
    let asked = mapping::sparkplug::Payload::read(&heard["spBv1.0/factory/NCMD/line1"]).unwrap();
    assert_eq!(
        asked.metrics[0].name.as_deref(),
        Some("Node Control/Rebirth")
    );
    assert_eq!(asked.metrics[0].flag, Some(true));
    publish_all(
        mosquitto.port,
        &[(
            "N/c0619/grid/30/Ac/Energy/Forward",
            r#"{"value": 42.5}"#,
            false,
        )],
    );
    wait_until("its counter is on disk", || {
        placed(&stage) == [(SeriesId(0), 42_500)]
    });
    assert_eq!(WattHours::from_kwh_text("42.5"), Ok(WattHours(42_500)));
    std::thread::sleep(Duration::from_millis(10));
    door.stop();
}
