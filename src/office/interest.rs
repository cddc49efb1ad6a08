//! The interest run of a society: previewed from the roll, prepared, approved by another officer,
//! frozen, voided.
//!
//! Preview, preparation and freezing are one computation. A prepared run is a note with every input
//! and line and its hash; freezing makes the note anew and fails when a byte of it differs. A frozen
//! run is never reckoned again: it is voided in the open, and only a run that names it takes its
//! place. Movements of shares inside a frozen period are refused.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, Period},
    interest::{
        Declared, Held, IndexValue, Movement, NotEarning, REMAINDER_RULE, Run, RunOf, ShareRate,
        WhyNot, follows, run,
    },
    membership::ShareRegister,
    money::Pence,
};
use records::{
    decision::What,
    interest::{Published, RunAdjustment, RunApproved, RunClass, RunVoided},
    parts::{PART_BYTES, json_bytes},
};

use super::{
    accounts::posting,
    answer::{Answer, OrCaller, Refusal, refuse},
    society::SocietyOffice,
};

mod entries;
mod runs;
mod terms;
mod waterfall;

pub use records::interest::{RunLine, RunNote};
pub use runs::{RunState, Standing};
pub use terms::{Policy, RateAsked, check_terms, rate_of_text};
pub use waterfall::{Afforded, Given, NotBooked, SharedYear, check_waterfall, step_words};

use terms::{Class, classes_of};

/// Most lines of a run.
pub const MAX_LINES: usize = 500_000;

/// What a run is asked for.
#[derive(Clone, Debug)]
pub struct RunAsked {
    /// The period.
    pub period: Period,
    /// Only these classes; all of the society's when empty.
    pub classes: Vec<String>,
    /// What the board declared.
    pub declared: Asked,
    /// What was published of the indices that rules need.
    pub published: Vec<IndexValue>,
    /// Another way to count days, to look at.
    pub policy: Option<Policy>,
    /// The voided run whose place it takes.
    pub replaces: Option<u32>,
}

/// What the board declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Rates; one without a class is for all that have none of their own.
    Rates(Vec<RateAsked>),
    /// An amount for all.
    Pot(Pence),
}

/// Why a note is appended.
#[derive(Clone, Copy)]
enum Stage {
    Prepared,
    Frozen,
}

impl SocietyOffice {
    /// Makes a run and changes nothing.
    ///
    /// # Errors
    /// When terms or rates are missing or refused, or the period does not join those that are
    /// covered.
    pub fn preview_run(&self, asked: &RunAsked) -> Answer<RunNote> {
        let runs = self.interest_runs()?;
        let number = runs::next_number(&runs);
        let size = self.head().size;
        self.with_roll(|roll| self.make(asked, &roll.register, &runs, number, size))
    }

    /// Prepares a run for another officer to approve; gives its note.
    ///
    /// # Errors
    /// As for the preview; when the period is not over, or another way of counting days is asked for
    /// than the society's terms say.
    pub fn prepare_run(&self, asked: &RunAsked, by: &str, now: Instant) -> Answer<RunNote> {
        let _one_at_a_time = posting();
        if asked.policy.is_some() {
            return refuse(
                "a run is prepared by the terms of the society file\nhint: --policy is to look at; to change the terms, add a version under [[interest]] and apply the file",
            );
        }
        let last = asked.period.last_day();
        if last >= self.known().zone.day_of(now) {
            return refuse(format!(
                "`{last}` is not over yet; expected a period that is"
            ));
        }
        let note = self.preview_run(asked)?;
        if note.lines.len() > MAX_LINES {
            return refuse(format!(
                "the run has {} lines; expected at most {MAX_LINES}\nhint: with several share classes, run them one by one with --class",
                note.lines.len()
            ));
        }
        self.append_note(Stage::Prepared, note.clone(), Vec::new(), by, now)?;
        Ok(note)
    }

