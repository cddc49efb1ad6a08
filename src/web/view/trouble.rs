//! When a page cannot be shown: what happened, why, what to do, whom to ask.

use askama::Template;

use super::{Frame, Link};

/// The page in place of one that cannot be shown.
#[derive(Clone, Debug, Template)]
#[template(path = "trouble.html")]
pub struct TroublePage {
    /// What every page has.
    pub frame: Frame,
    /// What happened, as a sentence: "There is no roof called `elmor-house`."
    pub what: String,
    /// Why, as far as we know.
    pub why: String,
    /// What the reader can do.
    pub todo: String,
    /// Where to go from here.
    pub links: Vec<Link>,
}
