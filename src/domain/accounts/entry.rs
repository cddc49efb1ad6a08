//! An entry: a day, a few words, where it comes from, and postings that sum to zero.

use core::fmt;

use super::chart::AccountCode;
use crate::{calendar::LocalDay, money::Pence};

/// Most postings of one entry.
pub const MAX_POSTINGS: usize = 500;
/// The largest amount of one posting, either way: ten thousand million pounds.
pub const MAX_PENCE: i64 = 1_000_000_000_000;
/// Longest text.
const MAX_TEXT: usize = 200;
/// Longest reference to a source.
const MAX_REFERENCE: usize = 120;

/// An amount on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: AccountCode,
    /// Above zero a debit, below zero a credit.
    pub pence: Pence,
}

/// What kind of thing an entry was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SourceKind {
    /// Balances taken over from earlier books.
    Opening,
    /// A frozen claim: `installation/number`.
    Claim,
    /// A frozen bill to a host: `host/number`.
    Bill,
    /// A frozen interest run, by number.
    Run,
    /// A payment order, by number, or one of its payments: `3`, `3/returned/12`.
    Payment,
    /// A line of a bank statement.
    Statement,
    /// A cost of a roof or of the society, by number.
    Cost,
    /// A row of an imported file: `file/row`.
    Row,
    /// A paper: a supplier's bill, a receipt, a minute.
    Document,
    /// The community fund: what a run brought, `run/3`, or a payment of a grant, `grant/garden/1`.
    Fund,
    /// A supplier's bill, by number, or its payment: `4`, `4/paid`.
    Supplier,
    /// A fixed asset's depreciation or end: `2/2025-12-31`, `2/disposed`.
    Asset,
    /// A cost or income put into its period, and taken out of the next: `3`, `3/back`.
    Accrual,
    /// A loan: `1/drawn`, or an instalment, `1/5`.
    Loan,
    /// Corporation tax of a year, by its last day.
    Tax,
    /// The entry it takes back, by number.
    Reversal,
}

/// What an entry was made from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// Its kind.
    pub kind: SourceKind,
    /// Which one.
    pub reference: String,
}

/// An entry as it is wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The day it counts on, local to the society.
    pub on: LocalDay,
    /// What happened, in a few words.
    pub text: String,
    /// What it was made from.
    pub source: Source,
    /// Postings that sum to zero.
    pub postings: Vec<Posting>,
}

/// An entry as it stands in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1, without a gap.
    pub number: u32,
    /// What it says.
    pub new: NewEntry,
    /// The entry it takes back.
    pub reverses: Option<u32>,
}

/// An entry is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotBalanced {
    /// Too few or too many postings.
    #[error("the entry has `{0}` postings; expected 2 to {MAX_POSTINGS}")]
    Postings(usize),
    /// A posting of nothing.
    #[error("a posting on account `{0}` is of nothing; expected an amount")]
    Nothing(AccountCode),
    /// A posting too large to be meant.
    #[error("`{pence}` on account `{account}` is too large; expected at most {most} either way", most = Pence(MAX_PENCE))]
    TooLarge {
        /// The account.
        account: AccountCode,
        /// The amount.
        pence: Pence,
    },
    /// Debits and credits differ.
    #[error(
        "debits are {debits} and credits {credits}, {apart} apart; expected them to be the same"
    )]
    Apart {
        /// Sum of the debits.
        debits: Pence,
        /// Sum of the credits, above zero.
        credits: Pence,
        /// How far.
        apart: Pence,
    },
    /// No text, or one that does not fit on a line.
    #[error("the text is `{0}`; expected 1 to {MAX_TEXT} characters on one line")]
    Text(String),
    /// No source.
    #[error(
        "the source is `{0}`; expected 1 to {MAX_REFERENCE} characters on one line\nhint: every entry names the paper or row it was made from"
    )]
    Source(String),
}

