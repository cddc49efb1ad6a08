//! The community fund: what comes in by rule, what is granted on which conditions, what is paid.
//!
//! The money is in the books, on the account with the role `fund`; nothing of it is kept beside them.
//! A frozen interest run brings its part by the rule in force on the first day of its period, members'
//! gifts arrive with the payment orders. A grant is a promise: the fund must be able to pay all its
//! promises. It is paid by another officer than the one who entered it, after its conditions are met,
//! and the books refuse a fund below zero on any day. A reversed entry counts no more.

use std::collections::BTreeMap;

use domain::{
    accounts::{Ledger, NewEntry, Posting, Role, Source, SourceKind},
    calendar::{Instant, LocalDay, Period},
    council::{Fund, FundRule as Part},
    money::Pence,
};
use records::{
    community::{Brought, ConditionMet, FundNote, FundRule, Grant, GrantPaid, GrantReported},
    council::Ended,
    decision::What,
};

use super::{
    accounts::{posted, posting},
    answer::{Answer, OrCaller, OrOurs, refuse},
    interest::Standing,
    notes::{self, Noted, needed, proper_id, same_or_other},
    society::SocietyOffice,
    stake::day,
};

/// What a file of these notes may hold, in the order they are taken. What moves money is a command of
/// its own.
pub const FUND_NOTES: [&str; 5] = ["rule", "grant", "condition-met", "reported", "ended"];
/// Most conditions of a grant.
const MAX_CONDITIONS: usize = 20;

/// The notes of the fund as they stand.
#[derive(Clone, Debug, Default)]
pub struct FundNotes {
    /// Rules, in the order they were entered.
    pub rules: Vec<FundRule>,
    /// What runs brought.
    pub brought: Vec<Brought>,
    /// Grants.
    pub grants: Vec<GrantLine>,
}

/// A grant as it stands.
#[derive(Clone, Debug)]
pub struct GrantLine {
    /// As it was entered.
    pub of: Grant,
    /// Who entered it.
    pub by: String,
    /// Conditions that are met, by their number from 1.
    pub met: BTreeMap<u16, ConditionMet>,
    /// What was paid and stands.
    pub paid: Vec<GrantPaid>,
    /// What its receiver said.
    pub reports: Vec<GrantReported>,
    /// Why nothing more is paid.
    pub ended: Option<Ended>,
    /// How often something was paid, reversed or not.
    payments: usize,
}

/// A movement of the fund.
#[derive(Clone, Debug)]
pub struct FundLine {
    /// The day.
    pub on: LocalDay,
    /// The entry.
    pub entry: u32,
    /// `run`, `gift`, `grant`, `reversal` or `other`.
    pub kind: &'static str,
    /// What happened.
    pub text: String,
    /// How much; below zero what went out.
    pub pence: Pence,
    /// What the fund held then.
    pub balance: Pence,
}

/// The fund over a period.
#[derive(Clone, Debug)]
pub struct FundReport {
    /// The days.
    pub period: Period,
    /// What it held before.
    pub opening: Pence,
    /// Movements.
    pub lines: Vec<FundLine>,
    /// What it holds at the end.
    pub closing: Pence,
    /// Promised and not paid, as of now.
    pub promised: Pence,
    /// What can be promised, as of now.
    pub free: Pence,
    /// Grants.
    pub grants: Vec<GrantLine>,
    /// The rules.
    pub rules: Vec<FundRule>,
    /// Frozen runs under a rule that brought nothing yet.
    pub waiting: Vec<u32>,
}

impl GrantLine {
    /// What was paid of it.
    #[must_use]
    pub fn paid_pence(&self) -> Pence {
        Pence(self.paid.iter().map(|one| one.pence).sum())
    }

    /// What is promised of it and not paid.
    #[must_use]
    pub fn left(&self) -> Pence {
        match self.ended {
            Some(_) => Pence::ZERO,
            None => Pence(self.of.pence - self.paid_pence().0),
        }
    }

    /// The first condition that is not met.
    #[must_use]
    pub fn unmet(&self) -> Option<&str> {
        let conditions = self.of.conditions.iter().zip(1_u16..);
        let mut unmet = conditions.filter(|(_, number)| !self.met.contains_key(number));
        unmet.next().map(|(text, _)| text.as_str())
    }
}

