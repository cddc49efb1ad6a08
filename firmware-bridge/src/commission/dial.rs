//! What a person reads off the dial, held against the register.

use std::{fmt, str::FromStr};

use crate::source::number::Number;

/// Digits read off a dial, in kWh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// As they were typed.
    text: String,
    /// Cut to whole Wh.
    wh: i128,
    /// What one step of the last digit is worth, in Wh.
    step_wh: i128,
}

/// The text is no dial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not what a dial shows; expected kWh with a point before the decimals, such as `12345.67`"
)]
pub struct NotADial(String);

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The dial lies between the two reads, give or take one step of its last digit.
    Agrees,
    /// It does not.
    Differs {
        /// Dial less register, in Wh.
        by_wh: i128,
        /// The power of ten by which they differ, if that is all.
        slip: Option<i32>,
    },
}

impl Dial {
    /// Compares with the register before and after the dial was read, in Wh.
    pub fn against(&self, before_wh: u64, after_wh: u64) -> Verdict {
        let (before, after) = (i128::from(before_wh), i128::from(after_wh));
        let fits = |wh: i128, step: i128| before - step <= wh && wh <= after + step;
        if fits(self.wh, self.step_wh) {
            return Verdict::Agrees;
        }
        // A dial that shows 12 where the register has 12 000 is a thousandth of it.
        let slip = (1_i32..=4).find_map(|tens| {
            let factor = 10_i128.pow(tens.unsigned_abs());
            if fits(
                self.wh.checked_mul(factor)?,
                self.step_wh.checked_mul(factor)?,
            ) {
                Some(-tens)
            } else if fits(self.wh / factor, (self.step_wh / factor).max(1)) {
                Some(tens)
            } else {
                None
            }
        });
        Verdict::Differs {
            by_wh: self.wh - after,
            // Near zero every power of ten fits.
            slip: slip.filter(|_| after >= 100_000),
        }
    }
}

impl FromStr for Dial {
    type Err = NotADial;

    fn from_str(text: &str) -> Result<Self, NotADial> {
        let typed = text.trim();
        let digits = typed.strip_suffix("kWh").unwrap_or(typed).trim_end();
        let wrong = || NotADial(text.to_owned());
        if !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            return Err(wrong());
        }
        let decimals = digits.split_once('.').map_or(0, |(_, behind)| behind.len());
        let wh = Number::parse(digits)
            .and_then(|kwh| kwh.times(Number::new(1, 3)))
            .and_then(Number::whole)
            .filter(|wh| *wh < 10_i128.pow(18))
            .ok_or_else(wrong)?;
        let places = u32::try_from(decimals).map_err(|_| wrong())?;
        Ok(Dial {
            text: digits.to_owned(),
            wh,
            step_wh: 10_i128.pow(3_u32.saturating_sub(places)),
        })
    }
}

impl fmt::Display for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Agrees => f.write_str("agrees"),
            Verdict::Differs { by_wh, slip } => {
                let sign = if *by_wh < 0 { "less" } else { "more" };
                let by = u64::try_from(by_wh.unsigned_abs()).unwrap_or(u64::MAX);
                write!(f, "the dial shows {} {sign}", super::kwh(by))?;
                let part = match slip {
                    None => return Ok(()),
                    Some(-1) => "a tenth of",
                    Some(-2) => "a hundredth of",
                    Some(-3) => "a thousandth of",
                    Some(1) => "ten times",
                    Some(2) => "a hundred times",
                    Some(3) => "a thousand times",
                    Some(less) if *less < 0 => "a ten-thousandth of",
                    Some(_) => "ten thousand times",
                };
                write!(
                    f,
                    ", {part} the register (look at the scale, or the ratio of current transformers)"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_agrees_within_one_step_of_its_last_digit() {
        for (dial, before, after, agrees) in [
            ("12345.67", 12_345_670, 12_345_670, true),
            ("12345.67", 12_345_679, 12_345_681, true),
            ("12345.7", 12_345_670, 12_345_670, true),
            ("012345", 12_345_999, 12_345_999, true),
            ("12346 kWh", 12_345_670, 12_345_670, true),
            ("12345.6", 12_345_500, 12_345_900, true),
            ("12345.66", 12_345_680, 12_345_690, false),
            ("12347", 12_345_670, 12_345_670, false),
            ("0", 0, 0, true),
        ] {
            let verdict = dial.parse::<Dial>().unwrap().against(before, after);
            assert_eq!(
                verdict == Verdict::Agrees,
                agrees,
                "{dial} against {before}..{after}"
            );
        }
    }

    #[test]
    fn a_slip_by_a_power_of_ten_is_named() {
        for (dial, register_wh, slip) in [
            ("12345.67", 1_234_567, Some(1)),
            ("12345.67", 123_456_700, Some(-1)),
            ("12345.67", 12_345_670_000, Some(-3)),
            ("12345.67", 22_345_670, None),
            ("5", 500, None),
        ] {
            let verdict = dial
                .parse::<Dial>()
                .unwrap()
                .against(register_wh, register_wh);
            let Verdict::Differs { slip: found, .. } = verdict else {
                panic!("{dial}")
            };
            assert_eq!(found, slip, "{dial} against {register_wh}");
        }
    }

    #[test]
    fn what_no_dial_shows_is_refused() {
        for bad in [
            "",
            "12,345.6",
            "-5",
            "1e3",
            "12.",
            ".5",
            "twelve",
            "9999999999999999999",
        ] {
            assert!(bad.parse::<Dial>().is_err(), "{bad}");
        }
    }
}
