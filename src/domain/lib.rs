//! What a community energy society means, as values and pure functions.
//!
//! This room holds quantities, the local calendar, metering, the comparison with forecasts, tariffs,
//! income, the books of account, share interest, members and shares, ballots, and a council's stake. It lacks, on purpose: IO, a
//! clock, async, serde, binary floats, unordered maps. Time is passed in; energy is integer watt-hours,
//! money integer pence; nights and other astronomy come in as integers worked out outside.

pub mod accounts;
pub mod calendar;
pub mod council;
pub mod governance;
pub mod income;
pub mod interest;
pub mod membership;
pub mod metering;
pub mod modulus;
pub mod money;
pub mod payment;
pub mod performance;
pub mod projection;
pub mod quantity;
pub mod tariff;
