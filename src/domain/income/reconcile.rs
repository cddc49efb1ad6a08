//! A licensee's statements against what is due: every difference found and named, none invented.
//!
//! A statement has rows: days, a kind, energy, rate and amount, or a deduction. Each line that is due
//! is held against the rows of its kind and days, and the first name that explains a difference is
//! its name, in the order of [`Difference`]. What was paid to the penny has no name, however the
//! statement cuts its days.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::{CHARGE_LIMIT, LineKind};
use crate::{calendar::LocalDay, money::Pence, quantity::WattHours, tariff::Rate};

/// Statements print whole kWh or tenths; energy this close is the same, Wh.
const SAME_ENERGY_WH: i64 = 1000;
/// A statement's days and the days of reads differ by so much and are the same, days.
const SAME_DAYS: i32 = 3;
/// Slips that are recognised: the point one or two places elsewhere.
const SLIPS: [i64; 2] = [10, 100];
/// Amounts below this are not looked at for a slipped point, £10: a tenth of them is any small sum.
const LEAST_SLIPPED: Pence = Pence(1_000);

/// What claim a due line or a statement's row is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimKey {
    /// The installation.
    pub installation: String,
    /// First day of the claim.
    pub from: LocalDay,
    /// Last day of the claim.
    pub to: LocalDay,
}

/// A line that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Its claim.
    pub claim: ClaimKey,
    /// First day of the line.
    pub from: LocalDay,
    /// Last day of the line.
    pub to: LocalDay,
    /// What for.
    pub kind: LineKind,
    /// Energy.
    pub wh: WattHours,
    /// Rate.
    pub rate: Rate,
    /// Amount.
    pub pence: Pence,
    /// Last day on which it is paid in time.
    pub by: LocalDay,
}

/// A row of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// What it is for, as the statement has it: the days of a claim, of a line or of part of one.
    pub claim: ClaimKey,
    /// When it was paid.
    pub on: LocalDay,
    /// What for; `None` for a deduction.
    pub kind: Option<LineKind>,
    /// Energy, where the statement gives it.
    pub wh: Option<WattHours>,
    /// Rate, where the statement gives it.
    pub rate: Option<Rate>,
    /// Amount; a deduction may be printed either way round.
    pub pence: Pence,
}

/// What is wrong with a payment, in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// Nothing was paid, and the day is past.
    Unpaid,
    /// Paid for days that nothing is due for.
    NotDue,
    /// Paid more than once.
    Double,
    /// The energy is that of a read with its point elsewhere: so many times too large, or, less
    /// than zero, too small.
    Slip(i64),
    /// Another rate.
    WrongRate {
        /// What was paid.
        paid: Rate,
        /// What is due.
        due: Rate,
    },
    /// Another energy, that no slip explains.
    OtherEnergy {
        /// What was paid for.
        paid: WattHours,
    },
    /// A deduction, or few whole pounds less with the same energy and rate.
    Charge,
    /// Less, and nothing explains it.
    Short,
    /// More, and nothing explains it.
    Over,
    /// A statement says that it was paid on that day, and the bank has not got it.
    NotBanked(LocalDay),
    /// Paid so many days too late.
    Late(i32),
}

/// A difference of one line or payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its claim.
    pub claim: ClaimKey,
    /// The line; `None` for a deduction or a whole payment.
    pub kind: Option<LineKind>,
    /// What is wrong.
    pub difference: Difference,
    /// Due less paid: more than zero where the society lacks money.
    pub lacking: Pence,
}

/// Holds statements against what is due, as of a day. `None` when a sum leaves 64 bits.
///
/// Lines and rows are matched by installation, kind and days, whatever claim a statement prints them
/// under: a row of a whole claim beside its lines of two FIT years, a row for each of them, rows of
/// months beside a line of a quarter.
#[must_use]
pub fn reconcile(due: &[Due], paid: &[Paid], today: LocalDay) -> Option<Vec<Found>> {
    let mut held = Held {
        today,
        late: BTreeSet::new(),
        found: Vec::new(),
    };
    let mut kinds: BTreeMap<(&str, LineKind), Both<'_>> = BTreeMap::new();
    for line in due {
        let of = (line.claim.installation.as_str(), line.kind);
        kinds.entry(of).or_default().0.push(line);
    }
    for row in paid {
        let of = row.claim.installation.as_str();
        match row.kind {
            Some(kind) => kinds.entry((of, kind)).or_default().1.push(row),
            None => {
                let claim = claim_of(row, due).unwrap_or(&row.claim);
                held.say(
                    claim,
                    None,
                    Difference::Charge,
                    Pence(row.pence.0.checked_abs()?),
                );
            }
        }
    }
    for (lines, rows) in kinds.into_values() {
        held.kind(lines, rows)?;
    }
    let mut found = held.found;
    found.sort_by(|a, b| (&a.claim, a.kind, &a.difference).cmp(&(&b.claim, b.kind, &b.difference)));
    Some(found)
}

