//! The runs of a society, folded from their decisions.

use domain::interest::PaidPeriod;
use records::{
    decision::What,
    interest::{RunLine, RunNote},
    parts,
};

use super::{RunAsked, terms::Class};
use crate::{
    answer::{Answer, OrOurs, refuse},
    society::{
        RUN_APPROVED, RUN_FROZEN, RUN_FROZEN_IN_PARTS, RUN_LINES, RUN_PREPARED,
        RUN_PREPARED_IN_PARTS, RUN_VOIDED, SocietyOffice,
    },
};

/// The kinds of decision that runs are made of.
const KINDS: [&str; 7] = [
    RUN_LINES,
    RUN_PREPARED,
    RUN_PREPARED_IN_PARTS,
    RUN_APPROVED,
    RUN_FROZEN,
    RUN_FROZEN_IN_PARTS,
    RUN_VOIDED,
];

/// A run and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunState {
    /// Its note.
    pub note: RunNote,
    /// The hash of its note.
    pub hash: String,
    /// Who prepared it.
    pub prepared_by: String,
    /// How it stands.
    pub standing: Standing,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It waits for another officer.
    Prepared,
    /// Another officer approved it.
    Approved {
        /// Who.
        by: String,
    },
    /// It is fixed.
    Frozen,
    /// It was fixed and taken back.
    Voided {
        /// Why.
        reason: String,
    },
}

impl Standing {
    /// The word used in answers and JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Prepared => "prepared",
            Standing::Approved { .. } => "approved",
            Standing::Frozen => "frozen",
            Standing::Voided { .. } => "voided",
        }
    }
}

impl SocietyOffice {
    /// The runs, by number.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn interest_runs(&self) -> Answer<Vec<RunState>> {
        let mut runs: Vec<RunState> = Vec::new();
        let mut open = parts::Open::<Vec<RunLine>>::default();
        for decision in self.decisions(&KINDS)? {
            match decision.what {
                What::RunLines(part) => open.take(*part),
                What::RunPrepared(note) => {
                    let hash = note.hash();
                    runs.push(prepared(*note, hash, decision.by));
                }
                What::RunPreparedInParts(closed) => {
                    let hash = closed.hash.clone();
                    let note = open.close(*closed).or_ours("the journal")?;
                    runs.push(prepared(note, hash, decision.by));
                }
                What::RunFrozenInParts(closed) => {
                    let note = open.close(*closed).or_ours("the journal")?;
                    stand(&mut runs, note.number, Standing::Frozen);
                }
                What::RunApproved(approved) => {
                    stand(
                        &mut runs,
                        approved.number,
                        Standing::Approved { by: decision.by },
                    );
                }
                What::RunFrozen(note) => stand(&mut runs, note.number, Standing::Frozen),
                What::RunVoided(voided) => {
                    let reason = voided.reason;
                    stand(&mut runs, voided.number, Standing::Voided { reason });
                }
                _ => {}
            }
        }
        Ok(runs)
    }

    /// The run of that number.
    ///
    /// # Errors
    /// When there is none.
    pub fn interest_run(&self, number: u32) -> Answer<RunState> {
        let runs = self.interest_runs()?;
        let found = runs.into_iter().find(|run| run.note.number == number);
        found.map_or_else(
            || {
                refuse(format!(
                    "there is no interest run `{number}`\nhint: `commonwatt interest list` shows them"
                ))
            },
            Ok,
        )
    }
}

fn prepared(note: RunNote, hash: String, by: String) -> RunState {
    RunState {
        note,
        hash,
        prepared_by: by,
        standing: Standing::Prepared,
    }
}

fn stand(runs: &mut [RunState], number: u32, standing: Standing) {
    if let Some(run) = runs.iter_mut().find(|run| run.note.number == number) {
        run.standing = standing;
    }
}

/// The number of the next run.
pub(super) fn next_number(runs: &[RunState]) -> u32 {
    u32::try_from(runs.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1)
}

/// Periods that frozen runs cover, without one that is replaced.
pub(super) fn covered(runs: &[RunState], replaces: Option<u32>) -> Vec<PaidPeriod> {
    let frozen = runs
        .iter()
        .filter(|run| run.standing == Standing::Frozen && Some(run.note.number) != replaces);
    let periods = frozen.flat_map(|run| {
        let days = (run.note.from.parse(), run.note.to.parse());
        let (Ok(first), Ok(last)) = days else {
            return Vec::new();
        };
        let of_class = |class: &records::interest::RunClass| PaidPeriod {
            first,
            last,
            class: class.class.clone(),
            run: run.note.number,
        };
        run.note.classes.iter().map(of_class).collect()
    });
    periods.collect()
}

/// Refuses a run that takes the place of a voided one without naming it, or names another.
pub(super) fn joins(
    runs: &[RunState],
    number: u32,
    asked: &RunAsked,
    classes: &[Class],
) -> Answer<()> {
    let (from, to) = (
        asked.period.first_day().to_string(),
        asked.period.last_day().to_string(),
    );
    let is_replaced = |of: u32| {
        let mut others = runs.iter().filter(|run| run.note.number != number);
        others.any(|run| run.note.replaces == Some(of) && run.standing == Standing::Frozen)
    };
    let mut open = runs.iter().filter(|run| {
        let meets = run.note.from <= to && from <= run.note.to;
        let shares = |class: &records::interest::RunClass| {
            classes.iter().any(|one| one.terms.id == class.class)
        };
        matches!(run.standing, Standing::Voided { .. })
            && meets
            && run.note.classes.iter().any(shares)
            && !is_replaced(run.note.number)
    });
    match (open.next(), asked.replaces) {
        (None, None) => Ok(()),
        (Some(voided), Some(named)) if voided.note.number == named => Ok(()),
        (Some(voided), _) => refuse(format!(
            "run {} of these days was voided; expected a run that names it\nhint: say --replaces {}",
            voided.note.number, voided.note.number
        )),
        (None, Some(named)) => refuse(format!(
            "run {named} is no voided run of these days; expected one, or no --replaces"
        )),
    }
}
