//! The Feed-in Tariff (FIT) of Great Britain for solar panels.
//!
//! A tariff belongs to an *installation*: its eligibility date and declared net capacity pick the
//! new-installation rate, and that rate is raised every 1 April by the published 12-month rate
//! (RPI of December up to April 2025, CPI from April 2026). The raise is applied to the *rounded*
//! rate and the result is rounded half-up: to 2 decimals, before 2013 to 1. The export rate is one
//! chain for everybody of a class: the older one for eligibility before 1 August 2012, the one that
//! began at 4.5 p after it.
//!
//! ```text
//! 15.2  ×1.031 15.67  ×1.027 16.09  ×1.016 16.35 …  24.90  ×1.034 25.75
//!  4.5  ×1.031  4.64  ×1.027  4.77  ×1.016  4.85 …
//! ```
//!
//! This knows the higher rate of the tables only; what else a licensee's statement of terms says
//! takes its place as a [`Stated`] rate and is shown as such.

mod schedule;
mod tables;
mod terms;

pub use schedule::{NoRate, Priced, RateOn, Step};
pub use tables::{Band, ExportChain, NewRate, Tables, TablesError, Uplift};
pub use terms::{
    DEEMED_PERCENT, DEEMING_LIMIT, ExportBasis, ExportFrom, SHORTER_LIFE_FROM, Stated, Terms,
    TermsError,
};
