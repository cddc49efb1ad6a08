//! Ballots: members decide, residents are asked.
//!
//! A ballot is called with its question and its electors, by number, as they stand on the record
//! day. While it is open nothing of a vote is in the journal: who voted and what was voted lie apart
//! in the [`open_box`], a file sealed with a key of its own. At the close two records are appended in one
//! group, who voted (sorted by number) and the papers (sorted by random code); then the key and the
//! file are destroyed. From there on the tally is a pure function of what is in the journal, and
//! anybody can count the published papers again.

mod call;
mod forms;
mod open_box;
mod paper;
mod published;
mod voting;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    calendar::Instant,
    governance::{BallotCode, BudgetOption, Cast, Majority, Question, Quorum, Tally, Terms, tally},
    money::Pence,
};
use records::{
    decision::What,
    governance::{BallotBox, BallotCalled, BallotCancelled, BallotQuestion, BallotVoters, Paper},
};

pub use call::{BallotFile, CallOf};
pub use open_box::VotingCode;
pub use paper::{PaperBatch, PaperEntered};
pub use published::{document, outcome_words, published};
pub use voting::VoteOf;

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    society::SocietyOffice,
};

/// The kind of the decision that calls a ballot.
pub(super) const CALLED: &str = "ballot-called/1";
/// The kind of the decision that appoints a proxy.
pub(super) const PROXY: &str = "proxy-appointed/1";
/// The kind of the decision that says who voted.
pub(super) const VOTERS: &str = "ballot-voters/1";
/// The kind of the decision that holds the papers.
pub(super) const BOX: &str = "ballot-box/1";
/// The kind of the decision that gives a ballot up.
pub(super) const CANCELLED: &str = "ballot-cancelled/1";

/// A ballot as the journal has it.
#[derive(Clone, Debug)]
pub struct Ballot {
    /// As it was called.
    pub called: BallotCalled,
    /// Who called it.
    pub by: String,
    /// What is asked and how many must answer.
    pub terms: Terms,
    /// Elector and who may vote for it.
    pub proxies: BTreeMap<u32, u32>,
    /// Who voted, once it is closed.
    pub voters: Option<Vec<u32>>,
    /// The papers, once it is closed.
    pub papers: Option<Vec<Paper>>,
    /// Why it was given up.
    pub cancelled: Option<String>,
}

/// How a ballot stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BallotState {
    /// Not yet open.
    Called,
    /// Votes are taken.
    Open,
    /// No vote is taken any more, and nobody has closed it yet.
    Over,
    /// Counted.
    Closed,
    /// Given up.
    Cancelled,
}

impl BallotState {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            BallotState::Called => "called",
            BallotState::Open => "open",
            BallotState::Over => "to be closed",
            BallotState::Closed => "closed",
            BallotState::Cancelled => "cancelled",
        }
    }
}

impl Ballot {
    /// How it stands.
    #[must_use]
    pub fn state(&self, now: Instant) -> BallotState {
        match () {
            () if self.cancelled.is_some() => BallotState::Cancelled,
            () if self.papers.is_some() => BallotState::Closed,
            () if now.0 < self.called.opens_ms => BallotState::Called,
            () if now.0 < self.called.closes_ms => BallotState::Open,
            () => BallotState::Over,
        }
    }

    /// What a budget shares out; none for a resolution.
    #[must_use]
    pub fn pot(&self) -> Option<Pence> {
        match &self.called.question {
            BallotQuestion::Budget { pot_pence, .. } => Some(Pence(*pot_pence)),
            BallotQuestion::Resolution { .. } => None,
        }
    }

    /// What a budget may go to: id, name and the most it can use. None for a resolution.
    #[must_use]
    pub fn options(&self) -> Vec<(String, String, Pence)> {
        match &self.called.question {
            BallotQuestion::Resolution { .. } => Vec::new(),
            BallotQuestion::Budget { options, .. } => {
                let of = |option: &records::governance::BallotOption| {
                    let limit = Pence(option.limit_pence);
                    (option.id.clone(), option.name.clone(), limit)
                };
                options.iter().map(of).collect()
            }
        }
    }

