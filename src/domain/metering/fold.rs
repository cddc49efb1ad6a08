//! What judging remembers from one read to the next.
//!
//! The state is small and has no history, so that judging can start again at any instant from a
//! stored state; when two runs have equal states at an instant, everything after is equal too.

use super::{Direction, Mark, Point, Quality, Read, SeriesRules, rules};
use crate::{
    calendar::{Instant, Span},
    quantity::WattHours,
};

/// The state of judging a series before an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FoldState {
    /// All reads and events before this instant are folded in.
    pub upto: Instant,
    /// The last accepted read; none before the first and while the register's life is closed.
    pub last: Option<LastAccepted>,
    /// The lowest read that was held as a jump since the last accepted one.
    pub jump: Option<HeldJump>,
    /// The first accepted read of the present darkness.
    pub dark: Option<DarkAnchor>,
}

/// The last accepted read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LastAccepted {
    /// Its instant.
    pub at: Instant,
    /// The value that counts.
    pub wh: WattHours,
    /// Actual or manual.
    pub quality: Quality,
    /// Since when the value stands.
    pub since: Instant,
}

/// A read that was held as a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeldJump(pub Mark);

/// The first accepted read of a darkness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DarkAnchor(pub Mark);

impl FoldState {
    /// Nothing read yet.
    pub const EMPTY: FoldState = FoldState {
        upto: Instant(i64::MIN),
        last: None,
        jump: None,
        dark: None,
    };

    /// The last accepted read as a point of the chain: what energy after `upto` starts from.
    #[must_use]
    pub fn point(&self) -> Option<Point> {
        self.last.map(|last| Point {
            at: last.at,
            wh: last.wh,
            quality: last.quality,
            joined: false,
        })
    }

    /// Whether the read comes in order and is accepted without any finding: the quick answer for
    /// live reads, without a full fold. No decision may name the read. `false` says only that it
    /// has to be judged with all others.
    #[must_use]
    pub fn accepts_plainly(&self, rules: &SeriesRules, read: &Read) -> bool {
        let Some(last) = self.last else { return false };
        let elapsed = read.at.ms_since(last.at);
        let delay = read.received.ms_since(read.at);
        self.jump.is_none()
            && !read.source.is_of_other_gateway()
            && elapsed > 0
            && read.at >= self.upto
            && read.at >= rules::EARLIEST_READ
            && delay >= -rules::CLOCK_AHEAD_HELD_MS
            && (delay <= rules::LATE_MS || !read.source.is_telemetry())
            && last.wh <= read.wh
            && read.wh < rules.modulus
            && rules.lives.run_on_from(last.at)
            && !rises_too_fast(rules, last, read)
            && self.dark_limit(rules, read).is_none()
            && !self.is_frozen(rules, read)
    }

    /// Takes a read that [`FoldState::accepts_plainly`] accepts.
    pub fn accept(&mut self, rules: &SeriesRules, read: &Read) {
        self.settle(rules, read.at, read.wh, read.source.quality());
        self.upto = read.at.plus_ms(1);
    }

    /// Makes a value the last accepted one.
    pub(super) fn settle(
        &mut self,
        rules: &SeriesRules,
        at: Instant,
        wh: WattHours,
        quality: Quality,
    ) {
        let unchanged = self.last.filter(|last| last.wh == wh);
        let since = unchanged.map_or(at, |last| last.since);
        self.last = Some(LastAccepted {
            at,
            wh,
            quality,
            since,
        });
        self.jump = None;
        if rules.direction == Direction::Generation {
            let anchor = self
                .dark
                .filter(|dark| rules.nights.is_dark_throughout(Span::new(dark.0.at, at)));
            self.dark = anchor.or_else(|| {
                rules
                    .nights
                    .is_dark(at)
                    .then_some(DarkAnchor(Mark { at, wh }))
            });
        }
    }

    /// The darkness in which the read rose further than it may, and the largest value it may have.
    pub(super) fn dark_limit(&self, rules: &SeriesRules, read: &Read) -> Option<(Mark, WattHours)> {
        let since = self.dark?.0;
        let span = Span::new(since.at, read.at);
        if read.wh <= since.wh || !rules.nights.is_dark_throughout(span) {
            return None;
        }
        let advance = rules.largest_dark_advance(span.ms())?;
        let at_most = WattHours(since.wh.0.saturating_add(advance.0));
        (read.wh > at_most).then_some((since, at_most))
    }

    /// Whether the read shows a value that stood still for too much daylight.
    pub(super) fn is_frozen(&self, rules: &SeriesRules, read: &Read) -> bool {
        let Some(last) = self.last.filter(|last| last.wh == read.wh) else {
            return false;
        };
        let span = Span::new(last.since, read.at);
        rules.direction == Direction::Generation
            && span.ms() >= rules::FROZEN_DAYLIGHT_MS
            && rules.nights.daylight_ms(span) >= rules::FROZEN_DAYLIGHT_MS
    }
}

/// Whether the read is above what can have flowed since the last accepted one.
pub(super) fn rises_too_fast(rules: &SeriesRules, last: LastAccepted, read: &Read) -> bool {
    highest(rules, last, read.at).is_some_and(|highest| read.wh > highest)
}

/// The highest value that is taken at an instant.
pub(super) fn highest(rules: &SeriesRules, last: LastAccepted, at: Instant) -> Option<WattHours> {
    let advance = rules.largest_advance(at.ms_since(last.at))?;
    Some(WattHours(last.wh.0.saturating_add(advance.0)))
}

impl Default for FoldState {
    fn default() -> FoldState {
        FoldState::EMPTY
    }
}
