//! Values in, documents out: what a reader, a spreadsheet or a noticeboard gets to see.
//!
//! A report here formats and never decides: differences, per cents, equivalents and what is
//! missing arrive as values; the words, the picture, the table and the downloads leave. It asks no
//! store, no clock and no network. Energy stays integer watt-hours up to the printed digit, where
//! it is rounded once, each figure on its own.

pub mod bill;
pub mod books;
pub mod docx;
pub mod dossier;
pub mod factors;
pub mod generation;
pub mod pack;
pub mod paper;
pub mod payments;
pub mod qr;
pub mod roll;
pub mod sheet;
pub mod statement;
pub mod texts;

pub mod chart;
pub mod words;

pub use generation::GenerationReport;
