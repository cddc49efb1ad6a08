//! Carbon claimed beside carbon avoided.
//!
//! A claim such as "488 t over 20 years" is 24.4 t a year. What is missing from it has two causes that
//! must not be mixed: the roofs made less energy, and the grid became cleaner. With the energy the
//! claim was made for, the claim has a factor of its own; then the shortfall is, exactly,
//! (claimed energy − energy) × claimed factor + energy × (claimed factor − factor in force).

use rust_decimal::{Decimal, RoundingStrategy};

use crate::quantity::WattHours;

/// Watt-hours of a kilowatt-hour.
const WH: i64 = 1_000;

/// What was claimed before anything was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// Tonnes of CO2e over all years.
    pub tonnes: Decimal,
    /// Years.
    pub years: u16,
    /// Energy of one year that it was made for.
    pub energy_a_year: WattHours,
}

/// Why less was avoided than claimed, in kilograms of one year; below zero where more was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarbonShortfall {
    /// Claimed for one year, kg.
    pub claimed_kg: Decimal,
    /// Avoided, kg.
    pub actual_kg: Decimal,
    /// Because the roofs made less, kg.
    pub less_energy_kg: Decimal,
    /// Because the grid was cleaner, kg: the rest, so that both sum to the whole.
    pub cleaner_grid_kg: Decimal,
}

impl Claimed {
    /// Kilograms of one year: 488 t over 20 years are 24,400.
    #[must_use]
    pub fn kg_a_year(&self) -> Option<Decimal> {
        self.tonnes
            .checked_mul(Decimal::from(1_000))?
            .checked_div(Decimal::from(self.years))
    }
}

/// Splits what is missing from one year's claim; kilograms with one decimal, each rounded once, the
/// grid's part taking what rounding leaves. None of a claim without years or energy.
///
/// ```
/// use commonwatt_domain::{council::{Claimed, shortfall}, quantity::WattHours};
/// let claimed = Claimed { tonnes: 488.into(), years: 20, energy_a_year: WattHours(50_000_000) };
/// let split = shortfall(&claimed, WattHours(45_000_000), "0.20707".parse().unwrap()).unwrap();
/// assert_eq!(split.claimed_kg.to_string(), "24400.0");
/// assert_eq!(split.actual_kg.to_string(), "9318.2");
/// assert_eq!(split.less_energy_kg.to_string(), "2440.0");
/// assert_eq!(split.cleaner_grid_kg.to_string(), "12641.8");
/// ```
#[must_use]
pub fn shortfall(
    claimed: &Claimed,
    made: WattHours,
    factor_kg_per_kwh: Decimal,
) -> Option<CarbonShortfall> {
    let kg = claimed.kg_a_year()?;
    let kwh = |energy: WattHours| Decimal::from(energy.0).checked_div(Decimal::from(WH));
    let own_factor = kg.checked_div(kwh(claimed.energy_a_year)?)?;
    let missing = claimed.energy_a_year.0.checked_sub(made.0)?;
    let claimed_kg = tenth(kg);
    let actual_kg = tenth(kwh(made)?.checked_mul(factor_kg_per_kwh)?);
    let less_energy_kg = tenth(kwh(WattHours(missing))?.checked_mul(own_factor)?);
    let cleaner_grid_kg = claimed_kg
        .checked_sub(actual_kg)?
        .checked_sub(less_energy_kg)?;
    Some(CarbonShortfall {
        claimed_kg,
        actual_kg,
        less_energy_kg,
        cleaner_grid_kg,
    })
}

fn tenth(kg: Decimal) -> Decimal {
    let mut kg = kg.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    kg.rescale(1);
    kg
}
