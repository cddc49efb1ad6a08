//! The first page: every society at a glance.

use askama::Template;

use super::{Frame, Now, live};
use report::words;

/// The public home page.
#[derive(Clone, Debug, Template)]
#[template(path = "home.html")]
pub struct HomePage {
    /// What every page has.
    pub frame: Frame,
    /// What happens now; see [`sentence`].
    pub sentence: String,
    /// The day's curve of all roofs together, ready made by `DayCurve::html_figure`.
    pub day_figure: Option<String>,
    /// One a society.
    pub societies: Vec<Glance>,
}

/// One society at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// One line on where its roofs are.
    pub about: String,
    /// Now and today.
    pub now: Now,
}

/// "3 societies with 10 roofs are making 41.2 kW right now and have made 312.4 kWh today."
#[must_use]
pub fn sentence(societies: u32, roofs: u32, known: &office::live::Now, sample: bool) -> String {
    let who = words::count(societies, "society", "societies");
    let who = format!("{who} with {}", words::count(roofs, "roof", "roofs"));
    let verbs = match societies {
        1 => ("is", "has"),
        _ => ("are", "have"),
    };
    live::sentence(&who, verbs, known, sample)
        .unwrap_or_else(|| format!("{who}; no read has reached us today."))
}
