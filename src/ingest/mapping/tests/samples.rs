//! What other projects recorded, decoded to the watt-hour. Addresses: `samples/SOURCES.md`.

use commonwatt_mapping::{Clock, Mapped, Message, Outcome, Reader, What, form::Binding, shipped};
use domain::calendar::{Instant, Zone};

/// One sample: mapping, topic, payload (or `@file`), when it came, and what it must say.
struct Sample {
    mapping: &'static str,
    topic: &'static str,
    payload: &'static str,
    received: &'static str,
    says: &'static [&'static str],
}

fn payload(of: &str) -> Vec<u8> {
    match of.strip_prefix('@') {
        Some(file) => {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/");
            std::fs::read(format!("{folder}{file}")).unwrap()
        }
        None => of.as_bytes().to_vec(),
    }
}

fn read(sample: &Sample, binding: Binding, stale: bool) -> Outcome {
    static LONDON: std::sync::LazyLock<Zone> =
        std::sync::LazyLock::new(|| Zone::named("Europe/London").unwrap());
    let mapping = shipped::named(sample.mapping)
        .expect(sample.mapping)
        .mapping
        .clone();
    let bytes = payload(sample.payload);
    Reader::new(mapping, binding, &LONDON).read(&Message {
        topic: sample.topic,
        payload: &bytes,
        received: sample.received.parse().unwrap(),
        stale,
    })
}

fn line(read: &Mapped) -> String {
    let what = match read.what {
        What::Register { register, wh, w } => {
            let w = w.map(|w| format!(" {w} W")).unwrap_or_default();
            format!("{register} {} Wh{w}", wh.0)
        }
        What::Power(w) => format!("integrate {w} W"),
        What::Glance(w) => format!("glance {w} W"),
    };
    let clock = match read.clock {
        Clock::Device => "device",
        Clock::Received => "received",
        Clock::NotBelieved => "not believed",
    };
    format!("{} {what} {} {clock}", read.meter, read.at)
}

pub fn lines(outcome: &Outcome) -> Vec<String> {
    match outcome {
        Outcome::Reads(reads) => reads.iter().map(line).collect(),
        other => vec![format!("{other:?}")],
    }
}

const NOON: &str = "2026-06-21T12:00:00Z";

