//! Paying members: an order prepared by one officer, approved by another, released once, followed up.
//!
//! What a run owes is folded from its lines and the orders, and kept nowhere. Preparing fixes lines,
//! the form of the bank's file and the file's own SHA-256; another officer approves the hash over all
//! of it. Releasing makes the file anew from the sealed details that the journal names and fails when
//! a byte of it differs or a payee's details were changed since. Bank details are opened in memory
//! only, for the file. What comes back, and a cheque nobody cashes, is owed again.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay},
    interest::Percent,
    membership::{Line as ShareLine, MemberNo, MovementKind, Source as ShareSource},
    money::Pence,
    payment::{self, Account, Ask, Payee, Rest, Share, Way, plan},
};
use records::{
    decision::What,
    parts::{PART_BYTES, json_bytes},
    payments::{MemberTax, OrderCancelled, OrderHeld, OrderLine, OrderNamed},
    roll as body,
};

use super::{
    accounts::posting,
    answer::{Answer, OrCaller, Refusal, refuse},
    interest::Standing,
    roll::Roll,
    society::SocietyOffice,
};

mod entries;
mod file;
mod fold;
mod reported;
mod terms;

pub use file::{MadeFile, Released};
pub use fold::{OrderStanding, OrderState, OwedLine};
pub use records::payments::{OrderNote, ReportedRow};
pub use reported::{ForfeitOf, Row, rows_of_csv};
pub(super) use terms::check;
pub use terms::{NamedProfile, profiles};

/// A payment day lies at most so many days ahead.
pub const MAX_AHEAD_DAYS: i32 = 31;
/// Most members of one order; who is left is paid by the next one.
pub const MAX_PAYEES: usize = 100_000;
/// Most lines of one order that make shares: their movements are released as one group of the journal,
/// which has 2 MiB. Who is left is paid by the next order.
pub const MAX_CONVERSIONS: usize = 2_000;
/// Longest profile.
pub const MAX_PROFILE_BYTES: usize = 64 << 10;

/// What an order is asked for.
#[derive(Clone, Debug)]
pub struct OrderAsked {
    /// The run.
    pub run: u32,
    /// The form of the bank's file.
    pub profile: NamedProfile,
    /// The day on which money moves.
    pub on: LocalDay,
    /// Only these members; all when empty.
    pub only: Vec<u32>,
    /// These by cheque, whatever they chose.
    pub by_cheque: Vec<u32>,
}

impl SocietyOffice {
    /// Prepares an order for what a run still owes, as members chose to be paid. Gives its note, and
    /// how many members are left for the next order because this one is full.
    ///
    /// # Errors
    /// When the run is not frozen, nothing can be paid, the day does not fit, or bank details are in
    /// their seven days and the society's rule refuses the order for it.
    pub fn prepare_order(
        &self,
        asked: &OrderAsked,
        by: &str,
        now: Instant,
    ) -> Answer<(OrderNote, usize)> {
        let _one_at_a_time = posting();
        let run = self.interest_run(asked.run)?;
        if run.standing != Standing::Frozen {
            return refuse(format!(
                "run {} is {}; expected a frozen one",
                asked.run,
                run.standing.word()
            ));
        }
        let profile = asked.profile.read()?;
        if asked.profile.text.len() > MAX_PROFILE_BYTES {
            return refuse(format!(
                "payment profile `{}` has {} bytes; expected at most {MAX_PROFILE_BYTES}",
                asked.profile.name,
                asked.profile.text.len()
            ));
        }
        let terms = terms::of(&self.known().document)?;
        let today = self.today(now);
        day_fits(asked.on, today, profile.by_hand)?;
        let number = self.next_order()?;
        let owed = self.owed_of(&run.note)?;
        self.with_roll(|roll| {
            let payees = payees(roll, &owed, now)?;
            let ask = Ask {
                only: &asked.only,
                by_cheque: &asked.by_cheque,
            };
            let mut held: Vec<OrderHeld> = Vec::new();
            let mut lines = Vec::new();
            let (mut taken, mut conversions, mut later) = (0_usize, 0_usize, 0_usize);
            for payee in &payees {
                if !ask.only.is_empty() && !ask.only.contains(&payee.member) {
                    continue;
                }
                let converts = match payee.chosen {
                    Way::Reinvest => payee.open.len(),
                    _ => 0,
                };
                if taken >= MAX_PAYEES || conversions + converts > MAX_CONVERSIONS {
                    later = later.saturating_add(1);
                    continue;
                }
                (taken, conversions) = (taken + 1, conversions + converts);
                let plan = plan(std::slice::from_ref(payee), terms.rules, ask);
                if let Some(member) = plan.refused.first() {
                    return refuse(format!(
                        "the bank details of member {member} changed less than 7 days ago, and the rule of the society refuses the order for it\nhint: wait until they are in force; pay the others with --only; or say waiting_details = \"leave-out\" under [payments]"
                    ));
                }
                held.extend(plan.held.iter().map(|one| OrderHeld {
                    member: one.member,
                    pence: one.pence.0,
                    why: one.why.to_owned(),
                }));
                for line in &plan.lines {
                    match shares_fit(roll, line, today) {
                        Ok(()) => lines.push(order_line(roll, line, number, &terms.reference)),
                        Err(why) => held.push(OrderHeld {
                            member: line.member,
                            pence: line.gross.0,
                            why: format!("it cannot become shares: {why}"),
                        }),
                    }
                }
            }
            held.sort_by_key(|one| one.member);
            if lines.is_empty() {
                let why = held
                    .first()
                    .map_or(String::new(), |one| format!("; member {}: {}", one.member, one.why));
                return refuse(format!("nothing of run {} can be paid{why}", asked.run));
            }
            let mut note = OrderNote {
                order: number,
                run: asked.run,
                run_hash: run.hash.clone(),
                profile: asked.profile.name.clone(),
                profile_text: asked.profile.text.clone(),
                made_ms: now.0,
                on: asked.on.to_string(),
                lines,
                held,
                count: 0,
                control_pence: 0,
                file_sha256: String::new(),
                sample: self.is_sample() || run.note.sample || profile.sample,
            };
            if let Some(made) = self.make_file(roll, &note)? {
                note.count = made.count;
                note.control_pence = made.control.0;
                note.file_sha256 = made.sha256;
            }
            self.append_order(note.clone(), by, now)?;
            Ok((note, later))
        })
    }

