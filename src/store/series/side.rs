//! The small tables beside the reads: unplaced reads, imported energy, receipts.
//!
//! They gather in memory with the reads and are written in the flush's transaction. Imported energy
//! is replaced by a later import of the same half hour: journal order decides, which is the same at
//! every replay. Unplaced reads are a set like all reads.

use domain::{
    calendar::{HalfHour, Instant},
    metering::{Obis, Quality, Source, bindings::Bindings},
    quantity::WattHours,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    codec::{block::Row, seal},
    error::StoreError,
    placed::UnplacedRead,
};

/// Most unplaced reads that are kept; above it they are counted and found again by a replay.
pub const UNPLACED_MAX: u64 = 1_000_000;

const TAG_UNPLACED: u8 = 5;
const TAG_INTERVAL: u8 = 6;
const TAG_RECEIPT: u8 = 8;

/// Imported energy of one half hour of a meter or meter point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntervalEnergy {
    /// The meter or meter point, by the id the caller gives it.
    pub subject: Box<str>,
    /// The half hour.
    pub half_hour: HalfHour,
    /// Its energy.
    pub wh: WattHours,
    /// What the sender says of it.
    pub quality: Quality,
}

/// What has gathered since the last flush.
#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) unplaced: Vec<UnplacedRead>,
    pub(crate) intervals: Vec<IntervalEnergy>,
    pub(crate) receipts: Vec<(Box<str>, Box<[u8]>)>,
}

impl Side {
    pub(crate) fn is_empty(&self) -> bool {
        self.unplaced.is_empty() && self.intervals.is_empty() && self.receipts.is_empty()
    }

    /// Writes everything and gives the number of unplaced reads for which there was no room.
    pub(crate) fn write(&self, conn: &Connection) -> Result<u64, StoreError> {
        let over = write_unplaced(conn, &self.unplaced)?;
        let mut put = conn.prepare_cached(
            "INSERT OR REPLACE INTO interval_energy (subject, half, wh, quality, hash)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for row in &self.intervals {
            let quality = quality_code(row.quality);
            let hash = interval_hash(&row.subject, row.half_hour, row.wh, quality);
            put.execute(params![
                row.subject,
                row.half_hour.0,
                row.wh.0,
                quality,
                hash
            ])?;
        }
        let mut put =
            conn.prepare_cached("INSERT OR REPLACE INTO receipt (gateway, state) VALUES (?1, ?2)")?;
        for (gateway, state) in &self.receipts {
            let mut blob = state.to_vec();
            seal::seal(TAG_RECEIPT, &[text_key(gateway)], &mut blob);
            put.execute(params![gateway, blob])?;
        }
        Ok(over)
    }
}

fn write_unplaced(conn: &Connection, reads: &[UnplacedRead]) -> Result<u64, StoreError> {
    if reads.is_empty() {
        return Ok(0);
    }
    let have: i64 = conn.query_row("SELECT count(*) FROM unplaced", [], |row| row.get(0))?;
    let mut room = UNPLACED_MAX.saturating_sub(have.cast_unsigned());
    let mut over = 0;
    // Of two rows with one key the smaller (weight, delay, source, power) stays, whatever came first;
    // the weights are those of `Source::weight`.
    let mut put = conn.prepare_cached(
        "INSERT INTO unplaced (meter, register, at, wh, w, lag_s, source, hash, gateway)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT DO UPDATE SET
             w = excluded.w, lag_s = excluded.lag_s, source = excluded.source, hash = excluded.hash
         WHERE (CASE excluded.source WHEN 5 THEN 0 WHEN 4 THEN 1 WHEN 7 THEN 3 WHEN 6 THEN 4 ELSE 2 END,
                excluded.lag_s, excluded.source, excluded.w)
             < (CASE source WHEN 5 THEN 0 WHEN 4 THEN 1 WHEN 7 THEN 3 WHEN 6 THEN 4 ELSE 2 END,
                lag_s, source, w)",
    )?;
    for read in reads {
        if room == 0 {
            over += 1;
            continue;
        }
        let register = read.register.to_string();
        let row = super::row_of(0, read.at, read.wh, read.w, read.received, read.source);
        let hash = unplaced_hash(&read.meter, &register, &read.gateway, &row);
        room -= put.execute(params![
            read.meter,
            register,
            row.at,
            row.wh,
            row.w,
            row.lag_s,
            row.source,
            hash,
            read.gateway
        ])? as u64;
    }
    Ok(over)
}