const SAMPLES: &[Sample] = &[
    Sample {
        mapping: "fronius",
        topic: "fronius/symo/inverter",
        payload: "@fronius_symo_day.json",
        received: "2021-10-07T08:01:20Z",
        says: &["symo-1 2.8.0 44188000 Wh 1190 W 2021-10-07T08:01:17Z device"],
    },
    // At night the power is absent: the counter is read without it, and no zero is made.
    Sample {
        mapping: "fronius",
        topic: "fronius/symo/inverter",
        payload: "@fronius_symo_night.json",
        received: "2021-10-06T19:17:00Z",
        says: &["symo-1 2.8.0 44186900 Wh 2021-10-06T19:16:59Z device"],
    },
    // A meter on a solar circuit: power is negative, generation is on the export register, and
    // 2.705 kWh were the inverter's own at night.
    Sample {
        mapping: "homewizard",
        topic: "homewizard/pv/data",
        payload: "@homewizard_kwh1.json",
        received: NOON,
        says: &[
            "pv 1.8.0 2705 Wh 0 W 2026-06-21T12:00:00Z received",
            "pv 2.8.0 255551 Wh 1058 W 2026-06-21T12:00:00Z received",
        ],
    },
    Sample {
        mapping: "shelly-gen2",
        topic: "shellypro3em-x/status",
        payload: "@shelly_pro3em_status.json",
        received: "2025-05-18T09:38:22Z",
        says: &[
            "shellypro3em-x 1.8.0 5415414 Wh 2413 W 2025-05-18T09:38:21Z device",
            "shellypro3em-x 2.8.0 0 Wh 0 W 2025-05-18T09:38:21Z device",
        ],
    },
    Sample {
        mapping: "shelly-gen2",
        topic: "shellypro3em/status/emdata:0",
        payload: "@shelly_pro3em_emdata.json",
        received: NOON,
        says: &[
            "shellypro3em 1.8.0 345628 Wh 2026-06-21T12:00:00Z received",
            "shellypro3em 2.8.0 1247 Wh 2026-06-21T12:00:00Z received",
        ],
    },
    Sample {
        mapping: "shelly-gen2",
        topic: "shelly1pmminig3-5432044edbc0/status/switch:0",
        payload: "@shelly_1pmmini_switch.json",
        received: "2026-09-09T09:14:56Z",
        says: &[
            "shelly1pmminig3-5432044edbc0-switch-0 1.8.0 152669 Wh 11 W 2026-09-09T09:14:56Z received",
            "shelly1pmminig3-5432044edbc0-switch-0 2.8.0 0 Wh 0 W 2026-09-09T09:14:56Z received",
        ],
    },
    // Only what changed is sent: no counter, so no read; nothing is taken to be zero.
    Sample {
        mapping: "shelly-gen2",
        topic: "shelly1pmminig3-5432044edbc0/events/rpc",
        payload: "@shelly_notify_partial.json",
        received: "2026-09-09T09:14:53Z",
        says: &[],
    },
    Sample {
        mapping: "shelly-gen2",
        topic: "shellyplus2pm-Einfahrt/events/rpc",
        payload: "@shelly_notify_aenergy.json",
        received: "2023-11-03T08:26:00.190Z",
        says: &["shellyplus2pm-Einfahrt-switch-0 1.8.0 123 Wh 2023-11-03T08:26:00.130Z device"],
    },
    Sample {
        mapping: "shelly-gen1",
        topic: "shellies/shellyem-D3B45C/emeter/0/total",
        payload: "64541.0",
        received: NOON,
        says: &["shellyem-D3B45C-0 1.8.0 64541 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "shelly-gen1",
        topic: "shellies/shellyem-D3B45C/emeter/0/total_returned",
        payload: "0.0",
        received: NOON,
        says: &["shellyem-D3B45C-0 2.8.0 0 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "shelly-gen1",
        topic: "shellies/shellyem-123456789012/emeter/0/total",
        payload: "1891.9",
        received: NOON,
        says: &["shellyem-123456789012-0 1.8.0 1891 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "shelly-gen1",
        topic: "shellies/shellyem-123456789012/emeter/0/power",
        payload: "611.53",
        received: NOON,
        says: &["shellyem-123456789012-0 glance 611 W 2026-06-21T12:00:00Z received"],
    },
    // Watt-minutes: 81010 / 60.
    Sample {
        mapping: "shelly-gen1",
        topic: "shellies/shellyplug-s-XXYYYY/relay/0/energy",
        payload: "81010",
        received: NOON,
        says: &["shellyplug-s-XXYYYY-relay-0 1.8.0 1350 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "tasmota",
        topic: "tele/athomspv3a/SENSOR",
        payload: "@tasmota_athom.json",
        received: "2024-01-14T18:03:15.868Z",
        says: &["athomspv3a 1.8.0 1066000 Wh 0 W 2024-01-14T18:03:15Z device"],
    },
    // Two phases in a list are one meter.
    Sample {
        mapping: "tasmota",
        topic: "tele/tasmota_49A3BC/SENSOR",
        payload: "@tasmota_list.json",
        received: NOON,
        says: &["tasmota_49A3BC 1.8.0 4600 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "tasmota",
        topic: "tele/tasmota_49A3BC/SENSOR",
        payload: "@tasmota_dict.json",
        received: NOON,
        says: &["Refused(\"`/ENERGY/Total` is no number\")"],
    },
    Sample {
        mapping: "hildebrand-glow",
        topic: "glow/XXXXXXYYYYYY/SENSOR/electricitymeter",
        payload: "@glow_electricitymeter.json",
        received: "2022-06-11T20:38:09Z",
        says: &[
            "XXXXXXYYYYYY 1.8.0 6613405 Wh 951 W 2022-06-11T20:38:00Z device",
            "XXXXXXYYYYYY 2.8.0 0 Wh 0 W 2022-06-11T20:38:00Z device",
        ],
    },
    Sample {
        mapping: "zigbee2mqtt",
        topic: "zigbee2mqtt/plug_zigbee23",
        payload: "@zigbee2mqtt_plug.json",
        received: "2022-11-15T19:06:39Z",
        says: &["plug_zigbee23 1.8.0 8420 Wh 3 W 2022-11-15T19:06:38Z device"],
    },
    Sample {
        mapping: "dsmr-reader",
        topic: "dsmr/reading/electricity_delivered_2",
        payload: "4607.996",
        received: NOON,
        says: &["dsmr 1.8.2 4607996 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "evcc",
        topic: "evcc/site/gridPower",
        payload: "434.75",
        received: NOON,
        says: &["evcc-grid integrate 434 W 2026-06-21T12:00:00Z received"],
    },
    // A zero at night is a true zero of a power.
    Sample {
        mapping: "evcc",
        topic: "evcc/site/pvPower",
        payload: "0",
        received: NOON,
        says: &["evcc-pv integrate 0 W 2026-06-21T12:00:00Z received"],
    },
    // What starts again with every charge is no register.
    Sample {
        mapping: "evcc",
        topic: "evcc/loadpoints/1/chargedEnergy",
        payload: "521.04",
        received: NOON,
        says: &["Elsewhere"],
    },
    Sample {
        mapping: "ahoydtu",
        topic: "inverter/hm600/ch0/YieldTotal",
        payload: "465.294",
        received: NOON,
        says: &["hm600 2.8.0 465294 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "ahoydtu",
        topic: "inverter/hm600/ch0/P_AC",
        payload: "71.000",
        received: NOON,
        says: &["hm600 glance -71 W 2026-06-21T12:00:00Z received"],
    },
    // The zero that inverters send at night (lumapu/ahoy issue 1794) is no reading.
    Sample {
        mapping: "ahoydtu",
        topic: "inverter/hm600/ch0/YieldTotal",
        payload: "0.000",
        received: NOON,
        says: &[],
    },
    Sample {
        mapping: "opendtu",
        topic: "solar/114190641177/0/yieldtotal",
        payload: "13.338",
        received: NOON,
        says: &["114190641177 2.8.0 13338 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "victron",
        topic: "N/e0ff50a097c0/pvinverter/20/Ac/Power",
        payload: "{\"value\": 936}",
        received: NOON,
        says: &["e0ff50a097c0-pvinverter-20 glance -936 W 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "victron",
        topic: "N/123/grid/30/Ac/L1/Energy/Forward",
        payload: "{\"value\": 42}",
        received: NOON,
        says: &["123-grid-30-L1 1.8.0 42000 Wh 2026-06-21T12:00:00Z received"],
    },
    // A device that has no value, and one that has left.
    Sample {
        mapping: "victron",
        topic: "N/123/grid/30/Ac/Energy/Forward",
        payload: "{\"value\": null}",
        received: NOON,
        says: &[],
    },
    Sample {
        mapping: "openenergymonitor",
        topic: "emonhub/rx/17/values",
        payload: "@emonhub_node17.csv",
        received: NOON,
        says: &[
            "17-1 1.8.0 0 Wh 11 W 2026-06-21T12:00:00Z received",
            "17-2 1.8.0 0 Wh 11 W 2026-06-21T12:00:00Z received",
        ],
    },
    Sample {
        mapping: "openenergymonitor",
        topic: "emon/emonTx4_17/MSG",
        payload: "1",
        received: NOON,
        says: &["Elsewhere"],
    },
    Sample {
        mapping: "givtcp",
        topic: "GivEnergy/SA2114G000/Energy/Total/PV_Energy_Total_kWh",
        payload: "21146.3",
        received: NOON,
        says: &["SA2114G000-pv 2.8.0 21146300 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "givtcp",
        topic: "GivEnergy/SA2114G000/Energy/Total/Import_Energy_Total_kWh",
        payload: "28657.3",
        received: NOON,
        says: &["SA2114G000-grid 1.8.0 28657300 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "givtcp",
        topic: "GivEnergy/SA2114G000/Energy/Total/Export_Energy_Total_kWh",
        payload: "5249.1",
        received: NOON,
        says: &["SA2114G000-grid 2.8.0 5249100 Wh 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "givtcp",
        topic: "GivEnergy/SA2114G000/Power/Power/PV_Power",
        payload: "4921",
        received: NOON,
        says: &["SA2114G000-pv glance -4921 W 2026-06-21T12:00:00Z received"],
    },
    // Its `Import_Power` is 721: what is negative here is taken in.
    Sample {
        mapping: "givtcp",
        topic: "GivEnergy/SA2114G000/Power/Power/Grid_Power",
        payload: "-721",
        received: NOON,
        says: &["SA2114G000-grid glance 721 W 2026-06-21T12:00:00Z received"],
    },
    // What starts again every night is no register.
    Sample {
        mapping: "givtcp",
        topic: "GivEnergy/SA2114G000/Energy/Today/PV_Energy_Today_kWh",
        payload: "19.4",
        received: NOON,
        says: &["Elsewhere"],
    },
    Sample {
        mapping: "solar-assistant",
        topic: "solar_assistant/inverter_1/pv_power/state",
        payload: "165",
        received: NOON,
        says: &["solar-assistant-1-pv integrate -165 W 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "solar-assistant",
        topic: "solar_assistant/inverter_1/grid_power/state",
        payload: "0",
        received: NOON,
        says: &["solar-assistant-1-grid integrate 0 W 2026-06-21T12:00:00Z received"],
    },
    Sample {
        mapping: "solar-assistant",
        topic: "solar_assistant/inverter_1/load_power/state",
        payload: "79",
        received: NOON,
        says: &["solar-assistant-1-load integrate 79 W 2026-06-21T12:00:00Z received"],
    },
    // A sum of powers that starts again every week is no register, kWh or not.
    Sample {
        mapping: "solar-assistant",
        topic: "solar_assistant/total/pv_energy/state",
        payload: "129.9",
        received: NOON,
        says: &["Elsewhere"],
    },
    // A line is a datapoint; the battery's, the shares and what was calculated are left alone.
    Sample {
        mapping: "telegraf-neoom",
        topic: "telegraf/pi/neoom_beaam_energy_flow",
        payload: "@telegraf_neoom_flow.line",
        received: "2024-08-17T08:25:51Z",
        says: &[
            "127.0.0.1-pv glance -1184 W 2024-08-17T08:25:50.001Z device",
            "127.0.0.1-grid glance 15 W 2024-08-17T08:25:50.001Z device",
            "127.0.0.1-pv 2.8.0 639300 Wh 2024-08-17T08:21:45.007Z device",
            "127.0.0.1-grid 1.8.0 22696 Wh 2024-08-17T08:25:50.001Z device",
            "127.0.0.1-grid 2.8.0 237421 Wh 2024-08-17T08:25:35.003Z device",
        ],
    },
    Sample {
        mapping: "telegraf-neoom",
        topic: "telegraf/pi/neoom_beaam_thing",
        payload: "@telegraf_neoom_thing.line",
        received: "2024-08-17T14:32:16Z",
        says: &[
            "127.0.0.1-ELECTRICITY_METER_AC glance -826 W 2024-08-17T14:32:15.056Z device",
            "127.0.0.1-ELECTRICITY_METER_AC 2.8.0 241826 Wh 2024-08-17T14:32:15.075Z device",
            "127.0.0.1-ELECTRICITY_METER_AC 1.8.0 22988 Wh 2024-08-17T14:14:50.096Z device",
        ],
    },
];

#[test]
fn every_sample_says_what_its_device_meant() {
    let mut wrong = Vec::new();
    for sample in SAMPLES {
        let got = lines(&read(sample, Binding::default(), false));
        if got != sample.says {
            wrong.push(format!(
                "{} {}\n  got      {got:?}\n  expected {:?}",
                sample.topic, sample.payload, sample.says
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_shipped_mapping_has_a_sample() {
    // Discovery and Sparkplug have tests of their own.
    for shipped in shipped::all() {
        let name = shipped.mapping.name.as_str();
        let own = ["home-assistant", "sparkplug-b"].contains(&name);
        let has = SAMPLES
            .iter()
            .any(|s| s.mapping == name && !s.says.is_empty());
        assert!(own || has, "`{name}` has no sample");
        assert!(
            !shipped.mapping.about.is_empty() && !shipped.mapping.source.is_empty(),
            "{name}"
        );
    }
}

#[test]
fn a_meter_wired_the_other_way_round_changes_places() {
    let binding = Binding {
        reversed: true,
        meters: [("athomspv3a".to_owned(), "M1".to_owned())].into(),
    };
    let sample = SAMPLES
        .iter()
        .find(|s| s.payload == "@tasmota_athom.json")
        .unwrap();
    let got = lines(&read(sample, binding, false));
    assert_eq!(got, ["M1 2.8.0 1066000 Wh 0 W 2024-01-14T18:03:15Z device"]);
}

#[test]
fn a_retained_value_counts_only_with_its_own_time() {
    let glow = SAMPLES
        .iter()
        .find(|s| s.mapping == "hildebrand-glow")
        .unwrap();
    // Three weeks later, out of a broker's memory: read when it was read.
    let later = Sample {
        received: "2022-07-02T00:00:00Z",
        ..*glow
    };
    let got = lines(&read(&later, Binding::default(), true));
    assert!(got[0].contains("2022-06-11T20:38:00Z device"), "{got:?}");
    let shelly = SAMPLES.iter().find(|s| s.payload == "64541.0").unwrap();
    let got = lines(&read(shelly, Binding::default(), true));
    assert!(got[0].contains("nobody knows when it was read"), "{got:?}");
}

#[test]
fn a_local_time_is_meant_in_the_zone_of_the_society() {
    let tasmota = SAMPLES
        .iter()
        .find(|s| s.payload == "@tasmota_athom.json")
        .unwrap();
    // In the second of the two hours of autumn, and an hour later.
    let text = String::from_utf8(payload(tasmota.payload)).unwrap();
    let text = text.replace("2024-01-14T18:03:15", "2023-10-29T01:30:00");
    let mapping = shipped::named("tasmota").unwrap().mapping.clone();
    let zone = Zone::named("Europe/London").unwrap();
    let reader = Reader::new(mapping, Binding::default(), &zone);
    for (received, at) in [
        ("2023-10-29T00:30:01Z", "2023-10-29T00:30:00Z"),
        ("2023-10-29T01:30:01Z", "2023-10-29T01:30:00Z"),
    ] {
        let outcome = reader.read(&Message {
            topic: tasmota.topic,
            payload: text.as_bytes(),
            received: received.parse().unwrap(),
            stale: false,
        });
        assert!(
            lines(&outcome)[0].ends_with(&format!("{at} device")),
            "{outcome:?}"
        );
    }
}

#[test]
fn discovery_proposes_the_counter_and_nothing_that_needs_code() {
    let propose = |file: &str| {
        let text = String::from_utf8(payload(file)).unwrap();
        commonwatt_mapping::discovery::proposals("homeassistant/sensor/218FF9/x/config", &text)
            .unwrap()
    };
    let found = propose("@discovery_tasmota_total.json");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].meter, "218FF9_ENERGY_Total");
    assert_eq!(found[0].topic, "tele/plug001/SENSOR");
    // What it proposes reads another project's message.
    let mapping = commonwatt_mapping::Mapping::read(&found[0].mapping).unwrap();
    let zone = Zone::named("UTC").unwrap();
    let bytes = payload("@tasmota_athom.json");
    let outcome = Reader::new(mapping, Binding::default(), &zone).read(&Message {
        topic: "tele/plug001/SENSOR",
        payload: &bytes,
        received: Instant(0),
        stale: false,
    });
    assert_eq!(
        lines(&outcome),
        ["218FF9_ENERGY_Total 1.8.0 1066000 Wh 1970-01-01T00:00:00Z received"]
    );
    // Yesterday's energy is no counter; watt-minutes by a template are code.
    assert!(propose("@discovery_tasmota_yesterday.json").is_empty());
    assert!(propose("@discovery_shelly_code.json").is_empty());
}

#[test]
fn a_keep_alive_names_the_portal_of_its_device() {
    let victron = &shipped::named("victron").unwrap().mapping;
    assert_eq!(
        victron.keep_alive_topic("N/e0ff50a097c0/#"),
        Some("R/e0ff50a097c0/keepalive".to_owned())
    );
    assert_eq!(victron.keep_alive_topic("N/+/#"), None);
    assert_eq!(
        victron.device_filter("N/e0ff50a097c0/grid/30/Ac/Energy/Forward"),
        Some("N/e0ff50a097c0/#".to_owned())
    );
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        at in 0_usize..400, byte in proptest::prelude::any::<u8>(), which in 0..SAMPLES.len(),
    ) {
        let sample = &SAMPLES[which];
        let mapping = shipped::named(sample.mapping).unwrap().mapping.clone();
        static UTC: std::sync::LazyLock<Zone> =
            std::sync::LazyLock::new(|| Zone::named("UTC").unwrap());
        let reader = Reader::new(mapping, Binding::default(), &UTC);
        let mut near = payload(sample.payload);
        if let Some(place) = near.get_mut(at) { *place = byte; }
        for payload in [&bytes, &near] {
            for stale in [false, true] {
                let outcome = reader.read(&Message {
                    topic: sample.topic, payload, received: Instant(1_700_000_000_000), stale,
                });
                if let Outcome::Reads(reads) = outcome {
                    for read in reads {
                        if let What::Register { wh, .. } = read.what { proptest::prop_assert!(wh.0 >= 0); }
                    }
                }
            }
        }
    }
}
