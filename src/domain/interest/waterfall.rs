//! The year's surplus, step by step: what is set aside, what members may have, what the fund gets.
//!
//! Order and split differ by society, so both are data: steps in their order, each naming the
//! resolution it stands on and its day, in versions with a first day. A step takes at most what is
//! left, is rounded once, half away from zero, and what the last one leaves is carried forward. A
//! loss is carried forward whole. Nothing is decided here: the board declares.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    policy::ClassTerms,
    rate::{Percent, ShareRate},
    run::{Declared, RunError, RunOf, run},
};
use crate::{calendar::LocalDay, money::Pence};

/// Most steps of one waterfall.
pub const MAX_STEPS: usize = 20;

/// What the first step starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Income less expense of the year.
    Surplus,
    /// Money in the bank at the year's end.
    Cash,
}

/// What a step takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Costs still to be paid, as given for the year.
    Costs,
    /// What is due on loans, as given for the year.
    Loan,
    /// A fixed amount into the reserve.
    ReserveFixed(Pence),
    /// So many per cent of what is left into the reserve.
    ReservePercent(Percent),
    /// What the reserve lacks of a target.
    ReserveTarget(Pence),
    /// Share interest: so many per cent of what is left, at most what the maximum rates allow.
    Interest(Percent),
    /// So many per cent of what is left for the community fund.
    FundPercent(Percent),
    /// A fraction of the interest for the community fund: 15 over 85 at Westmill.
    FundOfInterest {
        /// Numerator.
        over: u32,
        /// Denominator, above zero.
        under: u32,
    },
    /// So many per cent of what the waterfall started from, for the community fund.
    FundOfStart(Percent),
}

/// One step, with what it stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What it takes.
    pub takes: Takes,
    /// The rule or resolution.
    pub resolution: String,
    /// The day it was resolved.
    pub on: LocalDay,
}

/// The steps in force from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waterfall {
    /// First day of the accounts years it is for.
    pub from: LocalDay,
    /// What it starts from.
    pub starts: Start,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

/// A year, in figures from the books and the roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Year {
    /// What there is: the surplus, or the cash.
    pub start: Pence,
    /// Costs still to be paid.
    pub costs: Pence,
    /// Due on loans.
    pub loan: Pence,
    /// In the reserve already.
    pub reserve: Pence,
    /// The most the maximum rates allow over all accounts.
    pub interest_most: Pence,
}

/// What a step took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The step, by place.
    pub step: usize,
    /// What it asks for before it is held to what is left.
    pub asked: Pence,
    /// What it took.
    pub pence: Pence,
    /// What is left behind it.
    pub left: Pence,
}

/// The year's waterfall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// What each step took, in order.
    pub steps: Vec<Taken>,
    /// For share interest.
    pub interest: Pence,
    /// For the community fund.
    pub fund: Pence,
    /// Into the reserve.
    pub reserve: Pence,
    /// Carried forward; below zero after a loss.
    pub carried: Pence,
}

/// A waterfall cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoWaterfall {
    /// Too many steps.
    #[error("the waterfall has `{0}` steps; expected at most {MAX_STEPS}")]
    Steps(usize),
    /// A fraction without a denominator.
    #[error("step {0} gives the fund a fraction over nothing; expected a form like 15/85")]
    OverNothing(usize),
    /// The fund's fraction of the interest comes before the interest.
    #[error("step {0} gives the fund a fraction of the interest, which comes after it")]
    FundBeforeInterest(usize),
    /// Amounts leave the range of 64 bits.
    #[error("the amounts of step {0} are too large to reckon with")]
    TooLarge(usize),
    /// No version is in force.
    #[error(
        "no waterfall is in force on {0}\nhint: the earliest version begins later; give it an earlier first day"
    )]
    NotYet(LocalDay),
}

/// The version in force for an accounts year that begins on a day: the last that began by then.
///
/// # Errors
/// [`NoWaterfall::NotYet`] when none had begun.
pub fn in_force(versions: &[Waterfall], on: LocalDay) -> Result<&Waterfall, NoWaterfall> {
    versions
        .iter()
        .filter(|version| version.from <= on)
        .max_by_key(|version| version.from)
        .ok_or(NoWaterfall::NotYet(on))
}

