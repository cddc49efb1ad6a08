//! The register over the file's own years.
//!
//! A read at the end of every measured half hour; the register counts from `opening_wh` before the
//! first. Half hours that nobody measured are a hole: the register's life is closed at the end of the
//! last measured one, and another is opened at the end of the hole, so that the energy between is
//! unknown and not zero. The new life opens at the value at which the old one closed. It could open
//! anywhere; so it stays above the reads before it even for a reader who has not seen the event yet.

use std::iter::Peekable;

use jiff::Timestamp;

use super::{
    half_hours::{HalfHours, Output},
    register::{Exact, Wp},
};

/// One step of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryItem {
    /// The register was read.
    Read {
        /// When.
        at: Timestamp,
        /// What it showed, in Wh.
        wh: i64,
    },
    /// Nobody knows what happened between these two instants.
    Hole {
        /// The last instant with a read before it.
        closed_at: Timestamp,
        /// What the register showed then, in Wh.
        final_wh: i64,
        /// The first instant from which it is known again. The next read comes half an hour later.
        opened_at: Timestamp,
        /// What the register shows then, in Wh.
        opening_wh: i64,
    },
}

/// Reads and holes of a roof of `size` over the whole file. Half hours before the first measured one
/// and after the last are left out.
pub fn history(
    file: &HalfHours,
    size: Wp,
    opening_wh: i64,
) -> impl Iterator<Item = HistoryItem> + '_ {
    History {
        half_hours: file.iter().peekable(),
        size,
        sum: Exact::from_wh(opening_wh),
        last_end: None,
    }
}

struct History<I: Iterator<Item = (Timestamp, Option<Output>)>> {
    half_hours: Peekable<I>,
    size: Wp,
    sum: Exact,
    last_end: Option<Timestamp>,
}

impl<I: Iterator<Item = (Timestamp, Option<Output>)>> Iterator for History<I> {
    type Item = HistoryItem;

    fn next(&mut self) -> Option<HistoryItem> {
        let mut hole_until = None;
        while let Some((end, _)) = self.half_hours.next_if(|(_, output)| output.is_none()) {
            hole_until = Some(end);
        }
        if let (Some(opened_at), Some(closed_at), Some(_)) =
            (hole_until, self.last_end, self.half_hours.peek())
        {
            return Some(HistoryItem::Hole {
                closed_at,
                final_wh: self.sum.shown_wh(),
                opened_at,
                opening_wh: self.sum.shown_wh(),
            });
        }
        let (at, output) = self.half_hours.next()?;
        self.sum = self.sum.plus(Exact::generated(output?, self.size));
        self.last_end = Some(at);
        Some(HistoryItem::Read {
            at,
            wh: self.sum.shown_wh(),
        })
    }
}
