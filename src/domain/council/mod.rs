//! What a council puts into a society and what comes of it: worth of support in kind, loans with
//! their schedules, carbon beside what was claimed, outcomes and their cost, the community fund, and
//! how long a licence or a tariff still runs.
//!
//! Everything here is a pure function of what was noted, with its evidence. Nothing of a member's
//! holding or of a home's half hours enters it. Money is rounded once, half away from zero, where a
//! line is made.

mod carbon;
mod fund;
mod loan;
mod outcome;
mod part;
mod support;
mod term;

pub use carbon::{CarbonShortfall, Claimed, shortfall};
pub use fund::{Fund, FundRule, NotAFundRule, NotGranted};
pub use loan::{Instalment, NoSchedule, Repaid, schedule};
pub use outcome::{Delivered, YearOfOutcome, by_year};
pub use part::percent;
pub use support::{Hours, NotHours, Support, counted_twice, worth};
pub use term::{WARNINGS_MONTHS, Warning, warnings};
