//! Projections from a file of inputs: read, checked, worked out. Nothing of a society is asked.

use domain::projection::{Loan, Plan, PlanYear, Shares};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::answer::{Answer, OrCaller, Refusal, refuse};

/// A line of a projection: key, words, the figure of a year.
pub type Row = (&'static str, &'static str, fn(&PlanYear) -> Decimal);

/// The lines of a projection, as they are printed.
pub const ROWS: [Row; 11] = [
    ("income", "income", |y| y.income),
    ("costs", "costs", |y| y.costs),
    ("gross", "income less costs", |y| y.gross),
    ("depreciation", "depreciation", |y| y.depreciation),
    ("surplus", "surplus before interest", |y| y.surplus),
    ("bank_interest", "bank interest", |y| y.bank_interest),
    ("loan_interest", "loan interest", |y| y.loan_interest),
    ("loan_repaid", "loan repaid", |y| y.loan_repaid),
    ("member_interest", "share interest", |y| y.member_interest),
    ("fund", "community fund", |y| y.fund),
    ("capital_repaid", "share capital repaid", |y| {
        y.capital_repaid
    }),
];

/// A projection, worked out.
pub struct Projected {
    /// Whose.
    pub name: String,
    /// The unit of all amounts.
    pub unit: String,
    /// Where inputs come from.
    pub source: String,
    /// True when inputs are not found in print.
    pub sample: bool,
    /// What the first year is called.
    pub first_year: u16,
    /// Columns: their heads, and the first and last year of each, by place.
    pub columns: Vec<(String, usize, usize)>,
    /// The years.
    pub years: Vec<PlanYear>,
    /// What members earn on their capital, per cent a year.
    pub member_return: Option<Decimal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    name: String,
    #[serde(default = "pounds")]
    unit: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    sample: bool,
    #[serde(default = "one")]
    first_year: u16,
    #[serde(default)]
    columns: Vec<String>,
    years: u16,
    income: String,
    #[serde(default)]
    income_rises: String,
    #[serde(default)]
    degradation: String,
    #[serde(default)]
    last_year_part: String,
    costs: String,
    #[serde(default)]
    costs_rise: String,
    #[serde(default)]
    once: Vec<Once>,
    #[serde(default)]
    plant: String,
    #[serde(default)]
    loan: Option<LoanFile>,
    #[serde(default)]
    shares: Option<SharesFile>,
    #[serde(default)]
    fund: String,
    #[serde(default)]
    cash_rate: String,
    #[serde(default)]
    cash_kept: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Once {
    year: u16,
    amount: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoanFile {
    amount: String,
    rate: String,
    years: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharesFile {
    capital: String,
    rate: String,
    repaid_over: u16,
}

fn pounds() -> String {
    "£".to_owned()
}

fn one() -> u16 {
    1
}

/// Works out the projection of a file.
///
/// # Errors
/// With the key that is wrong.
pub fn project(text: &str) -> Answer<Projected> {
    let file: PlanFile =
        toml::from_str(text).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))?;
    let year = |label: u16| {
        label
            .checked_sub(file.first_year)
            .and_then(|n| n.checked_add(1))
    };
    let mut once = Vec::new();
    for cost in &file.once {
        let Some(at) = year(cost.year) else {
            return refuse(format!(
                "once.year is `{}`; expected a year of the projection",
                cost.year
            ));
        };
        once.push((at, number("once.amount", &cost.amount)?));
    }
    let plan = Plan {
        years: file.years,
        income: number("income", &file.income)?,
        income_rises: number("income_rises", &file.income_rises)?,
        degradation: number("degradation", &file.degradation)?,
        last_year_part: match file.last_year_part.as_str() {
            "" => None,
            text => Some(number("last_year_part", text)?),
        },
        costs: number("costs", &file.costs)?,
        costs_rise: number("costs_rise", &file.costs_rise)?,
        once,
        plant: number("plant", &file.plant)?,
        loan: match &file.loan {
            None => None,
            Some(loan) => Some(Loan {
                amount: number("loan.amount", &loan.amount)?,
                rate: number("loan.rate", &loan.rate)?,
                years: loan.years,
            }),
        },
        shares: match &file.shares {
            None => None,
            Some(shares) => Some(Shares {
                capital: number("shares.capital", &shares.capital)?,
                rate: number("shares.rate", &shares.rate)?,
                repaid_over: shares.repaid_over,
            }),
        },
        fund: number("fund", &file.fund)?,
        cash_rate: number("cash_rate", &file.cash_rate)?,
        cash_kept: number("cash_kept", &file.cash_kept)?,
    };
    let years = plan.project().or_caller()?;
    let mut columns = Vec::new();
    let all: Vec<String> = match file.columns.is_empty() {
        true => (0..file.years)
            .map(|n| n.saturating_add(file.first_year).to_string())
            .collect(),
        false => file.columns.clone(),
    };
    for head in all {
        let (from, to) = head.split_once('-').unwrap_or((&head, &head));
        let place = |text: &str| text.trim().parse().ok().and_then(year).map(usize::from);
        match (place(from), place(to)) {
            (Some(from), Some(to)) if from >= 1 && from <= to && to <= years.len() => {
                columns.push((head.clone(), from - 1, to - 1));
            }
            _ => {
                return refuse(format!(
                    "column `{head}` is none; expected a year such as `3`, or years such as `6-10`, of the projection"
                ));
            }
        }
    }
    Ok(Projected {
        member_return: plan.member_return(&years),
        name: file.name,
        unit: file.unit,
        source: file.source,
        sample: file.sample,
        first_year: file.first_year,
        columns,
        years,
    })
}

fn number(key: &str, text: &str) -> Answer<Decimal> {
    let short = Some(text.trim()).filter(|text| text.len() <= 20);
    let found = match short {
        Some("") => Some(Decimal::ZERO),
        Some(text) => Decimal::from_str_exact(text).ok(),
        None => None,
    };
    found.map_or_else(
        || {
            refuse(format!(
                "{key} is `{text}`; expected a number such as `149.18`"
            ))
        },
        Ok,
    )
}
