//! Payment files: what a bank takes, and the list of cheques to write.
//!
//! A profile (TOML, `config/payment-profiles/`) says which form a bank wants. The same payments, payer
//! and profile always give the same bytes, so that a hash can be approved before the file is handed
//! out. A file is counted and summed from its own bytes' fields, not from the caller's word.

mod bacs;
mod columns;
mod pain;
mod profile;
mod text;

use domain::{
    calendar::{Instant, LocalDay},
    money::Pence,
};

pub use bacs::is_weekend;
pub use profile::{Kind, Profile, ProfileError};
pub use text::{BANK_LETTERS, bank_text};

/// Longest name and reference that every UK bulk payment carries.
pub const BANK_LENGTH: usize = 18;

/// Who pays.
#[derive(Clone, Default)]
pub struct Payer {
    /// The society's name on the payee's bank statement.
    pub name: String,
    /// Its sort code, six digits.
    pub sort_code: String,
    /// Its account, eight digits.
    pub account: String,
    /// Its account as an IBAN; empty where only sort code and account are known.
    pub iban: String,
    /// Its bank's BIC.
    pub bic: String,
    /// Its Bacs service user number, six digits; empty for most.
    pub service_user: String,
}

/// One payment.
#[derive(Clone)]
pub struct Payment {
    /// The name on the account.
    pub name: String,
    /// Six digits.
    pub sort_code: String,
    /// Eight digits.
    pub account: String,
    /// A building society's roll number.
    pub roll_number: String,
    /// How much.
    pub pence: Pence,
    /// What the payee's bank statement says; each of a file has its own.
    pub reference: String,
}

/// When, and what the file is called.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The order's name, unique for ever: the society and the order's number.
    pub id: String,
    /// The order's number.
    pub number: u32,
    /// When it was prepared.
    pub made: Instant,
    /// The day it was prepared, local.
    pub made_on: LocalDay,
    /// The day on which payees have the money.
    pub on: LocalDay,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Payments in it.
    pub count: u32,
    /// Their sum.
    pub control: Pence,
}

/// A file cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFile {
    /// The society file lacks something the form asks for.
    #[error(
        "the form needs the society's {what}\nhint: say `{key}` under [payments] in the society file and apply it"
    )]
    Payer {
        /// In words.
        what: &'static str,
        /// The key.
        key: &'static str,
    },
    /// Most co-operatives have no service user number.
    #[error(
        "Bacs Standard 18 needs a service user number, which most co-operatives do not have\nhint: use the CSV form of your bank; with a number of your own, say `service_user` under [payments]"
    )]
    ServiceUser,
    /// An amount the form has no room for.
    #[error("a payment of {0} does not fit the form; expected £0.01 to £20,000,000.00")]
    Amount(Pence),
    /// Nothing left of a name.
    #[error(
        "payment `{0}`: nothing is left of the name in the letters that banks take\nhint: say the name on the account in Latin letters with `members bank`"
    )]
    Name(String),
    /// Two payments with one reference.
    #[error(
        "the reference `{0}` stands twice or is too long; expected 1 to {BANK_LENGTH} letters, each its own"
    )]
    Reference(String),
    /// The day cannot be written.
    #[error("the day `{0}` cannot be written in this form")]
    Day(LocalDay),
}

/// The largest payment of Bacs, pence.
const MOST: i64 = 2_000_000_000;

/// Writes the file of a profile.
///
/// # Errors
/// [`NoFile`] with what is missing or does not fit.
pub fn write(
    profile: &Profile,
    payer: &Payer,
    batch: &Batch,
    payments: &[Payment],
) -> Result<File, NoFile> {
    let mut references = std::collections::BTreeSet::new();
    let mut control = 0_i64;
    for payment in payments {
        if !(1..=MOST).contains(&payment.pence.0) {
            return Err(NoFile::Amount(payment.pence));
        }
        let folded = bank_text(&payment.reference, BANK_LENGTH);
        if folded != payment.reference.to_uppercase()
            || folded.is_empty()
            || !references.insert(folded)
        {
            return Err(NoFile::Reference(payment.reference.clone()));
        }
        if bank_text(&payment.name, BANK_LENGTH).is_empty() {
            return Err(NoFile::Name(payment.reference.clone()));
        }
        control = control.saturating_add(payment.pence.0);
    }
    let bytes = match &profile.kind {
        Kind::Csv(form) => columns::write(form, payer, batch, payments)?,
        Kind::Pain(version) => pain::write(*version, payer, batch, payments)?,
        Kind::Bacs18 => bacs::write(payer, batch, payments)?,
    };
    Ok(File {
        bytes,
        count: u32::try_from(payments.len()).unwrap_or(u32::MAX),
        control: Pence(control),
    })
}
