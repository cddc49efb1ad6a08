//! Members' statements of a frozen interest run: everything that a statement says, gathered once for
//! the run and once for each member.
//!
//! Nothing is reckoned again: amounts and holdings are those of the frozen note. What the roofs made
//! comes from the generation report of the same days, and the reads at both ends from the series, so
//! that a member can walk from the amount to the meter. The journal's head is the one right after the
//! freezing: the same run gives the same statements whenever they are made, and
//! `verify --head` holds the journal against them. A statement that cannot be sent as it is says why
//! in the index; nobody is left out in silence.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    accounts::Role,
    calendar::{Instant, LocalDay, Period, Span},
    membership::MemberNo,
    metering::{SeriesId, Verdict},
    money::Pence,
    quantity::WattHours,
};
use records::{interest::RunLine, person::Person, roll::Payment, society::Counts};
use report::{
    statement::{
        Addressee, Choice, ClassFacts, HeldSpan, RoofReads, RunFacts, Statement, StatementLine,
    },
    words,
};
use store::SeriesReader;

use super::{
    answer::{Answer, OrCaller, OrOurs, refuse},
    energy::Place,
    interest::{RunState, Standing, held_of_words},
    known::Known,
    payments::OrderStanding,
    society::{RUN_APPROVED, RUN_FROZEN, RUN_FROZEN_IN_PARTS, SocietyOffice},
};

/// A read so many days before a boundary, or after it, still speaks for it; nearer ones first.
const NEAR_DAYS: [i64; 3] = [1, 7, 40];
const DAY_MS: i64 = 86_400_000;

/// What statements are asked for.
#[derive(Clone, Debug, Default)]
pub struct StatementsAsked {
    /// The run.
    pub run: u32,
    /// Only these members; all of the run when empty.
    pub members: Vec<u32>,
    /// The day the money goes out, for members whom no approved order pays yet.
    pub pay_on: Option<LocalDay>,
}

/// One member of the run.
#[derive(Clone, Debug)]
pub struct MemberStatement {
    /// Its number.
    pub member: u32,
    /// Its lines together.
    pub total: Pence,
    /// The statement; `None` when it cannot be addressed to anybody.
    pub statement: Option<Statement>,
    /// How it can be sent.
    pub send: Send,
    /// What whoever sends it has to know.
    pub note: String,
    /// The e-mail address, where one is known.
    pub email: String,
}

/// How a statement can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Send {
    /// To the postal address.
    Post,
    /// By e-mail: no postal address is known.
    Email,
    /// To whoever acts for the estate.
    Estate,
    /// It waits for a person.
    Hold,
    /// There is none.
    None,
}

impl Send {
    /// The word used in the index and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Send::Post => "post",
            Send::Email => "email",
            Send::Estate => "estate",
            Send::Hold => "hold",
            Send::None => "none",
        }
    }
}

impl SocietyOffice {
    /// The statements of a frozen run, by member.
    ///
    /// # Errors
    /// When the run is not frozen, a member is not in it, or the people file is damaged.
    pub fn statements(
        &self,
        asked: &StatementsAsked,
        now: Instant,
    ) -> Answer<Vec<MemberStatement>> {
        let state = self.interest_run(asked.run)?;
        if state.standing != Standing::Frozen {
            return refuse(format!(
                "run {} is {}; statements are made of a frozen run\nhint: `commonwatt interest freeze --run {}`",
                asked.run,
                state.standing.word(),
                asked.run
            ));
        }
        let run = Arc::new(self.run_facts(&state, now)?);
        self.statements_of(&run, asked, now)
    }

    /// The statements of a frozen run whose [`run_working`](SocietyOffice::run_working) is at hand.
    ///
    /// # Errors
    /// When a member is not in it, or the people file is damaged.
    pub fn statements_of(
        &self,
        run: &Arc<RunFacts>,
        asked: &StatementsAsked,
        now: Instant,
    ) -> Answer<Vec<MemberStatement>> {
        let state = self.interest_run(run.number)?;
        let days = self.payment_days(run.number)?;
        let mut lines: BTreeMap<u32, Vec<&RunLine>> = BTreeMap::new();
        for line in &state.note.lines {
            lines.entry(line.member).or_default().push(line);
        }
        if let Some(absent) = asked.members.iter().find(|one| !lines.contains_key(one)) {
            return refuse(format!(
                "member `{absent}` has no line in run {}",
                asked.run
            ));
        }
        let wanted = |member: &u32| asked.members.is_empty() || asked.members.contains(member);
        let open = self.cases(None, false, now)?;
        let case_of = |member: u32, kind: &str| {
            let mut of = open.iter().map(|line| &line.case);
            of.find(|case| case.member.0 == member && case.kind == kind)
                .map(|case| case.number)
        };
        let mut made = Vec::new();
        for (member, lines) in lines.into_iter().filter(|(member, _)| wanted(member)) {
            let untraceable = case_of(member, "untraceable");
            let pay_on = days.get(&member).copied().or(asked.pay_on);
            made.push(self.one(run, member, &lines, untraceable, pay_on)?);
        }
        Ok(made)
    }

