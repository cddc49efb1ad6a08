//! Entries made from what the society has already: a frozen claim, a frozen bill, rows of a file.

use std::collections::BTreeMap;

use domain::{
    accounts::{AccountCode, Ledger, NewEntry, Posting, Role, Source, SourceKind},
    calendar::LocalDay,
    money::Pence,
};

use super::super::{
    answer::{Answer, OrCaller, Refusal, refuse},
    society::SocietyOffice,
};

/// Most rows of an imported file.
const MAX_ROWS: usize = 100_000;

/// A row of a file that cannot be posted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// Its line in the file, from 1; the head is line 1.
    pub line: u64,
    /// What is wrong.
    pub why: String,
}

/// What a file becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileEntries {
    /// Its entries, each with its first line.
    pub entries: Vec<(u64, NewEntry)>,
    /// What is wrong, by line; nothing is posted while something is.
    pub problems: Vec<RowProblem>,
}

impl SocietyOffice {
    /// The entry of a frozen claim: owed by the licensee, earned by generation and export.
    ///
    /// # Errors
    /// When there is no such claim, it comes to nothing, or the chart lacks a role.
    pub fn entry_of_claim(&self, number: u32, on: Option<LocalDay>) -> Answer<NewEntry> {
        let claims = self.frozen_claims()?;
        let mut all = claims.iter().map(|made| &made.claim);
        let Some(claim) = all.find(|claim| claim.number == number) else {
            return refuse(format!(
                "there is no frozen claim `{number}`\nhint: `commonwatt claim list` shows them"
            ));
        };
        let ledger = self.with_chart()?;
        let (generation, export): (Vec<_>, Vec<_>) = claim
            .lines
            .iter()
            .partition(|line| line.kind == "generation");
        let sum = |lines: &[&records::income::ClaimLine]| -> i64 {
            lines.iter().map(|line| line.pence).sum()
        };
        let mut postings = Vec::new();
        add(&ledger, Role::FitDebtors, claim.total_pence, &mut postings)?;
        add(&ledger, Role::Generation, -sum(&generation), &mut postings)?;
        add(&ledger, Role::Export, -sum(&export), &mut postings)?;
        Ok(NewEntry {
            on: day_of(on, &claim.to)?,
            text: format!(
                "FIT claim {number}, {}, {} to {}",
                claim.installation, claim.from, claim.to
            ),
            source: Source {
                kind: SourceKind::Claim,
                reference: number.to_string(),
            },
            postings,
        })
    }

    /// The entry of a frozen bill: owed by the host, earned by power sold, VAT beside it.
    ///
    /// # Errors
    /// When there is no such bill, it comes to nothing, or the chart lacks a role.
    pub fn entry_of_bill(&self, number: u32, on: Option<LocalDay>) -> Answer<NewEntry> {
        let bills = self.frozen_bills()?;
        let Some(made) = bills.iter().find(|made| made.bill.number == number) else {
            return refuse(format!(
                "there is no frozen bill `{number}`\nhint: `commonwatt bill list` shows them"
            ));
        };
        if let Some(note) = &made.credited {
            return refuse(format!(
                "bill `{number}` was taken back by credit note {}\nhint: an entry made of it before is reversed, not posted again",
                note.number
            ));
        }
        let bill = &made.bill;
        let ledger = self.with_chart()?;
        let mut postings = Vec::new();
        add(&ledger, Role::HostDebtors, bill.gross_pence, &mut postings)?;
        add(&ledger, Role::PowerSales, -bill.net_pence, &mut postings)?;
        add(&ledger, Role::Vat, -bill.vat_pence, &mut postings)?;
        Ok(NewEntry {
            on: day_of(on, &bill.to)?,
            text: format!(
                "bill {number} to {}, {} to {}",
                bill.host, bill.from, bill.to
            ),
            source: Source {
                kind: SourceKind::Bill,
                reference: number.to_string(),
            },
            postings,
        })
    }

    /// The entry of a cost: spent from one account, paid from another (the bank when none is named).
    /// A refund goes the other way round.
    ///
    /// # Errors
    /// When there is no such cost, it was reversed, or the chart lacks an account.
    pub fn entry_of_cost(
        &self,
        number: u32,
        spent_on: AccountCode,
        paid_from: Option<AccountCode>,
        on: Option<LocalDay>,
    ) -> Answer<NewEntry> {
        let cost = self.cost(number)?;
        if let Some(why) = cost.reversed {
            return refuse(format!("cost {number} was reversed: {why}"));
        }
        let ledger = self.with_chart()?;
        let paid_from = match paid_from {
            Some(account) => account,
            None => ledger.role(Role::Bank).or_caller()?,
        };
        let posting = |account, pence| Posting {
            account,
            pence: Pence(pence),
        };
        let pence = cost.entered.pence;
        let of = match cost.entered.site.as_str() {
            "" => self.slug().to_owned(),
            site => site.to_owned(),
        };
        Ok(NewEntry {
            on: on.unwrap_or(cost.on),
            text: format!(
                "cost {number}, {of}, {}: {}",
                cost.entered.kind, cost.entered.what
            ),
            source: cost_source(number),
            postings: vec![
                posting(spent_on, pence),
                posting(paid_from, pence.saturating_neg()),
            ],
        })
    }

