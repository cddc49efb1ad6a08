//! Rot: a flipped byte in any stored blob is an error, never a number.

use commonwatt_store::series::{IntervalEnergy, SeriesReader};
use domain::{
    calendar::{HalfHour, HalfHours, Instant, Span},
    metering::{Decisions, Lives, Quality, SeriesId},
    quantity::WattHours,
};
use rusqlite::Connection;

use crate::roof::{MINUTE_MS, Place, day, def, instant, london, nights, read, rules};

/// Two days of a register with a held read, the first closed; imports; a receipt.
fn filled() -> Place {
    let place = Place::new(1 << 20);
    let mut store = place.open();
    store
        .define(&[def(
            3,
            rules(5_000, Lives::one(), &nights()),
            Decisions::none(),
        )])
        .unwrap();
    let start = instant("2024-06-01T06:00:00Z").0;
    let reads = (0..2_000).map(|k| read(3, start + k * MINUTE_MS, 1_000 + k * 7));
    store
        .apply(1, reads.chain([read(3, start + 30_000, 9_000_000)]), [])
        .unwrap();
    let interval = IntervalEnergy {
        subject: "mpan".into(),
        half_hour: HalfHour(900_000),
        wh: WattHours(450),
        quality: Quality::Actual,
    };
    store.apply_intervals(2, [interval]).unwrap();
    store.note_receipt("roof-3", b"{\"upto\":2001}");
    store.flush().unwrap();
    store.close_days(day("2024-06-02"), 9).unwrap();
    place
}

/// Everything a page can ask of the series.
fn ask(reader: &SeriesReader) -> Result<String, commonwatt_store::StoreError> {
    let span = Span::new(Instant(0), Instant(i64::MAX));
    let (from, to) = (day("2024-05-31"), day("2024-06-04"));
    Ok(format!(
        "{:?} {:?} {:?} {:?} {:?} {:?}",
        reader.reads(SeriesId(3), span)?,
        reader.half_hours(SeriesId(3), from, to)?,
        reader.held(Span::new(Instant(i64::MIN), Instant(i64::MAX)), 10)?,
        reader.is_settled(SeriesId(3))?,
        reader.receipts()?,
        reader.intervals("mpan", HalfHours::new(HalfHour(0), HalfHour(2_000_000)))?,
    ))
}

#[test]
fn a_flipped_byte_of_any_blob_is_an_error() {
    let place = filled();
    let whole = ask(&SeriesReader::open(&place.path(), london()).unwrap()).unwrap();
    assert!(whole.contains("Held"));
    for (table, column) in [
        ("run_block", "block"),
        ("day_reads", "block"),
        ("day_energy", "row"),
        ("finding", "row"),
        ("frontier", "row"),
        ("receipt", "state"),
    ] {
        let conn = Connection::open(place.path()).unwrap();
        let good: Vec<u8> = conn
            .query_row(&format!("SELECT {column} FROM {table} LIMIT 1"), [], |r| {
                r.get(0)
            })
            .unwrap_or_else(|e| panic!("{table}: {e}"));
        let size = good.len();
        let put = format!(
            "UPDATE {table} SET {column} = ?1 WHERE {column} IS (SELECT {column} FROM {table} LIMIT 1)"
        );
        let every = (size / 200).max(1);
        for at in (0..size).step_by(every) {
            let mut bad = good.clone();
            bad[at] ^= 1 << (at % 8);
            conn.execute(&put, [&bad]).unwrap();
            let answer = ask(&SeriesReader::open(&place.path(), london()).unwrap());
            assert!(answer.is_err(), "{table} byte {at}");
            conn.execute(&put, [&good]).unwrap();
        }
        assert_eq!(
            ask(&SeriesReader::open(&place.path(), london()).unwrap()).unwrap(),
            whole
        );
    }
}

#[test]
fn a_row_with_another_number_or_under_another_key_is_an_error() {
    for change in [
        "UPDATE interval_energy SET wh = wh + 1",
        "UPDATE interval_energy SET quality = 1",
        "UPDATE day_energy SET key = key + 1048576 * 0 + 2 WHERE key = (SELECT max(key) FROM day_energy)",
        "UPDATE finding SET wh = wh - 1",
        "UPDATE run_block SET last_series = 9",
        "UPDATE day_reads SET key = key + 1",
    ] {
        let place = filled();
        Connection::open(place.path())
            .unwrap()
            .execute(change, [])
            .unwrap();
        let answer = ask(&SeriesReader::open(&place.path(), london()).unwrap());
        assert!(answer.is_err(), "{change}");
    }
}
