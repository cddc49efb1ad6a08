//! Voting: codes, proxies, votes, and finding one's paper again.

use domain::{calendar::Instant, governance::BallotCode, membership::MemberNo};
use records::{decision::What, governance::ProxyAppointed};

use super::{
    Ballot, BallotState,
    open_box::{self, Held, VotingCode},
};
use crate::{
    answer::{Answer, OrCaller, refuse},
    roll::Roll,
    society::SocietyOffice,
};

/// A vote that is to be cast.
#[derive(Clone, Debug)]
pub struct VoteOf {
    /// The ballot.
    pub ballot: u32,
    /// The voter's code.
    pub code: String,
    /// Whose vote it is, where it is not the voter's own.
    pub on_behalf: Option<u32>,
    /// `for`, `against`, `abstain`, or `option=pounds,…`.
    pub choice: String,
}

impl SocietyOffice {
    /// Makes voting codes: of every elector, or anew of one whose letter was lost. They are shown
    /// once; the box keeps their hashes.
    ///
    /// # Errors
    /// When they were made before, the elector is none or has voted, or the ballot takes no votes.
    pub fn voting_codes(
        &self,
        number: u32,
        only: Option<u32>,
        now: Instant,
    ) -> Answer<Vec<VotingCode>> {
        self.with_roll(|_| {
            let ballot = self.still_to_vote(number, now)?;
            let mut held = open_box::read(self, number)?;
            let wanted = match only {
                None if !held.codes.is_empty() => {
                    return refuse(format!(
                        "the codes of ballot `{number}` were made before, and letters may be on their way\nhint: make one elector's code anew with --elector NUMBER; the old one ends then"
                    ));
                }
                None => ballot.called.electors.clone(),
                Some(one) => {
                    elector(&ballot, one)?;
                    if held.voted.contains(&one) {
                        return refuse(format!("elector `{one}` has voted"));
                    }
                    held.codes.retain(|_, whose| *whose != one);
                    vec![one]
                }
            };
            let mut made = Vec::new();
            for elector in wanted {
                let code = open_box::new_code()?;
                held.codes.insert(open_box::print_of(&code), elector);
                made.push(VotingCode { elector, code });
            }
            open_box::write(self, number, &held)?;
            Ok(made)
        })
    }

    /// An elector lets another one vote. It may still vote itself, as long as the other has not.
    ///
    /// # Errors
    /// When either is no elector, the holder has as many as the ballot allows, or the vote is cast.
    pub fn appoint_proxy(
        &self,
        number: u32,
        whose: u32,
        holder: u32,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.with_roll(|_| {
            let ballot = self.still_to_vote(number, now)?;
            for one in [whose, holder] {
                elector(&ballot, one)?;
            }
            if whose == holder {
                return refuse("nobody is a proxy of their own");
            }
            if open_box::read(self, number)?.voted.contains(&whose) {
                return refuse(format!("elector `{whose}` has voted"));
            }
            let others = ballot
                .proxies
                .iter()
                .filter(|(elector, h)| **h == holder && **elector != whose);
            let held = u32::try_from(others.count()).unwrap_or(u32::MAX);
            if held >= ballot.called.proxy_limit {
                return refuse(format!(
                    "elector `{holder}` votes for {held} others already; ballot `{number}` allows {}",
                    ballot.called.proxy_limit
                ));
            }
            let what = What::ProxyAppointed(ProxyAppointed {
                ballot: number,
                elector: whose,
                holder,
            });
            self.decide(what, by, now)
        })
    }

