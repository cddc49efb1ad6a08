//! Entering and folding the notes of a council's stake.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay},
    council::{Hours, Repaid, Support as Given, counted_twice, schedule},
    money::Pence,
};
use records::{
    council::{
        CarbonClaim, Ended, Guarantee, Loan, LoanPayment, Reached, Space, StakeNote, Support,
        Withdrawn,
    },
    decision::What,
};

use crate::{
    accounts::posting,
    answer::{Answer, OrCaller, OrOurs, refuse},
    known,
    notes::{self, Noted, attribution, needed, proper_id, same_or_other, span},
    society::SocietyOffice,
};

/// What a file of these notes may hold, in the order they are taken.
pub const STAKE_NOTES: [&str; 10] = [
    "space",
    "space-ended",
    "loan",
    "loan-payment",
    "guarantee",
    "support",
    "carbon-claim",
    "reached",
    "officer",
    "withdrawn",
];
/// The kinds that can be taken back.
const WITHDRAWABLE: [&str; 6] = [
    "space",
    "loan",
    "guarantee",
    "support",
    "carbon-claim",
    "reached",
];

/// The notes as they stand: what was taken back is not among them.
#[derive(Clone, Debug, Default)]
pub struct StakeNotes {
    /// Spaces, and how they ended before their day.
    pub spaces: Vec<(Space, Option<Ended>)>,
    /// Loans with what was paid.
    pub loans: Vec<(Loan, Vec<LoanPayment>)>,
    /// Guarantees.
    pub guarantees: Vec<Guarantee>,
    /// Support in kind.
    pub support: Vec<Support>,
    /// Carbon that was promised.
    pub claims: Vec<CarbonClaim>,
    /// Residents reached.
    pub reached: Vec<Reached>,
    /// Officers of some buildings only.
    pub officers: BTreeMap<String, Vec<String>>,
    /// Ids that were taken back, by kind.
    gone: Vec<Withdrawn>,
}

impl StakeNotes {
    fn take(&mut self, note: StakeNote) {
        match note {
            StakeNote::Space(space) => self.spaces.push((space, None)),
            StakeNote::SpaceEnded(ended) => {
                let of = self.spaces.iter_mut().find(|(s, _)| s.id == ended.id);
                if let Some((_, end)) = of {
                    *end = Some(ended);
                }
            }
            StakeNote::Loan(loan) => self.loans.push((loan, Vec::new())),
            StakeNote::LoanPayment(paid) => {
                let of = self.loans.iter_mut().find(|(loan, _)| loan.id == paid.loan);
                if let Some((_, all)) = of {
                    all.push(paid);
                }
            }
            StakeNote::Guarantee(guarantee) => self.guarantees.push(guarantee),
            StakeNote::Support(support) => self.support.push(support),
            StakeNote::CarbonClaim(claim) => self.claims.push(claim),
            StakeNote::Reached(reached) => self.reached.push(reached),
            StakeNote::Officer(officer) => {
                match officer.sites.is_empty() {
                    true => self.officers.remove(&officer.user),
                    false => self.officers.insert(officer.user, officer.sites),
                };
            }
            StakeNote::Withdrawn(gone) => {
                let id = gone.id.as_str();
                match gone.kind.as_str() {
                    "space" => self.spaces.retain(|(s, _)| s.id != id),
                    "loan" => self.loans.retain(|(l, _)| l.id != id),
                    "guarantee" => self.guarantees.retain(|g| g.id != id),
                    "support" => self.support.retain(|s| s.id != id),
                    "carbon-claim" => self.claims.retain(|c| c.id != id),
                    "reached" => self.reached.retain(|r| r.id != id),
                    _ => {}
                }
                self.gone.push(gone);
            }
        }
    }

    fn has(&self, kind: &str, id: &str) -> bool {
        match kind {
            "space" => self.spaces.iter().any(|(s, _)| s.id == id),
            "loan" => self.loans.iter().any(|(l, _)| l.id == id),
            "guarantee" => self.guarantees.iter().any(|g| g.id == id),
            "support" => self.support.iter().any(|s| s.id == id),
            "carbon-claim" => self.claims.iter().any(|c| c.id == id),
            "reached" => self.reached.iter().any(|r| r.id == id),
            _ => false,
        }
    }

    /// What is still owed of a loan by what was paid.
    #[must_use]
    pub fn left_of(loan: &Loan, paid: &[LoanPayment]) -> Pence {
        Pence(loan.principal_pence - paid.iter().map(|one| one.principal_pence).sum::<i64>())
    }
}

