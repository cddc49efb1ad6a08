//! Costs of roofs and of the society as dated lines, until the books carry them.
//!
//! A wrong line is reversed, never changed: both stay.

use domain::{
    calendar::{Instant, LocalDay, Period},
    money::Pence,
};
use records::{
    decision::What,
    roofs::{CostEntered, CostReversed},
};

use super::{
    accounts::cost_source,
    answer::{Answer, OrOurs, refuse},
    blobs::{Expected, Given},
    society::SocietyOffice,
};

/// What a cost may be for; the books' accounts follow these words.
pub const KINDS: [&str; 8] = [
    "rent",
    "insurance",
    "metering",
    "monitoring",
    "repair",
    "cleaning",
    "administration",
    "other",
];

/// The largest cost that is taken: £10 million. Ours.
const MOST: Pence = Pence(1_000_000_000);

/// A cost as it is entered.
#[derive(Clone, Debug)]
pub struct AskedCost {
    /// The roof; none for the whole society.
    pub site: Option<String>,
    /// The day it belongs to.
    pub on: LocalDay,
    /// How much; below zero for a refund.
    pub amount: Pence,
    /// One of [`KINDS`].
    pub kind: String,
    /// What for.
    pub what: String,
    /// The invoice.
    pub file: Option<Given>,
}

/// A cost as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// As it was entered.
    pub entered: CostEntered,
    /// Who entered it, and when.
    pub by: (String, Instant),
    /// The day it belongs to.
    pub on: LocalDay,
    /// Why it counts no more.
    pub reversed: Option<String>,
}

impl SocietyOffice {
    /// Enters a cost.
    ///
    /// # Errors
    /// When the roof or kind is unknown, it has no amount, its day is to come, or the same line stands already.
    pub fn enter_cost(&self, asked: &AskedCost, by: &str, now: Instant) -> Answer<Cost> {
        let known = self.known();
        if let Some(site) = &asked.site {
            super::known::known("site", site, &known.sites)?;
        }
        if !KINDS.contains(&asked.kind.as_str()) {
            return refuse(format!(
                "`{}` is no kind of cost; expected one of {}",
                asked.kind,
                KINDS.join(", ")
            ));
        }
        if asked.amount == Pence::ZERO || asked.what.trim().is_empty() {
            return refuse(
                "a cost needs an amount and what it was for\nhint: --pounds 120.00 --what \"new fan\"",
            );
        }
        if asked.on > known.zone.day_of(now) {
            return refuse(format!(
                "`{}` is still to come; expected the day the cost belongs to, up to today",
                asked.on
            ));
        }
        if asked.amount.0.saturating_abs() > MOST.0 {
            return refuse(format!(
                "`{}` is more than any cost of a roof; expected at most {MOST}\nhint: is the decimal point in its place?",
                asked.amount
            ));
        }
        let before = self.costs()?;
        let site = asked.site.clone().unwrap_or_default();
        let same = before.iter().find(|cost| {
            let e = &cost.entered;
            cost.reversed.is_none()
                && (&e.site, cost.on, e.pence) == (&site, asked.on, asked.amount.0)
                && (&e.kind, &e.what) == (&asked.kind, &asked.what)
        });
        if let Some(same) = same {
            return refuse(format!(
                "this is cost {} already; nothing was changed\nhint: a second one of the same day says so in --what",
                same.entered.number
            ));
        }
        let file = match &asked.file {
            Some(given) => Some(self.keep(given, Expected::Evidence)?),
            None => None,
        };
        let number = u32::try_from(before.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let entered = CostEntered {
            number,
            site,
            on: asked.on.to_string(),
            pence: asked.amount.0,
            kind: asked.kind.clone(),
            what: asked.what.clone(),
            file,
        };
        self.decide(What::CostEntered(entered), by, now)?;
        self.cost(number)
    }

    /// A cost counts no more.
    ///
    /// # Errors
    /// When it is unknown, was reversed before, or stands in the books.
    pub fn reverse_cost(&self, number: u32, reason: &str, by: &str, now: Instant) -> Answer<Cost> {
        if let Some(why) = self.cost(number)?.reversed {
            return refuse(format!("cost {number} was reversed before: {why}"));
        }
        if let Some(entry) = self.ledger()?.standing_of(&cost_source(number)) {
            return refuse(format!(
                "cost {number} is in the books as entry {entry}\nhint: take that back first: `commonwatt accounts reverse {entry} --on DAY --reason …`"
            ));
        }
        if reason.trim().is_empty() {
            return refuse("a reversal needs a reason\nhint: say why with --reason");
        }
        let what = What::CostReversed(CostReversed {
            number,
            reason: reason.to_owned(),
        });
        self.decide(what, by, now)?;
        self.cost(number)
    }

    /// All costs, in order of their numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn costs(&self) -> Answer<Vec<Cost>> {
        let mut all: Vec<Cost> = Vec::new();
        for decision in self.decisions(&["cost-entered/1", "cost-reversed/1"])? {
            match decision.what {
                What::CostEntered(entered) => all.push(Cost {
                    on: entered.on.parse().or_ours("a cost")?,
                    entered,
                    by: (decision.by, Instant(decision.at_ms)),
                    reversed: None,
                }),
                What::CostReversed(reversed) => {
                    let of = all.iter_mut().find(|c| c.entered.number == reversed.number);
                    if let Some(cost) = of {
                        cost.reversed = Some(reversed.reason);
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// What stands for a roof, or the whole society for none, within days.
    ///
    /// # Errors
    /// When the books are damaged or the sum leaves the range of 64 bits.
    pub fn cost_of(&self, site: Option<&str>, days: Period) -> Answer<Pence> {
        let all = self.costs()?;
        let lines = all
            .iter()
            .filter(|cost| cost.reversed.is_none() && days.contains(cost.on))
            .filter(|cost| site.is_none_or(|site| cost.entered.site == site));
        Pence::total(lines.map(|cost| Pence(cost.entered.pence)))
            .map_or_else(|| refuse("the costs are too much to add up"), Ok)
    }

    pub(super) fn cost(&self, number: u32) -> Answer<Cost> {
        let all = self.costs()?;
        let count = all.len();
        all.into_iter()
            .find(|cost| cost.entered.number == number)
            .map_or_else(
                || refuse(format!("there is no cost {number}; there are {count}")),
                Ok,
            )
    }
}
