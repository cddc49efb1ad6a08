//! The interest run: what each member's share account earned in a period, to the penny.
//!
//! A run takes movements of shares as plain values, the terms of each share class, and what the
//! board declared. Two modes: a *rate declared* rounds each line once, so that equal holdings and
//! days get equal pence and the pot is the sum of the lines; a *pot declared* is shared by largest
//! remainder, so that the lines sum to it, and only there may equal holders differ by a penny.
//!
//! Time is never a rounded fraction of a year: it is counted in whole parts of which every rule has
//! a whole number ([`YEAR`]), so a line is one exact quotient and one rounding. Nothing here reads a
//! roll, a clock or a file, and nothing pays.

mod account;
mod calendar;
mod paid;
mod policy;
mod rate;
mod rule;
mod run;
pub mod waterfall;

pub use account::{Held, MAX_SHARES, Movement, NotEarning, WhyNot};
pub use calendar::YEAR;
pub use paid::{NotNext, PaidPeriod, follows};
pub use policy::{ClassTerms, DayCount, Ends, MAX_CLASSES, Rounding};
pub use rate::{MAX_PERCENT, NotAPercent, Percent, ShareRate};
pub use rule::{Index, IndexValue, NotDeclared, RateRule, Ruled};
pub use run::{Declared, Line, MAX_DAYS, REMAINDER_RULE, Run, RunError, RunOf, run};
