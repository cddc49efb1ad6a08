//! What was paid against what is due: a licensee's statement, or what was imported of statements and
//! the bank, held against claims; every difference named, with its age and a letter.
//!
//! A statement is matched by the days of its lines, whatever claim it prints them under. Where claims
//! are frozen they say what is due; other days are worked out from the reads as a claim would be, so
//! that past years can be looked at on the first evening. Days inside a statement that it has no row
//! for are looked at too. Nothing is kept: this looks and names.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    calendar::{Instant, LocalDay, Period},
    income::{ClaimKey, Difference, Due, Found, LineKind, Owed, Paid, Payment, allot, reconcile},
    money::Pence,
    quantity::WattHours,
};
use records::{
    bank::{BankRow, Pays},
    income::ClaimFrozen,
    society::Installation,
};

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    carried::Earlier,
    society::SocietyOffice,
    statement::{FileKind, FileRow, StatementMapping, kind_of},
};

/// A statement's days and the days of reads may differ by so much.
const SAME_DAYS: i32 = 3;
/// Days that a statement has no row for are looked at in pieces of at most so many.
const GAP_DAYS: i32 = 366;
/// A payment that a statement names is on the bank's file within so many days.
const BANK_DAYS: i32 = 14;

/// A statement held against the claims.
#[derive(Clone, Debug)]
pub struct Reconciled {
    /// Every difference.
    pub found: Vec<Differs>,
    /// Claims that were looked at.
    pub claims: usize,
    /// Rows of statements and of the bank.
    pub rows: usize,
    /// What could not be worked out, each with the reason.
    pub unclear: Vec<String>,
    /// True when a claim rests on sample data.
    pub sample: bool,
    /// Today.
    pub today: LocalDay,
}

/// A difference with its society and age.
#[derive(Clone, Debug)]
pub struct Differs {
    /// The society's name.
    pub society: String,
    /// The difference.
    pub found: Found,
    /// Days since it should have been paid.
    pub age_days: i32,
}

/// How old money is that is lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// Not due yet.
    NotDue,
    /// 1 to 30 days.
    Month,
    /// 31 to 60 days.
    TwoMonths,
    /// 61 to 90 days.
    ThreeMonths,
    /// More than 90 days.
    Older,
}

impl Age {
    /// Of so many days.
    #[must_use]
    pub fn of(days: i32) -> Age {
        match days {
            ..=0 => Age::NotDue,
            1..=30 => Age::Month,
            31..=60 => Age::TwoMonths,
            61..=90 => Age::ThreeMonths,
            _ => Age::Older,
        }
    }

    /// For people and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Age::NotDue => "not due",
            Age::Month => "1-30 days",
            Age::TwoMonths => "31-60 days",
            Age::ThreeMonths => "61-90 days",
            Age::Older => "over 90 days",
        }
    }
}

/// What is known of the payments of one installation.
#[derive(Default)]
struct Payments {
    rows: Vec<Paid>,
    whole: Vec<Payment>,
}

impl Office {
    /// Holds a statement against what is due, as of now, or, without one, everything that was
    /// imported; paid within so many days of a claim's last is paid in time.
    ///
    /// # Errors
    /// When the file cannot be read, with the line.
    pub fn reconcile(
        &self,
        society: Option<&str>,
        statement: Option<(&str, &StatementMapping)>,
        within_days: u16,
        now: Instant,
    ) -> Answer<Reconciled> {
        let mut all: BTreeMap<String, (Arc<SocietyOffice>, BTreeMap<String, Payments>)> =
            BTreeMap::new();
        let mut rows = 0;
        match statement {
            Some((text, mapping)) => {
                if mapping.kind != FileKind::Statement {
                    return refuse(
                        "a bank's file has no lines to hold against claims\nhint: import it with `commonwatt bank import`, then run `claim reconcile` without a file",
                    );
                }
                let mut homes: BTreeMap<String, Arc<SocietyOffice>> = BTreeMap::new();
                for FileRow { line, paid, .. } in mapping.rows(text)? {
                    let Some(paid) = paid else { continue };
                    let id = paid.claim.installation.clone();
                    let of = match homes.get(&id) {
                        Some(of) => Arc::clone(of),
                        None => {
                            let found = self.installation(&id, society);
                            let (of, _) = found.map_err(|why| match why {
                                Refusal::Caller(why) => {
                                    Refusal::Caller(format!("line {line} of the file: {why}"))
                                }
                                ours => ours,
                            })?;
                            homes.insert(id.clone(), Arc::clone(&of));
                            of
                        }
                    };
                    rows += 1;
                    let (_, payments) = all
                        .entry(of.slug().to_owned())
                        .or_insert_with(|| (of, BTreeMap::new()));
                    payments.entry(id).or_default().rows.push(paid);
                }
            }
            None => {
                let societies = match society {
                    Some(slug) => vec![self.society(slug)?],
                    None => self.societies(),
                };
                for of in societies {
                    let mut payments: BTreeMap<String, Payments> = BTreeMap::new();
                    for row in of.payments()? {
                        rows += usize::from(row.pays.is_some());
                        known_of(&row, &mut payments)?;
                    }
                    for claim in of.frozen_claims()? {
                        payments.entry(claim.claim.installation).or_default();
                    }
                    all.insert(of.slug().to_owned(), (of, payments));
                }
            }
        }
        let mut made = Reconciled {
            found: Vec::new(),
            claims: 0,
            rows,
            unclear: Vec::new(),
            sample: false,
            today: LocalDay::default(),
        };
        for (of, payments) in all.into_values() {
            made.today = of.known().zone.day_of(now);
            of.hold(payments, statement.is_some(), within_days, now, &mut made)?;
        }
        Ok(made)
    }
}

