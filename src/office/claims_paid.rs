//! A licensee's statement against the claims: what is late, short, double, slipped or taken off.
//!
//! The statement is a CSV file, a row a line: `installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,
//! pounds`; `kind` is `generation`, `export-deemed`, `export-metered` or `deduction`; `kwh` and
//! `rate_p_per_kwh` may be empty. The days of a claim need not be frozen: what is due is worked out
//! from old reads alone, so that past years can be looked at on the first evening. Frozen claims that
//! the statement lacks are held against it too. Nothing is kept: this looks and names.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    calendar::{Instant, LocalDay, Period},
    income::{ClaimKey, Due, Found, LineKind, Paid, reconcile},
    money::Pence,
    quantity::WattHours,
    tariff::Rate,
};
use records::income::ClaimFrozen;

use super::{
    Office,
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    society::SocietyOffice,
};

/// The columns of a statement.
const COLUMNS: [&str; 8] = [
    "installation",
    "from",
    "to",
    "paid_on",
    "kind",
    "kwh",
    "rate_p_per_kwh",
    "pounds",
];
/// Most rows of one statement.
const MAX_ROWS: usize = 10_000;

/// A statement held against the claims.
#[derive(Clone, Debug)]
pub struct Reconciled {
    /// Every difference.
    pub found: Vec<Found>,
    /// Claims that were looked at.
    pub claims: usize,
    /// Rows of the statement.
    pub rows: usize,
    /// Claims of the statement that could not be worked out, each with the reason.
    pub unclear: Vec<String>,
    /// True when a claim rests on sample data.
    pub sample: bool,
}

impl Office {
    /// Holds a statement against what is due, as of now; paid within so many days of a claim's last
    /// is paid in time.
    ///
    /// # Errors
    /// When the file cannot be read, with the line.
    pub fn reconcile(
        &self,
        society: Option<&str>,
        statement: &str,
        within_days: u16,
        now: Instant,
    ) -> Answer<Reconciled> {
        let paid = rows_of(statement)?;
        let mut societies: BTreeMap<String, Arc<SocietyOffice>> = BTreeMap::new();
        let mut claims: BTreeMap<ClaimKey, ClaimFrozen> = BTreeMap::new();
        let mut unclear: Vec<String> = Vec::new();
        let mut asked: Vec<&ClaimKey> = paid.iter().map(|row| &row.claim).collect();
        asked.sort();
        asked.dedup();
        for key in asked {
            let (of, installation) = self.installation(&key.installation, society)?;
            let days = Period::Range {
                first: key.from,
                last: key.to,
            };
            match of.preview_claim(&installation, days, now) {
                Ok(made) => {
                    claims.insert(key.clone(), made.claim);
                }
                Err(Refusal::Caller(why)) => unclear.push(format!(
                    "{} {} to {}: {why}",
                    key.installation, key.from, key.to
                )),
                Err(ours) => return Err(ours),
            }
            societies.insert(of.slug().to_owned(), of);
        }
        for of in societies.values() {
            for claim in of.frozen_claims()? {
                let key = ClaimKey {
                    installation: claim.installation.clone(),
                    from: claim.from.parse().or_ours("a frozen claim")?,
                    to: claim.to.parse().or_ours("a frozen claim")?,
                };
                claims.entry(key).or_insert(claim);
            }
        }
        let today = societies
            .values()
            .next()
            .map_or(LocalDay::default(), |of| of.known().zone.day_of(now));
        let mut due = Vec::new();
        for (key, claim) in &claims {
            for line in &claim.lines {
                due.push(Due {
                    claim: key.clone(),
                    kind: kind_of(&line.kind).ok_or_else(|| {
                        Refusal::Ours(format!("a claim has a line of `{}`", line.kind))
                    })?,
                    wh: WattHours(line.wh),
                    rate: line.rate_p_per_kwh.parse().or_ours("a claim's rate")?,
                    pence: Pence(line.pence),
                    by: key.to.plus(i32::from(within_days)),
                });
            }
        }
        // What cannot be worked out is not called wrong.
        let known: Vec<Paid> = paid
            .iter()
            .filter(|row| claims.contains_key(&row.claim))
            .cloned()
            .collect();
        let found = reconcile(&due, &known, today)
            .ok_or_else(|| Refusal::Caller("the amounts are too much to add up".into()))?;
        Ok(Reconciled {
            found,
            claims: claims.len(),
            rows: paid.len(),
            unclear,
            sample: claims.values().any(|claim| claim.sample),
        })
    }
}