impl Waterfall {
    /// Runs the steps over a year.
    ///
    /// # Errors
    /// [`NoWaterfall`] when the steps make no sense or amounts are too large.
    pub fn share(&self, year: &Year) -> Result<Shared, NoWaterfall> {
        if self.steps.len() > MAX_STEPS {
            return Err(NoWaterfall::Steps(self.steps.len()));
        }
        let mut shared = Shared {
            carried: year.start,
            ..Shared::default()
        };
        let mut had_interest = false;
        for (step, stands) in self.steps.iter().enumerate() {
            let number = step.saturating_add(1);
            let too_large = || NoWaterfall::TooLarge(number);
            let left = shared.carried;
            let of = |whole: Pence, percent: Percent| {
                let hundredth = Decimal::from(whole.0).checked_mul(percent.decimal())?;
                whole_pence(hundredth.checked_div(Decimal::ONE_HUNDRED)?)
            };
            let asked = match &stands.takes {
                Takes::Costs => Some(year.costs),
                Takes::Loan => Some(year.loan),
                Takes::ReserveFixed(pence) => Some(*pence),
                Takes::ReserveTarget(target) => target.checked_sub(year.reserve),
                Takes::ReservePercent(percent) | Takes::FundPercent(percent) => of(left, *percent),
                Takes::Interest(percent) => of(left, *percent),
                Takes::FundOfStart(percent) => of(year.start, *percent),
                Takes::FundOfInterest { under: 0, .. } => {
                    return Err(NoWaterfall::OverNothing(number));
                }
                Takes::FundOfInterest { .. } if !had_interest => {
                    return Err(NoWaterfall::FundBeforeInterest(number));
                }
                Takes::FundOfInterest { over, under } => Decimal::from(shared.interest.0)
                    .checked_mul(Decimal::from(*over))
                    .and_then(|times| times.checked_div(Decimal::from(*under)))
                    .and_then(whole_pence),
            };
            let mut asked = asked.ok_or_else(too_large)?.max(Pence::ZERO);
            if let Takes::Interest(_) = stands.takes {
                asked = asked.min(year.interest_most.max(Pence::ZERO));
                had_interest = true;
            }
            let pence = asked.min(left.max(Pence::ZERO));
            let sum = match stands.takes {
                Takes::Interest(_) => Some(&mut shared.interest),
                Takes::FundPercent(_) | Takes::FundOfInterest { .. } | Takes::FundOfStart(_) => {
                    Some(&mut shared.fund)
                }
                Takes::ReserveFixed(_) | Takes::ReservePercent(_) | Takes::ReserveTarget(_) => {
                    Some(&mut shared.reserve)
                }
                Takes::Costs | Takes::Loan => None,
            };
            if let Some(sum) = sum {
                *sum = sum.checked_add(pence).ok_or_else(too_large)?;
            }
            shared.carried = left.checked_sub(pence).ok_or_else(too_large)?;
            shared.steps.push(Taken {
                step,
                asked,
                pence,
                left: shared.carried,
            });
        }
        Ok(shared)
    }
}

/// One step, one rounding: half away from zero.
fn whole_pence(pence: Decimal) -> Option<Pence> {
    Pence::rounded(pence)
}

/// The highest rate for all classes, to two decimals, at which a run costs no more than `amount`:
/// what the board can afford, before it declares. Classes with a lower maximum are held to it.
///
/// # Errors
/// [`RunError`] when no run can be made of this at all.
pub fn affordable(of: &RunOf<'_>, amount: Pence) -> Result<Percent, RunError> {
    let cost = |hundredths: i64| -> Result<Pence, RunError> {
        let rates: Vec<ShareRate> = of
            .classes
            .iter()
            .map(|terms| held_to_maximum(hundredths, terms))
            .collect();
        let at = RunOf {
            declared: Declared::Rates(&rates),
            ..*of
        };
        Ok(run(&at)?.total)
    };
    // The cost rises with the rate, so the highest that fits is found by halving.
    let (mut fits, mut above) = (0_i64, 10_001_i64);
    while fits.saturating_add(1) < above {
        let middle = fits.saturating_add(above).checked_div(2).unwrap_or(fits);
        if cost(middle)? <= amount {
            fits = middle;
        } else {
            above = middle;
        }
    }
    let highest = of.classes.iter().filter_map(|terms| match terms.maximum {
        ShareRate::Percent(percent) => Some(percent),
        ShareRate::PencePerShare(_) => None,
    });
    let found = Percent::new(Decimal::new(fits, 2)).unwrap_or_default();
    Ok(highest.max().map_or(found, |most| found.min(most)))
}

fn held_to_maximum(hundredths: i64, terms: &ClassTerms) -> ShareRate {
    let rate = Percent::new(Decimal::new(hundredths, 2)).unwrap_or_default();
    let rate = ShareRate::Percent(rate);
    match rate.compare(terms.maximum, terms.par) {
        Some(order) if order.is_le() => rate,
        _ => terms.maximum,
    }
}

/// An amount as per cent of capital, to two decimals, for words; nothing where there is no capital.
#[must_use]
pub fn percent_of(amount: Pence, capital: Pence) -> Option<Decimal> {
    Decimal::from(amount.0)
        .checked_mul(Decimal::ONE_HUNDRED)?
        .checked_div(Decimal::from(capital.0))
        .map(|percent| {
            let mut percent =
                percent.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
            percent.rescale(2);
            percent
        })
}
