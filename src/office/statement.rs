//! How a licensee's statement or a bank's file is read: a mapping of columns, in TOML.
//!
//! ```toml
//! kind = "statement"          # or "bank"
//! date_format = "%d/%m/%Y"    # left out: YYYY-MM-DD
//! [columns]                   # ours, and what the file calls them
//! installation = "FIT ID"     # and from, to, paid_on, kind, kwh, rate_p_per_kwh, pounds
//! [installations]             # what the file calls them, and their ids
//! "FIT00012345" = "roof-fit"
//! [kinds]                     # what the file calls generation, export-deemed, export-metered, deduction
//! "Gen" = "generation"
//!
//! # A bank's: columns paid_on, pounds (or paid_in and paid_out) and text; and whose payments they are.
//! [[payer]]
//! text = "GOOD LICENSEE"
//! installation = "roof-fit"   # or host = "council"
//! ```

use std::collections::BTreeMap;

use domain::{
    calendar::LocalDay,
    income::{ClaimKey, LineKind, Paid},
    money::Pence,
    quantity::WattHours,
    tariff::Rate,
};
use serde::Deserialize;

use super::{
    answer::{Answer, OrCaller, Refusal, refuse},
    ofx,
};

/// Most rows of one file.
const MAX_ROWS: usize = 10_000;
/// The columns of a statement, as the program calls them.
pub const STATEMENT_COLUMNS: [&str; 8] = [
    "installation",
    "from",
    "to",
    "paid_on",
    "kind",
    "kwh",
    "rate_p_per_kwh",
    "pounds",
];
/// The columns of a bank's file, as the program calls them; a file has `pounds` or the two halves.
const BANK_COLUMNS: [&str; 5] = ["paid_on", "pounds", "paid_in", "paid_out", "text"];

/// A mapping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementMapping {
    /// Whose file it is.
    pub kind: FileKind,
    /// How days are written, in the letters of `strftime`.
    #[serde(default)]
    pub date_format: String,
    /// What separates columns.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// Ours, and what the file calls them; a column that is left out is called as ours.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// What the file calls installations, and their ids.
    #[serde(default)]
    pub installations: BTreeMap<String, String>,
    /// What the file calls kinds, and ours.
    #[serde(default)]
    pub kinds: BTreeMap<String, String>,
    /// Whose payments a bank's rows are.
    #[serde(default)]
    pub payer: Vec<Payer>,
}

/// Whose file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// A FIT licensee's.
    Statement,
    /// A bank's.
    Bank,
}

/// Whose payments a bank's rows are, by a part of their text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payer {
    /// A part of the row's text; large and small letters are one.
    pub text: String,
    /// It pays the claims of this installation.
    #[serde(default)]
    pub installation: String,
    /// It pays the bills of this host or buyer.
    #[serde(default)]
    pub host: String,
}

/// A row of a file.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Its line, from 1.
    pub line: u32,
    /// The day it was paid.
    pub on: LocalDay,
    /// The amount.
    pub pence: Pence,
    /// All its cells, as they stand.
    pub text: String,
    /// What it is for, where the file is a statement.
    pub paid: Option<Paid>,
    /// Whose it is, where the file is a bank's and a payer's text fits.
    pub payer: Option<Payer>,
}

