//! The outlook for this year: what the roofs have made so far, what three plain cases of the rest
//! would add, and what the society's own rule would leave for share interest then.
//!
//! The rest of the year comes out as in the weakest of the years that are known, as forecast, or as in
//! the best of them: each as the part of its forecast that those same months of an earlier year made.
//! With fewer than two such years nine and eleven tenths of the forecast stand in, and it says so.
//! What a kilowatt-hour brought so far this year is taken for the rest. Costs are those of the books so
//! far, and for the rest those of the same days a year earlier. Nothing is decided here, and nothing of
//! it is kept: the board declares when the year is over.

use domain::{
    calendar::{Instant, LocalDay, Period},
    money::Pence,
    quantity::WattHours,
};
use rust_decimal::{Decimal, prelude::ToPrimitive};

use super::{
    Office,
    answer::{Answer, Refusal},
    interest::Given,
    society::SocietyOffice,
};

/// Years before this one that are looked at.
const YEARS_BACK: i32 = 10;
/// An earlier year counts when so much of its rest's days is known, per cent.
const KNOWN_PERCENT: u32 = 95;

/// What may become of this year.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// First day of the accounts year.
    pub first: LocalDay,
    /// Its last day.
    pub last: LocalDay,
    /// The last day of which reads are counted: yesterday.
    pub until: LocalDay,
    /// Made so far.
    pub made: WattHours,
    /// Forecast for the same days; none without a forecast.
    pub forecast: Option<WattHours>,
    /// Income of the year so far, claimed or not, before costs.
    pub income: Pence,
    /// Costs of the books so far, and for the rest as a year ago; none without a chart of accounts.
    pub costs: Option<Pence>,
    /// Weakest, forecast, best.
    pub cases: Vec<Case>,
    /// What the reader has to know.
    pub notes: Vec<String>,
    /// True for sample data.
    pub sample: bool,
}

/// One case of the rest of the year.
#[derive(Clone, Debug)]
pub struct Case {
    /// `weak`, `as forecast` or `good`.
    pub word: &'static str,
    /// Where it comes from.
    pub why: String,
    /// The year's energy.
    pub energy: WattHours,
    /// The year's income.
    pub income: Pence,
    /// Income less costs.
    pub surplus: Option<Pence>,
    /// Share interest by the society's rule.
    pub interest: Option<Pence>,
    /// The same as per cent of share capital.
    pub percent: Option<Decimal>,
    /// The community fund by the rule.
    pub fund: Option<Pence>,
}

impl Case {
    /// What a holding would earn, where the rule says a rate.
    #[must_use]
    pub fn earns(&self, held: Pence) -> Option<Pence> {
        let exact = Decimal::from(held.0).checked_mul(self.percent?)?;
        Pence::rounded(exact.checked_div(Decimal::ONE_HUNDRED)?)
    }
}

impl SocietyOffice {
    /// The outlook for the accounts year of today.
    ///
    /// # Errors
    /// On the year's first day, before a roof has a forecast, or when a stored row is damaged.
    pub fn outlook(&self, office: &Office, now: Instant, fresh: bool) -> Answer<Outlook> {
        let known = self.known();
        let today = known.zone.day_of(now);
        let year = self.year_of(today);
        let (first, last) = (year.first_day(), year.next().first_day().previous());
        let until = today.previous();
        if until < first {
            return Err(Refusal::Caller(format!(
                "the accounts year began today, {today}; expected a day of it that is over\nhint: look again tomorrow"
            )));
        }
        let so_far = Period::Range { first, last: until };
        let report = self.generation(None, so_far, None, now, fresh)?;
        let made = report.totals.generated.unwrap_or(WattHours::ZERO);
        let rest = Period::Range { first: today, last };
        let to_come = self
            .generation(None, rest, None, now, fresh)?
            .totals
            .forecast;
        let Some(to_come) = to_come else {
            return Err(Refusal::Caller(
                "no roof has a forecast for the rest of the year\nhint: add [[forecast]] to the society file"
                    .to_owned(),
            ));
        };
        let mut notes = Vec::new();
        let mut income = 0_i64;
        for site in &known.document.site {
            let of_site = office.site_income(self, &site.id, so_far, now, fresh)?;
            income = income.saturating_add(of_site.total(|month| month.income()).0);
        }
        let parts = self.earlier_rests(today, last, now, fresh)?;
        let costs = self.costs_of_year(first, until, last)?;
        if costs.is_none() {
            notes.push(
                "Without a chart of accounts no costs are known, so no surplus is told.".to_owned(),
            );
        }
        let mut cases = Vec::new();
        for (word, part, why) in three(&parts) {
            let rest_wh = part_of(to_come.0, part);
            let energy = WattHours(made.0.saturating_add(rest_wh));
            let rest_income = match made.0 {
                1.. => scaled(income, rest_wh, made.0),
                _ => 0,
            };
            let income = Pence(income.saturating_add(rest_income));
            let surplus = costs.map(|costs| Pence(income.0.saturating_sub(costs.0)));
            let mut case = Case {
                word,
                why,
                energy,
                income,
                surplus,
                interest: None,
                percent: None,
                fund: None,
            };
            if let Some(surplus) = surplus {
                let given = Given {
                    start: Some(surplus),
                    ..Given::default()
                };
                match self.share_out(Period::Range { first, last }, &given) {
                    Ok(year) => {
                        case.interest = Some(year.shared.interest);
                        case.percent = year.percent;
                        case.fund = Some(year.shared.fund);
                    }
                    Err(Refusal::Caller(why)) => {
                        let why = why.split("\nhint: ").next().unwrap_or_default();
                        let told = format!("What is left for interest cannot be told: {why}.");
                        if !notes.contains(&told) {
                            notes.push(told);
                        }
                    }
                    Err(ours) => return Err(ours),
                }
            }
            cases.push(case);
        }
        if parts.len() < 2 {
            notes.push(
                "Fewer than two earlier years are known whole, so nine and eleven tenths of the forecast stand for a weak and a good rest of the year."
                    .to_owned(),
            );
        }
        Ok(Outlook {
            first,
            last,
            until,
            made,
            forecast: report.totals.forecast,
            income: Pence(income),
            costs,
            cases,
            notes,
            sample: self.is_sample() || report.samples.generation || report.samples.forecast,
        })
    }