    /// Another officer than the one who prepared it approves a run by its hash.
    ///
    /// # Errors
    /// When it is not waiting, the hash is another, or the officer is the same.
    pub fn approve_run(&self, number: u32, hash: &str, by: &str, now: Instant) -> Answer<RunState> {
        let _one_at_a_time = posting();
        let state = self.interest_run(number)?;
        match &state.standing {
            Standing::Prepared => {}
            other => {
                return refuse(format!(
                    "run {number} is {}; expected one that waits for approval",
                    other.word()
                ));
            }
        }
        if hash != state.hash {
            return refuse(format!(
                "the hash is `{hash}` and run {number} has `{}`; expected the hash of what was looked at\nhint: `commonwatt interest show --run {number}` shows it with its lines",
                state.hash
            ));
        }
        if by == state.prepared_by {
            return refuse(format!(
                "`{by}` prepared run {number}; expected another officer to approve it"
            ));
        }
        let approved = RunApproved {
            number,
            hash: hash.to_owned(),
        };
        self.decide(What::RunApproved(approved), by, now)?;
        self.interest_run(number)
    }

    /// Freezes an approved run: makes its note anew and appends it, with its entry in the books,
    /// when not a byte differs.
    ///
    /// # Errors
    /// When it is not approved, or the same inputs give another note now.
    pub fn freeze_run(&self, number: u32, by: &str, now: Instant) -> Answer<RunState> {
        let _one_at_a_time = posting();
        let state = self.interest_run(number)?;
        match &state.standing {
            Standing::Approved { .. } => {}
            Standing::Frozen => return Ok(state),
            other => {
                return refuse(format!(
                    "run {number} is {}; expected one that another officer approved",
                    other.word()
                ));
            }
        }
        let runs = self.interest_runs()?;
        let asked = asked_of(&state.note)?;
        // The roll is held until the note stands, so that no movement slips in between.
        self.with_roll(|roll| {
            let size = state.note.journal_size;
            let again = self.make(&asked, &roll.register, &runs, number, size)?;
            if again.hash() != state.hash {
                return refuse(format!(
                    "run {number} comes out otherwise than when it was approved: {}; nothing was frozen\nhint: prepare it again and have that approved",
                    difference(&state.note, &again)
                ));
            }
            let along = self.entry_of_run(&again, now)?;
            self.append_note(Stage::Frozen, again, along.into_iter().collect(), by, now)
        })?;
        self.interest_run(number)
    }

    /// Takes a frozen run back, and its entry in the books with it.
    ///
    /// # Errors
    /// When it is not frozen, or no reason is given.
    pub fn void_run(&self, number: u32, reason: &str, by: &str, now: Instant) -> Answer<RunState> {
        let _one_at_a_time = posting();
        let state = self.interest_run(number)?;
        if state.standing != Standing::Frozen {
            return refuse(format!(
                "run {number} is {}; expected a frozen one",
                state.standing.word()
            ));
        }
        self.nothing_paid_of(number)?;
        if reason.trim().is_empty() {
            return refuse("voiding a run needs a reason\nhint: say --reason \"…\"");
        }
        let mut decisions = vec![What::RunVoided(RunVoided {
            number,
            reason: reason.to_owned(),
        })];
        decisions.extend(self.reversal_of_run(number, reason, now)?);
        self.decide_all(decisions, by, now)?;
        self.interest_run(number)
    }

    /// Appends a note, and what goes with it in the same group. The lines of one that does not fit a
    /// record go before it in parts, which mean nothing until the record that closes them.
    fn append_note(
        &self,
        stage: Stage,
        note: RunNote,
        along: Vec<What>,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let last = if json_bytes(&note) <= PART_BYTES {
            match stage {
                Stage::Prepared => What::RunPrepared(Box::new(note)),
                Stage::Frozen => What::RunFrozen(Box::new(note)),
            }
        } else {
            let (parts, closed) = note.in_parts();
            for part in parts {
                self.decide(What::RunLines(Box::new(part)), by, now)?;
            }
            match stage {
                Stage::Prepared => What::RunPreparedInParts(Box::new(closed)),
                Stage::Frozen => What::RunFrozenInParts(Box::new(closed)),
            }
        };
        self.decide_all([vec![last], along].concat(), by, now)
    }

