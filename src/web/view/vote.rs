//! A ballot paper.

use askama::Template;

use super::{Frame, Link};

/// The paper.
#[derive(Clone, Debug, Template)]
#[template(path = "vote.html")]
pub struct VotePage {
    /// What every page has.
    pub frame: Frame,
    /// Where it belongs.
    pub kicker: Vec<Link>,
    /// This page.
    pub here: String,
    /// The ballot.
    pub title: String,
    /// The words that are decided on, a paragraph each.
    pub text: Vec<String>,
    /// Who may vote and until when.
    pub about: String,
    /// SAMPLE.
    pub sample: bool,
    /// Votes are taken.
    pub open: bool,
    /// What is shared out; none for a resolution.
    pub pot: Option<String>,
    /// What it may go to.
    pub options: Vec<VoteOption>,
    /// What was chosen, where it was not taken.
    pub choice: String,
    /// Somebody may vote for another.
    pub proxies: bool,
    /// For whom.
    pub on_behalf: String,
    /// What was decided, a line each.
    pub outcome: Option<Vec<String>>,
    /// Why it was not taken.
    pub trouble: Option<String>,
    /// The code of the paper that is in the box now.
    pub paper: Option<String>,
    /// What was found of a paper.
    pub found: Option<String>,
}

/// Something a fund may go to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VoteOption {
    /// Its id on the ballot.
    pub id: String,
    /// What it is.
    pub name: String,
    /// The most it can use.
    pub limit: String,
    /// What was typed.
    pub typed: String,
}
