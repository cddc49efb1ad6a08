//! Income on a roof's report: what it earned, what it cost, what was lost, beside its energy.
//!
//! Amounts that are not frozen yet say so in their column. What could not be valued is named in a
//! note and stands in no sum.

use domain::{calendar::LocalMonth, money::Pence, quantity::WattHours};

use super::GenerationReport;
use crate::words::{self, Precision};

/// A roof's income over the report's period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Income {
    /// One row a month, in order.
    pub rows: Vec<IncomeRow>,
    /// What was lost over the whole period, by cause.
    pub losses: Vec<LossRow>,
    /// What the weather gave or took; none where it is not told apart from faults.
    pub weather: Option<WattHours>,
    /// The part of the frozen claims that is for export.
    pub exported: Pence,
    /// What the reader has to know.
    pub notes: Vec<String>,
    /// True for sample data.
    pub sample: bool,
}

/// One month's money.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncomeRow {
    /// The month.
    pub month: LocalMonth,
    /// Of frozen claims.
    pub claimed: Pence,
    /// Not claimed yet, at the month's rates.
    pub unclaimed: Pence,
    /// Of frozen bills, before VAT.
    pub billed: Pence,
    /// Not billed yet, at the month's rates, before VAT.
    pub unbilled: Pence,
    /// Costs.
    pub costs: Pence,
    /// Lost; none where nothing could be expected.
    pub lost: Option<WattHours>,
    /// What that was worth, as far as it can be valued.
    pub lost_pence: Pence,
    /// The performance ratio and its usual value, per mille; none where no irradiance is at hand.
    pub ratio_permille: Option<(i64, Option<i64>)>,
}

/// Energy lost for one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LossRow {
    /// Its word.
    pub cause: &'static str,
    /// In words.
    pub words: String,
    /// On how many days.
    pub days: u32,
    /// How much.
    pub wh: WattHours,
    /// What it was worth; none where it cannot be valued.
    pub pence: Option<Pence>,
}

/// A line of the income's table, spelt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomeLine {
    /// The month, or "Total".
    pub label: String,
    /// Frozen claims.
    pub claims: String,
    /// Frozen bills.
    pub bills: String,
    /// What is neither claimed nor billed yet.
    pub open: String,
    /// Costs.
    pub costs: String,
    /// Lost, kWh.
    pub lost_kwh: String,
    /// Lost, pounds.
    pub lost: String,
}

impl Income {
    /// A sum over the rows.
    fn total(&self, of: impl Fn(&IncomeRow) -> Pence) -> Pence {
        Pence(self.rows.iter().map(|row| of(row).0).sum())
    }

    /// Everything earned, frozen or not.
    #[must_use]
    pub fn earned(&self) -> Pence {
        self.total(|row| Pence(row.claimed.0 + row.unclaimed.0 + row.billed.0 + row.unbilled.0))
    }

    /// What of it is not frozen yet.
    #[must_use]
    pub fn not_frozen(&self) -> Pence {
        self.total(|row| Pence(row.unclaimed.0 + row.unbilled.0))
    }

    /// The performance ratio of each month that has one, as a sentence without its end.
    #[must_use]
    pub fn ratio_sentence(&self) -> Option<String> {
        let months = self.rows.iter().filter_map(|row| {
            let first = row.month.first_day();
            let words_of = ratio_words(row.ratio_permille?);
            Some(format!(
                "{} {} {words_of}",
                words::month(first),
                first.year()
            ))
        });
        let months: Vec<String> = months.collect();
        (!months.is_empty()).then(|| format!("performance ratio by month: {}", months.join(", ")))
    }

