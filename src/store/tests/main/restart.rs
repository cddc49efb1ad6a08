//! A store that is dropped at any point goes on from its position and ends the same.

use commonwatt_store::{Live, PlacedRead, SeriesReader, SeriesStore, UnplacedRead};
use domain::{
    calendar::{Instant, Span},
    metering::{Decisions, Lives, Obis, ReadDecision, SeriesId, Source, Verdict},
    quantity::WattHours,
};

use crate::roof::{
    DAY_MS, MINUTE_MS, Place, all_reads, assert_same, day, def, dump, instant, london, nights,
    read, rules,
};

fn batch(n: i64) -> Vec<PlacedRead> {
    let start = instant("2024-06-01T00:00:00Z").0;
    (0..30)
        .flat_map(|k| {
            let minute = n * 30 + k;
            let sun = (minute % 1440 - 300).clamp(0, 780);
            let at = start + minute * MINUTE_MS;
            [
                read(2, at, 5_000 + minute / 1440 * 39_000 + sun * 50),
                read(7, at, 80 + minute),
            ]
        })
        .collect()
}

fn feed(store: &mut SeriesStore, upto: i64) {
    for n in store.position() as i64..upto {
        store.apply(n as u64 + 1, batch(n), []).unwrap();
        store.note_receipt("roof-2", &n.to_le_bytes());
        match n % 13 {
            3 | 9 => drop(store.flush().unwrap()),
            6 => store.merge_all().unwrap(),
            11 => drop(store.close_days(day("2024-06-02"), 1).unwrap()),
            _ => {}
        }
    }
}

fn defined(place: &Place) -> SeriesStore {
    let nights = nights();
    let mut store = place.open();
    let defs = [2, 7].map(|id| def(id, rules(5_000, Lives::one(), &nights), Decisions::none()));
    store.define(&defs).unwrap();
    store
}

#[test]
fn dropped_after_every_batch_it_ends_as_if_nothing_had_happened() {
    let calm = Place::new(500);
    let mut store = defined(&calm);
    feed(&mut store, 100);
    store.settle_all().unwrap();
    let expected = dump(&store.reader().unwrap());

    let rough = Place::new(500);
    for stop in 1..=100 {
        feed(&mut defined(&rough), stop);
    }
    let mut store = defined(&rough);
    feed(&mut store, 100);
    store.settle_all().unwrap();
    assert_eq!(store.position(), 100);
    let reader = store.reader().unwrap();
    assert_eq!(
        reader.receipt("roof-2").unwrap(),
        Some(99_i64.to_le_bytes().to_vec())
    );
    assert_same(&dump(&reader), &expected, "rows");
}

#[test]
fn live_values_are_there_again_after_a_restart() {
    let place = Place::new(500);
    let mut store = defined(&place);
    feed(&mut store, 60);
    store.flush().unwrap();
    let last = batch(59)[58];
    let live = Live::new(london());
    live.define(SeriesId(2), 5_000);
    live.define(SeriesId(7), 5_000);
    drop(store);
    defined(&place).reader().unwrap().seed(&live).unwrap();
    let shown = live.get(SeriesId(2)).unwrap();
    assert_eq!((shown.at, shown.wh), (last.at, last.wh));
    // Since 00:00 British Summer Time on the 2nd, which the register passed at 23:00 UTC.
    assert_eq!(shown.day_start, instant("2024-06-01T23:00:00Z"));
    assert_eq!(shown.day_wh.0, last.wh.0 - (5_000 + 39_000));
}

#[test]
fn live_values_after_a_restart_leave_out_what_was_refused() {
    let place = Place::new(500);
    let mut store = defined(&place);
    feed(&mut store, 60);
    let read = batch(59)[58];
    let refused = PlacedRead {
        at: read.at.plus_ms(60_000),
        wh: WattHours(read.wh.0 + 50),
        ..read
    };
    store.apply(61, [refused], []).unwrap();
    store.flush().unwrap();
    let live = Live::new(london());
    live.define(SeriesId(2), 5_000);
    let reader = store.reader().unwrap();
    reader.seed(&live).unwrap();
    assert_eq!(live.get(SeriesId(2)).unwrap().at, refused.at);
    let mut decisions = Decisions::default();
    decisions.decide(refused.at, refused.wh, ReadDecision::Refuse);
    let rules = rules(5_000, Lives::one(), &nights());
    store.define(&[def(2, rules, decisions)]).unwrap();
    let flushed = store.flush().unwrap();
    assert_eq!(flushed.again, [SeriesId(2)]);
    reader.tell(&live, &flushed.again, true).unwrap();
    assert_eq!(live.get(SeriesId(2)).unwrap().at, read.at);
    let again = Live::new(london());
    again.define(SeriesId(2), 5_000);
    reader.seed(&again).unwrap();
    assert_eq!(again.get(SeriesId(2)), live.get(SeriesId(2)));
}

