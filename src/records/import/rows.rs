//! Lines of a file, read by a resolved layout.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    calendar::{HALF_HOUR_MS, Instant, Span, Zone},
    metering::{Obis, Quality, Source},
    quantity::WattHours,
};

use super::{
    MAX_LINE_BYTES, Row,
    cells::{Cells, Cutter},
    layout::{BadLayout, Days, Layout, Shape},
};

/// Longest span of one interval: 32 days. Longer ones are totals, not intervals.
const MAX_INTERVAL_MS: i64 = 32 * 86_400_000;
/// What the `source` column may say: read by a person from the dial, or by a device. Empty is a device.
const SOURCES: [(&str, Source); 3] = [
    ("manual", Source::Manual),
    ("telemetry", Source::Import),
    ("import", Source::Import),
];

/// Reads lines by a resolved layout.
pub struct RowReader<'a> {
    pub(super) layout: &'a Layout,
    pub(super) zone: Option<Zone>,
    pub(super) at: Positions,
    cutter: Cutter,
    intake: bool,
}

pub(super) struct Positions {
    pub(super) meter: Option<usize>,
    pub(super) register: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
    pub(super) date: Option<usize>,
    pub(super) first_value: Option<usize>,
    pub(super) value: Option<usize>,
    pub(super) unit: Option<usize>,
    pub(super) source: Option<usize>,
    pub(super) quality: Option<usize>,
    pub(super) site: Option<usize>,
    pub(super) month: Option<usize>,
}

