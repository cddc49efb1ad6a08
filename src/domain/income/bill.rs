//! A bill to the host for power that was used on its site: generation less export by billable reads,
//! or deemed or fixed by contract, which the bill states.
//!
//! Rounding: a line is one rate over its whole energy, rounded once to whole pence, half away from
//! zero; VAT is rounded once on the sum of the lines. Deemed and fixed energy is cut to the Wh.

use core::fmt;

use rust_decimal::Decimal;

use super::{BillableRead, Boundary, Chain, EndsError, Meets};
use crate::{
    calendar::{Instant, LocalDay, Period, Zone},
    money::Pence,
    quantity::WattHours,
    tariff::{
        Rate,
        fit::Uplift,
        host::{HostPriced, HostTerms, NoHostRate},
    },
};

/// How the energy used on site is known.
#[derive(Clone, Copy, Debug)]
pub enum OnSite<'a> {
    /// Generation less export, both by registers approved for billing.
    Metered {
        /// Reads of every generation meter point.
        generation: &'a [Chain],
        /// Reads of every export meter point.
        export: &'a [Chain],
    },
    /// So many per cent of the generation, by contract.
    Deemed {
        /// Reads of every generation meter point.
        generation: &'a [Chain],
        /// Per cent used on site.
        percent: u8,
    },
    /// So much a year, by contract, shared evenly over the days of each calendar year.
    Fixed {
        /// Energy a year.
        a_year: WattHours,
    },
    /// What leaves the site, by its export meter: sold to a buyer and not used on site.
    Export {
        /// Reads of every export meter point.
        export: &'a [Chain],
    },
}

/// What is billed.
#[derive(Clone, Copy, Debug)]
pub struct BillOf<'a> {
    /// The days, both ends inside.
    pub days: Period,
    /// The society's zone.
    pub zone: &'a Zone,
    /// The host's terms.
    pub terms: &'a HostTerms,
    /// Published uplifts, for an indexed rate.
    pub published: &'a [Uplift],
    /// How the energy is known.
    pub on_site: OnSite<'a>,
    /// Where the bills before and after have their reads.
    pub meets: Meets,
}

/// One line: one rate, one rounding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillLine {
    /// First local day.
    pub from: LocalDay,
    /// Last local day.
    pub to: LocalDay,
    /// Energy used on site.
    pub wh: WattHours,
    /// What the host pays.
    pub rate: Rate,
    /// What is due, before VAT.
    pub pence: Pence,
    /// What the grid asks; `None` where it is not known.
    pub grid: Option<Rate>,
    /// What the grid would have asked for it, before VAT.
    pub grid_pence: Option<Pence>,
    /// How many half hours were priced one by one; the rate is then their average, for show.
    pub half_hours: Option<u32>,
}

/// A bill, not yet frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Its lines.
    pub lines: Vec<BillLine>,
    /// Their sum.
    pub net: Pence,
    /// VAT on the sum.
    pub vat: Pence,
    /// What is to be paid.
    pub gross: Pence,
    /// What the host saves against the grid, before VAT; `None` where a grid price is not known.
    pub saving: Option<Pence>,
    /// What a person should know.
    pub findings: Vec<BillFinding>,
    /// Every read that a line begins or ends with, in order.
    pub evidence: Vec<BillableRead>,
    /// The latest of the closing reads, where there are reads.
    pub closes_at: Option<Instant>,
}

/// What a person should know of a bill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillFinding {
    /// No read of the day before a price changed: split by time.
    Apportioned {
        /// First day of the new price.
        from: LocalDay,
        /// The read before.
        before: Instant,
        /// The read after.
        after: Instant,
    },
    /// A meter point has no read at the start.
    OpensLate(Instant),
    /// A meter point has no read at the end.
    EndsEarly(Instant),
    /// So many half hours have no read at their end: split by time.
    HalfHoursSplit(u32),
}

/// Why there is no bill.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BillError {
    /// No price.
    #[error(transparent)]
    NoRate(#[from] NoHostRate),
    /// No reads.
    #[error(transparent)]
    Ends(#[from] EndsError),
    /// No export meter.
    #[error(
        "power used on site is metered as generation less export, and there is no {0} meter point\nhint: name it in the society file, or agree on a deemed share"
    )]
    NoPoint(&'static str),
    /// More went out than was made.
    #[error(
        "export of `{}` Wh from `{from}` to `{to}` exceeds the generation of `{}` Wh; expected at most that\nhint: check the reads at both ends", .export.0, .generation.0
    )]
    MoreExport {
        /// First day.
        from: LocalDay,
        /// Last day.
        to: LocalDay,
        /// Generated.
        generation: WattHours,
        /// Exported.
        export: WattHours,
    },
    /// No price for a half hour in which energy left.
    #[error(
        "there is no price for the half hour from {0}\nhint: propose a file that has it with `commonwatt table extend export-price`"
    )]
    NoPrice(Instant),
    /// A share that cannot be.
    #[error("`{0}` % used on site; expected at most 100 %")]
    Share(u8),
    /// Too much.
    #[error("the bill leaves the range of 64 bits")]
    Beyond,
}

