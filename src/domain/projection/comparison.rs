//! Actual against forecast, and equivalents in words.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{FactorTable, factor_name};
use crate::{
    calendar::Period,
    quantity::{WattHours, Watts},
};

/// Actual energy beside its forecast.
///
/// ```
/// use commonwatt_domain::{projection::Comparison, quantity::WattHours};
/// // Brixton Energy Solar 1 in 2013, as published.
/// let year = Comparison { actual: WattHours(32_586_000), forecast: WattHours(26_913_000) };
/// assert_eq!(year.difference().map(|wh| wh.kwh_words()).as_deref(), Some("5,673 kWh"));
/// assert_eq!(year.difference_percent().unwrap().to_string(), "21.1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Comparison {
    /// What was measured.
    pub actual: WattHours,
    /// What was expected.
    pub forecast: WattHours,
}

/// Energy in things that people know, each a whole number; `None` where the period has no factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Equivalents {
    /// Homes supplied for a year.
    pub homes: Option<Decimal>,
    /// Kettles boiled.
    pub kettles: Option<Decimal>,
    /// CO2 avoided, in kg.
    pub co2_kg: Option<Decimal>,
}

impl Comparison {
    /// Actual less forecast; `None` when it leaves 64 bits.
    #[must_use]
    pub fn difference(&self) -> Option<WattHours> {
        self.actual.checked_sub(self.forecast)
    }

    /// The difference in per cent of the forecast, to one decimal, half away from zero; `None`
    /// without a forecast.
    #[must_use]
    pub fn difference_percent(&self) -> Option<Decimal> {
        let difference = Decimal::from(self.difference()?.0);
        let share = difference
            .checked_mul(Decimal::ONE_HUNDRED)?
            .checked_div(Decimal::from(self.forecast.0))?;
        Some(rounded(share, 1))
    }
}

impl Equivalents {
    /// The equivalents of an energy over a period, by the table's factors for it:
    /// [`factor_name::HOME`] kWh a home, [`factor_name::KETTLE`] kWh a kettle,
    /// [`factor_name::CO2`] kg a kWh. Each is rounded once to a whole number, half away from zero.
    #[must_use]
    pub fn of(energy: WattHours, period: Period, factors: &FactorTable) -> Equivalents {
        let kwh = Decimal::new(energy.0, 3);
        let factor = |name| factors.lookup(name, period).map(|factor| factor.value);
        let whole = |value: Option<Decimal>| value.map(|value| rounded(value, 0));
        Equivalents {
            homes: whole(factor(factor_name::HOME).and_then(|home| kwh.checked_div(home))),
            kettles: whole(factor(factor_name::KETTLE).and_then(|kettle| kwh.checked_div(kettle))),
            co2_kg: whole(factor(factor_name::CO2).and_then(|co2| kwh.checked_mul(co2))),
        }
    }
}

/// Specific yield in whole kWh/kWp, half away from zero; `None` without a peak.
///
/// ```
/// use commonwatt_domain::{projection::specific_yield_kwh_per_kwp, quantity::{WattHours, Watts}};
/// let yielded = specific_yield_kwh_per_kwp(WattHours(32_586_000), Watts(37_240));
/// assert_eq!(yielded.unwrap().to_string(), "875");
/// ```
#[must_use]
pub fn specific_yield_kwh_per_kwp(energy: WattHours, peak: Watts) -> Option<Decimal> {
    // Wh / Wp = kWh / kWp.
    let share = Decimal::from(energy.0).checked_div(Decimal::from(peak.0))?;
    Some(rounded(share, 0))
}

/// A line's number: rounded to `decimals` places, half away from zero, with those places shown.
#[must_use]
pub fn rounded(value: Decimal, decimals: u32) -> Decimal {
    let mut value = value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    value.rescale(decimals);
    if value.is_zero() {
        value.set_sign_positive(true);
    }
    value
}
