//! Dated factors behind homes, kettles and CO2.

use jiff::civil::Date;
use rust_decimal::Decimal;

/// One dated factor behind an equivalent, with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// What it turns energy into: "homes", "kettles" or "co2".
    pub name: String,
    /// Its value, exact.
    pub value: Decimal,
    /// Its unit, such as "kWh per home and year".
    pub unit: String,
    /// First day it holds.
    pub from: Date,
    /// Last day it holds, inside; none when it still does.
    pub to: Option<Date>,
    /// Where it was printed.
    pub source: String,
    /// The year it was published for.
    pub year: i16,
    /// How sure we are.
    pub certainty: Certainty,
}

/// How sure a figure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// A primary source, or several that agree.
    High,
    /// One secondary source.
    Medium,
    /// An inference, or from memory: check.
    Low,
}
