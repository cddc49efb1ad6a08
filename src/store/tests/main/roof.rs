//! A small society to test with: registers under a known sun, and stores in a temporary folder.

use std::{
    fmt::Debug,
    sync::{Arc, LazyLock},
};

use commonwatt_store::{
    NO_POWER, PlacedRead, SeriesStore,
    series::{SeriesDef, SeriesOptions, SeriesReader},
};
use domain::{
    calendar::{Instant, LocalDay, Span, Zone},
    metering::{
        Decisions, Direction, Finding, Lives, Nights, Obis, ReadDecision, Register, SeriesId,
        SeriesRules, Source, Verdict,
    },
    quantity::{WattHours, Watts},
};
use tempfile::TempDir;

pub const DAY_MS: i64 = 86_400_000;
pub const MINUTE_MS: i64 = 60_000;

pub fn london() -> Zone {
    static LONDON: LazyLock<Zone> = LazyLock::new(|| Zone::named("Europe/London").unwrap());
    LONDON.clone()
}

pub fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

pub fn instant(text: &str) -> Instant {
    text.parse().unwrap()
}

/// Panics with the first place at which the two differ.
pub fn assert_same<T: PartialEq + Debug>(here: &[T], there: &[T], what: &str) {
    let same = here.iter().zip(there).take_while(|(a, b)| a == b).count();
    assert!(
        same == here.len() && same == there.len(),
        "{what} differ at {same} of {} and {}:\n{:?}\n{:?}",
        here.len(),
        there.len(),
        &here[same.saturating_sub(1)..here.len().min(same + 2)],
        &there[same.saturating_sub(1)..there.len().min(same + 2)]
    );
}

/// Nights from 20:00 to 04:00 UTC from 2009 to 2030.
pub fn nights() -> Arc<Nights> {
    static NIGHTS: LazyLock<Arc<Nights>> = LazyLock::new(make_nights);
    Arc::clone(&NIGHTS)
}

fn make_nights() -> Arc<Nights> {
    let start = 14_245 * DAY_MS;
    let days = 7_670;
    let known = Span::new(Instant(start), Instant(start + days * DAY_MS));
    let dark = (0..days - 1).map(|n| {
        let evening = start + n * DAY_MS + 20 * 60 * MINUTE_MS;
        Span::new(Instant(evening), Instant(evening + 8 * 60 * MINUTE_MS))
    });
    Arc::new(Nights::new(known, dark.collect()).unwrap())
}

pub fn rules(ceiling_w: i64, lives: Lives, nights: &Arc<Nights>) -> SeriesRules {
    let register = Register::new(Obis::EXPORT, Direction::Generation, 9, WattHours(1), 1).unwrap();
    SeriesRules {
        lives,
        ..SeriesRules::of(&register, Some(Watts(ceiling_w)), Arc::clone(nights))
    }
}

pub fn def(id: u32, rules: SeriesRules, decisions: Decisions) -> SeriesDef {
    SeriesDef {
        id: SeriesId(id),
        meter: format!("M{id:07}").into(),
        register: Obis::EXPORT,
        rules: Arc::new(rules),
        decisions: Arc::new(decisions),
    }
}

pub fn read(series: u32, at: i64, wh: i64) -> PlacedRead {
    PlacedRead {
        series: SeriesId(series),
        at: Instant(at),
        wh: WattHours(wh),
        w: NO_POWER,
        received: Instant(at + 700),
        source: Source::Telemetry,
    }
}

pub struct Place {
    pub dir: TempDir,
    pub flush_reads: usize,
}

impl Place {
    pub fn new(flush_reads: usize) -> Place {
        Place {
            dir: tempfile::tempdir().unwrap(),
            flush_reads,
        }
    }

    pub fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("series.sqlite")
    }

    pub fn open(&self) -> SeriesStore {
        let options = SeriesOptions {
            zone: london(),
            flush_reads: self.flush_reads,
        };
        SeriesStore::open(&self.path(), options).unwrap()
    }
}

/// A judged read without its power: what two stores are compared by.
pub type Seen = (
    Instant,
    WattHours,
    Instant,
    Verdict,
    Option<WattHours>,
    Vec<Finding>,
    Option<ReadDecision>,
);

pub fn all_reads(reader: &SeriesReader, series: u32) -> Vec<Seen> {
    let span = Span::new(Instant(i64::MIN), Instant(i64::MAX));
    reader
        .reads(SeriesId(series), span)
        .unwrap()
        .into_iter()
        .map(|r| {
            (
                r.read.at,
                r.read.wh,
                r.read.received,
                r.verdict,
                r.counts_as,
                r.findings,
                r.decision,
            )
        })
        .collect()
}

pub fn dump(reader: &SeriesReader) -> Vec<String> {
    let mut rows = Vec::new();
    reader
        .dump(&mut |row| rows.push(format!("{} | {} | {}", row.table, row.key, row.value)))
        .unwrap();
    rows
}
