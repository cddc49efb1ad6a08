//! Budgets: what the board means to earn and spend in an accounts year, held against what was posted.

use domain::{
    accounts::{AccountCode, Kind},
    calendar::{Instant, LocalDay},
    money::Pence,
};
use records::{accounts::Posting, books::BudgetSet, decision::What};

use super::{
    super::{
        answer::{Answer, OrCaller, refuse},
        society::SocietyOffice,
    },
    posting,
};

/// One account of the year. Income and expense are both above zero as they are meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLine {
    /// The account.
    pub account: AccountCode,
    /// Its name.
    pub name: String,
    /// Income or expense.
    pub kind: Kind,
    /// What is meant.
    pub budget: Pence,
    /// What was posted from the first day of the year to the day asked for.
    pub actual: Pence,
}

/// A year's budget against what was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetReport {
    /// The first day of the year.
    pub from: LocalDay,
    /// The last day that counts.
    pub to: LocalDay,
    /// Where the budget stands; empty while there is none.
    pub source: String,
    /// Its lines, by account: those with a budget and those with postings.
    pub lines: Vec<BudgetLine>,
}

impl SocietyOffice {
    /// Sets the budget of an accounts year, whole: an earlier one of that year counts no more.
    ///
    /// # Errors
    /// When an account is not of income or expense, or the day begins no accounts year.
    pub fn set_budget(
        &self,
        year: LocalDay,
        source: &str,
        lines: &[(AccountCode, Pence)],
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let _one_at_a_time = posting();
        let chart = self.with_chart()?;
        let first = self.known().year_start.year_of(year).first_day();
        if first != year {
            return refuse(format!(
                "`{year}` does not begin an accounts year; expected `{first}`"
            ));
        }
        if source.trim().is_empty() || lines.is_empty() {
            return refuse(
                "a budget has lines, and stands somewhere\nhint: --source \"board 1/2026\"",
            );
        }
        let mut kept: Vec<Posting> = Vec::new();
        for (code, pence) in lines {
            match chart.chart().get(code) {
                Some(account) if account.kind.is_of_the_year() => {}
                Some(account) => {
                    return refuse(format!(
                        "account `{code}` is {}; a budget is of income and expense",
                        account.kind.word()
                    ));
                }
                None => return refuse(format!("account `{code}` is not in the chart")),
            }
            if kept.iter().any(|one| one.account == code.as_str()) {
                return refuse(format!("account `{code}` stands twice in the budget"));
            }
            kept.push(Posting {
                account: code.to_string(),
                pence: pence.0,
            });
        }
        let what = What::BudgetSet(BudgetSet {
            year: year.to_string(),
            source: source.to_owned(),
            lines: kept,
        });
        self.decide(what, by, now)
    }

    /// The budget of the accounts year of a day, against what was posted up to that day.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn budget(&self, on: LocalDay) -> Answer<BudgetReport> {
        let ledger = self.with_chart()?;
        let from = self.known().year_start.year_of(on).first_day();
        let all = self.decided("budget-set/1", |what| match what {
            What::BudgetSet(budget) => Some(budget),
            _ => None,
        })?;
        let of_year = all
            .into_iter()
            .rev()
            .find(|one| one.year == from.to_string());
        let mut lines = Vec::new();
        for account in ledger
            .chart()
            .accounts()
            .filter(|a| a.kind.is_of_the_year())
        {
            let moved = ledger.moved(&account.code, from, on);
            let actual = match account.kind {
                Kind::Income => Pence(moved.0.saturating_neg()),
                _ => moved,
            };
            let planned = of_year.iter().flat_map(|one| &one.lines);
            let budget = planned
                .filter(|line| line.account == account.code.as_str())
                .map(|line| line.pence)
                .sum();
            if budget != 0 || actual != Pence::ZERO {
                lines.push(BudgetLine {
                    account: account.code.clone(),
                    name: account.name.clone(),
                    kind: account.kind,
                    budget: Pence(budget),
                    actual,
                });
            }
        }
        Ok(BudgetReport {
            from,
            to: on,
            source: of_year.map(|one| one.source).unwrap_or_default(),
            lines,
        })
    }
}

/// Lines of a budget from a CSV file with the columns `account,pounds`.
///
/// # Errors
/// With the line that is wrong.
pub fn budget_of_csv(text: &str) -> Answer<Vec<(AccountCode, Pence)>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().or_caller()?;
    let place = |name: &str| head.iter().position(|one| one.eq_ignore_ascii_case(name));
    let (Some(account), Some(pounds)) = (place("account"), place("pounds")) else {
        return refuse("a budget has the columns `account,pounds`");
    };
    let mut lines = Vec::new();
    for row in reader.records() {
        let row = row.or_caller()?;
        let line = row.position().map_or(0, csv::Position::line);
        let read = || -> Answer<(AccountCode, Pence)> {
            let code = row.get(account).unwrap_or_default().parse().or_caller()?;
            Ok((
                code,
                row.get(pounds).unwrap_or_default().parse().or_caller()?,
            ))
        };
        match read() {
            Ok(one) => lines.push(one),
            Err(why) => return refuse(format!("line {line}: {why}")),
        }
    }
    Ok(lines)
}