/// Takes the unplaced reads of a register out, as rows of `series`; what a gateway sent that is not
/// the meter's own is marked as that.
pub(crate) fn adopt(
    conn: &Connection,
    meter: &str,
    register: Obis,
    series: u32,
    bindings: &Bindings,
) -> Result<Vec<Row>, StoreError> {
    let register = register.to_string();
    let mut select = conn.prepare_cached(
        "SELECT at, wh, w, lag_s, source, hash, gateway FROM unplaced WHERE meter = ?1 AND register = ?2",
    )?;
    let mut found = select.query(params![meter, register])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let read = unplaced_row(row, 0)?;
        let gateway: String = row.get(6)?;
        check(
            "unplaced",
            meter,
            unplaced_hash(meter, &register, &gateway, &read) == row.get::<_, i64>(5)?,
        )?;
        let way = Source::of_code(read.source).unwrap_or_default();
        let source = way_of(bindings, &gateway, meter, Instant(read.at), way).code();
        rows.push(Row {
            series,
            source,
            ..read
        });
    }
    if !rows.is_empty() {
        conn.execute(
            "DELETE FROM unplaced WHERE meter = ?1 AND register = ?2",
            params![meter, register],
        )?;
    }
    Ok(rows)
}

/// How a read came, once its register is entered. Its gateway is named only when it was bound.
pub(crate) fn way_of(
    bindings: &Bindings,
    gateway: &str,
    meter: &str,
    at: Instant,
    source: Source,
) -> Source {
    if gateway.is_empty() || bindings.is_own(gateway, meter, at, Instant(i64::MAX)) {
        source
    } else {
        source.of_other_gateway()
    }
}

fn unplaced_row(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Row> {
    Ok(Row {
        series: 0,
        at: row.get(first)?,
        wh: row.get(first + 1)?,
        w: row.get(first + 2)?,
        lag_s: row.get(first + 3)?,
        source: row.get(first + 4)?,
    })
}

/// A register that sends and that nobody has entered, with how many reads wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnplacedRegister {
    /// The meter's serial as its gateway writes it.
    pub meter: String,
    /// The register.
    pub register: String,
    /// How many reads wait.
    pub reads: u64,
}

