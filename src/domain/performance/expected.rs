//! What a roof should have made on a day, part by part: its own share of the light.
//!
//! The light of a day is what was measured as irradiance for the roof, the median yield of the
//! neighbours, or what a clear sky gives [µWh per W]. Irradiance goes before neighbours where it knows
//! as many of the roof's days and the roof has a history under it.
//! The roof's share of it is learnt from base days: the same time of the year, 20 days more on either
//! side, in up to three years before; where these are fewer than 20, the 75 days before too. Base
//! days that were faults themselves are left out: against neighbours those whose ratio is more than
//! a fifth below, or a quarter above, the median; against irradiance, which heat and the angle of the
//! sun move, two fifths below or a half above; against the sun only days of next to nothing. The
//! share is the sum of what was made over the sum of the light. Fewer than 10 base days teach
//! nothing: then a roof is taken to be as good as its neighbours, which says so, and against the sun
//! nothing is expected at all.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    course::{Course, DAY_PARTS, Parts, wh, whole},
    light::{MeasuredLight, Plane, Steps},
};
use crate::{
    calendar::{LocalDay, Period},
    quantity::{WattHours, Watts},
};

/// Days on either side of the same time of the year.
const AROUND_DAYS: i32 = 20;
/// Years looked back.
const YEARS: i32 = 3;
/// Days before, where the years give too few.
const BEFORE_DAYS: i32 = 75;
/// Base days that are enough.
const ENOUGH_DAYS: usize = 20;
/// Base days below which nothing is learnt.
const FEWEST_DAYS: usize = 10;
/// Light and shares are kept in millionths.
const MILLION: i128 = 1_000_000;
/// µWh that 1 Wh/m² makes of 1 W under 1,000 W/m², the light panels are rated at.
const MICRO_WH_OF_WATT: i128 = 1_000;

/// What the light of a day is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Irradiance measured for the roof.
    Irradiance(Steps),
    /// So many neighbouring roofs at most.
    Neighbours(u32),
    /// A clear sky: weather and fault are not told apart.
    Sun,
}

/// Why an expectation is less than certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Weather and fault are not told apart.
    NoNeighbours,
    /// One neighbour only: its fault would look like good weather here, and the other way round.
    OneNeighbour,
    /// So few base days that it is taken to be as good as its neighbours.
    NoHistory,
    /// The base days are of the weeks before, not of the same time of the year.
    ShortHistory,
    /// Irradiance is known by whole days: what happened within one is not told.
    WholeDays,
    /// Irradiance was measured on the flat, not on the plane of the panels.
    OnTheFlat,
}

/// What a roof should have made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// What the light is known from.
    pub basis: Basis,
    /// Each day of which the light is known.
    pub days: BTreeMap<LocalDay, Parts>,
    /// How many days the roof's share was learnt from.
    pub base_days: u32,
    /// What makes it less than certain, in order.
    pub doubts: BTreeSet<Doubt>,
}

impl Doubt {
    /// A sentence without its end.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Doubt::NoNeighbours => {
                "no neighbouring roof is known: weather and faults are not told apart, and only days and parts of days with next to nothing are counted as lost"
            }
            Doubt::OneNeighbour => {
                "there is one neighbouring roof only: its own faults would hide or show here"
            }
            Doubt::NoHistory => {
                "the roof's own history is too short: it is taken to be as good as its neighbours for its size"
            }
            Doubt::ShortHistory => {
                "the roof's own history holds less than a year: its weeks before stand in for the same time of the year"
            }
            Doubt::WholeDays => {
                "irradiance is known by whole days: shade or an hour off within a day is not told apart"
            }
            Doubt::OnTheFlat => {
                "irradiance was measured on the flat, not on the panels: the ratio moves with the season, and is held against the same time of the year"
            }
        }
    }
}

