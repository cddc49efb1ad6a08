//! What a kilowatt-hour is worth on a day: rates, the published tables they come from, and the terms
//! of an installation or host that pick from them.
//!
//! Tables are values given from outside, each row with its source and how sure it is. What no row
//! says is an error that names the day; no rate is guessed, carried on or worked out from an index.

pub mod fit;
pub mod host;
mod index;
mod rate;

pub use index::{IndexLevel, IndexName, Indices, UpliftCheck};
pub use rate::{NotARate, Rate};

use crate::projection::Certainty;

/// Where a figure comes from and how sure it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Where it was printed.
    pub source: String,
    /// How sure it is.
    pub certainty: Certainty,
}