    /// The note of a run.
    fn make(
        &self,
        asked: &RunAsked,
        register: &ShareRegister,
        runs: &[RunState],
        number: u32,
        journal_size: u64,
    ) -> Answer<RunNote> {
        let known = self.known();
        let (first, last) = (asked.period.first_day(), asked.period.last_day());
        let classes = classes_of(&known, register, asked)?;
        runs::joins(runs, number, asked, &classes)?;
        let paid = runs::covered(runs, asked.replaces);
        for class in &classes {
            follows(&class.terms.id, first, last, &paid).or_caller()?;
        }
        let terms: Vec<_> = classes.iter().map(|class| class.terms.clone()).collect();
        let movements = movements(register, &classes);
        let rates = match &asked.declared {
            Asked::Rates(rates) => terms::rates_of(rates, &classes, &asked.published)?,
            Asked::Pot(_) => Vec::new(),
        };
        let made = run(&RunOf {
            period: asked.period,
            classes: &terms,
            movements: &movements,
            not_earning: &after_death(register, &classes),
            declared: match &asked.declared {
                Asked::Rates(_) => Declared::Rates(&rates),
                Asked::Pot(pot) => Declared::Pot(*pot),
            },
        })
        .or_caller()?;
        let of_class = |(place, class): (usize, &Class)| RunClass {
            class: class.terms.id.clone(),
            par_pence: class.terms.par.0,
            rate: rates
                .get(place)
                .map(ToString::to_string)
                .unwrap_or_default(),
            maximum: class.terms.maximum.to_string(),
            rule: class.rule.as_ref().map_or_else(
                || "as declared, up to the maximum".to_owned(),
                ToString::to_string,
            ),
            days: class.terms.days.word().to_owned(),
            issue_day: class.terms.issue_day.word().to_owned(),
            leaving_day: class.terms.leaving_day.word().to_owned(),
            rounding: class.terms.rounding.word().to_owned(),
            after_death: class.after_death.word().to_owned(),
        };
        let is_pot = matches!(asked.declared, Asked::Pot(_));
        Ok(RunNote {
            number,
            from: first.to_string(),
            to: last.to_string(),
            mode: if is_pot { "pot" } else { "rate" }.to_owned(),
            declared_pence: made.total.0,
            classes: classes.iter().enumerate().map(of_class).collect(),
            published: asked.published.iter().map(published).collect(),
            remainder_rule: if is_pot {
                REMAINDER_RULE.to_owned()
            } else {
                String::new()
            },
            journal_size,
            lines: lines(&made, &classes),
            total_pence: made.total.0,
            adjustments: self.adjustments(runs, number, first)?,
            replaces: asked.replaces,
            sample: self.is_sample() || classes.iter().any(|class| class.sample),
        })
    }

    /// Lines of claims that set right what earlier frozen runs were made of, each stated once: reads
    /// that came late or were corrected after a freeze never change it.
    fn adjustments(
        &self,
        runs: &[RunState],
        number: u32,
        first: LocalDay,
    ) -> Answer<Vec<RunAdjustment>> {
        let earlier: Vec<&RunState> = runs
            .iter()
            .filter(|run| run.standing == Standing::Frozen && run.note.number != number)
            .collect();
        let first = first.to_string();
        let frozen_to = earlier.iter().map(|run| &run.note.to);
        let Some(frozen_to) = frozen_to.filter(|to| **to < first).max() else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for made in self.frozen_claims()? {
            let claim = &made.claim;
            let lines = claim.lines.iter().filter(|line| line.from <= *frozen_to);
            for line in lines {
                let Some(adjusts) = line.adjusts else {
                    continue;
                };
                let adjustment = RunAdjustment {
                    claim: claim.number,
                    adjusts,
                    installation: claim.installation.clone(),
                    from: line.from.clone(),
                    to: line.to.clone(),
                    wh: line.wh,
                    pence: line.pence,
                };
                let mut stated = earlier.iter().flat_map(|run| &run.note.adjustments);
                if !stated.any(|one| *one == adjustment) {
                    found.push(adjustment);
                }
            }
        }
        Ok(found)
    }

