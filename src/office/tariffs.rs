//! FIT rates: the published tables, the terms of an installation, and what it is paid on a day.
//!
//! The tables come with the program as data files (`config/tariffs`), each row with its source and
//! how sure it is. A rate of a licensee's statement of terms in the society file stands in for them
//! and is shown as stated. A day for which a table has no row is refused, never guessed.

use std::sync::{Arc, LazyLock};

use domain::{
    calendar::{LocalDay, LocalMonth},
    projection::Certainty,
    quantity::Watts,
    tariff::{
        IndexLevel, IndexName, Indices, Provenance, Rate, UpliftCheck,
        fit::{
            Band, ExportBasis, ExportChain, ExportFrom, NewRate, RateOn, Stated, Tables, Terms,
            Uplift,
        },
    },
};
use records::society::{self, Counts, Installation, SocietyDocument};
use rust_decimal::Decimal;
use serde::Deserialize;

use super::{
    Office,
    answer::{Answer, OrCaller, OrOurs, Refusal, refuse},
    known::{Known, date},
    society::SocietyOffice,
};

const NEW: (&str, &str) = (
    "config/tariffs/fit-new.toml",
    include_str!("../../config/tariffs/fit-new.toml"),
);
const EXPORT: (&str, &str) = (
    "config/tariffs/fit-export.toml",
    include_str!("../../config/tariffs/fit-export.toml"),
);
const UPLIFTS: (&str, &str) = (
    "config/tariffs/uplifts.toml",
    include_str!("../../config/tariffs/uplifts.toml"),
);
const RPI: &str = include_str!("../../config/tariffs/indices/rpi_chaw_monthly.csv");
const CPI: &str = include_str!("../../config/tariffs/indices/cpi_d7bt_monthly.csv");

/// The step by which rates of new installations went down in these years, per cent; what the table
/// has is the source, and this is held against it.
const DEGRESSION_PERCENT: &str = "-3.5";
/// Rates went down by such steps from this eligibility date on; earlier cuts were larger.
const DEGRESSION_FROM: &str = "2012-11-01";

/// What an installation is paid on a day.
#[derive(Clone, Debug)]
pub struct InstallationRate {
    /// The installation.
    pub installation: Installation,
    /// The rates and how they came about.
    pub rate: RateOn,
    /// The last day that is paid.
    pub eligible_until: LocalDay,
}

/// What the index levels and the steps of degression say of the published tables.
#[derive(Clone, Debug)]
pub struct TableCheck {
    /// Every uplift beside what the levels give.
    pub uplifts: Vec<UpliftCheck>,
    /// Every rate of a new installation beside one step of degression from the row before it.
    pub degression: Vec<DegressionCheck>,
}

/// A rate of new installations beside one step from the row before it of the same band.
#[derive(Clone, Debug)]
pub struct DegressionCheck {
    /// First eligibility date.
    pub from: LocalDay,
    /// Band.
    pub band: Band,
    /// The row.
    pub printed: Rate,
    /// The row before, less one step.
    pub stepped: Rate,
}

/// The published tables that come with the program.
///
/// # Errors
/// When one of them is broken; a test keeps that from happening.
pub(super) fn published() -> Answer<Arc<Tables>> {
    static TABLES: LazyLock<Answer<Arc<Tables>>> = LazyLock::new(|| read_tables().map(Arc::new));
    TABLES.clone()
}

/// A capacity in kW, as tables have it.
pub(super) fn kw(text: &str) -> Result<Watts, String> {
    Watts::from_kwp_text(text).map_err(|e| e.to_string())
}

impl Office {
    /// The installation of that id and its society.
    ///
    /// # Errors
    /// When no society, or more than one, has it.
    pub fn installation(
        &self,
        id: &str,
        society: Option<&str>,
    ) -> Answer<(Arc<SocietyOffice>, Installation)> {
        find(self, society, "installation", id, |known| {
            let all = known.document.installation.iter();
            all.map(|one| (one.id.clone(), one.clone())).collect()
        })
    }
}

