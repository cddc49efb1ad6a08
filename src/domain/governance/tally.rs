//! Counting, and what was decided.

use std::collections::{BTreeMap, BTreeSet};

use super::{BallotCode, Choice, Question, Vote};
use crate::money::Pence;

/// The rules of one ballot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What is asked.
    pub question: Question,
    /// How many may vote.
    pub electors: u64,
    /// How many must.
    pub quorum: Quorum,
}

/// How many must vote for a ballot to decide anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quorum {
    /// So many voters.
    Voters(u64),
    /// So many per cent of the electors, rounded up.
    Percent(u8),
}

/// One ballot paper.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cast {
    /// Its code.
    pub code: BallotCode,
    /// What stands on it.
    pub choice: Choice,
}

/// What was counted, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Ballots counted.
    pub voters: u64,
    /// How many there had to be.
    pub needed: u64,
    /// What was decided.
    pub decided: Decided,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// About a resolution.
    Resolution {
        /// Votes for.
        votes_for: u64,
        /// Votes against.
        against: u64,
        /// Abstentions.
        abstain: u64,
        /// Whether it was carried.
        carried: bool,
    },
    /// About a fund.
    Budget {
        /// By option, in the order of the ballot.
        lines: Vec<OptionLine>,
        /// What stays in the fund.
        kept: Pence,
    },
}

/// What an option of a budget gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionLine {
    /// The option.
    pub id: String,
    /// Voters who gave it something.
    pub voters: u64,
    /// What they gave it together.
    pub given: Pence,
    /// What it gets.
    pub granted: Pence,
}

impl Quorum {
    /// How many voters that is.
    #[must_use]
    pub fn of(self, electors: u64) -> u64 {
        match self {
            Quorum::Voters(voters) => voters,
            Quorum::Percent(percent) => electors.saturating_mul(u64::from(percent)).div_ceil(100),
        }
    }
}

/// Counts ballots. An option of a budget gets the mean of what all voters gave it, so that each voter
/// disposes of an equal part of the fund; the mean is rounded down to a whole penny, once for each
/// option, and what is left over stays in the fund. So no option gets more than it can use and all
/// together no more than there is. Below the quorum nothing is carried and nothing granted.
#[must_use]
pub fn tally(terms: &Terms, ballots: &BTreeSet<Cast>) -> Tally {
    let voters = u64::try_from(ballots.len()).unwrap_or(u64::MAX);
    let needed = terms.quorum.of(terms.electors).max(1);
    let quorate = voters >= needed;
    let decided = match &terms.question {
        Question::Resolution(majority) => {
            let count = |vote: Vote| {
                let same = ballots
                    .iter()
                    .filter(|cast| cast.choice == Choice::Resolution(vote));
                u64::try_from(same.count()).unwrap_or(u64::MAX)
            };
            let (votes_for, against) = (count(Vote::For), count(Vote::Against));
            Decided::Resolution {
                votes_for,
                against,
                abstain: count(Vote::Abstain),
                carried: quorate && majority.carries(votes_for, against),
            }
        }
        Question::Budget { pot, options } => {
            let mut given: BTreeMap<&str, (u64, i64)> = BTreeMap::new();
            for cast in ballots {
                let Choice::Budget(shares) = &cast.choice else {
                    continue;
                };
                for (id, share) in shares {
                    let (voters, sum) = given.entry(id).or_default();
                    *voters = voters.saturating_add(1);
                    *sum = sum.saturating_add(share.0);
                }
            }
            let all = i64::try_from(voters).unwrap_or(i64::MAX).max(1);
            let lines: Vec<OptionLine> = options
                .iter()
                .map(|option| {
                    let (voters, sum) = given.get(option.id.as_str()).copied().unwrap_or((0, 0));
                    let mean = sum.checked_div(all).unwrap_or(0);
                    OptionLine {
                        id: option.id.clone(),
                        voters,
                        given: Pence(sum),
                        granted: Pence(if quorate { mean } else { 0 }),
                    }
                })
                .collect();
            let granted = lines
                .iter()
                .fold(0_i64, |sum, line| sum.saturating_add(line.granted.0));
            Decided::Budget {
                lines,
                kept: Pence(pot.0.saturating_sub(granted)),
            }
        }
    };
    Tally {
        voters,
        needed,
        decided,
    }
}
