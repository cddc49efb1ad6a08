//! What other people's devices say: every shipped mapping, mapping files, discovery, Sparkplug B.

use std::sync::LazyLock;

use domain::calendar::{Instant, Zone};
use mapping::{
    Mapping, Message, Outcome, Reader, What, discovery,
    form::Binding,
    shipped,
    sparkplug::{Node, Payload, rebirth},
};

const NOON: Instant = Instant(1_781_524_800_000);

static LONDON: LazyLock<Zone> =
    LazyLock::new(|| Zone::named("Europe/London").expect("a zone of the table"));

/// Topics of every kind of message, one a line of the input's first byte.
const TOPICS: [&str; 14] = [
    "tele/plug/SENSOR",
    "shellies/em/emeter/0/total",
    "x/status/emdata:0",
    "x/events/rpc",
    "x/status",
    "glow/AA/SENSOR/electricitymeter",
    "zigbee2mqtt/plug",
    "dsmr/reading/electricity_delivered_1",
    "evcc/site/gridPower",
    "N/c0619/grid/30/Ac/Energy/Forward",
    "emonhub/rx/17/values",
    "fronius/symo/inverter",
    "homewizard/pv/data",
    "solar/114190641177/0/yieldtotal",
];

static READERS: LazyLock<Vec<Reader>> = LazyLock::new(|| {
    let reader = |mapping: &Mapping| Reader::new(mapping.clone(), Binding::default(), &LONDON);
    let mut readers: Vec<Reader> = shipped::all().iter().map(|s| reader(&s.mapping)).collect();
    readers.push(reader(&Mapping::read(LINES).expect("a sound mapping")));
    readers
});

/// Line protocol, which no shipped mapping reads.
const LINES: &str = "name = \"lines\"\n[[message]]\ntopic = \"x/status\"\npayload = \"line\"\nmeter = \"{tag:host}\"\ntime = { format = \"unix-ns\" }\n[[message.value]]\nfield = \"total\"\nunit = \"Wh\"\nquantity = \"energy\"\nkind = \"counter\"\nregister = \"1.8.0\"\n";

pub fn mapped(input: &[u8]) -> bool {
    let Some((&which, payload)) = input.split_first() else {
        return false;
    };
    let topic = TOPICS[usize::from(which) % TOPICS.len()];
    let mut accepted = false;
    for reader in READERS.iter() {
        for stale in [false, true] {
            let message = Message {
                topic,
                payload,
                received: NOON,
                stale,
            };
            let outcome = reader.read(&message);
            assert_eq!(
                outcome,
                reader.read(&message),
                "the same message says the same"
            );
            if let Outcome::Reads(reads) = outcome {
                accepted |= !reads.is_empty();
                for read in reads {
                    assert!(!read.meter.is_empty() && read.meter.len() <= 64);
                    assert!(stale || read.at.0 <= NOON.0 + 300_000);
                    if let What::Register { wh, w, .. } = read.what {
                        assert!((0..=1_000_000_000_000_000).contains(&wh.0));
                        assert!(w.is_none_or(|w| w >= 0));
                    }
                }
            }
        }
    }
    accepted
}