/// Sorts an imported row to the installation it pays.
fn known_of(row: &BankRow, payments: &mut BTreeMap<String, Payments>) -> Answer<()> {
    let what = "an imported row";
    let on: LocalDay = row.on.parse().or_ours(what)?;
    match &row.pays {
        Some(Pays::Statement {
            installation,
            from,
            to,
            kind,
            wh,
            rate_p_per_kwh,
        }) => payments
            .entry(installation.clone())
            .or_default()
            .rows
            .push(Paid {
                claim: ClaimKey {
                    installation: installation.clone(),
                    from: from.parse().or_ours(what)?,
                    to: to.parse().or_ours(what)?,
                },
                on,
                kind: kind_of(kind)?,
                wh: wh.map(WattHours),
                rate: match rate_p_per_kwh {
                    Some(rate) => Some(rate.parse().or_ours(what)?),
                    None => None,
                },
                pence: Pence(row.pence),
            }),
        Some(Pays::Claims { installation }) => {
            let own = payments.entry(installation.clone()).or_default();
            own.whole.push(Payment {
                on,
                pence: Pence(row.pence),
            });
        }
        Some(Pays::Bill { .. } | Pays::Nothing) | None => {}
    }
    Ok(())
}

impl SocietyOffice {
    /// Holds the payments of its installations against their claims.
    fn hold(
        &self,
        payments: BTreeMap<String, Payments>,
        statement: bool,
        within_days: u16,
        now: Instant,
        made: &mut Reconciled,
    ) -> Answer<()> {
        let known = self.known();
        let frozen = self.frozen_claims()?;
        let beyond = || Refusal::Caller("the amounts are too much to add up".into());
        let mut due: Vec<Due> = Vec::new();
        let mut paid: Vec<Paid> = Vec::new();
        let mut found: Vec<Found> = Vec::new();
        let mut by: BTreeMap<ClaimKey, LocalDay> = BTreeMap::new();
        for (id, payments) in payments {
            let own = known.document.installation.iter().find(|one| one.id == id);
            let Some(installation) = own else { continue };
            let earlier = Earlier::of(&known, installation, &frozen)?;
            let all = statement || payments.whole.is_empty();
            let claims = self.claims_for(
                installation,
                &earlier,
                &payments.rows,
                (!statement).then_some(()),
                now,
                &mut made.unclear,
            )?;
            let mut own_due = Vec::new();
            for claim in &claims.made {
                let lines = due_of(claim, within_days)?;
                if let Some(line) = lines.first() {
                    by.insert(line.claim.clone(), line.by);
                }
                made.claims += 1;
                made.sample |= claim.sample;
                own_due.push(lines);
            }
            // A claim that a statement speaks of is held against its lines; one that only the bank
            // knows of, against its total.
            let mut whole = Vec::new();
            for lines in own_due {
                let Some(first) = lines.first() else { continue };
                let key = first.claim.clone();
                let stated = payments.rows.iter().any(|row| {
                    let from = row.claim.from.max(key.from);
                    row.claim.to.min(key.to).days_since(from) >= SAME_DAYS
                });
                if all || stated {
                    due.extend(lines);
                } else {
                    whole.push(Owed {
                        pence: Pence::total(lines.iter().map(|line| line.pence))
                            .ok_or_else(beyond)?,
                        by: first.by,
                        claim: key,
                        lines,
                    });
                }
            }
            let mut left = payments.whole.clone();
            if !statement {
                found.extend(banked(&payments.rows, &mut left)?);
            }
            found.extend(allot(&id, &whole, &left, made.today).ok_or_else(beyond)?);
            paid.extend(payments.rows.into_iter().filter(|row| {
                // What cannot be worked out is not called wrong.
                !claims
                    .unclear
                    .iter()
                    .any(|(from, to)| *from <= row.claim.to && row.claim.from <= *to)
            }));
        }
        found.extend(reconcile(&due, &paid, made.today).ok_or_else(beyond)?);
        for one in found {
            let due = by.get(&one.claim).copied();
            let due = due.unwrap_or_else(|| one.claim.to.plus(i32::from(within_days)));
            made.found.push(Differs {
                society: known.document.society.name.clone(),
                age_days: made.today.days_since(due),
                found: one,
            });
        }
        Ok(())
    }

