//! A dossier: figures in sections, each figure with its evidence beside it. One set of values as
//! text, CSV, a page, a typeset sheet and a Word document.
//!
//! Figures arrive as values; nothing is added here. A figure that is not known says so. CSV has one
//! line a figure or table row, with amounts as plain numbers and their unit in a column of its own.

use std::fmt::Write as _;

use askama::Template;
use domain::{calendar::LocalDay, money::Pence, quantity::WattHours};
use rust_decimal::Decimal;

use crate::{
    generation::ReportError,
    paper::{Paper, PaperTable},
    sheet::{Cell, Table},
    words,
};

/// How much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Money.
    Pounds(Pence),
    /// Per cent.
    Percent(Decimal),
    /// Energy.
    Energy(WattHours),
    /// So many of a unit.
    Number(Decimal, String),
    /// What is no number.
    Words(String),
    /// Not known, and why.
    Unknown(String),
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it is.
    pub what: String,
    /// How much.
    pub amount: Amount,
    /// What shows it.
    pub evidence: String,
    /// Where that can be opened.
    pub href: Option<String>,
    /// True when it is sample data.
    pub sample: bool,
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DossierTable {
    /// What it shows.
    pub caption: String,
    /// Column heads.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<Amount>>,
}

/// Figures that belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Its heading.
    pub heading: String,
    /// A paragraph each; they can be copied.
    pub text: Vec<String>,
    /// A chart as SVG, and in words.
    pub chart: Option<(String, String)>,
    /// Figures.
    pub figures: Vec<Figure>,
    /// Tables.
    pub tables: Vec<DossierTable>,
}

/// The whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dossier {
    /// Who writes.
    pub author: String,
    /// What it is.
    pub heading: String,
    /// The day it was drawn up.
    pub on: LocalDay,
    /// The sentence, large.
    pub sentence: String,
    /// Its sections.
    pub sections: Vec<Section>,
    /// How we know, and what is left out.
    pub notes: Vec<String>,
    /// Who signs.
    pub signatures: Vec<&'static str>,
    /// True when something of it is sample data.
    pub sample: bool,
}

#[derive(Template)]
#[template(path = "dossier.html")]
struct DossierPage<'a> {
    dossier: &'a Dossier,
    fragment: String,
}

#[derive(Template)]
#[template(path = "dossier_fragment.html")]
struct DossierFragment<'a> {
    dossier: &'a Dossier,
    links: bool,
}

impl Amount {
    /// A whole number of things.
    #[must_use]
    pub fn count(number: u32, unit: &str) -> Amount {
        Amount::Number(Decimal::from(number), unit.to_owned())
    }

    /// Money where it is known.
    #[must_use]
    pub fn pounds_or(pence: Option<Pence>, why: &str) -> Amount {
        pence.map_or_else(|| Amount::Unknown(why.to_owned()), Amount::Pounds)
    }

    /// As it is printed, with its unit.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Amount::Pounds(pence) => pence.to_string(),
            Amount::Percent(of) => format!("{} %", words::decimal(*of)),
            Amount::Energy(energy) => energy.kwh_words(),
            Amount::Number(number, unit) => match unit.as_str() {
                "" => words::decimal(*number),
                unit => format!("{} {unit}", words::decimal(*number)),
            },
            Amount::Words(text) => text.clone(),
            Amount::Unknown(why) => format!("not known: {why}"),
        }
    }

    /// True when it is a number that stands right in a column.
    #[must_use]
    pub fn is_number(&self) -> bool {
        !matches!(self, Amount::Words(_) | Amount::Unknown(_))
    }

    /// As a program reads it, and its unit.
    fn plain(&self) -> (String, String) {
        match self {
            Amount::Pounds(pence) => (pence.pounds_text(), "GBP".to_owned()),
            Amount::Percent(of) => (of.to_string(), "%".to_owned()),
            Amount::Energy(energy) => (energy.kwh_text(), "kWh".to_owned()),
            Amount::Number(number, unit) => (number.to_string(), unit.clone()),
            Amount::Words(text) => (text.clone(), String::new()),
            Amount::Unknown(why) => (String::new(), format!("not known: {why}")),
        }
    }
}

impl Figure {
    /// What stands behind it, with the mark of sample data.
    #[must_use]
    pub fn evidence_shown(&self) -> String {
        match (self.sample, self.evidence.contains("SAMPLE")) {
            (true, false) => format!("SAMPLE: {}", self.evidence),
            _ => self.evidence.clone(),
        }
    }
}