/// What of that id some society has.
pub(super) fn find<T>(
    office: &Office,
    society: Option<&str>,
    what: &str,
    id: &str,
    all_of: impl Fn(&Known) -> Vec<(String, T)>,
) -> Answer<(Arc<SocietyOffice>, T)> {
    let societies = match society {
        Some(slug) => vec![office.society(slug)?],
        None => office.societies(),
    };
    let mut names = Vec::new();
    let mut found = Vec::new();
    for society in societies {
        for (name, one) in all_of(&society.known()) {
            if name == id {
                found.push((Arc::clone(&society), one));
            }
            names.push(name);
        }
    }
    if found.len() > 1 {
        return refuse(format!(
            "several societies have the {what} `{id}`\nhint: say which with --society"
        ));
    }
    found.pop().map_or_else(
        || {
            let nearest = config::did_you_mean(id, names.iter().map(|name| &**name));
            refuse(format!("{what} `{id}` is in no society file{nearest}"))
        },
        Ok,
    )
}

/// What an installation is paid on a day.
///
/// # Errors
/// When the day is outside its life or a table has no row for it.
pub fn rate_on(
    tables: &Tables,
    installation: &Installation,
    on: LocalDay,
) -> Answer<InstallationRate> {
    let terms = terms_of(installation)?;
    Ok(InstallationRate {
        rate: tables.rate_on(&terms, on).or_caller()?,
        eligible_until: terms.last_day(),
        installation: installation.clone(),
    })
}

/// Holds the published tables against index levels and steps of degression.
///
/// # Errors
/// When a table is broken.
pub fn check_tables() -> Answer<TableCheck> {
    let tables = published()?;
    let mut levels = Vec::new();
    for (index, text) in [(IndexName::Rpi, RPI), (IndexName::Cpi, CPI)] {
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            let (month, level) = line.split_once(',').unwrap_or_default();
            levels.push(IndexLevel {
                index,
                month: month.parse::<LocalMonth>().or_ours("an index level")?,
                level: Decimal::from_str_exact(level).or_ours("an index level")?,
            });
        }
    }
    let step = Decimal::from_str_exact(DEGRESSION_PERCENT).or_ours("the step of degression")?;
    let first: LocalDay = DEGRESSION_FROM
        .parse()
        .or_ours("the first step of degression")?;
    let mut degression = Vec::new();
    for row in tables.new_rates().iter().filter(|row| row.from >= first) {
        let before = tables
            .new_rates()
            .iter()
            .rfind(|other| other.band == row.band && other.to.next() == row.from);
        let Some(before) = before.filter(|before| before.rate != row.rate) else {
            continue;
        };
        if let Some(stepped) = before.rate.raised(step, 2) {
            degression.push(DegressionCheck {
                from: row.from,
                band: row.band,
                printed: row.rate,
                stepped,
            });
        }
    }
    Ok(TableCheck {
        uplifts: Indices::new(levels).check(tables.uplifts()),
        degression,
    })
}

/// Checks the tariff side of every installation of a document.
pub(super) fn check(document: &SocietyDocument) -> Answer<()> {
    for installation in &document.installation {
        let id = &installation.id;
        let terms = terms_of(installation)?;
        let point = |name: &str, counts: Counts| {
            let found = document.meter_point.iter().find(|point| point.id == name);
            found.is_some_and(|point| point.counts == counts)
        };
        if !point(&installation.meter_point, Counts::Generation) {
            return refuse(format!(
                "installation `{id}`: meter point `{}` does not count generation",
                installation.meter_point
            ));
        }
        let export = &installation.export_meter_point;
        if !export.is_empty() && !point(export, Counts::Export) {
            return refuse(format!(
                "installation `{id}`: export meter point `{export}` is not in this file, or does not count export"
            ));
        }
        let metered = terms
            .export()
            .iter()
            .any(|row| row.basis == ExportBasis::Metered);
        if metered && export.is_empty() {
            return refuse(format!(
                "installation `{id}`: export is metered, and no export meter point is named\nhint: add `export_meter_point`"
            ));
        }
        // Where an export meter hangs, it must be used.
        let meters = document.meter.iter().filter(|m| &m.meter_point == export);
        for meter in meters {
            let hangs = date("meter.installed", &meter.installed)?;
            let deemed_then = terms.basis_on(hangs.max(terms.eligible())) == ExportBasis::Deemed
                || terms
                    .export()
                    .iter()
                    .any(|row| row.from >= hangs && row.basis == ExportBasis::Deemed);
            if deemed_then {
                return refuse(format!(
                    "installation `{id}`: export cannot be deemed from {hangs} on, when export meter `{}` was fitted\nhint: where there is an export meter it must be used; add a row of `export` with basis `metered`",
                    meter.serial
                ));
            }
        }
    }
    Ok(())
}

