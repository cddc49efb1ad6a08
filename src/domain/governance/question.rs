//! What is asked, and what one voter may answer.

use core::{fmt, str::FromStr};
use std::collections::BTreeMap;

use crate::money::Pence;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// For, against or abstain.
    Resolution(Majority),
    /// How a fund is shared out.
    Budget {
        /// What there is.
        pot: Pence,
        /// What it may go to, each once.
        options: Vec<BudgetOption>,
    },
}

/// How many must be for it. Those who abstain count towards the quorum and towards neither side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Majority {
    /// More for than against.
    Simple,
    /// At least three for each one against: three quarters of the votes cast.
    ThreeQuarters,
}

/// Something a fund may go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetOption {
    /// Its id on the ballot.
    pub id: String,
    /// What it is.
    pub name: String,
    /// The most it can use.
    pub limit: Pence,
}

/// One voter's word on a resolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vote {
    /// For it.
    For,
    /// Against it.
    Against,
    /// Neither.
    Abstain,
}

/// What one voter answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// To a resolution.
    Resolution(Vote),
    /// To a budget: whole pounds for each option that gets something.
    Budget(BTreeMap<String, Pence>),
}

/// The answer cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAChoice {
    /// A word that is none of the three.
    #[error("`{0}` is no vote; expected `for`, `against` or `abstain`")]
    Vote(String),
    /// Not `option=pounds`.
    #[error("`{0}` is no share of a budget; expected `option=pounds,option=pounds`, whole pounds")]
    Budget(String),
    /// An option that is not on the ballot.
    #[error("`{named}` is not on the ballot; its options are {options}")]
    Unknown {
        /// What was named.
        named: String,
        /// What there is.
        options: String,
    },
    /// An option twice.
    #[error("`{0}` is named twice")]
    Twice(String),
    /// More than the option can use.
    #[error("{pounds} for `{option}` is more than it can use; its limit is {limit}")]
    OverLimit {
        /// The option.
        option: String,
        /// What was given.
        pounds: Pence,
        /// Its limit.
        limit: Pence,
    },
    /// More than there is.
    #[error("{given} in all is more than there is; the fund has {pot}")]
    OverPot {
        /// The sum given.
        given: Pence,
        /// The fund.
        pot: Pence,
    },
}

impl Question {
    /// Reads one voter's answer: `for`, `against` or `abstain`; or `garden=4000,lights=6000` in
    /// whole pounds, where an empty text gives nothing to anything.
    ///
    /// ```
    /// use commonwatt_domain::governance::{Choice, Majority, Question, Vote};
    /// let question = Question::Resolution(Majority::Simple);
    /// assert_eq!(question.choice("for")?, Choice::Resolution(Vote::For));
    /// assert!(question.choice("perhaps").is_err());
    /// # Ok::<(), commonwatt_domain::governance::NotAChoice>(())
    /// ```
    ///
    /// # Errors
    /// When it cannot be counted, which rule it breaks.
    pub fn choice(&self, text: &str) -> Result<Choice, NotAChoice> {
        let choice = match self {
            Question::Resolution(_) => Choice::Resolution(text.trim().parse()?),
            Question::Budget { .. } => Choice::Budget(budget(text)?),
        };
        self.check(&choice)?;
        Ok(choice)
    }

    /// Whether an answer can be counted.
    ///
    /// # Errors
    /// When it cannot, which rule it breaks.
    pub fn check(&self, choice: &Choice) -> Result<(), NotAChoice> {
        match (self, choice) {
            (Question::Resolution(_), Choice::Resolution(_)) => Ok(()),
            (Question::Budget { pot, options }, Choice::Budget(shares)) => {
                within(*pot, options, shares)
            }
            (Question::Resolution(_), Choice::Budget(_)) => {
                Err(NotAChoice::Vote(choice.to_string()))
            }
            (Question::Budget { .. }, Choice::Resolution(_)) => {
                Err(NotAChoice::Budget(choice.to_string()))
            }
        }
    }
}

/// A voter shares out at most the pot, and gives no option more than it can use.
fn within(
    pot: Pence,
    options: &[BudgetOption],
    shares: &BTreeMap<String, Pence>,
) -> Result<(), NotAChoice> {
    let mut given = 0_i64;
    for (id, share) in shares {
        let Some(option) = options.iter().find(|option| option.id == *id) else {
            let ids: Vec<String> = options.iter().map(|o| format!("`{}`", o.id)).collect();
            return Err(NotAChoice::Unknown {
                named: id.clone(),
                options: ids.join(", "),
            });
        };
        if share.0 <= 0 || share.0.checked_rem(100) != Some(0) {
            return Err(NotAChoice::Budget(format!("{id}={share}")));
        }
        if *share > option.limit {
            return Err(NotAChoice::OverLimit {
                option: id.clone(),
                pounds: *share,
                limit: option.limit,
            });
        }
        given = given.saturating_add(share.0);
    }
    if given > pot.0 {
        return Err(NotAChoice::OverPot {
            given: Pence(given),
            pot,
        });
    }
    Ok(())
}

fn budget(text: &str) -> Result<BTreeMap<String, Pence>, NotAChoice> {
    let mut shares = BTreeMap::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let wrong = || NotAChoice::Budget(part.to_owned());
        let (id, pounds) = part.split_once('=').ok_or_else(wrong)?;
        let pounds: i64 = pounds.trim().parse().map_err(|_| wrong())?;
        let pence = pounds.checked_mul(100).ok_or_else(wrong)?;
        let id = id.trim().to_owned();
        if pence < 0 || shares.contains_key(&id) {
            return Err(match pence {
                ..0 => wrong(),
                _ => NotAChoice::Twice(id),
            });
        }
        if pence > 0 {
            shares.insert(id, Pence(pence));
        }
    }
    Ok(shares)
}

impl Vote {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Vote::For => "for",
            Vote::Against => "against",
            Vote::Abstain => "abstain",
        }
    }
}

impl FromStr for Vote {
    type Err = NotAChoice;

    fn from_str(word: &str) -> Result<Vote, NotAChoice> {
        [Vote::For, Vote::Against, Vote::Abstain]
            .into_iter()
            .find(|vote| vote.word() == word)
            .ok_or_else(|| NotAChoice::Vote(word.to_owned()))
    }
}

impl Majority {
    /// Its word in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Majority::Simple => "simple",
            Majority::ThreeQuarters => "three-quarters",
        }
    }

    /// The majority with that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Majority> {
        [Majority::Simple, Majority::ThreeQuarters]
            .into_iter()
            .find(|majority| majority.word() == word)
    }

    /// Whether so many for and against carry a resolution.
    #[must_use]
    pub fn carries(self, votes_for: u64, against: u64) -> bool {
        match self {
            Majority::Simple => votes_for > against,
            Majority::ThreeQuarters => votes_for > 0 && votes_for >= against.saturating_mul(3),
        }
    }
}

/// As [`Question::choice`] reads it.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Choice::Resolution(vote) => f.write_str(vote.word()),
            Choice::Budget(shares) => {
                for (place, (id, pence)) in shares.iter().enumerate() {
                    let comma = if place == 0 { "" } else { "," };
                    write!(f, "{comma}{id}={}", pence.0.checked_div(100).unwrap_or(0))?;
                }
                Ok(())
            }
        }
    }
}
