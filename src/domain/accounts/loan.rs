//! A loan and its schedule: equal payments, equal principal, or interest until the end.
//!
//! Interest of an instalment is the balance times the yearly rate times the months between two
//! instalments over twelve, rounded once, half a penny away from zero. The last instalment takes what
//! is left, so that the schedule always ends on nothing.

use rust_decimal::Decimal;

use crate::{interest::Percent, money::Pence};

/// Most instalments.
pub const MAX_INSTALMENTS: u32 = 600;

/// How a loan is paid back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repayment {
    /// Each payment the same.
    EqualPayments,
    /// Each part of the principal the same.
    EqualPrincipal,
    /// Interest only, the principal with the last.
    AtTheEnd,
}

/// What a loan was agreed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loan {
    /// The principal.
    pub principal: Pence,
    /// The yearly rate.
    pub rate: Percent,
    /// How many instalments.
    pub instalments: u32,
    /// Months between two of them.
    pub every_months: u32,
    /// How it is paid back.
    pub repayment: Repayment,
}

/// One instalment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instalment {
    /// Its number, from 1.
    pub number: u32,
    /// Interest.
    pub interest: Pence,
    /// Principal.
    pub principal: Pence,
    /// What is owed after it.
    pub balance: Pence,
}

/// Something is no loan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotALoan {
    /// Not between the limits.
    #[error(
        "a loan needs a principal above nothing, 1 to {MAX_INSTALMENTS} instalments and 1 to 12 months between them"
    )]
    Terms,
    /// The rate is too high for the amount to be counted.
    #[error(
        "the schedule of this loan leaves what can be counted; expected a rate and a principal that are meant"
    )]
    TooLarge,
}

impl Repayment {
    /// All of them.
    pub const ALL: [Repayment; 3] = [
        Repayment::EqualPayments,
        Repayment::EqualPrincipal,
        Repayment::AtTheEnd,
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Repayment::EqualPayments => "equal-payments",
            Repayment::EqualPrincipal => "equal-principal",
            Repayment::AtTheEnd => "at-the-end",
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Repayment> {
        Repayment::ALL.into_iter().find(|one| one.word() == word)
    }
}

impl Loan {
    /// The schedule: parts of the principal sum to it.
    ///
    /// # Errors
    /// [`NotALoan`].
    ///
    /// ```
    /// use commonwatt_domain::{accounts::{Loan, Repayment}, money::Pence};
    /// let loan = Loan {
    ///     principal: Pence(1_000_000), rate: "5".parse()?, instalments: 4, every_months: 6,
    ///     repayment: Repayment::EqualPrincipal,
    /// };
    /// let schedule = loan.schedule()?;
    /// assert_eq!((schedule[0].interest, schedule[0].principal), (Pence(25_000), Pence(250_000)));
    /// assert_eq!((schedule[3].interest, schedule[3].balance), (Pence(6_250), Pence(0)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn schedule(&self) -> Result<Vec<Instalment>, NotALoan> {
        let fits = self.principal.0 > 0
            && (1..=MAX_INSTALMENTS).contains(&self.instalments)
            && (1..=12).contains(&self.every_months);
        if !fits {
            return Err(NotALoan::Terms);
        }
        let part = self.part().ok_or(NotALoan::TooLarge)?;
        let payment = self.payment(part).ok_or(NotALoan::TooLarge)?;
        let count = i64::from(self.instalments);
        let mut balance = self.principal;
        let mut all = Vec::new();
        for number in 1..=self.instalments {
            let interest = Decimal::from(balance.0).checked_mul(part);
            let interest = interest
                .and_then(Pence::rounded)
                .ok_or(NotALoan::TooLarge)?;
            let wanted = match self.repayment {
                Repayment::EqualPayments => payment.0.saturating_sub(interest.0),
                Repayment::EqualPrincipal => self.principal.0.checked_div(count).unwrap_or(0),
                Repayment::AtTheEnd => 0,
            };
            let principal = match number == self.instalments {
                true => balance.0,
                false => wanted.clamp(0, balance.0),
            };
            balance = Pence(balance.0.saturating_sub(principal));
            all.push(Instalment {
                number,
                interest,
                principal: Pence(principal),
                balance,
            });
        }
        Ok(all)
    }

    /// The rate of one instalment, as a part of the balance.
    fn part(&self) -> Option<Decimal> {
        let yearly = self.rate.decimal().checked_div(Decimal::ONE_HUNDRED)?;
        yearly
            .checked_mul(Decimal::from(self.every_months))?
            .checked_div(Decimal::from(12))
    }

    /// The same payment each time: `P·i / (1 − (1+i)⁻ⁿ)`, to the penny.
    fn payment(&self, part: Decimal) -> Option<Pence> {
        let principal = Decimal::from(self.principal.0);
        if part.is_zero() {
            return Pence::rounded(principal.checked_div(Decimal::from(self.instalments))?);
        }
        let grown = Decimal::ONE.checked_add(part)?;
        let mut shrunk = Decimal::ONE;
        for _ in 0..self.instalments {
            shrunk = shrunk.checked_div(grown)?;
        }
        let below = Decimal::ONE.checked_sub(shrunk)?;
        Pence::rounded(principal.checked_mul(part)?.checked_div(below)?)
    }
}
