//! Rules that say what a share class is paid: a rate fixed, tied to an index, or only aimed at.
//!
//! A rule gives a rate for a year from what was published for it, and the board declares that rate
//! or a lower one. A rate above the rule, or above the maximum declared in advance, is refused, and
//! earlier years cannot matter: there is no catching up (FCA guidance on share interest as a cost of
//! capital, in advance and as low as keeps it).

use core::fmt;

use rust_decimal::Decimal;

use super::rate::{Percent, ShareRate};
use crate::money::Pence;

/// What a rule may be tied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Index {
    /// The 12-month change of retail prices, as published to one decimal.
    Rpi,
    /// The 12-month change of consumer prices, as published to one decimal.
    Cpi,
    /// Bank Rate.
    BaseRate,
}

/// What was published, with where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexValue {
    /// Of what.
    pub index: Index,
    /// Per cent; below zero when prices fell.
    pub percent: Decimal,
    /// Where it stands in print.
    pub source: String,
}

/// How the rate of a share class comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateRule {
    /// So much a year.
    Fixed(Percent),
    /// An index and a margin, at most the cap (BWCE: December's RPI and 3.5, at most 7).
    LowerOf {
        /// At most this.
        cap: Percent,
        /// The index.
        index: Index,
        /// Added to it.
        margin: Percent,
    },
    /// An index and a margin, and this if that is higher (rule text of the sector: 2 above base
    /// rate, or 5, whichever is greater).
    HigherOf {
        /// At least this.
        floor: Percent,
        /// The index.
        index: Index,
        /// Added to it.
        margin: Percent,
    },
    /// An index and a margin.
    Above {
        /// The index.
        index: Index,
        /// Added to it.
        margin: Percent,
    },
    /// So many pence a share as the board declares; the rule itself names no rate (Westmill).
    PencePerShare,
    /// A rate aimed at; a lower one is no breach.
    Target(Percent),
}

/// What a rule gives for a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruled {
    /// This rate.
    Rate(Percent),
    /// Whatever is declared, up to the maximum.
    Open,
}

/// A rate may not be declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDeclared {
    /// Higher than the maximum.
    #[error(
        "`{declared}` is above the maximum of `{maximum}` declared in advance; expected at most that\nhint: lean years before do not raise it: interest is not caught up"
    )]
    AboveMaximum {
        /// What was to be declared.
        declared: ShareRate,
        /// The maximum.
        maximum: ShareRate,
    },
    /// Higher than the rule of the class.
    #[error("`{declared}` is above what the rule gives, `{ruled}`: {rule}; expected at most that")]
    AboveRule {
        /// What was to be declared.
        declared: ShareRate,
        /// What the rule gives.
        ruled: ShareRate,
        /// The rule in words.
        rule: String,
    },
    /// The rule is tied to an index of which nothing was said.
    #[error(
        "the rule needs {index}: {rule}; nothing published was given\nhint: name it with its source"
    )]
    NoIndex {
        /// Of what.
        index: Index,
        /// The rule in words.
        rule: String,
    },
    /// Shares need a par.
    #[error("a share's par is `{0}`; expected more than nothing")]
    NoPar(Pence),
    /// The index and the margin give more than a rate can be.
    #[error("the rule gives `{0}` per cent; expected at most 100")]
    TooHigh(Decimal),
}

impl Index {
    /// The word used in files and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Index::Rpi => "RPI",
            Index::Cpi => "CPI",
            Index::BaseRate => "base rate",
        }
    }

    /// The index of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Index> {
        [Index::Rpi, Index::Cpi, Index::BaseRate]
            .into_iter()
            .find(|index| index.word().eq_ignore_ascii_case(word))
    }
}

impl RateRule {
    /// What the rule gives, from what was published.
    ///
    /// ```
    /// use commonwatt_domain::interest::{Index, IndexValue, RateRule, Ruled};
    /// // BWCE, shares before February 2019: December's RPI and 3.5, at most 7.
    /// let rule = RateRule::LowerOf { cap: "7".parse()?, index: Index::Rpi, margin: "3.5".parse()? };
    /// let rpi = IndexValue { index: Index::Rpi, percent: "1.2".parse()?, source: "ONS".into() };
    /// assert_eq!(rule.rate(&[rpi])?, Ruled::Rate("4.7".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the index it needs is not among `published`, or gives more than 100 per cent.
    pub fn rate(&self, published: &[IndexValue]) -> Result<Ruled, NotDeclared> {
        let above = |index: Index, margin: Percent| -> Result<Decimal, NotDeclared> {
            let value = published.iter().find(|value| value.index == index);
            let value = value.ok_or_else(|| NotDeclared::NoIndex {
                index,
                rule: self.to_string(),
            })?;
            let sum = value.percent.checked_add(margin.decimal());
            // Prices that fell by more than the margin leave nothing to pay, never less.
            sum.map(|sum| sum.max(Decimal::ZERO))
                .ok_or(NotDeclared::TooHigh(value.percent))
        };
        let percent = match self {
            RateRule::Fixed(percent) => percent.decimal(),
            RateRule::LowerOf { cap, index, margin } => above(*index, *margin)?.min(cap.decimal()),
            RateRule::HigherOf {
                floor,
                index,
                margin,
            } => above(*index, *margin)?.max(floor.decimal()),
            RateRule::Above { index, margin } => above(*index, *margin)?,
            RateRule::PencePerShare | RateRule::Target(_) => return Ok(Ruled::Open),
        };
        Percent::new(percent)
            .map(Ruled::Rate)
            .map_err(|_| NotDeclared::TooHigh(percent))
    }

    /// The declared rate, when neither this rule nor the maximum forbids it.
    ///
    /// # Errors
    /// [`NotDeclared`] with the reason.
    pub fn declare(
        &self,
        declared: ShareRate,
        maximum: ShareRate,
        par: Pence,
        published: &[IndexValue],
    ) -> Result<ShareRate, NotDeclared> {
        let above = |limit: ShareRate| {
            declared
                .compare(limit, par)
                .map(core::cmp::Ordering::is_gt)
                .ok_or(NotDeclared::NoPar(par))
        };
        if above(maximum)? {
            return Err(NotDeclared::AboveMaximum { declared, maximum });
        }
        if let Ruled::Rate(ruled) = self.rate(published)? {
            let ruled = ShareRate::Percent(ruled);
            if above(ruled)? {
                return Err(NotDeclared::AboveRule {
                    declared,
                    ruled,
                    rule: self.to_string(),
                });
            }
        }
        Ok(declared)
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for RateRule {
    /// The rule in words, for a statement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateRule::Fixed(percent) => write!(f, "{percent} % a year"),
            RateRule::LowerOf { cap, index, margin } => {
                write!(f, "the lower of {cap} % and {index} + {margin} %")
            }
            RateRule::HigherOf {
                floor,
                index,
                margin,
            } => write!(f, "the higher of {floor} % and {index} + {margin} %"),
            RateRule::Above { index, margin } => write!(f, "{index} + {margin} %"),
            RateRule::PencePerShare => f.write_str("pence a share, as declared"),
            RateRule::Target(percent) => write!(f, "a target of {percent} % a year"),
        }
    }
}
