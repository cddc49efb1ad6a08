//! The chart of accounts: what a society keeps accounts of, each with a code, a kind and its limits.

use core::{fmt, str::FromStr};
use std::collections::BTreeMap;

use crate::money::Pence;

/// Most accounts of one society.
pub const MAX_ACCOUNTS: usize = 500;
/// Longest code.
const MAX_CODE: usize = 12;
/// Longest name.
const MAX_NAME: usize = 80;

/// The short name of an account in the books: letters, digits and hyphens, like `1200` or `BANK-2`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountCode(Box<str>);

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// What the society has.
    Asset,
    /// What it owes.
    Liability,
    /// Share capital and reserves.
    Equity,
    /// What it earns.
    Income,
    /// What it spends.
    Expense,
}

/// What the program itself posts to an account for; a chart gives each to one account at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Money in the bank.
    Bank,
    /// Owed by the FIT licensee.
    FitDebtors,
    /// Owed by hosts.
    HostDebtors,
    /// FIT payments for generation.
    Generation,
    /// FIT payments for export.
    Export,
    /// Power sold to hosts.
    PowerSales,
    /// VAT owed.
    Vat,
    /// Share capital at par.
    ShareCapital,
    /// Share interest, an expense.
    ShareInterest,
    /// Share interest declared and not yet paid.
    InterestOwed,
    /// Income tax deducted from share interest, owed to HMRC.
    InterestTax,
    /// What goes to the community fund, an expense.
    FundGiven,
    /// The community fund, owed until granted.
    Fund,
    /// The other side of opening balances.
    Opening,
    /// Surpluses of earlier years.
    Reserve,
    /// Owed to suppliers.
    Creditors,
    /// Costs of a period whose bill is to come.
    Accruals,
    /// Costs paid for a period to come.
    Prepayments,
    /// Income of a period that is claimed later.
    AccruedIncome,
    /// Corporation tax, owed to HMRC.
    CorporationTax,
    /// Corporation tax of the year, an expense.
    TaxCharge,
    /// What was gained or lost when an asset went.
    Disposal,
}

/// Between what a balance must stay; a debit balance is above zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Not below this.
    pub at_least: Option<Pence>,
    /// Not above this.
    pub at_most: Option<Pence>,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its code.
    pub code: AccountCode,
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What the program posts to it for.
    pub role: Option<Role>,
    /// Between what its balance must stay at the end of every day.
    pub limit: Limit,
}

/// The accounts of a society, by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    accounts: BTreeMap<AccountCode, Account>,
}

/// A chart cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChartError {
    /// A code with other signs.
    #[error("`{0}` is no account code; expected 1 to {MAX_CODE} letters, digits or hyphens")]
    Code(String),
    /// Twice the same code.
    #[error("account `{0}` stands twice; expected each code once")]
    Twice(AccountCode),
    /// An empty or long name.
    #[error("account `{code}` is called `{name}`; expected 1 to {MAX_NAME} characters on one line")]
    Name {
        /// The account.
        code: AccountCode,
        /// The name.
        name: String,
    },
    /// Two accounts for one role.
    #[error("accounts `{first}` and `{second}` both have the role `{role}`; expected one")]
    Role {
        /// The role.
        role: &'static str,
        /// An account.
        first: AccountCode,
        /// Another.
        second: AccountCode,
    },
    /// A role that is none.
    #[error("`{word}` is no role; expected one of {known}")]
    UnknownRole {
        /// What was written.
        word: String,
        /// The roles there are.
        known: String,
    },
    /// A kind that is none.
    #[error("`{0}` is no kind; expected asset, liability, equity, income or expense")]
    UnknownKind(String),
    /// Too many accounts.
    #[error("the chart has `{0}` accounts; expected at most {MAX_ACCOUNTS}")]
    TooMany(usize),
    /// An account with postings is gone.
    #[error(
        "account `{0}` has postings and is not in the new chart; expected it to stay\nhint: rename it, or leave it at a balance of nothing"
    )]
    Gone(AccountCode),
    /// An account with postings became of another kind.
    #[error("account `{code}` has postings as {before}; expected it to stay one")]
    OtherKind {
        /// The account.
        code: AccountCode,
        /// What it was.
        before: &'static str,
    },
}

impl AccountCode {
    /// The code's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountCode {
    type Err = ChartError;