    fn one(
        &self,
        run: &Arc<RunFacts>,
        number: u32,
        lines: &[&RunLine],
        untraceable: Option<u32>,
        pay_on: Option<LocalDay>,
    ) -> Answer<MemberStatement> {
        let (person, kind, died, choice) = self.with_roll(|roll| {
            let member = MemberNo(number);
            let facts = roll.facts.get(&member).cloned().unwrap_or_default();
            let known = roll.register.member(member).or_caller()?;
            let choice = match facts.payment {
                Payment::Bank if facts.bank.is_empty() => Choice::BankUnknown,
                Payment::Bank => Choice::Bank,
                Payment::Cheque => Choice::Cheque,
                Payment::Fund => Choice::Fund,
                Payment::Reinvest => Choice::Reinvest {
                    carried: facts.rest == records::roll::Rest::Carried,
                },
            };
            let (kind, died) = (known.kind.word(), known.died);
            Ok((self.person(roll, member)?, kind, died, choice))
        })?;
        let total = Pence::total(lines.iter().map(|line| Pence(line.pence)))
            .ok_or("they are more than money can be")
            .or_ours("the lines of a member")?;
        let Some(person) = person else {
            return Ok(MemberStatement {
                member: number,
                total,
                statement: None,
                send: Send::None,
                note: "personal data were erased".to_owned(),
                email: String::new(),
            });
        };
        let address = address_of(&person);
        let (send, note) = match (untraceable, died) {
            (Some(case), _) => (Send::Hold, format!("case {case}: untraceable")),
            (None, Some(died)) => (Send::Estate, format!("died on {died}")),
            (None, None) if !address.is_empty() => (Send::Post, String::new()),
            (None, None) if !person.email.is_empty() => {
                (Send::Email, "no postal address".to_owned())
            }
            (None, None) => (Send::Hold, "no postal address and no e-mail".to_owned()),
        };
        let statement = Statement {
            run: run.clone(),
            to: Addressee {
                member: number,
                name: person.name,
                kind,
                address,
                died,
            },
            choice,
            lines: lines
                .iter()
                .map(|line| line_of(run, line))
                .collect::<Answer<_>>()?,
            total,
            pay_on,
        };
        Ok(MemberStatement {
            member: number,
            total,
            statement: Some(statement),
            send,
            note,
            email: person.email,
        })
    }

    /// What everybody may know of a frozen run: how it was made, without its members.
    ///
    /// # Errors
    /// When there is no such run, or it is not frozen.
    pub fn run_working(&self, number: u32, now: Instant) -> Answer<RunFacts> {
        let state = self.interest_run(number)?;
        if state.standing != Standing::Frozen {
            return refuse(format!(
                "run {number} is {}; expected a frozen one",
                state.standing.word()
            ));
        }
        self.run_facts(&state, now)
    }

    /// The day on which approved orders pay members of a run: money on the order's day, shares and
    /// gifts on the day of release. What came back is on no day.
    fn payment_days(&self, run: u32) -> Answer<BTreeMap<u32, LocalDay>> {
        let mut days = BTreeMap::new();
        for order in self.orders()? {
            let released = match &order.standing {
                OrderStanding::Approved { .. } => None,
                OrderStanding::Released { on, .. } => Some(*on),
                OrderStanding::Prepared | OrderStanding::Cancelled { .. } => continue,
            };
            if order.note.run != run {
                continue;
            }
            let on: LocalDay = order.note.on.parse().or_ours("the day of an order")?;
            let mut of_order = BTreeMap::new();
            for line in &order.note.lines {
                let money = matches!(line.way.as_str(), "bank" | "cheque");
                if !money {
                    of_order.insert(line.member, released.unwrap_or(on));
                } else if order.fate_word(line) == "returned" {
                    days.remove(&line.member);
                } else {
                    // What is less than a share is paid beside the shares; their day is told.
                    of_order.entry(line.member).or_insert(on);
                }
            }
            days.extend(of_order);
        }
        Ok(days)
    }