/// Lines and rows of one installation and kind.
type Both<'a> = (Vec<&'a Due>, Vec<&'a Paid>);

/// The claim of which most days are a row's.
fn claim_of<'d>(row: &Paid, due: &'d [Due]) -> Option<&'d ClaimKey> {
    let same = due
        .iter()
        .filter(|line| line.claim.installation == row.claim.installation);
    let shared = |line: &&Due| row.claim.shared(line.claim.from, line.claim.to);
    let nearest = same.filter(|line| shared(line) > 0).max_by_key(shared)?;
    Some(&nearest.claim)
}

/// Statements while they are held against lines.
struct Held {
    today: LocalDay,
    late: BTreeSet<ClaimKey>,
    found: Vec<Found>,
}

impl Held {
    fn say(
        &mut self,
        claim: &ClaimKey,
        kind: Option<LineKind>,
        difference: Difference,
        lacking: Pence,
    ) {
        self.found.push(Found {
            claim: claim.clone(),
            kind,
            difference,
            lacking,
        });
    }

    /// Holds the rows of one installation and kind against its lines.
    fn kind(&mut self, mut lines: Vec<&Due>, rows: Vec<&Paid>) -> Option<()> {
        lines.sort_by_key(|line| (line.from, line.to, line.pence));
        let all = lines.clone();
        let mut spans: BTreeMap<(i32, ClaimKey), Vec<&Paid>> = BTreeMap::new();
        for row in rows {
            let similar = spans
                .keys()
                .find(|(_, span)| span.is_about(&row.claim))
                .cloned();
            let days = row.claim.to.days_since(row.claim.from);
            let span = similar.unwrap_or_else(|| (days, row.claim.clone()));
            spans.entry(span).or_default().push(row);
        }
        self.parts(&mut lines, &mut spans)?;
        // The shorter spans first: what they are for is clearer.
        for ((_, span), mut free) in spans {
            let (inside, outside) = lines.into_iter().partition(|line| span.holds(line));
            lines = outside;
            let inside: Vec<&Due> = inside;
            let sum = Pence::total(inside.iter().map(|line| line.pence))?;
            let exact = sum == Pence::total(free.iter().map(|row| row.pence))?;
            // Fewer rows than lines: some lines paid and others not, or several in one row.
            let each = free.iter().all(|row| {
                let fits = |line: &&Due| {
                    line.pence == row.pence
                        || (row.rate == Some(line.rate)
                            && row.wh.is_some_and(|wh| same_energy(wh, line.wh)))
                };
                inside.iter().any(fits)
            });
            let together = exact || (free.len() < inside.len() && !each);
            if !inside.is_empty() && together {
                self.one(&Due::together(&inside)?, &Paid::together(&free)?)?;
                continue;
            }
            for (line, row) in nearest(&inside, &mut free) {
                match row {
                    Some(row) => self.one(&Line::of(line), row)?,
                    None => lines.push(line),
                }
            }
            for row in free {
                let again = all.iter().any(|line| {
                    line.pence == row.pence && row.claim.shared(line.from, line.to) > 0
                });
                let claim = all
                    .iter()
                    .filter(|line| row.claim.shared(line.from, line.to) > 0)
                    .max_by_key(|line| {
                        (
                            line.pence == row.pence,
                            row.claim.shared(line.from, line.to),
                        )
                    })
                    .map_or(&row.claim, |line| &line.claim);
                let difference = match again {
                    true => Difference::Double,
                    false => Difference::NotDue,
                };
                self.say(
                    claim,
                    row.kind,
                    difference,
                    Pence::ZERO.checked_sub(row.pence)?,
                );
            }
        }
        for line in lines {
            if self.today > line.by {
                self.say(&line.claim, Some(line.kind), Difference::Unpaid, line.pence);
            }
        }
        Some(())
    }