/// What `own` should have made over `days`. `measured` is the irradiance measured for it;
/// `neighbours` are other roofs under the same weather; `sky` is what a clear sky gives on this
/// roof's panels; days of `off` teach nothing. `None` where nothing can be expected.
#[must_use]
pub fn expectation(
    days: Period,
    own: &Course,
    measured: Option<&MeasuredLight>,
    neighbours: &[&Course],
    sky: &BTreeMap<LocalDay, Parts>,
    off: &BTreeSet<LocalDay>,
) -> Option<Expectation> {
    let mut doubts = BTreeSet::new();
    let light = of_neighbours(neighbours);
    let by_irradiance = measured.and_then(|measured| {
        let of_it = of_irradiance(measured);
        let knows = |light: &Light| {
            let known = days.days().filter(|day| own.days.contains_key(day));
            known.filter(|day| light.contains_key(day)).count()
        };
        let basis = Basis::Irradiance(measured.steps);
        let learnt = base_days(days, own, &of_it, off, basis).0.len() >= FEWEST_DAYS;
        (learnt && knows(&of_it) > 0 && knows(&of_it) >= knows(&light)).then_some((basis, of_it))
    });
    let (basis, light) = if let Some(by_irradiance) = by_irradiance {
        if let Basis::Irradiance(Steps::Days) = by_irradiance.0 {
            doubts.insert(Doubt::WholeDays);
        }
        if measured.is_some_and(|measured| measured.plane == Plane::Flat) {
            doubts.insert(Doubt::OnTheFlat);
        }
        by_irradiance
    } else if days.days().any(|day| light.contains_key(&day)) {
        let count = u32::try_from(neighbours.len()).unwrap_or(u32::MAX);
        if count == 1 {
            doubts.insert(Doubt::OneNeighbour);
        }
        (Basis::Neighbours(count), light)
    } else {
        doubts.insert(Doubt::NoNeighbours);
        let sky = sky
            .iter()
            .map(|(day, parts)| (*day, per_watt(parts, own.peak)));
        (Basis::Sun, sky.collect())
    };
    let (base, short) = base_days(days, own, &light, off, basis);
    let shares = if base.len() >= FEWEST_DAYS {
        if short {
            doubts.insert(Doubt::ShortHistory);
        }
        match basis {
            // The parts of such a day are the sky's, not the roof's: its share is one of whole days.
            Basis::Irradiance(Steps::Days) => [share_of(own, &light, &base); DAY_PARTS],
            _ => shares_of(own, &light, &base),
        }
    } else if basis == Basis::Sun {
        return None;
    } else {
        doubts.insert(Doubt::NoHistory);
        [MILLION; DAY_PARTS]
    };
    let expected = days.days().filter_map(|day| {
        let light = light.get(&day)?;
        let mut parts = [WattHours::ZERO; DAY_PARTS];
        for ((part, light), share) in parts.iter_mut().zip(light).zip(&shares) {
            // µWh/W × W × share in millionths, cut to the Wh.
            let made = light
                .saturating_mul(i128::from(own.peak.0))
                .saturating_mul(*share)
                .checked_div(MILLION.saturating_mul(MILLION));
            *part = wh(made.unwrap_or(0));
        }
        Some((day, parts))
    });
    Some(Expectation {
        basis,
        days: expected.collect(),
        base_days: u32::try_from(base.len()).unwrap_or(u32::MAX),
        doubts,
    })
}

/// The light of days: µWh for each W, part by part.
pub(super) type Light = BTreeMap<LocalDay, [i128; DAY_PARTS]>;

/// Irradiation as light: a panel of 1 W gives its watt under 1,000 W/m².
pub(super) fn of_irradiance(measured: &MeasuredLight) -> Light {
    let of_day = |parts: &[i64; DAY_PARTS]| {
        parts.map(|wh_per_m2| i128::from(wh_per_m2).saturating_mul(MICRO_WH_OF_WATT))
    };
    let days = measured.days.iter();
    days.map(|(day, parts)| (*day, of_day(parts))).collect()
}

fn per_watt(parts: &Parts, peak: Watts) -> [i128; DAY_PARTS] {
    parts.map(|part| {
        i128::from(part.0)
            .saturating_mul(MILLION)
            .checked_div(i128::from(peak.0))
            .unwrap_or(0)
    })
}

/// The median of the neighbours' yields, day by day and part by part.
fn of_neighbours(neighbours: &[&Course]) -> Light {
    let mut yields: BTreeMap<LocalDay, Vec<[i128; DAY_PARTS]>> = BTreeMap::new();
    for course in neighbours {
        for (day, parts) in &course.days {
            let of_day = yields.entry(*day).or_default();
            of_day.push(per_watt(parts, course.peak));
        }
    }
    yields
        .into_iter()
        .map(|(day, all)| {
            let mut light = [0; DAY_PARTS];
            for (place, slot) in light.iter_mut().enumerate() {
                let of_part = all.iter().filter_map(|parts| parts.get(place).copied());
                *slot = median(of_part.collect());
            }
            (day, light)
        })
        .collect()
}

