//! What a message means only after those before it: power over time, and metrics known by number.
//!
//! A device without a counter sends powers; between two of them, at most [`MAX_GAP_MS`] apart, its
//! power is taken to change evenly. A half hour that is covered from end to end becomes interval
//! energy of the meter point, quality *estimated*; one that is not stays missing. A Sparkplug B node
//! names its metrics once, at birth, and then sends numbers.
//!
//! Messages are taken in the order of the journal, by the one thread that makes the series, and the
//! state is kept in the same transaction as the series' position: a restart, a replay and a rebuild
//! give the same.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    calendar::{HALF_HOUR_MS, HalfHour, Instant},
    metering::Quality,
    quantity::WattHours,
};
use mapping::Message;
use serde::{Deserialize, Serialize};

use crate::{
    Decoded,
    decode::{self, From},
    decoded::{PlacedInterval, PowerSample, SparkplugMessage, UndecodableMessage},
    directory::Directory,
};

/// Longest time between two powers that is bridged: half a settlement period.
pub const MAX_GAP_MS: i64 = HALF_HOUR_MS / 2;
/// Watt-milliseconds of a watt-hour.
const MS_PER_HOUR: i64 = 3_600_000;
/// Most Sparkplug nodes that are remembered for a society.
pub const MAX_NODES: usize = 10_000;

/// Meters that have no register, by serial.
pub type PowerPoints = BTreeMap<String, PowerPoint>;

/// Where the energy of a meter without register belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PowerPoint {
    /// Its meter point.
    pub point: Arc<str>,
    /// Whether the point counts what is taken in; otherwise what is sent out or generated.
    pub takes_in: bool,
}

/// What came of the messages of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many reads there were before; those behind them are new.
    pub placed_before: usize,
    /// Where nodes take commands that must be born again.
    pub rebirths: Vec<String>,
}

/// The state between two messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ongoing {
    powers: BTreeMap<String, Integral>,
    nodes: BTreeMap<String, mapping::sparkplug::Node>,
}

/// The energy of a half hour so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Integral {
    at_ms: i64,
    w: i64,
    /// Watt-milliseconds since the half hour began, or since the powers did.
    area: i64,
    covered_ms: i64,
}

impl Ongoing {
    /// The state as it was kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Ongoing> {
        serde_json::from_slice(bytes).ok()
    }

    /// The state, to be kept.
    ///
    /// # Panics
    /// Never: it is plain JSON.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain JSON")
    }

    /// Works off what `decoded` holds of powers and numbered metrics: reads and intervals are added.
    pub fn take(
        &mut self,
        decoded: &mut Decoded,
        directory: &Directory,
        points: &PowerPoints,
    ) -> Taken {
        let mut taken = Taken {
            placed_before: decoded.placed.len(),
            rebirths: Vec::new(),
        };
        for message in std::mem::take(&mut decoded.sparkplug) {
            if self.sparkplug(&message, directory, decoded)
                && let Some(topic) = mapping::sparkplug::Topic::read(&message.topic)
            {
                taken.rebirths.push(topic.command());
            }
        }
        for sample in std::mem::take(&mut decoded.powers) {
            self.power(&sample, points, &mut decoded.intervals);
        }
        taken
    }

    /// Whether the node must be born again.
    fn sparkplug(
        &mut self,
        message: &SparkplugMessage,
        directory: &Directory,
        decoded: &mut Decoded,
    ) -> bool {
        let key = format!(
            "{}/{}",
            message.gateway,
            mapping::sparkplug::node_of(&message.topic).unwrap_or_default()
        );
        if self.nodes.len() >= MAX_NODES && !self.nodes.contains_key(&key) {
            return false;
        }
        let node = self.nodes.entry(key).or_default();
        let from = From {
            gateway: &message.gateway,
            received: message.received,
            record: message.record,
        };
        let outcome = message.device.reader.sparkplug(
            node,
            &Message {
                topic: &message.topic,
                payload: &message.payload,
                received: message.received,
                stale: message.stale,
            },
        );
        match outcome {
            Ok(read) => {
                decode::mapped(from, read.reads, directory, decoded);
                read.rebirth.is_some()
            }
            Err(why) => {
                decoded.undecodable.push(UndecodableMessage {
                    gateway: Arc::clone(&message.gateway),
                    record: message.record,
                    reason: why.into_boxed_str(),
                    received: message.received,
                });
                false
            }
        }
    }

    fn power(
        &mut self,
        sample: &PowerSample,
        points: &PowerPoints,
        intervals: &mut Vec<PlacedInterval>,
    ) {
        let Some(place) = points.get(&*sample.meter) else {
            return;
        };
        let along = if place.takes_in { sample.w } else { -sample.w };
        let (at, w) = (sample.at.0, i64::from(along.max(0)));
        let fresh = Integral {
            at_ms: at,
            w,
            area: 0,
            covered_ms: 0,
        };
        let Some(state) = self.powers.get_mut(&*sample.meter) else {
            self.powers.insert(sample.meter.to_string(), fresh);
            return;
        };
        if at <= state.at_ms {
            return;
        }
        if at - state.at_ms > MAX_GAP_MS {
            *state = fresh;
            return;
        }
        let (t0, w0) = (state.at_ms, state.w);
        let mut from = t0;
        while from < at {
            let half_hour = HalfHour::of(Instant(from));
            let end = half_hour.end().0;
            let to = at.min(end);
            state.area += area(w0, w, at - t0, from - t0, to - t0);
            state.covered_ms += to - from;
            if to == end {
                let whole = state.covered_ms == HALF_HOUR_MS;
                if whole {
                    intervals.push(PlacedInterval {
                        point: Arc::clone(&place.point),
                        half_hour,
                        wh: WattHours(state.area / MS_PER_HOUR),
                        quality: Quality::Estimated,
                    });
                }
                // What is left of a watt-hour goes on with the next half hour.
                state.area = if whole { state.area % MS_PER_HOUR } else { 0 };
                state.covered_ms = 0;
            }
            from = to;
        }
        (state.at_ms, state.w) = (at, w);
    }
}