pub(crate) fn unplaced_registers(conn: &Connection) -> Result<Vec<UnplacedRegister>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT meter, register, count(*) FROM unplaced GROUP BY 1, 2 ORDER BY 1, 2",
    )?;
    let rows = select.query_map([], |row| {
        Ok(UnplacedRegister {
            meter: row.get(0)?,
            register: row.get(1)?,
            reads: row.get::<_, i64>(2)?.cast_unsigned(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The imported energy of `subject` in `from..to`.
pub(crate) fn intervals(
    conn: &Connection,
    subject: &str,
    from: HalfHour,
    to: HalfHour,
) -> Result<Vec<IntervalEnergy>, StoreError> {
    let mut select = conn.prepare_cached(
        "SELECT half, wh, quality, hash FROM interval_energy
         WHERE subject = ?1 AND half >= ?2 AND half < ?3 ORDER BY half",
    )?;
    let mut found = select.query(params![subject, from.0, to.0])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let (half, wh) = (HalfHour(row.get(0)?), WattHours(row.get(1)?));
        let code: u8 = row.get(2)?;
        let sound = interval_hash(subject, half, wh, code) == row.get::<_, i64>(3)?;
        check("interval_energy", subject, sound)?;
        let quality = quality_of(code).map_err(StoreError::damaged("interval_energy", subject))?;
        out.push(IntervalEnergy {
            subject: subject.into(),
            half_hour: half,
            wh,
            quality,
        });
    }
    Ok(out)
}

/// What `gateway` was told is on disk.
pub(crate) fn receipt(conn: &Connection, gateway: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let mut select = conn.prepare_cached("SELECT state FROM receipt WHERE gateway = ?1")?;
    let blob: Option<Vec<u8>> = select.query_row([gateway], |row| row.get(0)).optional()?;
    blob.map(|blob| open_receipt(gateway, &blob)).transpose()
}

/// All receipts, by gateway.
pub(crate) fn receipts(conn: &Connection) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
    let mut select = conn.prepare_cached("SELECT gateway, state FROM receipt ORDER BY gateway")?;
    let mut found = select.query([])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let gateway: String = row.get(0)?;
        let state = open_receipt(&gateway, &row.get::<_, Vec<u8>>(1)?)?;
        out.push((gateway, state));
    }
    Ok(out)
}

fn open_receipt(gateway: &str, blob: &[u8]) -> Result<Vec<u8>, StoreError> {
    seal::open(TAG_RECEIPT, &[text_key(gateway)], blob)
        .map(<[u8]>::to_vec)
        .map_err(StoreError::damaged("receipt", gateway))
}

/// Calls `visit` with every row of the small tables, decoded, in key order.
pub(crate) fn dump(
    conn: &Connection,
    visit: &mut dyn FnMut(&'static str, String, String),
) -> Result<(), StoreError> {
    let mut select = conn.prepare(
        "SELECT at, wh, w, lag_s, source, hash, meter, register, gateway FROM unplaced
         ORDER BY meter, register, at, wh, gateway",
    )?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        let read = unplaced_row(row, 0)?;
        let (meter, register): (String, String) = (row.get(6)?, row.get(7)?);
        let gateway: String = row.get(8)?;
        check(
            "unplaced",
            &meter,
            unplaced_hash(&meter, &register, &gateway, &read) == row.get::<_, i64>(5)?,
        )?;
        let key = format!("{meter} {register} {} {} {gateway}", read.at, read.wh);
        visit(
            "unplaced",
            key,
            format!("{} {} {}", read.w, read.lag_s, read.source),
        );
    }
    let mut subjects = conn.prepare("SELECT DISTINCT subject FROM interval_energy ORDER BY 1")?;
    let mut found = subjects.query([])?;
    while let Some(row) = found.next()? {
        let subject: String = row.get(0)?;
        for i in intervals(conn, &subject, HalfHour(i32::MIN), HalfHour(i32::MAX))? {
            let key = format!("{subject} {}", i.half_hour.0);
            visit(
                "interval_energy",
                key,
                format!("{} {}", i.wh.0, i.quality.word()),
            );
        }
    }
    for (gateway, state) in receipts(conn)? {
        visit("receipt", gateway, format!("{state:02x?}"));
    }
    Ok(())
}

pub(crate) fn quality_code(quality: Quality) -> u8 {
    match quality {
        Quality::Actual => 0,
        Quality::Manual => 1,
        Quality::Derived => 2,
        Quality::Estimated => 3,
        Quality::Deemed => 4,
        Quality::Missing => 5,
    }
}

pub(crate) fn quality_of(code: u8) -> Result<Quality, seal::Damage> {
    Ok(match code {
        0 => Quality::Actual,
        1 => Quality::Manual,
        2 => Quality::Derived,
        3 => Quality::Estimated,
        4 => Quality::Deemed,
        5 => Quality::Missing,
        _ => return Err(seal::Damage("an unknown quality")),
    })
}

fn text_key(text: &str) -> i64 {
    i64::from(seal::crc(0, &[], text.as_bytes()))
}

fn unplaced_hash(meter: &str, register: &str, gateway: &str, row: &Row) -> i64 {
    let numbers = [
        row.at,
        row.wh,
        i64::from(row.w),
        i64::from(row.lag_s),
        i64::from(row.source),
        text_key(meter),
        text_key(gateway),
    ];
    i64::from(seal::crc(TAG_UNPLACED, &numbers, register.as_bytes()))
}

fn interval_hash(subject: &str, half: HalfHour, wh: WattHours, quality: u8) -> i64 {
    let numbers = [i64::from(half.0), wh.0, i64::from(quality)];
    i64::from(seal::crc(TAG_INTERVAL, &numbers, subject.as_bytes()))
}

fn check(table: &'static str, key: &str, sound: bool) -> Result<(), StoreError> {
    if sound {
        Ok(())
    } else {
        Err(StoreError::damaged(table, key)(seal::Damage(
            "the content hash does not match",
        )))
    }
}
