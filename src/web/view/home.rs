//! The first page: every society at a glance.

use askama::Template;
use domain::quantity::{WattHours, Watts};

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
pub fn sentence(
    societies: u32,
    roofs: u32,
    now: Option<Watts>,
    today: Option<WattHours>,
    sample: bool,
) -> String {
    let who = words::count(societies, "society", "societies");
    let roofs = words::count(roofs, "roof", "roofs");
    let (is, has) = match societies {
        1 => ("is", "has"),
        _ => ("are", "have"),
    };
    let mark = if sample { " (SAMPLE)" } else { "" };
    match (now.map(live::kw), today.map(live::kwh)) {
        (Some(kw), Some(kwh)) => format!(
            "{who} with {roofs} {is} making {kw} kW right now and {has} made {kwh} kWh today{mark}."
        ),
        (Some(kw), None) => format!("{who} with {roofs} {is} making {kw} kW right now{mark}."),
        (None, Some(kwh)) => format!("{who} with {roofs} {has} made {kwh} kWh today{mark}."),
        (None, None) => format!("{who} with {roofs}; no read has reached us today."),
    }
}
