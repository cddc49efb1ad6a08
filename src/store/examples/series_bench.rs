//! How fast and how small `series.sqlite` is: `cargo run --profile ci --example series_bench [seconds]`.
//!
//! Prints one JSON object. Dense: 2,000 meters, a read each 10 s. Wide: 1.5 million meters, a read
//! each 10 s for so many seconds (default 120: 12 reads each; 0 leaves both out). Year: one meter, a read a minute.
//! Reads are simulated solar: a sun, cloud noise on the power, the register its integral.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant as Clock},
};

use commonwatt_store::{
    Live, NO_POWER, PlacedRead, SeriesStore,
    series::{SeriesDef, SeriesOptions},
};
use domain::{
    calendar::{Instant, LocalDay, Zone},
    metering::{Decisions, Direction, Nights, Obis, Register, SeriesId, SeriesRules, Source},
    quantity::{WattHours, Watts},
};

const DAY_MS: i64 = 86_400_000;
/// 2024-06-01.
const START: i64 = 19_875 * DAY_MS;

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 0 up to `n`.
    fn below(&mut self, n: i64) -> i64 {
        (self.next() % n.unsigned_abs()).cast_signed()
    }
}

/// One roof: its register in mWs, so that it is an exact integral of its power.
#[derive(Clone, Copy)]
struct Roof {
    peak_w: i32,
    cloud: i32,
    ws: i64,
    offset_s: i32,
}

fn roofs(count: u32, noise: &mut Noise) -> Vec<Roof> {
    (0..count)
        .map(|_| Roof {
            peak_w: 2_000 + noise.below(8_000) as i32,
            cloud: 700,
            ws: noise.below(30_000_000) * 3_600,
            offset_s: noise.below(10) as i32,
        })
        .collect()
}

/// Thousandths of the peak at that second of the day: a parabola from 05:00 to 19:00.
fn sun(at: i64) -> i64 {
    let s = at.rem_euclid(DAY_MS) / 1000;
    let from_noon = (s - 43_200) * 1000 / 25_200;
    (1000 - from_noon * from_noon / 1000).max(0)
}

impl Roof {
    fn read(
        &mut self,
        series: u32,
        round: i64,
        step_ms: i64,
        jitter: bool,
        noise: &mut Noise,
    ) -> PlacedRead {
        let wobble = if jitter {
            (noise.below(3) - 1) * 1000
        } else {
            0
        };
        let at = round + i64::from(self.offset_s) * 1000 + wobble;
        self.cloud =
            (self.cloud + noise.below(61) as i32 - 30 + (700 - self.cloud) / 50).clamp(50, 1000);
        let w = i64::from(self.peak_w) * sun(at) / 1000 * i64::from(self.cloud) / 1000;
        self.ws += w * step_ms / 1000;
        PlacedRead {
            series: SeriesId(series),
            at: Instant(at),
            wh: WattHours(self.ws / 3_600),
            w: w as i32,
            received: Instant(at + 150 + noise.below(700)),
            source: Source::Telemetry,
        }
    }
}

fn nights() -> Arc<Nights> {
    Nights::unknown()
}

fn defs(count: u32) -> Vec<SeriesDef> {
    let register = Register::new(Obis::EXPORT, Direction::Generation, 9, WattHours(1), 1)
        .expect("nine digits of 1 Wh is a register");
    let rules = Arc::new(SeriesRules::of(&register, Some(Watts(12_000)), nights()));
    let decisions = Arc::new(Decisions::none());
    (0..count)
        .map(|id| SeriesDef {
            id: SeriesId(id),
            meter: format!("M{id:08}").into(),
            register: Obis::EXPORT,
            rules: Arc::clone(&rules),
            decisions: Arc::clone(&decisions),
        })
        .collect()
}

fn memory_mb() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let of = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key));
        let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kb.unwrap_or(0) / 1024
    };
    (of("VmRSS"), of("VmHWM"))
}

/// Bytes of the pages in use, by SQLite's own count, after the WAL is folded in.
fn bytes_in_use(path: &Path) -> (u64, u64) {
    let conn = rusqlite::Connection::open(path).expect("the store was just written");
    let number = |sql: &str| {
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
            .expect(sql)
    };
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .expect("checkpoint");
    let page = number("PRAGMA page_size");
    let used = (number("PRAGMA page_count") - number("PRAGMA freelist_count")) * page;
    let blocks = number(
        "SELECT coalesce((SELECT sum(length(block)) FROM run_block), 0)
              + coalesce((SELECT sum(length(block)) FROM day_reads), 0)",
    );
    (used.unsigned_abs(), blocks.unsigned_abs())
}

