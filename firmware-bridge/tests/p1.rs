//! The telegrams of `data/p1-telegrams` against what dsmr-parser reads from them: every value.

use std::collections::BTreeMap;

use bridge::source::{
    p1::telegram::{Telegram, time},
    text::DataSet,
};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde_json::Value;

/// dsmr-parser's names of values that stand alone, with their codes.
const NAMES: [(&str, &str); 37] = [
    ("P1_MESSAGE_HEADER", "1-3:0.2.8"),
    ("P1_MESSAGE_TIMESTAMP", "0-0:1.0.0"),
    ("EQUIPMENT_IDENTIFIER", "0-0:96.1.1"),
    ("ELECTRICITY_USED_TARIFF_1", "1-0:1.8.1"),
    ("ELECTRICITY_USED_TARIFF_2", "1-0:1.8.2"),
    ("ELECTRICITY_DELIVERED_TARIFF_1", "1-0:2.8.1"),
    ("ELECTRICITY_DELIVERED_TARIFF_2", "1-0:2.8.2"),
    ("ELECTRICITY_ACTIVE_TARIFF", "0-0:96.14.0"),
    ("CURRENT_ELECTRICITY_USAGE", "1-0:1.7.0"),
    ("CURRENT_ELECTRICITY_DELIVERY", "1-0:2.7.0"),
    ("ACTUAL_TRESHOLD_ELECTRICITY", "0-0:17.0.0"),
    ("ACTUAL_SWITCH_POSITION", "0-0:96.3.10"),
    ("TEXT_MESSAGE_CODE", "0-0:96.13.1"),
    ("TEXT_MESSAGE", "0-0:96.13.0"),
    ("SHORT_POWER_FAILURE_COUNT", "0-0:96.7.21"),
    ("LONG_POWER_FAILURE_COUNT", "0-0:96.7.9"),
    ("VOLTAGE_SAG_L1_COUNT", "1-0:32.32.0"),
    ("VOLTAGE_SAG_L2_COUNT", "1-0:52.32.0"),
    ("VOLTAGE_SAG_L3_COUNT", "1-0:72.32.0"),
    ("VOLTAGE_SWELL_L1_COUNT", "1-0:32.36.0"),
    ("VOLTAGE_SWELL_L2_COUNT", "1-0:52.36.0"),
    ("VOLTAGE_SWELL_L3_COUNT", "1-0:72.36.0"),
    ("INSTANTANEOUS_VOLTAGE_L1", "1-0:32.7.0"),
    ("INSTANTANEOUS_VOLTAGE_L2", "1-0:52.7.0"),
    ("INSTANTANEOUS_VOLTAGE_L3", "1-0:72.7.0"),
    ("INSTANTANEOUS_CURRENT_L1", "1-0:31.7.0"),
    ("INSTANTANEOUS_CURRENT_L2", "1-0:51.7.0"),
    ("INSTANTANEOUS_CURRENT_L3", "1-0:71.7.0"),
    ("INSTANTANEOUS_ACTIVE_POWER_L1_POSITIVE", "1-0:21.7.0"),
    ("INSTANTANEOUS_ACTIVE_POWER_L2_POSITIVE", "1-0:41.7.0"),
    ("INSTANTANEOUS_ACTIVE_POWER_L3_POSITIVE", "1-0:61.7.0"),
    ("INSTANTANEOUS_ACTIVE_POWER_L1_NEGATIVE", "1-0:22.7.0"),
    ("INSTANTANEOUS_ACTIVE_POWER_L2_NEGATIVE", "1-0:42.7.0"),
    ("INSTANTANEOUS_ACTIVE_POWER_L3_NEGATIVE", "1-0:62.7.0"),
    ("POWER_EVENT_FAILURE_LOG", "1-0:99.97.0"),
    ("MBUS_DEVICES", ""),
    ("CHANNEL_ID", ""),
];

/// The same of a device on channel `n`: what follows `0-n:`.
const BUS_NAMES: [(&str, &str); 8] = [
    ("DEVICE_TYPE", "24.1.0"),
    ("MBUS_DEVICE_TYPE", "24.1.0"),
    ("EQUIPMENT_IDENTIFIER_GAS", "96.1.0"),
    ("MBUS_EQUIPMENT_IDENTIFIER", "96.1.0"),
    ("VALVE_POSITION_GAS", "24.4.0"),
    ("GAS_METER_READING", "24.3.0"),
    ("HOURLY_GAS_METER_READING", "24.2.1"),
    ("MBUS_METER_READING", "24.2.1"),
];

