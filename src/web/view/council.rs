//! A council's stake, and every other page that is a dossier: the sentence, the picture, figures with
//! their evidence, what can be downloaded, where to go from here.

use askama::Template;

use super::{Frame, Link};

/// Such a page.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "council.html")]
pub struct CouncilPage {
    /// What every page has.
    pub frame: Frame,
    /// Where it belongs.
    pub kicker: Vec<Link>,
    /// What it says.
    pub sentence: String,
    /// Why something was not done.
    pub trouble: Option<String>,
    /// What each society's roofs made.
    pub above: Vec<Picture>,
    /// Its sections, ready made.
    pub fragment: String,
    /// Its days, where others can be asked for.
    pub days: Option<Days>,
    /// Where to go from here.
    pub ways: Vec<Link>,
    /// Downloads.
    pub downloads: Vec<Link>,
}

/// What a society's roofs made in a year, beside the forecast.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// In words.
    pub sentence: String,
    /// Its report.
    pub report: Link,
    /// Its chart, ready made.
    pub figure: String,
}

/// The days of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days {
    /// The page.
    pub here: String,
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
}
