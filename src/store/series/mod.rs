//! The reads of a society's registers and what they mean, in `series.sqlite`.
//!
//! One writer, [`SeriesStore`], is fed in journal order and may lag behind the journal; any number of
//! readers, [`SeriesReader`], look at what it has committed. Reads gather in memory, go to disk in
//! sorted runs ([`run`]), are merged, and come to rest as one compressed row per series and local day
//! ([`days`]). What they mean – findings, half hours – is made by `domain`'s judge from where it may
//! have changed ([`settle`]) and kept beside them, so that a year of half hours is 365 small rows.
//!
//! Totals of days, months and years are not stored: they are sums of half hours, made when they are
//! asked for, and so equal their parts by construction.

mod chain;
mod days;
mod define;
mod dump;
mod fold;
mod key;
mod preview;
mod reader;
mod reads;
mod rows;
mod run;
mod schema;
mod settle;
mod shown;
pub(crate) mod side;
mod tidy;
mod writer;

pub use define::SeriesDef;
pub use dump::Row as DumpRow;
pub(crate) use fold::read_of;
pub use reader::SeriesReader;
pub(crate) use reader::forget_empty_boundaries;
pub use reads::JudgedRow;
pub use settle::TouchedDay;
pub use side::{IntervalEnergy, UNPLACED_MAX, UnplacedRegister};
pub use tidy::Closed;
pub(crate) use writer::row_of;
pub use writer::{Flushed, RUNS_TO_MERGE, SETTLE_AT_FLUSH, SeriesOptions, SeriesStore, Waiting};
