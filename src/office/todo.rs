//! What waits for an officer, in one list, the oldest first: deadlines, held reads, silent meters,
//! reads from a dial, tables and interest runs that take another officer, bills past their day, money
//! that nobody has matched.
//!
//! Nothing of it is kept: each line comes from where the thing itself is kept, and is gone when that
//! is done.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, Span},
    income::DutyKind,
    money::Pence,
};

use super::{
    answer::Answer,
    duties::Task,
    interest::Standing,
    payments::{OrderStanding, OrderState},
    society::SocietyOffice,
};

/// How far back duties are looked for, days.
const BACK_DAYS: i32 = 366;
/// How far ahead duties are told of, days.
const AHEAD_DAYS: i32 = 30;
/// Most held reads that are counted.
const MOST_HELD: usize = 500;

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToDo {
    /// Since when it waits, or by when it has to be done.
    pub day: LocalDay,
    /// That day is a deadline.
    pub is_deadline: bool,
    /// It is late, or keeps money or reads from counting now.
    pub is_late: bool,
    /// What it is, as a sentence.
    pub sentence: String,
    /// Whose it is; an officer's id.
    pub who: Option<String>,
    /// What it is about.
    pub about: About,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// A duty, by its id; and the installation whose claim is due.
    Duty {
        /// Its id.
        id: String,
        /// The installation, where a claim is due.
        claim: Option<String>,
    },
    /// Reads that wait.
    HeldReads,
    /// An alert.
    Alert(u32),
    /// Rows of a dated table.
    Table(u32),
    /// An interest run.
    Run(u32),
    /// A read from a dial: meter, register, time in ms.
    Dial(String, String, i64),
    /// A bill that is past its day.
    Bill(u32),
    /// An order to pay members.
    Order(u32),
    /// Money in the bank.
    Bank,
    /// Rows that the society's dated tables lack.
    Lacking,
    /// A licence, a lease or a tariff that ends.
    Ending,
    /// A roof that closes.
    Closing,
    /// A run that brought nothing to the fund yet, or a grant whose report is due.
    Fund,
    /// A ballot that is to be closed.
    Ballot,
}

