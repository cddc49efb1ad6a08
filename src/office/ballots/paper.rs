//! Paper votes, entered by two people.
//!
//! One officer enters whose envelopes were opened and, apart from that, what stood on the papers;
//! another one does the same again without being shown the first entry. Only when both agree do the
//! papers go into the box, each with a random code. Nobody links a name to a paper: the two lists have
//! nothing in common but their length.

use std::collections::BTreeSet;

use domain::calendar::Instant;
use serde::{Deserialize, Serialize};

use super::{open_box, voting::check_may_vote};
use crate::{
    answer::{Answer, OrCaller, refuse},
    society::SocietyOffice,
};

/// Fewest papers that are entered at once: with one, list and paper are one person's.
pub const FEWEST_PAPERS: usize = 3;

/// Paper votes as one officer read them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaperBatch {
    /// Who entered it.
    pub by: String,
    /// Whose envelopes were opened.
    pub voters: BTreeSet<u32>,
    /// What stood on the papers, sorted.
    pub choices: Vec<String>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaperEntered {
    /// It waits for another officer.
    Waits,
    /// Two officers agree; it is in the box.
    InTheBox,
    /// It was taken back by the one who entered it.
    TakenBack,
}

impl SocietyOffice {
    /// Enters paper votes, for the first time or for the second.
    ///
    /// # Errors
    /// When somebody on the list may not vote or has voted, a choice cannot be counted, the lists
    /// differ in length, or the second officer read something else.
    pub fn enter_papers(
        &self,
        number: u32,
        batch: &PaperBatch,
        now: Instant,
    ) -> Answer<PaperEntered> {
        self.with_roll(|roll| {
            let ballot = self.open_ballot(number, now)?;
            let mut held = open_box::read(self, number)?;
            if batch.voters.len() != batch.choices.len() {
                return refuse(format!(
                    "{} envelopes and {} papers; there must be as many of each",
                    batch.voters.len(),
                    batch.choices.len()
                ));
            }
            if batch.voters.len() < FEWEST_PAPERS {
                return refuse(format!(
                    "{} paper votes; they are entered {FEWEST_PAPERS} at a time at least, so that no paper is one person's\nhint: wait for more, or give these voters a code to vote with",
                    batch.voters.len()
                ));
            }
            for voter in &batch.voters {
                check_may_vote(&ballot, roll, &held, *voter)?;
            }
            let mut choices = Vec::new();
            for choice in &batch.choices {
                let choice = ballot.terms.question.choice(choice).or_caller()?;
                choices.push(choice.to_string());
            }
            choices.sort();
            let batch = PaperBatch {
                choices,
                ..batch.clone()
            };
            let Some(first) = held.paper.take() else {
                held.paper = Some(batch);
                open_box::write(self, number, &held)?;
                return Ok(PaperEntered::Waits);
            };
            if first.by == batch.by {
                return refuse(format!(
                    "`{}` entered papers that wait already\nhint: another officer enters them again, without looking at the first entry",
                    first.by
                ));
            }
            if first.voters != batch.voters || first.choices != batch.choices {
                let what = match (first.voters == batch.voters, first.choices == batch.choices) {
                    (false, true) => "whose envelopes were opened",
                    (true, false) => "what stands on the papers",
                    _ => "whose envelopes were opened and what stands on the papers",
                };
                return refuse(format!(
                    "`{}` entered something else about {what}; nothing was counted\nhint: look at the papers together; `{}` takes the first entry back with --take-back",
                    first.by, first.by
                ));
            }
            for choice in batch.choices {
                held.papers.insert(open_box::new_paper()?, choice);
            }
            held.voted.extend(batch.voters);
            open_box::write(self, number, &held)?;
            Ok(PaperEntered::InTheBox)
        })
    }

    /// Takes one's own entry back, as long as nobody has confirmed it.
    ///
    /// # Errors
    /// When nothing waits, or another one entered it.
    pub fn take_papers_back(&self, number: u32, by: &str, now: Instant) -> Answer<PaperEntered> {
        self.with_roll(|_| {
            self.open_ballot(number, now)?;
            let mut held = open_box::read(self, number)?;
            match held.paper.take() {
                Some(first) if first.by == by => {
                    open_box::write(self, number, &held)?;
                    Ok(PaperEntered::TakenBack)
                }
                Some(first) => refuse(format!("they were entered by `{}`", first.by)),
                None => refuse("no paper votes wait"),
            }
        })
    }
}