    /// Lines that several rows of different days pay together.
    fn parts<'p>(
        &mut self,
        lines: &mut Vec<&Due>,
        spans: &mut BTreeMap<(i32, ClaimKey), Vec<&'p Paid>>,
    ) -> Option<()> {
        let mut left = Vec::with_capacity(lines.len());
        for line in lines.drain(..) {
            let days = |span: &ClaimKey| span.to.days_since(span.from).saturating_add(1);
            let own = ClaimKey {
                installation: line.claim.installation.clone(),
                from: line.from,
                to: line.to,
            };
            let inside: Vec<(i32, ClaimKey)> = spans
                .keys()
                .filter(|(_, span)| {
                    !span.is_about(&own)
                        && days(span) < days(&own)
                        && span.shared(line.from, line.to).saturating_mul(2) > days(span)
                })
                .cloned()
                .collect();
            let apart = inside.iter().enumerate().all(|(n, (_, one))| {
                let others = inside.iter().skip(n.saturating_add(1));
                others
                    .clone()
                    .all(|(_, other)| one.shared(other.from, other.to) <= SAME_DAYS)
            });
            let whole = spans
                .keys()
                .any(|(_, span)| span.holds(line) && !inside.iter().any(|(_, part)| part == span));
            if inside.is_empty() || !apart || (inside.len() == 1 && whole) {
                left.push(line);
                continue;
            }
            let mut parts: Vec<&'p Paid> = Vec::with_capacity(inside.len());
            for span in inside {
                if let Some(rows) = spans.get_mut(&span) {
                    parts.push(rows.remove(0));
                    if rows.is_empty() {
                        spans.remove(&span);
                    }
                }
            }
            self.one(&Line::of(line), &Paid::together(&parts)?)?;
        }
        *lines = left;
        Some(())
    }

    /// One row beside what it pays.
    fn one(&mut self, line: &Line<'_>, row: &Paid) -> Option<()> {
        let lacking = line.pence.checked_sub(row.pence)?;
        if let Some(difference) = named(line, row, lacking) {
            self.say(line.claim, row.kind, difference, lacking);
        }
        if row.on > line.by && self.late.insert(line.claim.clone()) {
            let days = row.on.days_since(line.by);
            self.say(line.claim, None, Difference::Late(days), Pence::ZERO);
        }
        Some(())
    }
}

/// What one row pays: a line, or several of different rates.
struct Line<'d> {
    claim: &'d ClaimKey,
    wh: WattHours,
    /// One rate, or each of several.
    rates: Vec<Rate>,
    pence: Pence,
    by: LocalDay,
}

impl Line<'_> {
    fn of(line: &Due) -> Line<'_> {
        Line {
            claim: &line.claim,
            wh: line.wh,
            rates: vec![line.rate],
            pence: line.pence,
            by: line.by,
        }
    }
}

impl Due {
    /// Several lines as one; `None` when there are none or a sum leaves 64 bits.
    fn together<'d>(lines: &[&'d Due]) -> Option<Line<'d>> {
        let (first, last) = (lines.first()?, lines.last()?);
        let mut rates: Vec<Rate> = lines.iter().map(|line| line.rate).collect();
        rates.dedup();
        Some(Line {
            claim: &first.claim,
            wh: lines
                .iter()
                .try_fold(WattHours::ZERO, |sum, line| sum.checked_add(line.wh))?,
            rates,
            pence: Pence::total(lines.iter().map(|line| line.pence))?,
            by: last.by.max(first.by),
        })
    }
}

impl Paid {
    /// Several rows as one; `None` when there are none or a sum leaves 64 bits.
    fn together(rows: &[&Paid]) -> Option<Paid> {
        let first = rows.first()?;
        let one_rate = rows.iter().all(|row| row.rate == first.rate);
        let wh = rows.iter().try_fold(WattHours::ZERO, |sum, row| {
            row.wh.and_then(|wh| sum.checked_add(wh))
        });
        Some(Paid {
            claim: first.claim.clone(),
            on: rows.iter().map(|row| row.on).max()?,
            kind: first.kind,
            wh,
            rate: first.rate.filter(|_| one_rate),
            pence: Pence::total(rows.iter().map(|row| row.pence))?,
        })
    }
}

impl ClaimKey {
    /// Days of it that lie between two days, both inside.
    fn shared(&self, from: LocalDay, to: LocalDay) -> i32 {
        let days = self.to.min(to).days_since(self.from.max(from));
        days.saturating_add(1).max(0)
    }

    /// Whether two are of the same days, give or take those of a read.
    fn is_about(&self, other: &ClaimKey) -> bool {
        self.from.days_since(other.from).abs() <= SAME_DAYS
            && self.to.days_since(other.to).abs() <= SAME_DAYS
    }

    /// Whether most days of a line are its own.
    fn holds(&self, line: &Due) -> bool {
        let all = line.to.days_since(line.from).saturating_add(1);
        self.shared(line.from, line.to).saturating_mul(2) > all
    }
}

/// Whether a row may be a line's.
type Fits<'f> = &'f dyn Fn(&Due, &Paid) -> bool;