    /// Appends an order; the lines of one that does not fit a record go before it in parts, which
    /// mean nothing until the record that closes them.
    fn append_order(&self, note: OrderNote, by: &str, now: Instant) -> Answer<()> {
        if json_bytes(&note) <= PART_BYTES {
            return self.decide(What::OrderPrepared(Box::new(note)), by, now);
        }
        let (parts, closed) = note.in_parts();
        for part in parts {
            self.decide(What::OrderLines(Box::new(part)), by, now)?;
        }
        self.decide(What::OrderPreparedInParts(Box::new(closed)), by, now)
    }

    /// Another officer than the one who prepared it approves an order by its hash.
    ///
    /// # Errors
    /// When it is not waiting, the hash is another, or the officer is the same.
    pub fn approve_order(
        &self,
        number: u32,
        hash: &str,
        by: &str,
        now: Instant,
    ) -> Answer<OrderState> {
        let _one_at_a_time = posting();
        let state = self.order(number)?;
        if state.standing != OrderStanding::Prepared {
            return refuse(format!(
                "order {number} is {}; expected one that waits for approval",
                state.standing.word()
            ));
        }
        if hash != state.hash {
            return refuse(format!(
                "the hash is `{hash}` and order {number} has `{}`; expected the hash of what was looked at\nhint: `commonwatt payments show --order {number}` shows it with its lines",
                state.hash
            ));
        }
        if by == state.prepared_by {
            return refuse(format!(
                "`{by}` prepared order {number}; expected another officer to approve it"
            ));
        }
        let approved = OrderNamed {
            order: number,
            hash: hash.to_owned(),
        };
        self.decide(What::OrderApproved(approved), by, now)?;
        self.order(number)
    }