    /// The claims that rows of a statement speak of: frozen ones, and others as they would be made,
    /// for the days between the rows too.
    fn claims_for(
        &self,
        installation: &Installation,
        earlier: &[Earlier<'_>],
        rows: &[Paid],
        all: Option<()>,
        now: Instant,
        unclear: &mut Vec<String>,
    ) -> Answer<ClaimsFor> {
        let mut made = ClaimsFor::default();
        let first = rows.iter().map(|row| row.claim.from).min();
        let last = rows.iter().map(|row| row.claim.to).max();
        let hull = first.zip(last);
        let mut spans: Vec<(LocalDay, LocalDay)> = Vec::new();
        for one in earlier {
            let inside = hull.is_some_and(|(first, last)| {
                last.min(one.last).days_since(first.max(one.first)) >= SAME_DAYS
            });
            if inside || all.is_some() {
                made.made.push(one.claim.clone());
            }
            spans.push((one.first, one.last));
        }
        let Some((first, last)) = hull else {
            return Ok(made);
        };
        let uncovered = |from: LocalDay, to: LocalDay, spans: &[(LocalDay, LocalDay)]| {
            let all = to.days_since(from).saturating_add(1);
            let shared: i32 = spans
                .iter()
                .map(|(a, b)| to.min(*b).days_since(from.max(*a)).saturating_add(1).max(0))
                .sum();
            all.saturating_sub(shared)
        };
        // Rows that overlap are of one claim.
        let mut own: Vec<(LocalDay, LocalDay)> = rows
            .iter()
            .map(|row| (row.claim.from, row.claim.to))
            .filter(|(from, to)| {
                let all = to.days_since(*from).saturating_add(1);
                uncovered(*from, *to, &spans).saturating_mul(2) > all
            })
            .collect();
        own.sort_unstable();
        let mut asked: Vec<(LocalDay, LocalDay, bool)> = Vec::new();
        for (from, to) in own {
            match asked.last_mut() {
                Some(before) if before.1.days_since(from) >= SAME_DAYS => {
                    before.1 = before.1.max(to);
                }
                Some(before) if (before.0, before.1) == (from, to) => {}
                _ => asked.push((from, to, true)),
            }
        }
        spans.extend(asked.iter().map(|(from, to, _)| (*from, *to)));
        spans.sort_unstable();
        let mut reached = first;
        for (from, to) in spans.iter().copied().chain([(last.next(), last.next())]) {
            while from.days_since(reached) > SAME_DAYS && reached <= last {
                let until = from.previous().min(reached.plus(GAP_DAYS - 1)).min(last);
                asked.push((reached, until, false));
                reached = until.next();
            }
            reached = reached.max(to.next());
        }
        asked.sort_unstable();
        let mut closed: Option<(LocalDay, Instant)> = None;
        for (from, to, has_rows) in asked {
            let days = Period::Range {
                first: from,
                last: to,
            };
            let opens_at = closed
                .filter(|(day, _)| day.next() == from || *day == from)
                .map(|(_, at)| at);
            match self.make_claim(installation, days, earlier, opens_at, now) {
                Ok(claim) => {
                    closed = Some((to, Instant(claim.closes_at_ms)));
                    made.made.push(claim);
                }
                Err(Refusal::Caller(why)) => {
                    let row = if has_rows {
                        ""
                    } else {
                        ", for which there is no row"
                    };
                    unclear.push(format!("{} {from} to {to}{row}: {why}", installation.id));
                    made.unclear.push((from, to));
                }
                Err(ours) => return Err(ours),
            }
        }
        Ok(made)
    }
}

/// The claims that a statement speaks of, and days that could not be worked out.
#[derive(Default)]
struct ClaimsFor {
    made: Vec<ClaimFrozen>,
    unclear: Vec<(LocalDay, LocalDay)>,
}

/// Its lines, as what is due.
fn due_of(claim: &ClaimFrozen, within_days: u16) -> Answer<Vec<Due>> {
    let what = "a claim";
    let key = ClaimKey {
        installation: claim.installation.clone(),
        from: claim.from.parse().or_ours(what)?,
        to: claim.to.parse().or_ours(what)?,
    };
    let lines = claim.lines.iter().map(|line| {
        let kind = kind_of(&line.kind)?;
        Ok(Due {
            claim: key.clone(),
            from: line.from.parse().or_ours(what)?,
            to: line.to.parse().or_ours(what)?,
            kind: kind.unwrap_or(LineKind::Generation),
            wh: WattHours(line.wh),
            rate: line.rate_p_per_kwh.parse().or_ours(what)?,
            pence: Pence(line.pence),
            by: key.to.plus(i32::from(within_days)),
        })
    });
    lines.collect()
}

/// Payments that a statement names and the bank has not, where the bank's file is there; what the
/// bank has of them is taken out of `left`.
fn banked(rows: &[Paid], left: &mut Vec<Payment>) -> Answer<Vec<Found>> {
    if left.is_empty() {
        return Ok(Vec::new());
    }
    let mut days: BTreeMap<LocalDay, Vec<&Paid>> = BTreeMap::new();
    for row in rows {
        days.entry(row.on).or_default().push(row);
    }
    let mut found = Vec::new();
    for (on, rows) in days {
        let sum = Pence::total(rows.iter().map(|row| match row.kind {
            None => Pence(row.pence.0.saturating_abs().saturating_neg()),
            Some(_) => row.pence,
        }));
        let sum =
            sum.ok_or_else(|| Refusal::Caller("the amounts are too much to add up".into()))?;
        let place = left
            .iter()
            .position(|one| one.pence == sum && one.on.days_since(on).abs() <= BANK_DAYS);
        match place {
            Some(place) => {
                left.remove(place);
            }
            None => {
                let Some(row) = rows.first() else { continue };
                found.push(Found {
                    claim: row.claim.clone(),
                    kind: None,
                    difference: Difference::NotBanked(on),
                    lacking: sum,
                });
            }
        }
    }
    Ok(found)
}

impl Reconciled {
    /// What the societies lack in all.
    #[must_use]
    pub fn lacking(&self) -> Pence {
        let lacking = self.found.iter().map(|one| one.found.lacking);
        Pence::total(lacking.filter(|pence| pence.0 > 0)).unwrap_or_default()
    }

