//! A council's stake.

use askama::Template;

use super::{Frame, Link};

/// The stake across societies.
#[derive(Clone, Debug, Template)]
#[template(path = "council.html")]
pub struct CouncilPage {
    /// What every page has.
    pub frame: Frame,
    /// What it holds.
    pub sentence: String,
    /// This page.
    pub here: String,
    /// The day it is asked for; empty for today.
    pub on: String,
    /// By society.
    pub stakes: Vec<StakeWords>,
}

/// The stake in one society.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StakeWords {
    /// The society's page.
    pub society: Link,
    /// Capital and vote.
    pub sentence: String,
    /// The day it is reckoned for; empty where there is no stake.
    pub as_of: String,
    /// The council is a member here.
    pub has_stake: bool,
    /// The roofs: page, and size and host.
    pub roofs: Vec<(Link, String)>,
    /// What the last year made beside its forecast.
    pub generation: String,
    /// Its chart, ready made.
    pub figure: String,
    /// Its report.
    pub report: Option<Link>,
    /// Carbon with its factor.
    pub carbon: String,
    /// Interest by run.
    pub interest: Vec<(String, String)>,
    /// Savings of hosts by bill.
    pub savings: Vec<(String, String)>,
    /// The society is sample data.
    pub sample: bool,
}