impl SocietyOffice {
    /// The notes of the fund as they stand.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn fund_notes(&self) -> Answer<FundNotes> {
        let ledger = self.ledger()?;
        let mut all = FundNotes::default();
        for decision in self.decisions(&[notes::FUND])? {
            if let What::FundNoted(note) = decision.what {
                all.take(*note, &decision.by, &ledger);
            }
        }
        Ok(all)
    }

    /// The fund as it stands today: what it holds and what it promised.
    fn fund_of(&self, stand: &FundNotes, ledger: &Ledger, today: LocalDay) -> Answer<Fund> {
        let account = ledger.role(Role::Fund).or_caller()?;
        let mut fund = Fund::holding(Pence(-ledger.balance(&account, today).0));
        for grant in &stand.grants {
            fund.promised_before(&grant.of.id, grant.left());
        }
        Ok(fund)
    }

    /// Enters notes that move no money, all of them or none.
    ///
    /// # Errors
    /// With the first that is refused, and why.
    pub fn note_fund(&self, all: Vec<FundNote>, by: &str, now: Instant) -> Answer<Noted> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        let today = self.known().zone.day_of(now);
        let mut stand = self.fund_notes()?;
        let mut done = Noted::default();
        let mut what = Vec::new();
        for note in all {
            let there = match &note {
                FundNote::Rule(rule) => {
                    rule.from.parse::<LocalDay>().or_caller()?;
                    rule.part_of_interest.parse::<Part>().or_caller()?;
                    needed("rule of the fund", &[("evidence", &rule.evidence)])?;
                    let there = stand.rules.iter().find(|one| one.from == rule.from);
                    same_or_other("a rule from", &rule.from, there, rule)?
                }
                FundNote::Grant(grant) => {
                    let there = check_grant(&stand, grant)?;
                    if !there {
                        self.has_come(&grant.decided, now)?;
                        self.project_is_there(&grant.project)?;
                        let fund = self.fund_of(&stand, &ledger, today)?;
                        fund.check_grant(Pence(grant.pence)).or_caller()?;
                    }
                    there
                }
                FundNote::ConditionMet(met) => {
                    self.has_come(&met.on, now)?;
                    needed("condition that is met", &[("evidence", &met.evidence)])?;
                    let grant = stand.grant(&met.grant)?;
                    let count = grant.of.conditions.len();
                    if !(1..=count).contains(&usize::from(met.condition)) {
                        return refuse(format!(
                            "grant `{}` has {count} conditions; there is no `{}`",
                            met.grant, met.condition
                        ));
                    }
                    let there = grant.met.get(&met.condition);
                    let id = format!("{} of {}", met.condition, met.grant);
                    same_or_other("condition", &id, there, met)?
                }
                FundNote::Reported(said) => {
                    self.has_come(&said.on, now)?;
                    needed(
                        "report",
                        &[("what", &said.what), ("evidence", &said.evidence)],
                    )?;
                    stand.grant(&said.grant)?.reports.contains(said)
                }
                FundNote::Ended(ended) => {
                    self.has_come(&ended.on, now)?;
                    needed("grant that ends", &[("reason", &ended.reason)])?;
                    let there = stand.grant(&ended.id)?.ended.as_ref();
                    same_or_other("the end of grant", &ended.id, there, ended)?
                }
                FundNote::Brought(_) | FundNote::Paid(_) => {
                    return refuse(
                        "what moves money is no note of a file\nhint: `commonwatt fund bring` and `commonwatt fund pay` post it",
                    );
                }
            };
            match there {
                true => done.already += 1,
                false => {
                    stand.take(note.clone(), by, &ledger);
                    what.push(What::FundNoted(Box::new(note)));
                    done.new += 1;
                }
            }
        }
        self.decide_all(what, by, now)?;
        Ok(done)
    }

    /// Brings the part of a frozen run into the fund, by the rule in force on its first day.
    ///
    /// # Errors
    /// When the run is not frozen, no rule covers it, or it was brought before.
    pub fn bring_to_fund(&self, run: u32, by: &str, now: Instant) -> Answer<Brought> {
        let _one_at_a_time = posting();
        let mut ledger = self.with_chart()?;
        let today = self.known().zone.day_of(now);
        let stand = self.fund_notes()?;
        let runs = self.interest_runs()?;
        let Some(of) = runs.iter().find(|one| one.note.number == run) else {
            return refuse(format!("there is no interest run `{run}`"));
        };
        if of.standing != Standing::Frozen {
            return refuse(format!(
                "interest run `{run}` is not frozen; only what is fixed brings something to the fund"
            ));
        }
        let Some(rule) = stand.rule_on(day(&of.note.from)?)? else {
            return refuse(format!(
                "no rule of the fund is in force on {}, the first day of run `{run}`\nhint: enter [[rule]] with `commonwatt fund enter FILE`",
                of.note.from
            ));
        };
        let part: Part = rule
            .part_of_interest
            .parse()
            .or_ours("a rule of the fund")?;
        let pence = part.of(Pence(of.note.total_pence));
        let Some(pence) = pence.filter(|pence| *pence > Pence::ZERO) else {
            return refuse(format!("interest run `{run}` brings nothing to the fund"));
        };
        let entry = NewEntry {
            on: today,
            text: format!(
                "to the community fund, {} of the interest of run {run}",
                rule.part_of_interest
            ),
            source: Source {
                kind: SourceKind::Fund,
                reference: format!("run/{run}"),
            },
            postings: vec![
                Posting {
                    account: ledger.role(Role::FundGiven).or_caller()?,
                    pence,
                },
                Posting {
                    account: ledger.role(Role::Fund).or_caller()?,
                    pence: Pence(-pence.0),
                },
            ],
        };
        ledger.check(&entry).or_caller()?;
        let number = ledger.next_number();
        let brought = Brought {
            run,
            on: today.to_string(),
            part_of_interest: rule.part_of_interest.clone(),
            pence: pence.0,
            entry: number,
        };
        let what = vec![
            posted(number, &entry, None),
            What::FundNoted(Box::new(FundNote::Brought(brought.clone()))),
        ];
        ledger.enter(entry, None);
        self.decide_all(what, by, now)?;
        Ok(brought)
    }

    /// Pays a grant, in part or whole; by another officer than the one who entered it.
    ///
    /// # Errors
    /// When a condition is not met, more is asked than is left, or the fund would fall below zero.
    pub fn pay_grant(&self, asked: &GrantPaid, by: &str, now: Instant) -> Answer<GrantPaid> {
        let _one_at_a_time = posting();
        let ledger = self.with_chart()?;
        let today = self.known().zone.day_of(now);
        let stand = self.fund_notes()?;
        let grant = stand.grant(&asked.grant)?;
        needed("payment of a grant", &[("evidence", &asked.evidence)])?;
        if grant.by == by {
            return refuse(format!(
                "`{by}` entered grant `{}`; another officer pays it",
                asked.grant
            ));
        }
        let on = self.has_come(&asked.on, now)?;
        let decided = day(&grant.of.decided)?;
        if on < decided {
            return refuse(format!(
                "`{on}` lies before `{decided}`, the day grant `{}` was decided",
                asked.grant
            ));
        }
        let fund = self.fund_of(&stand, &ledger, today)?;
        fund.check_payment(&asked.grant, Pence(asked.pence), grant.unmet())
            .or_caller()?;
        let account = ledger.role(Role::Fund).or_caller()?;
        let later = ledger.lines(&account, on.next(), today);
        let lowest = later
            .iter()
            .map(|line| -line.balance.0)
            .chain([-ledger.balance(&account, on).0])
            .min()
            .unwrap_or(0);
        if lowest < asked.pence {
            return refuse(format!(
                "the fund held {} from {on} on; {} would take it below zero",
                Pence(lowest),
                Pence(asked.pence)
            ));
        }
        let entry = NewEntry {
            on,
            text: format!("grant {}: {}", grant.of.id, grant.of.to)
                .chars()
                .take(200)
                .collect(),
            source: Source {
                kind: SourceKind::Fund,
                reference: format!("grant/{}/{}", grant.of.id, grant.payments + 1),
            },
            postings: vec![
                Posting {
                    account,
                    pence: Pence(asked.pence),
                },
                Posting {
                    account: ledger.role(Role::Bank).or_caller()?,
                    pence: Pence(-asked.pence),
                },
            ],
        };
        ledger.check(&entry).or_caller()?;
        let paid = GrantPaid {
            entry: ledger.next_number(),
            ..asked.clone()
        };
        let what = vec![
            posted(paid.entry, &entry, None),
            What::FundNoted(Box::new(FundNote::Paid(paid.clone()))),
        ];
        self.decide_all(what, by, now)?;
        Ok(paid)
    }

    /// The fund over a period, from the books.
    ///
    /// # Errors
    /// When there is no chart with a fund, or the books are damaged.
    pub fn fund_report(&self, period: Period, now: Instant) -> Answer<FundReport> {
        let ledger = self.with_chart()?;
        let account = ledger.role(Role::Fund).or_caller()?;
        let today = self.known().zone.day_of(now);
        let stand = self.fund_notes()?;
        let fund = self.fund_of(&stand, &ledger, today)?;
        let (first, last) = (period.first_day(), period.last_day());
        let lines = ledger
            .lines(&account, first, last)
            .into_iter()
            .map(|line| FundLine {
                on: line.entry.new.on,
                entry: line.entry.number,
                kind: match line.entry.new.source.kind {
                    SourceKind::Fund if line.entry.new.source.reference.starts_with("run/") => {
                        "run"
                    }
                    SourceKind::Fund => "grant",
                    SourceKind::Payment => "gift",
                    SourceKind::Reversal => "reversal",
                    _ => "other",
                },
                text: line.entry.new.text.clone(),
                pence: Pence(-line.pence.0),
                balance: Pence(-line.balance.0),
            })
            .collect();
        let mut waiting = Vec::new();
        for run in self.interest_runs()? {
            let number = run.note.number;
            let brought = stand.brought.iter().any(|one| one.run == number);
            if run.standing == Standing::Frozen
                && !brought
                && stand.rule_on(day(&run.note.from)?)?.is_some()
            {
                waiting.push(number);
            }
        }
        Ok(FundReport {
            period,
            opening: Pence(-ledger.balance(&account, first.previous()).0),
            lines,
            closing: Pence(-ledger.balance(&account, last).0),
            promised: fund.promised(),
            free: fund.free(),
            grants: stand.grants,
            rules: stand.rules,
            waiting,
        })
    }
}