impl<'a> RowReader<'a> {
    /// A reader for lines that are to be imported: it takes nothing that nobody can have meant.
    ///
    /// # Errors
    /// As [`RowReader::new`].
    pub fn at_intake(layout: &'a Layout) -> Result<RowReader<'a>, BadLayout> {
        Ok(RowReader {
            intake: true,
            ..RowReader::new(layout)?
        })
    }

    /// A reader for the lines of a record, by a layout whose columns are numbers. What it makes of a
    /// line never changes.
    ///
    /// # Errors
    /// When a column is not a number, the zone unknown, or the separator not ASCII.
    pub fn new(layout: &'a Layout) -> Result<RowReader<'a>, BadLayout> {
        let number = |column: &Option<String>| -> Result<Option<usize>, BadLayout> {
            column
                .as_ref()
                .map(|text| match text.parse::<usize>() {
                    Ok(n) if n > 0 => Ok(n - 1),
                    _ => Err(BadLayout::Other(format!(
                        "column `{text}` is not a number from 1"
                    ))),
                })
                .transpose()
        };
        let c = &layout.columns;
        let zone = match layout.days {
            Days::Utc => Some("UTC"),
            Days::Local | Days::Flattened => layout.zone.as_deref(),
        };
        let zone = zone.map(named_zone).transpose()?;
        Ok(RowReader {
            layout,
            zone,
            cutter: Cutter::new(layout.delimiter).map_err(BadLayout::Other)?,
            intake: false,
            at: Positions {
                meter: number(&c.meter)?,
                register: number(&c.register)?,
                time: number(&c.time)?,
                from: number(&c.from)?,
                to: number(&c.to)?,
                date: number(&c.date)?,
                first_value: number(&c.first_value)?,
                value: number(&c.value)?,
                unit: number(&c.unit)?,
                source: number(&c.source)?,
                quality: number(&c.quality)?,
                site: number(&c.site)?,
                month: number(&c.month)?,
            },
        })
    }

    /// What a line says; an empty line says nothing.
    ///
    /// # Errors
    /// A sentence that names the column and what was seen.
    pub fn read(&self, line: &str) -> Result<Vec<Row>, String> {
        if line.trim().is_empty() {
            return Ok(Vec::new());
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(format!(
                "line is {} bytes long; expected at most {MAX_LINE_BYTES}",
                line.len()
            ));
        }
        let cells = self.cutter.cut(line)?;
        let row = Cells(&cells);
        let fixed = &self.layout.fixed;
        if self.layout.shape == Shape::Months {
            let month = row.needed(self.at.month, None, "month")?;
            check_month(month)?;
            return Ok(vec![Row::Month {
                site: row
                    .needed(self.at.site, fixed.site.as_deref(), "site")?
                    .to_owned(),
                month: month.to_owned(),
                wh: self.energy(&row, row.needed(self.at.value, None, "value")?)?,
            }]);
        }
        let meter = row.needed(self.at.meter, fixed.meter.as_deref(), "meter")?;
        let register: Obis = row
            .needed(self.at.register, fixed.register.as_deref(), "register")?
            .parse()
            .map_err(|e| format!("{e}"))?;
        match self.layout.shape {
            Shape::Registers => {
                let time = row.needed(self.at.time, None, "time")?;
                Ok(vec![Row::Read {
                    meter: meter.to_owned(),
                    register,
                    at: self.instant(time)?,
                    wh: self.register_value(&row)?,
                    source: self.source(row.get(self.at.source))?,
                }])
            }
            Shape::Intervals => {
                let start = self.instant(row.needed(self.at.from, None, "from")?)?;
                let end = self.instant(row.needed(self.at.to, None, "to")?)?;
                let length = end.0.saturating_sub(start.0);
                if length <= 0 || length > MAX_INTERVAL_MS {
                    return Err("interval ends before it starts or is longer than 32 days".into());
                }
                if start.0 % HALF_HOUR_MS != 0 || end.0 % HALF_HOUR_MS != 0 {
                    return Err("interval does not start and end on a half hour\nhint: add up shorter intervals before the import".into());
                }
                Ok(vec![Row::Interval {
                    meter: meter.to_owned(),
                    register,
                    span: Span { start, end },
                    wh: self.energy(&row, row.needed(self.at.value, None, "value")?)?,
                    quality: interval_quality(row.get(self.at.quality))?,
                }])
            }
            Shape::DayRows => self.day_row(&row, meter, register),
            Shape::Months => unreachable!("handled above"),
        }
    }

    fn register_value(&self, row: &Cells<'_>) -> Result<WattHours, String> {
        let text = row.needed(self.at.value, None, "value")?;
        let wh = self.energy(row, text)?;
        if self.intake && (wh.0 < 0 || text.starts_with('-')) {
            return Err(format!(
                "register value `{text}` is below zero; expected what the register shows, 0 or more\nhint: energy over a time, which may be corrected downwards, is imported as intervals"
            ));
        }
        Ok(wh)
    }

    fn source(&self, word: Option<&str>) -> Result<Source, String> {
        let Some(word) = word else {
            return Ok(Source::Import);
        };
        match SOURCES.iter().find(|(known, _)| *known == word) {
            Some((_, source)) => Ok(*source),
            None if self.intake => Err(format!(
                "source `{word}` is unknown; expected `manual` for a read by a person from the dial, `telemetry` or `import` for a device's, or nothing"
            )),
            None => Ok(Source::Import),
        }
    }

    fn instant(&self, text: &str) -> Result<Instant, String> {
        match &self.zone {
            Some(zone) => zone.instant_of_text(text).map_err(|e| e.to_string()),
            None => text.parse().map_err(|e| {
                format!("{e}\nhint: a time without offset needs --zone Europe/London")
            }),
        }
    }

    pub(super) fn energy(&self, row: &Cells<'_>, text: &str) -> Result<WattHours, String> {
        let unit = row.needed(self.at.unit, self.layout.fixed.unit.as_deref(), "unit")?;
        let wh = match unit {
            "kWh" | "kwh" => WattHours::from_kwh_text(text),
            "Wh" | "wh" => WattHours::from_wh_text(text),
            other => return Err(format!("unit `{other}` is unknown; expected `Wh` or `kWh`")),
        };
        wh.map_err(|e| e.to_string())
    }
}

/// A zone by name. Its table of days costs milliseconds to make and a replay reads thousands of
/// records, so those that were asked for are kept.
fn named_zone(name: &str) -> Result<Zone, BadLayout> {
    static KEPT: Mutex<BTreeMap<String, Zone>> = Mutex::new(BTreeMap::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(zone) = kept.get(name) {
        return Ok(zone.clone());
    }
    let zone = Zone::named(name).map_err(|e| BadLayout::Other(e.to_string()))?;
    kept.insert(name.to_owned(), zone.clone());
    Ok(zone)
}

/// Empty cells and `nan` say that nothing is known of the half hour: missing, never zero.
pub(super) fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.eq_ignore_ascii_case("nan")
}

pub(super) fn interval_quality(word: Option<&str>) -> Result<Quality, String> {
    match word {
        None | Some("A" | "a" | "actual") => Ok(Quality::Actual),
        Some("E" | "e" | "estimated") => Ok(Quality::Estimated),
        Some("manual") => Ok(Quality::Manual),
        Some("derived") => Ok(Quality::Derived),
        Some(other) => Err(format!("quality `{other}` is unknown; expected `A` or `E`")),
    }
}

fn check_month(text: &str) -> Result<(), String> {
    let ok = text.len() == 7
        && text.as_bytes().get(4) == Some(&b'-')
        && text.get(..4).is_some_and(|y| y.parse::<u16>().is_ok())
        && text
            .get(5..)
            .and_then(|m| m.parse::<u8>().ok())
            .is_some_and(|m| (1..=12).contains(&m));
    if ok {
        Ok(())
    } else {
        Err(format!("`{text}` is not a month like 2013-06"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_or_value_nobody_can_mean_is_refused_at_intake_and_read_in_a_record_as_ever() {
        let layout = Layout::register_reads(None)
            .resolve("meter,register,time,value,unit,source")
            .unwrap();
        let (intake, record) = (
            RowReader::at_intake(&layout).unwrap(),
            RowReader::new(&layout).unwrap(),
        );
        let line = |value: &str, source: &str| {
            format!("M1,2.8.0,2013-06-01T12:00:00Z,{value},kWh,{source}")
        };
        for (value, source, says) in [
            ("1.5", "guess", "`manual`"),
            ("1.5", "Manual", "`manual`"),
            ("-1.5", "", "below zero"),
            ("-0.0001", "", "below zero"),
        ] {
            let line = line(value, source);
            assert!(intake.read(&line).unwrap_err().contains(says), "{line}");
            assert!(record.read(&line).is_ok(), "{line}");
        }
        for (word, is) in [
            ("manual", Source::Manual),
            ("telemetry", Source::Import),
            ("import", Source::Import),
            ("", Source::Import),
        ] {
            let rows = intake.read(&line("1.5", word)).unwrap();
            assert!(
                matches!(rows[0], Row::Read { source, .. } if source == is),
                "{word}"
            );
        }
    }
}
