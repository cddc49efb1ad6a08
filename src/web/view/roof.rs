//! A roof's page: the same as its society's, down to the meter.

use askama::Template;
use report::{generation::Step, words};

use super::{Frame, Link, Now, YearLine};

/// The public page of one roof.
#[derive(Clone, Debug, Template)]
#[template(path = "roof.html")]
pub struct RoofPage {
    /// What every page has.
    pub frame: Frame,
    /// The roof's name.
    pub name: String,
    /// The society it belongs to.
    pub society: Link,
    /// "37.24 kWp, in use since 23 April 2012, on the roof of a Lambeth estate".
    pub about: String,
    /// What happens now; see [`super::society::sentence`].
    pub sentence: String,
    /// Now and today.
    pub now: Now,
    /// The day's curve, ready made.
    pub day_figure: Option<String>,
    /// This month's sentence, from its report.
    pub month_sentence: String,
    /// This month's chart, ready made.
    pub month_figure: String,
    /// This month's table, ready made.
    pub month_table: String,
    /// This month's whole report.
    pub month_href: String,
    /// Where any days can be looked at.
    pub explore_href: String,
    /// The yearly reports, newest first.
    pub years: Vec<YearLine>,
    /// Its meters.
    pub meters: Vec<MeterLine>,
    /// How we know: each a step further down.
    pub working: Vec<Step>,
}

/// One meter of a roof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeterLine {
    /// Its serial number.
    pub serial: String,
    /// What it counts: "generation".
    pub counts: String,
    /// What its register showed last, kWh, spelt; empty when never read.
    pub register: String,
    /// When that was, in words: "22 November 2026, 13:05".
    pub read_at: String,
}