    /// Casts a vote. What comes back is the code of its paper: with it the voter finds it among the
    /// published ones, and nobody else can tell whose it is.
    ///
    /// # Errors
    /// When the ballot takes no votes, the code is nobody's, the elector has voted or has died, or
    /// the choice cannot be counted.
    pub fn vote(&self, of: &VoteOf, now: Instant) -> Answer<BallotCode> {
        self.with_roll(|roll| {
            let ballot = self.open_ballot(of.ballot, now)?;
            let mut held = open_box::read(self, of.ballot)?;
            let Some(voter) = held.codes.get(&open_box::print_of(&of.code)).copied() else {
                return refuse(format!(
                    "this code is no voting code of ballot `{}`\nhint: it has 16 signs and stands on the letter about the ballot; whoever calls ballots makes a new one if it is lost",
                    of.ballot
                ));
            };
            let whose = match of.on_behalf {
                Some(other) if other != voter => {
                    if ballot.proxies.get(&other) != Some(&voter) {
                        return refuse(format!(
                            "elector `{voter}` is no proxy of elector `{other}`"
                        ));
                    }
                    other
                }
                _ => voter,
            };
            let choice = ballot.terms.question.choice(&of.choice).or_caller()?;
            check_may_vote(&ballot, roll, &held, whose)?;
            let code: BallotCode = open_box::new_paper()?.parse().or_caller()?;
            held.voted.insert(whose);
            held.papers.insert(code.to_string(), choice.to_string());
            open_box::write(self, of.ballot, &held)?;
            Ok(code)
        })
    }

    /// What stands on the paper with this code; `None` while the ballot is open and the paper is in
    /// the box.
    ///
    /// # Errors
    /// When no paper has the code.
    pub fn find_paper(&self, number: u32, code: BallotCode) -> Answer<Option<String>> {
        let ballot = self.ballot(number)?;
        let name = code.to_string();
        let found = match &ballot.papers {
            Some(papers) => {
                let paper = papers.iter().find(|paper| paper.code == name);
                paper.map(|paper| Some(paper.choice.clone()))
            }
            None => self.with_roll(|_| {
                let held = open_box::read(self, number)?;
                Ok(held.papers.contains_key(&name).then_some(None))
            })?,
        };
        match found {
            Some(choice) => Ok(choice),
            None => refuse(format!("no paper of ballot `{number}` has code `{code}`")),
        }
    }

    /// A ballot that takes votes now.
    pub(super) fn open_ballot(&self, number: u32, now: Instant) -> Answer<Ballot> {
        let ballot = self.ballot(number)?;
        match ballot.state(now) {
            BallotState::Open => Ok(ballot),
            BallotState::Called => refuse(format!(
                "ballot `{number}` takes votes from `{}`",
                Instant(ballot.called.opens_ms)
            )),
            BallotState::Over | BallotState::Closed => refuse(format!(
                "ballot `{number}` took votes until `{}`",
                Instant(ballot.called.closes_ms)
            )),
            BallotState::Cancelled => refuse(format!("ballot `{number}` was cancelled")),
        }
    }

    /// A ballot that takes votes now or later.
    fn still_to_vote(&self, number: u32, now: Instant) -> Answer<Ballot> {
        let ballot = self.ballot(number)?;
        match ballot.state(now) {
            BallotState::Called => Ok(ballot),
            _ => self.open_ballot(number, now),
        }
    }
}

fn elector(ballot: &Ballot, number: u32) -> Answer<()> {
    if ballot.has_elector(number) {
        return Ok(());
    }
    refuse(format!(
        "`{number}` may not vote in ballot `{}`: not among its {} electors of {}",
        ballot.called.number,
        ballot.called.electors.len(),
        ballot.called.record_day
    ))
}

/// Whether this elector's vote is still to be cast. A member's death ends its votes on the day it is
/// notified, though it was alive on the record day.
pub(super) fn check_may_vote(ballot: &Ballot, roll: &Roll, held: &Held, whose: u32) -> Answer<()> {
    elector(ballot, whose)?;
    if held.voted.contains(&whose) {
        return refuse(format!(
            "elector `{whose}` has voted in ballot `{}`; a vote is cast once",
            ballot.called.number
        ));
    }
    let died = |member: &domain::membership::Member| member.died.is_some();
    if ballot.called.electorate == "members"
        && roll.register.member(MemberNo(whose)).is_ok_and(died)
    {
        return refuse(format!("member `{whose}` has died; the estate has no vote"));
    }
    Ok(())
}
