//! What a run still owes: its lines less what orders have settled.

use std::collections::BTreeMap;

use super::order::{Fate, Line, Order, State, Way};
use crate::{calendar::LocalDay, money::Pence};

/// Interest that fell to the society by a named rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forfeit {
    /// The run.
    pub run: u32,
    /// The member.
    pub member: u32,
    /// How much, before tax.
    pub pence: Pence,
    /// The day.
    pub on: LocalDay,
}

/// What a run owes one member, before tax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owed {
    /// The run's interest by share class, in its order.
    pub of_run: Vec<(String, Pence)>,
    /// Paid or credited.
    pub settled: Pence,
    /// In an order that is not released, or a cheque that was not cashed.
    pub on_the_way: Pence,
    /// Fallen to the society by a rule.
    pub forfeited: Pence,
    /// Open by share class: what the next order may pay.
    pub open: Vec<(String, Pence)>,
}

impl Owed {
    /// All that is open.
    #[must_use]
    pub fn open_total(&self) -> Pence {
        let all = self.open.iter().map(|(_, pence)| *pence);
        Pence::total(all).unwrap_or_default()
    }
}

/// What becomes of a line, for what is owed.
enum Stands {
    Settled,
    OnTheWay,
    Open,
}

fn stands(order: &Order, line: &Line) -> Stands {
    match order.state {
        State::Cancelled => Stands::Open,
        State::Prepared | State::Approved => Stands::OnTheWay,
        State::Released(_) => match (line.way, order.fates.get(&line.member)) {
            (Way::Reinvest | Way::Fund, _) => Stands::Settled,
            (_, Some(Fate::Returned(_))) => Stands::Open,
            (Way::Bank, _) | (Way::Cheque, Some(Fate::Paid(_))) => Stands::Settled,
            (Way::Cheque, None) => Stands::OnTheWay,
        },
    }
}

/// What run `run` owes each member; `lines` are its own: member, class, interest.
#[must_use]
pub fn owed<'a>(
    run: u32,
    lines: impl IntoIterator<Item = (u32, &'a str, Pence)>,
    orders: &[Order],
    forfeits: &[Forfeit],
) -> BTreeMap<u32, Owed> {
    let mut all: BTreeMap<u32, Owed> = BTreeMap::new();
    for (member, class, pence) in lines {
        let owed = all.entry(member).or_default();
        owed.of_run.push((class.to_owned(), pence));
        owed.open.push((class.to_owned(), pence));
    }
    let add = |sum: &mut Pence, pence: Pence| sum.0 = sum.0.saturating_add(pence.0);
    for order in orders.iter().filter(|order| order.run == run) {
        for line in &order.lines {
            let Some(owed) = all.get_mut(&line.member) else {
                continue;
            };
            match stands(order, line) {
                Stands::Open => continue,
                Stands::Settled => add(&mut owed.settled, line.gross),
                Stands::OnTheWay => add(&mut owed.on_the_way, line.gross),
            }
            for part in &line.parts {
                take(&mut owed.open, &part.class, part.gross);
            }
        }
    }
    for forfeit in forfeits.iter().filter(|forfeit| forfeit.run == run) {
        let Some(owed) = all.get_mut(&forfeit.member) else {
            continue;
        };
        add(&mut owed.forfeited, forfeit.pence);
        let mut left = forfeit.pence;
        for (_, open) in &mut owed.open {
            let taken = left.min(*open);
            open.0 = open.0.saturating_sub(taken.0);
            left.0 = left.0.saturating_sub(taken.0);
        }
    }
    for owed in all.values_mut() {
        owed.open.retain(|(_, pence)| pence.0 != 0);
    }
    all
}

fn take(open: &mut [(String, Pence)], class: &str, pence: Pence) {
    if let Some((_, left)) = open.iter_mut().find(|(id, _)| id == class) {
        left.0 = left.0.saturating_sub(pence.0);
    }
}
