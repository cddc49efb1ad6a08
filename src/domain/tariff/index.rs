//! Price indices, as a second opinion on the published rates and never as their source.
//!
//! The scheme uplifts by the *published* 12-month rate to one decimal. Index levels are rounded too,
//! and now and then give another tenth (December 2025: 3.3 from the levels, 3.4 in print). So the
//! published rate is a row of its own, and this says where the levels disagree.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::fit::Uplift;
use crate::{calendar::LocalMonth, projection::rounded};

/// Which index a rate was published for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexName {
    /// Retail prices, all items (ONS CHAW).
    Rpi,
    /// Consumer prices, all items (ONS D7BT).
    Cpi,
}

/// An index of one month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexLevel {
    /// Which.
    pub index: IndexName,
    /// The month it is for.
    pub month: LocalMonth,
    /// The level, as published to one decimal.
    pub level: Decimal,
}

/// Levels of the indices by month.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Indices {
    levels: BTreeMap<(IndexName, LocalMonth), Decimal>,
}

/// A published uplift beside what the index levels give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpliftCheck {
    /// The published row.
    pub uplift: Uplift,
    /// The 12-month change of the levels to one decimal; `None` when a level is not known.
    pub from_levels: Option<Decimal>,
}

impl IndexName {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            IndexName::Rpi => "RPI",
            IndexName::Cpi => "CPI",
        }
    }

    /// The index of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<IndexName> {
        [IndexName::Rpi, IndexName::Cpi]
            .into_iter()
            .find(|one| one.word() == word)
    }
}

impl Indices {
    /// A table of those levels; the later of two for one month stands.
    #[must_use]
    pub fn new(levels: impl IntoIterator<Item = IndexLevel>) -> Indices {
        Indices {
            levels: levels
                .into_iter()
                .map(|one| ((one.index, one.month), one.level))
                .collect(),
        }
    }

    /// The change over the 12 months to `month`, per cent to one decimal, from the levels.
    #[must_use]
    pub fn twelve_months_to(&self, index: IndexName, month: LocalMonth) -> Option<Decimal> {
        let now = self.levels.get(&(index, month))?;
        let before = self.levels.get(&(index, month.plus(-12)))?;
        let ratio = now.checked_div(*before)?.checked_sub(Decimal::ONE)?;
        Some(rounded(ratio.checked_mul(Decimal::ONE_HUNDRED)?, 1))
    }

    /// Every uplift beside what the levels give for its December.
    #[must_use]
    pub fn check(&self, uplifts: &[Uplift]) -> Vec<UpliftCheck> {
        uplifts
            .iter()
            .map(|uplift| UpliftCheck {
                from_levels: LocalMonth::of_year(uplift.year.saturating_sub(1), 12)
                    .and_then(|december| self.twelve_months_to(uplift.index, december)),
                uplift: uplift.clone(),
            })
            .collect()
    }
}

impl UpliftCheck {
    /// Whether the levels give another tenth than the published rate.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.from_levels
            .is_some_and(|levels| levels != self.uplift.percent)
    }
}
