//! What was lost over some days, and why, as far as it can be told.
//!
//! Against neighbours a day is lost where less than a tenth of what was expected came, a part of a
//! day in the same way; a day is below its neighbours where, without lost parts, less than nine
//! tenths came. Days below that are fewer than one in five are called a fault. Where they are more,
//! a deficit that is twice as large in one part of the day as in any other is called shade in that
//! part, and one that is alike all day dirt: both are likely, not certain. Against the sun alone
//! only days and parts of next to nothing (a fiftieth of the usual) are lost. Against irradiance days
//! are lost as against neighbours, and parts where it is known by half hours; the rest is held against
//! its light as a whole, since heat and the angle of the sun move single days: where less than nine
//! tenths came, all that lacks is below its light, and whether it was a fault, dirt or shade is not
//! told. What lies within the tenth is scatter and belongs to nobody.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    course::{Course, DAY_PARTS, DayPart, Parts, wh, whole},
    expected::{Basis, Doubt, Expectation, expectation},
    light::{MeasuredLight, Steps},
};
use crate::{
    calendar::{LocalDay, Period},
    quantity::WattHours,
};

/// A day of less light than this, in Wh for each kW, says nothing about a roof that makes nothing.
const LEAST_DAY_WH_PER_KW: i128 = 200;
/// The same for a part of a day.
const LEAST_PART_WH_PER_KW: i128 = 100;
/// Per cent of the expected below which a day or part is lost, against neighbours.
const LOST_PERCENT: i128 = 10;
/// The same against the sun.
const LOST_UNDER_THE_SUN_PERCENT: i128 = 2;
/// Per cent of the expected below which a day is below its neighbours.
const BELOW_PERCENT: i128 = 90;

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Over<'a> {
    /// The days, all of them past.
    pub days: Period,
    /// The roof.
    pub own: &'a Course,
    /// Irradiance measured for it.
    pub measured: Option<&'a MeasuredLight>,
    /// Other roofs under the same weather.
    pub neighbours: &'a [&'a Course],
    /// What a clear sky gives on this roof's panels.
    pub sky: &'a BTreeMap<LocalDay, Parts>,
    /// Days of planned outages.
    pub off: &'a BTreeSet<LocalDay>,
}

/// Why energy was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The roof was off, as planned.
    Planned,
    /// It made next to nothing, on days or parts of days.
    Outage,
    /// Below its neighbours on some days.
    Fault,
    /// Below its neighbours on many days, in one part of the day: likely shade.
    Shade(DayPart),
    /// Below its neighbours on many days, all day alike: likely dirt.
    Dirt,
    /// Below what its irradiance gives, over all days together.
    BelowLight,
}

/// Energy that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why.
    pub cause: Cause,
    /// On how many days.
    pub days: u32,
    /// How much.
    pub wh: WattHours,
}

/// How a roof did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Days asked about.
    pub days: u32,
    /// Days of which both what was made and what was expected is known.
    pub known_days: u32,
    /// Made on those days.
    pub made: WattHours,
    /// Expected on those days.
    pub expected: WattHours,
    /// What was lost, by cause.
    pub losses: Vec<Loss>,
    /// Made less expected, without the losses: scatter.
    pub rest: WattHours,
    /// Expected less what is usual at this time of the year: what the weather gave or took. `None`
    /// where weather and fault are not told apart.
    pub weather: Option<WattHours>,
    /// What the light is known from; `None` where nothing can be expected.
    pub basis: Option<Basis>,
    /// How many days its share of the light was learnt from.
    pub base_days: u32,
    /// What makes it less than certain.
    pub doubts: BTreeSet<Doubt>,
}

impl Cause {
    /// Its word in JSON and files.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cause::Planned => "planned-outage",
            Cause::Outage => "outage",
            Cause::Fault => "fault",
            Cause::Shade(DayPart::Morning) => "shade-morning",
            Cause::Shade(DayPart::Midday) => "shade-midday",
            Cause::Shade(DayPart::Evening) => "shade-evening",
            Cause::Dirt => "dirt",
            Cause::BelowLight => "below-light",
        }
    }

    /// In words; what is not certain says so.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Cause::Planned => "planned outage".to_owned(),
            Cause::Outage => "off".to_owned(),
            Cause::Fault => "below its neighbours".to_owned(),
            Cause::Shade(part) => {
                format!("below its neighbours in the {}, likely shade", part.word())
            }
            Cause::Dirt => "below its neighbours all day, likely dirt".to_owned(),
            Cause::BelowLight => {
                "below what its light gives: a fault, dirt or shade, not the weather".to_owned()
            }
        }
    }
}

