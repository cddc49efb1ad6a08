//! A simulated meter: what it shows, and what goes wrong with it.

use jiff::Timestamp;

use super::{
    fault::Fault,
    replay::Replay,
    roof::{Shown, SimulatedRoof},
    sky::SkyRoof,
};
use crate::note::{MeterRead, MeterState};

/// OBIS code of what a sleeping inverter draws.
const IMPORT: &str = "1.8.0";

/// A meter of a fleet.
#[derive(Clone, Debug)]
pub struct Meter {
    shows: Shows,
    serial: String,
    register: String,
    faults: Vec<Fault>,
}

#[derive(Clone, Debug)]
enum Shows {
    Measured(SimulatedRoof),
    Sky(SkyRoof),
    Replay(Replay),
}

impl Meter {
    /// A roof of measured generation.
    pub fn measured(serial: String, register: String, roof: SimulatedRoof) -> Self {
        Meter::new(Shows::Measured(roof), serial, register)
    }

    /// A roof under a computed sky. Where its inverter draws at night, the meter has an import
    /// register too.
    pub fn under(sky: SkyRoof, serial: String, register: String) -> Self {
        Meter::new(Shows::Sky(sky), serial, register)
    }

    /// Reads of a file, with their own meters, registers and times.
    pub fn replay(replay: Replay) -> Self {
        Meter::new(Shows::Replay(replay), String::new(), String::new())
    }

    fn new(shows: Shows, serial: String, register: String) -> Self {
        Meter {
            shows,
            serial,
            register,
            faults: Vec::new(),
        }
    }

    /// The same meter with faults, applied in order. A replay has its own.
    #[must_use]
    pub fn with(self, faults: Vec<Fault>) -> Self {
        Meter { faults, ..self }
    }

    /// The reads of an instant; of a replay, those after the instant before and up to this one.
    pub fn reads(&self, before: Timestamp, at: Timestamp) -> Vec<MeterRead> {
        let roof: &dyn Fn(Timestamp) -> Shown = match &self.shows {
            Shows::Measured(roof) => &|at| roof.at(at),
            Shows::Sky(roof) => &|at| roof.at(at),
            Shows::Replay(replay) => return replay.reads(before, at).to_vec(),
        };
        let shown = roof(at);
        let woke = shown.w > 0 && roof(before).w == 0;
        let mut reads = vec![self.read(&self.register, at, shown)];
        for fault in &self.faults {
            reads = fault.applied(reads, at, woke, |at| roof(at).wh);
        }
        match &self.shows {
            Shows::Sky(sky) if sky.draws() && !reads.is_empty() => {
                reads.push(MeterRead {
                    at: reads[0].at,
                    ..self.read(IMPORT, at, sky.drawn_at(at))
                });
            }
            _ => {}
        }
        reads
    }

    fn read(&self, register: &str, at: Timestamp, shown: Shown) -> MeterRead {
        MeterRead {
            meter: self.serial.clone(),
            register: register.to_owned(),
            at,
            wh: shown.wh,
            w: Some(shown.w),
            state: MeterState::Good,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sky::Sky, *};

    const HOUR_MS: i64 = 3_600_000;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Hour and register.
    type Hourly = Vec<(i64, i64)>;

    /// A day of hourly reads with a fault, and the same without.
    fn day(fault: &str) -> (Hourly, Hourly) {
        let origin = at("2026-06-01T00:00:00Z");
        let sky = Sky {
            latitude_deg: 51.5,
            longitude_deg: 0.0,
            tilt_deg: 30.0,
            azimuth_deg: 180.0,
            size: "4".parse().unwrap(),
            clouds_percent: 20,
            seed: 1,
            night_draw_w: 0,
        };
        let meter = Meter::under(
            SkyRoof::new(sky, origin, 1_000_000),
            "A".into(),
            "2.8.0".into(),
        );
        let ill = meter.clone().with(vec![
            fault
                .parse::<super::super::fault::Order>()
                .unwrap()
                .placed(origin, HOUR_MS),
        ]);
        let hours = |meter: &Meter| {
            let hour = |h: i64| {
                Timestamp::from_millisecond(origin.as_millisecond() + h * HOUR_MS).unwrap()
            };
            (1..=24)
                .flat_map(|h| meter.reads(hour(h - 1), hour(h)))
                .map(|read| {
                    (
                        (read.at.as_millisecond() - origin.as_millisecond()) / HOUR_MS,
                        read.wh,
                    )
                })
                .collect()
        };
        (hours(&ill), hours(&meter))
    }

    #[test]
    fn a_meter_that_wakes_shows_zero_once() {
        let (ill, well) = day("wake-up-zero");
        let zeros: Vec<i64> = ill
            .iter()
            .filter(|(_, wh)| *wh == 0)
            .map(|(h, _)| *h)
            .collect();
        assert_eq!(zeros.len(), 1);
        assert!((4..=6).contains(&zeros[0]), "{zeros:?}");
        assert_eq!(ill.len(), well.len());
    }

    #[test]
    fn a_frozen_register_stands_and_then_jumps_to_the_truth() {
        let (ill, well) = day("freeze@+10h/3h");
        assert_eq!(ill[9].1, well[9].1);
        assert!(ill[9..12].iter().all(|(_, wh)| *wh == well[9].1));
        assert_eq!(ill[12], well[12]);
    }

    #[test]
    fn a_reset_register_goes_on_from_zero() {
        let (ill, well) = day("reset@+10h");
        assert_eq!(ill[8], well[8]);
        assert_eq!(ill[9].1, 0);
        assert_eq!(ill[15].1, well[15].1 - well[9].1);
    }

    #[test]
    fn a_clock_that_starts_in_1970_dates_reads_so_and_then_is_set() {
        let (ill, well) = day("clock-1970@+10h/2h");
        let hour_of = |at: &str| {
            (self::at(at).as_millisecond() - self::at("2026-06-01T00:00:00Z").as_millisecond())
                / HOUR_MS
        };
        assert_eq!(ill[9], (hour_of("1970-01-01T00:00:00Z"), well[9].1));
        assert_eq!(ill[10], (hour_of("1970-01-01T01:00:00Z"), well[10].1));
        assert_eq!(ill[11], well[11]);
    }

    #[test]
    fn slips_doubles_conflicts_and_gaps_last_as_long_as_they_were_ordered() {
        let (ill, well) = day("slip@+10h");
        assert_eq!((ill[9].1, ill[10].1), (well[9].1 * 1_000, well[10].1));
        let (ill, well) = day("duplicate@+10h/2h");
        assert_eq!(ill[9..13], [well[9], well[9], well[10], well[10]]);
        let (ill, well) = day("conflict@+10h");
        assert_eq!(ill[9..12], [well[9], (10, well[9].1 + 1), well[10]]);
        let (ill, well) = day("gap@+10h/5h");
        assert_eq!(ill.len(), well.len() - 5);
        assert_eq!(ill[9], well[14]);
    }
}