    fn from_str(text: &str) -> Result<AccountCode, ChartError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let good = (1..=MAX_CODE).contains(&text.len())
            && text.chars().all(plain)
            && !text.starts_with('-');
        good.then(|| AccountCode(text.into()))
            .ok_or_else(|| ChartError::Code(text.chars().take(32).collect()))
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Kind {
    /// All kinds, in the order of a balance sheet and an income account.
    pub const ALL: [Kind; 5] = [
        Kind::Asset,
        Kind::Liability,
        Kind::Equity,
        Kind::Income,
        Kind::Expense,
    ];

    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Kind::Asset => "asset",
            Kind::Liability => "liability",
            Kind::Equity => "equity",
            Kind::Income => "income",
            Kind::Expense => "expense",
        }
    }

    /// The kind of that word.
    ///
    /// # Errors
    /// [`ChartError::UnknownKind`].
    pub fn of_word(word: &str) -> Result<Kind, ChartError> {
        let found = Kind::ALL.into_iter().find(|kind| kind.word() == word);
        found.ok_or_else(|| ChartError::UnknownKind(word.chars().take(32).collect()))
    }

    /// True for accounts whose balance starts again with each accounts year.
    #[must_use]
    pub fn is_of_the_year(self) -> bool {
        matches!(self, Kind::Income | Kind::Expense)
    }
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 22] = [
        Role::Bank,
        Role::FitDebtors,
        Role::HostDebtors,
        Role::Generation,
        Role::Export,
        Role::PowerSales,
        Role::Vat,
        Role::ShareCapital,
        Role::ShareInterest,
        Role::InterestOwed,
        Role::InterestTax,
        Role::FundGiven,
        Role::Fund,
        Role::Opening,
        Role::Reserve,
        Role::Creditors,
        Role::Accruals,
        Role::Prepayments,
        Role::AccruedIncome,
        Role::CorporationTax,
        Role::TaxCharge,
        Role::Disposal,
    ];

    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Role::Bank => "bank",
            Role::FitDebtors => "fit-debtors",
            Role::HostDebtors => "host-debtors",
            Role::Generation => "generation",
            Role::Export => "export",
            Role::PowerSales => "power-sales",
            Role::Vat => "vat",
            Role::ShareCapital => "share-capital",
            Role::ShareInterest => "share-interest",
            Role::InterestOwed => "interest-owed",
            Role::InterestTax => "interest-tax",
            Role::FundGiven => "fund-given",
            Role::Fund => "fund",
            Role::Opening => "opening",
            Role::Reserve => "reserve",
            Role::Creditors => "creditors",
            Role::Accruals => "accruals",
            Role::Prepayments => "prepayments",
            Role::AccruedIncome => "accrued-income",
            Role::CorporationTax => "corporation-tax",
            Role::TaxCharge => "tax-charge",
            Role::Disposal => "disposal",
        }
    }

    /// The role of that word.
    ///
    /// # Errors
    /// [`ChartError::UnknownRole`], with those there are.
    pub fn of_word(word: &str) -> Result<Role, ChartError> {
        let found = Role::ALL.into_iter().find(|role| role.word() == word);
        found.ok_or_else(|| ChartError::UnknownRole {
            word: word.chars().take(32).collect(),
            known: Role::ALL.map(Role::word).join(", "),
        })
    }
}

impl Chart {
    /// A chart of these accounts.
    ///
    /// # Errors
    /// [`ChartError`] when a code or role stands twice, a name cannot be printed, or there are too
    /// many.
    pub fn new(accounts: impl IntoIterator<Item = Account>) -> Result<Chart, ChartError> {
        let mut chart = Chart::default();
        for account in accounts {
            let letters = account.name.chars().count();
            if !(1..=MAX_NAME).contains(&letters) || account.name.contains(char::is_control) {
                return Err(ChartError::Name {
                    code: account.code,
                    name: account.name.chars().take(MAX_NAME).collect(),
                });
            }
            if let Some(role) = account.role
                && let Some(other) = chart.of_role(role)
            {
                return Err(ChartError::Role {
                    role: role.word(),
                    first: other.code.clone(),
                    second: account.code,
                });
            }
            let code = account.code.clone();
            if chart.accounts.insert(code.clone(), account).is_some() {
                return Err(ChartError::Twice(code));
            }
        }
        match chart.accounts.len() {
            many if many > MAX_ACCOUNTS => Err(ChartError::TooMany(many)),
            _ => Ok(chart),
        }
    }

    /// The account of that code.
    #[must_use]
    pub fn get(&self, code: &AccountCode) -> Option<&Account> {
        self.accounts.get(code)
    }

    /// The account with that role.
    #[must_use]
    pub fn of_role(&self, role: Role) -> Option<&Account> {
        self.accounts().find(|account| account.role == Some(role))
    }

    /// The accounts, by code.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// True when nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}

impl Limit {
    /// Whether a balance lies inside.
    #[must_use]
    pub fn holds(self, balance: Pence) -> bool {
        self.at_least.is_none_or(|least| least <= balance)
            && self.at_most.is_none_or(|most| balance <= most)
    }
}
