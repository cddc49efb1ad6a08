//! What is lent to a society, and when it comes back.

use rust_decimal::Decimal;

use crate::{calendar::LocalDay, income::months_after, money::Pence};

/// Most instalments of one loan: forty years by month.
pub const MAX_INSTALMENTS: u16 = 480;
/// Months of a year times per cent.
const MONTHS_PERCENT: i64 = 1_200;

/// How a loan is repaid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repaid {
    /// The same part of the principal each time; odd pence go with the first instalments.
    Equal,
    /// All at the end, interest each time.
    AtEnd,
}

impl Repaid {
    /// The way of that word: `equal` or `at-end`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Repaid> {
        match word {
            "equal" => Some(Repaid::Equal),
            "at-end" => Some(Repaid::AtEnd),
            _ => None,
        }
    }
}

/// One instalment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instalment {
    /// The day it is due.
    pub on: LocalDay,
    /// Principal.
    pub principal: Pence,
    /// Interest on what was owed until then, rounded once.
    pub interest: Pence,
    /// What is owed after it.
    pub left: Pence,
}

/// There is no such schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSchedule {
    /// Not above zero.
    #[error("a loan of {0}; expected more than nothing")]
    Principal(Pence),
    /// None, or too many.
    #[error("{0} instalments; expected 1 to {MAX_INSTALMENTS}")]
    Instalments(u16),
    /// No step.
    #[error("an instalment every {0} months; expected 1 to 12")]
    Months(u8),
    /// A rate below zero or above a hundred.
    #[error("a rate of {0} % a year; expected 0 to 100")]
    Rate(Decimal),
    /// Beyond 64 bits.
    #[error("the loan is too large")]
    TooLarge,
}

/// The schedule: interest of each step is what is owed × rate × months ÷ 12, rounded half away from
/// zero.
///
/// # Errors
/// [`NoSchedule`] with what is wrong.
pub fn schedule(
    principal: Pence,
    rate_percent: Decimal,
    first: LocalDay,
    every_months: u8,
    instalments: u16,
    repaid: Repaid,
) -> Result<Vec<Instalment>, NoSchedule> {
    if principal.0 <= 0 {
        return Err(NoSchedule::Principal(principal));
    }
    if !(1..=MAX_INSTALMENTS).contains(&instalments) {
        return Err(NoSchedule::Instalments(instalments));
    }
    if !(1..=12).contains(&every_months) {
        return Err(NoSchedule::Months(every_months));
    }
    if rate_percent < Decimal::ZERO || rate_percent > Decimal::ONE_HUNDRED {
        return Err(NoSchedule::Rate(rate_percent));
    }
    let count = i64::from(instalments);
    let share = principal.0.checked_div(count).unwrap_or(0);
    let odd = principal.0.checked_rem(count).unwrap_or(0);
    let step = rate_percent
        .checked_mul(Decimal::from(every_months))
        .and_then(|step| step.checked_div(Decimal::from(MONTHS_PERCENT)))
        .ok_or(NoSchedule::TooLarge)?;
    let mut left = principal;
    let mut all = Vec::new();
    for number in 0..instalments {
        let last = number.saturating_add(1) == instalments;
        let back = match repaid {
            Repaid::AtEnd if last => left,
            Repaid::AtEnd => Pence::ZERO,
            Repaid::Equal => Pence(share.saturating_add(i64::from(i64::from(number) < odd))),
        };
        let interest = Decimal::from(left.0)
            .checked_mul(step)
            .and_then(Pence::rounded)
            .ok_or(NoSchedule::TooLarge)?;
        left = left.checked_sub(back).ok_or(NoSchedule::TooLarge)?;
        all.push(Instalment {
            on: months_after(
                first,
                i32::from(number).saturating_mul(i32::from(every_months)),
            ),
            principal: back,
            interest,
            left,
        });
    }
    Ok(all)
}