/// Makes a bill.
///
/// # Errors
/// [`BillError`] when reads or prices are missing; nothing is estimated.
pub fn bill(of: &BillOf<'_>) -> Result<Bill, BillError> {
    let (first, last) = (of.days.first_day(), of.days.last_day());
    let prices = of.terms.prices(of.published, first, last)?;
    let mut made = Made::default();
    let energies = match of.on_site {
        OnSite::Fixed { a_year } => prices
            .iter()
            .map(|price| fixed(a_year, price))
            .collect::<Option<Vec<_>>>()
            .ok_or(BillError::Beyond)?,
        OnSite::Deemed {
            generation,
            percent,
        } => {
            if percent > 100 {
                return Err(BillError::Share(percent));
            }
            let generated = made.counted(of, generation, &prices, "generation")?;
            let share = |wh: WattHours| wh.0.checked_mul(i64::from(percent));
            generated
                .into_iter()
                .map(|wh| share(wh).map(|wh| WattHours(wh / 100)))
                .collect::<Option<Vec<_>>>()
                .ok_or(BillError::Beyond)?
        }
        OnSite::Export { export } => made.counted(of, export, &prices, "export")?,
        OnSite::Metered { generation, export } => {
            let generated = made.counted(of, generation, &prices, "generation")?;
            let exported = made.counted(of, export, &prices, "export")?;
            let mut used = Vec::with_capacity(prices.len());
            for ((price, generation), export) in prices.iter().zip(generated).zip(exported) {
                let wh = generation.checked_sub(export).ok_or(BillError::Beyond)?;
                if wh < WattHours::ZERO {
                    return Err(BillError::MoreExport {
                        from: price.first,
                        to: price.last,
                        generation,
                        export,
                    });
                }
                used.push(wh);
            }
            used
        }
    };
    let lines = prices
        .iter()
        .zip(energies)
        .map(|(price, wh)| line(price, wh))
        .collect::<Option<Vec<_>>>()
        .ok_or(BillError::Beyond)?;
    made.finish(lines, of.terms.vat_percent)
        .ok_or(BillError::Beyond)
}

#[derive(Default)]
struct Made {
    findings: Vec<BillFinding>,
    evidence: Vec<BillableRead>,
    closes_at: Option<Instant>,
}

impl Made {
    /// What several meter points counted together under each price.
    fn counted(
        &mut self,
        of: &BillOf<'_>,
        chains: &[Chain],
        prices: &[HostPriced],
        what: &'static str,
    ) -> Result<Vec<WattHours>, BillError> {
        if chains.is_empty() {
            return Err(BillError::NoPoint(what));
        }
        let mut sums = vec![WattHours::ZERO; prices.len()];
        for chain in chains {
            let ends = chain.ends(of.zone, of.days, true, of.meets)?;
            let (opening, closing) = (ends.opening, ends.closing);
            self.evidence.extend([opening.clone(), closing.clone()]);
            self.closes_at = self.closes_at.max(Some(closing.at()));
            if of.zone.day_of(opening.at()) > of.days.first_day() {
                self.findings.push(BillFinding::OpensLate(opening.at()));
            }
            if closing.at() < of.zone.day_span(of.days.last_day()).start {
                self.findings.push(BillFinding::EndsEarly(closing.at()));
            }
            let mut counted = chain.counted_at(opening).ok_or(BillError::Beyond)?;
            let all = chain.counted_at(closing).ok_or(BillError::Beyond)?;
            for (n, (price, sum)) in prices.iter().zip(&mut sums).enumerate() {
                let at = of.zone.day_span(price.last).end;
                let to = if n.saturating_add(1) == prices.len() || at >= closing.at() {
                    all
                } else if at <= opening.at() {
                    counted
                } else {
                    self.split(of, chain, opening, price, at)?
                };
                let part = to.checked_sub(counted).ok_or(BillError::Beyond)?;
                *sum = sum.checked_add(part).ok_or(BillError::Beyond)?;
                counted = to;
            }
        }
        Ok(sums)
    }

