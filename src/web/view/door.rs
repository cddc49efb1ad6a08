//! The doors: log in, set up, and where one is logged in.

use askama::Template;

use super::Frame;

/// Name, password and code; or, before money and rights, password and code once more.
#[derive(Clone, Debug, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// What every page has.
    pub frame: Frame,
    /// The user is known and shows once more who they are.
    pub again: bool,
    /// The name that was given.
    pub user: String,
    /// Where they want to go; empty for where their role begins.
    pub to: String,
    /// Why the door stays shut.
    pub trouble: Option<String>,
}

/// From a one-time code to a login.
#[derive(Clone, Debug, Template)]
#[template(path = "set_up.html")]
pub struct SetUpPage {
    /// What every page has.
    pub frame: Frame,
    /// Who was invited.
    pub user: String,
    /// What is not right yet.
    pub trouble: Option<String>,
    /// How far they are.
    pub step: SetUpStep,
}

/// A step of setting up.
#[derive(Clone, Debug)]
pub enum SetUpStep {
    /// Name and one-time code.
    Invitation,
    /// Password, and second factor where one is needed.
    Choose {
        /// The one-time code, carried along.
        invitation: String,
        /// The secret in groups of four, its picture, and as it is sent back.
        second: Option<(String, String, String)>,
    },
    /// Done.
    Done {
        /// Each stands in once for the telephone; none where there is no second factor.
        recovery: Vec<String>,
    },
}

/// Who I am, and where I am logged in.
#[derive(Clone, Debug, Template)]
#[template(path = "me.html")]
pub struct MePage {
    /// What every page has.
    pub frame: Frame,
    /// As whom, and in how many places.
    pub sentence: String,
    /// "treasurer of Brixton Energy Solar 1".
    pub roles: Vec<String>,
    /// Recovery codes that are left; none where there is no second factor.
    pub codes_left: Option<String>,
    /// The open sessions, this one among them.
    pub sessions: Vec<SessionLine>,
}

/// An open session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionLine {
    /// What it is called.
    pub id: String,
    /// It is the one that asks.
    pub this: bool,
    /// "Firefox on Linux".
    pub agent: String,
    /// Where it began.
    pub address: String,
    /// When it began.
    pub began: String,
    /// When it was last used.
    pub seen: String,
}