/// The row of each line: those of the same amount first, then of the same rate, of the same energy,
/// and of what is left the first. Rows that are taken leave `free`.
fn nearest<'d, 'p>(
    lines: &[&'d Due],
    free: &mut Vec<&'p Paid>,
) -> Vec<(&'d Due, Option<&'p Paid>)> {
    let fits: [Fits<'_>; 4] = [
        &|line, row| row.pence == line.pence,
        &|line, row| row.rate == Some(line.rate),
        &|line, row| row.wh.is_some_and(|wh| same_energy(wh, line.wh)),
        &|_, _| true,
    ];
    let mut pairs: Vec<(&Due, Option<&Paid>)> = lines.iter().map(|line| (*line, None)).collect();
    for fit in fits {
        for (line, taken) in pairs.iter_mut().filter(|(_, taken)| taken.is_none()) {
            let place = free.iter().position(|row| fit(line, row));
            *taken = place.map(|place| free.remove(place));
        }
    }
    pairs
}

fn named(line: &Line<'_>, row: &Paid, lacking: Pence) -> Option<Difference> {
    if lacking == Pence::ZERO {
        return None;
    }
    if let Some(wh) = row.wh.filter(|wh| !same_energy(*wh, line.wh)) {
        let slip = SLIPS.into_iter().find_map(|by| {
            let larger = wh.0.checked_div(by)?;
            let smaller = wh.0.checked_mul(by)?;
            // A fraction that was lost before the slip is worth up to `by` kWh after it.
            let slack = SAME_ENERGY_WH.checked_mul(by)?;
            if same_energy(WattHours(larger), line.wh) {
                Some(by)
            } else if smaller.checked_sub(line.wh.0)?.abs() <= slack {
                by.checked_neg()
            } else {
                None
            }
        });
        return Some(slip.map_or(Difference::OtherEnergy { paid: wh }, Difference::Slip));
    }
    if let Some(paid) = row.rate
        && let Some(due) = line.rates.iter().find(|rate| **rate != paid)
    {
        return Some(Difference::WrongRate { paid, due: *due });
    }
    if let Some(by) = slipped_amount(line.pence, row.pence) {
        return Some(Difference::Slip(by));
    }
    match lacking.0 {
        1.. if lacking <= CHARGE_LIMIT && lacking.0 % 100 == 0 => Some(Difference::Charge),
        1.. => Some(Difference::Short),
        _ if row.pence.0 == line.pence.0.saturating_mul(2) => Some(Difference::Double),
        _ => Some(Difference::Over),
    }
}

/// An amount with its point elsewhere, to the penny: the same figures one or two places on.
pub(super) fn slipped_amount(due: Pence, paid: Pence) -> Option<i64> {
    if due < LEAST_SLIPPED {
        return None;
    }
    SLIPS.into_iter().find_map(|by| {
        let cut = due.0.checked_div(by)?;
        let rest = due.0.checked_rem(by)?.checked_mul(2)?;
        let rounded = cut.checked_add(i64::from(rest >= by))?;
        if paid.0 == cut || paid.0 == rounded {
            return by.checked_neg();
        }
        (paid.0 == due.0.checked_mul(by)?).then_some(by)
    })
}

fn same_energy(a: WattHours, b: WattHours) -> bool {
    a.0.saturating_sub(b.0).saturating_abs() <= SAME_ENERGY_WH
}

impl Difference {
    /// The word used in JSON and in files.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Difference::Unpaid => "unpaid",
            Difference::NotDue => "not-due",
            Difference::Double => "double",
            Difference::Slip(_) => "slip",
            Difference::WrongRate { .. } => "wrong-rate",
            Difference::OtherEnergy { .. } => "other-energy",
            Difference::Charge => "charge",
            Difference::Short => "short",
            Difference::Over => "over",
            Difference::NotBanked(_) => "not-banked",
            Difference::Late(_) => "late",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Unpaid => f.write_str("nothing was paid"),
            Difference::NotDue => f.write_str("paid, and nothing is due for it"),
            Difference::Double => f.write_str("paid more than once"),
            Difference::Slip(by) if *by > 0 => {
                write!(f, "paid {by} times over: a decimal point slipped")
            }
            Difference::Slip(by) => write!(
                f,
                "paid a {}th of it: a decimal point slipped",
                by.saturating_abs()
            ),
            Difference::WrongRate { paid, due } => {
                write!(f, "paid at {paid} p/kWh, due at {due} p/kWh")
            }
            Difference::OtherEnergy { paid } => write!(f, "paid for {}", paid.kwh_words()),
            Difference::Charge => {
                f.write_str("a possible charge was taken off; ask the licensee by what right")
            }
            Difference::Short => f.write_str("short, for the same energy and rate"),
            Difference::Over => f.write_str("more than is due, for the same energy and rate"),
            Difference::NotBanked(on) => {
                write!(f, "said to be paid on {on}, and not on the bank's file")
            }
            Difference::Late(days) => write!(f, "paid {days} days late"),
        }
    }
}
