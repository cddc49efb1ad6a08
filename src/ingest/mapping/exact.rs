//! Decimal text as an exact number, and from there to whole watt-hours or watts.
//!
//! Takes what devices write: sign, digits, one point, an exponent. Everything is integers; a
//! fraction of a watt-hour or watt is cut toward zero, once, at the end.

use serde::{Deserialize, Serialize};

/// Longest number text that is looked at, in bytes; a 64-bit float spelled out has up to 24.
pub const MAX_NUMBER_BYTES: usize = 40;
/// Largest value after conversion, in Wh or W: the domain's own limit of a register.
const LIMIT: i128 = 1_000_000_000_000_000;

/// `mantissa` × 10^`exponent`, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exact {
    mantissa: i128,
    exponent: i32,
}

/// Units a mapping may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Watt-hours.
    Wh,
    /// Kilowatt-hours.
    #[serde(rename = "kWh")]
    KWh,
    /// Megawatt-hours.
    MWh,
    /// Watt-minutes: 60 make a watt-hour.
    Wmin,
    /// Watt-seconds or joules: 3,600 make a watt-hour.
    #[serde(alias = "J")]
    Ws,
    /// Watts.
    W,
    /// Kilowatts.
    #[serde(rename = "kW")]
    KW,
}

impl Unit {
    /// Whether it measures energy; otherwise power.
    #[must_use]
    pub fn is_energy(self) -> bool {
        !matches!(self, Unit::W | Unit::KW)
    }

    /// What one of it is in Wh or W, as a fraction.
    fn ratio(self) -> (i128, i128) {
        match self {
            Unit::Wh | Unit::W => (1, 1),
            Unit::KWh | Unit::KW => (1_000, 1),
            Unit::MWh => (1_000_000, 1),
            Unit::Wmin => (1, 60),
            Unit::Ws => (1, 3_600),
        }
    }
}

impl Exact {
    /// Reads a decimal number; `None` when it is none.
    pub(crate) fn read(text: &str) -> Option<Exact> {
        let text = text.trim_ascii();
        if text.len() > MAX_NUMBER_BYTES {
            return None;
        }
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?.parse::<i16>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            rest => (false, rest),
        };
        let (mut value, mut decimals, mut seen, mut point) = (0_i128, 0_i32, false, false);
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    seen = true;
                    value = value
                        .checked_mul(10)?
                        .checked_add(i128::from(byte - b'0'))?;
                    decimals += i32::from(point);
                }
                b'.' if !point => point = true,
                _ => return None,
            }
        }
        seen.then_some(Exact {
            mantissa: if negative { -value } else { value },
            exponent: i32::from(exponent) - decimals,
        })
    }

    pub(crate) const ZERO: Exact = Exact {
        mantissa: 0,
        exponent: 0,
    };

    /// The exact sum; `None` when it leaves 128 bits.
    pub(crate) fn plus(self, other: Exact) -> Option<Exact> {
        if self.mantissa == 0 {
            return Some(other);
        }
        if other.mantissa == 0 {
            return Some(self);
        }
        let exponent = self.exponent.min(other.exponent);
        let lift = |x: Exact| {
            let places = u32::try_from(x.exponent - exponent).ok()?;
            10_i128.checked_pow(places)?.checked_mul(x.mantissa)
        };
        Some(Exact {
            mantissa: lift(self)?.checked_add(lift(other)?)?,
            exponent,
        })
    }

    pub(crate) fn negated(self) -> Exact {
        Exact {
            mantissa: -self.mantissa,
            ..self
        }
    }

    pub(crate) fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// In whole Wh or W, cut toward zero; `None` when it is out of every device's range.
    pub(crate) fn in_base(self, unit: Unit) -> Option<i64> {
        let (up, down) = unit.ratio();
        self.scaled(up, down)
    }

    /// × `up` / `down`, cut toward zero.
    pub(crate) fn scaled(self, up: i128, down: i128) -> Option<i64> {
        if self.mantissa == 0 {
            return Some(0);
        }
        let top = self.mantissa.checked_mul(up)?;
        let value = if self.exponent >= 0 {
            10_i128
                .checked_pow(self.exponent.unsigned_abs())?
                .checked_mul(top)?
                / down
        } else {
            // A power beyond 128 bits is above every mantissa: nothing is left of it.
            10_i128
                .checked_pow(self.exponent.unsigned_abs())
                .and_then(|power| power.checked_mul(down))
                .map_or(0, |power| top / power)
        };
        (value.abs() <= LIMIT)
            .then(|| i64::try_from(value).ok())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_exact_and_cut_once() {
        let table = [
            ("255.551", Unit::KWh, Some(255_551)),
            ("3105576.42", Unit::Wh, Some(3_105_576)),
            ("0.0039", Unit::KWh, Some(3)),
            ("17965", Unit::Wmin, Some(299)),
            ("3600", Unit::Ws, Some(1)),
            ("1.2e3", Unit::KWh, Some(1_200_000)),
            ("5.5e-06", Unit::KWh, Some(0)),
            ("49.939999999999998", Unit::Wh, Some(49)),
            ("-1058.296", Unit::W, Some(-1058)),
            ("12.5", Unit::MWh, Some(12_500_000)),
            ("1e400", Unit::Wh, None),
            ("1e-400", Unit::Wh, Some(0)),
            ("9999999999999999", Unit::Wh, None),
        ];
        for (text, unit, expected) in table {
            let got = Exact::read(text).and_then(|x| x.in_base(unit));
            assert_eq!(got, expected, "{text} {unit:?}");
        }
        for text in [
            "", "-", ".", "nan", "inf", "1,5", "1.2.3", "0x10", "1e", "１",
        ] {
            assert_eq!(Exact::read(text), None, "{text}");
        }
    }

    #[test]
    fn phases_add_up_exactly() {
        let sum = ["3105576.42", "195765.72", "2114072.05"]
            .iter()
            .try_fold(Exact::ZERO, |sum, t| sum.plus(Exact::read(t)?));
        assert_eq!(sum, Exact::read("5415414.19"));
    }
}
