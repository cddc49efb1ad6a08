//! A block of reads: some series, each with its reads in order, as compressed columns.
//!
//! ```text
//! version 1 | unit of time (0 ms, 1 s) | series n | reads m | first series
//! near: form (0 plain, 1 zstd) | plain length | stored length | bytes
//! far:  form | plain length | stored length | bytes
//! ```
//!
//! The near part holds what energy needs: gaps between series numbers, reads per series, times (the
//! first against the series before, then the difference of differences), register values (the first
//! against the series before, then differences). The far part holds power (differences), the delay
//! of arrival in whole seconds, and sources in runs. A query of energy unpacks the near part only.
//!
//! Numbers are written seven bits a byte ([`super::bytes`]) and each part goes through zstd. This
//! was held against `pco` 1.1 on the same delta columns (bytes a read; ns a read to write and to
//! read back; two cores, `examples/codec_lab.rs`; simulated solar, noisy power, times on a 10 s grid
//! or off it by up to a second):
//!
//! | reads in a block | zstd 1 | zstd 3 | zstd 9 | pco 4 | pco 8 |
//! |---|---|---|---|---|---|
//! | 1 series × 8,640 (a day at 10 s) | 0.79 B, 11, 4 | 0.77 B, 12, 4 | 0.75 B, 24, 4 | 1.19 B, 38, 10 | 1.03 B, 46, 12 |
//! | the same, off the grid | 1.22 B, 16, 6 | 1.17 B, 17, 5 | 1.13 B, 49, 5 | 1.73 B, 43, 10 | 1.42 B, 50, 11 |
//! | 85 × 192 at noon (a merged run) | 2.22 B, 13, 4 | 2.16 B, 15, 4 | 2.10 B, 53, 4 | 2.70 B, 37, 8 | 2.14 B, 41, 9 |
//! | 1,024 × 3 (a flush of 1.5 million meters) | 4.14 B, 19, 10 | 4.09 B, 21, 9 | 4.08 B, 46, 9 | 3.83 B, 53, 11 | 3.60 B, 75, 12 |
//! | 1 × 1,440 (a day at one a minute) | 1.18 B, 15, 6 | 1.16 B, 17, 6 | 1.15 B, 28, 6 | 1.51 B, 43, 12 | 1.36 B, 61, 15 |
//! | 1 × 48 (a day of half hours) | 2.84 B, 95, 5 | 2.76 B, 91, 6 | 2.76 B, 135, 5 | 5.70 B, 166, 70 | 5.54 B, 195, 80 |
//!
//! zstd is smaller on every row that is kept for good and reads back twice as fast; pco wins an
//! eighth on short-lived blocks at four times the work. So: zstd 1 at a flush, zstd 3 after.
//!
//! The delay of arrival is cut to whole seconds (the journal keeps the milliseconds): it is enough
//! for every finding, whose limits are minutes and hours, and saves a byte a read.

use domain::metering::Source;

use super::{
    bytes::{Cursor, put_i64, put_u64, unfold_sign},
    seal::Damage,
};

/// Most reads in one block; a decoder refuses more before it sets memory aside.
pub(crate) const BLOCK_READS_MAX: usize = 1 << 22;

const VERSION: u8 = 1;
const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Below this many bytes zstd's own frame costs more than it saves.
const WORTH_PACKING: usize = 24;

/// One read as it lies in memory before a flush and after a scan. 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) at: i64,
    pub(crate) wh: i64,
    pub(crate) series: u32,
    pub(crate) w: i32,
    /// Whole seconds from the reading time to the receive time, cut downwards.
    pub(crate) lag_s: i32,
    pub(crate) source: u8,
}

impl Row {
    /// What makes two rows the same read.
    pub(crate) fn key(&self) -> (u32, i64, i64) {
        (self.series, self.at, self.wh)
    }

    /// Of rows with one key the smallest of these is kept, whatever came first.
    pub(crate) fn rank(&self) -> (u8, i32, u8, i32) {
        (self.weight(), self.lag_s, self.source, self.w)
    }

    /// How much its source weighs, the smallest most.
    pub(crate) fn weight(&self) -> u8 {
        Source::of_code(self.source).map_or(u8::MAX, Source::weight)
    }
}

/// Sorts and keeps one row of each key.
pub(crate) fn sort_and_unite(rows: &mut Vec<Row>) {
    rows.sort_unstable_by_key(|r| (r.key(), r.rank()));
    rows.dedup_by_key(|r| r.key());
}

/// Which columns a scan needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Times and register values; the rest is left at zero.
    Near,
    /// Everything.
    All,
}

