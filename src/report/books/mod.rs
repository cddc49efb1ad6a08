//! The books as other programs read them: beancount, hledger and ledger, Xero, QuickBooks, FreeAgent,
//! Sage, and a plain CSV.
//!
//! What is downloaded is a span of days. The plain-text forms open with the balances before it and
//! end with those after it as assertions, so that a penny changed anywhere in the file is found by
//! the program that reads it. Surpluses of years before the span stand in one equity account, as no
//! entry has moved them. Names become text that no reader takes for a formula or a comment.

mod plain;
mod tables;

use std::collections::BTreeMap;

use domain::{
    accounts::{AccountCode, Entry, Kind, Ledger, Role},
    calendar::LocalDay,
    money::Pence,
};

/// Most lines of one file of Xero's manual journals (its own limit).
pub const MAX_XERO_LINES: usize = 300;

/// A form of download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// beancount 2 and 3.
    Beancount,
    /// hledger, and ledger 3, which reads the same.
    Hledger,
    /// Manual journals of Xero.
    Xero,
    /// Journal entries of QuickBooks Online.
    QuickBooks,
    /// Bank transactions of FreeAgent.
    FreeAgent,
    /// Audit trail transactions of Sage 50.
    Sage,
    /// Every posting with its source.
    Csv,
}

/// What is downloaded.
#[derive(Clone, Copy, Debug)]
pub struct Books<'a> {
    /// The society's name.
    pub society: &'a str,
    /// True when the society is sample data.
    pub sample: bool,
    /// All that was posted.
    pub ledger: &'a Ledger,
    /// First day.
    pub first: LocalDay,
    /// Last day.
    pub last: LocalDay,
}

/// The books cannot be written in a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BooksError {
    /// Xero takes no more lines at once.
    #[error(
        "the days have `{0}` lines and Xero takes {MAX_XERO_LINES} a file\nhint: download fewer days at a time with --from and --to"
    )]
    XeroLines(usize),
    /// FreeAgent reads a bank account, and the chart names none.
    #[error(
        "FreeAgent reads a bank account, and no account has the role `bank`\nhint: give the role to one in the chart file and apply it"
    )]
    NoBank,
    /// The writer refused.
    #[error("the CSV could not be written: {0}")]
    Write(String),
}

impl Books<'_> {
    /// The download in a form.
    ///
    /// # Errors
    /// When the form cannot hold it.
    pub fn write(&self, form: Form) -> Result<String, BooksError> {
        match form {
            Form::Beancount => Ok(plain::beancount(self)),
            Form::Hledger => Ok(plain::hledger(self)),
            Form::Xero => tables::xero(self),
            Form::QuickBooks => tables::quickbooks(self),
            Form::FreeAgent => tables::freeagent(self),
            Form::Sage => tables::sage(self),
            Form::Csv => tables::csv(self),
        }
    }

    fn entries(&self) -> Vec<&Entry> {
        self.ledger.between(self.first, self.last)
    }

    /// The balances before the first day, without income and expense.
    fn opening(&self) -> BTreeMap<&AccountCode, i64> {
        let before = self.first.previous();
        let lasting = self.accounts().filter(|(_, kind)| !kind.is_of_the_year());
        lasting
            .map(|(code, _)| (code, self.ledger.balance(code, before).0))
            .filter(|(_, pence)| *pence != 0)
            .collect()
    }

    /// What the reader's program must find at the end of the last day.
    fn closing(&self) -> Vec<(&AccountCode, Pence)> {
        self.accounts()
            .map(|(code, kind)| {
                let pence = match kind.is_of_the_year() {
                    true => self.ledger.moved(code, self.first, self.last),
                    false => self.ledger.balance(code, self.last),
                };
                (code, pence)
            })
            .collect()
    }

    fn accounts(&self) -> impl Iterator<Item = (&AccountCode, Kind)> {
        let accounts = self.ledger.chart().accounts();
        accounts.map(|account| (&account.code, account.kind))
    }

    fn name(&self, code: &AccountCode) -> &str {
        let account = self.ledger.chart().get(code);
        account.map_or("", |account| account.name.as_str())
    }

    fn bank(&self) -> Option<&AccountCode> {
        let bank = self.ledger.chart().of_role(Role::Bank);
        bank.map(|account| &account.code)
    }
}
