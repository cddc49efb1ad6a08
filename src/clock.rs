//! The only place that asks what time it is.
//!
//! Everything else is handed an [`Instant`]. The demo runs on a clock that goes faster than the
//! world's, from the same reading of the machine's clock, so that a day can pass in seconds and
//! yet no read comes from the future.

use std::time::{Duration, Instant as Monotonic, SystemTime, UNIX_EPOCH};

use domain::calendar::Instant;

/// Before this instant (2024-01-01) the machine's own clock is not set: reads are then held.
pub const EARLIEST_BELIEVABLE: Instant = Instant(1_704_067_200_000);

/// A clock: the machine's, or one that started at an instant and runs at a speed.
#[derive(Clone, Debug)]
pub struct Clock {
    pace: Option<Pace>,
}

#[derive(Clone, Debug)]
struct Pace {
    began: Monotonic,
    from: Instant,
    speed: u32,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Clock {
        Clock { pace: None }
    }

    /// A clock that shows `from` now and runs `speed` times as fast as the world's.
    #[must_use]
    pub fn paced(from: Instant, speed: u32) -> Clock {
        Clock {
            pace: Some(Pace {
                began: Monotonic::now(),
                from,
                speed: speed.max(1),
            }),
        }
    }

    /// What time it is, ms UTC.
    #[must_use]
    pub fn now(&self) -> Instant {
        match &self.pace {
            None => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or(Duration::ZERO);
                Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
            }
            Some(pace) => {
                let passed = pace.began.elapsed().as_millis() * u128::from(pace.speed);
                Instant(
                    pace.from
                        .0
                        .saturating_add(i64::try_from(passed).unwrap_or(i64::MAX)),
                )
            }
        }
    }

    /// How many of its seconds pass in one of the world's.
    #[must_use]
    pub fn speed(&self) -> u32 {
        self.pace.as_ref().map_or(1, |pace| pace.speed)
    }
}
