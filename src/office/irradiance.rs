//! Irradiance measured for a roof, taken in from a CSV file: by days or by half hours.
//!
//! The file is kept as it came and read again whenever a roof is judged; the decision names it, its
//! plane and its source. It is evidence of weather: no claim or bill is made from it. Two files that
//! say different things of one day are refused; what was taken in wrongly is withdrawn, and both stay.

use std::collections::BTreeMap;

use domain::{
    calendar::{HalfHour, Instant, LocalDay},
    performance::{DAY_PARTS, MeasuredLight, Parts, Plane, Steps},
    quantity::Watts,
};
pub use records::roofs::LightPlane;
use records::{
    decision::What,
    roofs::{IrradianceImported, IrradianceWithdrawn},
};
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};

use super::{
    answer::{Answer, OrCaller, Refusal, refuse},
    blobs::{Expected, Given},
    known::Known,
    losses::{daylight, part_of, place, sky_of},
    society::SocietyOffice,
};

/// Most rows of one file: four years of half hours.
const MAX_ROWS: usize = 4 * 366 * 50;
/// More than the sun gives outside the air in a British day, Wh/m².
const MOST_A_DAY: i64 = 13_000;
/// The same in half an hour: 1,500 W/m², as under the edge of a bright cloud.
const MOST_A_HALF_HOUR: i64 = 750;

/// What is taken in.
#[derive(Clone, Debug)]
pub struct AskedIrradiance {
    /// The roof.
    pub site: String,
    /// On what it was measured.
    pub plane: LightPlane,
    /// By whom or what.
    pub source: String,
    /// The file.
    pub file: Given,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadIrradiance {
    /// By half hours, or by days.
    pub steps: Steps,
    /// Rows of the file.
    pub rows: usize,
    /// Each day of which all is known, Wh/m² in its parts.
    pub days: BTreeMap<LocalDay, [i64; DAY_PARTS]>,
    /// Days that lack a half hour of daylight.
    pub incomplete: Vec<LocalDay>,
}

impl ReadIrradiance {
    /// All its light, Wh/m².
    #[must_use]
    pub fn wh_per_m2(&self) -> i64 {
        self.days.values().flatten().sum()
    }
}

/// Irradiance as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Irradiance {
    /// As it was taken in.
    pub imported: IrradianceImported,
    /// By whom, and when.
    pub by: (String, Instant),
    /// Why it counts no more.
    pub withdrawn: Option<String>,
}

impl SocietyOffice {
    /// Reads a file and changes nothing.
    ///
    /// # Errors
    /// When the roof is unknown or a line cannot be read, with the line.
    pub fn read_irradiance(&self, asked: &AskedIrradiance) -> Answer<ReadIrradiance> {
        let known = self.known();
        super::known::known("site", &asked.site, &known.sites)?;
        if asked.source.trim().is_empty() {
            return refuse(
                "irradiance needs its source\nhint: say who or what measured it, and where",
            );
        }
        let read = read(&asked.file.bytes, &known, &asked.site)?;
        for one in self.standing_irradiance(&asked.site)? {
            let there = self.series_of(&known, &one.imported)?;
            let differs = read
                .days
                .iter()
                .find(|(day, parts)| there.days.get(day).is_some_and(|other| other != *parts));
            if let Some((day, _)) = differs {
                return refuse(format!(
                    "irradiance {} of `{}` says something else of {day}\nhint: withdraw the one that is wrong, with its reason: `commonwatt site irradiance withdraw {}`",
                    one.imported.number, asked.site, one.imported.number
                ));
            }
            if one.imported.plane != asked.plane && !read.days.is_empty() {
                return refuse(format!(
                    "irradiance {} of `{}` was measured on the {}; one roof keeps to one plane\nhint: withdraw it first if this one is to stand",
                    one.imported.number,
                    asked.site,
                    plane_words(one.imported.plane)
                ));
            }
        }
        Ok(read)
    }

