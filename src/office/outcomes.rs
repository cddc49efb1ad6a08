//! Outcomes: what is wanted, how, with whom; what was proposed and what was delivered, with evidence.
//!
//! The register follows the council's three questions: what do we want to see, how do we want to
//! achieve it, who can help us. It is shown as outcome, proposed and delivered in environmental,
//! social and financial groups; a commissioned service is reported as service, outcomes and use of
//! resources, with the cost of one outcome year on year. A delivery is counted once: the same
//! evidence cannot stand behind two of one outcome.

use domain::{
    calendar::{Instant, LocalDay, Period},
    council::{Delivered, YearOfOutcome, by_year},
    money::Pence,
};
use records::{
    council::{Delivery, Outcome, OutcomeNote, Withdrawn},
    decision::What,
};
use rust_decimal::Decimal;

use super::{
    accounts::posting,
    answer::{Answer, OrCaller, OrOurs, refuse},
    notes::{self, Noted, amount, attribution, needed, proper_id, same_or_other, span},
    society::SocietyOffice,
};

/// What a file of these notes may hold, in the order they are taken.
pub const OUTCOME_NOTES: [&str; 3] = ["outcome", "delivery", "withdrawn"];
/// The groups, in the order they are shown.
pub const GROUPS: [&str; 3] = ["environmental", "social", "financial"];
/// Who can help.
pub const PARTNERS: [&str; 4] = [
    "local organisation",
    "public service",
    "local people",
    "other provider",
];

/// Outcomes and deliveries as they stand.
#[derive(Clone, Debug, Default)]
pub struct OutcomeNotes {
    /// Outcomes.
    pub outcomes: Vec<Outcome>,
    /// Deliveries.
    pub deliveries: Vec<Delivery>,
    gone: Vec<Withdrawn>,
}

/// An outcome with what came of it.
#[derive(Clone, Debug)]
pub struct OutcomeLine {
    /// As it was entered.
    pub of: Outcome,
    /// Delivered within the period, and claimed: the part that is attributed.
    pub delivered: Decimal,
    /// Delivered since the beginning, and claimed.
    pub delivered_ever: Decimal,
    /// Paid for it within the period.
    pub cost: Pence,
    /// Its years since the beginning, by calendar year of the last day.
    pub years: Vec<YearOfOutcome>,
    /// What stands behind it, in the period.
    pub deliveries: Vec<Delivery>,
    /// The whole proposed amount was delivered.
    pub met: bool,
    /// Its day is over and it is not met.
    pub late: bool,
}

impl OutcomeNotes {
    fn take(&mut self, note: OutcomeNote) {
        match note {
            OutcomeNote::Outcome(outcome) => self.outcomes.push(outcome),
            OutcomeNote::Delivery(delivery) => self.deliveries.push(delivery),
            OutcomeNote::Withdrawn(gone) => {
                match gone.kind.as_str() {
                    "delivery" => self.deliveries.retain(|d| d.id != gone.id),
                    _ => {
                        self.outcomes.retain(|o| o.id != gone.id);
                        self.deliveries.retain(|d| d.outcome != gone.id);
                    }
                }
                self.gone.push(gone);
            }
        }
    }

    /// Every outcome with what was delivered in a period, in the order of the groups.
    ///
    /// # Errors
    /// When a note in the journal cannot be read.
    pub fn lines(&self, period: Period, today: LocalDay) -> Answer<Vec<OutcomeLine>> {
        let what = "an outcome of the journal";
        let mut lines = Vec::new();
        for group in GROUPS {
            for of in self.outcomes.iter().filter(|o| o.group == group) {
                let part = attribution(&of.attribution_percent)? / Decimal::ONE_HUNDRED;
                let mut line = OutcomeLine {
                    delivered: Decimal::ZERO,
                    delivered_ever: Decimal::ZERO,
                    cost: Pence::ZERO,
                    years: Vec::new(),
                    deliveries: Vec::new(),
                    met: false,
                    late: false,
                    of: of.clone(),
                };
                let mut ever = Vec::new();
                for delivery in self.deliveries.iter().filter(|d| d.outcome == of.id) {
                    let (_, last) = span(&delivery.from, &delivery.to).or_ours(what)?;
                    let claimed = amount("amount", &delivery.amount).or_ours(what)? * part;
                    ever.push(Delivered {
                        year: last.year(),
                        amount: claimed,
                        cost: Pence(delivery.cost_pence),
                    });
                    line.delivered_ever += claimed;
                    if period.contains(last) {
                        line.delivered += claimed;
                        line.cost.0 += delivery.cost_pence;
                        line.deliveries.push(delivery.clone());
                    }
                }
                let proposed = amount("proposed", &of.proposed).or_ours(what)?;
                let by: LocalDay = of.by.parse().or_ours(what)?;
                line.delivered = line.delivered.normalize();
                line.delivered_ever = line.delivered_ever.normalize();
                line.met = line.delivered_ever >= proposed;
                line.late = !line.met && by < today;
                line.years = by_year(&ever);
                lines.push(line);
            }
        }
        Ok(lines)
    }
}

