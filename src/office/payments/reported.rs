//! What the bank says became of payments, cheques that were cashed or not, interest nobody claims.

use std::collections::BTreeMap;

use domain::{
    accounts::Role,
    calendar::{Instant, LocalDay},
    money::Pence,
    payment::Fate,
};
use records::{
    decision::What,
    payments::{InterestForfeited, OrderLine, OrderReported, ReportedRow},
};

use super::{OrderStanding, OrderState, terms};
use crate::{
    accounts::posting,
    answer::{Answer, OrCaller, OrOurs, refuse},
    society::SocietyOffice,
};

/// Most rows of a bank's report.
const MAX_ROWS: usize = 100_000;
/// Rows of a report that are taken in as one group of the journal, with their entries in the books.
const ROWS_AT_ONCE: usize = 2_000;

/// A row of a bank's report, or an officer's word about one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its line in the file; 0 for an officer's word.
    pub line: u64,
    /// The payment's reference, or the member's number behind `#`.
    pub reference: String,
    /// True when it was paid or cashed, false when it came back.
    pub paid: bool,
    /// The day; today where none is given.
    pub on: Option<LocalDay>,
    /// The amount, where the file has it.
    pub pence: Option<Pence>,
    /// Why it came back.
    pub reason: String,
}

/// What is to be forfeited.
#[derive(Clone, Copy, Debug)]
pub struct ForfeitOf {
    /// The run.
    pub run: u32,
    /// The member.
    pub member: u32,
}

/// Reads a bank's report: columns `reference` and `outcome`, and where there are, `date`, `amount`
/// (pounds) and `reason`.
///
/// # Errors
/// With the line that cannot be read.
pub fn rows_of_csv(text: &str) -> Answer<Vec<Row>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().or_caller()?.clone();
    let place = |name: &str| {
        head.iter()
            .position(|title| title.eq_ignore_ascii_case(name))
    };
    let (Some(reference), Some(outcome)) = (place("reference"), place("outcome")) else {
        return refuse(
            "the report has no columns `reference` and `outcome`\nhint: name them so in its first line; `date`, `amount` and `reason` are read where they are there",
        );
    };
    let (date, amount, reason) = (place("date"), place("amount"), place("reason"));
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.or_caller()?;
        let line = row.position().map_or(0, csv::Position::line);
        let cell =
            |place: Option<usize>| place.and_then(|place| row.get(place)).unwrap_or_default();
        let at = |why: String| refuse(format!("line {line} of the report: {why}"));
        let paid = match cell(Some(outcome)).to_lowercase().as_str() {
            "paid" | "cashed" | "settled" | "accepted" => true,
            "returned" | "rejected" | "unpaid" | "failed" | "not cashed" => false,
            other => return at(format!("outcome `{other}`; expected paid or returned")),
        };
        let on = match cell(date) {
            "" => None,
            text => match text.parse() {
                Ok(day) => Some(day),
                Err(why) => return at(format!("{why}")),
            },
        };
        let pence = match cell(amount) {
            "" => None,
            text => match text.parse() {
                Ok(pence) => Some(pence),
                Err(why) => return at(format!("{why}")),
            },
        };
        if rows.len() >= MAX_ROWS {
            return refuse(format!(
                "the report has more than {MAX_ROWS} rows; split it"
            ));
        }
        rows.push(Row {
            line,
            reference: cell(Some(reference)).to_owned(),
            paid,
            on,
            pence,
            reason: cell(reason).to_owned(),
        });
    }
    Ok(rows)
}

