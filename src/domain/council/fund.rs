//! The community fund: what comes in by rule, what is promised, what is paid, and never below zero.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::money::Pence;

/// What a frozen interest run brings to the fund: a fraction of its interest. Brixton's 80 % interest
/// and 20 % fund are `20/80` of the interest, Westmill's rule is `15/85`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundRule {
    over: u32,
    under: u32,
}

/// The text is no rule of a fund.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no part of the interest; expected a form like `20/80`")]
pub struct NotAFundRule(pub String);

impl core::str::FromStr for FundRule {
    type Err = NotAFundRule;

    fn from_str(text: &str) -> Result<FundRule, NotAFundRule> {
        let parts = text.split_once('/');
        let read = parts.and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        match read {
            Some((over, under)) if over > 0 && under > 0 => Ok(FundRule { over, under }),
            _ => Err(NotAFundRule(text.chars().take(32).collect())),
        }
    }
}

impl FundRule {
    /// What this much interest brings, rounded once.
    ///
    /// ```
    /// use commonwatt_domain::{council::FundRule, money::Pence};
    /// let rule: FundRule = "20/80".parse().unwrap();
    /// assert_eq!(rule.of(Pence(174_000)), Some(Pence(43_500)));
    /// ```
    #[must_use]
    pub fn of(self, interest: Pence) -> Option<Pence> {
        Decimal::from(interest.0)
            .checked_mul(Decimal::from(self.over))?
            .checked_div(Decimal::from(self.under))
            .and_then(Pence::rounded)
    }
}

/// A grant that cannot be made or paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotGranted {
    /// More than there is.
    #[error(
        "{asked} is more than the fund can promise: it holds {balance}, of which {promised} is promised\nhint: grant at most {free}"
    )]
    Short {
        /// What was asked.
        asked: Pence,
        /// What the fund holds.
        balance: Pence,
        /// What of it is promised.
        promised: Pence,
        /// What is free.
        free: Pence,
    },
    /// Not above zero.
    #[error("a grant of {0}; expected more than nothing")]
    Nothing(Pence),
    /// No such grant.
    #[error("there is no grant `{0}`")]
    Unknown(String),
    /// More than is left of it.
    #[error("{asked} is more than is left of grant `{grant}`: {left}")]
    More {
        /// The grant.
        grant: String,
        /// What was asked.
        asked: Pence,
        /// What is left of it.
        left: Pence,
    },
    /// A condition is not met.
    #[error("grant `{grant}` has a condition that is not met: {condition}")]
    Condition {
        /// The grant.
        grant: String,
        /// The condition.
        condition: String,
    },
}

/// The fund's promises beside what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fund {
    /// What the books say it holds.
    pub balance: Pence,
    /// By grant: what is not paid of it.
    open: BTreeMap<String, Pence>,
}

impl Fund {
    /// A fund that holds this much and has promised nothing.
    #[must_use]
    pub fn holding(balance: Pence) -> Fund {
        Fund {
            balance,
            open: BTreeMap::new(),
        }
    }

    /// Takes in an earlier promise: so much of a grant is not paid.
    pub fn promised_before(&mut self, grant: &str, left: Pence) {
        if left > Pence::ZERO {
            self.open.insert(grant.to_owned(), left);
        }
    }

    /// What is promised and not paid.
    #[must_use]
    pub fn promised(&self) -> Pence {
        Pence::total(self.open.values().copied()).unwrap_or(Pence(i64::MAX))
    }

    /// What can be promised.
    #[must_use]
    pub fn free(&self) -> Pence {
        self.balance
            .checked_sub(self.promised())
            .unwrap_or(Pence::ZERO)
    }

    /// Whether a grant can be promised: the fund must be able to pay all its promises.
    ///
    /// # Errors
    /// [`NotGranted`] with what there is.
    pub fn check_grant(&self, asked: Pence) -> Result<(), NotGranted> {
        if asked <= Pence::ZERO {
            return Err(NotGranted::Nothing(asked));
        }
        if asked > self.free() {
            return Err(NotGranted::Short {
                asked,
                balance: self.balance,
                promised: self.promised(),
                free: self.free().max(Pence::ZERO),
            });
        }
        Ok(())
    }

    /// Whether so much of a grant can be paid, with the first condition that is not met.
    ///
    /// # Errors
    /// [`NotGranted`] with the reason.
    pub fn check_payment(
        &self,
        grant: &str,
        asked: Pence,
        unmet: Option<&str>,
    ) -> Result<(), NotGranted> {
        let Some(left) = self.open.get(grant) else {
            return Err(NotGranted::Unknown(grant.to_owned()));
        };
        if let Some(condition) = unmet {
            return Err(NotGranted::Condition {
                grant: grant.to_owned(),
                condition: condition.to_owned(),
            });
        }
        if asked <= Pence::ZERO || asked > *left {
            return Err(NotGranted::More {
                grant: grant.to_owned(),
                asked,
                left: *left,
            });
        }
        Ok(())
    }
}
