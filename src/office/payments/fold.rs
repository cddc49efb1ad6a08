//! Orders as their decisions add up, and what runs owe.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay},
    money::Pence,
    payment::{self, Fate, Forfeit, Line, Order, Owed, Part, State, Way},
};
use records::{
    decision::What,
    interest::RunNote,
    parts,
    payments::{OrderHeld, OrderLine, OrderNote},
};

use crate::{
    answer::{Answer, OrOurs, Refusal, refuse},
    interest::Standing,
    society::SocietyOffice,
};

/// The kinds of decision that orders are made of.
const KINDS: [&str; 7] = [
    "order-lines/1",
    "order-prepared/1",
    "order-prepared/2",
    "order-approved/1",
    "order-released/1",
    "order-cancelled/1",
    "order-reported/1",
];

/// An order and how it stands.
#[derive(Clone, Debug)]
pub struct OrderState {
    /// Its note.
    pub note: OrderNote,
    /// The hash of its note.
    pub hash: String,
    /// Who prepared it.
    pub prepared_by: String,
    /// How it stands.
    pub standing: OrderStanding,
    /// What became of lines that move money, with the reason of those that came back.
    pub fates: BTreeMap<u32, (Fate, String)>,
}

/// How an order stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderStanding {
    /// It waits for another officer.
    Prepared,
    /// Another officer approved it.
    Approved {
        /// Who.
        by: String,
    },
    /// Its file was handed out.
    Released {
        /// By whom.
        by: String,
        /// When, local.
        on: LocalDay,
        /// Who had approved it.
        approved_by: String,
    },
    /// It was taken back.
    Cancelled {
        /// Why.
        reason: String,
    },
}

/// What a run owes a member, for a list.
#[derive(Clone, Debug)]
pub struct OwedLine {
    /// The run.
    pub run: u32,
    /// Its period.
    pub period: (String, String),
    /// The member.
    pub member: u32,
    /// What is owed, settled and open.
    pub owed: Owed,
}

impl OrderStanding {
    /// The word used in answers and JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            OrderStanding::Prepared => "prepared",
            OrderStanding::Approved { .. } => "approved",
            OrderStanding::Released { .. } => "released",
            OrderStanding::Cancelled { .. } => "cancelled",
        }
    }
}

impl OrderState {
    /// The order in the domain's words.
    ///
    /// # Errors
    /// When its note was written by something else.
    pub fn order(&self) -> Answer<Order> {
        let lines: Answer<Vec<Line>> = self.note.lines.iter().map(line).collect();
        Ok(Order {
            number: self.note.order,
            run: self.note.run,
            on: self.note.on.parse().or_ours("the day of an order")?,
            lines: lines?,
            state: match &self.standing {
                OrderStanding::Prepared => State::Prepared,
                OrderStanding::Approved { .. } => State::Approved,
                OrderStanding::Released { on, .. } => State::Released(*on),
                OrderStanding::Cancelled { .. } => State::Cancelled,
            },
            fates: self
                .fates
                .iter()
                .map(|(member, (fate, _))| (*member, fate.clone()))
                .collect(),
        })
    }

    /// What became of a line, in a word.
    #[must_use]
    pub fn fate_word(&self, line: &OrderLine) -> &'static str {
        let released = matches!(self.standing, OrderStanding::Released { .. });
        let money = Way::of_word(&line.way).is_some_and(Way::moves_money);
        match self.fates.get(&line.member).filter(|_| money) {
            Some((Fate::Paid(_), _)) => "paid",
            Some((Fate::Returned(_), _)) => "returned",
            None if !released => "not released",
            None => match line.way.as_str() {
                "bank" => "sent",
                "cheque" => "issued",
                "reinvest" => "made shares",
                _ => "given",
            },
        }
    }
}

fn prepared(note: OrderNote, hash: String, by: String) -> OrderState {
    OrderState {
        note,
        hash,
        prepared_by: by,
        standing: OrderStanding::Prepared,
        fates: BTreeMap::new(),
    }
}

/// A line in the domain's words.
pub(super) fn line(line: &OrderLine) -> Answer<Line> {
    Ok(Line {
        member: line.member,
        way: Way::of_word(&line.way)
            .ok_or_else(|| Refusal::Ours(format!("`{}` is no way of payment", line.way)))?,
        gross: Pence(line.gross_pence),
        tax: Pence(line.tax_pence),
        net: Pence(line.pence),
        parts: line
            .parts
            .iter()
            .map(|(class, pence)| Part {
                class: class.clone(),
                gross: Pence(*pence),
            })
            .collect(),
        shares: line.shares,
        carried: Pence(line.carried_pence),
    })
}

