//! Made-up roofs: a day's curve times clouds that drift (an AR(1) walk for each roof), in whole
//! numbers, the same at every run. A register adds up the power it showed.

use crate::peers::Read;

/// Midnight at the start of 2026-06-21, UTC, in seconds.
pub const MIDSUMMER_S: i64 = 1_782_000_000;
const SUNRISE_S: i64 = 14_000;
const SUNSET_S: i64 = 73_500;
const DAY_S: i64 = 86_400;
/// What clouds let through on average, in thousandths.
const CLEAR: i32 = 820;

#[derive(Clone, Copy)]
struct Roof {
    /// What the register has counted, in W s.
    joules: i64,
    /// What clouds let through, in thousandths.
    cloud: i32,
    peak_w: i32,
}

/// Many roofs.
pub struct Fleet {
    roofs: Vec<Roof>,
    random: Random,
}

impl Fleet {
    /// `count` roofs of 2 to 5 kW whose registers have been counting for a while.
    pub fn new(count: usize) -> Fleet {
        let mut random = Random(0x2545_f491_4f6c_dd1d);
        let roofs = (0..count)
            .map(|_| Roof {
                joules: i64::from(random.below(20_000_000)) * 3_600,
                cloud: CLEAR,
                peak_w: 2_000 + random.below(3_000),
            })
            .collect();
        Fleet { roofs, random }
    }

    /// The read of a roof at this second, `elapsed_s` after the one before.
    pub fn read(&mut self, meter: usize, at_s: i64, elapsed_s: i64) -> Read {
        let noise = self.random.below(25) - 12;
        let roof = &mut self.roofs[meter];
        roof.cloud = (roof.cloud + (CLEAR - roof.cloud) / 64 + noise).clamp(50, 1_050);
        let w = i64::from(roof.peak_w) * curve(at_s) / 1_000 * i64::from(roof.cloud) / 1_000_000;
        roof.joules += w * elapsed_s;
        Read {
            meter: u32::try_from(meter).unwrap_or(u32::MAX),
            at: at_s * 1_000,
            wh: roof.joules / 3_600,
            w: i32::try_from(w).unwrap_or(0),
        }
    }

    /// A clock that is off by up to a second.
    pub fn jitter_s(&mut self) -> i64 {
        i64::from(self.random.below(3)) - 1
    }
}

/// The sun's part of the peak at this second, in millionths: a parabola from sunrise to sunset.
fn curve(at_s: i64) -> i64 {
    let second = at_s.rem_euclid(DAY_S);
    if !(SUNRISE_S..SUNSET_S).contains(&second) {
        return 0;
    }
    let length = SUNSET_S - SUNRISE_S;
    let from = second - SUNRISE_S;
    4_000_000 * from / length * (length - from) / length
}

/// xorshift: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: i32) -> i32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let high = self.0 >> 33;
        i32::try_from(high % u64::from(bound.unsigned_abs())).unwrap_or(0)
    }
}