    /// What is lacking by age.
    #[must_use]
    pub fn ages(&self) -> BTreeMap<Age, Pence> {
        let mut ages: BTreeMap<Age, Pence> = BTreeMap::new();
        for one in self.found.iter().filter(|one| one.found.lacking.0 > 0) {
            let sum = ages.entry(Age::of(one.age_days)).or_default();
            *sum = sum.checked_add(one.found.lacking).unwrap_or(*sum);
        }
        ages
    }

    /// A letter to the licensee about what is lacking, drafted, one of each society; empty when
    /// nothing is.
    #[must_use]
    pub fn letter(&self) -> String {
        let mut societies: Vec<&str> = self.found.iter().map(|one| one.society.as_str()).collect();
        societies.sort_unstable();
        societies.dedup();
        let mut text = String::new();
        for society in societies {
            let of = |one: &&Differs| one.society == society && one.found.lacking.0 > 0;
            let wrong: Vec<&Differs> = self.found.iter().filter(of).collect();
            if !wrong.is_empty() {
                if !text.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(&self.letter_of(society, &wrong));
            }
        }
        text
    }

    fn letter_of(&self, society: &str, wrong: &[&Differs]) -> String {
        let sum = Pence::total(wrong.iter().map(|one| one.found.lacking)).unwrap_or_default();
        let mut text = format!(
            "{}{}\n\nDear licensee,\n\nwe have held your payments against the register reads of our meters and the rates of the\nFeed-in Tariff, and find {sum} unpaid:\n\n",
            if self.sample { "SAMPLE\n\n" } else { "" },
            self.today,
        );
        for Differs {
            found, age_days, ..
        } in wrong
        {
            text.push_str(&format!(
                "- {}, {} to {}{}: {}; {} is lacking{}\n",
                found.claim.installation,
                found.claim.from,
                found.claim.to,
                found
                    .kind
                    .map_or_else(String::new, |kind| format!(", {}", kind.word())),
                match found.difference {
                    // What the treasurer is told to ask, asked.
                    Difference::Charge =>
                        "an amount was taken off that our terms do not name; please say by what right"
                            .to_owned(),
                    ref other => other.to_string(),
                },
                found.lacking,
                match age_days {
                    ..=0 => String::new(),
                    days => format!(", due {days} days ago"),
                }
            ));
        }
        text.push_str(&format!(
            "\nThe reads and the working of each line are enclosed. Please pay what is lacking, or tell us\nwhere you see it otherwise. If we cannot agree within eight weeks of this letter we may take\nit to the Ombudsman as a miscalculation.\n\nYours faithfully\n{society}\n"
        ));
        text
    }
}
