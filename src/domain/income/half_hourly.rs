//! Export sold at half-hourly prices, which may be less than zero.
//!
//! Each half hour's energy is the register's advance over it, at that half hour's price. Rounding:
//! the exact sum of a local month is one line, rounded once to whole pence, half away from zero. The
//! rate shown beside it is the month's average, to 4 decimals, and nothing is worked out from it.
//! Where a half hour has no read at its ends, the advance over several is split by time and counted.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    BillableRead, Chain, Meets,
    bill::{Bill, BillError, BillFinding, BillLine, finished},
};
use crate::{
    calendar::{HalfHour, HalfHours, Instant, LocalMonth, Period, Zone},
    money::Pence,
    quantity::WattHours,
    tariff::Rate,
};

/// Decimals of the average that is shown.
const SHOWN_DECIMALS: u32 = 4;

/// What is billed.
#[derive(Clone, Copy, Debug)]
pub struct HalfHourlyOf<'a> {
    /// The days, both ends inside.
    pub days: Period,
    /// The society's zone.
    pub zone: &'a Zone,
    /// Reads of every export meter point.
    pub export: &'a [Chain],
    /// Prices by the start of their half hour.
    pub prices: &'a BTreeMap<Instant, Rate>,
    /// VAT, per cent.
    pub vat_percent: Decimal,
    /// Where the bills before and after have their reads.
    pub meets: Meets,
}

/// Energy and money of one local month.
#[derive(Default)]
struct Month {
    wh: i64,
    milli_pence: Decimal,
    half_hours: u32,
}

/// Makes a bill of what left the site.
///
/// # Errors
/// [`BillError`] when reads are missing, or a half hour in which something left has no price.
pub fn bill_half_hourly(of: &HalfHourlyOf<'_>) -> Result<Bill, BillError> {
    if of.export.is_empty() {
        return Err(BillError::NoPoint("export"));
    }
    let mut months: BTreeMap<LocalMonth, Month> = BTreeMap::new();
    let mut findings = Vec::new();
    let mut evidence: Vec<BillableRead> = Vec::new();
    let mut closes_at = None;
    let mut split = 0_u32;
    for chain in of.export {
        let ends = chain.ends(of.zone, of.days, true, of.meets)?;
        let (opening, closing) = (ends.opening, ends.closing);
        evidence.extend([opening.clone(), closing.clone()]);
        closes_at = closes_at.max(Some(closing.at()));
        if of.zone.day_of(opening.at()) > of.days.first_day() {
            findings.push(BillFinding::OpensLate(opening.at()));
        }
        if closing.at() < of.zone.day_span(of.days.last_day()).start {
            findings.push(BillFinding::EndsEarly(closing.at()));
        }
        let mut counted = chain.counted_at(opening).ok_or(BillError::Beyond)?;
        let all = chain.counted_at(closing).ok_or(BillError::Beyond)?;
        let half_hours = HalfHours::new(
            HalfHour::of(opening.at()),
            HalfHour::at_or_after(closing.at()),
        );
        for half_hour in half_hours.iter() {
            let to = match half_hour.end() {
                end if end >= closing.at() => all,
                end => {
                    let (to, by_time) = chain.counted_by(end).ok_or(BillError::Beyond)?;
                    split = split.saturating_add(u32::from(by_time));
                    to
                }
            };
            let wh = to.checked_sub(counted).ok_or(BillError::Beyond)?;
            counted = to;
            let price = of.prices.get(&half_hour.start());
            let price = match (price, wh) {
                (Some(price), _) => price.p_per_kwh(),
                (None, WattHours::ZERO) => Decimal::ZERO,
                (None, _) => return Err(BillError::NoPrice(half_hour.start())),
            };
            let day = of.zone.day_of_half_hour(half_hour);
            let first = of.days.first_day();
            let month = months.entry(day.max(first).local_month()).or_default();
            month.wh = month.wh.checked_add(wh.0).ok_or(BillError::Beyond)?;
            let money = price.checked_mul(Decimal::from(wh.0));
            let sum = money.and_then(|money| month.milli_pence.checked_add(money));
            month.milli_pence = sum.ok_or(BillError::Beyond)?;
            month.half_hours = month.half_hours.saturating_add(1);
        }
    }
    if split > 0 {
        findings.push(BillFinding::HalfHoursSplit(split));
    }
    let lines = months
        .into_iter()
        .map(|(month, sum)| line(of.days, month, &sum))
        .collect::<Option<Vec<_>>>()
        .ok_or(BillError::Beyond)?;
    finished(lines, of.vat_percent, findings, evidence, closes_at).ok_or(BillError::Beyond)
}

fn line(days: Period, month: LocalMonth, sum: &Month) -> Option<BillLine> {
    let pence = Pence::rounded(sum.milli_pence.checked_div(Decimal::ONE_THOUSAND)?)?;
    let average = match sum.wh {
        0 => Decimal::ZERO,
        wh => sum.milli_pence.checked_div(Decimal::from(wh))?,
    };
    let shown =
        average.round_dp_with_strategy(SHOWN_DECIMALS, RoundingStrategy::MidpointAwayFromZero);
    Some(BillLine {
        from: month.first_day().max(days.first_day()),
        to: month.last_day().min(days.last_day()),
        wh: WattHours(sum.wh),
        rate: Rate::new(shown).ok()?,
        pence,
        grid: None,
        grid_pence: None,
        half_hours: Some(sum.half_hours),
    })
}