    /// Whether somebody may vote in it.
    #[must_use]
    pub fn has_elector(&self, number: u32) -> bool {
        self.called.electors.binary_search(&number).is_ok()
    }

    /// What was counted, once it is closed.
    ///
    /// # Errors
    /// When a paper in the journal cannot be read.
    pub fn tally(&self) -> Answer<Option<Tally>> {
        let Some(papers) = &self.papers else {
            return Ok(None);
        };
        let mut cast = BTreeSet::new();
        for paper in papers {
            let code: BallotCode = paper.code.parse().or_ours("a ballot's code")?;
            let choice = self.terms.question.choice(&paper.choice);
            cast.insert(Cast {
                code,
                choice: choice.or_ours("a ballot's paper")?,
            });
        }
        Ok(Some(tally(&self.terms, &cast)))
    }
}

impl SocietyOffice {
    /// Every ballot, in the order in which they were called.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn ballots(&self) -> Answer<Vec<Ballot>> {
        let mut all: Vec<Ballot> = Vec::new();
        for decision in self.decisions(&[CALLED, PROXY, VOTERS, BOX, CANCELLED])? {
            let at = |number: u32| usize::try_from(number).unwrap_or(0).wrapping_sub(1);
            match decision.what {
                What::BallotCalled(called) => all.push(Ballot {
                    terms: terms_of(&called)?,
                    called: *called,
                    by: decision.by,
                    proxies: BTreeMap::new(),
                    voters: None,
                    papers: None,
                    cancelled: None,
                }),
                What::ProxyAppointed(of) => {
                    if let Some(ballot) = all.get_mut(at(of.ballot)) {
                        ballot.proxies.insert(of.elector, of.holder);
                    }
                }
                What::BallotVoters(of) => {
                    if let Some(ballot) = all.get_mut(at(of.ballot)) {
                        ballot.voters = Some(of.voters);
                    }
                }
                What::BallotBox(of) => {
                    if let Some(ballot) = all.get_mut(at(of.ballot)) {
                        ballot.papers = Some(of.ballots);
                    }
                }
                What::BallotCancelled(of) => {
                    if let Some(ballot) = all.get_mut(at(of.ballot)) {
                        ballot.cancelled = Some(of.reason);
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// One ballot.
    ///
    /// # Errors
    /// When there is no such ballot, or the books are damaged.
    pub fn ballot(&self, number: u32) -> Answer<Ballot> {
        let all = self.ballots()?;
        let count = all.len();
        let found = all.into_iter().find(|b| b.called.number == number);
        found.ok_or_else(|| {
            Refusal::Caller(format!(
                "there is no ballot `{number}` in `{}`; there are {count}\nhint: `commonwatt ballot list` shows them",
                self.slug()
            ))
        })
    }

    /// How many have voted so far in a ballot that is not closed; after it, how many did. `None` when
    /// its box is not here, as after a restore: the list of ballots must not depend on one of them.
    ///
    /// # Errors
    /// When the box is damaged.
    pub fn turnout(&self, ballot: &Ballot) -> Answer<Option<usize>> {
        if let Some(voters) = &ballot.voters {
            return Ok(Some(voters.len()));
        }
        if ballot.cancelled.is_some() {
            return Ok(Some(0));
        }
        self.with_roll(|_| match open_box::read(self, ballot.called.number) {
            Ok(held) => Ok(Some(held.voted.len())),
            Err(Refusal::Caller(_)) => Ok(None),
            Err(ours) => Err(ours),
        })
    }

    /// Closes a ballot: its votes go into the journal, who voted apart from what was voted, and the
    /// box is destroyed. Closing twice closes once.
    ///
    /// # Errors
    /// When its time is not over and somebody has yet to vote, or paper votes wait for a second
    /// officer.
    pub fn close_ballot(&self, number: u32, by: &str, now: Instant) -> Answer<Ballot> {
        self.with_roll(|_| {
            let ballot = self.ballot(number)?;
            match ballot.state(now) {
                BallotState::Cancelled => {
                    return refuse(format!("ballot `{number}` was cancelled"));
                }
                BallotState::Closed => return open_box::destroy(self, number),
                BallotState::Called | BallotState::Open | BallotState::Over => {}
            }
            let held = open_box::read(self, number)?;
            let all_in = held.voted.len() == ballot.called.electors.len();
            if now.0 < ballot.called.closes_ms && !all_in {
                return refuse(format!(
                    "ballot `{number}` takes votes until `{}`; {} of {} electors have voted\nhint: close it then",
                    Instant(ballot.called.closes_ms),
                    held.voted.len(),
                    ballot.called.electors.len()
                ));
            }
            if let Some(batch) = &held.paper {
                return refuse(format!(
                    "{} paper votes that `{}` entered wait for a second officer\nhint: another officer enters the same papers with `commonwatt ballot paper {number} …`, or `{}` takes them back with `--take-back`",
                    batch.voters.len(),
                    batch.by,
                    batch.by
                ));
            }
            let papers = |(code, choice): (&String, &String)| Paper {
                code: code.clone(),
                choice: choice.clone(),
            };
            let what = vec![
                What::BallotVoters(BallotVoters {
                    ballot: number,
                    voters: held.voted.iter().copied().collect(),
                }),
                What::BallotBox(BallotBox {
                    ballot: number,
                    ballots: held.papers.iter().map(papers).collect(),
                }),
            ];
            self.decide_all(what, by, now)?;
            open_box::destroy(self, number)
        })?;
        self.ballot(number)
    }

    /// Gives a ballot up: what was voted is destroyed uncounted.
    ///
    /// # Errors
    /// When it is closed, or no reason is given.
    pub fn cancel_ballot(&self, number: u32, reason: &str, by: &str, now: Instant) -> Answer<()> {
        if reason.trim().is_empty() {
            return refuse("a ballot that is given up needs a reason\nhint: say it with --reason");
        }
        self.with_roll(|_| {
            let ballot = self.ballot(number)?;
            match ballot.state(now) {
                BallotState::Closed => refuse(format!(
                    "ballot `{number}` is closed and counted\nhint: call another one"
                )),
                BallotState::Cancelled => open_box::destroy(self, number),
                BallotState::Called | BallotState::Open | BallotState::Over => {
                    let what = What::BallotCancelled(BallotCancelled {
                        ballot: number,
                        reason: reason.to_owned(),
                    });
                    self.decide(what, by, now)?;
                    open_box::destroy(self, number)
                }
            }
        })
    }
}

/// The terms of a ballot in the journal.
fn terms_of(called: &BallotCalled) -> Answer<Terms> {
    let question = match &called.question {
        BallotQuestion::Resolution { majority } => Question::Resolution(
            Majority::of_word(majority)
                .ok_or(majority)
                .or_ours("a majority nobody knows")?,
        ),
        BallotQuestion::Budget { pot_pence, options } => Question::Budget {
            pot: Pence(*pot_pence),
            options: options
                .iter()
                .map(|option| BudgetOption {
                    id: option.id.clone(),
                    name: option.name.clone(),
                    limit: Pence(option.limit_pence),
                })
                .collect(),
        },
    };
    Ok(Terms {
        question,
        electors: called.electors.len() as u64,
        quorum: quorum_of(&called.quorum)?,
    })
}

/// `12` voters, or `10 %` of the electors.
fn quorum_of(text: &str) -> Answer<Quorum> {
    let read = match text.trim().strip_suffix('%') {
        Some(percent) => percent
            .trim()
            .parse()
            .ok()
            .filter(|percent| *percent <= 100)
            .map(Quorum::Percent),
        None => text.trim().parse().ok().map(Quorum::Voters),
    };
    read.ok_or_else(|| {
        Refusal::Caller(format!(
            "`{text}` is no quorum; expected a number of voters like `12`, or `10 %` of the electors"
        ))
    })
}
