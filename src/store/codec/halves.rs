//! The half hours of one local day of one series, with the judge's state at its start.
//!
//! ```text
//! version 1 | state at the start of the day | first half hour | number of half hours
//! runs of equal kind: length | start × 36 + end × 6 + inside | 0 missing, 1 whole, 2 part
//! energy of each half hour that is not missing, covered ms of each that is covered in part
//! ```
//!
//! About 150 bytes for a day of generation, 67 of them the state.

use domain::{
    calendar::HalfHour,
    metering::{FoldState, energy::HalfHourEnergy},
    quantity::WattHours,
};

use super::{
    bytes::{Cursor, put_i64, put_u64},
    seal::Damage,
};
use crate::series::side::{quality_code, quality_of};

const VERSION: u8 = 1;
/// A local day has at most 50 half hours; zones that move over the date line have more, never this.
const HALVES_MAX: usize = 128;
const WHOLE_MS: u32 = 1_800_000;
const MISSING: u8 = 0;
const WHOLE: u8 = 1;
const PART: u8 = 2;

/// One row of `day_energy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DayRow {
    pub(crate) start: FoldState,
    /// Every half hour of the day, in order.
    pub(crate) halves: Vec<HalfHourEnergy>,
}

fn kind(half: &HalfHourEnergy) -> (u8, u8) {
    let qualities =
        quality_code(half.start) * 36 + quality_code(half.end) * 6 + quality_code(half.inside);
    let cover = match half.covered_ms {
        0 if half.wh == WattHours::ZERO => MISSING,
        WHOLE_MS => WHOLE,
        _ => PART,
    };
    (qualities, cover)
}

pub(crate) fn encode(row: &DayRow) -> Vec<u8> {
    let mut out = Vec::with_capacity(FoldState::BYTES + 8 + 2 * row.halves.len());
    out.push(VERSION);
    out.extend(row.start.to_bytes());
    put_i64(
        &mut out,
        row.halves.first().map_or(0, |h| i64::from(h.half_hour.0)),
    );
    put_u64(&mut out, row.halves.len() as u64);
    for run in row.halves.chunk_by(|a, b| kind(a) == kind(b)) {
        let (qualities, cover) = kind(&run[0]);
        put_u64(&mut out, run.len() as u64);
        out.extend([qualities, cover]);
    }
    for half in &row.halves {
        let (_, cover) = kind(half);
        if cover != MISSING {
            put_i64(&mut out, half.wh.0);
        }
        if cover == PART {
            put_u64(&mut out, u64::from(half.covered_ms));
        }
    }
    out
}

/// The bytes of a row that say energy.
pub(crate) fn energy_part(payload: &[u8]) -> &[u8] {
    payload.get(1 + FoldState::BYTES..).unwrap_or_default()
}

/// The state at the start of the day.
pub(crate) fn decode_start(payload: &[u8]) -> Result<FoldState, Damage> {
    if payload.first() != Some(&VERSION) {
        return Err(Damage("a day of an unknown version"));
    }
    let state = payload
        .get(1..=FoldState::BYTES)
        .ok_or(Damage("cut short"))?;
    FoldState::from_bytes(state).map_err(|_| Damage("no state of judging"))
}

/// Appends the half hours of the day to `out`.
pub(crate) fn decode_halves(payload: &[u8], out: &mut Vec<HalfHourEnergy>) -> Result<(), Damage> {
    if payload.first() != Some(&VERSION) {
        return Err(Damage("a day of an unknown version"));
    }
    let rest = payload
        .get(1 + FoldState::BYTES..)
        .ok_or(Damage("cut short"))?;
    let mut cursor = Cursor::new(rest);
    let first = cursor.i32()?;
    let count = cursor.u64()?;
    if count > HALVES_MAX as u64 || first.checked_add(count as i32).is_none() {
        return Err(Damage("a day with too many half hours"));
    }
    let begin = out.len();
    let mut half_hour = first;
    while half_hour < first + count as i32 {
        let run = cursor.u64()?;
        if run == 0 || run > (first + count as i32 - half_hour) as u64 {
            return Err(Damage("runs of half hours do not add up"));
        }
        let (qualities, cover) = (cursor.u8()?, cursor.u8()?);
        let covered_ms = match cover {
            MISSING => 0,
            WHOLE => WHOLE_MS,
            // Replaced below by what is stored; this value says that something is.
            PART => u32::MAX,
            _ => return Err(Damage("an unknown cover")),
        };
        let same = HalfHourEnergy {
            half_hour: HalfHour(half_hour),
            wh: WattHours::ZERO,
            start: quality_of(qualities / 36)?,
            end: quality_of(qualities / 6 % 6)?,
            inside: quality_of(qualities % 6)?,
            covered_ms,
        };
        for n in 0..run as i32 {
            out.push(HalfHourEnergy {
                half_hour: HalfHour(half_hour + n),
                ..same
            });
        }
        half_hour += run as i32;
    }
    for half in &mut out[begin..] {
        if half.covered_ms != 0 {
            half.wh = WattHours(cursor.i64()?);
        }
        if half.covered_ms == u32::MAX {
            half.covered_ms = cursor.u32()?;
            if half.covered_ms >= WHOLE_MS {
                return Err(Damage("more of a half hour is covered than it has"));
            }
        }
    }
    cursor.end()
}

/// The whole row.
pub(crate) fn decode(payload: &[u8]) -> Result<DayRow, Damage> {
    let start = decode_start(payload)?;
    let mut halves = Vec::new();
    decode_halves(payload, &mut halves)?;
    Ok(DayRow { start, halves })
}

#[cfg(test)]
mod tests {
    use domain::metering::Quality;
    use proptest::prelude::*;

    use super::*;

    fn half() -> impl Strategy<Value = HalfHourEnergy> {
        let quality = || (0_u8..6).prop_map(|c| quality_of(c).unwrap());
        (
            any::<i64>(),
            quality(),
            quality(),
            quality(),
            prop_oneof![Just(0), Just(WHOLE_MS), 0..WHOLE_MS],
        )
            .prop_map(|(wh, start, end, inside, covered_ms)| HalfHourEnergy {
                half_hour: HalfHour(0),
                wh: WattHours(wh),
                start,
                end,
                inside,
                covered_ms,
            })
    }

    proptest! {
        #[test]
        fn any_day_comes_back(first in -1000_i32..2_000_000, mut halves in prop::collection::vec(half(), 0..51)) {
            for (n, half) in halves.iter_mut().enumerate() {
                half.half_hour = HalfHour(first + n as i32);
            }
            let row = DayRow { start: FoldState::EMPTY, halves };
            prop_assert_eq!(decode(&encode(&row)), Ok(row));
        }

        #[test]
        fn arbitrary_bytes_are_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            let mut with_head = vec![VERSION];
            with_head.extend(FoldState::EMPTY.to_bytes());
            with_head.extend(bytes);
            let _ = decode(&with_head);
        }
    }

    #[test]
    fn a_day_of_generation_takes_about_150_bytes() {
        let halves = (0..48)
            .map(|n| HalfHourEnergy {
                wh: WattHours(if (12..36).contains(&n) {
                    2_000 + i64::from(n)
                } else {
                    0
                }),
                start: Quality::Actual,
                end: Quality::Actual,
                covered_ms: WHOLE_MS,
                ..HalfHourEnergy::missing(HalfHour(800_000 + n))
            })
            .collect();
        let size = encode(&DayRow {
            start: FoldState::EMPTY,
            halves,
        })
        .len();
        assert!(size < 160, "{size}");
    }
}