impl SocietyOffice {
    /// What waits in this society, the oldest first.
    ///
    /// # Errors
    /// When the books or the series are damaged.
    pub fn to_do(&self, now: Instant) -> Answer<Vec<ToDo>> {
        let known = self.known();
        let today = known.zone.day_of(now);
        let mut all = self.duties_waiting(today, now)?;
        let ever = Span::new(Instant(i64::MIN / 2), Instant(i64::MAX / 2));
        let (held, more) = self.held_reads(ever, MOST_HELD)?;
        if let Some(oldest) = held.iter().map(|one| one.judged.read.at).min() {
            let many = match (held.len(), more) {
                (1, false) => "One read is held and counts".to_owned(),
                (n, false) => format!("{n} reads are held and count"),
                (n, true) => format!("More than {n} reads are held and count"),
            };
            all.push(ToDo {
                day: known.zone.day_of(oldest),
                is_deadline: false,
                is_late: true,
                sentence: format!("{many} for nothing until somebody decides"),
                who: None,
                about: About::HeldReads,
            });
        }
        for alert in self.alerts()? {
            if alert.cleared.is_none() && alert.seen.is_none() {
                all.push(ToDo {
                    day: known.zone.day_of(alert.at),
                    is_deadline: false,
                    is_late: true,
                    sentence: without_stop(&alert.raised.text),
                    who: None,
                    about: About::Alert(alert.raised.number),
                });
            }
        }
        for proposal in self.proposals()? {
            if proposal.decided.is_none() {
                let (by, at) = &proposal.by;
                all.push(ToDo {
                    day: known.zone.day_of(*at),
                    is_deadline: false,
                    is_late: false,
                    sentence: format!(
                        "Rows for the table {} from {by} wait for another officer",
                        proposal.extended.table
                    ),
                    who: None,
                    about: About::Table(proposal.extended.number),
                });
            }
        }
        for (run, at) in self.runs_waiting()? {
            let words = match &run.standing {
                Standing::Approved { by } => {
                    format!("is approved by {by} and can be frozen")
                }
                _ => format!(
                    "was prepared by {} and waits for another officer",
                    run.prepared_by
                ),
            };
            all.push(ToDo {
                day: known.zone.day_of(at),
                is_deadline: false,
                is_late: false,
                sentence: format!(
                    "Interest run {} over {} {words}",
                    run.note.number,
                    Pence(run.note.total_pence)
                ),
                who: None,
                about: About::Run(run.note.number),
            });
        }
        for dial in self.dial_reads(None)? {
            if dial.agreed.is_some() {
                continue;
            }
            let read = &dial.read;
            let words = match dial.differs() {
                true => "differs from telemetry or the portal and waits for another officer",
                false => "waits for a second person who sees the same",
            };
            all.push(ToDo {
                day: known.zone.day_of(dial.taken.1),
                is_deadline: false,
                is_late: false,
                sentence: format!(
                    "The read of {} that {} took from the dial {words}",
                    read.meter, dial.taken.0
                ),
                who: None,
                about: About::Dial(read.meter.clone(), read.register.clone(), read.read_at_ms),
            });
        }
        for debt in self.debts(now)? {
            let bill = &debt.made.bill;
            if debt.days_over > 0
                && debt.open > Pence::ZERO
                && let Ok(day) = bill.due.parse()
            {
                all.push(ToDo {
                    day,
                    is_deadline: true,
                    is_late: true,
                    sentence: format!(
                        "Bill {} to {} is past its day, and {} of it is open",
                        bill.number, debt.name, debt.open
                    ),
                    who: super::duties::officer(&known, "treasurer"),
                    about: About::Bill(bill.number),
                });
            }
        }
        for (order, at) in self.orders_waiting()? {
            let words = match &order.standing {
                OrderStanding::Approved { by } => {
                    format!("is approved by {by} and can be released")
                }
                _ => format!(
                    "was prepared by {} and waits for another officer",
                    order.prepared_by
                ),
            };
            all.push(ToDo {
                day: known.zone.day_of(at),
                is_deadline: false,
                is_late: false,
                sentence: format!(
                    "Payment order {} over {} {words}",
                    order.note.order,
                    Pence(order.note.lines.iter().map(|line| line.pence).sum())
                ),
                who: None,
                about: About::Order(order.note.order),
            });
        }
        let open: Vec<_> = self
            .payments()?
            .into_iter()
            .filter(|row| row.pays.is_none() && row.pence > 0)
            .collect();
        let oldest = open.iter().filter_map(|row| row.on.parse().ok()).min();
        if let Some(oldest) = oldest {
            let sum = open.iter().map(|row| row.pence).sum::<i64>();
            let many = match open.len() {
                1 => "One payment in the bank is".to_owned(),
                n => format!("{n} payments in the bank are"),
            };
            all.push(ToDo {
                day: oldest,
                is_deadline: false,
                is_late: false,
                sentence: format!("{many} matched to nothing: {}", Pence(sum)),
                who: None,
                about: About::Bank,
            });
        }
        for lacking in self.asked_for(now)? {
            all.push(ToDo {
                day: today,
                is_deadline: false,
                is_late: false,
                sentence: capital(&without_stop(
                    lacking.split('\n').next().unwrap_or_default(),
                ))
                .replace('`', ""),
                who: None,
                about: About::Lacking,
            });
        }
        all.extend(self.ending_soon(today, now)?);
        all.sort_by(|a, b| (a.day, &a.sentence).cmp(&(b.day, &b.sentence)));
        Ok(all)
    }

