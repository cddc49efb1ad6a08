//! Whole payments, as a bank has them, against whole claims: what each pays, and what is wrong.
//!
//! A payment of exactly a claim's amount pays the earliest such claim that is open; one of the sum of
//! all open claims pays all of them; another amount is held against the latest open claim that ended
//! before it, and named by the line that explains it.

use super::{CHARGE_LIMIT, ClaimKey, Difference, Due, Found, LineKind};
use crate::{calendar::LocalDay, money::Pence, quantity::WattHours};

/// Slips that are recognised: the point one or two places elsewhere.
const SLIPS: [i64; 2] = [10, 100];

/// A claim with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owed {
    /// The claim.
    pub claim: ClaimKey,
    /// Its lines; all are due on one day.
    pub lines: Vec<Due>,
    /// Their sum.
    pub pence: Pence,
    /// Last day on which it is paid in time.
    pub by: LocalDay,
}

/// A payment of one installation's claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// When.
    pub on: LocalDay,
    /// How much.
    pub pence: Pence,
}

/// Holds payments against claims of one installation, as of a day; `None` when a sum leaves 64 bits.
#[must_use]
pub fn allot(
    installation: &str,
    owed: &[Owed],
    payments: &[Payment],
    today: LocalDay,
) -> Option<Vec<Found>> {
    let mut open: Vec<&Owed> = owed.iter().collect();
    open.sort_by_key(|one| (one.claim.to, one.claim.from));
    let mut payments: Vec<&Payment> = payments.iter().collect();
    payments.sort_by_key(|one| one.on);
    let mut paid: Vec<&Owed> = Vec::new();
    let mut found = Vec::new();
    let say = |claim: &ClaimKey, kind, difference, lacking| Found {
        claim: claim.clone(),
        kind,
        difference,
        lacking,
    };
    for payment in payments {
        let ended = open.iter().filter(|one| one.claim.to < payment.on).count();
        let over = Pence::ZERO.checked_sub(payment.pence)?;
        let reached = open.get(..ended)?;
        let all = Pence::total(reached.iter().map(|one| one.pence))?;
        let pays: Vec<&Owed> = match reached.iter().position(|one| one.pence == payment.pence) {
            Some(place) => vec![open.remove(place)],
            None if all == payment.pence && ended > 1 => open.drain(..ended).collect(),
            None => {
                let again = paid.iter().rev().find(|one| one.pence == payment.pence);
                if let Some(again) = again {
                    found.push(say(&again.claim, None, Difference::Double, over));
                    continue;
                }
                match ended.checked_sub(1) {
                    Some(place) => vec![open.remove(place)],
                    None => {
                        let claim = ClaimKey {
                            installation: installation.to_owned(),
                            from: payment.on,
                            to: payment.on,
                        };
                        found.push(say(&claim, None, Difference::NotDue, over));
                        continue;
                    }
                }
            }
        };
        for one in &pays {
            if payment.on > one.by {
                let days = payment.on.days_since(one.by);
                found.push(say(&one.claim, None, Difference::Late(days), Pence::ZERO));
            }
        }
        if let [one] = pays.as_slice()
            && one.pence != payment.pence
        {
            let lacking = one.pence.checked_sub(payment.pence)?;
            let (kind, difference) = explained(one, payment.pence, lacking);
            found.push(say(&one.claim, kind, difference, lacking));
        }
        paid.extend(pays);
    }
    for one in open {
        if today > one.by && one.pence > Pence::ZERO {
            found.push(say(&one.claim, None, Difference::Unpaid, one.pence));
        }
    }
    found.sort_by(|a, b| (&a.claim, a.kind, &a.difference).cmp(&(&b.claim, b.kind, &b.difference)));
    Some(found)
}

/// The line that explains a difference, or the whole claim.
fn explained(owed: &Owed, paid: Pence, lacking: Pence) -> (Option<LineKind>, Difference) {
    if let Some(line) = owed.lines.iter().find(|line| line.pence == lacking) {
        return (Some(line.kind), Difference::Unpaid);
    }
    for line in &owed.lines {
        let slipped = |wh: Option<i64>| {
            let other = line.rate.price(WattHours(wh?))?;
            let would = owed.pence.checked_sub(line.pence)?.checked_add(other)?;
            (would == paid).then_some(())
        };
        for by in SLIPS {
            if slipped(line.wh.0.checked_mul(by)).is_some() {
                return (Some(line.kind), Difference::Slip(by));
            }
            if slipped(line.wh.0.checked_div(by)).is_some() {
                return (Some(line.kind), Difference::Slip(by.saturating_neg()));
            }
        }
    }
    let difference = match lacking.0 {
        1.. if lacking <= CHARGE_LIMIT && lacking.0 % 100 == 0 => Difference::Charge,
        1.. => Difference::Short,
        _ if paid.0 == owed.pence.0.saturating_mul(2) => Difference::Double,
        _ => Difference::Over,
    };
    (None, difference)
}
