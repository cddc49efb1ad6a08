//! How the machine is: counts and reasons, for whoever looks after it.

use askama::Template;

use super::Frame;

/// The operations page.
#[derive(Clone, Debug, Template)]
#[template(path = "operations.html")]
pub struct OperationsPage {
    /// What every page has.
    pub frame: Frame,
    /// Whether all is well.
    pub sentence: String,
    /// What is not, as `/healthz` says it.
    pub reasons: Vec<String>,
    /// Whether `[influx]` has a mirror.
    pub has_mirror: bool,
    /// Whether charts read from it.
    pub is_store: bool,
    /// The societies.
    pub societies: Vec<SocietyStanding>,
    /// Points that the mirror does not take, by reason.
    pub dead: Vec<DeadReason>,
}

/// How far the records of one society are. Numbers are spelt; those of the mirror are empty where
/// there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocietyStanding {
    /// Its name.
    pub name: String,
    /// Records in its journal.
    pub records: String,
    /// Records that its series do not have yet.
    pub series_behind: String,
    /// Records that the mirror does not have yet.
    pub mirror_behind: String,
    /// Points the mirror took.
    pub points: String,
    /// Points the mirror does not take.
    pub dead: String,
    /// What keeps the mirror; empty when nothing does.
    pub waits: String,
}

/// Points not taken for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadReason {
    /// Of whom.
    pub society: String,
    /// What the server said, without the point.
    pub reason: String,
    /// How many, spelt.
    pub count: String,
}