    /// Licences and tariffs that end, roofs that close, ballots to be closed.
    fn ending_soon(&self, today: LocalDay, now: Instant) -> Answer<Vec<ToDo>> {
        let line = |day, sentence, about| ToDo {
            day,
            is_deadline: false,
            is_late: false,
            sentence,
            who: None,
            about,
        };
        let mut all = Vec::new();
        for ending in self.endings(today)? {
            all.push(line(
                ending.since,
                format!(
                    "The {} of {} ends on {}, in {} months or less: agree on what follows",
                    ending.kind, ending.of, ending.ends, ending.months
                ),
                About::Ending,
            ));
        }
        for closing in self.closings(now)? {
            let open: Vec<&str> = closing
                .steps
                .iter()
                .filter(|step| step.shown.is_none())
                .map(|step| step.what.as_str())
                .collect();
            if !open.is_empty() {
                all.push(line(
                    closing.of.on.parse().unwrap_or(today),
                    format!("{} closes; to do: {}", closing.of.site, open.join(", ")),
                    About::Closing,
                ));
            }
        }
        for ballot in self.ballots()? {
            if ballot.state(now) == super::ballots::BallotState::Over {
                let closes = Instant(ballot.called.closes_ms);
                all.push(line(
                    self.known().zone.day_of(closes),
                    format!(
                        "Ballot {} is over and is to be closed",
                        ballot.called.number
                    ),
                    About::Ballot,
                ));
            }
        }
        for grant in self.fund_notes()?.grants {
            let by = grant.of.report_by.parse::<LocalDay>();
            if let Ok(by) = by
                && by < today
                && grant.reports.is_empty()
                && grant.ended.is_none()
            {
                all.push(line(
                    by,
                    format!("{} has not said what became of its grant", grant.of.to),
                    About::Fund,
                ));
            }
        }
        Ok(all)
    }

    /// Duties that are open or late. The same duty of several roofs on one day is one line.
    fn duties_waiting(&self, today: LocalDay, now: Instant) -> Answer<Vec<ToDo>> {
        let mut same: BTreeMap<_, Vec<Task>> = BTreeMap::new();
        for task in self.tasks(today.plus(-BACK_DAYS), today.plus(AHEAD_DAYS), now)? {
            let duty = &task.duty;
            if duty.done.is_none() && duty.opens <= today {
                let key = (duty.due, duty.kind, task.owner.clone());
                same.entry(key).or_default().push(task);
            }
        }
        let line = |((due, _, who), tasks): (_, Vec<Task>)| {
            let first = &tasks.first()?.duty;
            let others: Vec<&str> = tasks
                .iter()
                .skip(1)
                .map(|t| t.duty.about.as_str())
                .collect();
            let mut sentence = capital(&first.sentence());
            if !others.is_empty() {
                sentence = format!("{sentence}; the same for {}", others.join(", "));
            }
            Some(ToDo {
                day: due,
                is_deadline: true,
                is_late: due < today,
                sentence,
                who,
                about: About::Duty {
                    id: first.id(),
                    claim: (first.kind == DutyKind::Claim).then(|| first.about.clone()),
                },
            })
        };
        Ok(same.into_iter().filter_map(line).collect())
    }

    /// The payment orders that wait for somebody, with when they were prepared.
    fn orders_waiting(&self) -> Answer<Vec<(OrderState, Instant)>> {
        let mut orders = self.orders()?;
        orders.retain(|order| {
            matches!(
                order.standing,
                OrderStanding::Prepared | OrderStanding::Approved { .. }
            )
        });
        let with = |order: OrderState| {
            let at = Instant(order.note.made_ms);
            (order, at)
        };
        Ok(orders.into_iter().map(with).collect())
    }

    /// The runs that wait for somebody, with when they last moved.
    fn runs_waiting(&self) -> Answer<Vec<(super::interest::RunState, Instant)>> {
        let waits = |standing: &Standing| {
            matches!(standing, Standing::Prepared | Standing::Approved { .. })
        };
        let runs: Vec<_> = self
            .interest_runs()?
            .into_iter()
            .filter(|run| waits(&run.standing))
            .collect();
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let mut moved = std::collections::BTreeMap::new();
        for decision in self.decisions(&["run-prepared/1", "run-prepared/2", "run-approved/1"])? {
            let number = match &decision.what {
                records::decision::What::RunPrepared(note) => note.number,
                records::decision::What::RunPreparedInParts(closed) => closed.note.number,
                records::decision::What::RunApproved(approved) => approved.number,
                _ => continue,
            };
            moved.insert(number, Instant(decision.at_ms));
        }
        let with = |run: super::interest::RunState| {
            let at = moved.get(&run.note.number).copied().unwrap_or(Instant(0));
            (run, at)
        };
        Ok(runs.into_iter().map(with).collect())
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

fn without_stop(text: &str) -> String {
    text.trim_end_matches('.').to_owned()
}
