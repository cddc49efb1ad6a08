//! "How this works": from the meter on the roof to the figure on the page, for anybody.

use askama::Template;

use super::Frame;

/// The page that explains the others.
#[derive(Clone, Debug, Template)]
#[template(path = "how.html")]
pub struct HowPage {
    /// What every page has.
    pub frame: Frame,
    /// How often a roof sends a read, in words: "every minute".
    pub cadence: String,
}