impl SourceKind {
    /// All kinds.
    pub const ALL: [SourceKind; 16] = [
        SourceKind::Opening,
        SourceKind::Claim,
        SourceKind::Bill,
        SourceKind::Run,
        SourceKind::Payment,
        SourceKind::Statement,
        SourceKind::Cost,
        SourceKind::Row,
        SourceKind::Document,
        SourceKind::Fund,
        SourceKind::Supplier,
        SourceKind::Asset,
        SourceKind::Accrual,
        SourceKind::Loan,
        SourceKind::Tax,
        SourceKind::Reversal,
    ];

    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            SourceKind::Opening => "opening",
            SourceKind::Claim => "claim",
            SourceKind::Bill => "bill",
            SourceKind::Run => "run",
            SourceKind::Payment => "payment",
            SourceKind::Statement => "statement",
            SourceKind::Cost => "cost",
            SourceKind::Row => "row",
            SourceKind::Document => "document",
            SourceKind::Fund => "fund",
            SourceKind::Supplier => "supplier",
            SourceKind::Asset => "asset",
            SourceKind::Accrual => "accrual",
            SourceKind::Loan => "loan",
            SourceKind::Tax => "tax",
            SourceKind::Reversal => "reversal",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<SourceKind> {
        SourceKind::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// True when two entries that stand cannot come from one such source; a paper may be entered in
    /// parts.
    #[must_use]
    pub fn is_posted_once(self) -> bool {
        self != SourceKind::Document
    }
}

impl fmt::Display for Source {
    /// `claim:roof-fit/3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.reference)
    }
}

impl NewEntry {
    /// Whether it is an entry at all, whatever the chart says.
    ///
    /// # Errors
    /// [`NotBalanced`] with the reason.
    pub fn check(&self) -> Result<(), NotBalanced> {
        let on_a_line = |text: &str, most: usize| {
            !text.trim().is_empty()
                && text.chars().count() <= most
                && !text.contains(char::is_control)
        };
        let start = |text: &str| text.chars().take(32).collect::<String>();
        if !(2..=MAX_POSTINGS).contains(&self.postings.len()) {
            return Err(NotBalanced::Postings(self.postings.len()));
        }
        if !on_a_line(&self.text, MAX_TEXT) {
            return Err(NotBalanced::Text(start(&self.text)));
        }
        if !on_a_line(&self.source.reference, MAX_REFERENCE) {
            return Err(NotBalanced::Source(start(&self.source.reference)));
        }
        let (mut debits, mut credits) = (0_i64, 0_i64);
        for Posting { account, pence } in &self.postings {
            if pence.0 == 0 {
                return Err(NotBalanced::Nothing(account.clone()));
            }
            if pence.0.unsigned_abs() > MAX_PENCE.unsigned_abs() {
                return Err(NotBalanced::TooLarge {
                    account: account.clone(),
                    pence: *pence,
                });
            }
            // 500 postings of the largest amount are far inside 64 bits.
            if pence.0 > 0 {
                debits = debits.saturating_add(pence.0);
            } else {
                credits = credits.saturating_sub(pence.0);
            }
        }
        if debits != credits {
            return Err(NotBalanced::Apart {
                debits: Pence(debits),
                credits: Pence(credits),
                apart: Pence(debits.saturating_sub(credits).saturating_abs()),
            });
        }
        Ok(())
    }

    /// The entry that takes this one back.
    #[must_use]
    pub fn reversed(&self, number: u32, on: LocalDay, why: &str) -> NewEntry {
        let turned = |posting: &Posting| Posting {
            account: posting.account.clone(),
            pence: Pence(posting.pence.0.saturating_neg()),
        };
        NewEntry {
            on,
            text: why.to_owned(),
            source: Source {
                kind: SourceKind::Reversal,
                reference: number.to_string(),
            },
            postings: self.postings.iter().map(turned).collect(),
        }
    }
}