impl FundNotes {
    fn take(&mut self, note: FundNote, by: &str, ledger: &Ledger) {
        let stands = |entry: u32| ledger.reversed_by(entry).is_none();
        let grants = &mut self.grants;
        let mut grant = |id: &str, change: &mut dyn FnMut(&mut GrantLine)| {
            if let Some(line) = grants.iter_mut().find(|line| line.of.id == id) {
                change(line);
            }
        };
        match note {
            FundNote::Rule(rule) => self.rules.push(rule),
            FundNote::Brought(brought) if stands(brought.entry) => self.brought.push(brought),
            FundNote::Brought(_) => {}
            FundNote::Grant(of) => self.grants.push(GrantLine {
                of,
                by: by.to_owned(),
                met: BTreeMap::new(),
                paid: Vec::new(),
                reports: Vec::new(),
                ended: None,
                payments: 0,
            }),
            FundNote::ConditionMet(met) => grant(&met.grant.clone(), &mut |line| {
                line.met.insert(met.condition, met.clone());
            }),
            FundNote::Paid(paid) => grant(&paid.grant.clone(), &mut |line| {
                line.payments += 1;
                if stands(paid.entry) {
                    line.paid.push(paid.clone());
                }
            }),
            FundNote::Reported(said) => grant(&said.grant.clone(), &mut |line| {
                line.reports.push(said.clone());
            }),
            FundNote::Ended(ended) => grant(&ended.id.clone(), &mut |line| {
                line.ended = Some(ended.clone());
            }),
        }
    }

