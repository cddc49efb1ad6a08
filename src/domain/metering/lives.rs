//! The stretches of time in which a register counted without interruption.

use super::{Mark, MeterEvent, SeriesId};
use crate::calendar::Instant;

/// One stretch: from an opening read (or from before our records) to a final read (or on).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Life {
    /// The opening read.
    pub opened: Option<Mark>,
    /// The final read.
    pub closed: Option<Mark>,
}

/// A series' lives in order of time. They never overlap; a life's final read is not below its
/// opening read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lives(Vec<Life>);

/// The events of a series do not fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LivesError {
    /// Two closings or two openings follow each other.
    #[error(
        "two meter events {0} the register without one between, the second at `{1}`\nhint: correct the date of one, or record the event that is missing"
    )]
    Twice(&'static str, Instant),
    /// A life would end below where it started.
    #[error("the register opens with `{}` Wh at {} and closes with `{}` Wh at {}; expected no less\nhint: a rollover between them may be missing", .0.wh.0, .0.at, .1.wh.0, .1.at)]
    Falls(Mark, Mark),
}

impl Life {
    /// Whether an instant that is not one of its ends lies inside.
    pub(super) fn holds(&self, at: Instant) -> bool {
        self.opened.is_none_or(|mark| mark.at < at) && self.closed.is_none_or(|mark| at < mark.at)
    }
}

impl Lives {
    /// One life without ends: a register without events.
    #[must_use]
    pub fn one() -> Lives {
        Lives(vec![Life::default()])
    }

    /// The lives of a series, from all events of its society in any order.
    ///
    /// # Errors
    /// [`LivesError`] when the events contradict each other.
    pub fn of(series: SeriesId, events: &[MeterEvent]) -> Result<Lives, LivesError> {
        let closings = events
            .iter()
            .filter(|event| event.closes == series)
            .map(|event| (event.closed_at, false, event.final_wh));
        let openings = events
            .iter()
            .filter(|event| event.opens == series)
            .map(|event| (event.opened_at, true, event.opening_wh));
        let mut marks: Vec<_> = closings.chain(openings).collect();
        marks.sort_unstable();
        let mut lives = Vec::new();
        // `None` while the register is closed; it starts open unless an opening comes first.
        let mut current = match marks.first() {
            Some((_, true, _)) => None,
            _ => Some(Life::default()),
        };
        for (at, opens, wh) in marks {
            let mark = Mark { at, wh };
            current = match (current, opens) {
                (Some(life), false) => {
                    if let Some(opened) = life.opened.filter(|opened| opened.wh > wh) {
                        return Err(LivesError::Falls(opened, mark));
                    }
                    lives.push(Life {
                        closed: Some(mark),
                        ..life
                    });
                    None
                }
                (None, true) => Some(Life {
                    opened: Some(mark),
                    closed: None,
                }),
                (Some(_), true) => return Err(LivesError::Twice("open", at)),
                (None, false) => return Err(LivesError::Twice("close", at)),
            };
        }
        lives.extend(current);
        Ok(Lives(lives))
    }

    /// The lives in order of time; at least one.
    #[must_use]
    pub fn as_slice(&self) -> &[Life] {
        &self.0
    }

    /// Whether the life that holds `at` has no end, so that nothing interrupts what follows.
    #[must_use]
    pub fn run_on_from(&self, at: Instant) -> bool {
        self.0.last().is_some_and(|life| {
            life.closed.is_none() && life.opened.is_none_or(|opened| opened.at <= at)
        })
    }

    /// The life that holds an instant which is not an end of one.
    pub(super) fn at(&self, at: Instant) -> Option<&Life> {
        self.0.iter().find(|life| life.holds(at))
    }

    /// The closing before and the opening after an instant that no life holds.
    pub(super) fn around(&self, at: Instant) -> (Option<Mark>, Option<Mark>) {
        let closed = self.0.iter().rev().filter_map(|life| life.closed);
        let opens = self.0.iter().filter_map(|life| life.opened);
        (
            closed.into_iter().find(|mark| mark.at <= at),
            opens.into_iter().find(|mark| mark.at >= at),
        )
    }

    /// The first instant from `from` on at which a life ends or starts, with what happens there.
    pub(super) fn next_turn(&self, from: Instant) -> Option<Turn> {
        let closings = self.0.iter().filter_map(|life| life.closed);
        let openings = self.0.iter().filter_map(|life| life.opened);
        let first_close = closings.into_iter().find(|mark| mark.at >= from);
        let first_open = openings.into_iter().find(|mark| mark.at >= from);
        let at = first_close
            .into_iter()
            .chain(first_open)
            .map(|mark| mark.at)
            .min()?;
        Some(Turn {
            at,
            closes: first_close.filter(|mark| mark.at == at),
            opens: first_open.filter(|mark| mark.at == at),
        })
    }
}

/// An instant at which a life ends, or starts, or one ends and the next starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turn {
    pub at: Instant,
    pub closes: Option<Mark>,
    pub opens: Option<Mark>,
}
