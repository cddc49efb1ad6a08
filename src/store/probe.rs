//! The decoders of stored bytes, for the fuzz targets in `fuzz/`; nothing else calls this.
//!
//! Each takes a payload as it lies inside its seal, since no random bytes would pass the seal, and
//! answers whether it was accepted. What is accepted is written and read again and is then the same.

use std::cell::RefCell;

use crate::codec::{
    block::{Columns, Effort, Packer, Row, Unpacker},
    findings, halves,
};

thread_local! {
    static PACKER: RefCell<Packer> = RefCell::new(Packer::new().expect("memory for zstd"));
    static UNPACKER: RefCell<Unpacker> = RefCell::new(Unpacker::new().expect("memory for zstd"));
}

fn unpack(payload: &[u8], columns: Columns, only: Option<u32>) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    UNPACKER
        .with_borrow_mut(|unpacker| unpacker.decode(payload, columns, only, &mut rows))
        .ok()?;
    Some(rows)
}

/// A block of reads.
///
/// # Panics
/// When a claim is broken.
#[must_use]
pub fn block(payload: &[u8]) -> bool {
    let near = unpack(payload, Columns::Near, None);
    let Some(rows) = unpack(payload, Columns::All, None) else {
        return false;
    };
    let near = near.expect("energy needs less of a block than everything");
    assert!(near.iter().map(Row::key).eq(rows.iter().map(Row::key)));
    if let Some(one) = rows.first().map(|row| row.series) {
        let only = unpack(payload, Columns::All, Some(one)).expect("one series of a good block");
        assert!(only.iter().eq(rows.iter().filter(|row| row.series == one)));
    }
    // Foreign bytes may hold rows in an order that we never write.
    if rows.is_sorted_by_key(|row| row.series) {
        let again = encode(&rows, Effort::Flush);
        assert_eq!(unpack(&again, Columns::All, None).as_ref(), Some(&rows));
    }
    true
}

fn encode(rows: &[Row], effort: Effort) -> Vec<u8> {
    PACKER
        .with_borrow_mut(|packer| packer.encode(rows, effort))
        .expect("zstd packs from memory")
}

/// Blocks of this many series and reads each, to begin with.
///
/// # Panics
/// Never: the packing is in memory.
#[must_use]
pub fn block_of(series: u32, reads: u32) -> Vec<u8> {
    let row = |series: u32, n: u32| Row {
        at: 1_781_524_800_000 + i64::from(n) * 10_000 + i64::from(series % 2),
        wh: i64::from(series) * 1_000 + i64::from(n) * 7,
        series,
        w: 2_000 + (n % 5).cast_signed(),
        lag_s: 1,
        source: u8::from(n == 3),
    };
    let rows: Vec<Row> = (0..series)
        .flat_map(|s| (0..reads).map(move |n| row(s * 3, n)))
        .collect();
    encode(&rows, Effort::Keep)
}

/// The half hours of a day.
///
/// # Panics
/// When a claim is broken.
#[must_use]
pub fn day(payload: &[u8]) -> bool {
    let Ok(day) = halves::decode(payload) else {
        return false;
    };
    let again = halves::encode(&day);
    assert_eq!(halves::decode(&again).as_ref(), Ok(&day));
    true
}

/// What was noticed about a read.
///
/// # Panics
/// When a claim is broken.
#[must_use]
pub fn noticed(payload: &[u8]) -> bool {
    let Ok(noticed) = findings::decode(payload) else {
        return false;
    };
    let again = findings::encode(&noticed);
    assert_eq!(findings::decode(&again).as_ref(), Ok(&noticed));
    true
}
