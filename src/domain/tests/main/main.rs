//! The domain's tests: worked figures, findings, properties, the British calendar, a measured roof.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "tests fail on overflow, which is what they are for"
)]

mod accounts;
mod assets_loans;
mod ballots;
mod bath;
mod brixton;
mod calendar;
mod claims;
mod decisions;
mod evidence;
mod findings;
mod forecasts;
mod interest;
mod interest_properties;
mod meters;
mod modulus;
mod payments;
mod performance;
mod plans;
mod properties;
mod reconciled;
mod shares;
mod shares_model;
mod speed;
mod table;
mod tariffs;
mod worked_figures;