impl StatementMapping {
    /// A mapping by the name of one that comes with the program, or from the text of a file.
    ///
    /// # Errors
    /// When it cannot be read, with the line.
    pub fn read(name: &str, text: Option<&str>) -> Answer<StatementMapping> {
        let made: StatementMapping = match (name, text) {
            (_, Some(text)) => toml::from_str(text)
                .map_err(|e| Refusal::Caller(format!("mapping `{name}`: {e}")))?,
            ("statement" | "bank", None) => StatementMapping {
                kind: if name == "bank" {
                    FileKind::Bank
                } else {
                    FileKind::Statement
                },
                date_format: String::new(),
                delimiter: ',',
                columns: BTreeMap::new(),
                installations: BTreeMap::new(),
                kinds: BTreeMap::new(),
                payer: Vec::new(),
            },
            _ => {
                return refuse(format!(
                    "mapping `{name}` is not known; expected `statement`, `bank` or a file ending in .toml"
                ));
            }
        };
        check_mapping(name, &made)?;
        Ok(made)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The first line that cannot be read, with what is wrong.
    pub fn rows(&self, text: &str) -> Answer<Vec<FileRow>> {
        if self.kind == FileKind::Bank && ofx::is_ofx(text) {
            return self.ofx_rows(text);
        }
        let delimiter = u8::try_from(self.delimiter)
            .map_err(|_| Refusal::Caller(format!("`{}` separates no columns", self.delimiter)))?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let head: Vec<String> = reader
            .headers()
            .or_caller()?
            .iter()
            .map(str::to_owned)
            .collect();
        let place = |ours: &str| {
            let theirs = self.columns.get(ours).map_or(ours, String::as_str);
            head.iter().position(|name| name == theirs)
        };
        let needed: &[&str] = match self.kind {
            FileKind::Statement => &STATEMENT_COLUMNS,
            FileKind::Bank => &["paid_on", "text"],
        };
        let halves = place("paid_in").is_some() || place("paid_out").is_some();
        let lacks = needed
            .iter()
            .chain((self.kind == FileKind::Bank && !halves).then_some(&"pounds"))
            // A statement may leave energy and rate out.
            .filter(|ours| !["kwh", "rate_p_per_kwh"].contains(ours))
            .find(|ours| place(ours).is_none());
        if let Some(ours) = lacks {
            return refuse(format!(
                "the file has the columns `{}`; expected `{}`, and there is none for `{ours}`\nhint: say in a mapping what the file calls it: [columns] {ours} = \"…\"",
                head.join(","),
                needed.join(",")
            ));
        }
        let places: BTreeMap<&str, usize> = STATEMENT_COLUMNS
            .iter()
            .chain(&BANK_COLUMNS)
            .filter_map(|ours| Some((*ours, place(ours)?)))
            .collect();
        let mut rows = Vec::new();
        for record in reader.records() {
            let record = record.or_caller()?;
            if record.iter().all(str::is_empty) {
                continue;
            }
            if rows.len() == MAX_ROWS {
                return refuse(format!(
                    "the file has more than {MAX_ROWS} rows; expected at most that"
                ));
            }
            let line = record.position().map_or(0, csv::Position::line);
            let row = self.row(&record, &places).map_err(|why| match why {
                Refusal::Caller(why) => Refusal::Caller(format!("line {line} of the file: {why}")),
                ours => ours,
            })?;
            rows.push(FileRow {
                line: u32::try_from(line).unwrap_or(u32::MAX),
                ..row
            });
        }
        Ok(rows)
    }

    /// The rows of a bank's OFX file.
    fn ofx_rows(&self, text: &str) -> Answer<Vec<FileRow>> {
        let all = ofx::transactions(text)?;
        if all.len() > MAX_ROWS {
            return refuse(format!(
                "the file has more than {MAX_ROWS} rows; expected at most that"
            ));
        }
        let row = |one: ofx::Transaction| FileRow {
            line: one.line,
            on: one.on,
            pence: one.pence,
            payer: self.payer_of(&one.text),
            text: [
                &one.id,
                &one.on.to_string(),
                &one.pence.pounds_text(),
                &one.text,
            ]
            .map(String::as_str)
            .join("\u{1f}"),
            paid: None,
        };
        Ok(all.into_iter().map(row).collect())
    }

    /// Whose payment a row with this text is.
    fn payer_of(&self, text: &str) -> Option<Payer> {
        let text = text.to_lowercase();
        let mut payers = self.payer.iter();
        payers
            .find(|payer| text.contains(&payer.text.to_lowercase()))
            .cloned()
    }

    fn row(&self, record: &csv::StringRecord, places: &BTreeMap<&str, usize>) -> Answer<FileRow> {
        let cell = |ours: &str| {
            let place = places.get(ours);
            place.and_then(|n| record.get(*n)).unwrap_or_default()
        };
        let money = |ours: &str| match cell(ours) {
            "" => Ok(Pence::ZERO),
            text => text.parse::<Pence>().or_caller(),
        };
        let on = self.day(cell("paid_on"))?;
        let pence = if places.contains_key("pounds") {
            money("pounds")?
        } else {
            // Some banks write what went out as a plain number.
            let out = Pence(money("paid_out")?.0.saturating_abs());
            let sum = money("paid_in")?.checked_sub(out);
            sum.ok_or_else(|| Refusal::Caller("the amounts are too large".into()))?
        };
        let all: Vec<&str> = record.iter().collect();
        let mut row = FileRow {
            line: 0,
            on,
            pence,
            text: all.join("\u{1f}"),
            paid: None,
            payer: None,
        };
        if self.kind == FileKind::Bank {
            row.payer = self.payer_of(cell("text"));
            return Ok(row);
        }
        let named = cell("installation");
        let word = cell("kind");
        row.paid = Some(Paid {
            claim: ClaimKey {
                installation: self
                    .installations
                    .get(named)
                    .map_or(named, String::as_str)
                    .to_owned(),
                from: self.day(cell("from"))?,
                to: self.day(cell("to"))?,
            },
            on,
            kind: kind_of(self.kinds.get(word).map_or(word, String::as_str))?,
            wh: match cell("kwh") {
                "" => None,
                kwh => Some(WattHours::from_kwh_text(&kwh.replace(',', "")).or_caller()?),
            },
            rate: match cell("rate_p_per_kwh") {
                "" => None,
                rate => Some(rate.trim_end_matches('p').parse::<Rate>().or_caller()?),
            },
            pence,
        });
        if row
            .paid
            .as_ref()
            .is_some_and(|paid| paid.claim.to < paid.claim.from)
        {
            return refuse("it ends before it begins; expected the first day before the last");
        }
        Ok(row)
    }

    fn day(&self, text: &str) -> Answer<LocalDay> {
        if self.date_format.is_empty() {
            return text.parse().map_err(|e: domain::calendar::CalendarError| {
                Refusal::Caller(format!(
                    "{e}\nhint: say in a mapping how the file writes days: date_format = \"%d/%m/%Y\""
                ))
            });
        }
        let date = jiff::civil::Date::strptime(&self.date_format, text).map_err(|e| {
            Refusal::Caller(format!(
                "`{text}` is no day of the form `{}`: {e}",
                self.date_format
            ))
        })?;
        date.to_string().parse().or_caller()
    }
}

/// Checks a mapping that was read from a file or typed on a page.
///
/// # Errors
/// When it names a column or kind that is not ours.
pub fn check_mapping(name: &str, made: &StatementMapping) -> Answer<()> {
    let known: &[&str] = match made.kind {
        FileKind::Statement => &STATEMENT_COLUMNS,
        FileKind::Bank => &BANK_COLUMNS,
    };
    for ours in made.columns.keys() {
        if !known.contains(&ours.as_str()) {
            return refuse(format!(
                "mapping `{name}`: column `{ours}` is not one of ours; expected {}",
                known.join(", ")
            ));
        }
    }
    for word in made.kinds.values() {
        kind_of(word)?;
    }
    Ok(())
}

/// The kind of that word; `None` for a deduction.
pub(super) fn kind_of(word: &str) -> Answer<Option<LineKind>> {
    if word == "deduction" {
        return Ok(None);
    }
    let found = [
        LineKind::Generation,
        LineKind::ExportDeemed,
        LineKind::ExportMetered,
    ]
    .into_iter()
    .find(|kind| kind.word() == word);
    match found {
        Some(kind) => Ok(Some(kind)),
        None => refuse(format!(
            "`{word}` is no kind; expected `generation`, `export-deemed`, `export-metered` or `deduction`\nhint: say in a mapping what the file calls them, under [kinds]"
        )),
    }
}

fn comma() -> char {
    ','
}