    /// Takes a file in; the same file a second time is found and nothing is appended.
    ///
    /// # Errors
    /// As [`SocietyOffice::read_irradiance`]; when no day of the file is whole.
    pub fn import_irradiance(
        &self,
        asked: &AskedIrradiance,
        by: &str,
        now: Instant,
    ) -> Answer<Irradiance> {
        let read = self.read_irradiance(asked)?;
        let (Some(first), Some(last)) = (read.days.keys().next(), read.days.keys().next_back())
        else {
            return refuse(
                "no day of the file is whole\nhint: a day counts where no half hour of its daylight lacks",
            );
        };
        if *last > self.known().zone.day_of(now) {
            return refuse(format!(
                "`{last}` is still to come; expected light that was measured"
            ));
        }
        let before = self.irradiance()?;
        let sha256 = asked.file.sha256();
        let same = before.iter().find(|one| {
            one.withdrawn.is_none()
                && one.imported.site == asked.site
                && one.imported.file.sha256 == sha256
        });
        if let Some(same) = same {
            return Ok(same.clone());
        }
        let number = u32::try_from(before.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
        let imported = IrradianceImported {
            number,
            site: asked.site.clone(),
            plane: asked.plane,
            source: asked.source.trim().to_owned(),
            file: self.keep(&asked.file, Expected::Evidence)?,
            first: first.to_string(),
            last: last.to_string(),
            days: u32::try_from(read.days.len()).unwrap_or(u32::MAX),
        };
        self.decide(What::IrradianceImported(Box::new(imported)), by, now)?;
        self.irradiance_of(number)
    }

    /// Irradiance counts no more.
    ///
    /// # Errors
    /// When there is none of that number, it was withdrawn before, or no reason is given.
    pub fn withdraw_irradiance(
        &self,
        number: u32,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<Irradiance> {
        if let Some(why) = self.irradiance_of(number)?.withdrawn {
            return refuse(format!("irradiance {number} was withdrawn before: {why}"));
        }
        if reason.trim().is_empty() {
            return refuse("a withdrawal needs a reason\nhint: say why with --reason");
        }
        let what = What::IrradianceWithdrawn(IrradianceWithdrawn {
            number,
            reason: reason.trim().to_owned(),
        });
        self.decide(what, by, now)?;
        self.irradiance_of(number)
    }

    /// All irradiance, in order of its numbers.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn irradiance(&self) -> Answer<Vec<Irradiance>> {
        let mut all: Vec<Irradiance> = Vec::new();
        for decision in self.decisions(&["irradiance-imported/1", "irradiance-withdrawn/1"])? {
            match decision.what {
                What::IrradianceImported(imported) => all.push(Irradiance {
                    imported: *imported,
                    by: (decision.by, Instant(decision.at_ms)),
                    withdrawn: None,
                }),
                What::IrradianceWithdrawn(withdrawn) => {
                    let number = withdrawn.number;
                    let of = all.iter_mut().find(|one| one.imported.number == number);
                    if let Some(one) = of {
                        one.withdrawn = Some(withdrawn.reason);
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// The light measured for a roof; none where there is none.
    pub(super) fn measured_light(
        &self,
        known: &Known,
        site: &str,
    ) -> Answer<Option<MeasuredLight>> {
        let mut light: Option<MeasuredLight> = None;
        for one in self.standing_irradiance(site)? {
            let read = self.series_of(known, &one.imported)?;
            let plane = match one.imported.plane {
                LightPlane::Panels => Plane::Panels,
                LightPlane::Flat => Plane::Flat,
            };
            let light = light.get_or_insert_with(|| MeasuredLight {
                plane,
                steps: read.steps,
                days: BTreeMap::new(),
            });
            // What is known by days in one file is not known finer for all.
            if read.steps == Steps::Days {
                light.steps = Steps::Days;
            }
            light.days.extend(read.days);
        }
        Ok(light)
    }

    fn standing_irradiance(&self, site: &str) -> Answer<Vec<Irradiance>> {
        let mut all = self.irradiance()?;
        all.retain(|one| one.withdrawn.is_none() && one.imported.site == site);
        Ok(all)
    }

    fn series_of(&self, known: &Known, imported: &IrradianceImported) -> Answer<ReadIrradiance> {
        read(&self.blob(&imported.file)?, known, &imported.site)
    }

    fn irradiance_of(&self, number: u32) -> Answer<Irradiance> {
        let all = self.irradiance()?;
        let count = all.len();
        all.into_iter()
            .find(|one| one.imported.number == number)
            .map_or_else(
                || {
                    refuse(format!(
                        "there is no irradiance {number}; there are {count}\nhint: `commonwatt site irradiance list` names them"
                    ))
                },
                Ok,
            )
    }
}

/// On what it was measured, after "on the".
#[must_use]
pub fn plane_words(plane: LightPlane) -> &'static str {
    match plane {
        LightPlane::Panels => "plane of the panels",
        LightPlane::Flat => "flat",
    }
}

/// The unit of a file's column.
#[derive(Clone, Copy)]
enum Unit {
    WhPerM2,
    KwhPerM2,
    /// A mean over its half hour.
    WPerM2,
}

fn read(bytes: &[u8], known: &Known, site: &str) -> Answer<ReadIrradiance> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let head: Vec<String> = reader
        .headers()
        .or_caller()?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').to_owned())
        .collect();
    let (steps, unit) = match head.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["day", "wh_per_m2"] => (Steps::Days, Unit::WhPerM2),
        ["day", "kwh_per_m2"] => (Steps::Days, Unit::KwhPerM2),
        ["from", "wh_per_m2"] => (Steps::HalfHours, Unit::WhPerM2),
        ["from", "w_per_m2"] => (Steps::HalfHours, Unit::WPerM2),
        _ => {
            return refuse(format!(
                "the irradiance has the columns `{}`; expected `day,wh_per_m2` or `day,kwh_per_m2`, a row a day, or `from,wh_per_m2` or `from,w_per_m2`, a row a half hour",
                head.join(",")
            ));
        }
    };
    let mut by_day: BTreeMap<LocalDay, i64> = BTreeMap::new();
    let mut halves: BTreeMap<HalfHour, i64> = BTreeMap::new();
    let mut rows = 0;
    for (n, record) in (2..).zip(reader.records()) {
        let record = record.or_caller()?;
        let wrong = |why: String| Refusal::Caller(format!("line {n} of the irradiance: {why}"));
        rows += 1;
        if rows > MAX_ROWS {
            return refuse(format!(
                "the file has more than {MAX_ROWS} rows; expected at most that"
            ));
        }
        let text = record.get(0).unwrap_or_default();
        let wh = wh_per_m2(record.get(1).unwrap_or_default(), unit).map_err(wrong)?;
        let most = match steps {
            Steps::Days => MOST_A_DAY,
            Steps::HalfHours => MOST_A_HALF_HOUR,
        };
        if !(0..=most).contains(&wh) {
            return Err(wrong(format!(
                "`{wh}` Wh/m² is not what the sun can give; expected 0 to {most}"
            )));
        }
        let twice = match steps {
            Steps::Days => {
                let day = text.parse::<LocalDay>().map_err(|e| wrong(e.to_string()))?;
                by_day.insert(day, wh).is_some()
            }
            Steps::HalfHours => {
                let from = known.zone.instant_of_text(text);
                let from = from.map_err(|e| wrong(e.to_string()))?;
                if HalfHour::of(from).start() != from {
                    return Err(wrong(format!("`{text}` is not the start of a half hour")));
                }
                halves.insert(HalfHour::of(from), wh).is_some()
            }
        };
        if twice {
            return Err(wrong(format!("`{text}` is there twice")));
        }
    }
    if rows == 0 {
        return refuse("the file has no rows");
    }
    let mut read = ReadIrradiance {
        steps,
        rows,
        days: BTreeMap::new(),
        incomplete: Vec::new(),
    };
    match steps {
        Steps::Days => {
            for (day, wh) in by_day {
                read.days.insert(day, as_the_sky(wh, known, site, day));
            }
        }
        Steps::HalfHours => of_half_hours(&halves, known, site, &mut read),
    }
    Ok(read)
}

fn wh_per_m2(text: &str, unit: Unit) -> Result<i64, String> {
    let value = Decimal::from_str_exact(text)
        .map_err(|_| format!("`{text}` is no number; expected one such as 4210 or 4.21"))?;
    let wh = match unit {
        Unit::WhPerM2 => Some(value),
        Unit::KwhPerM2 => value.checked_mul(Decimal::ONE_THOUSAND),
        Unit::WPerM2 => value.checked_div(Decimal::TWO),
    };
    // Rounded once, half away from zero; some sensors say a little less than nothing at night.
    let wh = wh.map(|wh| wh.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
    let wh = wh.and_then(|wh| wh.to_i64());
    let wh = wh.ok_or_else(|| format!("`{text}` is too large"))?;
    Ok(if (-5..0).contains(&wh) { 0 } else { wh })
}

/// A day's light over its parts as a clear sky has it; by thirds where the sky is not known.
fn as_the_sky(wh: i64, known: &Known, site: &str, day: LocalDay) -> [i64; DAY_PARTS] {
    let peak = known.sites.get(site).map_or(Watts(0), |site| site.kwp);
    let sky: Parts = sky_of(known, site, peak, day);
    let all: i64 = sky.iter().map(|part| part.0).sum();
    let of = |part: i64| match all {
        0 => wh / DAY_PARTS as i64,
        all => wh * part / all,
    };
    let mut parts = sky.map(|part| of(part.0));
    // Nothing of the day is lost in the division.
    parts[1] += wh - parts.iter().sum::<i64>();
    parts
}

/// The days of half hours; one counts where no half hour lacks in which a clear sky gives light.
fn of_half_hours(
    halves: &BTreeMap<HalfHour, i64>,
    known: &Known,
    site: &str,
    read: &mut ReadIrradiance,
) {
    let longitude = place(known, site).map_or(0.0, |(_, longitude)| longitude);
    let mut days: Vec<LocalDay> = halves
        .keys()
        .map(|half| known.zone.day_of_half_hour(*half))
        .collect();
    days.dedup();
    for day in days {
        let light = daylight(known, site, day);
        let mut parts = [0; DAY_PARTS];
        let mut is_whole = true;
        for (half, is_light) in light {
            match halves.get(&half) {
                Some(wh) => parts[part_of(half, longitude).place()] += wh,
                None => is_whole &= !is_light,
            }
        }
        match is_whole {
            true => drop(read.days.insert(day, parts)),
            false => read.incomplete.push(day),
        }
    }
}