impl SocietyOffice {
    /// The notes of councils' stakes as they stand.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn stake_notes(&self) -> Answer<StakeNotes> {
        let mut all = StakeNotes::default();
        let notes = self.decided(notes::STAKE, |what| match what {
            What::StakeNoted(note) => Some(*note),
            _ => None,
        })?;
        for note in notes {
            all.take(note);
        }
        Ok(all)
    }

    /// The buildings that a council's officer is limited to; none for all of them.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn buildings_of(&self, user: &str) -> Answer<Option<Vec<String>>> {
        Ok(self.stake_notes()?.officers.remove(user))
    }

    /// Enters notes, all of them or none; what stands there already as it is changes nothing.
    ///
    /// # Errors
    /// With the first that is refused, and why.
    pub fn note_stake(&self, all: Vec<StakeNote>, by: &str, now: Instant) -> Answer<Noted> {
        let _one_at_a_time = posting();
        let mut stand = self.stake_notes()?;
        let mut done = Noted::default();
        let mut what = Vec::new();
        for note in all {
            match self.is_noted(&stand, &note, now)? {
                true => done.already += 1,
                false => {
                    stand.take(note.clone());
                    what.push(What::StakeNoted(Box::new(note)));
                    done.new += 1;
                }
            }
        }
        self.decide_all(what, by, now)?;
        Ok(done)
    }

    /// Whether a note is there already; refuses one that makes no sense.
    fn is_noted(&self, stand: &StakeNotes, note: &StakeNote, now: Instant) -> Answer<bool> {
        match note {
            StakeNote::Space(space) => {
                proper_id("space", &space.id)?;
                needed(
                    "space",
                    &[
                        ("council", &space.council),
                        ("name", &space.name),
                        ("evidence", &space.evidence),
                    ],
                )?;
                if !["licence", "lease", "use"].contains(&space.under.as_str()) {
                    return refuse(format!(
                        "space `{}` is lent under `{}`; expected licence, lease or use",
                        space.id, space.under
                    ));
                }
                if space.rent_pence_a_year < 0 {
                    return refuse(format!("space `{}` has a rent below zero", space.id));
                }
                span(&space.from, &space.to)?;
                self.building(&space.site)?;
                let there = stand.spaces.iter().find(|(s, _)| s.id == space.id);
                same_or_other("space", &space.id, there.map(|(s, _)| s), space)
            }
            StakeNote::SpaceEnded(ended) => {
                let on: LocalDay = ended.on.parse().or_caller()?;
                let Some((space, end)) = stand.spaces.iter().find(|(s, _)| s.id == ended.id) else {
                    return refuse(format!("there is no space `{}`", ended.id));
                };
                needed("space that ends", &[("reason", &ended.reason)])?;
                let (from, to) = span(&space.from, &space.to)?;
                if !(from <= on && on < to) {
                    return refuse(format!(
                        "space `{}` is lent from `{from}` to `{to}`; `{on}` does not end it before its day",
                        ended.id
                    ));
                }
                same_or_other("end of space", &ended.id, end.as_ref(), ended)
            }
            StakeNote::Loan(loan) => {
                proper_id("loan", &loan.id)?;
                needed(
                    "loan",
                    &[("council", &loan.council), ("evidence", &loan.evidence)],
                )?;
                span(&loan.drawn, &loan.first_instalment)?;
                schedule_of(loan)?;
                let there = stand.loans.iter().find(|(l, _)| l.id == loan.id);
                same_or_other("loan", &loan.id, there.map(|(l, _)| l), loan)
            }
            StakeNote::LoanPayment(paid) => {
                let Some((loan, before)) = stand.loans.iter().find(|(l, _)| l.id == paid.loan)
                else {
                    return refuse(format!("there is no loan `{}`", paid.loan));
                };
                if before.contains(paid) {
                    return Ok(true);
                }
                needed("payment of a loan", &[("evidence", &paid.evidence)])?;
                span(&loan.drawn, &paid.on)?;
                self.has_come(&paid.on, now)?;
                let left = StakeNotes::left_of(loan, before);
                if paid.principal_pence < 0
                    || paid.interest_pence < 0
                    || paid.principal_pence > left.0
                {
                    return refuse(format!(
                        "{} of principal and {} of interest; {left} of loan `{}` is owed",
                        Pence(paid.principal_pence),
                        Pence(paid.interest_pence),
                        loan.id
                    ));
                }
                Ok(false)
            }
            StakeNote::Guarantee(given) => {
                proper_id("guarantee", &given.id)?;
                needed(
                    "guarantee",
                    &[
                        ("council", &given.council),
                        ("what", &given.what),
                        ("evidence", &given.evidence),
                    ],
                )?;
                span(&given.from, &given.to)?;
                if given.limit_pence <= 0 {
                    return refuse(format!("guarantee `{}` is of nothing", given.id));
                }
                let there = stand.guarantees.iter().find(|g| g.id == given.id);
                same_or_other("guarantee", &given.id, there, given)
            }
            StakeNote::Support(support) => self.check_support(stand, support, now),
            StakeNote::CarbonClaim(claim) => {
                proper_id("claim of carbon", &claim.id)?;
                needed("claim of carbon", &[("evidence", &claim.evidence)])?;
                self.building(&claim.site)?;
                notes::amount("tonnes", &claim.tonnes)?;
                if notes::amount("kwh_a_year", &claim.kwh_a_year)?.is_zero() || claim.years == 0 {
                    return refuse(format!(
                        "claim `{}` is for no energy or no years; without them it cannot be held against anything",
                        claim.id
                    ));
                }
                let there = stand.claims.iter().find(|c| c.id == claim.id);
                same_or_other("claim", &claim.id, there, claim)
            }
            StakeNote::Reached(reached) => {
                proper_id("note of residents reached", &reached.id)?;
                needed(
                    "note of residents reached",
                    &[
                        ("activity", &reached.activity),
                        ("evidence", &reached.evidence),
                    ],
                )?;
                self.building(&reached.site)?;
                let (_, to) = span(&reached.from, &reached.to)?;
                self.has_come(&to.to_string(), now)?;
                let there = stand.reached.iter().find(|r| r.id == reached.id);
                same_or_other("note", &reached.id, there, reached)
            }
            StakeNote::Officer(officer) => {
                needed("council's officer", &[("user", &officer.user)])?;
                for site in &officer.sites {
                    known::known("site", site, &self.known().sites)?;
                }
                let now_has = stand.officers.get(&officer.user).cloned();
                Ok(now_has.unwrap_or_default() == officer.sites)
            }
            StakeNote::Withdrawn(gone) => {
                needed("note that is taken back", &[("reason", &gone.reason)])?;
                if !WITHDRAWABLE.contains(&gone.kind.as_str()) {
                    return refuse(format!(
                        "`{}` cannot be taken back; expected one of {}",
                        gone.kind,
                        WITHDRAWABLE.join(", ")
                    ));
                }
                match stand.has(&gone.kind, &gone.id) {
                    true => Ok(false),
                    false if stand.gone.contains(gone) => Ok(true),
                    false => refuse(format!("there is no {} `{}`", gone.kind, gone.id)),
                }
            }
        }
    }

    fn check_support(&self, stand: &StakeNotes, support: &Support, now: Instant) -> Answer<bool> {
        proper_id("line of support", &support.id)?;
        needed(
            "line of support",
            &[
                ("giver", &support.giver),
                ("activity", &support.activity),
                ("unit_source", &support.unit_source),
                ("evidence", &support.evidence),
            ],
        )?;
        self.building(&support.site)?;
        let (from, to) = span(&support.from, &support.to)?;
        self.has_come(&support.to, now)?;
        support.unit_on.parse::<LocalDay>().or_caller()?;
        support.hours.parse::<Hours>().or_caller()?;
        attribution(&support.attribution_percent)?;
        if support.unit_pence <= 0 {
            return refuse(format!(
                "line `{}`: an hour is worth {}; expected more than nothing",
                support.id,
                Pence(support.unit_pence)
            ));
        }
        let there = stand.support.iter().find(|s| s.id == support.id);
        if same_or_other("line of support", &support.id, there, support)? {
            return Ok(true);
        }
        if !support.part_of.is_empty() {
            let whole = stand.support.iter().find(|s| s.id == support.part_of);
            return match whole {
                Some(whole) if whole.part_of.is_empty() => Ok(false),
                _ => refuse(format!(
                    "line `{}` is part of `{}`, which is no line that counts hours",
                    support.id, support.part_of
                )),
            };
        }
        let new = Given {
            giver: &support.giver,
            activity: &support.activity,
            from,
            to,
            evidence: &support.evidence,
        };
        for other in stand.support.iter().filter(|s| s.part_of.is_empty()) {
            let (from, to) = span(&other.from, &other.to)?;
            let given = Given {
                giver: &other.giver,
                activity: &other.activity,
                from,
                to,
                evidence: &other.evidence,
            };
            if let Some(why) = counted_twice(&new, &given) {
                return refuse(format!(
                    "line `{}` would count hours of `{}` twice: {why}\nhint: to list them without counting, say part_of = \"{}\"",
                    support.id, other.id, other.id
                ));
            }
        }
        Ok(false)
    }

    /// Refuses a building that is not there; none is meant by nothing.
    fn building(&self, site: &str) -> Answer<()> {
        match site {
            "" => Ok(()),
            site => known::known("site", site, &self.known().sites).map(drop),
        }
    }

    /// Refuses a day that is still to come.
    pub(crate) fn has_come(&self, day: &str, now: Instant) -> Answer<LocalDay> {
        let day: LocalDay = day.parse().or_caller()?;
        let today = self.known().zone.day_of(now);
        match day > today {
            true => refuse(format!(
                "`{day}` is to come; expected a day up to today, {today}"
            )),
            false => Ok(day),
        }
    }
}

/// The schedule of a loan.
pub(super) fn schedule_of(loan: &Loan) -> Answer<Vec<domain::council::Instalment>> {
    let Some(repaid) = Repaid::of_word(&loan.repaid) else {
        return refuse(format!(
            "loan `{}` is repaid `{}`; expected equal or at-end",
            loan.id, loan.repaid
        ));
    };
    schedule(
        Pence(loan.principal_pence),
        notes::amount("rate_percent", &loan.rate_percent)?,
        loan.first_instalment.parse().or_caller()?,
        loan.every_months,
        loan.instalments,
        repaid,
    )
    .or_caller()
}

/// A day of the journal.
pub(crate) fn day(text: &str) -> Answer<LocalDay> {
    text.parse().or_ours("a day of the journal")
}
