//! Dated meter events: exchange, reset, rollover.
//!
//! An event closes a register's life with a final read and opens the next with an opening read. The
//! energy between the two instants is unknown; there is none to be known when they are one.

use super::{Mark, SeriesId};
use crate::{calendar::Instant, quantity::WattHours};

/// What happened to the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// Another meter took its place.
    Exchange,
    /// The same register starts at another value.
    Reset,
    /// The register reached its width and went on from 0.
    Rollover,
}

/// A dated event of a register, recorded by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeterEvent {
    /// What happened.
    pub kind: EventKind,
    /// The series whose life ends.
    pub closes: SeriesId,
    /// When it ends.
    pub closed_at: Instant,
    /// What it showed then.
    pub final_wh: WattHours,
    /// The series whose life starts; the same one unless meters were exchanged.
    pub opens: SeriesId,
    /// When it starts.
    pub opened_at: Instant,
    /// What it showed then.
    pub opening_wh: WattHours,
    /// The officer who recorded it, by number or name of the office.
    pub author: String,
    /// Why, in the officer's words.
    pub reason: String,
}

/// What is known around an event when it is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The last accepted read of the closing series up to `closed_at`.
    pub before: Option<Mark>,
    /// The first read of the opening series from `opened_at` on.
    pub after: Option<Mark>,
    /// The width of the closing register.
    pub modulus: WattHours,
}

/// An event that cannot have been.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It opens before it closes.
    #[error(
        "meter event opens at `{opened_at}`, before it closes at `{closed_at}`; expected the same time or later\nhint: give the time of removal first, the time of fitting second"
    )]
    Backwards {
        /// When it closes.
        closed_at: Instant,
        /// When it opens.
        opened_at: Instant,
    },
    /// The final read is below the last accepted one.
    #[error("final read `{}` Wh is below the last accepted read `{}` Wh of {}; expected at least that\nhint: check the final read, or refuse the read before it", .final_wh.0, .before.wh.0, .before.at)]
    FinalBelow {
        /// The final read.
        final_wh: WattHours,
        /// The last accepted read.
        before: Mark,
    },
    /// The final read or the opening read is below 0 or above the register's width.
    #[error("`{}` Wh cannot be shown by the register; expected 0 Wh to `{}` Wh\nhint: check digits and unit", .wh.0, .modulus.0)]
    BeyondWidth {
        /// The read.
        wh: WattHours,
        /// The register's width.
        modulus: WattHours,
    },
    /// The opening read is above the first read after.
    #[error("opening read `{}` Wh is above the first read after it, `{}` Wh of {}; expected at most that\nhint: check the opening read", .opening_wh.0, .after.wh.0, .after.at)]
    OpeningAbove {
        /// The opening read.
        opening_wh: WattHours,
        /// The first read after.
        after: Mark,
    },
    /// An accepted read stands for the very instant with another value.
    #[error("read `{}` Wh of {} contradicts the `{}` Wh that the meter event gives for that instant; expected one value\nhint: date the event between the reads around it", .read.wh.0, .read.at, .event_wh.0)]
    OnARead {
        /// The read.
        read: Mark,
        /// The final or opening read of the event.
        event_wh: WattHours,
    },
    /// A rollover with other reads than the width and 0, or with time between.
    #[error("rollover from `{}` Wh to `{}` Wh; expected from the width `{}` Wh to `0` Wh at one instant\nhint: record a reset if the register did not pass its width", .final_wh.0, .opening_wh.0, .modulus.0)]
    NoRollover {
        /// The final read.
        final_wh: WattHours,
        /// The opening read.
        opening_wh: WattHours,
        /// The register's width.
        modulus: WattHours,
    },
    /// An exchange that keeps the series, or another event that changes it.
    #[error(
        "{0} event; expected two meters for an exchange and one for a reset or rollover\nhint: name the new meter of an exchange, and only there"
    )]
    Series(&'static str),
    /// No author or no reason.
    #[error(
        "meter event without {0}; expected who recorded it and why\nhint: the auditor will ask"
    )]
    Blank(&'static str),
}

impl EventKind {
    /// The word used on pages, in JSON and in files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            EventKind::Exchange => "exchange",
            EventKind::Reset => "reset",
            EventKind::Rollover => "rollover",
        }
    }
}

impl MeterEvent {
    /// Checks the event against the reads around it. To be asked when it is recorded; later the
    /// event stands and reads are judged by it.
    ///
    /// # Errors
    /// The first [`EventError`] in the order of its variants that applies.
    pub fn check(&self, around: &Neighbours) -> Result<(), EventError> {
        let (final_wh, opening_wh, modulus) = (self.final_wh, self.opening_wh, around.modulus);
        if self.opened_at < self.closed_at {
            return Err(EventError::Backwards {
                closed_at: self.closed_at,
                opened_at: self.opened_at,
            });
        }
        if let Some(before) = around.before.filter(|before| before.wh > final_wh) {
            return Err(EventError::FinalBelow { final_wh, before });
        }
        if final_wh < WattHours::ZERO || final_wh > modulus {
            return Err(EventError::BeyondWidth {
                wh: final_wh,
                modulus,
            });
        }
        // The register of a fitted meter may be wider; its width is checked when it is read.
        if opening_wh < WattHours::ZERO {
            return Err(EventError::BeyondWidth {
                wh: opening_wh,
                modulus,
            });
        }
        if let Some(after) = around.after.filter(|after| after.wh < opening_wh) {
            return Err(EventError::OpeningAbove { opening_wh, after });
        }
        let ends = [
            (around.before, self.closed_at, final_wh),
            (around.after, self.opened_at, opening_wh),
        ];
        for (read, at, event_wh) in ends {
            if let Some(read) = read.filter(|read| read.at == at && read.wh != event_wh) {
                return Err(EventError::OnARead { read, event_wh });
            }
        }
        let wraps = final_wh == modulus
            && opening_wh == WattHours::ZERO
            && self.closed_at == self.opened_at;
        if self.kind == EventKind::Rollover && !wraps {
            return Err(EventError::NoRollover {
                final_wh,
                opening_wh,
                modulus,
            });
        }
        if (self.kind == EventKind::Exchange) == (self.closes == self.opens) {
            return Err(EventError::Series(self.kind.word()));
        }
        if self.author.trim().is_empty() {
            return Err(EventError::Blank("author"));
        }
        if self.reason.trim().is_empty() {
            return Err(EventError::Blank("reason"));
        }
        Ok(())
    }

    /// The instant at which a register that rose evenly from `before` to `after` passed its width;
    /// what to offer for a rollover that [`super::Finding::Fell`] proposes. `None` when the two
    /// reads are no rollover of that width.
    #[must_use]
    pub fn rollover_instant(before: Mark, after: Mark, modulus: WattHours) -> Option<Instant> {
        let rest = i128::from(modulus.0.checked_sub(before.wh.0)?);
        let advance = rest.checked_add(i128::from(after.wh.0))?;
        let ms = i128::from(after.at.0.checked_sub(before.at.0)?);
        if rest <= 0 || after.wh.0 < 0 || ms <= 0 {
            return None;
        }
        let part = rest.checked_mul(ms)?.checked_div(advance)?;
        before
            .at
            .0
            .checked_add(i64::try_from(part).ok()?)
            .map(Instant)
    }
}
