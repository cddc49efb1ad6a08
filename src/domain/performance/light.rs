//! Irradiance measured for a roof, and its performance ratio.
//!
//! The ratio is what came out over what the light on the panels would give at their rated power
//! (IEC 61724-1): made [Wh] over peak [W] times irradiation [Wh/m²] over 1,000 W/m². Weather is in the
//! light, so a ratio below its usual is the roof: a fault, dirt or shade. Irradiation on the flat gives
//! a ratio of its own kind, which moves with the season; it is only held against the same time of the
//! year.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    course::{Course, DAY_PARTS, whole},
    expected::{Basis, base_days, of_irradiance},
};
use crate::calendar::{LocalDay, Period};

/// Light that panels are rated at, W/m².
const RATED_W_PER_M2: i128 = 1_000;
/// Fewest days on which a usual ratio rests.
const FEWEST_DAYS: usize = 10;

/// On what the light fell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// The plane of the panels.
    Panels,
    /// A horizontal sensor, or a weather service's figure for the flat.
    Flat,
}

/// How finely it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// By half hours.
    HalfHours,
    /// By whole days; its parts are those of a clear sky.
    Days,
}

/// Irradiation by day and part of the day, Wh/m².
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuredLight {
    /// On what it fell.
    pub plane: Plane,
    /// How finely it is known.
    pub steps: Steps,
    /// Each day of which all is known.
    pub days: BTreeMap<LocalDay, [i64; DAY_PARTS]>,
}

/// A roof's performance ratio over some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Days of which both light and energy are known, without planned outages.
    pub days: u32,
    /// The light of those days, Wh/m².
    pub wh_per_m2: i64,
    /// The ratio, per mille.
    pub permille: i64,
    /// The same of the roof's own history, most of it the same time of the year; none where it is
    /// too short.
    pub usual_permille: Option<i64>,
}

/// The performance ratio over `days`; none where no day is known. Days of `off` are left out.
///
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use commonwatt_domain::{
///     calendar::{LocalDay, Period}, performance::{Course, MeasuredLight, Plane, Steps, ratio},
///     quantity::{WattHours, Watts},
/// };
/// // 875 kWh per kWp under 1,063 kWh/m²: 0.823.
/// let day: LocalDay = "2013-06-01".parse()?;
/// let own = Course {
///     peak: Watts(1_000),
///     days: BTreeMap::from([(day, [WattHours(875_000), WattHours(0), WattHours(0)])]),
/// };
/// let light = MeasuredLight {
///     plane: Plane::Panels,
///     steps: Steps::Days,
///     days: BTreeMap::from([(day, [1_063_000, 0, 0])]),
/// };
/// let days = Period::Range { first: day, last: day };
/// assert_eq!(ratio(days, &own, &light, &BTreeSet::new()).unwrap().permille, 823);
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[must_use]
pub fn ratio(
    days: Period,
    own: &Course,
    measured: &MeasuredLight,
    off: &BTreeSet<LocalDay>,
) -> Option<Ratio> {
    let both: Vec<LocalDay> = days
        .days()
        .filter(|day| !off.contains(day) && own.days.contains_key(day))
        .filter(|day| measured.days.contains_key(day))
        .collect();
    let (permille, wh_per_m2) = over(&both, own, measured)?;
    let basis = Basis::Irradiance(measured.steps);
    let (base, _) = base_days(days, own, &of_irradiance(measured), off, basis);
    let usual = (base.len() >= FEWEST_DAYS).then(|| over(&base, own, measured));
    Some(Ratio {
        days: u32::try_from(both.len()).unwrap_or(u32::MAX),
        wh_per_m2,
        permille,
        usual_permille: usual.flatten().map(|(permille, _)| permille),
    })
}

/// The ratio over days and their light, per mille and Wh/m²; cut, not rounded up.
fn over(days: &[LocalDay], own: &Course, measured: &MeasuredLight) -> Option<(i64, i64)> {
    let made = days
        .iter()
        .filter_map(|day| own.days.get(day))
        .fold(0_i128, |sum, parts| sum.saturating_add(whole(parts)));
    let light = days
        .iter()
        .filter_map(|day| measured.days.get(day))
        .flatten()
        .fold(0_i128, |sum, part| sum.saturating_add(i128::from(*part)));
    let rated = i128::from(own.peak.0).saturating_mul(light);
    let permille = made
        .saturating_mul(RATED_W_PER_M2)
        .saturating_mul(1_000)
        .checked_div(rated)?;
    Some((i64::try_from(permille).ok()?, i64::try_from(light).ok()?))
}
