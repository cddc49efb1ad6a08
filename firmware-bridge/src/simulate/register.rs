//! An exact sum of energy, read as a meter shows it.

use std::{fmt, str::FromStr};

use super::half_hours::{ONE, Output};

/// Units of [`Exact`]'s rest in one Wh: a unit is half of 10⁻³⁰ Wh.
const REST_IN_WH: u128 = 2 * ONE;

/// A roof's size in Wp, at most 100 MWp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wp(u32);

/// The text is not a roof's size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a size in kWp; expected a decimal above 0 with at most 3 decimals, at most 100000"
)]
pub struct NotASize(pub String);

impl Wp {
    /// Largest size, in Wp.
    pub const MOST: u32 = 100_000_000;

    /// The size in Wp.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for Wp {
    type Err = NotASize;

    /// Reads kWp.
    ///
    /// ```
    /// use bridge::simulate::register::Wp;
    /// let elmore_house: Wp = "37.24".parse()?;
    /// assert_eq!(elmore_house.get(), 37_240);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn from_str(kwp: &str) -> Result<Self, Self::Err> {
        let refuse = || NotASize(kwp.chars().take(24).collect());
        let (whole, decimals) = kwp.split_once('.').unwrap_or((kwp, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() > 6 || decimals.len() > 3 {
            return Err(refuse());
        }
        let wp: u32 = format!("{whole}{decimals:0<3}")
            .parse()
            .map_err(|_| refuse())?;
        if (1..=Wp::MOST).contains(&wp) {
            Ok(Wp(wp))
        } else {
            Err(refuse())
        }
    }
}

impl fmt::Display for Wp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} kWp", self.0 / 1000, self.0 % 1000)
    }
}

/// Energy without any rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact {
    wh: i64,
    rest: u128,
}

impl Exact {
    /// Whole Wh.
    pub fn from_wh(wh: i64) -> Self {
        Exact { wh, rest: 0 }
    }

    /// What `size` makes in half hours whose outputs add up to `sum`.
    ///
    /// One kW per kWp over a half hour is half a Wh per Wp.
    pub fn generated(sum: Output, size: Wp) -> Self {
        let size = u128::from(size.get());
        // Below 10³⁰ × 10⁸, so within 128 bits; the whole part is a count of half hours.
        let rest = sum.0 % ONE * size;
        let halves = sum.0 / ONE * size;
        let wh = halves / 2 + rest / REST_IN_WH;
        let exact = Exact {
            wh: i64::try_from(wh).expect("a century of a 100 MWp roof fits"),
            rest: rest % REST_IN_WH,
        };
        exact.plus(Exact {
            wh: 0,
            rest: halves % 2 * ONE,
        })
    }

    /// The sum of two energies.
    #[must_use]
    pub fn plus(self, other: Exact) -> Self {
        let rest = self.rest + other.rest;
        let carried = i64::from(rest >= REST_IN_WH);
        Exact {
            wh: self.wh + other.wh + carried,
            rest: rest % REST_IN_WH,
        }
    }

    /// What a register shows: whole Wh, the fraction cut.
    pub fn shown_wh(self) -> i64 {
        self.wh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_read_exactly_or_refused() {
        for (text, expected) in [
            ("37.24", Some(37_240)),
            ("9", Some(9_000)),
            ("0.001", Some(1)),
            ("100000", Some(100_000_000)),
            ("100000.001", None),
            ("0", None),
            ("1.2345", None),
            ("-1", None),
            ("", None),
            ("1.", None),
        ] {
            assert_eq!(text.parse::<Wp>().ok().map(Wp::get), expected, "{text}");
        }
    }

    #[test]
    fn half_hours_add_up_without_losing_a_fraction() {
        let size: Wp = "0.001".parse().unwrap();
        let smallest = Exact::generated(Output(1), size);
        assert_eq!(smallest.shown_wh(), 0);
        assert_eq!(Exact::generated(Output(2 * ONE - 1), size).shown_wh(), 0);
        let full = Exact::generated(Output(2 * ONE - 1), size).plus(smallest);
        assert_eq!(full, Exact::from_wh(1));
    }

    #[test]
    fn one_kw_per_kwp_for_an_hour_is_one_kwh_per_kwp() {
        let size: Wp = "37.24".parse().unwrap();
        let half = Exact::generated(Output(ONE), size);
        assert_eq!(half.plus(half).shown_wh(), 37_240);
        let odd: Wp = "0.003".parse().unwrap();
        assert_eq!(Exact::generated(Output(ONE), odd).shown_wh(), 1);
        assert_eq!(Exact::generated(Output(3 * ONE), odd).shown_wh(), 4);
        assert_eq!(Exact::generated(Output(4 * ONE), odd).shown_wh(), 6);
    }
}
