//! The register held against the books, before money leaves: share capital at par. What differs was
//! posted in one place and not in the other.

use domain::{
    accounts::Role,
    calendar::{Instant, LocalDay},
    money::Pence,
};

use super::super::{
    answer::{Answer, OrCaller},
    society::SocietyOffice,
};

/// One line: what the register has and what the books have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciledLine {
    /// What it is.
    pub what: &'static str,
    /// The account.
    pub account: String,
    /// By the register and the runs.
    pub register: Pence,
    /// By the books, as it is owed.
    pub books: Pence,
}

impl ReconciledLine {
    /// How far they are apart.
    #[must_use]
    pub fn apart(&self) -> Pence {
        Pence(self.register.0.saturating_sub(self.books.0))
    }
}

impl SocietyOffice {
    /// The register against the books as they stand today; nothing while there is no chart.
    ///
    /// # Errors
    /// When a role is missing, or the books are damaged.
    pub fn reconciled(&self, now: Instant) -> Answer<Vec<ReconciledLine>> {
        let ledger = self.ledger()?;
        if ledger.chart().is_empty() {
            return Ok(Vec::new());
        }
        let today: LocalDay = self.known().zone.day_of(now);
        let code = ledger.role(Role::ShareCapital).or_caller()?;
        Ok(vec![ReconciledLine {
            what: "share capital",
            books: Pence(ledger.balance(&code, today).0.saturating_neg()),
            account: code.to_string(),
            register: self.holdings(today, None, now)?.total,
        }])
    }
}