    fn grant(&self, id: &str) -> Answer<&GrantLine> {
        let found = self.grants.iter().find(|line| line.of.id == id);
        found.map_or_else(
            || {
                let ids = self.grants.iter().map(|line| line.of.id.as_str());
                refuse(format!(
                    "there is no grant `{id}`{}",
                    config::did_you_mean(id, ids)
                ))
            },
            Ok,
        )
    }

    /// The rule for a run whose period begins on a day.
    fn rule_on(&self, first: LocalDay) -> Answer<Option<&FundRule>> {
        let mut found: Option<(LocalDay, &FundRule)> = None;
        for rule in &self.rules {
            let from = day(&rule.from)?;
            if from <= first && found.is_none_or(|(known, _)| known <= from) {
                found = Some((from, rule));
            }
        }
        Ok(found.map(|(_, rule)| rule))
    }
}

fn check_grant(stand: &FundNotes, grant: &Grant) -> Answer<bool> {
    proper_id("grant", &grant.id)?;
    needed(
        "grant",
        &[
            ("to", &grant.to),
            ("purpose", &grant.purpose),
            ("evidence", &grant.evidence),
        ],
    )?;
    if grant.conditions.len() > MAX_CONDITIONS {
        return refuse(format!(
            "grant `{}` has {} conditions; expected at most {MAX_CONDITIONS}",
            grant.id,
            grant.conditions.len()
        ));
    }
    if !grant.report_by.is_empty() {
        grant.report_by.parse::<LocalDay>().or_caller()?;
    }
    let there = stand.grants.iter().find(|line| line.of.id == grant.id);
    same_or_other("grant", &grant.id, there.map(|line| &line.of), grant)
}