impl SocietyOffice {
    /// Outcomes and deliveries as they stand.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn outcome_notes(&self) -> Answer<OutcomeNotes> {
        let mut all = OutcomeNotes::default();
        let notes = self.decided(notes::OUTCOME, |what| match what {
            What::OutcomeNoted(note) => Some(*note),
            _ => None,
        })?;
        for note in notes {
            all.take(note);
        }
        Ok(all)
    }

    /// Outcomes with what was delivered in a period.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn outcomes(&self, period: Period, now: Instant) -> Answer<Vec<OutcomeLine>> {
        let today = self.known().zone.day_of(now);
        self.outcome_notes()?.lines(period, today)
    }

    /// Enters notes, all of them or none; what stands there already as it is changes nothing.
    ///
    /// # Errors
    /// With the first that is refused, and why.
    pub fn note_outcomes(&self, all: Vec<OutcomeNote>, by: &str, now: Instant) -> Answer<Noted> {
        let _one_at_a_time = posting();
        let mut stand = self.outcome_notes()?;
        let mut done = Noted::default();
        let mut what = Vec::new();
        for note in all {
            let there = match &note {
                OutcomeNote::Outcome(outcome) => check_outcome(&stand, outcome)?,
                OutcomeNote::Delivery(delivery) => {
                    self.has_come(&delivery.to, now)?;
                    check_delivery(&stand, delivery)?
                }
                OutcomeNote::Withdrawn(gone) => check_gone(&stand, gone)?,
            };
            match there {
                true => done.already += 1,
                false => {
                    stand.take(note.clone());
                    what.push(What::OutcomeNoted(Box::new(note)));
                    done.new += 1;
                }
            }
        }
        self.decide_all(what, by, now)?;
        Ok(done)
    }
}

fn check_outcome(stand: &OutcomeNotes, outcome: &Outcome) -> Answer<bool> {
    proper_id("outcome", &outcome.id)?;
    needed(
        "outcome",
        &[
            ("wanted", &outcome.wanted),
            ("activity", &outcome.activity),
            ("partner", &outcome.partner),
            ("measure", &outcome.measure),
            ("unit", &outcome.unit),
            ("evidence", &outcome.evidence),
        ],
    )?;
    for (what, word, words) in [
        ("group", &outcome.group, &GROUPS[..]),
        ("partner_kind", &outcome.partner_kind, &PARTNERS[..]),
    ] {
        if !words.contains(&word.as_str()) {
            return refuse(format!(
                "outcome `{}`: {what} is `{word}`; expected {}",
                outcome.id,
                words.join(", ")
            ));
        }
    }
    amount("baseline", &outcome.baseline)?;
    if amount("proposed", &outcome.proposed)?.is_zero() {
        return refuse(format!("outcome `{}` proposes nothing", outcome.id));
    }
    outcome.by.parse::<LocalDay>().or_caller()?;
    attribution(&outcome.attribution_percent)?;
    let there = stand.outcomes.iter().find(|o| o.id == outcome.id);
    same_or_other("outcome", &outcome.id, there, outcome)
}

fn check_delivery(stand: &OutcomeNotes, delivery: &Delivery) -> Answer<bool> {
    proper_id("delivery", &delivery.id)?;
    needed("delivery", &[("evidence", &delivery.evidence)])?;
    span(&delivery.from, &delivery.to)?;
    amount("amount", &delivery.amount)?;
    if delivery.cost_pence < 0 {
        return refuse(format!(
            "delivery `{}` costs less than nothing",
            delivery.id
        ));
    }
    let there = stand.deliveries.iter().find(|d| d.id == delivery.id);
    if same_or_other("delivery", &delivery.id, there, delivery)? {
        return Ok(true);
    }
    if !stand.outcomes.iter().any(|o| o.id == delivery.outcome) {
        let ids: Vec<&str> = stand.outcomes.iter().map(|o| o.id.as_str()).collect();
        return refuse(format!(
            "there is no outcome `{}`{}",
            delivery.outcome,
            config::did_you_mean(&delivery.outcome, ids.into_iter())
        ));
    }
    let evidence = delivery.evidence.trim().to_lowercase();
    let twice = stand.deliveries.iter().find(|other| {
        other.outcome == delivery.outcome && other.evidence.trim().to_lowercase() == evidence
    });
    match twice {
        Some(other) => refuse(format!(
            "delivery `{}` has the evidence of `{}`; what it shows is counted already\nhint: name what shows this one, or take `{}` back first",
            delivery.id, other.id, other.id
        )),
        None => Ok(false),
    }
}

fn check_gone(stand: &OutcomeNotes, gone: &Withdrawn) -> Answer<bool> {
    needed("note that is taken back", &[("reason", &gone.reason)])?;
    let there = match gone.kind.as_str() {
        "outcome" => stand.outcomes.iter().any(|o| o.id == gone.id),
        "delivery" => stand.deliveries.iter().any(|d| d.id == gone.id),
        other => {
            return refuse(format!(
                "`{other}` cannot be taken back; expected outcome or delivery"
            ));
        }
    };
    match there {
        true => Ok(false),
        false if stand.gone.contains(gone) => Ok(true),
        false => refuse(format!("there is no {} `{}`", gone.kind, gone.id)),
    }
}