/// zstd's working memory, kept between blocks.
pub(crate) struct Packer {
    quick: zstd::bulk::Compressor<'static>,
    close: zstd::bulk::Compressor<'static>,
    near: Vec<u8>,
    far: Vec<u8>,
}

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For blocks that a merge will soon rewrite.
    Flush,
    /// For blocks that stay.
    Keep,
}

impl Packer {
    pub(crate) fn new() -> std::io::Result<Packer> {
        Ok(Packer {
            quick: zstd::bulk::Compressor::new(1)?,
            close: zstd::bulk::Compressor::new(3)?,
            near: Vec::new(),
            far: Vec::new(),
        })
    }

    /// Writes `rows`, which are sorted by series and key and at most [`BLOCK_READS_MAX`].
    pub(crate) fn encode(&mut self, rows: &[Row], effort: Effort) -> std::io::Result<Vec<u8>> {
        debug_assert!(
            rows.len() <= BLOCK_READS_MAX,
            "a block is cut before it is encoded"
        );
        let seconds = rows.iter().all(|r| r.at % 1000 == 0);
        let unit = if seconds { 1000 } else { 1 };
        self.near.clear();
        self.far.clear();
        let series = write_near(rows, unit, &mut self.near);
        write_far(rows, &mut self.far);
        let mut out = vec![VERSION, u8::from(seconds)];
        put_u64(&mut out, series);
        put_u64(&mut out, rows.len() as u64);
        put_u64(&mut out, rows.first().map_or(0, |r| u64::from(r.series)));
        let zstd = match effort {
            Effort::Flush => &mut self.quick,
            Effort::Keep => &mut self.close,
        };
        for part in [&self.near, &self.far] {
            put_part(zstd, part, &mut out)?;
        }
        Ok(out)
    }
}

fn put_part(
    zstd: &mut zstd::bulk::Compressor<'static>,
    plain: &[u8],
    out: &mut Vec<u8>,
) -> std::io::Result<()> {
    let packed = if plain.len() < WORTH_PACKING {
        None
    } else {
        Some(zstd.compress(plain)?).filter(|p| p.len() < plain.len())
    };
    out.push(if packed.is_some() { ZSTD } else { PLAIN });
    let stored = packed.as_deref().unwrap_or(plain);
    put_u64(out, plain.len() as u64);
    put_u64(out, stored.len() as u64);
    out.extend_from_slice(stored);
    Ok(())
}

fn each_series(rows: &[Row]) -> impl Iterator<Item = &[Row]> {
    rows.chunk_by(|a, b| a.series == b.series)
}

fn write_near(rows: &[Row], unit: i64, out: &mut Vec<u8>) -> u64 {
    let mut series = 0;
    let mut before = rows.first().map_or(0, |r| r.series);
    for of_one in each_series(rows) {
        put_u64(out, u64::from(of_one[0].series - before));
        put_u64(out, of_one.len() as u64);
        before = of_one[0].series;
        series += 1;
    }
    let mut anchor = 0_i64;
    for of_one in each_series(rows) {
        let mut at = of_one[0].at / unit;
        put_i64(out, at.wrapping_sub(anchor));
        anchor = at;
        let mut step = 0_i64;
        for row in &of_one[1..] {
            let next = row.at / unit;
            let now = next.wrapping_sub(at);
            put_i64(out, now.wrapping_sub(step));
            (at, step) = (next, now);
        }
    }
    let mut anchor = 0_i64;
    for of_one in each_series(rows) {
        let mut wh = anchor;
        anchor = of_one[0].wh;
        for row in of_one {
            put_i64(out, row.wh.wrapping_sub(wh));
            wh = row.wh;
        }
    }
    series
}

fn write_far(rows: &[Row], out: &mut Vec<u8>) {
    let mut w = 0_i32;
    for row in rows {
        put_i64(out, i64::from(row.w.wrapping_sub(w)));
        w = row.w;
    }
    let mut lag = 0_i32;
    for row in rows {
        put_i64(out, i64::from(row.lag_s.wrapping_sub(lag)));
        lag = row.lag_s;
    }
    for run in rows.chunk_by(|a, b| a.source == b.source) {
        put_u64(out, run.len() as u64);
        out.push(run[0].source);
    }
}

/// Unpacks blocks; keeps its memory between them.
pub(crate) struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
    near: Vec<u8>,
    far: Vec<u8>,
    heads: Vec<(u32, usize)>,
}

impl Unpacker {
    pub(crate) fn new() -> std::io::Result<Unpacker> {
        Ok(Unpacker {
            zstd: zstd::bulk::Decompressor::new()?,
            near: Vec::new(),
            far: Vec::new(),
            heads: Vec::new(),
        })
    }

