//! What the host of a roof pays for power used on its site, and what the grid would have asked.

use rust_decimal::Decimal;

use super::{IndexName, NotARate, Provenance, Rate, fit::Uplift};
use crate::calendar::LocalDay;

/// Decimals of a host's rate that was worked out: an indexed one, or one below the grid price.
const HOST_DECIMALS: u32 = 4;

/// How a host's rate comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostRate {
    /// The same for the whole contract.
    Fixed(Rate),
    /// Raised every 1 April, rounded half-up to 4 decimals.
    Indexed {
        /// The rate from the contract's first day.
        base: Rate,
        /// By what.
        by: Indexed,
        /// No raise is larger, per cent.
        cap: Option<Decimal>,
        /// No raise is smaller, per cent.
        floor: Option<Decimal>,
    },
    /// So many per cent below the dated grid price, rounded half-up to 4 decimals.
    BelowGrid(Decimal),
}

/// What an indexed rate follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indexed {
    /// The published 12-month rate of an index.
    Published(IndexName),
    /// The same per cent every year.
    Percent(Decimal),
}

/// What the grid asks from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridPrice {
    /// First day.
    pub from: LocalDay,
    /// The price.
    pub rate: Rate,
    /// The supplier's bill or contract.
    pub provenance: Provenance,
}

/// A host's contract, as far as it makes prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostTerms {
    /// First day of the contract.
    pub from: LocalDay,
    /// How the rate comes about.
    pub rate: HostRate,
    /// Grid prices in order of their first days; none where nobody compares.
    pub grid: Vec<GridPrice>,
    /// VAT, per cent.
    pub vat_percent: Decimal,
}

/// Days with one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPriced {
    /// First day.
    pub first: LocalDay,
    /// Last day.
    pub last: LocalDay,
    /// What the host pays.
    pub rate: Rate,
    /// What the grid asks; `None` where it is not known.
    pub grid: Option<Rate>,
}

/// Why a host has no price for a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoHostRate {
    /// Before the contract.
    #[error("`{day}` is before the host's contract, which begins with `{from}`")]
    TooEarly {
        /// The day asked for.
        day: LocalDay,
        /// The contract's first day.
        from: LocalDay,
    },
    /// No grid price.
    #[error(
        "no grid price for `{0}`, which the rate is measured by\nhint: add the price from the host's bill under [[host.grid_price]], with its source"
    )]
    NoGridPrice(LocalDay),
    /// No index row.
    #[error(
        "no published {} rate for the raise of 1 April `{year}`\nhint: add the 12-month rate of the December before, with its source", .index.word()
    )]
    NoUplift {
        /// Which index.
        index: IndexName,
        /// The year.
        year: i32,
    },
    /// Not a rate.
    #[error(transparent)]
    Beyond(#[from] NotARate),
}

impl HostTerms {
    /// Prices of the days from `first` to `last`, split at every change of either price.
    ///
    /// # Errors
    /// [`NoHostRate`] when a price the rate needs is not known; none is carried over from an index.
    pub fn prices(
        &self,
        published: &[Uplift],
        first: LocalDay,
        last: LocalDay,
    ) -> Result<Vec<HostPriced>, NoHostRate> {
        let grid = self.grid.iter().map(|row| row.from);
        let aprils = match self.rate {
            HostRate::Indexed { .. } => first.year()..last.year().saturating_add(1),
            HostRate::Fixed(_) | HostRate::BelowGrid(_) => 0..0,
        };
        let aprils = aprils.filter_map(|year| LocalDay::of_date(year, 4, 1));
        let mut starts: Vec<LocalDay> = grid
            .chain(aprils)
            .filter(|day| first < *day && *day <= last)
            .chain([first])
            .collect();
        starts.sort_unstable();
        starts.dedup();
        let ends = starts
            .iter()
            .skip(1)
            .map(|start| start.previous())
            .chain([last]);
        starts
            .iter()
            .copied()
            .zip(ends)
            .map(|(first, last)| {
                Ok(HostPriced {
                    first,
                    last,
                    rate: self.rate_on(published, first)?,
                    grid: self.grid_on(first),
                })
            })
            .collect()
    }

    /// What the grid asks on a day.
    #[must_use]
    pub fn grid_on(&self, day: LocalDay) -> Option<Rate> {
        let row = self.grid.iter().rev().find(|row| row.from <= day)?;
        Some(row.rate)
    }

    fn rate_on(&self, published: &[Uplift], day: LocalDay) -> Result<Rate, NoHostRate> {
        if day < self.from {
            return Err(NoHostRate::TooEarly {
                day,
                from: self.from,
            });
        }
        let beyond = |percent: Decimal| NoHostRate::Beyond(NotARate(format!("{percent} % more")));
        match &self.rate {
            HostRate::Fixed(rate) => Ok(*rate),
            HostRate::BelowGrid(percent) => {
                let grid = self.grid_on(day).ok_or(NoHostRate::NoGridPrice(day))?;
                let down = Decimal::ZERO.saturating_sub(*percent);
                grid.raised(down, HOST_DECIMALS).ok_or_else(|| beyond(down))
            }
            HostRate::Indexed {
                base,
                by,
                cap,
                floor,
            } => {
                let mut rate = *base;
                for year in self.from.year()..=day.year() {
                    let april = LocalDay::of_date(year, 4, 1);
                    if !april.is_some_and(|april| self.from < april && april <= day) {
                        continue;
                    }
                    let percent = match *by {
                        Indexed::Percent(percent) => percent,
                        Indexed::Published(index) => published
                            .iter()
                            .find(|row| row.index == index && row.year == year)
                            .map(|row| row.percent)
                            .ok_or(NoHostRate::NoUplift { index, year })?,
                    };
                    let percent = cap.map_or(percent, |cap| percent.min(cap));
                    let percent = floor.map_or(percent, |floor| percent.max(floor));
                    rate = rate
                        .raised(percent, HOST_DECIMALS)
                        .ok_or_else(|| beyond(percent))?;
                }
                Ok(rate)
            }
        }
    }
}