pub fn mapped_seeds() -> Vec<Vec<u8>> {
    [
        (0, r#"{"Time":"2026-06-15T13:00:00","ENERGY":{"Total":[1.2, 3.4],"Power":-2,"ExportActive":0.5}}"#),
        (1, "64541.0"),
        (2, r#"{"id":0,"total_act":345628.03, "total_act_ret":1247.42}"#),
        (3, r#"{"params":{"ts":1781524799.13,"switch:0":{"aenergy":{"total":123.585}}}}"#),
        (4, "m,host=a total=12i,x=\"a b\" 1781524800000000000"),
        (5, r#"{"electricitymeter":{"timestamp":"2026-06-15T12:00:00Z","energy":{"import":{"cumulative":6613.405}},"power":{"value":0.951}}}"#),
        (6, r#"{"energy":8.42,"last_seen":"2026-06-15T12:00:00+00:00","power":3}"#),
        (8, "434.75"),
        (9, r#"{"value": 42}"#),
        (10, "3,240,11,11,11,5,5,5,0,0,0,0,0,0,19.12"),
        (12, r#"{"total_power_import_t1_kwh": 2.705,"total_power_export_t1_kwh": 255.551,"active_power_w": -1058.296}"#),
    ]
    .map(|(topic, payload)| [&[topic], payload.as_bytes()].concat())
    .to_vec()
}

pub fn form(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else {
        return false;
    };
    Mapping::read(text).is_ok()
}

pub fn form_seeds() -> Vec<Vec<u8>> {
    let shipped = shipped::all().iter().map(|s| s.text);
    shipped
        .chain([LINES])
        .map(|text| text.as_bytes().to_vec())
        .collect()
}

pub fn discover(input: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(input) else {
        return false;
    };
    let Ok(found) = discovery::proposals("homeassistant/sensor/x/config", text) else {
        return false;
    };
    for proposal in &found {
        let mapping = Mapping::read(&proposal.mapping).expect("what is proposed can be adopted");
        assert!(
            mapping.knows(&proposal.topic),
            "it reads the topic it names"
        );
    }
    !found.is_empty()
}

pub fn discover_seeds() -> Vec<Vec<u8>> {
    [
        r#"{"name":"Total","stat_t":"tele/plug001/SENSOR","uniq_id":"218FF9_Total","unit_of_meas":"kWh","dev_cla":"energy","stat_cla":"total_increasing","val_tpl":"{{value_json['ENERGY']['Total']}}"}"#,
        r#"{"~":"a/b","cmps":{"x":{"device_class":"energy","state_class":"total","unit_of_measurement":"Wh","state_topic":"~/s","value_template":"{{ value_json.e[0] | float | round(2) }}"}}}"#,
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

pub fn sparkplug(input: &[u8]) -> bool {
    let reader = READERS
        .iter()
        .find(|r| r.mapping().is_sparkplug())
        .expect("a mapping for Sparkplug comes with the program");
    // Several messages stand behind each other: kind, length, payload.
    let mut node = Node::default();
    let mut rest = input;
    let mut accepted = false;
    while let Some((&[kind, length], more)) = rest.split_first_chunk::<2>() {
        let (payload, more) = more.split_at(usize::from(length).min(more.len()));
        rest = more;
        let kind =
            ["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH"][usize::from(kind) % 6];
        let topic = format!("spBv1.0/g/{kind}/n/d");
        let message = Message {
            topic: &topic,
            payload,
            received: NOON,
            stale: false,
        };
        let kept = serde_json::to_string(&node).expect("a node is plain");
        let mut twin: Node = serde_json::from_str(&kept).expect("a node comes back");
        let read = reader.sparkplug(&mut node, &message);
        assert_eq!(
            read,
            reader.sparkplug(&mut twin, &message),
            "a restart changes nothing"
        );
        assert_eq!(node, twin);
        accepted |= read.is_ok() && Payload::read(payload).is_ok_and(|p| !p.metrics.is_empty());
    }
    accepted
}

pub fn sparkplug_seeds() -> Vec<Vec<u8>> {
    let metric = |alias: u8, name: &str, value: &[u8]| {
        let mut metric = Vec::new();
        if !name.is_empty() {
            metric.extend_from_slice(&[0x0a, name.len() as u8]);
            metric.extend_from_slice(name.as_bytes());
        }
        metric.extend_from_slice(&[0x10, alias, 0x20, 10, 0x69]);
        metric.extend_from_slice(value);
        [&[0x12, metric.len() as u8], metric.as_slice()].concat()
    };
    let value = 21.5_f64.to_le_bytes();
    let birth = [metric(1, "Energy/Import_kWh", &value), vec![0x18, 0]].concat();
    let data = [metric(1, "", &value), vec![0x18, 1]].concat();
    let frame = |kind: u8, payload: &[u8]| [&[kind, payload.len() as u8], payload].concat();
    vec![
        [frame(0, &birth), frame(2, &data)].concat(),
        [frame(1, &birth), frame(3, &data), frame(4, &[])].concat(),
        frame(2, &rebirth(1_781_524_800_000)),
    ]
}
