//! Where the time comes from.
//!
//! A session needs two times that must not be confused. The *wall* time is a claim, written into
//! notes for people and for the daemon's findings; on a roof it may start in 1970 and jump. The
//! *tick* only measures how long something waited, and never goes backwards. A simulated clock
//! speeds up the wall time alone: waiting for a broker takes as long as it takes.

use std::{
    fmt,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

/// How far the wall time can be trusted; the letters of OCMF (Open Charge Metering Format).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClockState {
    /// `U`: nobody knows.
    #[default]
    Unknown,
    /// `I`: set by hand or by a device that may be wrong.
    Informative,
    /// `S`: kept by a time server.
    Synced,
    /// `R`: right only relative to the gateway's start.
    Relative,
}

impl ClockState {
    fn of(number: u8) -> ClockState {
        [
            ClockState::Unknown,
            ClockState::Informative,
            ClockState::Synced,
            ClockState::Relative,
        ]
        .into_iter()
        .find(|state| *state as u8 == number)
        .unwrap_or_default()
    }

    /// Of the letter in a note; unknown for any other.
    pub(crate) fn from_letter(letter: &str) -> ClockState {
        match letter {
            "I" => ClockState::Informative,
            "S" => ClockState::Synced,
            "R" => ClockState::Relative,
            _ => ClockState::Unknown,
        }
    }

    /// The letter in a note.
    pub fn letter(self) -> &'static str {
        match self {
            ClockState::Unknown => "U",
            ClockState::Informative => "I",
            ClockState::Synced => "S",
            ClockState::Relative => "R",
        }
    }
}

/// Machine times before this (2026-01-01, ms since 1970) are of a clock that was never set.
pub const EARLIEST_BELIEVABLE_MS: i64 = 1_767_225_600_000;

/// Times before 1990, in ms since 1970, were given by a clock that was never set and counts from its
/// start.
pub const NEVER_SET_BEFORE_MS: i64 = 631_152_000_000;

/// How far a machine's clock can be trusted, from what was known before.
fn trust(before: ClockState, is_synced: bool, machine_ms: i64) -> ClockState {
    match before {
        ClockState::Informative => ClockState::Informative,
        _ if is_synced => ClockState::Synced,
        _ if machine_ms < EARLIEST_BELIEVABLE_MS => ClockState::Relative,
        _ => ClockState::Unknown,
    }
}

/// Does time synchronisation say that it holds the machine's clock? systemd-timesyncd leaves a file;
/// for chrony and ntpd systemd's `timedatectl` asks the kernel. Where there is neither, no.
pub fn is_kept_by_ntp() -> bool {
    if Path::new(TIMESYNC_FILE).exists() {
        return true;
    }
    let said = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        // It would tell systemd of its own failure as if it were ours.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    said.is_ok_and(|said| said.stdout.starts_with(b"yes"))
}

const TIMESYNC_FILE: &str = "/run/systemd/timesync/synchronized";

/// One instant as a session sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the process started; never goes backwards.
    pub tick_ms: u64,
    /// What the gateway believes the time to be, UTC.
    pub wall: Timestamp,
    /// How far to believe it.
    pub state: ClockState,
}

/// A clock, real or simulated. Cheap to clone; clones show the same time.
#[derive(Clone)]
pub struct Clock {
    started: Instant,
    wall: Wall,
}

#[derive(Clone)]
enum Wall {
    System(Arc<AtomicU8>),
    Simulated { from_ms: i64, speed: u32 },
    Following { now_ms: NowMs, speed: u32 },
}

type NowMs = Arc<dyn Fn() -> i64 + Send + Sync>;

impl Clock {
    /// The machine's own clock.
    pub fn system(state: ClockState) -> Self {
        Clock {
            started: Instant::now(),
            wall: Wall::System(Arc::new(AtomicU8::new(state as u8))),
        }
    }

    /// A clock that shows `from` now and runs `speed` times as fast as the real one (at least 1).
    pub fn simulated(from: Timestamp, speed: u32) -> Self {
        Clock {
            started: Instant::now(),
            wall: Wall::Simulated {
                from_ms: from.as_millisecond(),
                speed: speed.max(1),
            },
        }
    }