    fn split(
        &mut self,
        of: &BillOf<'_>,
        chain: &Chain,
        opening: &BillableRead,
        price: &HostPriced,
        at: Instant,
    ) -> Result<WattHours, BillError> {
        let day_before = of.zone.day_span(price.last).start.max(opening.at());
        let (to, boundary) = chain.counted_to(day_before, at).ok_or(BillError::Beyond)?;
        match boundary {
            Boundary::Read(read) => self.evidence.push(read.clone()),
            Boundary::Off => {}
            Boundary::Apportioned { before, after } => {
                self.evidence.extend([before.clone(), after.clone()]);
                self.findings.push(BillFinding::Apportioned {
                    from: price.last.next(),
                    before: before.at(),
                    after: after.at(),
                });
            }
        }
        Ok(to)
    }

    fn finish(self, lines: Vec<BillLine>, vat_percent: Decimal) -> Option<Bill> {
        finished(
            lines,
            vat_percent,
            self.findings,
            self.evidence,
            self.closes_at,
        )
    }
}

/// Lines with their sums, VAT and evidence.
pub(super) fn finished(
    lines: Vec<BillLine>,
    vat_percent: Decimal,
    findings: Vec<BillFinding>,
    mut evidence: Vec<BillableRead>,
    closes_at: Option<Instant>,
) -> Option<Bill> {
    let net = Pence::total(lines.iter().map(|line| line.pence))?;
    let vat = Decimal::from(net.0)
        .checked_mul(vat_percent)?
        .checked_div(Decimal::ONE_HUNDRED)?;
    let vat = Pence::rounded(vat)?;
    let grid: Option<Vec<Pence>> = lines.iter().map(|line| line.grid_pence).collect();
    let saving = match grid {
        Some(grid) => Some(Pence::total(grid)?.checked_sub(net)?),
        None => None,
    };
    evidence.sort_by_key(|read| (read.at(), read.meter().to_owned(), read.register()));
    evidence.dedup();
    Some(Bill {
        lines,
        net,
        vat,
        gross: net.checked_add(vat)?,
        saving,
        findings,
        evidence,
        closes_at,
    })
}

fn line(price: &HostPriced, wh: WattHours) -> Option<BillLine> {
    Some(BillLine {
        from: price.first,
        to: price.last,
        wh,
        rate: price.rate,
        pence: price.rate.price(wh)?,
        grid: price.grid,
        grid_pence: match price.grid {
            Some(grid) => Some(grid.price(wh)?),
            None => None,
        },
        half_hours: None,
    })
}

/// The share of a yearly amount that falls on the days of a price.
fn fixed(a_year: WattHours, price: &HostPriced) -> Option<WattHours> {
    let mut sum = WattHours::ZERO;
    for year in price.first.year()..=price.last.year() {
        let days = Period::Year(year);
        let first = price.first.max(days.first_day());
        let last = price.last.min(days.last_day());
        // Cumulative from 1 January, so that the parts of a year sum to it.
        let until = |day: LocalDay| {
            let passed = i64::from(day.days_since(days.first_day()));
            a_year
                .0
                .checked_mul(passed)?
                .checked_div(i64::from(days.day_count()))
        };
        let part = until(last.next())?.checked_sub(until(first)?)?;
        sum = sum.checked_add(WattHours(part))?;
    }
    Some(sum)
}

impl OnSite<'_> {
    /// The word used on bills, in JSON and in files.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            OnSite::Metered { .. } => "metered",
            OnSite::Deemed { .. } => "deemed",
            OnSite::Fixed { .. } => "fixed",
            OnSite::Export { .. } => "export",
        }
    }
}

impl BillFinding {
    /// The word used in JSON and in files.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            BillFinding::Apportioned { .. } => "apportioned",
            BillFinding::OpensLate(_) => "opens-late",
            BillFinding::EndsEarly(_) => "ends-early",
            // As with other lines that are split by time, a freeze asks whether it is meant.
            BillFinding::HalfHoursSplit(_) => "apportioned",
        }
    }
}

impl fmt::Display for BillFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BillFinding::Apportioned {
                from,
                before,
                after,
            } => write!(
                f,
                "no read of {}, the day before the price changed: the advance between {before} and {after} was split by time",
                from.previous()
            ),
            BillFinding::HalfHoursSplit(count) => write!(
                f,
                "{count} half hours have no read at their end: the advance over them was split by time"
            ),
            BillFinding::OpensLate(at) => {
                write!(
                    f,
                    "a meter has no read at the start; it opens with that of {at}"
                )
            }
            BillFinding::EndsEarly(at) => {
                write!(
                    f,
                    "a meter has no read at the end; it closes with that of {at}"
                )
            }
        }
    }
}
