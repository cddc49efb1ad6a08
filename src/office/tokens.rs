//! Tokens: what a program shows in place of a password and a code.
//!
//! There are two kinds. One acts as its user, with commands (`--as USER --token-file FILE`) and
//! through the API. The other only reads, through the API alone, and only what its [`Reach`] says: a
//! society, a roof, and energy in no finer steps than some; it opens no page and no command. Both are
//! kept as hashes, end after a number of days, and may no more than their user may at that moment.

use std::fmt;

use domain::calendar::Instant;
use records::{
    decision::What,
    society::Counts,
    users::{ReadingToken, UserToken, UserTokenEnded},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    Office,
    answer::{Answer, refuse},
    energy::{By, Place},
    node::{Node, hex},
    users::random,
};

/// Longest life of a token, days.
pub const MOST_TOKEN_DAYS: u32 = 400;
const DAY_MS: i64 = 86_400_000;

/// What a token reads at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The only society; all when none.
    pub society: Option<String>,
    /// The only roof of it; all when none.
    pub site: Option<String>,
    /// The finest steps of energy.
    pub step: By,
}

/// A token as it is kept, under its hash.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) label: String,
    pub(super) until: Instant,
    /// None where it acts as its user.
    pub(super) reach: Option<Reach>,
}

/// A token as listed.
#[derive(Clone, Debug, Serialize)]
pub struct TokenLine {
    /// What it is for.
    pub label: String,
    /// When it ends.
    pub until: String,
    /// What it reads, where it only reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
}

/// A program that shows a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its user.
    pub user: String,
    /// What it reads at most.
    pub reach: Reach,
}

impl Reach {
    /// Everything that the user may see.
    pub const ALL: Reach = Reach {
        society: None,
        site: None,
        step: By::Period,
    };

    /// Whether something of a society lies within it; of one of its roofs, where one is named.
    ///
    /// # Errors
    /// When not: what it reads.
    pub fn check(&self, society: &str, site: Option<&str>) -> Answer<()> {
        let here = self.society.as_deref().is_none_or(|own| own == society);
        let roof = self
            .site
            .as_deref()
            .is_none_or(|own| site.is_some_and(|site| site == own));
        if here && roof {
            return Ok(());
        }
        refuse(format!(
            "this token reads {self} and nothing else\nhint: `commonwatt user token` makes one that reads more"
        ))
    }

    /// Whether steps are coarse enough.
    ///
    /// # Errors
    /// When not: what it reads.
    pub fn check_step(&self, step: By) -> Answer<()> {
        if step >= self.step {
            return Ok(());
        }
        refuse(format!(
            "this token reads {self}; these steps are finer\nhint: ask for step={}",
            self.step.word()
        ))
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.society, &self.site) {
            (Some(society), Some(site)) => write!(f, "the roof `{site}` of `{society}`")?,
            (Some(society), None) => write!(f, "`{society}`")?,
            _ => f.write_str("every society of its user")?,
        }
        match self.step {
            By::Period => Ok(()),
            step => write!(f, ", by {} or coarser", step.word()),
        }
    }
}

impl Token {
    /// One that acts as its user.
    pub(super) fn acting(label: String, until: Instant) -> Token {
        Token {
            label,
            until,
            reach: None,
        }
    }

    /// One that only reads.
    pub(super) fn reading(of: &ReadingToken) -> Answer<Token> {
        Ok(Token {
            label: of.label.clone(),
            until: Instant(of.until_ms),
            reach: Some(Reach {
                society: of.society.clone(),
                site: of.site.clone(),
                step: By::of_word(&of.step)?,
            }),
        })
    }
}

impl TokenLine {
    pub(super) fn of(token: &Token) -> TokenLine {
        TokenLine {
            label: token.label.clone(),
            until: token.until.to_string(),
            reads: token.reach.as_ref().map(Reach::to_string),
        }
    }
}

impl Office {
    /// Makes a token for a program that acts as the user, or that only reads; shown once.
    ///
    /// # Errors
    /// When there is no such user, the label is taken, its life too long, or there is no such
    /// society or roof.
    pub fn user_token(
        &self,
        id: &str,
        label: &str,
        days: u32,
        reach: Option<&Reach>,
        now: Instant,
    ) -> Answer<String> {
        match reach {
            Some(Reach {
                society: Some(slug),
                site,
                ..
            }) => {
                let known = self.society(slug)?.known();
                if let Some(site) = site {
                    let roof = Place::Site(site.clone());
                    known.points_of(&roof, Counts::Generation)?;
                }
            }
            Some(Reach { site: Some(_), .. }) => {
                return refuse("a roof is one of a society\nhint: say which with --society");
            }
            _ => {}
        }
        self.node().user_token(id, label, days, reach, now)
    }

    /// Ends a token.
    ///
    /// # Errors
    /// When there is none of this label.
    pub fn end_user_token(&self, id: &str, label: &str, by: &str, now: Instant) -> Answer<()> {
        self.node().end_user_token(id, label, by, now)
    }

    /// Who reads with this token; nobody where it is none, or no longer one.
    #[must_use]
    pub fn program(&self, token: &str, now: Instant) -> Option<Program> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let node = self.node();
        let (user, token) = node.users().of_token(&hash)?;
        (now < token.until).then(|| Program {
            user: user.to_owned(),
            reach: token.reach.clone().unwrap_or(Reach::ALL),
        })
    }
}

impl Node {
    fn user_token(
        &mut self,
        id: &str,
        label: &str,
        days: u32,
        reach: Option<&Reach>,
        now: Instant,
    ) -> Answer<String> {
        let user = self.users().active(id)?;
        if days == 0 || days > MOST_TOKEN_DAYS {
            return refuse(format!("a token lives 1 to {MOST_TOKEN_DAYS} days"));
        }
        let mut known = user.tokens.values();
        if known.any(|token| token.label == label && token.until > now) {
            return refuse(format!(
                "`{id}` has a token `{label}` already\nhint: end it first, or take another label"
            ));
        }
        let token = hex(&random::<32>()?);
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let (user, label) = (id.to_owned(), label.to_owned());
        let until_ms = now.0.saturating_add(i64::from(days) * DAY_MS);
        let what = match reach {
            None => What::UserToken(UserToken {
                user,
                label,
                token_sha256: hex(&hash),
                until_ms,
            }),
            Some(reach) => What::ReadingToken(ReadingToken {
                user,
                label,
                token_sha256: hex(&hash),
                until_ms,
                society: reach.society.clone(),
                site: reach.site.clone(),
                step: reach.step.word().to_owned(),
            }),
        };
        self.decide_all(vec![what], id, now)?;
        Ok(token)
    }

    fn end_user_token(&mut self, id: &str, label: &str, by: &str, now: Instant) -> Answer<()> {
        let user = self.known_user(id)?;
        if !user.tokens.values().any(|token| token.label == label) {
            return refuse(format!("`{id}` has no token `{label}`"));
        }
        let what = What::UserTokenEnded(UserTokenEnded {
            user: id.to_owned(),
            label: label.to_owned(),
        });
        self.decide_all(vec![what], by, now)
    }
}
