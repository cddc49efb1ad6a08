//! A scan's report: for people, with the lines to put into the configuration, and as JSON.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use super::{Candidate, Found, Report, What};
use crate::source::sunspec::{Survey, model::Model};

impl Report {
    /// One JSON document: energy in Wh as integers, raw registers as text.
    pub fn json(&self) -> Value {
        json!({
            "address": self.address.to_string(),
            "tried": self.tried,
            "found": self.found.iter().map(found_json).collect::<Vec<_>>(),
        })
    }
}

fn found_json(found: &Found) -> Value {
    match &found.what {
        What::SunSpec {
            survey,
            machines,
            without_serial,
        } => json!({
            "unit": found.unit,
            "also_units": found.also,
            "kind": "sunspec",
            "base": survey.chain.base,
            "ended": survey.chain.ended,
            "serial_missing": without_serial,
            "models": survey.chain.blocks.iter().map(|block| json!({
                "id": block.id, "at": block.at, "length": block.length,
                "read": Model::with_id(block.id).is_some(),
            })).collect::<Vec<_>>(),
            "identities": survey.identities.iter().map(|id| json!({
                "maker": id.maker, "model": id.model, "version": id.version, "serial": id.serial,
            })).collect::<Vec<_>>(),
            "meters": machines.iter().map(|(serial, shown)| json!({
                "meter": serial,
                "models": shown.iter().map(|shown| match shown {
                    Err(error) => json!({"error": error.to_string()}),
                    Ok(shown) => json!({
                        "model": shown.model,
                        "w": shown.w,
                        "registers": shown.energy.iter().map(|energy| json!({
                            "register": energy.register,
                            "point": energy.point,
                            "raw": energy.raw,
                            "scale_factor": energy.scale.and_then(|(_, factor)| factor),
                            "wh": energy.wh,
                        })).collect::<Vec<_>>(),
                    }),
                }).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        }),
        What::Mapped(candidates) => json!({
            "unit": found.unit,
            "also_units": found.also,
            "kind": "modbus",
            "maps": candidates.iter().map(|candidate| json!({
                "map": candidate.map.name,
                "title": candidate.map.title,
                "serial": candidate.serial,
                "registers": candidate.energy.as_ref().map(|shown| shown.iter().map(|shown| json!({
                    "register": shown.register,
                    "raw": shown.digits.map(|digits| digits.to_string()),
                    "wh": shown.wh,
                })).collect::<Vec<_>>()).unwrap_or_default(),
                "error": candidate.energy.as_ref().err().map(ToString::to_string),
            })).collect::<Vec<_>>(),
        }),
        What::Unknown(said) => json!({
            "unit": found.unit,
            "also_units": found.also,
            "kind": "unknown",
            "said": said,
        }),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.found.is_empty() {
            writeln!(
                f,
                "Nobody answered at {}, in {} unit numbers from {} to {}.",
                self.address,
                self.tried.len(),
                self.tried.first().unwrap_or(&0),
                self.tried.last().unwrap_or(&0),
            )?;
            return Ok(());
        }
        for found in &self.found {
            writeln!(
                f,
                "{} unit {}{}",
                self.address,
                found.unit,
                also(&found.also)
            )?;
            match &found.what {
                What::SunSpec {
                    survey,
                    machines,
                    without_serial,
                } => {
                    write_chain(f, survey)?;
                    for (serial, shown) in machines {
                        writeln!(f, "  meter {serial}")?;
                        for shown in shown {
                            match shown {
                                Err(error) => writeln!(f, "    {}", indented(&error.to_string()))?,
                                Ok(shown) => {
                                    for energy in &shown.energy {
                                        writeln!(
                                            f,
                                            "    {}  {:>15}  model {} {}{}",
                                            energy.register,
                                            in_kwh(energy.wh),
                                            shown.model,
                                            energy.point,
                                            scaled(energy),
                                        )?;
                                    }
                                }
                            }
                        }
                    }
                    let meter = without_serial.then_some("");
                    write_source(f, self, found, "sunspec", None, meter)?;
                }
                What::Mapped(candidates) => {
                    for candidate in candidates {
                        write_candidate(f, candidate)?;
                    }
                    let best = &candidates[0];
                    let meter = best.serial.is_none().then_some("");
                    write_source(f, self, found, "modbus", Some(&best.map.name), meter)?;
                }
                What::Unknown(said) => writeln!(
                    f,
                    "  answers, but as nothing known here: {}\n  hint: write a register map from its manual",
                    indented(said)
                )?,
            }
        }
        Ok(())
    }
}

fn write_chain(f: &mut fmt::Formatter<'_>, survey: &Survey) -> fmt::Result {
    for identity in &survey.identities {
        let mut line = format!("  {} {}", identity.maker, identity.model);
        if !identity.serial.is_empty() {
            let _ = write!(line, ", serial {}", identity.serial);
        }
        if !identity.version.is_empty() {
            let _ = write!(line, ", version {}", identity.version);
        }
        writeln!(f, "{line}")?;
    }
    let ids: Vec<String> = survey
        .chain
        .blocks
        .iter()
        .map(|block| block.id.to_string())
        .collect();
    let ended = if survey.chain.ended {
        ""
    } else {
        " (no end mark)"
    };
    writeln!(
        f,
        "  SunSpec at {}, models {}{ended}",
        survey.chain.base,
        ids.join(" ")
    )
}

fn write_candidate(f: &mut fmt::Formatter<'_>, candidate: &Candidate) -> fmt::Result {
    let serial = match &candidate.serial {
        Some(serial) => format!(", serial {serial}"),
        None => String::new(),
    };
    writeln!(
        f,
        "  answers like {} ({}){serial}",
        candidate.map.title, candidate.map.name
    )?;
    match &candidate.energy {
        Err(error) => writeln!(f, "    {}", indented(&error.to_string())),
        Ok(shown) => shown.iter().try_for_each(|shown| {
            writeln!(
                f,
                "    {}  {:>15}  register {:#06x}",
                shown.register,
                in_kwh(shown.wh),
                shown.address
            )
        }),
    }
}

/// The lines that make a source of it.
fn write_source(
    f: &mut fmt::Formatter<'_>,
    report: &Report,
    found: &Found,
    kind: &str,
    map: Option<&str>,
    meter: Option<&str>,
) -> fmt::Result {
    writeln!(f, "\n  [[source]]\n  kind = \"{kind}\"")?;
    writeln!(f, "  address = \"{}\"", report.address)?;
    writeln!(f, "  unit = {}", found.unit)?;
    if let Some(map) = map {
        writeln!(f, "  map = \"{map}\"")?;
    }
    if meter.is_some() {
        writeln!(
            f,
            "  meter = \"\"   # fill in the serial number on its label"
        )?;
    }
    writeln!(f)
}

fn scaled(energy: &crate::source::sunspec::shown::Shown) -> String {
    match (&energy.raw, energy.scale) {
        (None, _) => String::new(),
        (Some(raw), None) => format!(" {raw}"),
        (Some(raw), Some((name, Some(factor)))) => format!(" {raw}, {name} {factor}"),
        (Some(raw), Some((name, None))) => format!(" {raw}, {name} not implemented"),
    }
}

/// ` (the same device answers at 2, 3)`; nothing where it does not.
fn also(units: &[u8]) -> String {
    let numbers: Vec<String> = units.iter().map(u8::to_string).collect();
    match numbers.len() {
        0 => String::new(),
        _ => format!(" (the same device answers at {})", numbers.join(", ")),
    }
}

/// `1234.567 kWh`, or that there is none.
pub(crate) fn in_kwh(wh: Option<u64>) -> String {
    match wh {
        Some(wh) => format!("{}.{:03} kWh", wh / 1000, wh % 1000),
        None => "not implemented".to_owned(),
    }
}

/// A message of several lines, set in.
fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}