/// The terms of an installation.
///
/// # Errors
/// When a date or number cannot be read, or export is deemed above 30 kW.
pub(super) fn terms_of(installation: &Installation) -> Answer<Terms> {
    let id = &installation.id;
    let wrong =
        |key: &str, why: String| Refusal::Caller(format!("installation `{id}`, {key}: {why}"));
    let optional = |key: &str, text: &str| match text {
        "" => Ok(None),
        text => text
            .parse::<Rate>()
            .map(Some)
            .map_err(|e| wrong(key, e.to_string())),
    };
    let export = installation
        .export
        .iter()
        .map(|row| {
            Ok(ExportFrom {
                from: date("installation.export.from", &row.from)?,
                basis: match row.basis {
                    society::ExportBasis::Deemed => ExportBasis::Deemed,
                    society::ExportBasis::Metered => ExportBasis::Metered,
                    society::ExportBasis::None => ExportBasis::None,
                },
            })
        })
        .collect::<Answer<Vec<_>>>()?;
    let stated = installation
        .stated
        .iter()
        .map(|row| {
            Ok(Stated {
                from: date("installation.stated.from", &row.from)?,
                generation: optional("stated.generation_p_per_kwh", &row.generation_p_per_kwh)?,
                export: optional("stated.export_p_per_kwh", &row.export_p_per_kwh)?,
                provenance: Provenance {
                    source: row.source.clone(),
                    certainty: Certainty::High,
                },
            })
        })
        .collect::<Answer<Vec<_>>>()?;
    let capacity = Watts::from_kwp_text(&installation.declared_net_capacity_kw)
        .map_err(|e| wrong("declared_net_capacity_kw", e.to_string()))?;
    Terms::new(
        date("installation.eligible_from", &installation.eligible_from)?,
        capacity,
        installation.stand_alone,
        export,
        stated,
    )
    .map_err(|e| wrong("terms", e.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFile {
    rate: Vec<NewRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRow {
    from: String,
    to: String,
    #[serde(default)]
    over_kw: String,
    #[serde(default)]
    up_to_kw: String,
    #[serde(default)]
    stand_alone: bool,
    p_per_kwh: String,
    source: String,
    certainty: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportFile {
    chain: Vec<ExportRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportRow {
    name: String,
    eligible_from: String,
    eligible_to: String,
    from: String,
    p_per_kwh: String,
    source: String,
    certainty: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpliftFile {
    uplift: Vec<UpliftRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpliftRow {
    year: i32,
    percent: String,
    index: String,
    source: String,
    certainty: String,
}

fn read_tables() -> Answer<Tables> {
    let new: NewFile = toml::from_str(NEW.1).or_ours(NEW.0)?;
    let export: ExportFile = toml::from_str(EXPORT.1).or_ours(EXPORT.0)?;
    let uplifts: UpliftFile = toml::from_str(UPLIFTS.1).or_ours(UPLIFTS.0)?;
    let new = new
        .rate
        .into_iter()
        .map(|row| {
            let kw = |text: &str| kw(text).or_ours(NEW.0);
            Ok(NewRate {
                from: row.from.parse().or_ours(NEW.0)?,
                to: row.to.parse().or_ours(NEW.0)?,
                band: if row.stand_alone {
                    Band::StandAlone
                } else {
                    Band::Building {
                        over: kw(&row.over_kw)?,
                        up_to: match row.up_to_kw.as_str() {
                            "" => None,
                            text => Some(kw(text)?),
                        },
                    }
                },
                rate: row.p_per_kwh.parse().or_ours(NEW.0)?,
                provenance: provenance(NEW.0, row.source, &row.certainty)?,
            })
        })
        .collect::<Answer<Vec<_>>>()?;
    let uplifts = uplifts
        .uplift
        .into_iter()
        .map(|row| {
            Ok(Uplift {
                year: row.year,
                percent: Decimal::from_str_exact(&row.percent).or_ours(UPLIFTS.0)?,
                index: IndexName::of_word(&row.index)
                    .ok_or_else(|| Refusal::Ours(format!("{}: `{}`", UPLIFTS.0, row.index)))?,
                provenance: provenance(UPLIFTS.0, row.source, &row.certainty)?,
            })
        })
        .collect::<Answer<Vec<_>>>()?;
    let export = export
        .chain
        .into_iter()
        .map(|row| {
            Ok(ExportChain {
                eligible_from: row.eligible_from.parse().or_ours(EXPORT.0)?,
                eligible_to: row.eligible_to.parse().or_ours(EXPORT.0)?,
                from: row.from.parse().or_ours(EXPORT.0)?,
                rate: row.p_per_kwh.parse().or_ours(EXPORT.0)?,
                provenance: provenance(
                    EXPORT.0,
                    format!("export, {}: {}", row.name, row.source),
                    &row.certainty,
                )?,
            })
        })
        .collect::<Answer<Vec<_>>>()?;
    Tables::new(new, uplifts, export).or_ours("config/tariffs")
}

fn provenance(file: &str, source: String, certainty: &str) -> Answer<Provenance> {
    let certainty = Certainty::of_word(certainty)
        .ok_or_else(|| Refusal::Ours(format!("{file}: certainty `{certainty}`")))?;
    Ok(Provenance { source, certainty })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(
        kw: &str,
        eligible: &str,
        export: Option<society::ExportBasis>,
    ) -> Installation {
        Installation {
            id: "roof-fit".into(),
            site: "roof".into(),
            meter_point: "roof-generation".into(),
            declared_net_capacity_kw: kw.into(),
            eligible_from: eligible.into(),
            stand_alone: false,
            export_meter_point: String::new(),
            export: export
                .map(|basis| society::ExportFrom {
                    from: eligible.into(),
                    basis,
                    source: String::new(),
                    sample: false,
                })
                .into_iter()
                .collect(),
            stated: vec![],
            claims: None,
            source: String::new(),
            sample: false,
        }
    }

    #[test]
    fn the_tables_that_come_with_the_program_can_be_read() {
        let tables = published().unwrap();
        assert_eq!(tables.uplifts().len(), 16);
        assert_eq!(tables.new_rates().len(), 63);
    }

    #[test]
    fn rates_come_from_the_published_tables_alone() {
        let tables = published().unwrap();
        for (kw, eligible, on, p) in [
            ("37.24", "2012-04-23", "2026-04-01", "25.75"),
            ("37.24", "2012-04-23", "2025-06-01", "24.9"),
            ("9", "2012-08-20", "2012-08-20", "14.5"),
            ("45", "2012-08-20", "2012-08-20", "13.5"),
            ("13", "2013-10-01", "2013-10-01", "12.57"),
        ] {
            let one = installation(kw, eligible, None);
            let rate = rate_on(&tables, &one, on.parse().unwrap()).unwrap();
            assert_eq!(rate.rate.generation.to_string(), p, "{kw} {eligible} {on}");
        }
        let one = installation("45", "2012-08-20", Some(society::ExportBasis::Deemed));
        let refused = rate_on(&tables, &one, "2012-08-20".parse().unwrap()).unwrap_err();
        assert!(
            refused.to_string().contains("cannot be deemed"),
            "{refused}"
        );
    }

    #[test]
    fn the_index_levels_differ_in_one_year_and_every_step_of_degression_fits() {
        let check = check_tables().unwrap();
        let differ: Vec<i32> = check
            .uplifts
            .iter()
            .filter(|c| c.differs())
            .map(|c| c.uplift.year)
            .collect();
        assert_eq!(differ, [2026]);
        assert!(check.uplifts.iter().all(|c| c.from_levels.is_some()));
        assert_eq!(check.degression.len(), 24);
        for step in check.degression {
            assert_eq!(
                step.printed,
                step.stepped,
                "{} {}",
                step.from,
                step.band.words()
            );
        }
    }
}
