//! Forecasts, comparison of forecast and actual, what energy is like (homes, kettles, CO2), and a
//! society's money over twenty years.
//!
//! Energy is integer watt-hours, everything else decimals; each line is rounded once, half away
//! from zero, where it is made.

mod comparison;
mod factor;
mod forecast;
mod plan;

pub use comparison::{Comparison, Equivalents, rounded, specific_yield_kwh_per_kwp};
pub use factor::{Certainty, Factor, FactorTable, factor_name};
pub use forecast::{Forecast, ForecastError, ForecastVersion};
pub use plan::{Loan, MAX_YEARS, NoPlan, Plan, PlanYear, Shares};