impl Judged {
    /// All that was lost.
    #[must_use]
    pub fn lost(&self) -> WattHours {
        let all = self.losses.iter().map(|loss| i128::from(loss.wh.0));
        wh(all.fold(0, i128::saturating_add))
    }

    /// Made of expected, in per mille; `None` where nothing was expected. Against neighbours this is
    /// the roof's performance under the light there was.
    #[must_use]
    pub fn permille(&self) -> Option<i64> {
        let made = i128::from(self.made.0).checked_mul(1_000)?;
        i64::try_from(made.checked_div(i128::from(self.expected.0))?).ok()
    }
}

/// Judges some days.
#[must_use]
pub fn judge(of: &Over<'_>) -> Judged {
    let days = u32::try_from(of.days.day_count()).unwrap_or(0);
    let expected = expectation(of.days, of.own, of.measured, of.neighbours, of.sky, of.off);
    let Some(expected) = expected else {
        return Judged {
            days,
            known_days: 0,
            made: WattHours::ZERO,
            expected: WattHours::ZERO,
            losses: Vec::new(),
            rest: WattHours::ZERO,
            weather: None,
            basis: None,
            base_days: 0,
            doubts: BTreeSet::from([Doubt::NoNeighbours, Doubt::NoHistory]),
        };
    };
    let mut sums = Sums::default();
    for day in of.days.days() {
        if let (Some(made), Some(wanted)) = (of.own.days.get(&day), expected.days.get(&day)) {
            sums.take(of, expected.basis, day, made, wanted);
        }
    }
    let losses = sums.losses(expected.basis);
    let lost = losses.iter().fold(0_i128, |sum, loss| {
        sum.saturating_add(i128::from(loss.wh.0))
    });
    let rest = sums.made.saturating_add(lost).saturating_sub(sums.expected);
    Judged {
        days,
        known_days: sums.days,
        made: wh(sums.made),
        expected: wh(sums.expected),
        rest: wh(rest),
        weather: weather(of, &expected, &sums),
        losses,
        basis: Some(expected.basis),
        base_days: expected.base_days,
        doubts: expected.doubts,
    }
}

/// What the weather gave or took: against irradiance or neighbours, and where the usual is known.
fn weather(of: &Over<'_>, expected: &Expectation, sums: &Sums) -> Option<WattHours> {
    if expected.basis == Basis::Sun {
        return None;
    }
    let usual = expectation(of.days, of.own, None, &[], of.sky, of.off)?;
    let known = expected
        .days
        .keys()
        .filter(|day| of.own.days.contains_key(day));
    let usual = known.fold(0_i128, |sum, day| {
        sum.saturating_add(usual.days.get(day).map_or(0, whole))
    });
    Some(wh(sums.expected.saturating_sub(usual)))
}

#[derive(Default)]
struct Sums {
    days: u32,
    made: i128,
    expected: i128,
    planned: (u32, i128),
    off: (u32, i128),
    below: u32,
    /// Made and expected without what was off, against irradiance.
    left: (i128, i128),
    /// Deficit and expectation of the days below, part by part.
    deficit: [i128; DAY_PARTS],
    of: [i128; DAY_PARTS],
}

