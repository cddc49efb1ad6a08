//! Who is paid how: what is open, sorted into lines of an order and what is left out with its reason.

use rust_decimal::Decimal;

use super::order::{Line, Part, Way};
use crate::{interest::Percent, membership::convert, money::Pence};

/// How a member's bank details stand on the day an order is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// There are none.
    None,
    /// Money may go there.
    InForce,
    /// They were changed less than seven days ago.
    Waiting,
}

/// What becomes of less than a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Paid out.
    Paid,
    /// Kept towards the next share.
    Carried,
}

/// A share class as a payee's interest may be turned into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The par of a share.
    pub par: Pence,
    /// Carried from earlier interest.
    pub carried: Pence,
}

/// A member with something open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payee {
    /// The member.
    pub member: u32,
    /// Open interest by share class.
    pub open: Vec<(String, Pence)>,
    /// What the member chose.
    pub chosen: Way,
    /// What becomes of less than a share.
    pub rest: Rest,
    /// How its bank details stand.
    pub account: Account,
    /// True when the member has died: money goes to the estate only.
    pub died: bool,
    /// True when it is agreed who is paid for the estate.
    pub estate: bool,
    /// True when its personal data are gone.
    pub erased: bool,
    /// Per cent of income tax to deduct, for a person who lives abroad.
    pub tax: Option<Percent>,
    /// The share classes of `open`, in its order.
    pub shares: Vec<Share>,
}

/// What the society says of payments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Less than this is not paid out; it stays owed until more comes to it.
    pub least: Pence,
    /// What to do with bank details younger than seven days.
    pub waiting: Waiting,
}

/// What to do with bank details that are in their seven days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Waiting {
    /// The line is left out and stays owed.
    #[default]
    LeaveOut,
    /// The whole order is refused.
    Refuse,
}

/// What an officer asks for beside what members chose.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Only these members; all when empty.
    pub only: &'a [u32],
    /// These by cheque, whatever they chose.
    pub by_cheque: &'a [u32],
}

/// Something owed that the order does not pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The member.
    pub member: u32,
    /// How much, before tax.
    pub pence: Pence,
    /// Why not.
    pub why: &'static str,
}

/// The lines of an order, and what it leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By member.
    pub lines: Vec<Line>,
    /// By member.
    pub held: Vec<Held>,
    /// Members whose new bank details keep the whole order from being made, where the rule says so.
    pub refused: Vec<u32>,
}

/// Income tax on interest: rounded once, half a penny away from zero.
///
/// ```
/// use commonwatt_domain::{money::Pence, payment::tax_on};
/// let twenty = "20".parse()?;
/// assert_eq!(tax_on(Pence(25_002), Some(twenty)), Pence(5_000));
/// assert_eq!(tax_on(Pence(25_002), None), Pence(0));
/// # Ok::<(), commonwatt_domain::interest::NotAPercent>(())
/// ```
#[must_use]
pub fn tax_on(gross: Pence, percent: Option<Percent>) -> Pence {
    let tax = percent.and_then(|percent| {
        let hundredths = Decimal::from(gross.0).checked_mul(percent.decimal())?;
        Pence::rounded(hundredths.checked_div(Decimal::ONE_HUNDRED)?)
    });
    tax.unwrap_or_default().max(Pence::ZERO).min(gross)
}

/// Sorts what is open into an order.
#[must_use]
pub fn plan(payees: &[Payee], rules: Rules, ask: Ask<'_>) -> Plan {
    let mut plan = Plan::default();
    for payee in payees {
        let wanted = ask.only.is_empty() || ask.only.contains(&payee.member);
        let all: Pence = Pence::total(payee.open.iter().map(|(_, p)| *p)).unwrap_or_default();
        if !wanted || all.0 < 1 {
            continue;
        }
        let by_cheque = ask.by_cheque.contains(&payee.member);
        if payee.erased {
            plan.hold(payee, all, "its personal data were erased");
        } else if payee.died && !payee.estate {
            plan.hold(
                payee,
                all,
                "the member has died, and nobody is agreed yet who is paid for the estate",
            );
        } else if payee.died || by_cheque {
            plan.cash(payee, Way::Cheque, payee.open.clone(), rules, true);
        } else {
            match payee.chosen {
                Way::Fund => plan.whole(payee, Way::Fund, payee.open.clone(), true),
                Way::Cheque => plan.cash(payee, Way::Cheque, payee.open.clone(), rules, true),
                Way::Bank => match payee.account {
                    Account::None => plan.hold(payee, all, "there are no bank details"),
                    _ => plan.cash(payee, Way::Bank, payee.open.clone(), rules, true),
                },
                Way::Reinvest => plan.shares(payee, rules),
            }
        }
    }
    plan
}

