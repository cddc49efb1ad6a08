//! Registers as exact numbers.
//!
//! A meter's register is digits and a power of ten. Nothing here is a binary fraction: scaling moves
//! the point, and what is cut off at the end is the part below one. Binary floats arrive in two
//! ways. A device that counts watt-hours as floats (SunSpec models 111–113, 211–214) means the value
//! of its bits, and [`whole_of_f32`] gives its whole part. A meter that counts kilowatt-hours as
//! floats (Eastron and many others) shows decimals and packs them: 0.7 kWh arrives as
//! 0.699999988079…; [`Number::shortest_f32`] takes the shortest decimal that packs to the same bits,
//! which is what the dial shows.

use std::fmt;

/// The largest power of ten by which a register may be scaled, both ways; SunSpec's own limit.
pub const MAX_SCALE: i32 = 10;

/// An exact decimal: `digits × 10^exponent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    digits: i128,
    exponent: i32,
}

impl Number {
    /// `digits × 10^exponent`.
    pub fn new(digits: i128, exponent: i32) -> Self {
        Number { digits, exponent }
    }

    /// The shortest decimal that, rounded to single precision, gives these bits; none for what is no
    /// finite number.
    pub fn shortest_f32(bits: u32) -> Option<Self> {
        let value = f32::from_bits(bits);
        value
            .is_finite()
            .then(|| Number::parse(&format!("{value:e}")))?
    }

    /// The shortest decimal that, rounded to double precision, gives these bits; none for what is no
    /// finite number.
    pub fn shortest_f64(bits: u64) -> Option<Self> {
        let value = f64::from_bits(bits);
        value
            .is_finite()
            .then(|| Number::parse(&format!("{value:e}")))?
    }

    /// Reads `-12.50`, `7` or `1.5e-3`; at most 30 digits, exponents within ±400.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (sign, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let count = whole.len() + fraction.len();
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty()
            || mantissa.ends_with('.')
            || count > 30
            || !plain(whole)
            || !plain(fraction)
            || exponent.abs() > 400
        {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let behind_point = i32::try_from(fraction.len()).ok()?;
        Some(Number::new(sign * digits, exponent - behind_point))
    }

    /// The product; none when its digits do not fit.
    pub fn times(self, other: Number) -> Option<Number> {
        Some(Number {
            digits: self.digits.checked_mul(other.digits)?,
            exponent: self.exponent.checked_add(other.exponent)?,
        })
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// The whole part, its fraction cut off towards zero; none when it does not fit.
    ///
    /// ```
    /// use bridge::source::number::Number;
    /// assert_eq!(Number::new(123_456, -3).whole(), Some(123));
    /// assert_eq!(Number::new(-19, -1).whole(), Some(-1));
    /// assert_eq!(Number::new(42, 3).whole(), Some(42_000));
    /// ```
    pub fn whole(self) -> Option<i128> {
        let ten = 10_i128.checked_pow(self.exponent.unsigned_abs());
        if self.digits == 0 {
            Some(0)
        } else if self.exponent >= 0 {
            self.digits.checked_mul(ten?)
        } else {
            // More places than 10^38 holds leave nothing before the point.
            Some(ten.map_or(0, |ten| self.digits / ten))
        }
    }

    /// The whole part as a register in Wh; none below zero or above `i64::MAX`.
    pub fn wh(self) -> Option<u64> {
        i64::try_from(self.whole()?)
            .ok()
            .and_then(|wh| u64::try_from(wh).ok())
    }

    /// The whole part as power in W; none where it does not fit.
    pub fn w(self) -> Option<i32> {
        i32::try_from(self.whole()?).ok()
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let digits = self.digits.unsigned_abs().to_string();
        match usize::try_from(self.exponent) {
            Ok(zeros) if digits != "0" => write!(f, "{sign}{digits}{}", "0".repeat(zeros)),
            Ok(_) => f.write_str("0"),
            Err(_) => {
                let places = self.exponent.unsigned_abs() as usize;
                let digits = format!("{digits:0>width$}", width = places + 1);
                let (whole, fraction) = digits.split_at(digits.len() - places);
                write!(f, "{sign}{whole}.{fraction}")
            }
        }
    }
}

/// The whole part of a single-precision float, exactly, its fraction cut off towards zero; none for
/// what is no finite number or needs more than 127 bits.
///
/// ```
/// use bridge::source::number::whole_of_f32;
/// assert_eq!(whole_of_f32(1_234_567.9_f32.to_bits()), Some(1_234_567));
/// assert_eq!(whole_of_f32(f32::NAN.to_bits()), None);
/// ```
pub fn whole_of_f32(bits: u32) -> Option<i128> {
    let exponent = i32::try_from(bits >> 23 & 0xff).ok()?;
    let fraction = i128::from(bits & 0x7f_ffff);
    let magnitude = match exponent {
        0xff => return None,
        0 => 0,
        _ => {
            let mantissa = fraction | 1 << 23;
            match u32::try_from(exponent - 150) {
                Ok(left) if left <= 102 => mantissa << left,
                Ok(_) => return None,
                Err(_) => mantissa
                    .checked_shr(u32::try_from(150 - exponent).ok()?)
                    .unwrap_or(0),
            }
        }
    };
    Some(if bits >> 31 == 1 {
        -magnitude
    } else {
        magnitude
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dial_in_tenths_of_a_kwh_is_what_the_meter_packed() {
        for (dial, wh) in [
            ("0.7", 700),
            ("0.1", 100),
            ("342.7", 342_700),
            ("12345.67", 12_345_670),
            ("0.001", 1),
            ("0.0009", 0),
        ] {
            let packed: f32 = dial.parse().unwrap();
            let number = Number::shortest_f32(packed.to_bits()).unwrap();
            assert_eq!(
                number.times(Number::new(1, 3)).unwrap().wh(),
                Some(wh),
                "{dial}"
            );
        }
    }

    #[test]
    fn numbers_read_and_print_exactly() {
        for (text, printed) in [
            ("0", "0"),
            ("-12.50", "-12.50"),
            ("1e3", "1000"),
            ("1.5e-3", "0.0015"),
            ("100", "100"),
            ("0.000", "0.000"),
        ] {
            assert_eq!(Number::parse(text).unwrap().to_string(), printed);
        }
        for bad in [
            "", "-", ".", "1.", ".5", "1e", "1e999", "+1", "0x1", "nan", "1 ",
        ] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_does_not_fit_a_register_is_none() {
        assert_eq!(Number::new(-1, 0).wh(), None);
        assert_eq!(Number::new(1, 19).wh(), None);
        assert_eq!(Number::new(9, 400).whole(), None);
        assert_eq!(Number::new(9, -400).whole(), Some(0));
        assert_eq!(Number::new(4_000_000_000, 0).w(), None);
        assert_eq!(Number::shortest_f32(f32::INFINITY.to_bits()), None);
        assert_eq!(whole_of_f32(f32::MAX.to_bits()), None);
    }

    proptest! {
        #[test]
        fn a_float_register_is_cut_as_the_processor_would(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.abs() < 2_f32.powi(126));
            prop_assert_eq!(whole_of_f32(bits), Some(value.trunc() as i128));
        }

        #[test]
        fn the_shortest_decimal_packs_to_the_same_bits(bits: u32) {
            let value = f32::from_bits(bits);
            prop_assume!(value.is_finite());
            let printed = Number::shortest_f32(bits).unwrap().to_string();
            prop_assert_eq!(printed.parse::<f32>().unwrap().to_bits() & 0x7fff_ffff, bits & 0x7fff_ffff);
        }
    }
}