impl SocietyOffice {
    /// Takes in what became of an order's payments; what is known already changes nothing. Gives the
    /// rows that were new.
    ///
    /// # Errors
    /// With the first row that names no payment of the order, differs from it, or contradicts what is
    /// known; nothing is taken then.
    pub fn report_payments(
        &self,
        number: u32,
        rows: &[Row],
        source: &str,
        by: &str,
        now: Instant,
    ) -> Answer<Vec<ReportedRow>> {
        let _one_at_a_time = posting();
        let state = self.order(number)?;
        if !matches!(state.standing, OrderStanding::Released { .. }) {
            return refuse(format!(
                "order {number} is {}; expected a released one",
                state.standing.word()
            ));
        }
        let today = self.today(now);
        let mut ledger = self.ledger()?;
        let mut fates = state.fates.clone();
        let payments = by_reference(&state);
        let mut new: Vec<(ReportedRow, Option<What>)> = Vec::new();
        for row in rows {
            let line = line_of(&state, &payments, row)?;
            let on = row.on.unwrap_or(today);
            let sent: LocalDay = state.note.on.parse().or_ours("the day of an order")?;
            let at = format!("payment {}", line.reference);
            if on > today || on < sent {
                return refuse(format!(
                    "{at}: `{on}`; expected a day from {sent} to today, {today}"
                ));
            }
            if row.pence.is_some_and(|pence| pence.0 != line.pence) {
                return refuse(format!(
                    "{at} was {}, and the report says {}",
                    Pence(line.pence),
                    row.pence.unwrap_or_default()
                ));
            }
            let before = fates.get(&line.member).map(|(fate, _)| fate.clone());
            match (&before, row.paid) {
                (Some(Fate::Paid(_)), true) | (Some(Fate::Returned(_)), false) => continue,
                (Some(Fate::Returned(_)), true) => {
                    return refuse(format!(
                        "{at} came back before and is owed again; it cannot be paid any more\nhint: a new order pays it"
                    ));
                }
                _ => {}
            }
            if !row.paid && row.reason.trim().is_empty() {
                return refuse(format!(
                    "{at}: why did it come back?\nhint: a column `reason`, or --reason"
                ));
            }
            let booked = line.way == "bank" || before.is_some();
            let entry = match booked == row.paid {
                true => None,
                false => self.entry_of_report(&mut ledger, &state.note, line, row.paid, on)?,
            };
            let fate = match row.paid {
                true => Fate::Paid(on),
                false => Fate::Returned(on),
            };
            fates.insert(line.member, (fate, row.reason.clone()));
            let told = ReportedRow {
                member: line.member,
                outcome: if row.paid { "paid" } else { "returned" }.to_owned(),
                on: on.to_string(),
                reason: match row.paid {
                    true => String::new(),
                    false => row.reason.clone(),
                },
            };
            new.push((told, entry));
        }
        // Rows go with their entries, and a long report in several groups: what is known changes
        // nothing, so that the same report finishes what a machine that stopped left undone.
        for part in new.chunks(ROWS_AT_ONCE) {
            let mut decisions = vec![What::OrderReported(OrderReported {
                order: number,
                source: source.to_owned(),
                rows: part.iter().map(|(row, _)| row.clone()).collect(),
            })];
            decisions.extend(part.iter().filter_map(|(_, entry)| entry.clone()));
            self.decide_all(decisions, by, now)?;
        }
        Ok(new.into_iter().map(|(row, _)| row).collect())
    }

    /// Lets interest that nobody claimed fall to the society, by the rule its file names.
    ///
    /// # Errors
    /// When the file names no rule, its years are not over, or nothing is open.
    pub fn forfeit(&self, of: ForfeitOf, by: &str, now: Instant) -> Answer<InterestForfeited> {
        let _one_at_a_time = posting();
        let known = self.known();
        let Some(rule) = terms::of(&known.document)?.forfeit else {
            return refuse(
                "no rule of the society lets interest fall to it; what is unclaimed stays owed\nhint: name the rule under [payments]: forfeit_after_years, forfeit_rule, forfeit_to",
            );
        };
        let run = self.interest_run(of.run)?;
        let owed = self.owed_of(&run.note)?;
        let open = owed.get(&of.member).map(domain::payment::Owed::open_total);
        let Some(open) = open.filter(|open| open.0 > 0) else {
            return refuse(format!(
                "run {} owes member {} nothing that is open",
                of.run, of.member
            ));
        };
        let to: LocalDay = run.note.to.parse().or_ours("the days of a run")?;
        let years = to.year().saturating_add(i32::from(rule.after_years));
        let from = LocalDay::of_date(years, to.month(), to.day()).unwrap_or(to.plus(1).previous());
        let today = self.today(now);
        if today <= from {
            return refuse(format!(
                "{} lets it fall to the society {} years after {to}; expected a day after {from}",
                rule.rule, rule.after_years
            ));
        }
        let forfeited = InterestForfeited {
            run: of.run,
            member: of.member,
            pence: open.0,
            on: today.to_string(),
            rule: rule.rule.clone(),
            to: if rule.to_fund { "fund" } else { "reserve" }.to_owned(),
        };
        let role = if rule.to_fund {
            Role::Fund
        } else {
            Role::Reserve
        };
        let entry = self.entry_of_forfeit(of.run, of.member, open.0, role, today, &rule.rule)?;
        let mut decisions = vec![What::InterestForfeited(forfeited.clone())];
        decisions.extend(entry);
        self.decide_all(decisions, by, now)?;
        Ok(forfeited)
    }
}

/// The payments of an order that move money, by reference and by member.
fn by_reference(state: &OrderState) -> BTreeMap<String, &OrderLine> {
    let lines = state.note.lines.iter();
    let money = lines.filter(|line| matches!(line.way.as_str(), "bank" | "cheque"));
    money
        .flat_map(|line| {
            let keys = [line.reference.to_lowercase(), format!("#{}", line.member)];
            keys.map(|key| (key, line))
        })
        .collect()
}

/// The payment a row speaks of.
fn line_of<'a>(
    state: &OrderState,
    payments: &BTreeMap<String, &'a OrderLine>,
    row: &Row,
) -> Answer<&'a OrderLine> {
    let Some(line) = payments.get(&row.reference.trim().to_lowercase()) else {
        let at = match row.line {
            0 => String::new(),
            line => format!("line {line} of the report: "),
        };
        return refuse(format!(
            "{at}`{}` is no payment of order {}\nhint: `commonwatt payments show --order {}` lists them",
            row.reference, state.note.order, state.note.order
        ));
    };
    Ok(line)
}