    /// Takes an order back before its release; what it would have paid is open again.
    ///
    /// # Errors
    /// When it was released or taken back, or no reason is given.
    pub fn cancel_order(
        &self,
        number: u32,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<OrderState> {
        let _one_at_a_time = posting();
        let state = self.order(number)?;
        match state.standing {
            OrderStanding::Prepared | OrderStanding::Approved { .. } => {}
            other => {
                return refuse(format!(
                    "order {number} is {}; expected one that is not released\nhint: what came back of a released one is said with `payments returned`",
                    other.word()
                ));
            }
        }
        if reason.trim().is_empty() {
            return refuse("taking an order back needs a reason\nhint: say --reason \"…\"");
        }
        let what = What::OrderCancelled(OrderCancelled {
            order: number,
            reason: reason.to_owned(),
        });
        self.decide(what, by, now)?;
        self.order(number)
    }

    /// Says that income tax is deducted from a member's interest, or no longer.
    ///
    /// # Errors
    /// When there is no such member, or nothing to stand on.
    pub fn member_tax(
        &self,
        member: u32,
        percent: Option<Percent>,
        source: &str,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        if source.trim().is_empty() {
            return refuse(
                "what does it stand on?\nhint: say --source \"lives abroad; HMRC letter of …\"",
            );
        }
        self.with_roll(|roll| {
            roll.register.member(MemberNo(member)).or_caller()?;
            let what = What::MemberTax(MemberTax {
                member,
                percent: percent.map_or_else(String::new, |percent| percent.to_string()),
                source: source.to_owned(),
            });
            self.enter(roll, vec![what], by, now)
        })
    }

    /// Refuses to take a run back of which something was paid or is about to be.
    pub(super) fn nothing_paid_of(&self, run: u32) -> Answer<()> {
        let orders = self.orders()?;
        let of_run = orders.iter().find(|order| {
            order.note.run == run && !matches!(order.standing, OrderStanding::Cancelled { .. })
        });
        match of_run {
            None => Ok(()),
            Some(order) => refuse(format!(
                "order {} pays run {run} and is {}; expected a run of which nothing is paid\nhint: cancel an order that is not released; what was paid is settled with the members, not by voiding the run",
                order.note.order,
                order.standing.word()
            )),
        }
    }
}

/// Checks the payment day.
fn day_fits(on: LocalDay, today: LocalDay, by_hand: bool) -> Answer<()> {
    if on.days_since(today) > MAX_AHEAD_DAYS {
        return refuse(format!(
            "the payment day `{on}` lies more than {MAX_AHEAD_DAYS} days ahead of today, {today}"
        ));
    }
    if by_hand {
        return Ok(());
    }
    if on < today {
        return refuse(format!(
            "the payment day `{on}` is past; expected today, {today}, or later\nhint: --profile by-hand records payments that were made before"
        ));
    }
    if report::payments::is_weekend(on) {
        return refuse(format!(
            "the payment day `{on}` is a Saturday or Sunday; expected a day on which banks pay"
        ));
    }
    Ok(())
}

/// The members to whom a run owes something.
fn payees(roll: &Roll, owed: &BTreeMap<u32, payment::Owed>, now: Instant) -> Answer<Vec<Payee>> {
    let mut payees = Vec::new();
    for (number, owed) in owed.iter().filter(|(_, owed)| !owed.open.is_empty()) {
        let member = MemberNo(*number);
        let facts = roll.facts.get(&member).cloned().unwrap_or_default();
        let mut shares = Vec::new();
        for (class, _) in &owed.open {
            let place = roll.register.class_named(class)?;
            shares.push(Share {
                par: roll.register.class(place)?.par,
                carried: roll.register.carried(member, place),
            });
        }
        payees.push(Payee {
            member: *number,
            open: owed.open.clone(),
            chosen: match facts.payment {
                body::Payment::Bank => Way::Bank,
                body::Payment::Cheque => Way::Cheque,
                body::Payment::Reinvest => Way::Reinvest,
                body::Payment::Fund => Way::Fund,
            },
            rest: match facts.rest {
                body::Rest::Paid => Rest::Paid,
                body::Rest::Carried => Rest::Carried,
            },
            account: match facts.bank.last() {
                None => Account::None,
                Some((_, from)) if *from > now => Account::Waiting,
                Some(_) => Account::InForce,
            },
            died: roll.register.member(member)?.died.is_some(),
            estate: roll.estate_payee(member).is_some(),
            erased: facts.erased,
            tax: facts
                .tax
                .as_deref()
                .map(str::parse::<Percent>)
                .transpose()
                .map_err(|e| Refusal::Ours(format!("tax of member {number}: {e}")))?,
            shares,
        });
    }
    Ok(payees)
}

/// A conversion as a movement of shares; `None` where it makes none.
fn movement(
    roll: &Roll,
    line: &payment::Line,
    on: LocalDay,
    certificate: u32,
) -> Answer<Option<ShareLine>> {
    let Some(part) = line.parts.first().filter(|_| line.shares > 0) else {
        return Ok(None);
    };
    Ok(Some(ShareLine {
        member: MemberNo(line.member),
        class: roll.register.class_named(&part.class)?,
        on,
        shares: line.shares,
        kind: MovementKind::Conversion,
        source: ShareSource::None,
        certificate,
        paired: false,
    }))
}

/// Whether the roll takes the shares of a line.
fn shares_fit(roll: &Roll, line: &payment::Line, today: LocalDay) -> Result<(), String> {
    let text = |refusal: Refusal| refusal.to_string();
    let movement = movement(roll, line, today, roll.register.next_certificate()).map_err(text)?;
    match movement {
        None => Ok(()),
        Some(movement) => roll
            .register
            .check(&[movement], today)
            .map_err(|why| why.to_string()),
    }
}

fn order_line(roll: &Roll, line: &payment::Line, order: u32, words: &str) -> OrderLine {
    let facts = roll.facts.get(&MemberNo(line.member));
    let bank = facts.and_then(|facts| facts.bank.last());
    OrderLine {
        member: line.member,
        way: line.way.word().to_owned(),
        gross_pence: line.gross.0,
        tax_pence: line.tax.0,
        pence: line.net.0,
        parts: line
            .parts
            .iter()
            .map(|part| (part.class.clone(), part.gross.0))
            .collect(),
        bank: bank
            .filter(|_| line.way == Way::Bank)
            .map(|(hash, _)| hash.clone()),
        reference: match line.way.moves_money() {
            true => format!("{words} {order}-{}", line.member),
            false => String::new(),
        },
        shares: line.shares,
        carried_pence: line.carried.0,
    }
}

/// The sum of amounts in pence.
fn sum(pence: impl Iterator<Item = i64>) -> Pence {
    Pence::total(pence.map(Pence)).unwrap_or_default()
}