    /// The rows of a file as entries, held against the books as if they were posted one by one.
    ///
    /// # Errors
    /// When the file has other columns, or the books have no chart.
    pub fn preview_entries(&self, name: &str, text: &str) -> Answer<FileEntries> {
        let mut file = entries_of_csv(name, text)?;
        let mut ledger = self.with_chart()?;
        for (line, entry) in &file.entries {
            let there = self.source_is_there(&entry.source);
            let fits = there.and_then(|()| ledger.check(entry).or_caller());
            match fits {
                Ok(()) => ledger.enter(entry.clone(), None),
                Err(why) => file.problems.push(RowProblem {
                    line: *line,
                    why: why.to_string(),
                }),
            }
        }
        file.problems.sort_by_key(|problem| problem.line);
        Ok(file)
    }
}

/// A cost as the source of an entry.
pub(crate) fn cost_source(number: u32) -> Source {
    Source {
        kind: SourceKind::Cost,
        reference: number.to_string(),
    }
}

fn add(ledger: &Ledger, role: Role, pence: i64, postings: &mut Vec<Posting>) -> Answer<()> {
    if pence != 0 {
        postings.push(Posting {
            account: ledger.role(role).or_caller()?,
            pence: Pence(pence),
        });
    }
    Ok(())
}

fn day_of(on: Option<LocalDay>, text: &str) -> Answer<LocalDay> {
    on.map_or_else(|| text.parse().or_caller(), Ok)
}

/// The rows of a CSV file as entries. Columns: `entry,date,text,account,debit,credit`, and `source`
/// where there is one (`document:bill 77`); without it the source is the row. Rows of one `entry` are
/// one entry; its date, text and source stand on its first row and may be left out on the others.
///
/// # Errors
/// When a column is missing or unknown, or there are too many rows.
pub fn entries_of_csv(name: &str, text: &str) -> Answer<FileEntries> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = reader.headers().or_caller()?.clone();
    let columns: BTreeMap<&str, usize> = head.iter().enumerate().map(|(n, h)| (h, n)).collect();
    let known = [
        "entry", "date", "text", "account", "debit", "credit", "source",
    ];
    if let Some(other) = columns.keys().find(|column| !known.contains(column)) {
        return refuse(format!(
            "column `{other}` is unknown; expected {}",
            known.join(", ")
        ));
    }
    if let Some(missing) = known
        .iter()
        .take(6)
        .find(|want| !columns.contains_key(*want))
    {
        return refuse(format!(
            "column `{missing}` is missing; expected entry, date, text, account, debit, credit"
        ));
    }
    let mut file = FileEntries::default();
    let mut by_label: BTreeMap<String, usize> = BTreeMap::new();
    for (number, row) in reader.records().enumerate() {
        if number >= MAX_ROWS {
            return refuse(format!("the file has more than {MAX_ROWS} rows; split it"));
        }
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let why = error.to_string();
                file.problems.push(RowProblem { line, why });
                continue;
            }
        };
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: &str| {
            let place = columns.get(column);
            place.and_then(|place| row.get(*place)).unwrap_or_default()
        };
        let posting = match posting_of(cell("account"), cell("debit"), cell("credit")) {
            Ok(posting) => Some(posting),
            Err(why) => {
                let why = why.to_string();
                file.problems.push(RowProblem { line, why });
                None
            }
        };
        if let Some(place) = by_label.get(cell("entry")) {
            if let Some((_, entry)) = file.entries.get_mut(*place) {
                entry.postings.extend(posting);
            }
            continue;
        }
        match head_of(name, line, cell("date"), cell("text"), cell("source")) {
            Ok(mut entry) => {
                entry.postings.extend(posting);
                by_label.insert(cell("entry").to_owned(), file.entries.len());
                file.entries.push((line, entry));
            }
            Err(why) => file.problems.push(RowProblem {
                line,
                why: why.to_string(),
            }),
        }
    }
    Ok(file)
}

fn posting_of(account: &str, debit: &str, credit: &str) -> Answer<Posting> {
    let account: AccountCode = account.parse().or_caller()?;
    let pence = match (debit, credit) {
        (debit, "") if !debit.is_empty() => debit.parse::<Pence>().or_caller()?,
        ("", credit) if !credit.is_empty() => {
            Pence(credit.parse::<Pence>().or_caller()?.0.saturating_neg())
        }
        _ => return refuse("a row has a debit or a credit; expected one of them"),
    };
    Ok(Posting { account, pence })
}

fn head_of(name: &str, line: u64, date: &str, text: &str, source: &str) -> Answer<NewEntry> {
    let source = match source {
        "" => Source {
            kind: SourceKind::Row,
            reference: format!("{name}/{line}"),
        },
        text => source_of(text)?,
    };
    Ok(NewEntry {
        on: date.parse().or_caller()?,
        text: text.to_owned(),
        source,
        postings: Vec::new(),
    })
}

/// A source as it is typed: `document:bill 77`.
///
/// # Errors
/// When it has another form.
pub fn source_of(text: &str) -> Answer<Source> {
    let found = text.split_once(':').and_then(|(kind, reference)| {
        Some(Source {
            kind: SourceKind::of_word(kind.trim())?,
            reference: reference.trim().to_owned(),
        })
    });
    found.ok_or_else(|| {
        let words = SourceKind::ALL.map(SourceKind::word).join(", ");
        Refusal::Caller(format!(
            "`{text}` is no source; expected KIND:REFERENCE with one of {words}\nhint: for a supplier's bill say `document:bill 77`"
        ))
    })
}