    /// What all statements of a run share.
    fn run_facts(&self, state: &RunState, now: Instant) -> Answer<RunFacts> {
        let (note, hash) = (&state.note, &state.hash);
        let known = self.known();
        let (from, to): (LocalDay, LocalDay) =
            (note.from.parse().or_caller()?, note.to.parse().or_caller()?);
        let (approved_by, frozen_at, size) = self.frozen(note.number)?;
        let period = Period::Range {
            first: from,
            last: to,
        };
        let generation = self.generation(None, period, None, now, true)?;
        let chart = generation.svg_for_paper().or_ours("the chart")?;
        let name_of = |id: &str| {
            let mut classes = known.document.share_class.iter();
            classes
                .find(|class| class.id == id)
                .map_or_else(|| id.to_owned(), |class| class.name.clone())
        };
        let classes = note.classes.iter().map(|class| ClassFacts {
            id: class.class.clone(),
            name: name_of(&class.class),
            par: Pence(class.par_pence),
            rate: class.rate.clone(),
            rule: class.rule.clone(),
            maximum: class.maximum.clone(),
            days: class.days.clone(),
            issue_day: class.issue_day == "in",
            rounds_down: class.rounding == "down",
        });
        let published = note.published.iter().map(|value| {
            format!(
                "{} was {} %, published by {}.",
                value.index,
                value.percent,
                value.source.trim_end_matches('.')
            )
        });
        Ok(RunFacts {
            society: known.document.society.name.clone(),
            slug: self.slug().to_owned(),
            number: note.number,
            hash: hash.clone(),
            from,
            to,
            prepared_by: state.prepared_by.clone(),
            approved_by,
            frozen_on: known.zone.day_of(frozen_at),
            lines: note.lines.len(),
            total: Pence(note.total_pence),
            remainder_rule: note.remainder_rule.clone(),
            replaces: note.replaces,
            published: published.collect(),
            classes: classes.collect(),
            fund: self.given_to_the_fund(from, to)?,
            chart,
            generation,
            roofs: self.roof_reads(&known, period)?,
            head: (size, self.root_at(size)?),
            address: Some(known.document.society.public_address.clone())
                .filter(|address| !address.is_empty()),
            sample: note.sample,
            notices: match note.sample {
                true => known.document.society.notice.clone(),
                false => Vec::new(),
            },
        })
    }

    /// Who approved a frozen run, when it was frozen, and how many records the journal had then.
    fn frozen(&self, number: u32) -> Answer<(String, Instant, u64)> {
        let (mut approved, mut frozen) = (String::new(), (Instant(0), 0));
        self.books()
            .applied_of(&[RUN_APPROVED, RUN_FROZEN, RUN_FROZEN_IN_PARTS], |row| {
                let decision: records::decision::Decision =
                    serde_json::from_str(&row.json).or_ours("a decision")?;
                match decision.what {
                    records::decision::What::RunApproved(one) if one.number == number => {
                        approved = decision.by;
                    }
                    records::decision::What::RunFrozen(one) if one.number == number => {
                        frozen = (Instant(decision.at_ms), row.position + 1);
                    }
                    records::decision::What::RunFrozenInParts(one) if one.note.number == number => {
                        frozen = (Instant(decision.at_ms), row.position + 1);
                    }
                    _ => {}
                }
                Answer::Ok(())
            })?;
        Ok((approved, frozen.0, frozen.1))
    }

    /// What the books say was given to the community fund in these days; `None` without a chart that
    /// has such an account, or when nothing was.
    fn given_to_the_fund(&self, from: LocalDay, to: LocalDay) -> Answer<Option<Pence>> {
        let ledger = self.ledger()?;
        let Ok(given) = ledger.role(Role::FundGiven) else {
            return Ok(None);
        };
        Ok(Some(ledger.moved(&given, from, to)).filter(|pence| pence.0 > 0))
    }

    /// The photos of dials, by the read they show.
    fn photos_by_read(&self) -> Answer<Photos> {
        let dials = self.dial_reads(None)?.into_iter();
        let photos = dials.filter_map(|dial| {
            let at = Instant(dial.read.read_at_ms);
            let key = (dial.read.meter, dial.read.register, at);
            Some((key, dial.read.photo?.sha256))
        });
        Ok(photos.collect())
    }