impl SocietyOffice {
    /// The orders, by number.
    ///
    /// # Errors
    /// When the decisions are damaged.
    pub fn orders(&self) -> Answer<Vec<OrderState>> {
        let mut orders: Vec<OrderState> = Vec::new();
        let mut open = parts::Open::<(Vec<OrderLine>, Vec<OrderHeld>)>::default();
        for decision in self.decisions(&KINDS)? {
            let find = |orders: &mut Vec<OrderState>, number: u32| {
                orders.iter().position(|one| one.note.order == number)
            };
            match decision.what {
                What::OrderLines(part) => open.take(*part),
                What::OrderPrepared(note) => {
                    let hash = note.hash();
                    orders.push(prepared(*note, hash, decision.by));
                }
                What::OrderPreparedInParts(closed) => {
                    let hash = closed.hash.clone();
                    let note = open.close(*closed).or_ours("the journal")?;
                    orders.push(prepared(note, hash, decision.by));
                }
                What::OrderApproved(named) => {
                    if let Some(at) = find(&mut orders, named.order) {
                        orders[at].standing = OrderStanding::Approved { by: decision.by };
                    }
                }
                What::OrderReleased(named) => {
                    if let Some(at) = find(&mut orders, named.order) {
                        let approved_by = match &orders[at].standing {
                            OrderStanding::Approved { by } => by.clone(),
                            _ => String::new(),
                        };
                        orders[at].standing = OrderStanding::Released {
                            by: decision.by,
                            on: self.today(Instant(decision.at_ms)),
                            approved_by,
                        };
                    }
                }
                What::OrderCancelled(cancelled) => {
                    if let Some(at) = find(&mut orders, cancelled.order) {
                        orders[at].standing = OrderStanding::Cancelled {
                            reason: cancelled.reason,
                        };
                    }
                }
                What::OrderReported(reported) => {
                    if let Some(at) = find(&mut orders, reported.order) {
                        for row in reported.rows {
                            let on = row.on.parse().or_ours("a payment's day")?;
                            let fate = match row.outcome.as_str() {
                                "paid" => Fate::Paid(on),
                                _ => Fate::Returned(on),
                            };
                            orders[at].fates.insert(row.member, (fate, row.reason));
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(orders)
    }

    /// The order of that number.
    ///
    /// # Errors
    /// When there is none.
    pub fn order(&self, number: u32) -> Answer<OrderState> {
        let found = self
            .orders()?
            .into_iter()
            .find(|one| one.note.order == number);
        found.map_or_else(
            || {
                refuse(format!(
                    "there is no payment order `{number}`\nhint: `commonwatt payments list` shows them"
                ))
            },
            Ok,
        )
    }

    pub(super) fn next_order(&self) -> Answer<u32> {
        let orders = self.orders()?.len();
        Ok(u32::try_from(orders).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// The orders in the domain's words.
    ///
    /// # Errors
    /// When the decisions are damaged.
    pub fn orders_plain(&self) -> Answer<Vec<Order>> {
        self.orders()?.iter().map(OrderState::order).collect()
    }

    /// Interest that was forfeited.
    ///
    /// # Errors
    /// When the decisions are damaged.
    pub fn forfeits(&self) -> Answer<Vec<Forfeit>> {
        let bodies = self.decided("interest-forfeited/1", |what| match what {
            What::InterestForfeited(body) => Some(body),
            _ => None,
        })?;
        let plain = bodies.into_iter().map(|body| {
            Ok(Forfeit {
                run: body.run,
                member: body.member,
                pence: Pence(body.pence),
                on: body.on.parse().or_ours("the day of a forfeiture")?,
            })
        });
        plain.collect()
    }

    /// What a run owes each member.
    pub(crate) fn owed_of(&self, note: &RunNote) -> Answer<BTreeMap<u32, Owed>> {
        let lines = note
            .lines
            .iter()
            .map(|line| (line.member, line.class.as_str(), Pence(line.pence)));
        Ok(payment::owed(
            note.number,
            lines,
            &self.orders_plain()?,
            &self.forfeits()?,
        ))
    }

    /// What frozen runs owe, by run and member; of one run, or all.
    ///
    /// # Errors
    /// When the decisions are damaged.
    pub fn owed(&self, run: Option<u32>) -> Answer<Vec<OwedLine>> {
        let mut all = Vec::new();
        let runs = self.interest_runs()?;
        let frozen = runs.iter().filter(|one| {
            one.standing == Standing::Frozen && run.is_none_or(|run| run == one.note.number)
        });
        for run in frozen {
            for (member, owed) in self.owed_of(&run.note)? {
                all.push(OwedLine {
                    run: run.note.number,
                    period: (run.note.from.clone(), run.note.to.clone()),
                    member,
                    owed,
                });
            }
        }
        Ok(all)
    }
}
