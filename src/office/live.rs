//! What the roofs do now: last values summed over a roof or a society.

use domain::{
    calendar::Instant,
    metering::{Quality, SeriesId},
    quantity::{WattHours, Watts},
};
use records::society::Counts;

use super::{answer::Answer, energy::Place, society::SocietyOffice};

/// A last read older than this says nothing of "now", and neither does one without power.
const NOW_MS: i64 = 15 * 60_000;

/// Now and today, of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Power now; none when the last read is too old or says nothing of power.
    pub power: Option<Watts>,
    /// Energy since the local midnight, as far as it is known; none when nothing of it is.
    pub today: Option<WattHours>,
    /// How today's energy is known: the worst of the registers' that know anything of it.
    pub quality: Quality,
    /// Whether a read of today is there, known energy or not.
    pub read_today: bool,
    /// When the last read was taken.
    pub last_read: Option<Instant>,
}

impl Now {
    /// Nothing is known.
    pub const NOTHING: Now = Now {
        power: None,
        today: None,
        quality: Quality::Missing,
        read_today: false,
        last_read: None,
    };

    /// Two places together.
    #[must_use]
    pub fn with(self, other: Now) -> Now {
        let sum = |one: Option<i64>, other: Option<i64>| match (one, other) {
            (Some(one), Some(other)) => Some(one + other),
            (known, None) | (None, known) => known,
        };
        Now {
            power: sum(self.power.map(|w| w.0), other.power.map(|w| w.0)).map(Watts),
            today: sum(self.today.map(|wh| wh.0), other.today.map(|wh| wh.0)).map(WattHours),
            quality: self.quality.worst_known(other.quality),
            read_today: self.read_today || other.read_today,
            last_read: self.last_read.max(other.last_read),
        }
    }
}

impl SocietyOffice {
    /// When a register's last read was taken, after everything acknowledged is in the series.
    ///
    /// # Errors
    /// When the series cannot be brought up to date.
    pub fn last_read(&self, series: SeriesId) -> Answer<Option<Instant>> {
        self.projector().flush()?;
        Ok(self.live().get(series).map(|last| last.at))
    }

    /// What a place does now.
    #[must_use]
    pub fn now(&self, place: &Place, now: Instant) -> Now {
        let known = self.known();
        let Ok(points) = known.points_of(place, Counts::Generation) else {
            return Now::NOTHING;
        };
        let today = known.zone.day_of(now);
        let series = points.iter().flat_map(|point| known.series_of_point(point));
        series
            .filter_map(|series| self.live().get(series))
            .map(|last| {
                let read_today = known.zone.day_of(last.at) == today;
                let is_known = read_today && last.day_quality != Quality::Missing;
                let is_now = read_today && now.ms_since(last.at) <= NOW_MS;
                Now {
                    power: last.w.filter(|_| is_now).map(|w| Watts(i64::from(w))),
                    today: is_known.then_some(last.day_wh),
                    quality: match is_known {
                        true => last.day_quality,
                        false => Quality::Missing,
                    },
                    read_today,
                    last_read: Some(last.at),
                }
            })
            .fold(Now::NOTHING, Now::with)
    }
}