    /// The rows, spelt, and the line under the rule.
    #[must_use]
    pub fn lines(&self) -> (Vec<IncomeLine>, IncomeLine) {
        let rows = self.rows.iter().map(|row| {
            let first = row.month.first_day();
            line(
                format!("{} {}", words::month(first), first.year()),
                row,
                row.lost,
            )
        });
        let total = IncomeRow {
            month: LocalMonth::default(),
            claimed: self.total(|row| row.claimed),
            unclaimed: self.total(|row| row.unclaimed),
            billed: self.total(|row| row.billed),
            unbilled: self.total(|row| row.unbilled),
            costs: self.total(|row| row.costs),
            lost: None,
            lost_pence: self.total(|row| row.lost_pence),
            ratio_permille: None,
        };
        let known: Vec<i64> = self
            .rows
            .iter()
            .filter_map(|row| row.lost)
            .map(|wh| wh.0)
            .collect();
        let lost = (!known.is_empty()).then(|| WattHours(known.iter().sum()));
        (rows.collect(), line("Total".to_owned(), &total, lost))
    }
}

impl GenerationReport {
    /// The same report with a roof's income beside its energy.
    #[must_use]
    pub fn with_income(mut self, income: Option<Income>) -> GenerationReport {
        let exported = income.as_ref().map(|income| income.exported.0);
        self.totals.export_pence = exported.filter(|pence| *pence != 0);
        self.income = income;
        self
    }

    /// What the roof earned, cost and lost, in a sentence or two.
    #[must_use]
    pub fn income_sentence(&self) -> Option<String> {
        let income = self.income.as_ref()?;
        let mark = if income.sample { "SAMPLE: " } else { "" };
        let open = income.not_frozen();
        let costs = income.total(|row| row.costs);
        let mut text = format!("{mark}{} earned {}", self.subject(), income.earned());
        if open != Pence::ZERO {
            text.push_str(&format!(", of which {open} is not claimed or billed yet"));
        }
        match costs {
            Pence::ZERO => text.push_str("; no costs are entered."),
            costs => text.push_str(&format!("; {costs} of costs are entered.")),
        }
        if !income.losses.is_empty() {
            let wh = WattHours(income.losses.iter().map(|loss| loss.wh.0).sum());
            let causes: Vec<String> = income
                .losses
                .iter()
                .map(|loss| {
                    let days = words::count(loss.days, "day", "days");
                    format!("{} on {days}", loss.words)
                })
                .collect();
            text.push_str(&format!(
                " {} worth {} were lost: {}.",
                kwh(wh),
                income.total(|row| row.lost_pence),
                words::list(&causes)
            ));
        } else if income.rows.iter().any(|row| row.lost.is_some()) {
            text.push_str(" Nothing was lost that could be told.");
        }
        if let Some(weather) = income.weather.filter(|wh| wh.0 != 0) {
            let (took, size) = match weather.0 < 0 {
                true => ("took", WattHours(-weather.0)),
                false => ("gave", weather),
            };
            text.push_str(&format!(
                " The weather {took} {} against what is usual.",
                kwh(size)
            ));
        }
        Some(text)
    }
}

fn line(label: String, row: &IncomeRow, lost: Option<WattHours>) -> IncomeLine {
    IncomeLine {
        label,
        claims: row.claimed.to_string(),
        bills: row.billed.to_string(),
        open: Pence(row.unclaimed.0 + row.unbilled.0).to_string(),
        costs: row.costs.to_string(),
        lost_kwh: lost.map_or_else(|| "not known".to_owned(), bare_kwh),
        lost: match lost {
            Some(_) => row.lost_pence.to_string(),
            None => String::new(),
        },
    }
}

/// A performance ratio in words: `0.823 (usually 0.850)`.
#[must_use]
pub fn ratio_words((now, usual): (i64, Option<i64>)) -> String {
    let ratio = |permille: i64| format!("{}.{:03}", permille / 1_000, permille % 1_000);
    let usual = usual.map(|usual| format!(" (usually {})", ratio(usual)));
    format!("{}{}", ratio(now), usual.unwrap_or_default())
}

fn kwh(wh: WattHours) -> String {
    format!("{} kWh", bare_kwh(wh))
}

fn bare_kwh(wh: WattHours) -> String {
    if wh == WattHours::ZERO {
        return "0".to_owned();
    }
    Precision::for_largest(wh).kwh(wh)
}