    /// Every generation meter with its reads at both ends of the period.
    fn roof_reads(&self, known: &Known, period: Period) -> Answer<Vec<RoofReads>> {
        let points = known.points_of(&Place::Society, Counts::Generation)?;
        let start = known.zone.day_span(period.first_day()).start;
        let end = known.zone.day_span(period.last_day()).end;
        let events = self.events();
        let photos = self.photos_by_read()?;
        self.ask(&known.series_of_points(&points), |reader| {
            let mut roofs = Vec::new();
            for point in &points {
                let site = known.points.get(point).map(|point| &point.site);
                let site = site.and_then(|id| known.sites.get(id));
                for series in known.series_of_point(point) {
                    let Some(named) = known.series.get(series.0 as usize) else {
                        continue;
                    };
                    let opened = events
                        .iter()
                        .find(|e| e.opens == series && (start..end).contains(&e.opened_at))
                        .map(|e| (e.opened_at, e.opening_wh));
                    let closed = events
                        .iter()
                        .find(|e| e.closes == series && (start..end).contains(&e.closed_at))
                        .map(|e| (e.closed_at, e.final_wh));
                    let opening = match opened {
                        Some(read) => Some(read),
                        None => near(reader, series, start)?,
                    };
                    let closing = match closed {
                        Some(read) => Some(read),
                        None => near(reader, series, end)?,
                    };
                    if opening.is_none() && closing.is_none() {
                        continue;
                    }
                    let told = |read: Option<(Instant, WattHours)>| {
                        read.map_or_else(
                            || "no read".to_owned(),
                            |(at, wh)| {
                                let day = known.zone.day_of(at);
                                let month: String = words::month(day).chars().take(3).collect();
                                let clock = words::clock(known.zone.wall_clock(at));
                                let when = format!("{} {month} {} {clock}", day.day(), day.year());
                                format!("{}, {when}", exact_kwh(wh))
                            },
                        )
                    };
                    let made = opening.zip(closing).and_then(|((_, a), (_, b))| {
                        (b.0 >= a.0).then(|| exact_kwh(WattHours(b.0 - a.0)))
                    });
                    roofs.push(RoofReads {
                        roof: site.map_or_else(|| point.clone(), |site| site.name.clone()),
                        meter: format!("{}, {}", named.meter, named.register),
                        opening: told(opening),
                        closing: told(closing),
                        made: made.unwrap_or_else(|| "not known".to_owned()),
                        photos: [opening, closing].map(|read| {
                            let (at, _) = read?;
                            let key = (named.meter.clone(), named.register.to_string(), at);
                            photos.get(&key).cloned()
                        }),
                    });
                }
            }
            Ok(roofs)
        })
    }
}

/// Photos by meter, register and time of the read.
type Photos = BTreeMap<(String, String, Instant), String>;

/// The accepted read nearest before a boundary, or the first one after it.
fn near(
    reader: &SeriesReader,
    series: SeriesId,
    at: Instant,
) -> Answer<Option<(Instant, WattHours)>> {
    let accepted = |span: Span| -> Answer<Vec<(Instant, WattHours)>> {
        let rows = reader.reads(series, span).or_ours("series.sqlite")?;
        let counted = rows
            .into_iter()
            .filter(|row| row.verdict == Verdict::Accepted)
            .filter_map(|row| Some((row.read.at, row.counts_as?)));
        Ok(counted.collect())
    };
    for days in NEAR_DAYS {
        let before = Span {
            start: at.plus_ms(-days * DAY_MS),
            end: at.plus_ms(1),
        };
        if let Some(last) = accepted(before)?.last() {
            return Ok(Some(*last));
        }
    }
    for days in NEAR_DAYS {
        let after = Span {
            start: at,
            end: at.plus_ms(days * DAY_MS),
        };
        if let Some(first) = accepted(after)?.first() {
            return Ok(Some(*first));
        }
    }
    Ok(None)
}

/// `12,345.678`, every watt-hour.
fn exact_kwh(wh: WattHours) -> String {
    format!("{}.{:03}", words::whole(wh.0 / 1000), (wh.0 % 1000).abs())
}

fn line_of(run: &RunFacts, line: &RunLine) -> Answer<StatementLine> {
    let class = run.classes.iter().position(|class| class.id == line.class);
    let held = held_of_words(&line.basis);
    let (Some(class), Some(held)) = (class, held) else {
        return Err(super::answer::Refusal::Ours(format!(
            "the line of member {} in run {} cannot be read",
            line.member, run.number
        )));
    };
    Ok(StatementLine {
        class,
        held: held
            .into_iter()
            .map(|(shares, first, last, why_not)| HeldSpan {
                shares,
                first,
                last,
                why_not,
            })
            .collect(),
        pence: Pence(line.pence),
    })
}

fn address_of(person: &Person) -> Vec<String> {
    let lines = person.address.iter().chain([&person.postcode]);
    lines
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}
