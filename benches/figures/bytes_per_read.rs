//! (e) How small reads are at rest: ten-second reads of two thousand roofs over a day, and a few
//! reads each of 1.5 million meters, in `series.sqlite`, with the journal's bytes beside, and the
//! same reads in the peers.

use std::{path::Path, sync::Arc, time::Instant as Monotonic};

use domain::{
    calendar::Instant,
    metering::{SeriesId, Source},
    quantity::{WattHours, Watts},
};
use journal::{Disk, Journal, Options, RealDisk, Records};
use records::Decoded;
use serde_json::{Value, json};
use store::PlacedRead;

use crate::{
    country,
    figure::{Figure, Size, round},
    messages::Writer,
    peers::{self, Read},
    projecting::{self, london},
    solar::{Fleet, MIDSUMMER_S},
};

/// Reads in one request to a peer, and in one entry of ours.
const BATCH: usize = 10_000;
/// Reads reach us so much after they were taken.
const TRANSIT_MS: i64 = 400;

/// Which reads there are.
#[derive(Clone, Copy)]
struct Work {
    meters: u32,
    from_s: i64,
    rounds: i64,
    /// Whether clocks are off by up to a second.
    jitter: bool,
}

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let roofs = Work {
        meters: size.pick(200, 2_000),
        from_s: MIDSUMMER_S + size.pick(36_000, 0),
        rounds: size.pick(720, 8_640),
        jitter: true,
    };
    let many = Work {
        meters: size.pick(50_000, 1_500_000),
        from_s: MIDSUMMER_S + 43_200,
        rounds: 3,
        jitter: false,
    };
    let mut figure = Figure::new(
        size,
        "bytes a read takes at rest, in the series and in the journal, beside other stores",
        json!({
            "roofs": {"meters": roofs.meters, "reads_each": roofs.rounds, "seconds_apart": 10, "clock_off_s": 1},
            "many": {"meters": many.meters, "reads_each": many.rounds, "seconds_apart": 10},
        }),
    );
    let (there, absent) = peers::installed();
    if !absent.is_empty() {
        anyhow::ensure!(
            size == Size::Small,
            "a full run needs {}",
            absent.join(", ")
        );
        figure.note(format!("not installed here: {}", absent.join(", ")));
    }
    let mut bytes = Vec::new();
    for (name, work) in [
        ("roofs_at_ten_seconds", roofs),
        ("few_reads_of_many_meters", many),
    ] {
        let ours = ours(work)?;
        bytes.push(ours["series_bytes_per_read"].as_f64().unwrap_or(f64::NAN));
        let mut found = json!({"commonwatt": ours});
        for (peer, start) in &there {
            let mut taken = theirs(start()?.as_mut(), work)?;
            let times =
                taken["bytes_per_read"].as_f64().unwrap_or(f64::NAN) / bytes[bytes.len() - 1];
            taken["times_ours"] = round(times, 1);
            found[*peer] = taken;
        }
        for (peer, value) in found.as_object().into_iter().flatten() {
            figure.found(&format!("{name}/{peer}"), value.clone());
        }
    }
    let journal = journal_bytes(Work {
        rounds: size.pick(20, 200),
        from_s: MIDSUMMER_S + 43_200,
        ..roofs
    })?;
    figure.found("journal", journal);
    figure.note("series: every byte of the file in use; roofs: the day is closed, settled, its half hours included; many: merged runs of a day that is still open, and beside it the day closed");
    figure.note(
        "peers keep time, Wh and W; ours also when a read arrived, how, and what was judged of it",
    );
    figure.goal(
        "at most 1.5 bytes a read for ten-second solar",
        bytes[0] <= 1.5,
    );
    figure.goal(
        "at most 8 bytes a read for a few reads each of very many meters",
        bytes[1] <= 8.0,
    );
    Ok(figure)
}

/// Hands all reads on in batches, by time.
fn each_batch(
    work: Work,
    mut take: impl FnMut(&[Read]) -> anyhow::Result<()>,
) -> anyhow::Result<u64> {
    let mut fleet = Fleet::new(work.meters as usize);
    let mut batch = Vec::with_capacity(BATCH);
    let mut reads = 0;
    for round in 0..work.rounds {
        for meter in 0..work.meters as usize {
            let jitter = if work.jitter { fleet.jitter_s() } else { 0 };
            batch.push(fleet.read(meter, work.from_s + round * 10 + jitter, 10));
            if batch.len() == BATCH {
                reads += batch.len() as u64;
                take(&batch)?;
                batch.clear();
            }
        }
    }
    reads += batch.len() as u64;
    take(&batch)?;
    Ok(reads)
}

