//! What the roofs do now: last values summed over a roof or a society.

use domain::{
    calendar::Instant,
    metering::SeriesId,
    quantity::{WattHours, Watts},
};
use records::society::Counts;

use super::{answer::Answer, energy::Place, society::SocietyOffice};

/// A last read older than this says nothing of "now", and neither does one without power.
const NOW_MS: i64 = 15 * 60_000;

/// Now and today, of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Power now; none when the last read is too old or says nothing of power.
    pub power: Option<Watts>,
    /// Energy since the local midnight; none when there was no read today.
    pub today: Option<WattHours>,
    /// When the last read was taken.
    pub last_read: Option<Instant>,
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
            return Now::default();
        };
        let today = known.zone.day_of(now);
        let mut sum = Now::default();
        for series in points.iter().flat_map(|point| known.series_of_point(point)) {
            let Some(last) = self.live().get(series) else {
                continue;
            };
            sum.last_read = sum.last_read.max(Some(last.at));
            if known.zone.day_of(last.at) != today {
                continue;
            }
            sum.today = Some(WattHours(sum.today.unwrap_or_default().0 + last.day_wh.0));
            if now.ms_since(last.at) <= NOW_MS
                && let Some(w) = last.w
            {
                sum.power = Some(Watts(sum.power.unwrap_or_default().0 + i64::from(w)));
            }
        }
        sum
    }
}
