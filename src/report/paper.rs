//! A typeset sheet's data: one shape for reports, bills, claims and certificates.
//!
//! The order is fixed: the sentence, the picture, the paragraphs, the tables, the notes. What a sheet
//! does not have is left out. The template that reads it is `pdf/templates/paper.typ`.

use serde_json::{Value, json};

use domain::calendar::LocalDay;

use crate::texts::ENGLISH;

/// One sheet.
#[derive(Clone, Debug)]
pub struct Paper {
    /// Who writes: the society.
    pub author: String,
    /// What it is: "Bill 3".
    pub heading: String,
    /// Its date.
    pub on: LocalDay,
    /// The sentence, large.
    pub sentence: String,
    /// To whom, for a window envelope; none for a sheet that is not a letter.
    pub address: Vec<String>,
    /// The picture as SVG and in words.
    pub chart: Option<(String, String)>,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Tables.
    pub tables: Vec<PaperTable>,
    /// The heading of the notes.
    pub notes_heading: &'static str,
    /// Notes in small type: the working.
    pub notes: Vec<String>,
    /// Who signs, a line each.
    pub signatures: Vec<&'static str>,
    /// True for sample data.
    pub sample: bool,
}

/// A table of a sheet.
#[derive(Clone, Debug, Default)]
pub struct PaperTable {
    /// Its heading.
    pub heading: Option<String>,
    /// Column heads.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
    /// The row under the rule.
    pub total: Option<Vec<String>>,
    /// Columns of numbers, from 0.
    pub numbers: Vec<usize>,
    /// The column that takes what room is left.
    pub wide: usize,
}

impl Paper {
    /// What the template reads.
    #[must_use]
    pub fn data(&self) -> Value {
        let table = |table: &PaperTable| {
            json!({
                "heading": table.heading,
                "head": table.head,
                "rows": table.rows,
                "total": table.total,
                "numbers": table.numbers,
                "wide": table.wide,
            })
        };
        json!({
            "title": format!("{}, {}", self.heading, self.author),
            "lang": ENGLISH.lang,
            "region": ENGLISH.region,
            "page": ENGLISH.page,
            "date": self.on.to_string(),
            "author": self.author,
            "heading": self.heading,
            "sentence": self.sentence,
            "address": self.address,
            "chart": self.chart.as_ref().map(|(_, words)| words),
            "text": self.text,
            "tables": self.tables.iter().map(table).collect::<Vec<_>>(),
            "notes_heading": self.notes_heading,
            "notes": self.notes,
            "signatures": self.signatures,
            "sample": self.sample,
        })
    }

    /// Its pictures, by the name under which the template shows them.
    #[must_use]
    pub fn pictures(&self) -> Vec<(&'static str, String)> {
        let chart = self.chart.iter();
        chart.map(|(svg, _)| ("/chart.svg", svg.clone())).collect()
    }
}
