//! (f) One meter's year in half hours: from the stored days, and made anew from 525,600 reads, one
//! a minute; beside the peers on the same reads.

use std::time::Instant as Monotonic;

use domain::{
    calendar::{Instant, LocalDay},
    metering::{SeriesId, Source},
    quantity::{WattHours, Watts},
};
use serde_json::json;
use store::PlacedRead;

use crate::{
    figure::{Figure, Size, quantile, round},
    peers::{self, Read},
    projecting,
    solar::Fleet,
};

/// 2025-01-01T00:00:00Z.
const START_S: i64 = 1_735_689_600;
const MINUTES: i64 = 525_600;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let (times, peer_times) = size.pick((50, 3), (500, 50));
    let mut figure = Figure::new(
        size,
        "milliseconds for one meter's year in half hours",
        json!({"reads": MINUTES, "seconds_apart": 60, "repeats": times, "repeats_of_peers": peer_times}),
    );
    let mut fleet = Fleet::new(1);
    // One read more than the year has minutes, so that its last half hour has an end.
    let reads: Vec<Read> = (0..=MINUTES)
        .map(|n| fleet.read(0, START_S + n * 60, 60))
        .collect();

    let folder = tempfile::tempdir()?;
    let mut series = projecting::store(&folder.path().join("series.sqlite"), 1, Watts(5_000))?;
    let placed = reads.iter().map(|read| PlacedRead {
        series: SeriesId(0),
        at: Instant(read.at),
        wh: WattHours(read.wh),
        w: read.w,
        received: Instant(read.at + 400),
        source: Source::Telemetry,
    });
    series.apply(1, placed, [])?;
    series.merge_all()?;
    let day = |year, month, day| LocalDay::of_date(year, month, day).unwrap_or_default();
    while series.close_days(day(2026, 1, 2), 64)?.more {}
    let reader = series.reader()?;
    let (from, to) = (day(2025, 1, 1), day(2025, 12, 31));

    let (rolled, stored) = timed(times, || Ok(reader.half_hours(SeriesId(0), from, to)?))?;
    let (raw, made) = timed(times.div_ceil(5), || {
        Ok(reader.half_hours_from_reads(SeriesId(0), from, to, &[])?)
    })?;
    anyhow::ensure!(
        stored.len() == 17_520,
        "a year has 17,520 half hours, not {}",
        stored.len()
    );
    anyhow::ensure!(stored == made, "both ways give the same energy");
    let energy: i64 = stored.iter().map(|half| half.wh.0).sum();
    let advance = reads[reads.len() - 1].wh - reads[0].wh;
    anyhow::ensure!(
        energy == advance,
        "the half hours are the register's advance: {energy} and {advance} Wh"
    );

    let told = |ms: &[f64]| json!({"p50_ms": round(quantile(ms, 0.5), 3), "p99_ms": round(quantile(ms, 0.99), 3)});
    figure.found("from_roll_ups", told(&rolled));
    figure.found("from_raw_reads", told(&raw));
    let (there, absent) = peers::installed();
    if !absent.is_empty() {
        anyhow::ensure!(
            size == Size::Small,
            "a full run needs {}",
            absent.join(", ")
        );
        figure.note(format!("not installed here: {}", absent.join(", ")));
    }
    for (name, start) in there {
        let mut peer = start()?;
        for batch in reads.chunks(10_000) {
            peer.write(batch)?;
        }
        peer.settle()?;
        let ask = || peer.half_hours(0, START_S * 1_000, (START_S + MINUTES * 60) * 1_000);
        let (ms, count) = timed(peer_times, ask)?;
        let mut found = told(&ms);
        found["half_hours"] = json!(count);
        found["times_ours_from_raw_reads"] = round(quantile(&ms, 0.5) / quantile(&raw, 0.5), 1);
        figure.found(name, found);
    }
    figure.note("peers give the last register value of each half hour; ours the energy, its quality and its gaps");
    figure.goal("under 1 ms from roll-ups", quantile(&rolled, 0.5) < 1.0);
    figure.goal(
        "under 15 ms from 525,600 raw reads",
        quantile(&raw, 0.5) < 15.0,
    );
    Ok(figure)
}

/// Milliseconds of each run, and the last answer.
fn timed<T>(
    times: usize,
    mut run: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<(Vec<f64>, T)> {
    let mut ms = Vec::with_capacity(times);
    let mut last = run()?;
    for _ in 0..times {
        let began = Monotonic::now();
        last = run()?;
        ms.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok((ms, last))
}