fn zone() -> Zone {
    Zone::named("Europe/London").expect("the zone is built in")
}

struct Fed {
    reads: u64,
    feeding: Duration,
    worst: Duration,
}

/// Feeds rounds of one read a roof, in batches of 10,000, with the roll-up before each.
fn feed(
    store: &mut SeriesStore,
    live: &Live,
    roofs: &mut [Roof],
    noise: &mut Noise,
    (from, rounds, step_ms, jitter): (i64, i64, i64, bool),
) -> Fed {
    let mut fed = Fed {
        reads: 0,
        feeding: Duration::ZERO,
        worst: Duration::ZERO,
    };
    let mut position = store.waiting().applied;
    let mut batch = Vec::with_capacity(10_000);
    for round in 0..rounds {
        for series in 0..roofs.len() {
            let at = from + round * step_ms;
            batch.push(roofs[series].read(series as u32, at, step_ms, jitter, noise));
            if batch.len() == 10_000 || series + 1 == roofs.len() {
                position += 1;
                let begin = Clock::now();
                live.roll_up(batch.iter().copied());
                store
                    .apply(position, batch.iter().copied(), [])
                    .expect("apply");
                store.merge(8).expect("merge");
                let took = begin.elapsed();
                fed.feeding += took;
                fed.worst = fed.worst.max(took);
                fed.reads += batch.len() as u64;
                batch.clear();
            }
        }
    }
    let begin = Clock::now();
    store.flush().expect("flush");
    fed.feeding += begin.elapsed();
    fed
}

fn dense(dir: &Path, jitter: bool) {
    let path = dir.join(format!("dense-{jitter}.sqlite"));
    let mut store = SeriesStore::open(&path, SeriesOptions::new(zone())).expect("open");
    let live = Live::new(zone());
    store.define(&defs(2_000)).expect("define");
    (0..2_000).for_each(|id| live.define(SeriesId(id), 12_000));
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut all = roofs(2_000, &mut noise);
    let fed = feed(
        &mut store,
        &live,
        &mut all,
        &mut noise,
        (START - 3_600_000, 8_640, 10_000, jitter),
    );
    let (before, _) = bytes_in_use(&path);
    let begin = Clock::now();
    store.merge_all().expect("merge");
    while store.close_days(LocalDay(19_876), 1).expect("close").more {}
    let closing = begin.elapsed();
    let (after, blocks) = bytes_in_use(&path);
    let energy = {
        let conn = rusqlite::Connection::open(&path).expect("open");
        conn.query_row(
            "SELECT coalesce(sum(length(row)), 0) FROM day_energy",
            [],
            |r| r.get::<_, i64>(0),
        )
        .expect("sum")
    };
    let reads = fed.reads as f64;
    println!(
        "  \"dense_2000_meters_10s{}\": {{\"reads\": {}, \"reads_per_s\": {:.0}, \"worst_batch_ms\": {}, \"bytes_per_read_flushed\": {:.2}, \"bytes_per_read_closed\": {:.3}, \"block_bytes_per_read\": {:.3}, \"half_hour_bytes\": {energy}, \"closing_s\": {:.1}, \"rss_mb\": {}}},",
        if jitter { "_off_the_grid" } else { "" },
        fed.reads,
        reads / fed.feeding.as_secs_f64(),
        fed.worst.as_millis(),
        before as f64 / reads,
        after as f64 / reads,
        blocks as f64 / reads,
        closing.as_secs_f64(),
        memory_mb().0,
    );
}

