//! A price of energy in pence per kilowatt-hour, and the one place where it becomes money.

use core::{fmt, str::FromStr};

use rust_decimal::{Decimal, RoundingStrategy};

use crate::{money::Pence, quantity::WattHours};

/// Most digits after the point that a rate may carry.
const MAX_DECIMALS: u32 = 6;
/// The largest rate either way, p/kWh (£10 a kWh).
const MAX_P_PER_KWH: u32 = 1000;

/// Pence per kilowatt-hour, an exact decimal.
///
/// ```
/// use commonwatt_domain::{money::Pence, quantity::WattHours, tariff::Rate};
/// let rate: Rate = "20.17".parse()?;
/// assert_eq!(rate.price(WattHours(2_940_000)), Some(Pence(59_300)));
/// # Ok::<(), commonwatt_domain::tariff::NotARate>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(Decimal);

/// The number is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a rate; expected pence per kWh such as `15.2`, at most {MAX_P_PER_KWH}, with at most {MAX_DECIMALS} digits after the point"
)]
pub struct NotARate(pub String);

impl Rate {
    /// A rate of so many pence per kWh; less than zero where a price is negative.
    ///
    /// # Errors
    /// [`NotARate`] when it is out of range or too fine.
    pub fn new(p_per_kwh: Decimal) -> Result<Rate, NotARate> {
        let fits =
            p_per_kwh.abs() <= Decimal::from(MAX_P_PER_KWH) && p_per_kwh.scale() <= MAX_DECIMALS;
        fits.then_some(Rate(p_per_kwh))
            .ok_or_else(|| NotARate(p_per_kwh.to_string()))
    }

    /// Pence per kWh.
    #[must_use]
    pub fn p_per_kwh(self) -> Decimal {
        self.0
    }

    /// The price of that energy: rounded once to whole pence, half away from zero. One line, one
    /// rounding: this is where it happens. `None` when it leaves the range of 64 bits.
    #[must_use]
    pub fn price(self, energy: WattHours) -> Option<Pence> {
        let milli_pence = self.0.checked_mul(Decimal::from(energy.0))?;
        Pence::rounded(milli_pence.checked_div(Decimal::ONE_THOUSAND)?)
    }

    /// The rate raised by so many per cent and rounded half-up to `decimals` places; `None` when it
    /// leaves the range.
    #[must_use]
    pub fn raised(self, percent: Decimal, decimals: u32) -> Option<Rate> {
        let factor = Decimal::ONE_HUNDRED.checked_add(percent)?;
        let raised = self
            .0
            .checked_mul(factor)?
            .checked_div(Decimal::ONE_HUNDRED)?;
        let rounded =
            raised.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
        Rate::new(rounded).ok()
    }
}

impl Rate {
    /// As tables and statements print it, with two digits after the point at least: `24.90`.
    ///
    /// ```
    /// use commonwatt_domain::tariff::Rate;
    /// let printed = |text: &str| text.parse::<Rate>().map(Rate::printed);
    /// assert_eq!(printed("24.9").as_deref(), Ok("24.90"));
    /// assert_eq!(printed("2.665").as_deref(), Ok("2.665"));
    /// ```
    #[must_use]
    pub fn printed(self) -> String {
        let mut decimal = self.0.normalize();
        decimal.rescale(decimal.scale().max(2));
        decimal.to_string()
    }
}

impl fmt::Display for Rate {
    /// Without needless zeros: `15.2`, `24.9`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.normalize().fmt(f)
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Rate, NotARate> {
        let decimal =
            Decimal::from_str_exact(text).map_err(|_| NotARate(text.chars().take(32).collect()))?;
        Rate::new(decimal)
    }
}