/// Watt-milliseconds between `from` and `to` of a power that goes from `w0` to `w1` in `span` ms.
fn area(w0: i64, w1: i64, span: i64, from: i64, to: i64) -> i64 {
    let (w0, w1) = (i128::from(w0), i128::from(w1));
    let (span, from, to) = (i128::from(span), i128::from(from), i128::from(to));
    let twice = (2 * w0 * span + (w1 - w0) * (from + to)) * (to - from);
    i64::try_from(twice / (2 * span)).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(takes_in: bool) -> PowerPoints {
        let place = PowerPoint {
            point: Arc::from("roof"),
            takes_in,
        };
        PowerPoints::from([("pv".to_owned(), place)])
    }

    fn run(samples: &[(i64, i32)], points: &PowerPoints) -> Vec<(i32, i64)> {
        let mut ongoing = Ongoing::default();
        let mut got = Vec::new();
        for (at_s, w) in samples {
            // A restart between any two messages changes nothing.
            ongoing = Ongoing::from_bytes(&ongoing.to_bytes()).unwrap();
            let mut decoded = Decoded::default();
            decoded.powers.push(PowerSample {
                meter: "pv".into(),
                at: Instant(at_s * 1_000),
                w: *w,
            });
            ongoing.take(&mut decoded, &Directory::default(), points);
            for row in decoded.intervals {
                assert_eq!(row.quality, Quality::Estimated);
                got.push((row.half_hour.0, row.wh.0));
            }
        }
        got
    }

    #[test]
    fn a_covered_half_hour_is_estimated_and_a_holed_one_is_missing() {
        // 1 kW of generation (negative: sent out) once a minute for an hour and a half, with a hole
        // of 20 minutes in the second half hour.
        let mut samples: Vec<(i64, i32)> = (0..=90).map(|m| (m * 60, -1_000)).collect();
        samples.retain(|(at, _)| !(35 * 60..55 * 60).contains(at));
        assert_eq!(run(&samples, &points(false)), [(0, 500), (2, 500)]);
        // The same powers are nothing taken in.
        assert_eq!(run(&samples, &points(true)), [(0, 0), (2, 0)]);
    }

    #[test]
    fn a_ramp_is_split_at_the_half_hour_and_fractions_go_on() {
        // From 0 W to 600 W in ten minutes across the boundary: 12.5 Wh before it, 37.5 after.
        let mut samples: Vec<(i64, i32)> = (0..=5).map(|m| (m * 300, 0)).collect();
        samples.extend([(2_100, -600), (2_700, -600), (3_300, -600), (3_600, -600)]);
        let got = run(&samples, &points(false));
        assert_eq!(got, [(0, 12), (1, 288)]);
    }

    #[test]
    fn a_late_or_repeated_power_changes_nothing() {
        let even: Vec<(i64, i32)> = (0..=30).map(|m| (m * 60, -100)).collect();
        let mut with_late = even.clone();
        with_late.insert(10, (120, -90_000));
        with_late.insert(20, (1_080, -90_000));
        let first = run(&even, &points(false));
        assert_eq!(first, [(0, 50)]);
        // The second insert repeats an instant already taken.
        assert_eq!(run(&with_late, &points(false)).len(), 1);
    }
}
