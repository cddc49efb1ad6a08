//! The explorer's page: what is asked for, a picture, its table.

use askama::Template;

use super::{Frame, Link};

/// Any roof, any days.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "explore.html")]
pub struct ExplorePage {
    /// What every page has.
    pub frame: Frame,
    /// The society.
    pub society: Link,
    /// Where the form leads.
    pub here: String,
    /// What the picture shows, with its main figures.
    pub sentence: String,
    /// The roofs to choose from.
    pub sites: Vec<Choice>,
    /// The steps to choose from.
    pub steps: Vec<Choice>,
    /// The first day, `YYYY-MM-DD`.
    pub from: String,
    /// The last day, inside.
    pub to: String,
    /// Neighbours are beside.
    pub beside: bool,
    /// "Other roofs beside it".
    pub beside_words: &'static str,
    /// Why there is no picture.
    pub trouble: Option<String>,
    /// The picture, ready made; empty for none.
    pub wide: String,
    /// The same for a phone.
    pub tall: String,
    /// What is below it.
    pub caption: String,
    /// Downloads, the days before and after.
    pub ways: Vec<Link>,
    /// What the table is of.
    pub table_caption: String,
    /// "Half hour", "Day", "Month", "Year".
    pub step_word: &'static str,
    /// The columns of figures.
    pub heads: Vec<String>,
    /// Row by row.
    pub lines: Vec<ExploreLine>,
    /// The figures are samples.
    pub sample: bool,
}

/// Something to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// What is sent.
    pub value: String,
    /// What is read.
    pub text: String,
    /// It is the present one.
    pub chosen: bool,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExploreLine {
    /// Its day, month or half hour.
    pub label: String,
    /// Head and figure of each column.
    pub cells: Vec<(String, String)>,
    /// "actual", "derived, 3 half hours missing".
    pub known: String,
}
