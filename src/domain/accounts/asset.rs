//! A fixed asset and its depreciation: straight line, by whole months.
//!
//! The month in which an asset comes into use counts whole. What is charged by a day is reckoned from
//! the start each time and rounded once, half a penny away from zero; a run charges the difference to
//! what was charged before. So a run that was left out is caught up by the next, and the last month of
//! its life ends exactly on what the asset is still worth then. Source: FRS 102, section 17.

use rust_decimal::Decimal;

use crate::{calendar::LocalDay, money::Pence};

/// The longest life, in months: a hundred years.
pub const MAX_LIFE_MONTHS: u32 = 1_200;

/// A fixed asset, as far as its depreciation asks.
///
/// ```
/// use commonwatt_domain::{accounts::Asset, money::Pence};
/// // £72,000 of panels over 20 years, nothing at the end.
/// let asset = Asset::new(Pence(7_200_000), Pence(0), 240, "2012-03-09".parse()?)?;
/// assert_eq!(asset.charged_by("2012-03-30".parse()?), Pence(0));
/// assert_eq!(asset.charged_by("2012-12-31".parse()?), Pence(300_000));
/// assert_eq!(asset.charged_by("2040-12-31".parse()?), Pence(7_200_000));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    cost: Pence,
    residual: Pence,
    life_months: u32,
    in_use: LocalDay,
}

/// Something is no asset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAsset {
    /// Nothing to depreciate.
    #[error(
        "it cost {cost} and is worth {residual} at the end; expected a cost above that, and neither below nothing"
    )]
    Cost {
        /// What it cost.
        cost: Pence,
        /// What it is worth at the end.
        residual: Pence,
    },
    /// No life.
    #[error("a life of `{0}` months; expected 1 to {MAX_LIFE_MONTHS}")]
    Life(u32),
}

impl Asset {
    /// An asset of that cost, worth `residual` at the end of its life, in use from a day on.
    ///
    /// # Errors
    /// [`NotAnAsset`].
    pub fn new(
        cost: Pence,
        residual: Pence,
        life_months: u32,
        in_use: LocalDay,
    ) -> Result<Asset, NotAnAsset> {
        if residual.0 < 0 || cost <= residual {
            return Err(NotAnAsset::Cost { cost, residual });
        }
        if !(1..=MAX_LIFE_MONTHS).contains(&life_months) {
            return Err(NotAnAsset::Life(life_months));
        }
        Ok(Asset {
            cost,
            residual,
            life_months,
            in_use,
        })
    }

    /// Depreciation charged by the end of a day, from the start.
    #[must_use]
    pub fn charged_by(&self, day: LocalDay) -> Pence {
        let months = months_of(day.next()).saturating_sub(months_of(self.in_use));
        let months = u32::try_from(months).unwrap_or(0).min(self.life_months);
        let all = Decimal::from(self.cost.0.saturating_sub(self.residual.0));
        let part = all.checked_mul(Decimal::from(months));
        let part = part.and_then(|part| part.checked_div(Decimal::from(self.life_months)));
        part.and_then(Pence::rounded).unwrap_or_default()
    }
}

/// Months since the year nought.
fn months_of(day: LocalDay) -> i32 {
    day.year()
        .saturating_mul(12)
        .saturating_add(i32::from(day.month()))
}
