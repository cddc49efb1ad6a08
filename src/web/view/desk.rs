//! The officers' desk: what waits, held reads, interest runs, users, who decided what.

use askama::Template;

use super::{Frame, Link};

/// What waits.
#[derive(Clone, Debug, Template)]
#[template(path = "desk.html")]
pub struct DeskPage {
    /// What every page has.
    pub frame: Frame,
    /// "The desk of Brixton Energy Solar 1".
    pub kicker: String,
    /// How much waits.
    pub sentence: String,
    /// Each thing, the oldest first.
    pub todo: Vec<TodoLine>,
    /// What else there is, by society.
    pub societies: Vec<(String, Vec<Link>)>,
}

/// One thing that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TodoLine {
    /// "15 March 2026".
    pub day: String,
    /// "due", "was due" or "since".
    pub when: &'static str,
    /// It is late.
    pub late: bool,
    /// What it is.
    pub sentence: String,
    /// The society, where several are listed.
    pub society: String,
    /// Whose it is; empty for anybody's.
    pub who: String,
    /// What to do, on a page.
    pub action: Option<Link>,
}

/// Reads that wait.
#[derive(Clone, Debug, Template)]
#[template(path = "held_list.html")]
pub struct HeldListPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's desk.
    pub society: Link,
    /// How many.
    pub sentence: String,
    /// Each, the oldest first.
    pub reads: Vec<HeldLine>,
}

/// A read in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldLine {
    /// Its page.
    pub href: String,
    /// Its time.
    pub at: String,
    /// The roof.
    pub site: String,
    /// The meter.
    pub meter: String,
    /// What the register showed.
    pub kwh: String,
    /// What was noticed first.
    pub why: String,
}

/// One read that waits.
#[derive(Clone, Debug, Template)]
#[template(path = "held.html")]
pub struct HeldPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's desk.
    pub society: Link,
    /// The list.
    pub list: String,
    /// This page.
    pub here: String,
    /// What it is.
    pub sentence: String,
    /// What was noticed.
    pub why: Vec<String>,
    /// When it reached us.
    pub received: String,
    /// What stands behind it.
    pub evidence: String,
    /// The reads around it.
    pub around: Vec<AroundLine>,
    /// If it is accepted.
    pub accepted: ConsequenceWords,
    /// If it is refused.
    pub refused: ConsequenceWords,
    /// The value that would fit, kWh; empty where none is proposed.
    pub proposed: String,
    /// Whether the reader may decide.
    pub may_decide: bool,
    /// Why the last try was not taken.
    pub trouble: Option<String>,
}

/// A read beside the one that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AroundLine {
    /// It is the one.
    pub this: bool,
    /// Its time.
    pub at: String,
    /// What the register showed.
    pub kwh: String,
    /// More than the read before; empty for the first.
    pub advance: String,
    /// What became of it.
    pub verdict: String,
}

/// What follows from a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsequenceWords {
    /// In sentences.
    pub lines: Vec<String>,
}

/// The interest runs of a society.
#[derive(Clone, Debug, Template)]
#[template(path = "interest.html")]
pub struct InterestPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's desk.
    pub society: Link,
    /// How it stands.
    pub sentence: String,
    /// This page.
    pub here: String,
    /// The runs, newest first.
    pub runs: Vec<RunLineWords>,
    /// Whether the reader may prepare one.
    pub may_prepare: bool,
    /// What was typed.
    pub typed: RunTyped,
    /// Why it was not taken.
    pub trouble: Option<String>,
    /// What it would come to.
    pub preview: Option<RunWords>,
}

/// What an officer types to get a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunTyped {
    /// First day.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Per cent a year.
    pub rate: String,
}

/// A run in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunLineWords {
    /// "Run 3".
    pub name: String,
    /// Its page.
    pub href: String,
    /// Its days.
    pub days: String,
    /// Its total.
    pub total: String,
    /// How it stands.
    pub state: String,
}

/// A run, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunWords {
    /// Its total.
    pub total: String,
    /// By class: how it was reckoned.
    pub classes: Vec<String>,
    /// Each member's line, the first of them.
    pub lines: Vec<RunMemberLine>,
    /// How many are not shown, in words; empty when all are.
    pub left_out: String,
    /// All of them, to take away; empty for a preview.
    pub all_lines: String,
    /// How many lines.
    pub count: String,
    /// The hash that is approved.
    pub hash: String,
    /// SAMPLE.
    pub sample: bool,
}

/// A member's line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunMemberLine {
    /// The number.
    pub member: String,
    /// The class.
    pub class: String,
    /// Pounds and pence.
    pub pounds: String,
    /// What was held.
    pub basis: String,
}

/// One run.
#[derive(Clone, Debug, Template)]
#[template(path = "run.html")]
pub struct RunPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's desk.
    pub society: Link,
    /// The list.
    pub list: String,
    /// This page.
    pub here: String,
    /// What it is and what it waits for.
    pub sentence: String,
    /// The steps, and whether each is done.
    pub steps: Vec<(String, bool)>,
    /// The run.
    pub run: RunWords,
    /// What the reader may do now: its value, its words, and what follows.
    pub action: Option<(&'static str, &'static str, &'static str)>,
    /// Why the reader may not.
    pub waits: String,
    /// What comes after it is frozen.
    pub next: Vec<Link>,
    /// Why it was not done.
    pub trouble: Option<String>,
}

/// Who decided what and when.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's desk.
    pub society: Link,
    /// How many decisions.
    pub sentence: String,
    /// The newest first.
    pub lines: Vec<AuditLine>,
    /// Older ones.
    pub older: Option<Link>,
}

/// One decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditLine {
    /// The record in the journal.
    pub record: String,
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// What, in words.
    pub what: String,
    /// Its details, as they are written down.
    pub details: String,
}

/// Users and their rights.
#[derive(Clone, Debug, Template)]
#[template(path = "users.html")]
pub struct UsersPage {
    /// What every page has.
    pub frame: Frame,
    /// How many.
    pub sentence: String,
    /// Each.
    pub users: Vec<UserWords>,
    /// Roles that may be given, with what each may do.
    pub roles: Vec<(String, String)>,
    /// Societies: address and name; the reader may give rights there.
    pub societies: Vec<(String, String)>,
    /// Whether the reader may give rights everywhere.
    pub everywhere: bool,
    /// A code that was just made: for whom, and what.
    pub code: Option<(String, String)>,
    /// Why it was not done.
    pub trouble: Option<String>,
}

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserWords {
    /// The id.
    pub id: String,
    /// How they stand.
    pub state: String,
    /// Roles and memberships.
    pub roles: String,
    /// Sessions that are open.
    pub sessions: String,
    /// What can be done.
    pub may_change: bool,
    /// They are not disabled.
    pub active: bool,
    /// They have no password yet.
    pub invited: bool,
}

/// A meter that says nothing, or a roof that falls behind.
#[derive(Clone, Debug, Template)]
#[template(path = "alert.html")]
pub struct AlertPage {
    /// What every page has.
    pub frame: Frame,
    /// The society's desk.
    pub society: Link,
    /// This page.
    pub here: String,
    /// What it is.
    pub sentence: String,
    /// The roof's page.
    pub roof: Option<Link>,
    /// What became of it so far.
    pub history: Vec<String>,
    /// Whether the reader may say what is being done.
    pub may_say: bool,
    /// Why it was not taken.
    pub trouble: Option<String>,
}
