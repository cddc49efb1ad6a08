//! The projections as a whole: against the oracle, on measured data, across restarts and rot.

mod bath;
mod damage;
mod differential;
mod restart;
mod roof;
mod tables;
