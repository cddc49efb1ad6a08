//! The year-end pack: income, balance, figures for the notes, what is owed and unclaimed.
//!
//! One set of values as text, as CSV and as a page of its own. Amounts arrive summed; nothing is
//! added here.

use askama::Template;
use domain::{calendar::LocalDay, money::Pence};

use crate::{
    generation::ReportError,
    sheet::{Cell, Table},
};

/// The figures of a year's end.
#[derive(Clone, Debug)]
pub struct YearEnd {
    /// The society.
    pub society: String,
    /// First day.
    pub first: LocalDay,
    /// Last day.
    pub last: LocalDay,
    /// Income above zero, expense below.
    pub income: Vec<Amount>,
    /// Their sum.
    pub surplus: Pence,
    /// Assets above zero; what is owed, and capital, below.
    pub balance: Vec<Amount>,
    /// Figures for the notes.
    pub notes: Vec<Amount>,
    /// What is owed and unclaimed.
    pub owed: Vec<Amount>,
    /// True for sample data.
    pub sample: bool,
}

/// A figure.
#[derive(Clone, Debug)]
pub struct Amount {
    /// An account's code, or whose it is.
    pub code: String,
    /// What it is.
    pub words: String,
    /// How much.
    pub cell: Cell,
}

#[derive(Template)]
#[template(path = "pack.html")]
struct PackPage<'a> {
    pack: &'a YearEnd,
    parts: Vec<(&'static str, &'a [Amount])>,
}

impl Amount {
    /// The figure as it is printed.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.cell {
            Cell::Pounds(pence) => Pence(*pence).to_string(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
        }
    }
}

impl YearEnd {
    /// The parts with their titles, in order.
    fn parts(&self) -> Vec<(&'static str, &[Amount])> {
        vec![
            ("Income and expense", &self.income),
            ("Balance", &self.balance),
            ("Figures for the notes", &self.notes),
            ("Owed and unclaimed", &self.owed),
        ]
    }

    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{}{}, year-end figures {} to {}\n",
            if self.sample { "SAMPLE " } else { "" },
            self.society,
            self.first,
            self.last
        );
        for (title, amounts) in self.parts() {
            text.push_str(&format!("\n{title}\n"));
            for amount in amounts {
                text.push_str(&format!(
                    "  {:>14}  {} {}\n",
                    amount.shown(),
                    amount.code,
                    amount.words
                ));
            }
            if title == "Income and expense" {
                text.push_str(&format!("  {:>14}  surplus\n", self.surplus.to_string()));
            }
        }
        text
    }

    /// As CSV: part, code, what, pounds or number.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let mut rows = Vec::new();
        for (title, amounts) in self.parts() {
            for amount in amounts {
                rows.push(vec![
                    Cell::Text(title.to_owned()),
                    Cell::Text(amount.code.clone()),
                    Cell::Text(amount.words.clone()),
                    amount.cell.clone(),
                ]);
            }
        }
        let head = ["part", "code", "what", "amount"];
        Table {
            name: "Year end",
            head: head.map(str::to_owned).to_vec(),
            rows,
        }
        .to_csv()
    }

    /// As a page of its own.
    ///
    /// # Errors
    /// When the page cannot be written.
    pub fn to_html(&self) -> Result<String, ReportError> {
        let page = PackPage {
            pack: self,
            parts: self.parts(),
        };
        page.render().map_err(|cause| ReportError::Write {
            subject: self.society.clone(),
            format: "html",
            cause: cause.to_string(),
        })
    }
}