/// The middle value; of an even number the lower of the two in the middle.
fn median(mut values: Vec<i128>) -> i128 {
    values.sort_unstable();
    let middle = values.len().saturating_sub(1).checked_div(2).unwrap_or(0);
    values.get(middle).copied().unwrap_or(0)
}

/// The days a roof's share is learnt from, and whether they are of the weeks before.
pub(super) fn base_days(
    days: Period,
    own: &Course,
    light: &Light,
    off: &BTreeSet<LocalDay>,
    basis: Basis,
) -> (Vec<LocalDay>, bool) {
    let (first, last) = (days.first_day(), days.last_day());
    let usable = |from: LocalDay, to: LocalDay| {
        own.days
            .range(from..=to)
            .map(|(day, _)| *day)
            .filter(|day| *day < first && !off.contains(day))
            .filter(|day| {
                light
                    .get(day)
                    .is_some_and(|light| light.iter().sum::<i128>() > 0)
            })
            .collect::<Vec<_>>()
    };
    let mut base = BTreeSet::new();
    for year in 1..=YEARS {
        let back = year.saturating_mul(-365);
        let from = first.plus(back).plus(AROUND_DAYS.saturating_neg());
        base.extend(usable(from, last.plus(back).plus(AROUND_DAYS)));
    }
    let short = base.len() < ENOUGH_DAYS;
    if short {
        base.extend(usable(
            first.plus(BEFORE_DAYS.saturating_neg()),
            first.previous(),
        ));
    }
    let ratio = |day: &LocalDay| -> i128 {
        let made = own.days.get(day).map_or(0, whole);
        let light: i128 = light.get(day).map_or(0, |light| light.iter().sum());
        let ideal = light.saturating_mul(i128::from(own.peak.0));
        made.saturating_mul(MILLION.saturating_mul(MILLION))
            .checked_div(ideal)
            .unwrap_or(0)
    };
    let middle = median(base.iter().map(ratio).collect());
    let per_cent = |n: i128| middle.saturating_mul(n).checked_div(100).unwrap_or(0);
    let sound = |day: &LocalDay| {
        let ratio = ratio(day);
        match basis {
            Basis::Irradiance(_) => per_cent(60) <= ratio && ratio <= per_cent(150),
            Basis::Neighbours(_) => per_cent(80) <= ratio && ratio <= per_cent(125),
            Basis::Sun => per_cent(5) <= ratio,
        }
    };
    (base.into_iter().filter(sound).collect(), short)
}

/// What the roof made of the light over its base days as a whole, in millionths.
fn share_of(own: &Course, light: &Light, base: &[LocalDay]) -> i128 {
    let mut made = 0_i128;
    let mut ideal = 0_i128;
    for day in base {
        let (Some(parts), Some(light)) = (own.days.get(day), light.get(day)) else {
            continue;
        };
        made = made.saturating_add(whole(parts));
        let light: i128 = light.iter().sum();
        ideal = ideal.saturating_add(light.saturating_mul(i128::from(own.peak.0)));
    }
    made.saturating_mul(MILLION.saturating_mul(MILLION))
        .checked_div(ideal)
        .unwrap_or(MILLION)
}

/// What the roof made of the light over its base days, part by part, in millionths.
fn shares_of(own: &Course, light: &Light, base: &[LocalDay]) -> [i128; DAY_PARTS] {
    let mut made = [0_i128; DAY_PARTS];
    let mut ideal = [0_i128; DAY_PARTS];
    for day in base {
        let (Some(parts), Some(light)) = (own.days.get(day), light.get(day)) else {
            continue;
        };
        for (sum, part) in made.iter_mut().zip(parts) {
            *sum = sum.saturating_add(i128::from(part.0));
        }
        for (sum, light) in ideal.iter_mut().zip(light) {
            *sum = sum.saturating_add(light.saturating_mul(i128::from(own.peak.0)));
        }
    }
    let mut shares = [0; DAY_PARTS];
    for ((share, made), ideal) in shares.iter_mut().zip(made).zip(ideal) {
        *share = made
            .saturating_mul(MILLION.saturating_mul(MILLION))
            .checked_div(ideal)
            .unwrap_or(MILLION);
    }
    shares
}
