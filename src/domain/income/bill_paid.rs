//! What hosts paid of their bills: which bill a payment pays, and what is wrong.
//!
//! A bank's file may have its rows in any order, so payments that fit a bill to the penny are given
//! their bills first; of what is left the same amount again is a second payment of that bill, and
//! another amount goes to the oldest bill that is open and had ended before it. A bill that is paid to
//! the penny in time has no name.

use super::{CHARGE_LIMIT, Difference, reconcile::slipped_amount};
use crate::{calendar::LocalDay, money::Pence};

/// A bill that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentBill {
    /// Its number.
    pub number: u32,
    /// Who owes it.
    pub host: String,
    /// What is asked; nothing once it was taken back.
    pub asked: Pence,
    /// What was paid of it.
    pub paid: Pence,
    /// The last day it is for.
    pub to: LocalDay,
    /// The last day to pay.
    pub by: LocalDay,
}

/// A payment of a host, below zero when it went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPayment {
    /// Who paid.
    pub host: String,
    /// When.
    pub on: LocalDay,
    /// How much.
    pub pence: Pence,
}

impl SentBill {
    fn open(&self) -> Pence {
        self.asked.checked_sub(self.paid).unwrap_or_default()
    }

    fn pay(&mut self, pence: Pence) {
        self.paid = self.paid.checked_add(pence).unwrap_or(self.paid);
    }
}

/// The number of the bill that each payment pays, in the order of the payments; none where nothing
/// fits. What is paid is added to the bills.
#[must_use]
pub fn settle_bills(bills: &mut [SentBill], payments: &[HostPayment]) -> Vec<Option<u32>> {
    bills.sort_by_key(|bill| (bill.by, bill.number));
    let mut order: Vec<usize> = (0..payments.len()).collect();
    order.sort_by_key(|place| payments.get(*place).map(|payment| payment.on));
    let mut paid: Vec<Option<u32>> = vec![None; payments.len()];
    for exact in [true, false] {
        for &place in &order {
            let (Some(payment), Some(taken)) = (payments.get(place), paid.get_mut(place)) else {
                continue;
            };
            if taken.is_some() {
                continue;
            }
            let found = match exact {
                true => first_of(bills, payment, |bill| {
                    payment.pence > Pence::ZERO && bill.open() == payment.pence
                }),
                false => other_than_exact(bills, payment),
            };
            if let Some(bill) = found.and_then(|found| bills.get_mut(found)) {
                bill.pay(payment.pence);
                *taken = Some(bill.number);
            }
        }
    }
    paid
}

fn other_than_exact(bills: &[SentBill], payment: &HostPayment) -> Option<usize> {
    let back = Pence::ZERO.checked_sub(payment.pence)?;
    let same_again = |bill: &SentBill| {
        let whole = bill.paid >= bill.asked && bill.paid > Pence::ZERO;
        whole && (bill.asked == payment.pence || bill.asked == back)
    };
    // The last that was paid before is the one that was paid twice, or came back.
    let twice = bills
        .iter()
        .rposition(|bill| bill.host == payment.host && bill.to < payment.on && same_again(bill));
    twice.or_else(|| {
        let open = |bill: &SentBill| payment.pence > Pence::ZERO && bill.open() > Pence::ZERO;
        first_of(bills, payment, open)
    })
}

/// The oldest bill of the host that fits, of those that had ended before the payment if there is one.
fn first_of(
    bills: &[SentBill],
    payment: &HostPayment,
    fits: impl Fn(&SentBill) -> bool,
) -> Option<usize> {
    let own = |bill: &SentBill| bill.host == payment.host && fits(bill);
    let ended = bills
        .iter()
        .position(|bill| own(bill) && bill.to < payment.on);
    ended.or_else(|| bills.iter().position(own))
}

/// What is wrong with the payment of a bill, as of a day, with what is lacking; `paid_on` is the day
/// of its last payment.
#[must_use]
pub fn bill_differences(
    bill: &SentBill,
    paid_on: Option<LocalDay>,
    today: LocalDay,
) -> Vec<(Difference, Pence)> {
    let mut found = Vec::new();
    let lacking = bill.open();
    let difference = match lacking.0 {
        0 => None,
        1.. if bill.paid == Pence::ZERO => (today > bill.by).then_some(Difference::Unpaid),
        // We owe it, and nothing went out: no payment of the host's is wrong.
        _ if bill.paid == Pence::ZERO => None,
        _ => Some(match slipped_amount(bill.asked, bill.paid) {
            Some(by) => Difference::Slip(by),
            None if bill.asked == Pence::ZERO => Difference::NotDue,
            None if bill.paid.0 == bill.asked.0.saturating_mul(2) => Difference::Double,
            None if lacking < Pence::ZERO => Difference::Over,
            None if lacking <= CHARGE_LIMIT && lacking.0 % 100 == 0 => Difference::Charge,
            None => Difference::Short,
        }),
    };
    found.extend(difference.map(|difference| (difference, lacking)));
    if let Some(on) = paid_on.filter(|on| *on > bill.by && bill.asked > Pence::ZERO) {
        found.push((Difference::Late(on.days_since(bill.by)), Pence::ZERO));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> LocalDay {
        text.parse().unwrap()
    }

    fn bill(number: u32, pence: i64, to: &str, by: &str) -> SentBill {
        SentBill {
            number,
            host: "council".into(),
            asked: Pence(pence),
            paid: Pence::ZERO,
            to: day(to),
            by: day(by),
        }
    }

    fn pay(on: &str, pence: i64) -> HostPayment {
        HostPayment {
            host: "council".into(),
            on: day(on),
            pence: Pence(pence),
        }
    }

    fn year() -> Vec<SentBill> {
        vec![
            bill(1, 10_000, "2015-03-15", "2015-04-14"),
            bill(2, 30_000, "2015-06-15", "2015-07-15"),
            bill(3, 40_000, "2015-09-15", "2015-10-15"),
        ]
    }

    #[test]
    fn a_file_with_the_newest_row_first_pays_the_same_bills() {
        let rows = [
            pay("2015-10-01", 40_000),
            pay("2015-07-01", 29_000),
            pay("2015-04-01", 10_000),
        ];
        let mut bills = year();
        assert_eq!(settle_bills(&mut bills, &rows), [Some(3), Some(2), Some(1)]);
        let found = bill_differences(&bills[1], Some(day("2015-07-01")), day("2016-01-01"));
        assert_eq!(found, [(Difference::Charge, Pence(1_000))]);
    }

    #[test]
    fn a_second_payment_is_of_the_same_bill_and_not_of_the_next() {
        let rows = [pay("2015-04-01", 10_000), pay("2015-04-03", 10_000)];
        let mut bills = year();
        assert_eq!(settle_bills(&mut bills, &rows), [Some(1), Some(1)]);
        let found = bill_differences(&bills[0], Some(day("2015-04-03")), day("2015-04-10"));
        assert_eq!(found, [(Difference::Double, Pence(-10_000))]);
    }

    #[test]
    fn a_payment_that_went_back_leaves_its_bill_unpaid() {
        let rows = [pay("2015-04-01", 10_000), pay("2015-04-03", -10_000)];
        let mut bills = year();
        assert_eq!(settle_bills(&mut bills, &rows), [Some(1), Some(1)]);
        assert_eq!(bills[0].paid, Pence::ZERO);
    }
}