    /// Asks again how far the machine's clock can be trusted. A clock that was ever right is never
    /// called relative again.
    pub fn look(&self, is_synced: bool) {
        if let Wall::System(state) = &self.wall {
            let before = ClockState::of(state.load(Ordering::Relaxed));
            let machine_ms = Timestamp::now().as_millisecond();
            let now = trust(before, is_synced, machine_ms);
            state.store(now as u8, Ordering::Relaxed);
        }
    }

    /// Another program part's clock: `now_ms` gives milliseconds UTC and runs `speed` times as fast
    /// as the real time. So a fleet and a daemon in one process agree on the time.
    pub fn following(now_ms: impl Fn() -> i64 + Send + Sync + 'static, speed: u32) -> Self {
        Clock {
            started: Instant::now(),
            wall: Wall::Following {
                now_ms: Arc::new(now_ms),
                speed: speed.max(1),
            },
        }
    }

    /// The time now.
    pub fn now(&self) -> Now {
        let elapsed = self.started.elapsed();
        let (wall_ms, state) = match &self.wall {
            Wall::System(state) => match ClockState::of(state.load(Ordering::Relaxed)) {
                // What a clock shows that was never set is no time; the start is the zero point.
                ClockState::Relative => {
                    let since_start = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
                    (since_start, ClockState::Relative)
                }
                state => (Timestamp::now().as_millisecond(), state),
            },
            Wall::Simulated { from_ms, speed } => {
                let ran = i64::try_from(elapsed.as_micros())
                    .unwrap_or(i64::MAX)
                    .saturating_mul(i64::from(*speed))
                    / 1000;
                (from_ms.saturating_add(ran), ClockState::Synced)
            }
            Wall::Following { now_ms, .. } => (now_ms(), ClockState::Synced),
        };
        Now {
            tick_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            wall: Timestamp::from_millisecond(wall_ms).unwrap_or(Timestamp::MAX),
            state,
        }
    }

    /// How many seconds of wall time pass in one real second.
    pub fn speed(&self) -> u32 {
        match &self.wall {
            Wall::System(_) => 1,
            Wall::Simulated { speed, .. } | Wall::Following { speed, .. } => *speed,
        }
    }

    /// How long to wait in real time until the wall shows `at`; zero when it is past.
    pub fn real_wait_until(&self, at: Timestamp) -> Duration {
        let ahead_ms = at.as_millisecond() - self.now().wall.as_millisecond();
        let ahead_us = u64::try_from(ahead_ms).unwrap_or(0).saturating_mul(1000);
        Duration::from_micros(ahead_us.div_ceil(u64::from(self.speed())))
    }

    /// The real instant at which the session's tick shows `tick_ms`.
    pub(crate) fn instant_of_tick(&self, tick_ms: u64) -> Instant {
        self.started + Duration::from_millis(tick_ms)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock")
            .field("now", &self.now())
            .field("speed", &self.speed())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_day_passes_in_ten_seconds_at_speed_8640() {
        let from: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let clock = Clock::simulated(from, 8640);
        tokio::time::advance(Duration::from_secs(10)).await;
        let now = clock.now();
        assert_eq!(now.wall.to_string(), "2026-06-02T00:00:00Z");
        assert_eq!(now.tick_ms, 10_000);
        let noon: Timestamp = "2026-06-02T12:00:00Z".parse().unwrap();
        assert_eq!(clock.real_wait_until(noon), Duration::from_secs(5));
    }

    #[test]
    fn a_clock_is_trusted_as_far_as_it_is_known() {
        use ClockState::{Informative, Relative, Synced, Unknown};
        let (in_1970, today) = (3_600_000, EARLIEST_BELIEVABLE_MS + 1);
        for (before, is_synced, machine_ms, expected) in [
            (Unknown, false, in_1970, Relative),
            (Relative, false, in_1970, Relative),
            (Relative, true, today, Synced),
            (Relative, false, today, Unknown),
            (Synced, false, today, Unknown),
            (Unknown, false, today, Unknown),
            (Informative, true, today, Informative),
        ] {
            assert_eq!(trust(before, is_synced, machine_ms), expected);
        }
        for state in [Informative, Relative, Synced, Unknown] {
            assert_eq!(ClockState::of(state as u8), state);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_following_clock_shows_the_others_time() {
        let clock = Clock::following(|| 1_000_000_000_000, 60);
        assert_eq!(clock.now().wall.to_string(), "2001-09-09T01:46:40Z");
        assert_eq!(clock.speed(), 60);
    }
}
