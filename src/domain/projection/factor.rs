//! Dated factors with their source: what a home uses, what a kettle takes, what a kWh emits.

use rust_decimal::Decimal;

use crate::calendar::{LocalDay, Period};

/// The names of the factors that reports use.
pub mod factor_name {
    /// kWh that a home uses in a year.
    pub const HOME: &str = "home";
    /// kWh that boil a kettle.
    pub const KETTLE: &str = "kettle";
    /// kg of CO2 equivalent a kWh of the grid emits.
    pub const CO2: &str = "co2";
}

/// How sure a factor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// From a primary source, or several that agree.
    High,
    /// From one secondary source.
    Medium,
    /// From memory or by inference.
    Low,
    /// Worked out from quoted figures.
    Calculated,
    /// Made up for show; pages say SAMPLE.
    Sample,
}

/// A number with the time it is meant for and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// What it is for, such as [`factor_name::CO2`].
    pub name: String,
    /// The number; more than 0.
    pub value: Decimal,
    /// Its unit, such as `kg/kWh`.
    pub unit: String,
    /// The first day it is meant for.
    pub from: LocalDay,
    /// The last day it is meant for.
    pub to: LocalDay,
    /// Where it was printed.
    pub source: String,
    /// The year of the source or of the factor's set.
    pub year: i32,
    /// How sure it is.
    pub certainty: Certainty,
}

/// The factors a society uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactorTable {
    factors: Vec<Factor>,
}

impl FactorTable {
    /// A table of those factors. Where two of one name hold the same day, the later in the list
    /// stands in for the earlier only if it shares more days with the period asked for.
    #[must_use]
    pub fn new(factors: Vec<Factor>) -> FactorTable {
        FactorTable { factors }
    }

    /// The factor for a period: of that name the one that shares the most days with it, of equals
    /// the one that starts first. So a calendar year takes its own factor, and a year from April to
    /// March that of the calendar year which holds most of it.
    #[must_use]
    pub fn lookup(&self, name: &str, period: Period) -> Option<&Factor> {
        let shared = |factor: &Factor| {
            let last = factor.to.min(period.last_day());
            last.days_since(factor.from.max(period.first_day()))
                .saturating_add(1)
        };
        self.factors
            .iter()
            .filter(|factor| factor.name == name && shared(factor) > 0)
            .max_by_key(|factor| (shared(factor), core::cmp::Reverse(factor.from)))
    }

    /// All factors, as given.
    #[must_use]
    pub fn as_slice(&self) -> &[Factor] {
        &self.factors
    }
}

impl Certainty {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Certainty::High => "high",
            Certainty::Medium => "medium",
            Certainty::Low => "low",
            Certainty::Calculated => "calculated",
            Certainty::Sample => "sample",
        }
    }

    /// The certainty of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Certainty> {
        use Certainty::{Calculated, High, Low, Medium, Sample};
        [High, Medium, Low, Calculated, Sample]
            .into_iter()
            .find(|one| one.word() == word)
    }
}
