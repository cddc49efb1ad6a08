//! A member's own pages.

use askama::Template;

use super::{Frame, Link};

/// What a member holds and earned.
#[derive(Clone, Debug, Default, Template)]
#[template(path = "my.html")]
pub struct MyPage {
    /// What every page has.
    pub frame: Frame,
    /// Who, and as which member.
    pub kicker: String,
    /// What they hold, what it earned, and where that goes.
    pub sentence: String,
    /// Their memberships, where there are several to choose from; nothing else is shown then.
    pub several: Vec<Link>,
    /// How the roofs did last year.
    pub roofs: String,
    /// Its chart, ready made.
    pub figure: String,
    /// Its report.
    pub report: String,
    /// By class: shares and pounds.
    pub holding: Vec<(String, String, String)>,
    /// Movements: day, what, shares, pounds.
    pub history: Vec<(String, String, String, String)>,
    /// Interest of frozen runs, with the working.
    pub earned: Vec<MyWorking>,
    /// A statement for each frozen run: its days and its address, the newest first.
    pub statements: Vec<(String, String)>,
    /// What becomes of interest.
    pub payment: String,
    /// The account, by its last digits.
    pub bank: Vec<String>,
    /// Where that is changed.
    pub payment_href: String,
    /// What this year may bring, in sentences; empty when nothing can be said.
    pub outlook: Vec<String>,
    /// Requests and applications that wait, in sentences.
    pub waiting: Vec<String>,
    /// Where shares are asked for, and asked back.
    pub shares_href: String,
    /// All that is kept.
    pub data_href: String,
    /// SAMPLE.
    pub sample: bool,
}

/// A line of interest and how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MyWorking {
    /// The run's days.
    pub days: String,
    /// The class.
    pub class: String,
    /// The rate; empty for a share of a pot.
    pub rate: String,
    /// What was held.
    pub basis: String,
    /// Pounds and pence.
    pub pounds: String,
    /// The run's number.
    pub run: String,
    /// How its hash begins.
    pub hash: String,
    /// Where the run's working is.
    pub working: String,
}

/// Where a member's interest goes.
#[derive(Clone, Debug, Template)]
#[template(path = "my_payment.html")]
pub struct MyPaymentPage {
    /// What every page has.
    pub frame: Frame,
    /// The member's page.
    pub society: Link,
    /// This page.
    pub here: String,
    /// The choice as it stands.
    pub now: &'static str,
    /// The account, by its last digits.
    pub bank: Vec<String>,
    /// Why it was not taken.
    pub trouble: Option<String>,
}
