//! A member's statement of share interest: what it gets, when, how we know.
//!
//! This module is the view model; `words` makes the sentences, `forms` prints them as text, page and
//! as the data of a typeset sheet. All three say the same, in the same order: the sentence, the
//! picture, the holding, what follows, the working down to the reads of the meters. Nothing is
//! reckoned here but the tax year of a day: amounts come from the frozen run.

mod forms;
mod words;

use std::sync::Arc;

use domain::{calendar::LocalDay, money::Pence};

use crate::GenerationReport;

/// What all statements of a run share.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The society.
    pub society: String,
    /// Its name in addresses.
    pub slug: String,
    /// The run's number.
    pub number: u32,
    /// The run's hash.
    pub hash: String,
    /// First day.
    pub from: LocalDay,
    /// Last day.
    pub to: LocalDay,
    /// Who prepared it.
    pub prepared_by: String,
    /// Who approved it.
    pub approved_by: String,
    /// The day it was frozen; the statement's date.
    pub frozen_on: LocalDay,
    /// How many lines it has.
    pub lines: usize,
    /// Their sum.
    pub total: Pence,
    /// How pence that a division leaves over were given; nothing where each line is rounded.
    pub remainder_rule: String,
    /// The voided run whose place it took.
    pub replaces: Option<u32>,
    /// What was published of the indices that rules needed, as sentences.
    pub published: Vec<String>,
    /// The share classes of the run.
    pub classes: Vec<ClassFacts>,
    /// What was given to the community fund for these days, where the books know it.
    pub fund: Option<Pence>,
    /// What the roofs made.
    pub generation: GenerationReport,
    /// The same as a picture, SVG.
    pub chart: String,
    /// The roofs with the reads at both ends.
    pub roofs: Vec<RoofReads>,
    /// Records in the journal right after the freezing, and its root then.
    pub head: (u64, String),
    /// Where the working can be opened, where the society has a public address.
    pub address: Option<String>,
    /// True for sample data.
    pub sample: bool,
    /// What is said of sample data.
    pub notices: Vec<String>,
}

/// A share class as the run used it.
#[derive(Clone, Debug)]
pub struct ClassFacts {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The par of a share.
    pub par: Pence,
    /// The rate declared, as `3.25 %` or `12 p a share`; empty for a pot.
    pub rate: String,
    /// The rule in words.
    pub rule: String,
    /// The highest rate, declared in advance.
    pub maximum: String,
    /// How time is counted: `actual/365`, `actual/actual`, `whole-months`, `record-day`.
    pub days: String,
    /// Whether the day of issue earns.
    pub issue_day: bool,
    /// True when half a penny is dropped.
    pub rounds_down: bool,
}

/// A meter of a roof with its reads at both ends of the period.
#[derive(Clone, Debug)]
pub struct RoofReads {
    /// The roof.
    pub roof: String,
    /// The meter and register.
    pub meter: String,
    /// The read at the start, in words with its time.
    pub opening: String,
    /// The read at the end.
    pub closing: String,
    /// What passed between, in words.
    pub made: String,
    /// Photos of the dial at the two reads, by the name under which they are kept.
    pub photos: [Option<String>; 2],
}

/// To whom it is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// The member's number.
    pub member: u32,
    /// The member's name.
    pub name: String,
    /// `person`, `organisation` and so on.
    pub kind: &'static str,
    /// Lines of the postal address, with the post code; none when it is not known.
    pub address: Vec<String>,
    /// The day the member died.
    pub died: Option<LocalDay>,
}

/// What becomes of the interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Paid to the account the society knows.
    Bank,
    /// Wanted in the bank, and no details are in force.
    BankUnknown,
    /// Paid by cheque.
    Cheque,
    /// Turned into shares; what is less than a share is carried, or paid.
    Reinvest {
        /// True when the rest is kept for the next time.
        carried: bool,
    },
    /// Given to the community fund.
    Fund,
}

/// One line of the run.
#[derive(Clone, Debug)]
pub struct StatementLine {
    /// The share class, by its place in [`RunFacts::classes`].
    pub class: usize,
    /// What was held when.
    pub held: Vec<HeldSpan>,
    /// The interest.
    pub pence: Pence,
}

/// Shares held over a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSpan {
    /// Shares.
    pub shares: i64,
    /// First day.
    pub first: LocalDay,
    /// Last day.
    pub last: LocalDay,
    /// Why it earned nothing: `nothing after death`.
    pub why_not: Option<String>,
}

/// One member's statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// What all share.
    pub run: Arc<RunFacts>,
    /// To whom.
    pub to: Addressee,
    /// What becomes of it.
    pub choice: Choice,
    /// Its lines, by class.
    pub lines: Vec<StatementLine>,
    /// Their sum.
    pub total: Pence,
    /// The day the money goes out: that of the order that pays it, or as it was said.
    pub pay_on: Option<LocalDay>,
}

impl Statement {
    /// `0012-bes1-2013.pdf`: the member first, so that a folder lies in the order of the roll.
    #[must_use]
    pub fn file_name(&self, ending: &str) -> String {
        let run = &self.run;
        format!(
            "{:05}-{}-run-{}.{ending}",
            self.to.member, run.slug, run.number
        )
    }
}
