//! A licensee's statements against what is due: every difference found and named, none invented.
//!
//! A statement has rows: a claim's days, a kind, energy, rate and amount, or a deduction. Rows of one
//! claim paid on one day are one payment. Each line that is due is held against the row of its kind,
//! and the first name that explains a difference is its name, in the order of [`Difference`].

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use super::{CHARGE_LIMIT, LineKind};
use crate::{calendar::LocalDay, money::Pence, quantity::WattHours, tariff::Rate};

/// Statements print whole kWh or tenths; energy this close is the same, Wh.
const SAME_ENERGY_WH: i64 = 1000;
/// Slips that are recognised: the point one or two places elsewhere.
const SLIPS: [i64; 2] = [10, 100];

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
    /// The claim it is for.
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
#[must_use]
pub fn reconcile(due: &[Due], paid: &[Paid], today: LocalDay) -> Option<Vec<Found>> {
    let mut found = Vec::new();
    let mut rows: BTreeMap<(&ClaimKey, Option<LineKind>), Vec<&Paid>> = BTreeMap::new();
    for row in paid {
        rows.entry((&row.claim, row.kind)).or_default().push(row);
    }
    // A claim may have a line of one kind in each FIT year: they are told apart by the rate.
    let mut lines: BTreeMap<(&ClaimKey, LineKind), Vec<&Due>> = BTreeMap::new();
    for line in due {
        lines
            .entry((&line.claim, line.kind))
            .or_default()
            .push(line);
    }
    let mut late = BTreeSet::new();
    for ((claim, kind), lines) in &lines {
        let paid = rows.remove(&(*claim, Some(*kind))).unwrap_or_default();
        let mut free: Vec<&Paid> = paid;
        for line in lines {
            let Some(row) = take_nearest(line, &mut free) else {
                if today > line.by {
                    found.push(one(claim, Some(*kind), Difference::Unpaid, line.pence));
                }
                continue;
            };
            let lacking = line.pence.checked_sub(row.pence)?;
            if let Some(difference) = named(line, row, lacking) {
                found.push(one(claim, Some(*kind), difference, lacking));
            }
            if row.on > line.by && late.insert(*claim) {
                let days = row.on.days_since(line.by);
                found.push(one(claim, None, Difference::Late(days), Pence::ZERO));
            }
        }
        for row in free {
            let again = lines.iter().any(|line| line.pence == row.pence);
            let difference = if again {
                Difference::Double
            } else {
                Difference::NotDue
            };
            let over = Pence::ZERO.checked_sub(row.pence)?;
            found.push(one(claim, Some(*kind), difference, over));
        }
    }
    for ((claim, kind), rows) in rows {
        for row in rows {
            let (difference, lacking) = match kind {
                None => (Difference::Charge, Pence(row.pence.0.checked_abs()?)),
                Some(_) => (Difference::NotDue, Pence::ZERO.checked_sub(row.pence)?),
            };
            found.push(one(claim, kind, difference, lacking));
        }
    }
    found.sort_by(|a, b| (&a.claim, a.kind, &a.difference).cmp(&(&b.claim, b.kind, &b.difference)));
    Some(found)
}

/// Takes the row that fits a line best: the same amount, else the same rate, else the same energy,
/// else the first.
fn take_nearest<'p>(line: &Due, free: &mut Vec<&'p Paid>) -> Option<&'p Paid> {
    let fits: [&dyn Fn(&Paid) -> bool; 4] = [
        &|row| row.pence == line.pence,
        &|row| row.rate == Some(line.rate),
        &|row| row.wh.is_some_and(|wh| same_energy(wh, line.wh)),
        &|_| true,
    ];
    let place = fits
        .into_iter()
        .find_map(|fit| free.iter().position(|row| fit(row)))?;
    Some(free.remove(place))
}

fn named(line: &Due, row: &Paid, lacking: Pence) -> Option<Difference> {
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
    if let Some(paid) = row.rate.filter(|rate| *rate != line.rate) {
        return Some(Difference::WrongRate {
            paid,
            due: line.rate,
        });
    }
    match lacking.0 {
        0 => None,
        1.. if lacking <= CHARGE_LIMIT && lacking.0 % 100 == 0 => Some(Difference::Charge),
        1.. => Some(Difference::Short),
        _ if row.pence.0 == line.pence.0.saturating_mul(2) => Some(Difference::Double),
        _ => Some(Difference::Over),
    }
}

fn same_energy(a: WattHours, b: WattHours) -> bool {
    a.0.saturating_sub(b.0).saturating_abs() <= SAME_ENERGY_WH
}

fn one(claim: &ClaimKey, kind: Option<LineKind>, difference: Difference, lacking: Pence) -> Found {
    Found {
        claim: claim.clone(),
        kind,
        difference,
        lacking,
    }
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
                write!(
                    f,
                    "paid for {by} times the energy: the point of a read slipped"
                )
            }
            Difference::Slip(by) => write!(
                f,
                "paid for a {}th of the energy: the point of a read slipped",
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
            Difference::Late(days) => write!(f, "paid {days} days late"),
        }
    }
}
