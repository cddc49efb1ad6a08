//! A society's page: what happened, live figures, the day, the month, the years, the roofs.

use askama::Template;
use report::{generation::Step, words};

use super::{Frame, Now, live};

/// The public page of one society.
#[derive(Clone, Debug, Template)]
#[template(path = "society.html")]
pub struct SocietyPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's name.
    pub name: String,
    /// One line on who and where.
    pub about: String,
    /// What happens now; see [`sentence`].
    pub sentence: String,
    /// Now and today.
    pub now: Now,
    /// The day's curve, ready made by `DayCurve::html_figure`.
    pub day_figure: Option<String>,
    /// This month's sentence, from its report.
    pub month_sentence: String,
    /// This month's chart, ready made by `GenerationReport::html_figure`.
    pub month_figure: String,
    /// This month's table, ready made by `GenerationReport::html_table`.
    pub month_table: String,
    /// This month's whole report.
    pub month_href: String,
    /// Where any days can be looked at.
    pub explore_href: String,
    /// The yearly reports, newest first.
    pub years: Vec<YearLine>,
    /// The roofs.
    pub roofs: Vec<RoofLine>,
    /// How we know: each a step further down.
    pub working: Vec<Step>,
}

/// One yearly report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct YearLine {
    /// "2017".
    pub year: String,
    /// Its page.
    pub href: String,
    /// kWh made, spelt; empty when nothing is known.
    pub made: String,
    /// The difference to the forecast in per cent, spelt; empty when it would mislead.
    pub difference: String,
    /// How well it is known: "actual", "341 of 365 days".
    pub known: String,
}

/// One roof in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoofLine {
    /// Its name.
    pub name: String,
    /// Its page.
    pub href: String,
    /// Peak capacity, kWp, spelt.
    pub kwp: String,
    /// Now and today.
    pub now: Now,
}

/// "Elmore House is making 12.4 kW right now and has made 86.1 kWh today."
#[must_use]
pub fn sentence(name: &str, known: &office::live::Now, sample: bool) -> String {
    live::sentence(name, ("is", "has"), known, sample)
        .unwrap_or_else(|| format!("No read of {name} has reached us today."))
}