    /// What the same rest of earlier years made, in ten-thousandths of its forecast, with the year.
    fn earlier_rests(
        &self,
        today: LocalDay,
        last: LocalDay,
        now: Instant,
        fresh: bool,
    ) -> Answer<Vec<(i64, i32)>> {
        let Some(oldest) = self.first_year(None)? else {
            return Ok(Vec::new());
        };
        let mut parts = Vec::new();
        for back in 1..=YEARS_BACK {
            let earlier = |day: LocalDay| {
                // 29 February has no day a year earlier; the day before stands for it.
                let year = day.year() - back;
                LocalDay::of_date(year, day.month(), day.day())
                    .unwrap_or_else(|| day.plus(-1 - 365 * back))
            };
            let (first, last) = (earlier(today), earlier(last));
            if first.year() < oldest || last < first {
                break;
            }
            let Ok(report) = self.generation(None, Period::Range { first, last }, None, now, fresh)
            else {
                continue;
            };
            let totals = &report.totals;
            let whole = totals.days.complete.saturating_mul(100)
                >= totals.days.of.saturating_mul(KNOWN_PERCENT);
            if let (true, Some(made), Some(forecast)) = (whole, totals.generated, totals.forecast)
                && forecast.0 > 0
            {
                parts.push((scaled(10_000, made.0, forecast.0), first.year()));
            }
        }
        parts.sort_unstable();
        Ok(parts)
    }

    /// Costs of the books so far, and those of the same rest a year earlier; none without a chart.
    fn costs_of_year(
        &self,
        first: LocalDay,
        until: LocalDay,
        last: LocalDay,
    ) -> Answer<Option<Pence>> {
        let ledger = self.ledger()?;
        if ledger.chart().is_empty() {
            return Ok(None);
        }
        let spent = |from: LocalDay, to: LocalDay| {
            let mut sum = 0_i64;
            for account in ledger.chart().accounts() {
                let apart = [
                    domain::accounts::Role::ShareInterest,
                    domain::accounts::Role::FundGiven,
                ]
                .iter()
                .any(|role| ledger.role(*role).is_ok_and(|code| code == account.code));
                if account.kind == domain::accounts::Kind::Expense && !apart {
                    sum = sum.saturating_add(ledger.moved(&account.code, from, to).0);
                }
            }
            sum
        };
        let a_year_ago = (until.plus(1 - 365), last.plus(-365));
        let so_far = spent(first, until);
        Ok(Some(Pence(
            so_far.saturating_add(spent(a_year_ago.0, a_year_ago.1)),
        )))
    }
}

/// The three cases: word, part of the forecast in ten-thousandths, where it comes from.
fn three(parts: &[(i64, i32)]) -> [(&'static str, i64, String); 3] {
    let of = |found: Option<&(i64, i32)>, stands: i64, how: &str| match found {
        Some((part, year)) if parts.len() > 1 => (
            *part,
            format!("the rest of the year as in {year}, {how} of those known"),
        ),
        _ => (
            stands,
            format!(
                "the rest of the year at {} tenths of its forecast",
                stands / 1_000
            ),
        ),
    };
    let (weak, why_weak) = of(parts.first(), 9_000, "the weakest");
    let (good, why_good) = of(parts.last(), 11_000, "the best");
    [
        ("weak", weak, why_weak),
        (
            "as forecast",
            10_000,
            "the rest of the year as forecast".to_owned(),
        ),
        ("good", good, why_good),
    ]
}

fn part_of(whole: i64, ten_thousandths: i64) -> i64 {
    scaled(whole, ten_thousandths, 10_000)
}

/// `amount` times `by` over `over`, rounded once, half away from zero.
fn scaled(amount: i64, by: i64, over: i64) -> i64 {
    let product = Decimal::from(amount).checked_mul(Decimal::from(by));
    let part = product.and_then(|product| product.checked_div(Decimal::from(over)));
    part.map(|part| {
        part.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
    })
    .and_then(|part| part.to_i64())
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cases_are_the_weakest_the_forecast_and_the_best() {
        let parts = [(8_700, 2012), (9_900, 2014), (12_110, 2013)];
        let found = three(&parts);
        let of: Vec<(&str, i64)> = found.iter().map(|(word, part, _)| (*word, *part)).collect();
        assert_eq!(
            of,
            [("weak", 8_700), ("as forecast", 10_000), ("good", 12_110)]
        );
        assert!(found[0].2.contains("2012") && found[2].2.contains("2013"));
        let few = three(&parts[..1]);
        assert_eq!((few[0].1, few[2].1), (9_000, 11_000));
    }

    #[test]
    fn a_part_is_rounded_once() {
        assert_eq!(scaled(1_000, 1, 3), 333);
        assert_eq!(scaled(5, 1, 2), 3);
        assert_eq!(scaled(-5, 1, 2), -3);
        assert_eq!(part_of(26_913_000, 9_000), 24_221_700);
    }
}