impl Reconciled {
    /// What the society lacks in all.
    #[must_use]
    pub fn lacking(&self) -> Pence {
        let lacking = self.found.iter().map(|one| one.lacking);
        Pence::total(lacking.filter(|pence| pence.0 > 0)).unwrap_or_default()
    }

    /// A letter to the licensee about what is lacking, drafted; empty when nothing is.
    #[must_use]
    pub fn letter(&self) -> String {
        let wrong: Vec<&Found> = self.found.iter().filter(|one| one.lacking.0 > 0).collect();
        if wrong.is_empty() {
            return String::new();
        }
        let mut text = format!(
            "{}Dear licensee,\n\nwe have held your statement against the register reads of our meters and the published\nFeed-in Tariff rates, and find {} unpaid:\n\n",
            if self.sample { "SAMPLE\n\n" } else { "" },
            self.lacking()
        );
        for one in wrong {
            text.push_str(&format!(
                "- {}, {} to {}{}: {}; {} is lacking\n",
                one.claim.installation,
                one.claim.from,
                one.claim.to,
                one.kind
                    .map_or_else(String::new, |kind| format!(", {}", kind.word())),
                one.difference,
                one.lacking
            ));
        }
        text.push_str(
            "\nThe reads and the working of each line are enclosed. Please pay what is lacking, or tell us\nwhere you see it otherwise. If we cannot agree within eight weeks of this letter we may take\nit to the Ombudsman as a miscalculation.\n",
        );
        text
    }
}

fn rows_of(statement: &str) -> Answer<Vec<Paid>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(statement.as_bytes());
    let head: Vec<String> = reader
        .headers()
        .or_caller()?
        .iter()
        .map(str::to_owned)
        .collect();
    if head != COLUMNS {
        return refuse(format!(
            "the statement has the columns `{}`; expected `{}`",
            head.join(","),
            COLUMNS.join(",")
        ));
    }
    let mut paid = Vec::new();
    for (n, record) in (2..).zip(reader.records()) {
        let record = record.or_caller()?;
        if paid.len() == MAX_ROWS {
            return refuse(format!(
                "the statement has more than {MAX_ROWS} rows; expected at most that"
            ));
        }
        let row = row_of(&record).map_err(|why| match why {
            Refusal::Caller(why) => Refusal::Caller(format!("line {n} of the statement: {why}")),
            ours => ours,
        })?;
        paid.push(row);
    }
    Ok(paid)
}

fn row_of(record: &csv::StringRecord) -> Answer<Paid> {
    let cell = |n: usize| record.get(n).unwrap_or_default();
    let day = |n: usize| cell(n).parse::<LocalDay>().or_caller();
    let kind = match cell(4) {
        "deduction" => None,
        word => match kind_of(word) {
            Some(kind) => Some(kind),
            None => {
                return refuse(format!(
                    "`{word}` is no kind; expected `generation`, `export-deemed`, `export-metered` or `deduction`"
                ));
            }
        },
    };
    Ok(Paid {
        claim: ClaimKey {
            installation: cell(0).to_owned(),
            from: day(1)?,
            to: day(2)?,
        },
        on: day(3)?,
        kind,
        wh: match cell(5) {
            "" => None,
            kwh => Some(WattHours::from_kwh_text(kwh).or_caller()?),
        },
        rate: match cell(6) {
            "" => None,
            rate => Some(rate.parse::<Rate>().or_caller()?),
        },
        pence: cell(7).parse::<Pence>().or_caller()?,
    })
}

fn kind_of(word: &str) -> Option<LineKind> {
    [
        LineKind::Generation,
        LineKind::ExportDeemed,
        LineKind::ExportMetered,
    ]
    .into_iter()
    .find(|kind| kind.word() == word)
}