impl Sums {
    fn take(&mut self, over: &Over<'_>, basis: Basis, day: LocalDay, made: &Parts, wanted: &Parts) {
        let (a, e) = (whole(made), whole(wanted));
        self.days = self.days.saturating_add(1);
        self.made = self.made.saturating_add(a);
        self.expected = self.expected.saturating_add(e);
        let lacking = e.saturating_sub(a).max(0);
        if over.off.contains(&day) {
            add(&mut self.planned, lacking);
            return;
        }
        let kw = i128::from(over.own.peak.0);
        let least = |wh_per_kw: i128| wh_per_kw.saturating_mul(kw).checked_div(1_000).unwrap_or(0);
        let lost = |a: i128, e: i128, least: i128| {
            let percent = match basis {
                Basis::Irradiance(_) | Basis::Neighbours(_) => LOST_PERCENT,
                Basis::Sun => LOST_UNDER_THE_SUN_PERCENT,
            };
            e >= least && a.saturating_mul(100) < e.saturating_mul(percent)
        };
        if lost(a, e, least(LEAST_DAY_WH_PER_KW)) {
            add(&mut self.off, lacking);
            return;
        }
        let pairs: Vec<(i128, i128)> = made
            .iter()
            .zip(wanted)
            .map(|(a, e)| (i128::from(a.0), i128::from(e.0)))
            .collect();
        // By days alone nothing is known of their parts.
        let has_parts = basis != Basis::Irradiance(Steps::Days);
        let off: Vec<bool> = pairs
            .iter()
            .map(|(a, e)| has_parts && lost(*a, *e, least(LEAST_PART_WH_PER_KW)))
            .collect();
        let gone = pairs
            .iter()
            .zip(&off)
            .filter(|(_, off)| **off)
            .fold(0_i128, |sum, ((a, e), _)| {
                sum.saturating_add(e.saturating_sub(*a))
            });
        if gone > 0 {
            add(&mut self.off, gone);
        }
        let left = pairs.iter().zip(&off).filter(|(_, off)| !**off);
        let (a, e) = left.fold((0_i128, 0_i128), |(a, e), ((x, y), _)| {
            (a.saturating_add(*x), e.saturating_add(*y))
        });
        let below = a.saturating_mul(100) < e.saturating_mul(BELOW_PERCENT);
        if let Basis::Irradiance(_) = basis {
            self.left.0 = self.left.0.saturating_add(a);
            self.left.1 = self.left.1.saturating_add(e);
            self.below = self.below.saturating_add(u32::from(below));
            return;
        }
        if basis == Basis::Sun || !below {
            return;
        }
        self.below = self.below.saturating_add(1);
        let sums = self.deficit.iter_mut().zip(self.of.iter_mut());
        for (((deficit, of), (a, e)), off) in sums.zip(&pairs).zip(&off) {
            if !off {
                *deficit = deficit.saturating_add(e.saturating_sub(*a));
                *of = of.saturating_add(*e);
            }
        }
    }

    fn losses(&self, basis: Basis) -> Vec<Loss> {
        let deficit = self
            .deficit
            .iter()
            .fold(0_i128, |a, b| a.saturating_add(*b));
        let below = match basis {
            Basis::Irradiance(_) => {
                let (a, e) = self.left;
                let is_low = a.saturating_mul(100) < e.saturating_mul(BELOW_PERCENT);
                let lacking = if is_low { e.saturating_sub(a) } else { 0 };
                (Cause::BelowLight, (self.below, lacking))
            }
            Basis::Neighbours(_) | Basis::Sun => (self.why_below(), (self.below, deficit)),
        };
        [
            (Cause::Planned, self.planned),
            (Cause::Outage, self.off),
            below,
        ]
        .into_iter()
        .filter(|(_, (days, lost))| *days > 0 && *lost > 0)
        .map(|(cause, (days, lost))| Loss {
            cause,
            days,
            wh: wh(lost),
        })
        .collect()
    }

    fn why_below(&self) -> Cause {
        if self.below.saturating_mul(5) < self.days {
            return Cause::Fault;
        }
        let shares = self.deficit.iter().zip(&self.of).map(|(deficit, of)| {
            let share = deficit.saturating_mul(1_000).checked_div(*of);
            share.unwrap_or(0).max(0)
        });
        let mut shares: Vec<(i128, DayPart)> = shares.zip(DayPart::ALL).collect();
        shares.sort_unstable();
        match shares.as_slice() {
            [_, (second, _), (most, part)] if *most >= second.saturating_mul(2) => {
                Cause::Shade(*part)
            }
            _ => Cause::Dirt,
        }
    }
}

fn add(sum: &mut (u32, i128), lacking: i128) {
    if lacking > 0 {
        sum.0 = sum.0.saturating_add(1);
        sum.1 = sum.1.saturating_add(lacking);
    }
}
