//! The last values of every series, in memory: what the live page shows before anything is stored.
//!
//! The committer's sink calls [`Live::roll_up`] after the sync and before the acknowledgement, so
//! it has to be cheap: 56 bytes a series (84 MB for 1.5 million), one lock for each run of reads of
//! neighbouring series, a few whole-number operations a read. Web pages read at the same time.
//!
//! What is here is a claim that passed a quick look, not a verdict. A read that is in the past of
//! the last one changes nothing; one that fell, that jumped above what the register's ceiling
//! allows, that is ahead of our clock or came from a gateway that is not the meter's is left out and its series remembered as suspect: the
//! judge decides at the next flush. What the judge then says takes the place of the claim
//! ([`Live::settled`]), also when a meter event or a person's decision changes what was said before.
//! Nothing here reaches a bill or a report.
//!
//! The energy of a day is known from the second point of its chain on: one read says what a register
//! shows and nothing of what was made. It is derived when the advance over midnight took longer than
//! [`SHORT_ADVANCE_MS`] and had to be split by time.

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use domain::{
    calendar::{Instant, Zone},
    metering::{Quality, SeriesId, energy::SHORT_ADVANCE_MS},
    quantity::WattHours,
};

use crate::placed::{NO_POWER, PlacedRead};

/// Series that share one lock.
const SHARD: usize = 1024;
/// A device's clock may be this far ahead of ours.
const AHEAD_MS: i64 = 5 * 60 * 1000;
const HALF_HOUR_MS: i64 = 30 * 60 * 1000;
const NEVER: i64 = i64::MIN;

/// The last values of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveRead {
    /// The last read's time.
    pub at: Instant,
    /// What the register showed then.
    pub wh: WattHours,
    /// Power in W then, if the device sent it.
    pub w: Option<i32>,
    /// Energy since the start of the last read's half hour, in Wh.
    pub half_hour_wh: WattHours,
    /// Energy since the start of the last read's local day, in Wh, as far as it is known.
    pub day_wh: WattHours,
    /// How that is known: missing when there is one read and nothing to take it from, derived when
    /// the advance over midnight was split by time.
    pub day_quality: Quality,
    /// The start of that local day.
    pub day_start: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    at: i64,
    wh: i64,
    /// What the register showed at the start of the last read's half hour, split by time.
    half_wh: i64,
    /// The same at the start of its local day.
    day_wh: i64,
    w: i32,
    /// The last read's half hour, counted from 1970.
    half: i32,
    /// The half hour in which its local day starts.
    day: i32,
    /// The most the source can give, in W; 0 when not known.
    ceiling_w: u32,
    day_quality: Quality,
}

/// What the judge says of a series, for [`Live::settled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The last accepted read's time; none when nothing counts.
    pub last: Option<(Instant, WattHours)>,
    /// Reads before this instant have been judged.
    pub upto: Instant,
    /// Energy of the local day of the last accepted read, in Wh.
    pub day_wh: WattHours,
    /// How that is known.
    pub day_quality: Quality,
}

const EMPTY: Slot = Slot {
    at: NEVER,
    wh: 0,
    half_wh: 0,
    day_wh: 0,
    w: NO_POWER,
    half: 0,
    day: 0,
    ceiling_w: 0,
    day_quality: Quality::Missing,
};

/// The last values of all series of a society.
pub struct Live {
    zone: Zone,
    /// The local day of the last read, kept because the next one is nearly always in it.
    today: Mutex<(i64, i64)>,
    shards: RwLock<Vec<Mutex<Vec<Slot>>>>,
    suspects: Mutex<Vec<SeriesId>>,
}

