//! What the gateway reads besides meters' lines: its own configuration, register maps, SunSpec models,
//! notes of its own disk, a CSV to be played again.

use bridge::{
    clock::{ClockState, Now},
    commission::Dial,
    config::Config,
    note::{self, MeterRead, MeterState, NoteId},
    simulate::replay::Replay,
    source::{
        register_map::{BUILT_IN, map::RegisterMap},
        sunspec::{
            model::{MODELS, Model},
            shown::show,
        },
    },
};
use jiff::Timestamp;

use crate::text;

const CONFIGURATION: &str = include_str!("../../config/gateway.toml");

/// `gateway.toml`. What is wrong is said in words, never in the parser's own types.
pub fn configuration(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    match Config::parse(text) {
        Ok(config) => {
            let (host, _, _) = config.address().expect("it was checked");
            assert!(!host.is_empty());
            true
        }
        Err(why) => {
            assert!(!why.trim().is_empty());
            false
        }
    }
}

pub fn configuration_seeds() -> Vec<Vec<u8>> {
    let sources: String = CONFIGURATION
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| format!("{line}\n"))
        .collect();
    let least = "[gateway]\nid = \"roof-1\"\n[uplink]\nurl = \"mqtt://192.168.1.10:1883\"\n";
    vec![
        CONFIGURATION.into(),
        format!("{least}{sources}").into(),
        least.into(),
    ]
}

/// A register map: whatever it says, any registers give a whole number of watt-hours or none.
pub fn register_map(input: &[u8]) -> bool {
    let Some(map) = text(input).and_then(|text| RegisterMap::parse(text).ok()) else {
        return false;
    };
    for words in [[0; 4], [0xffff; 4], [0x7fff, 0xffff, 0x8000, 1]] {
        for energy in &map.energies {
            let words = &words[..usize::from(energy.point.place.registers).min(4)];
            let value = energy.point.value(words);
            assert!(value.and_then(|v| v.wh()).is_none_or(|wh| wh < 1 << 63));
        }
    }
    true
}

pub fn register_map_seeds() -> Vec<Vec<u8>> {
    BUILT_IN
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect()
}

/// The registers of a SunSpec model: first a byte that says which.
pub fn sunspec_model(input: &[u8]) -> bool {
    let Some((which, bytes)) = input.split_first() else {
        return false;
    };
    let model = &MODELS[usize::from(*which) % MODELS.len()];
    let mut words: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|two| u16::from_be_bytes([two[0], two[1]]))
        .collect();
    words.resize(usize::from(model.span()), 0);
    match show(model, &words) {
        Ok(shown) => {
            assert_eq!(shown.model, model.id);
            shown
                .energy
                .iter()
                .all(|energy| energy.wh.is_none_or(|wh| wh < 1 << 63))
        }
        Err((found, expected)) => {
            assert!(!found.is_empty() && !expected.is_empty());
            false
        }
    }
}

pub fn sunspec_model_seeds() -> Vec<Vec<u8>> {
    let registers = |model: &Model, value: u16| {
        let words = vec![value; usize::from(model.span())];
        words.into_iter().flat_map(u16::to_be_bytes)
    };
    (0_u8..)
        .zip(&MODELS)
        .flat_map(|(at, model)| {
            [0_u16, 1, 0x8000]
                .map(|value| [at].into_iter().chain(registers(model, value)).collect())
        })
        .collect()
}

/// A note from the gateway's disk: what is read of it fits a note again.
pub fn kept_note(input: &[u8]) -> bool {
    let Ok(contents) = note::open(input) else {
        return false;
    };
    let now = Now {
        tick_ms: 0,
        wall: Timestamp::from_millisecond(contents.now_ms).unwrap_or(Timestamp::UNIX_EPOCH),
        state: ClockState::Synced,
    };
    let fitting: Vec<MeterRead> = contents.reads.into_iter().filter(MeterRead::fits).collect();
    let id = NoteId { boot: 1, seq: 1 };
    let again = note::encode(id, now, &contents.lost, &fitting);
    let again = note::open(&again).expect("what we write we read");
    assert_eq!(again.reads, fitting);
    assert_eq!(again.lost, contents.lost);
    true
}

pub fn kept_note_seeds() -> Vec<Vec<u8>> {
    let read = MeterRead {
        meter: "2000012345".into(),
        register: "2.8.0".into(),
        at: Timestamp::UNIX_EPOCH,
        wh: 1_548,
        w: Some(2_410),
        state: MeterState::Good,
    };
    let now = Now {
        tick_ms: 0,
        wall: Timestamp::UNIX_EPOCH,
        state: ClockState::Relative,
    };
    let id = NoteId { boot: 7, seq: 42 };
    let bare = MeterRead {
        w: None,
        ..read.clone()
    };
    [vec![], vec![read.clone()], vec![read, bare]]
        .iter()
        .map(|reads| note::encode(id, now, &[], reads).to_vec())
        .collect()
}

/// A CSV of register reads: what is played lies within its span, in the order of time.
pub fn replay_csv(input: &[u8]) -> bool {
    let Ok(replay) = Replay::read(input) else {
        return false;
    };
    let Some((first, last)) = replay.span() else {
        return true;
    };
    assert!(first <= last);
    let all = replay.reads(Timestamp::MIN, Timestamp::MAX);
    assert!(all.windows(2).all(|two| two[0].at <= two[1].at));
    assert!(all.iter().all(|read| first <= read.at && read.at <= last));
    true
}

pub fn replay_csv_seeds() -> Vec<Vec<u8>> {
    [
        "meter,register,time,value,unit\nA1,2.8.0,2026-06-21T12:00:00Z,15475.04,kWh\n",
        "meter,register,time,value,unit\nA1,2.8.0,2026-06-21T12:00:00Z,1,Wh\nB,1.8.0,2026-06-21T12:30:00+01:00,2,Wh\n",
    ]
    .map(|csv| csv.as_bytes().to_vec())
    .to_vec()
}

/// What a person types from a dial: it agrees with itself.
pub fn dial(input: &[u8]) -> bool {
    let Some(dial) = text(input).and_then(|text| text.parse::<Dial>().ok()) else {
        return false;
    };
    let again: Dial = dial.to_string().parse().expect("as it was typed");
    assert_eq!(again, dial);
    let _ = dial.against(0, u64::MAX).to_string();
    true
}

pub fn dial_seeds() -> Vec<Vec<u8>> {
    ["12345.67", "0", "012345 kWh", "1.000"]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
}