    /// Refuses movements of shares inside a period that a frozen run covers.
    pub(super) fn outside_frozen_runs(&self, what: &[What]) -> Answer<()> {
        let mut moved: Vec<(&str, LocalDay)> = Vec::new();
        for what in what {
            match what {
                What::SharesMoved(body) => {
                    for line in &body.lines {
                        moved.push((&line.class, line.on.parse().or_caller()?));
                    }
                }
                What::SharesImported(body) => {
                    for (_, _, class, on, ..) in &body.rows {
                        moved.push((class, on.parse().or_caller()?));
                    }
                }
                What::InterestConverted(body) => {
                    moved.push((&body.class, body.on.parse().or_caller()?));
                }
                _ => {}
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        let paid = runs::covered(&self.interest_runs()?, None);
        for (class, on) in moved {
            let covers = |period: &&domain::interest::PaidPeriod| {
                period.class == class && period.first <= on && on <= period.last
            };
            if let Some(period) = paid.iter().find(covers) {
                return refuse(format!(
                    "shares of `{class}` cannot move on {on}: interest run {} has frozen {} to {}\nhint: date the movement later, or void the run first",
                    period.run, period.first, period.last
                ));
            }
        }
        Ok(())
    }
}

/// The movements of the run's classes, as plain values.
fn movements(register: &ShareRegister, classes: &[Class]) -> Vec<Movement> {
    let place = |class: u16| classes.iter().position(|one| one.place == class);
    let all = register.movements().iter().filter_map(|movement| {
        Some(Movement {
            member: movement.line.member.0,
            class: u16::try_from(place(movement.line.class)?).ok()?,
            on: movement.line.on,
            shares: movement.line.shares,
        })
    });
    all.collect()
}

/// Days after death, for the classes whose terms end interest there.
fn after_death(register: &ShareRegister, classes: &[Class]) -> Vec<NotEarning> {
    let dead = register
        .members()
        .filter_map(|member| Some((member.number.0, member.died?)));
    dead.flat_map(|(member, died)| {
        let ends = classes.iter().enumerate();
        let ends = ends.filter(|(_, class)| class.after_death == terms::AfterDeath::Nothing);
        ends.map(move |(place, _)| NotEarning {
            member,
            first: died.next(),
            last: None,
            class: u16::try_from(place).ok(),
            why: WhyNot::Death,
        })
    })
    .collect()
}

fn lines(made: &Run, classes: &[Class]) -> Vec<RunLine> {
    made.lines
        .iter()
        .map(|line| {
            let held = made.held.get(line.held.clone()).unwrap_or_default();
            let class = classes.get(usize::from(line.class));
            RunLine {
                member: line.member,
                class: class.map_or_else(String::new, |class| class.terms.id.clone()),
                pence: line.pence.0,
                basis: held.iter().map(words).collect::<Vec<_>>().join("; "),
            }
        })
        .collect()
}

/// Shares, first and last day, and why they earned nothing.
pub type HeldWords = (i64, LocalDay, LocalDay, Option<String>);

/// What was held over a span, in words.
fn words(held: &Held) -> String {
    let days = held.last.days_since(held.first) + 1;
    let why = match held.why_not {
        Some(WhyNot::Death) => ", nothing after death",
        Some(WhyNot::Suspended) => ", nothing while suspended",
        None => "",
    };
    format!(
        "{} shares {} to {} ({days} {}{why})",
        held.shares,
        held.first,
        held.last,
        if days == 1 { "day" } else { "days" }
    )
}

/// What was held, of the words that [`words`] made: shares, first and last day, and why it earned
/// nothing. `None` for words that are not ours.
#[must_use]
pub fn held_of_words(basis: &str) -> Option<Vec<HeldWords>> {
    let parts = basis.split("; ").filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (shares, rest) = part.split_once(" shares ")?;
            let (first, rest) = rest.split_once(" to ")?;
            let (last, rest) = rest.split_once(" (")?;
            let why = rest.strip_suffix(')')?.split_once(", ");
            Some((
                shares.parse().ok()?,
                first.parse().ok()?,
                last.parse().ok()?,
                why.map(|(_, why)| why.to_owned()),
            ))
        })
        .collect()
}

