//! What counts as paid or credited in a period, and the list that HMRC asks for.
//!
//! A payment by bank counts on the day money moves, unless it came back; a cheque on the day it was
//! cashed; shares and gifts on the day of release, when they are credited. The year for which a run
//! was made does not matter (HMRC manual CTM40525; section 887 of the Income Tax Act 2007).

use std::collections::BTreeMap;

use super::order::{Fate, Order, State, Way};
use crate::{calendar::LocalDay, money::Pence};

/// Interest that was paid or credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The member.
    pub member: u32,
    /// The day.
    pub on: LocalDay,
    /// Interest before tax.
    pub gross: Pence,
    /// Tax deducted.
    pub tax: Pence,
}

/// A person with what it was paid in a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Interest before tax.
    pub gross: Pence,
    /// Tax deducted.
    pub tax: Pence,
}

/// All that counts, in order of the orders.
#[must_use]
pub fn counted(orders: &[Order]) -> Vec<Counted> {
    let mut all = Vec::new();
    for order in orders {
        let State::Released(released) = order.state else {
            continue;
        };
        for line in &order.lines {
            let on = match (line.way, order.fates.get(&line.member)) {
                (Way::Reinvest | Way::Fund, _) => released,
                (_, Some(Fate::Returned(_))) | (Way::Cheque, None) => continue,
                (Way::Bank, _) => order.on,
                (Way::Cheque, Some(Fate::Paid(on))) => *on,
            };
            all.push(Counted {
                member: line.member,
                on,
                gross: line.gross,
                tax: line.tax,
            });
        }
    }
    all
}

/// What each member was paid or credited from `first` to `last`, those with at least `least` in all.
///
/// ```
/// use commonwatt_domain::{money::Pence, payment::{Counted, annual_list}};
/// let on = "2025-05-01".parse()?;
/// let of = |member, gross| Counted { member, on, gross: Pence(gross), tax: Pence(0) };
/// let (first, last) = ("2025-01-01".parse()?, "2025-12-31".parse()?);
/// // £8,333 and £8,334 at 3 %: £249.99 and £250.02.
/// let list = annual_list(&[of(1, 24_999), of(2, 25_002)], first, last, Pence(25_000));
/// assert_eq!(list.keys().copied().collect::<Vec<_>>(), [2]);
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[must_use]
pub fn annual_list(
    counted: &[Counted],
    first: LocalDay,
    last: LocalDay,
    least: Pence,
) -> BTreeMap<u32, Person> {
    let mut all: BTreeMap<u32, Person> = BTreeMap::new();
    for one in counted
        .iter()
        .filter(|one| first <= one.on && one.on <= last)
    {
        let person = all.entry(one.member).or_default();
        person.gross.0 = person.gross.0.saturating_add(one.gross.0);
        person.tax.0 = person.tax.0.saturating_add(one.tax.0);
    }
    all.retain(|_, person| person.gross >= least);
    all
}