#[test]
fn a_file_that_was_closed_is_whole() {
    let place = Place::new(500);
    let mut store = defined(&place);
    feed(&mut store, 30);
    let reader = store.reader().unwrap();
    store.flush().unwrap();
    reader.rest();
    store.close().unwrap();
    for ending in ["-wal", "-shm"] {
        let mut log = place.path().into_os_string();
        log.push(ending);
        assert!(!std::path::Path::new(&log).exists(), "{ending}");
    }
}

#[test]
fn reads_of_an_unknown_meter_wait_and_are_taken_in_when_it_is_entered() {
    let place = Place::new(1_000);
    let mut store = place.open();
    let at = instant("2024-06-01T10:00:00Z").0;
    let waiting = |k: i64, delay: i64| UnplacedRead {
        gateway: Box::default(),
        meter: "M0000004".into(),
        register: Obis::EXPORT,
        at: Instant(at + k * MINUTE_MS),
        wh: WattHours(1_000 + k),
        w: 60,
        received: Instant(at + k * MINUTE_MS + delay),
        source: Source::Telemetry,
    };
    store
        .apply(1, [], (0..50).map(|k| waiting(k, 90_000)))
        .unwrap();
    store.flush().unwrap();
    store
        .apply(2, [], (20..70).map(|k| waiting(k, 2_000)))
        .unwrap();
    store.flush().unwrap();
    let reader = store.reader().unwrap();
    assert_eq!(reader.unplaced().unwrap()[0].reads, 70);
    store
        .define(&[def(
            4,
            rules(5_000, Lives::one(), &nights()),
            Decisions::none(),
        )])
        .unwrap();
    store.settle(&[SeriesId(4)]).unwrap();
    assert_eq!(reader.unplaced().unwrap(), []);
    let reads = all_reads(&reader, 4);
    assert_eq!(reads.len(), 70);
    assert!(reads.iter().all(|r| r.3 == Verdict::Accepted));
    assert_eq!(
        (reads[30].2.0 - reads[30].0.0, reads[5].2.0 - reads[5].0.0),
        (2_000, 90_000)
    );
}

#[test]
fn held_reads_show_after_the_next_flush_without_a_query() {
    let place = Place::new(1_000);
    let mut store = defined(&place);
    let at = instant("2024-06-01T10:00:00Z").0;
    store
        .apply(
            1,
            [read(2, at, 10_000), read(2, at + MINUTE_MS, 900_000)],
            [],
        )
        .unwrap();
    let flushed = store.flush().unwrap();
    assert_eq!(flushed.touched.len(), 1);
    let held = store
        .reader()
        .unwrap()
        .held(Span::new(Instant(i64::MIN), Instant(i64::MAX)), 10)
        .unwrap();
    assert_eq!(held.len(), 1);
    assert_eq!((held[0].0, held[0].1.read.wh.0), (SeriesId(2), 900_000));
}

#[test]
fn one_read_of_the_year_2099_does_not_make_the_others_late() {
    let place = Place::new(1_000);
    let mut store = defined(&place);
    let at = instant("2024-06-01T10:00:00Z").0;
    let stray = PlacedRead {
        received: Instant(at),
        ..read(2, at + 27_000 * DAY_MS, 10_000)
    };
    store.apply(1, [read(2, at, 10_000), stray], []).unwrap();
    store.flush().unwrap();
    for k in 1..40 {
        store
            .apply(
                k as u64 + 1,
                [read(2, at + k * MINUTE_MS, 10_000 + k * 10)],
                [],
            )
            .unwrap();
        assert_eq!(store.flush().unwrap().touched.len(), 1);
    }
    let reader = store.reader().unwrap();
    let reads = reader
        .reads(SeriesId(2), Span::new(Instant(0), Instant(i64::MAX)))
        .unwrap();
    assert_eq!(reads.len(), 41);
    assert_eq!(reads[40].verdict, Verdict::Refused);
    assert!(reads[..40].iter().all(|r| r.verdict == Verdict::Accepted));
}

#[test]
fn a_file_of_another_zone_or_a_batch_from_before_is_refused() {
    let place = Place::new(1_000);
    let mut store = defined(&place);
    store.apply(5, batch(0), []).unwrap();
    assert!(store.apply(4, batch(0), []).is_err());
    drop(store);
    let options = commonwatt_store::series::SeriesOptions::new(
        domain::calendar::Zone::named("Europe/Dublin").unwrap(),
    );
    let refused = SeriesStore::open(&place.path(), options)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("Europe/London"), "{refused}");
}

#[test]
fn a_file_whose_tables_a_power_cut_took_back_is_at_the_start() {
    let place = Place::new(1_000);
    let conn = rusqlite::Connection::open(place.path()).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(conn);
    let reader = SeriesReader::open(&place.path(), london()).unwrap();
    assert_eq!(reader.position().unwrap(), 0);
    drop(place.open());
    assert_eq!(reader.position().unwrap(), 0);
}
