//! The books of a society: double entry in whole pence.
//!
//! An [`Entry`] has two or more postings that sum to zero and names what it was made from: a claim,
//! a bill, a line of a bank statement, a row of an imported file. Nothing is edited: a mistake is
//! taken back by an entry that names it. Days up to a closed day take no more entries. [`Ledger`] is
//! the fold of all that was posted: it checks a wish ([`Ledger::check`]) and takes what was posted
//! ([`Ledger::enter`]); the two are apart because the chart changes and what was posted under the
//! chart of its day stays.
//!
//! A debit is above zero and a credit below. There is one currency, and no amount is ever divided
//! here.

mod asset;
mod chart;
mod entry;
mod ledger;
mod loan;

pub use asset::{Asset, MAX_LIFE_MONTHS, NotAnAsset};
pub use chart::{Account, AccountCode, Chart, ChartError, Kind, Limit, MAX_ACCOUNTS, Role};
pub use entry::{
    Entry, MAX_PENCE, MAX_POSTINGS, NewEntry, NotBalanced, Posting, Source, SourceKind,
};
pub use ledger::{AccountLine, Balance, Ledger, NotPosted};
pub use loan::{Instalment, Loan, MAX_INSTALMENTS, NotALoan, Repayment};
