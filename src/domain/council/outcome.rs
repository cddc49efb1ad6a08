//! Outcomes: what was proposed and delivered, and what one of them cost, year on year.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::money::Pence;

/// What was delivered, or paid for it, in a year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The year, by its first calendar year.
    pub year: i32,
    /// How much of the measure.
    pub amount: Decimal,
    /// What it cost.
    pub cost: Pence,
}

/// One year of an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YearOfOutcome {
    /// The year.
    pub year: i32,
    /// Delivered in it.
    pub amount: Decimal,
    /// Paid for it.
    pub cost: Pence,
    /// Cost of one, rounded once; none where nothing was delivered.
    pub cost_of_one: Option<Pence>,
    /// Change of the cost of one on the year before that has one, per cent, one decimal.
    pub change_percent: Option<Decimal>,
}

/// The years of an outcome, in order: sums, the cost of one, and its change on the year before.
#[must_use]
pub fn by_year(delivered: &[Delivered]) -> Vec<YearOfOutcome> {
    let mut sums: BTreeMap<i32, (Decimal, Pence)> = BTreeMap::new();
    for one in delivered {
        let sum = sums.entry(one.year).or_default();
        sum.0 = sum.0.checked_add(one.amount).unwrap_or(sum.0);
        sum.1 = sum.1.checked_add(one.cost).unwrap_or(sum.1);
    }
    let mut before: Option<Pence> = None;
    let mut years = Vec::new();
    for (year, (amount, cost)) in sums {
        let cost_of_one = match cost {
            Pence(0) => None,
            Pence(pence) => Decimal::from(pence)
                .checked_div(amount)
                .and_then(Pence::rounded),
        };
        let change = |from: Pence, to: Pence| {
            Decimal::from(to.0.checked_sub(from.0)?)
                .checked_mul(Decimal::ONE_HUNDRED)?
                .checked_div(Decimal::from(from.0))
                .map(|of| of.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
        };
        years.push(YearOfOutcome {
            year,
            amount: amount.normalize(),
            cost,
            cost_of_one,
            change_percent: before.zip(cost_of_one).and_then(|(a, b)| change(a, b)),
        });
        before = cost_of_one.or(before);
    }
    years
}
