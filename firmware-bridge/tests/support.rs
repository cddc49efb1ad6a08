//! A clock in the hand, reads, and a daemon that holds notes in memory.

use std::collections::BTreeMap;

use bridge::{
    clock::{ClockState, Now},
    note::{MeterRead, NoteId},
};
use bytes::Bytes;
use jiff::Timestamp;
use wire::{Done, MAX_RANGES, Receipt};

/// `ms` after noon of a June day, with the tick in step.
pub fn at(ms: u64) -> Now {
    let noon: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let wall_ms = noon.as_millisecond() + i64::try_from(ms).unwrap();
    Now {
        tick_ms: ms,
        wall: Timestamp::from_millisecond(wall_ms).unwrap(),
        state: ClockState::Synced,
    }
}

/// The `n`-th read of a meter, which nobody else makes.
pub fn read(meter: &str, n: u64) -> MeterRead {
    MeterRead {
        meter: meter.into(),
        register: "2.8.0".into(),
        at: at(n).wall,
        wh: i64::try_from(n).unwrap(),
        w: None,
        state: bridge::note::MeterState::Good,
    }
}

/// What a daemon holds.
#[derive(Clone, Debug, Default)]
pub struct Daemon {
    held: BTreeMap<NoteId, Bytes>,
}

impl Daemon {
    /// A note arrives. The second time it must have the same bytes.
    pub fn take(&mut self, payload: &Bytes) {
        let note = parse(payload);
        let before = self.held.insert(note.0, payload.clone());
        assert!(
            before.is_none_or(|before| before == *payload),
            "note {} came with other bytes",
            note.0
        );
    }

    /// The reads held, each as often as it is in a note.
    pub fn reads(&self) -> Vec<MeterRead> {
        let mut reads: Vec<MeterRead> = self.held.values().flat_map(|p| parse(p).1).collect();
        reads.sort_by(|a, b| (&a.meter, a.wh).cmp(&(&b.meter, b.wh)));
        reads
    }

    /// The notes held.
    pub fn payloads(&self) -> impl Iterator<Item = &Bytes> {
        self.held.values()
    }

    /// Names of the notes held.
    pub fn notes(&self) -> impl Iterator<Item = NoteId> {
        self.held.keys().copied()
    }

    /// The receipt for what is held.
    pub fn receipt(&self) -> Receipt {
        let mut boots: BTreeMap<u64, Vec<(u64, u64)>> = BTreeMap::new();
        for id in self.held.keys() {
            let ranges = boots.entry(id.boot).or_insert_with(|| vec![(0, 0)]);
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == id.seq => *last = id.seq,
                _ => ranges.push((id.seq, id.seq)),
            }
        }
        let mut receipt = Receipt::new(None);
        for (boot, ranges) in boots {
            let also = &ranges[1..];
            let done = Done {
                boot,
                upto: ranges[0].1,
                also: &also[..also.len().min(MAX_RANGES)],
            };
            receipt.push(done).unwrap();
        }
        receipt
    }
}

/// A note's name and reads.
pub fn parse(payload: &[u8]) -> (NoteId, Vec<MeterRead>) {
    let mut note: serde_json::Value = serde_json::from_slice(payload).unwrap();
    let id = NoteId {
        boot: note["boot"].as_u64().unwrap(),
        seq: note["seq"].as_u64().unwrap(),
    };
    (id, serde_json::from_value(note["reads"].take()).unwrap())
}