impl Plan {
    fn hold(&mut self, payee: &Payee, pence: Pence, why: &'static str) {
        self.held.push(Held {
            member: payee.member,
            pence,
            why,
        });
    }

    /// One line for everything, with tax where it was not deducted before.
    fn whole(&mut self, payee: &Payee, way: Way, open: Vec<(String, Pence)>, taxed: bool) {
        let gross = Pence::total(open.iter().map(|(_, p)| *p)).unwrap_or_default();
        let tax = tax_on(gross, payee.tax.filter(|_| taxed));
        self.lines.push(Line {
            member: payee.member,
            way,
            gross,
            tax,
            net: Pence(gross.0.saturating_sub(tax.0)),
            parts: parts(open),
            shares: 0,
            carried: Pence::ZERO,
        });
    }

    /// Money that leaves, where there is enough of it and somewhere for it to go.
    fn cash(
        &mut self,
        payee: &Payee,
        way: Way,
        open: Vec<(String, Pence)>,
        rules: Rules,
        taxed: bool,
    ) {
        let gross = Pence::total(open.iter().map(|(_, p)| *p)).unwrap_or_default();
        if gross < rules.least {
            self.hold(payee, gross, "it is below the least amount that is paid");
        } else if way == Way::Bank && payee.account == Account::Waiting {
            match rules.waiting {
                Waiting::LeaveOut => {
                    self.hold(
                        payee,
                        gross,
                        "its bank details changed less than 7 days ago",
                    );
                }
                Waiting::Refuse => self.refused.push(payee.member),
            }
        } else {
            self.whole(payee, way, open, taxed);
        }
    }

    /// Whole shares of each class; what is less than one is paid or carried.
    fn shares(&mut self, payee: &Payee, rules: Rules) {
        let mut rests = Vec::new();
        for ((class, gross), share) in payee.open.iter().zip(&payee.shares) {
            let tax = tax_on(*gross, payee.tax);
            let net = Pence(gross.0.saturating_sub(tax.0));
            let made = convert(net, share.carried, share.par);
            let carried = payee.rest == Rest::Carried;
            // What was carried before is no interest of this run: it leaves the rest first.
            let paid = match carried {
                true => Pence::ZERO,
                false => made.rest.min(net),
            };
            let line = Line {
                member: payee.member,
                way: Way::Reinvest,
                gross: Pence(gross.0.saturating_sub(paid.0)),
                tax,
                net: Pence(net.0.saturating_sub(paid.0)),
                parts: parts(vec![(class.clone(), Pence(gross.0.saturating_sub(paid.0)))]),
                shares: made.shares,
                carried: match carried {
                    true => made.rest,
                    false => Pence(made.rest.0.saturating_sub(paid.0)),
                },
            };
            if line.gross.0 != 0 {
                self.lines.push(line);
            }
            if paid.0 != 0 {
                rests.push((class.clone(), paid));
            }
        }
        if !rests.is_empty() {
            let way = match payee.account {
                Account::None => Way::Cheque,
                Account::InForce | Account::Waiting => Way::Bank,
            };
            self.cash(payee, way, rests, rules, false);
        }
    }
}

fn parts(open: Vec<(String, Pence)>) -> Vec<Part> {
    open.into_iter()
        .map(|(class, gross)| Part { class, gross })
        .collect()
}