    /// Appends the rows of `payload` to `out`, only those of series `only` when it is given.
    pub(crate) fn decode(
        &mut self,
        payload: &[u8],
        columns: Columns,
        only: Option<u32>,
        out: &mut Vec<Row>,
    ) -> Result<(), Damage> {
        let mut cursor = Cursor::new(payload);
        if cursor.u8()? != VERSION {
            return Err(Damage("a block of an unknown version"));
        }
        let unit = match cursor.u8()? {
            0 => 1,
            1 => 1000,
            _ => return Err(Damage("an unknown unit of time")),
        };
        let series = cursor.u64()?;
        let reads = cursor.u64()?;
        if reads > BLOCK_READS_MAX as u64 || series > reads {
            return Err(Damage("more reads than a block holds"));
        }
        let (series, reads) = (series as usize, reads as usize);
        let first = cursor.u32()?;
        take_part(
            &mut self.zstd,
            &mut cursor,
            20 * (series + reads),
            &mut self.near,
        )?;
        let begin = out.len();
        let wanted = self.read_near(first, unit, series, reads, only, out)?;
        if columns == Columns::Near || wanted.is_empty() {
            return Ok(());
        }
        take_part(&mut self.zstd, &mut cursor, 21 * reads, &mut self.far)?;
        cursor.end()?;
        read_far(&self.far, reads, wanted, &mut out[begin..])
    }

    /// Gives the place of the wanted rows among all rows of the block.
    fn read_near(
        &mut self,
        first: u32,
        unit: i64,
        series: usize,
        reads: usize,
        only: Option<u32>,
        out: &mut Vec<Row>,
    ) -> Result<std::ops::Range<usize>, Damage> {
        let mut cursor = Cursor::new(&self.near);
        self.heads.clear();
        self.heads.reserve(series);
        let mut number = first;
        let mut total = 0_usize;
        let mut wanted = 0..0;
        for _ in 0..series {
            number = number
                .checked_add(cursor.u32()?)
                .ok_or(Damage("a series number is out of range"))?;
            let count = cursor.u64()? as usize;
            if count == 0 || count > reads - total {
                return Err(Damage("counts of reads do not add up"));
            }
            if only.is_none_or(|s| s == number) {
                let start = if wanted.is_empty() {
                    total
                } else {
                    wanted.start
                };
                wanted = start..total + count;
            }
            self.heads.push((number, count));
            total += count;
        }
        if total != reads {
            return Err(Damage("counts of reads do not add up"));
        }
        let begin = out.len();
        out.reserve(wanted.len());
        let mut anchor = 0_i64;
        for &(number, count) in &self.heads {
            let mut at = anchor.wrapping_add(cursor.i64()?);
            anchor = at;
            if only.is_some_and(|s| s != number) {
                cursor.skip(count - 1)?;
                continue;
            }
            out.push(blank(number, at.wrapping_mul(unit)));
            let mut step = 0_i64;
            for _ in 1..count {
                step = step.wrapping_add(cursor.i64()?);
                at = at.wrapping_add(step);
                out.push(blank(number, at.wrapping_mul(unit)));
            }
        }
        let mut anchor = 0_i64;
        let mut rows = out[begin..].iter_mut();
        for &(number, count) in &self.heads {
            let mut wh = anchor.wrapping_add(cursor.i64()?);
            anchor = wh;
            if only.is_some_and(|s| s != number) {
                cursor.skip(count - 1)?;
                continue;
            }
            for (k, row) in rows.by_ref().take(count).enumerate() {
                if k > 0 {
                    wh = wh.wrapping_add(cursor.i64()?);
                }
                row.wh = wh;
            }
        }
        cursor.end()?;
        Ok(wanted)
    }
}

fn blank(series: u32, at: i64) -> Row {
    Row {
        at,
        wh: 0,
        series,
        w: 0,
        lag_s: 0,
        source: 0,
    }
}

fn read_far(
    far: &[u8],
    reads: usize,
    wanted: std::ops::Range<usize>,
    rows: &mut [Row],
) -> Result<(), Damage> {
    let mut cursor = Cursor::new(far);
    let mut w = 0_i32;
    for k in 0..reads {
        w = w.wrapping_add(cursor.u64().map(unfold_sign)? as i32);
        if wanted.contains(&k) {
            rows[k - wanted.start].w = w;
        }
    }
    let mut lag = 0_i32;
    for k in 0..reads {
        lag = lag.wrapping_add(cursor.i64()? as i32);
        if wanted.contains(&k) {
            rows[k - wanted.start].lag_s = lag;
        }
    }
    let mut k = 0_usize;
    while k < reads {
        let run = cursor.u64()?;
        if run == 0 || run > (reads - k) as u64 {
            return Err(Damage("runs of sources do not add up"));
        }
        let source = cursor.u8()?;
        let end = k + run as usize;
        let from = k.max(wanted.start);
        for place in from..end.min(wanted.end) {
            rows[place - wanted.start].source = source;
        }
        k = end;
    }
    cursor.end()
}

