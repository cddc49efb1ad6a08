//! Projections of the journal: what is derived, kept in SQLite, and can always be made again.
//!
//! `series.sqlite` holds the reads of a society's registers and what they mean; `books.sqlite`
//! holds the decisions in force. Both keep their own journal position in the transaction that
//! changes them, so that a crash at any point loses nothing: the journal is read again from the position that was found. Nothing
//! here is evidence, nothing here is written before the journal is, and nothing here asks the
//! time. The people file is the exception: it is the second record, beside the journal, and nothing
//! makes it again. `state.sqlite` ([`state`]) is neither: what the doors remember of who came in.
//!
//! In reading order: [`placed`] what is taken in, [`live`] the last values in memory, [`series`]
//! the writer and the readers of `series.sqlite`, [`books`], [`people`] and [`oracle`], the plain
//! one-row-a-reading store that the tests hold the fast one against.

pub mod books;
mod codec;
mod error;
pub mod live;
pub mod oracle;
pub mod people;
pub mod placed;
#[doc(hidden)]
pub mod probe;
pub mod series;
pub mod state;

pub use codec::seal::Damage;
pub use error::StoreError;
pub use live::{Live, LiveRead, Settled};
pub use placed::{NO_POWER, PlacedRead, UnplacedRead};
pub use series::{SeriesReader, SeriesStore};
