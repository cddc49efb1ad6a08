//! The books of a society: its chart, entries, reversals and closed days, all of them decisions.
//!
//! What stands is the fold of the decisions and is never kept beside them. A wish is checked against
//! it and appended while one lock is held, so that two officers at once cannot post one claim twice
//! or overdraw an account together.

use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::{
    accounts::{
        Account, AccountCode, Chart, Entry, Kind, Ledger, Limit, NewEntry, Posting, Role, Source,
        SourceKind,
    },
    calendar::{Instant, LocalDay},
    money::Pence,
};
use records::{
    accounts::{self as record, BooksClosed, ChartApplied, EntryPosted},
    decision::What,
};
use serde::Deserialize;

use super::{
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    roll::Columns,
    society::{BOOKS_CLOSED, CHART_APPLIED, ENTRY_POSTED, SocietyOffice},
};

mod assets;
mod budget;
mod from;
mod loans;
mod opened;
mod periods;
mod reconciled;
mod suppliers;
mod vat;

pub use assets::AssetLine;
pub use budget::{BudgetLine, BudgetReport, budget_of_csv};
pub(super) use from::cost_source;
pub use from::{FileEntries, RowProblem, entries_of_csv, source_of};
pub use loans::{InstalmentLine, LoanLine};
pub use opened::OpenedEntry;
pub use periods::{AccrualLine, NewAccrual};
pub use reconciled::ReconciledLine;
pub use suppliers::{BillStanding, NewSupplierBill, SupplierBillLine};
pub use vat::VatReturn;

/// The chart that comes with the program, to start from.
pub const STANDARD_CHART: &str = include_str!("../../config/accounts/standard.toml");

/// A chart file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartFile {
    #[serde(default)]
    account: Vec<FileAccount>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAccount {
    code: String,
    name: String,
    kind: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    at_least: Option<String>,
    #[serde(default)]
    at_most: Option<String>,
}

/// A chart read from a file, checked.
///
/// # Errors
/// With the key or the account that is wrong.
pub fn chart_of_toml(text: &str) -> Answer<ChartApplied> {
    let file: ChartFile =
        toml::from_str(text).map_err(|e| Refusal::Caller(config::explain(&e.to_string())))?;
    let pounds = |text: Option<String>| -> Answer<Option<i64>> {
        let pence = text.map(|text| text.parse::<Pence>()).transpose();
        Ok(pence.or_caller()?.map(|pence| pence.0))
    };
    let mut account = Vec::new();
    for row in file.account {
        account.push(record::Account {
            code: row.code,
            name: row.name,
            kind: row.kind,
            role: row.role,
            at_least_pence: pounds(row.at_least)?,
            at_most_pence: pounds(row.at_most)?,
        });
    }
    let chart = ChartApplied { account };
    let made = chart_of(&chart).or_caller()?;
    if made.is_empty() {
        return refuse("the file has no account\nhint: an account stands under [[account]]");
    }
    Ok(chart)
}

fn chart_of(applied: &ChartApplied) -> Result<Chart, domain::accounts::ChartError> {
    let mut accounts = Vec::new();
    for row in &applied.account {
        accounts.push(Account {
            code: row.code.parse()?,
            name: row.name.clone(),
            kind: Kind::of_word(&row.kind)?,
            role: match row.role.as_str() {
                "" => None,
                word => Some(Role::of_word(word)?),
            },
            limit: Limit {
                at_least: row.at_least_pence.map(Pence),
                at_most: row.at_most_pence.map(Pence),
            },
        });
    }
    Chart::new(accounts)
}

impl SocietyOffice {
    /// The books as they stand.
    ///
    /// # Errors
    /// When the decisions are damaged.
    pub fn ledger(&self) -> Answer<Ledger> {
        let mut ledger = Ledger::default();
        let charts = self.decided(CHART_APPLIED, |what| match what {
            What::ChartApplied(chart) => Some(*chart),
            _ => None,
        })?;
        if let Some(chart) = charts.last() {
            ledger.chart_is(chart_of(chart).or_ours("the chart of accounts")?);
        }
        let entries = self.decided(ENTRY_POSTED, |what| match what {
            What::EntryPosted(entry) => Some(*entry),
            _ => None,
        })?;
        for entry in entries {
            if entry.number != ledger.next_number() {
                return Err(Refusal::Ours(format!(
                    "entry `{}` of the books stands where `{}` was expected",
                    entry.number,
                    ledger.next_number()
                )));
            }
            let reverses = entry.reverses;
            ledger.enter(new_entry(&entry)?, reverses);
        }
        let closed = self.decided(BOOKS_CLOSED, |what| match what {
            What::BooksClosed(closed) => Some(closed),
            _ => None,
        })?;
        for closed in closed {
            ledger.close(closed.until.parse().or_ours("a closed day")?);
        }
        Ok(ledger)
    }