fn ours(work: Work) -> anyhow::Result<Value> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("series.sqlite");
    let mut series = projecting::store(&path, work.meters, Watts(5_000))?;
    drop(series);
    let empty = used_bytes(&path)?;
    series = projecting::store(&path, work.meters, Watts(5_000))?;
    let began = Monotonic::now();
    let mut position = 0;
    let reads = each_batch(work, |batch| {
        position += 1;
        let placed = batch.iter().map(|read| PlacedRead {
            series: SeriesId(read.meter),
            at: Instant(read.at),
            wh: WattHours(read.wh),
            w: read.w,
            received: Instant(read.at + TRANSIT_MS),
            source: Source::Telemetry,
        });
        series.apply(position, placed, [])?;
        Ok(())
    })?;
    series.flush()?;
    let seconds = began.elapsed().as_secs_f64();
    series.merge_all()?;
    drop(series);
    let open = used_bytes(&path)?;
    let mut series = projecting::store(&path, work.meters, Watts(5_000))?;
    let began = Monotonic::now();
    let tomorrow = london().day_of(Instant((MIDSUMMER_S + 2 * 86_400) * 1_000));
    while series.close_days(tomorrow, 64)?.more {}
    let closing = began.elapsed().as_secs_f64();
    drop(series);
    let closed = used_bytes(&path)?;
    let per_read = |bytes: u64| (bytes - empty) as f64 / reads as f64;
    // Many reads of a meter lie in a closed day; with a few of each the day's own row is the most.
    let at_rest = if work.jitter { closed } else { open };
    Ok(json!({
        "series_bytes_per_read": round(per_read(at_rest), 2),
        "while_the_day_is_open": round(per_read(open), 2),
        "after_it_is_closed": round(per_read(closed), 2),
        "bytes_per_register": round(empty as f64 / f64::from(work.meters), 0),
        "reads": reads,
        "reads_per_s_into_series": round(reads as f64 / seconds, 0),
        "seconds_to_close_the_day": round(closing, 1),
    }))
}

/// Bytes of the pages in use: SQLite keeps freed pages in the file for later.
fn used_bytes(path: &Path) -> anyhow::Result<u64> {
    let head = std::fs::read(path)?;
    let number = |at: usize| {
        u64::from(u32::from_be_bytes([
            head[at],
            head[at + 1],
            head[at + 2],
            head[at + 3],
        ]))
    };
    let page = match u16::from_be_bytes([head[16], head[17]]) {
        1 => 65_536,
        bytes => u64::from(bytes),
    };
    Ok((number(28) - number(36)) * page)
}

fn theirs(peer: &mut dyn peers::Peer, work: Work) -> anyhow::Result<Value> {
    let began = Monotonic::now();
    let reads = each_batch(work, |batch| peer.write(batch))?;
    let seconds = began.elapsed().as_secs_f64();
    let bytes = peer.settle()?;
    println!("    {} took {reads} reads in {seconds:.1} s", peer.name());
    Ok(json!({
        "bytes_per_read": round(bytes as f64 / reads as f64, 2),
        "reads_per_s": round(reads as f64 / seconds, 0),
    }))
}

/// The journal of the same reads, one and thirty in a message, as committed and compressed.
fn journal_bytes(work: Work) -> anyhow::Result<Value> {
    let mut found = json!({});
    for (name, per_message) in [("single", 1), ("batches_of_30", 30)] {
        let folder = tempfile::tempdir()?;
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(folder.path())?);
        let options = Options {
            segment_bytes: 4 << 20,
            ..Options::default()
        };
        let (mut journal, _) = Journal::open(disk, options)?;
        let directory = Arc::new(country::directory(work.meters));
        let mut writer = Writer::new(directory, work.meters as usize / per_message);
        let (mut records, mut decoded) = (Records::new(), Decoded::default());
        let reads = each_batch(work, |batch| {
            // A thousand reads a group.
            for group in batch.chunks(1_000) {
                let now_ms = group.iter().map(|read| read.at).max().unwrap_or(0) + TRANSIT_MS;
                for of_one in group.chunks(per_message) {
                    writer.write(of_one, now_ms, &mut records, &mut decoded);
                }
                journal.append_group(now_ms, &records)?;
                records.clear();
                decoded = Decoded::default();
            }
            Ok(())
        })?;
        let reader = journal.reader();
        let committed = reader.bytes();
        journal.compactor().compact_closed()?;
        found[name] = json!({
            "as_committed": round(committed as f64 / reads as f64, 1),
            "after_compression": round(reader.bytes() as f64 / reads as f64, 1),
        });
    }
    Ok(found)
}