impl Dossier {
    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{}{}, {}\n{}\n",
            if self.sample { "SAMPLE " } else { "" },
            self.heading,
            words::date(self.on),
            self.sentence
        );
        for section in &self.sections {
            let _ = write!(text, "\n{}\n", section.heading);
            for paragraph in &section.text {
                let _ = writeln!(text, "  {paragraph}");
            }
            for figure in &section.figures {
                let _ = writeln!(
                    text,
                    "  {:>16}  {}\n{:18}  {}",
                    figure.amount.shown(),
                    figure.what,
                    "",
                    figure.evidence_shown()
                );
            }
            for table in &section.tables {
                let _ = writeln!(text, "  {}\n  {}", table.caption, table.head.join(" | "));
                for row in &table.rows {
                    let cells: Vec<String> = row.iter().map(Amount::shown).collect();
                    let _ = writeln!(text, "  {}", cells.join(" | "));
                }
            }
        }
        for note in &self.notes {
            let _ = write!(text, "\nnote: {note}");
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        text
    }

    /// As CSV: section, figure, amount, unit, evidence. A table's row names its columns in `figure`.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut rows = Vec::new();
        let text = |text: &str| Cell::Text(text.to_owned());
        for section in &self.sections {
            for figure in &section.figures {
                let (amount, unit) = figure.amount.plain();
                rows.push(vec![
                    text(&section.heading),
                    text(&figure.what),
                    plain_cell(amount),
                    Cell::Text(unit),
                    Cell::Text(figure.evidence_shown()),
                ]);
            }
            for table in &section.tables {
                for row in &table.rows {
                    let name = row.first().map(Amount::shown).unwrap_or_default();
                    for (head, cell) in table.head.iter().zip(row).skip(1) {
                        let (amount, unit) = cell.plain();
                        rows.push(vec![
                            text(&section.heading),
                            Cell::Text(format!("{name}: {head}")),
                            plain_cell(amount),
                            Cell::Text(unit),
                            text(&table.caption),
                        ]);
                    }
                }
            }
        }
        for note in &self.notes {
            let note = [
                text("How we know"),
                text("note"),
                text(note),
                text(""),
                text(""),
            ];
            rows.push(note.to_vec());
        }
        let head = ["section", "figure", "amount", "unit", "evidence"];
        Table {
            name: "Dossier",
            head: head.map(str::to_owned).to_vec(),
            rows,
        }
        .to_csv()
    }

    /// As a page that needs nothing else.
    ///
    /// # Errors
    /// When the page cannot be written.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let page = DossierPage {
            dossier: self,
            fragment: self.fragment(false)?,
        };
        page.render().map_err(|cause| self.not_written(&cause))
    }

    /// Its sections as a part of another page; with links to the evidence where that page has them.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fragment(&self, links: bool) -> Result<String, ReportError> {
        let dossier = self;
        let fragment = DossierFragment { dossier, links };
        fragment.render().map_err(|cause| self.not_written(&cause))
    }

    fn not_written(&self, cause: &askama::Error) -> ReportError {
        ReportError::Write {
            subject: self.heading.clone(),
            format: "html",
            cause: cause.to_string(),
        }
    }

    /// As a typeset sheet.
    #[must_use]
    pub fn paper(&self) -> Paper {
        let mut tables = Vec::new();
        let mut text = Vec::new();
        for section in &self.sections {
            text.extend(section.text.iter().cloned());
            if !section.figures.is_empty() {
                let row = |figure: &Figure| {
                    vec![
                        figure.what.clone(),
                        figure.amount.shown(),
                        figure.evidence_shown(),
                    ]
                };
                tables.push(PaperTable {
                    heading: Some(section.heading.clone()),
                    head: ["Figure", "Amount", "Evidence"].map(str::to_owned).to_vec(),
                    rows: section.figures.iter().map(row).collect(),
                    total: None,
                    numbers: Vec::new(),
                    wide: 2,
                });
            }
            for table in &section.tables {
                let cells = |row: &Vec<Amount>| row.iter().map(Amount::shown).collect();
                let numbers = |column: &usize| {
                    let mut cells = table.rows.iter().filter_map(|row| row.get(*column));
                    cells.all(Amount::is_number)
                };
                tables.push(PaperTable {
                    heading: Some(table.caption.clone()),
                    head: table.head.clone(),
                    rows: table.rows.iter().map(cells).collect(),
                    total: None,
                    numbers: (0..table.head.len()).filter(numbers).collect(),
                    wide: 0,
                });
            }
        }
        Paper {
            author: self.author.clone(),
            heading: self.heading.clone(),
            on: self.on,
            sentence: self.sentence.clone(),
            address: Vec::new(),
            chart: self
                .sections
                .iter()
                .find_map(|section| section.chart.clone()),
            text,
            tables,
            notes_heading: "How we know",
            notes: self.notes.clone(),
            signatures: self.signatures.clone(),
            sample: self.sample,
        }
    }
}

/// A number as it stands; text that begins with a minus is no formula when it is one.
fn plain_cell(amount: String) -> Cell {
    match amount.parse::<i64>() {
        Ok(number) if number.to_string() == amount => Cell::Number(number),
        _ => Cell::Text(amount),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dossier() -> Dossier {
        Dossier {
            author: "Sample Council".into(),
            heading: "The stake of Sample Council".into(),
            sentence: "Sample Council holds £10,000.00.".into(),
            sections: vec![Section {
                heading: "Capital".into(),
                figures: vec![Figure {
                    what: "Capital of the council".into(),
                    amount: Amount::Pounds(Pence(1_000_000)),
                    evidence: "the roll".into(),
                    href: Some("/desk".into()),
                    sample: true,
                }],
                tables: vec![DossierTable {
                    caption: "By year".into(),
                    head: vec!["Year".into(), "Made".into()],
                    rows: vec![vec![
                        Amount::Words("2013".into()),
                        Amount::Energy(WattHours(32_586_500)),
                    ]],
                }],
                ..Section::default()
            }],
            sample: true,
            ..Dossier::default()
        }
    }

    #[test]
    fn a_figure_says_the_same_in_every_form() {
        let dossier = dossier();
        let text = dossier.to_text();
        assert!(
            text.contains("£10,000.00  Capital of the council"),
            "{text}"
        );
        assert!(text.contains("2013 | 32,586.5 kWh"), "{text}");
        let csv = dossier.to_csv();
        assert!(
            csv.contains("Capital,Capital of the council,10000.00,GBP,SAMPLE: the roll"),
            "{csv}"
        );
        assert!(csv.contains("Capital,2013: Made,32586.5"), "{csv}");
        let html = dossier.to_html().unwrap();
        assert!(html.contains("£10,000.00") && !html.contains("href=\"/desk\""));
        assert!(dossier.fragment(true).unwrap().contains("href=\"/desk\""));
        assert_eq!(dossier.paper().tables.len(), 2);
    }
}