fn wide(dir: &Path, seconds: i64) {
    const METERS: u32 = 1_500_000;
    let path = dir.join("wide.sqlite");
    let mut store = SeriesStore::open(&path, SeriesOptions::new(zone())).expect("open");
    let live = Live::new(zone());
    let begin = Clock::now();
    for some in defs(METERS).chunks(50_000) {
        store.define(some).expect("define");
    }
    (0..METERS).for_each(|id| live.define(SeriesId(id), 12_000));
    let defining = begin.elapsed();
    let (defined, _) = bytes_in_use(&path);
    let mut noise = Noise(0x2545_f491_4f6c_dd1d);
    let mut all = roofs(METERS, &mut noise);
    let rss_defined = memory_mb().0;
    // From 10:00 UTC: daylight, the costly half of a day.
    let fed = feed(
        &mut store,
        &live,
        &mut all,
        &mut noise,
        (START + 36_000_000, seconds / 10, 10_000, true),
    );
    let rss = memory_mb();
    let (flushed, _) = bytes_in_use(&path);
    let begin = Clock::now();
    store.merge_all().expect("merge");
    let merging = begin.elapsed();
    let (merged, blocks) = bytes_in_use(&path);
    let begin = Clock::now();
    let some: Vec<SeriesId> = (0..100).map(|n| SeriesId(n * 14_983)).collect();
    for one in &some {
        store.settle(std::slice::from_ref(one)).expect("settle");
    }
    let settling = begin.elapsed() / 100;
    let reads = fed.reads as f64;
    println!(
        "  \"wide_1500000_meters\": {{\"reads\": {}, \"reads_per_s\": {:.0}, \"worst_batch_ms\": {}, \"core_share_at_150k_per_s\": {:.3}, \"bytes_per_read_flushed\": {:.2}, \"bytes_per_read_merged\": {:.2}, \"block_bytes_per_read\": {:.2}, \"define_s\": {:.1}, \"merge_all_s\": {:.1}, \"settle_one_ms\": {:.2}, \"rss_mb_defined\": {rss_defined}, \"rss_mb\": {}, \"rss_mb_peak\": {}}},",
        fed.reads,
        reads / fed.feeding.as_secs_f64(),
        fed.worst.as_millis(),
        fed.feeding.as_secs_f64() / reads * 150_000.0,
        (flushed - defined) as f64 / reads,
        (merged - defined) as f64 / reads,
        blocks as f64 / reads,
        defining.as_secs_f64(),
        merging.as_secs_f64(),
        settling.as_secs_f64() * 1e3,
        rss.0,
        rss.1,
    );
}

fn year(dir: &Path) {
    let path = dir.join("year.sqlite");
    let mut store = SeriesStore::open(&path, SeriesOptions::new(zone())).expect("open");
    store.define(&defs(1)).expect("define");
    let mut noise = Noise(7);
    let mut roof = roofs(1, &mut noise)[0];
    let first = zone().day_span(LocalDay(19_723)).start.0;
    let reads: Vec<PlacedRead> = (0..525_600)
        .map(|n| PlacedRead {
            w: NO_POWER,
            ..roof.read(0, first + n * 60_000, 60_000, false, &mut noise)
        })
        .collect();
    store.apply(1, reads, []).expect("apply");
    let begin = Clock::now();
    store.flush().expect("flush");
    let settling = begin.elapsed();
    while store.close_days(LocalDay(20_500), 1).expect("close").more {}
    let reader = store.reader().expect("reader");
    let (from, to) = (LocalDay(19_723), LocalDay(19_723 + 364));
    let median = |mut work: Box<dyn FnMut() -> usize>| {
        let mut times: Vec<Duration> = (0..31)
            .map(|_| {
                let begin = Clock::now();
                assert!(work() >= 365, "a year has 365 days");
                begin.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[15].as_secs_f64() * 1e3
    };
    let reader = Arc::new(reader);
    let again = || Arc::clone(&reader);
    let (a, b, c, d) = (again(), again(), again(), again());
    let rollups = median(Box::new(move || {
        a.half_hours(SeriesId(0), from, to).expect("read").len()
    }));
    let days = median(Box::new(move || {
        b.day_energies(SeriesId(0), from, to).expect("read").len()
    }));
    let raw = median(Box::new(move || {
        c.half_hours_from_reads(SeriesId(0), from, to, &[])
            .expect("read")
            .len()
    }));
    let listed = median(Box::new(move || {
        let span = domain::calendar::Span {
            start: Instant(0),
            end: Instant(i64::MAX),
        };
        d.reads(SeriesId(0), span).expect("read").len()
    }));
    println!(
        "  \"year_of_one_meter\": {{\"raw_reads\": 525600, \"flush_and_settle_ms\": {:.0}, \"half_hours_from_roll_ups_ms\": {rollups:.3}, \"days_from_roll_ups_ms\": {days:.3}, \"half_hours_from_raw_ms\": {raw:.2}, \"list_all_reads_ms\": {listed:.1}}}",
        settling.as_secs_f64() * 1e3,
    );
}

fn main() {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(120);
    let dir = tempfile::tempdir().expect("a temporary folder");
    println!("{{");
    if seconds > 0 {
        wide(dir.path(), seconds);
        dense(dir.path(), false);
        dense(dir.path(), true);
    }
    year(dir.path());
    println!("}}");
}
