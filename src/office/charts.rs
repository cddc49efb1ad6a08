//! What charts are drawn of: half hours, days and months of meter points.
//!
//! They come from our own series or, where `[influx] mode = "store"` says so, from InfluxDB; whoever
//! draws is told which ([`Told`]). Both sources keep one contract: what is known, in order of time,
//! exact in Wh, each with its quality; of what nothing is known there is no stretch. Where InfluxDB
//! does not answer, or not as it should, our own series answer in its place and that is told too.
//! Reports, claims, bills and statements never come here: they are made from our own projections.

use std::collections::BTreeMap;

use domain::{
    calendar::{Instant, LocalDay, Period},
    metering::Quality,
    quantity::WattHours,
};

use super::{
    Office,
    answer::{Answer, refuse},
    energy::{self, By},
    mirror::Mirror,
    society::SocietyOffice,
};

/// Longest span of half hours, in days: a leap year and a month.
pub const MAX_HALF_HOUR_DAYS: i32 = 366 + 31;

/// A stretch that began this long ago is settled and should be wherever series are mirrored.
const SETTLED_AFTER_MS: i64 = 2 * 3_600_000;

/// How long each stretch of a chart is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Half hours.
    HalfHour,
    /// Local days.
    Day,
    /// Local months.
    Month,
}

/// Energy of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// First instant.
    pub start: Instant,
    /// What is known of its energy.
    pub wh: WattHours,
    /// Half hours in it that are not wholly covered.
    pub missing: u32,
    /// How well it is known.
    pub quality: Quality,
}

/// Stretches in order of time, by meter point. A point of which nothing is known is there, empty.
pub type Courses = BTreeMap<String, Vec<Stretch>>;

/// Who answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// Our own series.
    #[default]
    Own,
    /// InfluxDB.
    Influx,
    /// Our own series, because InfluxDB did not: why, for the operator and not for a public page.
    OwnInstead(String),
}

impl Told {
    /// Of charts put together: the one that least can be taken for granted.
    #[must_use]
    pub fn and(self, other: Told) -> Told {
        match (&self, &other) {
            (Told::OwnInstead(_), _) | (_, Told::Own) => self,
            _ => other,
        }
    }
}

/// Where charts find their stretches.
pub trait Source {
    /// The courses of some meter points over a span; months are whole ones.
    ///
    /// # Errors
    /// When the source does not answer, or not completely.
    fn courses(
        &self,
        society: &SocietyOffice,
        points: &[String],
        grain: Grain,
        span: Period,
        now: Instant,
    ) -> Answer<Courses>;
}

/// Our own series, as they lie on disk.
pub struct Own;

impl Source for Own {
    fn courses(
        &self,
        society: &SocietyOffice,
        points: &[String],
        grain: Grain,
        span: Period,
        now: Instant,
    ) -> Answer<Courses> {
        let known = society.known();
        society.look(|reader| {
            let mut courses = Courses::new();
            for point in points {
                let stretches = match grain {
                    Grain::HalfHour => energy::half_hours_of(reader, &known, point, span, now)?
                        .into_iter()
                        .filter(|half| half.covered_ms > 0)
                        .map(|half| Stretch {
                            start: half.half_hour.start(),
                            wh: half.wh,
                            missing: u32::from(!half.is_complete()),
                            quality: half.quality(),
                        })
                        .collect(),
                    Grain::Day | Grain::Month => {
                        let by = match grain {
                            Grain::Month => By::Month,
                            _ => By::Day,
                        };
                        let one = std::slice::from_ref(point);
                        energy::rows(reader, &known, one, span, by, now)?
                            .into_iter()
                            .filter(|row| row.energy.covered_ms > 0)
                            .map(|row| Stretch {
                                start: row.start,
                                wh: row.energy.wh,
                                missing: row.energy.missing,
                                quality: row.energy.quality(),
                            })
                            .collect()
                    }
                };
                courses.insert(point.clone(), stretches);
            }
            Ok(courses)
        })
    }
}

impl Office {
    /// The courses of some meter points, and who told them.
    ///
    /// # Errors
    /// When the span is too long or a stored row of ours is damaged.
    pub fn courses(
        &self,
        society: &SocietyOffice,
        points: &[String],
        grain: Grain,
        span: Period,
        now: Instant,
    ) -> Answer<(Courses, Told)> {
        courses(self.mirror().as_deref(), society, points, grain, span, now)
    }
}

/// As [`Office::courses`], with the mirror of a command.
///
/// # Errors
/// As [`Office::courses`].
pub fn courses(
    mirror: Option<&Mirror>,
    society: &SocietyOffice,
    points: &[String],
    grain: Grain,
    span: Period,
    now: Instant,
) -> Answer<(Courses, Told)> {
    let span = whole(grain, span)?;
    let own = || Own.courses(society, points, grain, span, now);
    let Some(store) = mirror.and_then(Mirror::store) else {
        return Ok((own()?, Told::Own));
    };
    let courses = match store.courses(society, points, grain, span, now) {
        Ok(courses) => courses,
        Err(why) => return Ok((own()?, Told::OwnInstead(why.to_string()))),
    };
    // A bucket that was emptied, or points that it never took, would show roofs that stand still.
    let own = own()?;
    let (lacking, settled) = lacking(&courses, &own, now);
    match lacking {
        0 => Ok((courses, Told::Influx)),
        _ => Ok((
            own,
            Told::OwnInstead(format!(
                "InfluxDB lacks {lacking} of {settled} stretches that our own series has; `commonwatt influx check` names them"
            )),
        )),
    }
}

/// How many settled stretches of our own another source does not have, of how many. Those of the
/// last [`SETTLED_AFTER_MS`] may still be on their way.
fn lacking(theirs: &Courses, own: &Courses, now: Instant) -> (usize, usize) {
    let mut counts = (0, 0);
    for (point, stretches) in own {
        let there = theirs.get(point).map_or(&[][..], Vec::as_slice);
        let mut rest = there.iter().map(|other| other.start).peekable();
        for stretch in stretches {
            if stretch.start.plus_ms(SETTLED_AFTER_MS) > now {
                break;
            }
            counts.1 += 1;
            while rest.peek().is_some_and(|start| *start < stretch.start) {
                rest.next();
            }
            counts.0 += usize::from(rest.peek() != Some(&stretch.start));
        }
    }
    counts
}

/// The span in whole stretches, when it is not too long.
fn whole(grain: Grain, span: Period) -> Answer<Period> {
    let most = match grain {
        Grain::HalfHour => MAX_HALF_HOUR_DAYS,
        Grain::Day | Grain::Month => energy::MAX_DAYS,
    };
    if span.day_count() > most {
        return refuse(format!(
            "the span has `{}` days; expected at most `{most}`\nhint: ask for longer stretches or a shorter span",
            span.day_count()
        ));
    }
    if grain != Grain::Month {
        return Ok(span);
    }
    let month = |day: LocalDay| day.local_month();
    Ok(Period::Range {
        first: month(span.first_day()).first_day(),
        last: month(span.last_day()).last_day(),
    })
}