/// Most suspect series remembered between two flushes; more are found by the next settling.
const SUSPECTS_MAX: usize = 65_536;

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").finish_non_exhaustive()
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    // A slot is plain numbers: a panic elsewhere cannot leave it half written in a harmful way.
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// No series yet.
    #[must_use]
    pub fn new(zone: Zone) -> Live {
        Live {
            zone,
            today: Mutex::new((0, 0)),
            shards: RwLock::default(),
            suspects: Mutex::default(),
        }
    }

    /// Makes room for `series` and sets the most its source can give, in W (0: not known).
    pub fn define(&self, series: SeriesId, ceiling_w: u32) {
        let place = series.0 as usize;
        let mut shards = self.shards.write().unwrap_or_else(PoisonError::into_inner);
        while shards.len() <= place / SHARD {
            shards.push(Mutex::new(vec![EMPTY; SHARD]));
        }
        held(&shards[place / SHARD])[place % SHARD].ceiling_w = ceiling_w;
    }

    /// Takes reads that are on disk. Reads of series that were not defined are passed over.
    pub fn roll_up(&self, reads: impl IntoIterator<Item = PlacedRead>) {
        let shards = self.shards.read().unwrap_or_else(PoisonError::into_inner);
        let mut current: Option<(usize, MutexGuard<'_, Vec<Slot>>)> = None;
        for read in reads {
            let place = read.series.0 as usize;
            let shard = place / SHARD;
            if current.as_ref().is_none_or(|(have, _)| *have != shard) {
                let Some(lock) = shards.get(shard) else {
                    continue;
                };
                drop(current.take());
                current = Some((shard, held(lock)));
            }
            let Some((_, slots)) = &mut current else {
                continue;
            };
            if !self.take(&mut slots[place % SHARD], &read) {
                let mut suspects = held(&self.suspects);
                if suspects.len() < SUSPECTS_MAX && suspects.last() != Some(&read.series) {
                    suspects.push(read.series);
                }
            }
        }
    }

    /// The last values of `series`, if it has had a read.
    #[must_use]
    pub fn get(&self, series: SeriesId) -> Option<LiveRead> {
        let place = series.0 as usize;
        let shards = self.shards.read().unwrap_or_else(PoisonError::into_inner);
        let slot = held(shards.get(place / SHARD)?)[place % SHARD];
        (slot.at != NEVER).then(|| LiveRead {
            at: Instant(slot.at),
            wh: WattHours(slot.wh),
            w: (slot.w != NO_POWER).then_some(slot.w),
            half_hour_wh: WattHours(slot.wh.saturating_sub(slot.half_wh)),
            day_wh: WattHours(slot.wh.saturating_sub(slot.day_wh)),
            day_quality: slot.day_quality,
            day_start: Instant(i64::from(slot.day) * HALF_HOUR_MS),
        })
    }

    /// Puts what the judge says in the place of the claim. A newer read than any that was judged is
    /// left to the next judging, unless `change` says that the judge changed its mind: then what was
    /// said before is worth nothing, and the next read counts on from here.
    pub fn settled(&self, series: SeriesId, settled: &Settled, change: bool) {
        let place = series.0 as usize;
        let shards = self.shards.read().unwrap_or_else(PoisonError::into_inner);
        let Some(lock) = shards.get(place / SHARD) else {
            return;
        };
        let mut slots = held(lock);
        let slot = &mut slots[place % SHARD];
        if !change && slot.at >= settled.upto.0 {
            return;
        }
        let Some((at, wh)) = settled.last else {
            *slot = Slot {
                ceiling_w: slot.ceiling_w,
                ..EMPTY
            };
            return;
        };
        if !change && (slot.at, slot.wh) == (at.0, wh.0) {
            return;
        }
        let (start, _) = self.day_of(at.0);
        *slot = Slot {
            at: at.0,
            wh: wh.0,
            half_wh: wh.0,
            day_wh: wh.0.saturating_sub(settled.day_wh.0),
            w: if slot.at == at.0 { slot.w } else { NO_POWER },
            half: half_of(at.0),
            day: half_of(start),
            ceiling_w: slot.ceiling_w,
            day_quality: settled.day_quality,
        };
    }

    /// The series whose reads failed the quick look since the last call.
    #[must_use]
    pub fn take_suspects(&self) -> Vec<SeriesId> {
        let mut out = std::mem::take(&mut *held(&self.suspects));
        out.sort_unstable();
        out.dedup();
        out
    }

    /// Whether the read passed the quick look.
    fn take(&self, slot: &mut Slot, read: &PlacedRead) -> bool {
        let (at, wh) = (read.at.0, read.wh.0);
        if read.source.is_of_other_gateway() {
            return false;
        }
        if at > read.received.0.saturating_add(AHEAD_MS) || at < 0 {
            return false;
        }
        if slot.at == NEVER {
            let half = half_of(at);
            *slot = Slot {
                at,
                wh,
                half_wh: wh,
                day_wh: wh,
                w: read.w,
                half,
                day: half_of(self.day_of(at).0),
                ceiling_w: slot.ceiling_w,
                day_quality: Quality::Missing,
            };
            return true;
        }
        if at <= slot.at {
            return true; // late or again: the projection deals with it
        }
        if !plausible(slot, at, wh) {
            return false;
        }
        let half = half_of(at);
        if half != slot.half {
            let (start, _) = self.day_of(at);
            let day = half_of(start);
            if day != slot.day {
                slot.day_wh = split(slot, at, wh, start);
                slot.day = day;
                slot.day_quality = match at - slot.at {
                    _ if at == start => Quality::Missing,
                    ..=SHORT_ADVANCE_MS => Quality::Actual,
                    _ => Quality::Derived,
                };
            }
            slot.half_wh = split(slot, at, wh, i64::from(half) * HALF_HOUR_MS);
            slot.half = half;
        }
        if slot.day_quality == Quality::Missing && at > i64::from(slot.day) * HALF_HOUR_MS {
            slot.day_quality = Quality::Actual;
        }
        (slot.at, slot.wh, slot.w) = (at, wh, read.w);
        true
    }

    fn day_of(&self, at: i64) -> (i64, i64) {
        let mut today = held(&self.today);
        if !(today.0..today.1).contains(&at) {
            let span = self.zone.day_span(self.zone.day_of(Instant(at)));
            *today = (span.start.0, span.end.0);
        }
        *today
    }
}