fn take_part(
    zstd: &mut zstd::bulk::Decompressor<'static>,
    cursor: &mut Cursor<'_>,
    plain_max: usize,
    out: &mut Vec<u8>,
) -> Result<(), Damage> {
    let form = cursor.u8()?;
    let plain = cursor.u64()?;
    if plain > plain_max as u64 {
        return Err(Damage("a part is longer than its reads can be"));
    }
    let stored = cursor.bytes()?;
    out.clear();
    match form {
        PLAIN => out.extend_from_slice(stored),
        ZSTD => {
            out.reserve(plain as usize);
            zstd.decompress_to_buffer(stored, out)
                .map_err(|_| Damage("a part cannot be unpacked"))?;
        }
        _ => return Err(Damage("a part in an unknown form")),
    }
    if out.len() as u64 == plain {
        Ok(())
    } else {
        Err(Damage("a part has not the length it names"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row() -> impl Strategy<Value = Row> {
        (
            prop_oneof![0_u32..40, any::<u32>()],
            prop_oneof![(0_i64..200_000).prop_map(|s| s * 1000), any::<i64>()],
            prop_oneof![0_i64..1_000_000, any::<i64>()],
            prop_oneof![0_i32..9_000, any::<i32>()],
            prop_oneof![0_i32..5, any::<i32>()],
            0_u8..4,
        )
            .prop_map(|(series, at, wh, w, lag_s, source)| Row {
                at,
                wh,
                series,
                w,
                lag_s,
                source,
            })
    }

    proptest! {
        #[test]
        fn any_rows_come_back(mut rows in prop::collection::vec(row(), 0..300)) {
            sort_and_unite(&mut rows);
            let mut packer = Packer::new().unwrap();
            let mut unpacker = Unpacker::new().unwrap();
            for effort in [Effort::Flush, Effort::Keep] {
                let block = packer.encode(&rows, effort).unwrap();
                let mut back = Vec::new();
                unpacker.decode(&block, Columns::All, None, &mut back).unwrap();
                prop_assert_eq!(&back, &rows);
                if let Some(some) = rows.get(rows.len() / 2) {
                    let want: Vec<Row> = rows.iter().filter(|r| r.series == some.series).copied().collect();
                    back.clear();
                    unpacker.decode(&block, Columns::All, Some(some.series), &mut back).unwrap();
                    prop_assert_eq!(&back, &want);
                    back.clear();
                    unpacker.decode(&block, Columns::Near, Some(some.series), &mut back).unwrap();
                    let near: Vec<_> = want.iter().map(Row::key).collect();
                    prop_assert_eq!(back.iter().map(Row::key).collect::<Vec<_>>(), near);
                }
            }
        }

        #[test]
        fn arbitrary_bytes_are_damage_or_rows_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut unpacker = Unpacker::new().unwrap();
            let mut out = Vec::new();
            let _ = unpacker.decode(&bytes, Columns::All, None, &mut out);
        }

        #[test]
        fn a_changed_byte_is_never_a_panic(mut rows in prop::collection::vec(row(), 1..60), at in any::<prop::sample::Index>(), with in any::<u8>()) {
            sort_and_unite(&mut rows);
            let mut block = Packer::new().unwrap().encode(&rows, Effort::Keep).unwrap();
            let place = at.index(block.len());
            block[place] = with;
            let mut out = Vec::new();
            let _ = Unpacker::new().unwrap().decode(&block, Columns::All, None, &mut out);
            out.clear();
            let _ = Unpacker::new().unwrap().decode(&block, Columns::All, Some(rows[0].series), &mut out);
        }
    }

    #[test]
    fn a_block_that_claims_too_much_is_refused_before_memory_is_set_aside() {
        let mut bytes = vec![VERSION, 0];
        put_u64(&mut bytes, 1);
        put_u64(&mut bytes, u64::MAX);
        put_u64(&mut bytes, 0);
        let mut out = Vec::new();
        let answer = Unpacker::new()
            .unwrap()
            .decode(&bytes, Columns::All, None, &mut out);
        assert_eq!(answer, Err(Damage("more reads than a block holds")));
        assert_eq!(out.capacity(), 0);
    }

    #[test]
    fn the_same_read_twice_is_one_with_the_earlier_arrival() {
        let late = Row {
            at: 1,
            wh: 5,
            series: 1,
            w: 3,
            lag_s: 9,
            source: 0,
        };
        let early = Row { lag_s: 2, ..late };
        for mut rows in [vec![late, early], vec![early, late]] {
            sort_and_unite(&mut rows);
            assert_eq!(rows, [early]);
        }
    }
}