    /// Applies a chart; the one in force again changes nothing. Gives whether anything changed.
    ///
    /// # Errors
    /// When an account with postings would be gone or of another kind.
    pub fn apply_chart(&self, chart: ChartApplied, by: &str, now: Instant) -> Answer<bool> {
        let _one_at_a_time = posting();
        let ledger = self.ledger()?;
        let new = chart_of(&chart).or_caller()?;
        if &new == ledger.chart() {
            return Ok(false);
        }
        ledger.check_chart(&new).or_caller()?;
        self.decide(What::ChartApplied(Box::new(chart)), by, now)?;
        Ok(true)
    }

    /// Posts entries, all of them or none; gives the number of the first.
    ///
    /// # Errors
    /// With the first that is refused, and why; when the books have no chart, or a day is to come.
    pub fn post(&self, new: Vec<NewEntry>, by: &str, now: Instant) -> Answer<u32> {
        self.post_of(new, None, by, now)
    }

    /// Posts the entries of a file, all of them or none, and keeps the file; gives the number of the
    /// first.
    ///
    /// # Errors
    /// As [`post`](SocietyOffice::post).
    pub fn post_file(
        &self,
        new: Vec<NewEntry>,
        file: &Columns,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        self.post_of(new, Some(file), by, now)
    }

    fn post_of(
        &self,
        new: Vec<NewEntry>,
        file: Option<&Columns>,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        let _one_at_a_time = posting();
        let mut ledger = self.with_chart()?;
        let first = ledger.next_number();
        let mut decisions = Vec::new();
        for entry in new {
            self.not_to_come(entry.on, now)?;
            self.source_is_there(&entry.source)?;
            ledger.check(&entry).or_caller()?;
            decisions.push(posted(ledger.next_number(), &entry, None));
            ledger.enter(entry, None);
        }
        if let Some(file) = file {
            let last = ledger.next_number().saturating_sub(1);
            decisions.push(self.keep_import("entries", (first, last), file)?);
        }
        self.decide_all(decisions, by, now)?;
        Ok(first)
    }