fn half_of(at: i64) -> i32 {
    i32::try_from(at.div_euclid(HALF_HOUR_MS)).unwrap_or(i32::MAX)
}

/// Not fallen, and not above 6/5 of the ceiling for the time that passed, a kWh of grace.
fn plausible(slot: &Slot, at: i64, wh: i64) -> bool {
    let advance = i128::from(wh) - i128::from(slot.wh);
    let ms = i128::from(at) - i128::from(slot.at);
    let most = i128::from(slot.ceiling_w) * ms * 6 / (5 * 3_600_000) + 1000;
    advance >= 0 && (slot.ceiling_w == 0 || advance <= most)
}

/// What the register showed at `when`, between the last read and (`at`, `wh`), split by time.
fn split(slot: &Slot, at: i64, wh: i64, when: i64) -> i64 {
    let span = i128::from(at) - i128::from(slot.at);
    let part = (i128::from(when) - i128::from(slot.at)).clamp(0, span);
    let advance = i128::from(wh) - i128::from(slot.wh);
    slot.wh
        .saturating_add(i64::try_from(advance * part / span).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use domain::metering::Source;

    use super::*;

    fn read(series: u32, at: i64, wh: i64) -> PlacedRead {
        PlacedRead {
            series: SeriesId(series),
            at: Instant(at),
            wh: WattHours(wh),
            w: 1500,
            received: Instant(at + 400),
            source: Source::Telemetry,
        }
    }

    const NOON: i64 = 1_718_884_800_000;

    fn live() -> Live {
        let live = Live::new(Zone::named("Europe/London").unwrap());
        live.define(SeriesId(3), 5_000);
        live
    }

    #[test]
    fn the_day_and_the_half_hour_count_from_their_start() {
        let live = live();
        live.roll_up([read(3, NOON - 600_000, 1000), read(3, NOON + 600_000, 2000)]);
        let now = live.get(SeriesId(3)).unwrap();
        assert_eq!(
            (now.wh.0, now.half_hour_wh.0, now.day_wh.0),
            (2000, 500, 1000)
        );
        live.roll_up([read(3, NOON + 15 * 3_600_000, 2000)]);
        let next_day = live.get(SeriesId(3)).unwrap();
        assert_eq!((next_day.half_hour_wh.0, next_day.day_wh.0), (0, 0));
    }

    #[test]
    fn one_read_says_nothing_of_a_day_and_a_long_advance_over_midnight_is_derived() {
        let live = live();
        let quality = || live.get(SeriesId(3)).unwrap().day_quality;
        live.roll_up([read(3, NOON, 1000)]);
        assert_eq!(quality(), Quality::Missing);
        live.roll_up([read(3, NOON + 600_000, 1100)]);
        assert_eq!(quality(), Quality::Actual);
        let midnight = NOON + 11 * 3_600_000;
        live.roll_up([read(3, midnight, 2000)]);
        assert_eq!(
            quality(),
            Quality::Missing,
            "nothing of the new day is known"
        );
        live.roll_up([read(3, midnight + 600_000, 2000)]);
        assert_eq!(quality(), Quality::Actual);
        live.roll_up([read(3, midnight + 34 * 3_600_000, 9000)]);
        assert_eq!(quality(), Quality::Derived);
        live.roll_up([read(3, midnight + 48 * 3_600_000 - 30_000, 9100)]);
        live.roll_up([read(3, midnight + 48 * 3_600_000 + 30_000, 9100)]);
        assert_eq!(
            quality(),
            Quality::Actual,
            "a minute over midnight is no long advance"
        );
    }

    #[test]
    fn what_the_judge_says_takes_the_place_of_what_was_claimed() {
        let live = live();
        live.roll_up([read(3, NOON - 600_000, 1000), read(3, NOON, 1700)]);
        let said = |wh: i64, upto: i64| Settled {
            last: Some((Instant(NOON - 600_000), WattHours(wh))),
            upto: Instant(upto),
            day_wh: WattHours(40),
            day_quality: Quality::Derived,
        };
        live.settled(SeriesId(3), &said(1000, NOON), false);
        let shown = live.get(SeriesId(3)).unwrap();
        assert_eq!(shown.wh.0, 1700, "the last read has not been judged yet");
        live.settled(SeriesId(3), &said(1000, NOON + 1), false);
        let shown = live.get(SeriesId(3)).unwrap();
        assert_eq!(
            (shown.wh.0, shown.day_wh.0, shown.day_quality, shown.w),
            (1000, 40, Quality::Derived, None),
            "the last read was refused"
        );
        live.roll_up([read(3, NOON + 600_000, 1100)]);
        assert_eq!(live.get(SeriesId(3)).unwrap().day_wh.0, 140);
        live.settled(SeriesId(3), &said(1000, NOON + 1), true);
        assert_eq!(live.get(SeriesId(3)).unwrap().wh.0, 1000);
        let nothing = Settled {
            last: None,
            ..said(0, NOON + 1)
        };
        live.settled(SeriesId(3), &nothing, true);
        assert_eq!(live.get(SeriesId(3)), None);
    }

    #[test]
    fn what_fell_jumped_or_is_ahead_of_our_clock_is_suspect_and_not_shown() {
        let live = live();
        live.roll_up([read(3, NOON, 1000)]);
        let ahead = PlacedRead {
            received: Instant(NOON),
            ..read(3, NOON + 3_600_000, 1001)
        };
        for bad in [read(3, NOON + 1000, 0), read(3, NOON + 1000, 90_000), ahead] {
            live.roll_up([bad]);
            assert_eq!(live.get(SeriesId(3)).unwrap().wh.0, 1000);
            assert_eq!(live.take_suspects(), [SeriesId(3)]);
        }
        live.roll_up([read(3, NOON - 1000, 0), read(900_000, NOON, 7)]);
        assert_eq!(live.take_suspects(), []);
        assert_eq!(live.get(SeriesId(900_000)), None);
    }

    #[test]
    fn a_series_takes_at_most_64_bytes() {
        assert!(size_of::<Slot>() <= 64);
    }
}