#[test]
fn every_value_of_every_telegram_is_what_dsmr_parser_reads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/p1-telegrams");
    let mut compared = 0;
    for version in ["v2_2", "v4_2", "v5"] {
        let file = |end: &str| std::fs::read(format!("{folder}/telegram_{version}.{end}")).unwrap();
        let telegram = Telegram::read(&file("txt")).unwrap();
        assert_eq!(telegram.checked, version != "v2_2");
        let sets = telegram.sets().unwrap();
        let by_id: BTreeMap<&str, &DataSet<'_>> = sets.iter().map(|set| (set.id, set)).collect();
        assert_eq!(by_id.len(), sets.len(), "no code comes twice");
        let expected: Value = serde_json::from_slice(&file("expected.json")).unwrap();
        for (name, value) in expected.as_object().unwrap() {
            let id =
                |names: &[(&str, &'static str)]| names.iter().find(|(n, _)| n == name).unwrap().1;
            if name == "MBUS_DEVICES" {
                for device in value.as_array().unwrap() {
                    compared += bus_device(device, &by_id);
                }
            } else if name == "POWER_EVENT_FAILURE_LOG" {
                compared += failure_log(value, by_id[id(&NAMES)]);
            } else {
                assert_value(name, value, by_id[id(&NAMES)]);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 91);
}

fn bus_device(device: &Value, by_id: &BTreeMap<&str, &DataSet<'_>>) -> usize {
    let channel = device["CHANNEL_ID"].as_u64().unwrap();
    let fields = device
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "CHANNEL_ID");
    fields
        .map(|(name, value)| {
            let end = BUS_NAMES.iter().find(|(n, _)| n == name).unwrap().1;
            assert_value(name, value, by_id[format!("0-{channel}:{end}").as_str()]);
        })
        .count()
}

/// `(count)(code)` and then pairs of a time and a duration.
fn failure_log(expected: &Value, set: &DataSet<'_>) -> usize {
    let [count, code, ref events @ ..] = set.values[..] else {
        panic!("{set}");
    };
    assert_eq!(
        same_number(count.text),
        expected["buffer_length"].to_string()
    );
    assert_eq!(code.text, expected["buffer_type"]);
    let buffer = expected["buffer"].as_array().unwrap();
    assert_eq!(events.len(), 2 * buffer.len());
    for (event, expected) in events.chunks(2).zip(buffer) {
        assert_eq!(time(event[0].text), instant(&expected["datetime"]));
        assert_eq!(same_number(event[1].text), expected["value"].to_string());
        assert_eq!(event[1].unit, expected["unit"].as_str());
    }
    2 + buffer.len()
}

fn assert_value(name: &str, expected: &Value, set: &DataSet<'_>) {
    let last = set.values.last().unwrap();
    if !expected["datetime"].is_null() {
        // DSMR 2.2 writes no letter; that November was winter.
        let text = set.values[0].text;
        let with_letter = if text.len() == 12 {
            format!("{text}W")
        } else {
            text.to_owned()
        };
        assert_eq!(time(&with_letter), instant(&expected["datetime"]), "{name}");
    }
    match &expected["value"] {
        Value::Null => assert_eq!(last.text, "", "{name}"),
        Value::Number(number) => {
            assert_eq!(
                same_number(last.text),
                same_number(&number.to_string()),
                "{name}"
            );
        }
        Value::String(text) if name == "P1_MESSAGE_TIMESTAMP" => {
            assert_eq!(time(last.text), Some(text.parse().unwrap()));
        }
        Value::String(text) => assert_eq!(last.text, text, "{name}"),
        other => panic!("{name}: {other}"),
    }
    // The unit of gas in DSMR 2.2 is a value of its own, the last but one.
    let unit = last.unit.or_else(|| {
        let before = set.values.len().checked_sub(2)?;
        (set.id.ends_with("24.3.0")).then(|| set.values[before].text)
    });
    assert_eq!(unit, expected["unit"].as_str(), "{name}");
}

/// A decimal without the zeros that say nothing.
fn same_number(text: &str) -> String {
    let trimmed = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    };
    match trimmed.trim_start_matches('0') {
        "" => "0".to_owned(),
        rest if rest.starts_with('.') => format!("0{rest}"),
        rest => rest.to_owned(),
    }
}

/// dsmr-parser prints UTC with an offset.
fn instant(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.strip_suffix("+00:00")?;
    let local: DateTime = text.parse().ok()?;
    Some(local.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