    /// Takes an entry back; gives the number of the reversal.
    ///
    /// # Errors
    /// When there is no such entry, it was taken back before, or its day is closed.
    pub fn reverse_entry(
        &self,
        number: u32,
        on: LocalDay,
        why: &str,
        by: &str,
        now: Instant,
    ) -> Answer<u32> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        self.not_to_come(on, now)?;
        let entry = ledger.entry(number);
        if entry.is_some_and(|entry| entry.new.source.kind == SourceKind::Run) {
            return refuse(format!(
                "entry `{number}` is of an interest run\nhint: `commonwatt interest void` takes the run back, and its entry with it"
            ));
        }
        if entry.is_some_and(|entry| entry.new.source.kind == SourceKind::Payment) {
            return refuse(format!(
                "entry `{number}` is of a payment to members\nhint: `commonwatt payments returned` says that a payment came back, and posts it"
            ));
        }
        let back = ledger.reversal(number, on, why).or_caller()?;
        let next = ledger.next_number();
        self.decide(posted(next, &back, Some(number)), by, now)?;
        Ok(next)
    }

    /// Closes the books up to a day.
    ///
    /// # Errors
    /// When they are closed that far, or the day is not over.
    pub fn close_books(&self, until: LocalDay, reason: &str, by: &str, now: Instant) -> Answer<()> {
        let _one_at_a_time = posting();
        if until >= self.known().zone.day_of(now) {
            return refuse(format!("`{until}` is not over yet; expected a day that is"));
        }
        if reason.trim().is_empty() {
            return refuse(
                "closing the books needs a reason\nhint: say --reason \"accounts signed\"",
            );
        }
        self.with_chart()?.check_close(until).or_caller()?;
        let closed = BooksClosed {
            until: until.to_string(),
            reason: reason.to_owned(),
        };
        self.decide(What::BooksClosed(closed), by, now)
    }

    /// Posts entries behind the decisions they follow from, in one group; gives their numbers. The
    /// caller holds the lock, and the ledger is as it stands.
    fn post_under(
        &self,
        mut ledger: Ledger,
        mut decisions: Vec<What>,
        entries: Vec<NewEntry>,
        by: &str,
        now: Instant,
    ) -> Answer<Vec<u32>> {
        let mut numbers = Vec::new();
        for entry in entries {
            ledger.check(&entry).or_caller()?;
            numbers.push(ledger.next_number());
            decisions.push(posted(ledger.next_number(), &entry, None));
            ledger.enter(entry, None);
        }
        self.decide_all(decisions, by, now)?;
        Ok(numbers)
    }

    pub(super) fn with_chart(&self) -> Answer<Ledger> {
        let ledger = self.ledger()?;
        if ledger.chart().is_empty() {
            return refuse(
                "the society has no chart of accounts\nhint: `commonwatt accounts chart --standard` starts with one; `accounts chart FILE` applies your own",
            );
        }
        Ok(ledger)
    }

    pub(super) fn not_to_come(&self, on: LocalDay, now: Instant) -> Answer<()> {
        let today = self.known().zone.day_of(now);
        if on > today {
            return refuse(format!(
                "`{on}` is to come; expected a day up to today, {today}"
            ));
        }
        Ok(())
    }

    /// Refuses a claim, bill, cost or run that is named and not there.
    fn source_is_there(&self, source: &Source) -> Answer<()> {
        let numbers: Vec<u32> = match source.kind {
            SourceKind::Claim => self
                .frozen_claims()?
                .iter()
                .map(|c| c.claim.number)
                .collect(),
            SourceKind::Bill => self.frozen_bills()?.iter().map(|b| b.bill.number).collect(),
            SourceKind::Cost => self
                .costs()?
                .iter()
                .filter(|cost| cost.reversed.is_none())
                .map(|cost| cost.entered.number)
                .collect(),
            SourceKind::Supplier
            | SourceKind::Asset
            | SourceKind::Accrual
            | SourceKind::Loan
            | SourceKind::Tax => {
                return refuse(format!(
                    "`{source}` is posted by its own command, not by hand\nhint: `commonwatt accounts --help` lists supplier, asset, accrue, loan and tax"
                ));
            }
            SourceKind::Reversal => {
                return refuse("a reversal is made by `accounts reverse`, which names the entry");
            }
            SourceKind::Fund => {
                return refuse(
                    "what a run brings to the fund and what a grant is paid are posted by `commonwatt fund bring` and `fund pay`, not by hand",
                );
            }
            SourceKind::Run => {
                return refuse("an interest run is posted when it is frozen, not by hand");
            }
            SourceKind::Payment => {
                return refuse(
                    "payments to members are posted when their order is released or the bank reports, not by hand",
                );
            }
            _ => return Ok(()),
        };
        let known = numbers.iter().any(|n| n.to_string() == source.reference);
        if !known && source.kind == SourceKind::Cost {
            return refuse(format!(
                "`{source}` is not there, or was reversed\nhint: `commonwatt cost list` shows the costs"
            ));
        }
        if !known {
            return refuse(format!(
                "`{source}` is not frozen; expected the number of a frozen one\nhint: `commonwatt {} list` shows them",
                source.kind.word()
            ));
        }
        Ok(())
    }
}

/// The entries that stand under one number of a kind of source, such as an asset's.
fn under(ledger: &Ledger, kind: SourceKind, number: u32) -> impl Iterator<Item = &Entry> {
    let start = format!("{number}/");
    ledger.entries().iter().filter(move |entry| {
        let source = &entry.new.source;
        source.kind == kind
            && source.reference.starts_with(&start)
            && ledger.reversed_by(entry.number).is_none()
    })
}

/// Held from the look at the books until the new decision stands.
pub(super) fn posting() -> MutexGuard<'static, ()> {
    static POSTING: Mutex<()> = Mutex::new(());
    POSTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The decision that posts an entry.
pub(super) fn posted(number: u32, new: &NewEntry, reverses: Option<u32>) -> What {
    let posting = |posting: &Posting| record::Posting {
        account: posting.account.to_string(),
        pence: posting.pence.0,
    };
    What::EntryPosted(Box::new(EntryPosted {
        number,
        on: new.on.to_string(),
        text: new.text.clone(),
        source: record::Source {
            kind: new.source.kind.word().to_owned(),
            reference: new.source.reference.clone(),
        },
        postings: new.postings.iter().map(posting).collect(),
        reverses,
    }))
}

fn new_entry(posted: &EntryPosted) -> Answer<NewEntry> {
    let what = "an entry of the books";
    let kind = SourceKind::of_word(&posted.source.kind)
        .ok_or_else(|| Refusal::Ours(format!("{what}: a source `{}`", posted.source.kind)))?;
    let mut postings = Vec::new();
    for posting in &posted.postings {
        postings.push(Posting {
            account: posting.account.parse::<AccountCode>().or_ours(what)?,
            pence: Pence(posting.pence),
        });
    }
    Ok(NewEntry {
        on: posted.on.parse().or_ours(what)?,
        text: posted.text.clone(),
        source: Source {
            kind,
            reference: posted.source.reference.clone(),
        },
        postings,
    })
}