fn published(value: &IndexValue) -> Published {
    Published {
        index: value.index.word().to_owned(),
        percent: value.percent.to_string(),
        source: value.source.clone(),
    }
}

/// What a note was asked for.
fn asked_of(note: &RunNote) -> Answer<RunAsked> {
    let damaged = || Refusal::Ours(format!("the note of run {} cannot be read", note.number));
    let mut rates = Vec::new();
    for class in &note.classes {
        if note.mode == "rate" {
            rates.push(RateAsked {
                class: Some(class.class.clone()),
                rate: terms::rate_of_note(&class.rate).ok_or_else(damaged)?,
            });
        }
    }
    let mut published = Vec::new();
    for value in &note.published {
        published.push(IndexValue {
            index: domain::interest::Index::of_word(&value.index).ok_or_else(damaged)?,
            percent: value.percent.parse().map_err(|_| damaged())?,
            source: value.source.clone(),
        });
    }
    let day = |text: &str| text.parse::<LocalDay>().map_err(|_| damaged());
    Ok(RunAsked {
        period: Period::Range {
            first: day(&note.from)?,
            last: day(&note.to)?,
        },
        classes: note
            .classes
            .iter()
            .map(|class| class.class.clone())
            .collect(),
        declared: match note.mode.as_str() {
            "pot" => Asked::Pot(Pence(note.declared_pence)),
            _ => Asked::Rates(rates),
        },
        published,
        policy: None,
        replaces: note.replaces,
    })
}

/// The first thing that differs between two notes, in words.
fn difference<'a>(was: &'a RunNote, now: &'a RunNote) -> String {
    if was.classes != now.classes {
        return "the terms of a share class were changed".to_owned();
    }
    let by_member = |note: &'a RunNote| -> BTreeMap<(u32, &'a str), &'a RunLine> {
        let lines = note.lines.iter();
        lines
            .map(|line| ((line.member, line.class.as_str()), line))
            .collect()
    };
    let (lines_was, lines_now) = (by_member(was), by_member(now));
    let all = was.lines.iter().chain(&now.lines);
    for line in all {
        let key = (line.member, line.class.as_str());
        let (before, after) = (lines_was.get(&key), lines_now.get(&key));
        if before != after {
            let text = |line: Option<&&RunLine>| {
                line.map_or("no line".to_owned(), |line| {
                    format!("{} for {}", Pence(line.pence), line.basis)
                })
            };
            return format!(
                "member {} had {} and has {}",
                line.member,
                text(before),
                text(after)
            );
        }
    }
    if was.adjustments != now.adjustments {
        return "a claim has set an earlier one right since".to_owned();
    }
    "an input was changed".to_owned()
}

/// The rate of a run as one number, when all its classes have the same per cent.
#[must_use]
pub fn one_rate(note: &RunNote) -> Option<String> {
    let first = note.classes.first()?.rate.clone();
    let same = note.classes.iter().all(|class| class.rate == first);
    match terms::rate_of_note(&first)? {
        ShareRate::Percent(percent) if same => Some(percent.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_can_be_read_back_from_its_words() {
        let day = |text: &str| text.parse::<LocalDay>().unwrap();
        let held = |why_not| Held {
            shares: 1_000,
            parts: 0,
            first: day("2013-01-01"),
            last: day("2013-01-01"),
            why_not,
        };
        let all = [held(None), held(Some(WhyNot::Death))];
        let basis = all.iter().map(words).collect::<Vec<_>>().join("; ");
        let back = held_of_words(&basis).unwrap();
        assert_eq!(back[0], (1_000, day("2013-01-01"), day("2013-01-01"), None));
        assert_eq!(back[1].3.as_deref(), Some("nothing after death"));
        assert_eq!(held_of_words(""), Some(Vec::new()));
        assert_eq!(held_of_words("whatever was held"), None);
    }
}
