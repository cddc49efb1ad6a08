//! A report's page: the report's own fragment, and the ways to take it away.

use askama::Template;

use super::{Frame, Link};

/// A generation report on the web.
#[derive(Clone, Debug, Template)]
#[template(path = "report.html")]
pub struct ReportPage {
    /// What every page has.
    pub frame: Frame,
    /// The report, ready made by `GenerationReport::html_fragment`; it holds the page's `h1`.
    pub fragment: String,
    /// The report in other forms.
    pub downloads: Vec<Download>,
    /// The period before, where there is one.
    pub before: Option<Link>,
    /// The period after, where there is one.
    pub after: Option<Link>,
}

/// One way to take a report away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Download {
    /// "The table (CSV)".
    pub text: String,
    /// The address.
    pub href: String,
    /// The name the file is saved under.
    pub file_name: String,
}
