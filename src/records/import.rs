//! Imported files: register reads, interval energy, day rows, monthly totals.
//!
//! An import record keeps the raw lines of a file, up to [`MAX_LINES`] a record, and in front of
//! them a header in canonical JSON: when they were received, the file's name, the first line's
//! number and the complete layout they are read by, with columns already resolved to positions.
//! So a record can be read again for ever without any other file:
//!
//! ```text
//! [5][1][header length, u32 little endian][header JSON][raw lines, each ended by \n]
//! ```
//!
//! A layout is a small TOML file (a "mapping"): which column holds what, the unit, the zone, and
//! for day rows how the day's columns meet the clock changes. A line that cannot be read is never
//! dropped: it stays in the record and comes out as an error with its number.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    calendar::{HALF_HOUR_MS, HalfHour, HalfHours, Instant, LocalDay, Span, Zone},
    metering::{
        Obis, Quality, SeriesId, Source,
        energy::{IntervalEnergy, half_hours_of_intervals},
    },
    quantity::WattHours,
};
use serde::{Deserialize, Serialize};

use crate::{
    Decoded, KIND_IMPORT,
    decoded::{NO_POWER, PlacedInterval, PlacedRead, UnplacedRead},
};

/// Most lines in one record.
pub const MAX_LINES: usize = 1000;
/// Longest line in bytes; a day row of 50 values with 20 digits fits four times over.
pub const MAX_LINE_BYTES: usize = 8192;
/// Longest span of one interval: 32 days. Longer ones are totals, not intervals.
const MAX_INTERVAL_MS: i64 = 32 * 86_400_000;

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// One register read a row.
    Registers,
    /// One interval's energy a row: from, to, value.
    Intervals,
    /// One day a row: date and half-hour values in columns.
    DayRows,
    /// One month a row: site, month, value.
    Months,
}

/// How the columns of a day row meet the clock changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Days {
    /// 46, 48 or 50 values, one for each half hour of the local day.
    #[default]
    Local,
    /// Always 48: in March the two that do not exist are empty or zero; in October the two of the
    /// repeated hour hold both hours and are split evenly, marked derived.
    Flattened,
    /// Always 48: days are UTC days.
    Utc,
}

/// A layout as a person writes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Its name.
    pub name: String,
    /// What the rows are.
    pub shape: Shape,
    /// Column separator.
    #[serde(default = "comma")]
    pub delimiter: char,
    /// True when the first line names the columns.
    #[serde(default = "yes")]
    pub header: bool,
    /// Meaning to column: a name from the header, or a number from 1.
    #[serde(default)]
    pub columns: Columns,
    /// Meaning to a value that holds for the whole file.
    #[serde(default)]
    pub fixed: Fixed,
    /// Zone of times without offset, and of local days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// How day rows meet the clock changes.
    #[serde(default)]
    pub days: Days,
}

/// Which column holds what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// Meter serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<String>,
    /// Register code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<String>,
    /// Time of a register read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Start of an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// End of an interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Date of a day row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// First of the half-hour columns of a day row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_value: Option<String>,
    /// The value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `Wh` or `kWh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where the read comes from: `manual` for one read by a person from the dial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `A` actual or `E` estimated, as meter operators mark intervals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
    /// Site of a monthly total.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Month of a monthly total, `YYYY-MM`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
}

/// Values that hold for the whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fixed {
    /// Meter serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<String>,
    /// Register code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub register: Option<String>,
    /// `Wh` or `kWh`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Site of monthly totals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
}

/// The header of an import record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportHeader {
    /// When it was received, ms UTC.
    pub received_ms: i64,
    /// Who imported it.
    pub by: String,
    /// The file's name, without folders.
    pub file: String,
    /// Number of the first line that follows, from 1.
    pub first_line: u64,
    /// The layout, with every column as a number from 1.
    pub layout: Layout,
}

/// What one line became.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A register read.
    Read {
        /// Meter serial.
        meter: String,
        /// Register.
        register: Obis,
        /// Reading time.
        at: Instant,
        /// Value.
        wh: WattHours,
        /// From a file, or typed by a person.
        source: Source,
    },
    /// Energy over an interval.
    Interval {
        /// Meter serial.
        meter: String,
        /// Register.
        register: Obis,
        /// Over which time.
        span: Span,
        /// Energy.
        wh: WattHours,
        /// Actual, derived (split over a repeated hour) or estimated.
        quality: Quality,
    },
    /// A monthly total.
    Month {
        /// Site id.
        site: String,
        /// `YYYY-MM`.
        month: String,
        /// Energy.
        wh: WattHours,
    },
}

/// One line: its number, and what it became or why it could not be read.
pub type Line = (u64, Result<Vec<Row>, String>);

/// A layout does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLayout {
    /// A needed column is not named.
    #[error(
        "layout `{layout}` does not say which column holds `{what}`\nhint: add it under [columns] or [fixed]"
    )]
    Unnamed {
        /// The layout.
        layout: String,
        /// The meaning.
        what: &'static str,
    },
    /// A named column is not in the file.
    #[error("column `{column}` is not in the file; it has: {found}{}", nearest(.column, .found))]
    NotThere {
        /// The column asked for.
        column: String,
        /// The header's names.
        found: String,
    },
    /// A zone or record that cannot be read.
    #[error("{0}")]
    Other(String),
}

fn nearest(column: &str, found: &str) -> String {
    found
        .split(", ")
        .find(|name| name.eq_ignore_ascii_case(column.trim()))
        .map_or_else(String::new, |name| {
            format!("\nhint: did you mean `{name}`?")
        })
}

impl Layout {
    /// The register reads that the contract names: `meter,register,time,value,unit,source`.
    #[must_use]
    pub fn register_reads(zone: Option<String>) -> Layout {
        let name = |text: &str| Some(text.to_owned());
        Layout {
            name: "register-reads".into(),
            shape: Shape::Registers,
            delimiter: ',',
            header: true,
            columns: Columns {
                meter: name("meter"),
                register: name("register"),
                time: name("time"),
                value: name("value"),
                unit: name("unit"),
                source: name("source"),
                ..Columns::default()
            },
            fixed: Fixed::default(),
            zone,
            days: Days::Local,
        }
    }

    /// Replaces column names by numbers, from the file's first line.
    ///
    /// # Errors
    /// When a column is missing, or the layout lacks a meaning that its shape needs. An absent
    /// `source` or `quality` column is no error.
    pub fn resolve(&self, first_line: &str) -> Result<Layout, BadLayout> {
        let names: Vec<String> = if self.header {
            split(first_line.trim_start_matches('\u{feff}'), self.delimiter)
                .map_err(BadLayout::Other)?
                .iter()
                .map(|n| n.trim().to_owned())
                .collect()
        } else {
            Vec::new()
        };
        let position =
            |column: &Option<String>, optional: bool| -> Result<Option<String>, BadLayout> {
                let Some(column) = column else {
                    return Ok(None);
                };
                if let Some(at) = names.iter().position(|n| n == column) {
                    return Ok(Some((at + 1).to_string()));
                }
                match column.parse::<usize>() {
                    Ok(n) if n > 0 => Ok(Some(column.clone())),
                    _ if optional => Ok(None),
                    _ => Err(BadLayout::NotThere {
                        column: column.clone(),
                        found: names.join(", "),
                    }),
                }
            };
        let c = &self.columns;
        let columns = Columns {
            meter: position(&c.meter, false)?,
            register: position(&c.register, self.fixed.register.is_some())?,
            time: position(&c.time, false)?,
            from: position(&c.from, false)?,
            to: position(&c.to, false)?,
            date: position(&c.date, false)?,
            first_value: position(&c.first_value, false)?,
            value: position(&c.value, false)?,
            unit: position(&c.unit, self.fixed.unit.is_some())?,
            source: position(&c.source, true)?,
            quality: position(&c.quality, true)?,
            site: position(&c.site, false)?,
            month: position(&c.month, false)?,
        };
        let resolved = Layout {
            columns,
            ..self.clone()
        };
        resolved.complete()?;
        Ok(resolved)
    }

    fn complete(&self) -> Result<(), BadLayout> {
        let (c, f) = (&self.columns, &self.fixed);
        let meter = ("meter", c.meter.is_some() || f.meter.is_some());
        let register = ("register", c.register.is_some() || f.register.is_some());
        let unit = ("unit", c.unit.is_some() || f.unit.is_some());
        let value = ("value", c.value.is_some());
        let needed = match self.shape {
            Shape::Registers => vec![meter, register, ("time", c.time.is_some()), value, unit],
            Shape::Intervals => vec![
                meter,
                register,
                ("from", c.from.is_some()),
                ("to", c.to.is_some()),
                value,
                unit,
            ],
            Shape::DayRows => vec![
                meter,
                register,
                ("date", c.date.is_some()),
                ("first_value", c.first_value.is_some()),
                unit,
            ],
            Shape::Months => vec![
                ("site", c.site.is_some() || f.site.is_some()),
                ("month", c.month.is_some()),
                value,
                unit,
            ],
        };
        match needed.into_iter().find(|(_, there)| !there) {
            Some((what, _)) => Err(BadLayout::Unnamed {
                layout: self.name.clone(),
                what,
            }),
            None => Ok(()),
        }
    }
}

impl ImportHeader {
    /// The record of these lines (each without its line end).
    ///
    /// # Panics
    /// When there are more than [`MAX_LINES`] lines; the caller cuts them.
    #[must_use]
    pub fn to_record(&self, lines: &[&str]) -> Vec<u8> {
        assert!(
            lines.len() <= MAX_LINES,
            "an import record holds at most {MAX_LINES} lines"
        );
        let header = serde_json::to_vec(self).expect("the header is plain JSON");
        let mut record = vec![KIND_IMPORT, 1];
        let length = u32::try_from(header.len()).expect("a header is small");
        record.extend_from_slice(&length.to_le_bytes());
        record.extend_from_slice(&header);
        for line in lines {
            record.extend_from_slice(line.as_bytes());
            record.push(b'\n');
        }
        record
    }

    /// Reads a record: its header and what each line became.
    ///
    /// # Errors
    /// When the frame or header cannot be read; a bad line is not an error of the record.
    pub fn from_record(record: &[u8]) -> Result<(ImportHeader, Vec<Line>), BadLayout> {
        let other = |text: &str| BadLayout::Other(text.to_owned());
        let body = match record {
            [KIND_IMPORT, 1, body @ ..] => body,
            _ => return Err(other("record is not imported lines, version 1")),
        };
        let (length, rest) = body
            .split_first_chunk::<4>()
            .ok_or_else(|| other("import record is cut short"))?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > rest.len() {
            return Err(other("import record is cut short"));
        }
        let (header, lines) = rest.split_at(length);
        let header: ImportHeader = serde_json::from_slice(header)
            .map_err(|e| BadLayout::Other(format!("import header cannot be read: {e}")))?;
        let text = std::str::from_utf8(lines).map_err(|_| other("imported lines are not UTF-8"))?;
        let reader = RowReader::new(&header.layout)?;
        let lines = text
            .split_terminator('\n')
            .zip(header.first_line..)
            .map(|(line, number)| (number, reader.read(line)))
            .collect();
        Ok((header, lines))
    }
}

/// Who knows which series a register is, and which meter point a meter hangs at.
pub trait Places {
    /// The series of a register.
    fn series(&self, meter: &str, register: Obis) -> Option<SeriesId>;
    /// The meter point of a meter.
    fn point(&self, meter: &str) -> Option<Arc<str>>;
}

/// Adds what a row says to `into`. A read of an unknown meter is kept unplaced; energy of an
/// unknown meter has no place and gives `false`, and so does a monthly total, which is a decision
/// of its own and never part of an import record.
pub fn place(row: &Row, header: &ImportHeader, places: &impl Places, into: &mut Decoded) -> bool {
    let received = Instant(header.received_ms);
    match row {
        Row::Read {
            meter,
            register,
            at,
            wh,
            source,
        } => {
            if let Some(series) = places.series(meter, *register) {
                into.placed.push(PlacedRead {
                    series,
                    at: *at,
                    wh: *wh,
                    w: NO_POWER,
                    received,
                    source: *source,
                });
            } else {
                into.unplaced.push(UnplacedRead {
                    gateway: Arc::from(header.file.as_str()),
                    meter: meter.as_str().into(),
                    register: *register,
                    at: *at,
                    wh: *wh,
                    w: NO_POWER,
                    received,
                    source: *source,
                });
            }
            true
        }
        Row::Interval {
            meter,
            span,
            wh,
            quality,
            ..
        } => {
            let Some(point) = places.point(meter) else {
                return false;
            };
            let run = HalfHours::new(HalfHour::of(span.start), HalfHour::of(span.end));
            let whole = span.ms() == HALF_HOUR_MS;
            let interval = IntervalEnergy {
                span: *span,
                wh: *wh,
                quality: *quality,
            };
            for part in half_hours_of_intervals(run, &[interval]) {
                into.intervals.push(PlacedInterval {
                    point: Arc::clone(&point),
                    half_hour: part.half_hour,
                    wh: part.wh,
                    quality: if whole {
                        *quality
                    } else {
                        (*quality).max(Quality::Derived)
                    },
                });
            }
            true
        }
        Row::Month { .. } => false,
    }
}

/// Reads lines by a resolved layout.
pub struct RowReader<'a> {
    layout: &'a Layout,
    zone: Option<Zone>,
    at: Positions,
}

struct Positions {
    meter: Option<usize>,
    register: Option<usize>,
    time: Option<usize>,
    from: Option<usize>,
    to: Option<usize>,
    date: Option<usize>,
    first_value: Option<usize>,
    value: Option<usize>,
    unit: Option<usize>,
    source: Option<usize>,
    quality: Option<usize>,
    site: Option<usize>,
    month: Option<usize>,
}

impl<'a> RowReader<'a> {
    /// A reader for a layout whose columns are numbers.
    ///
    /// # Errors
    /// When a column is not a number or the zone is unknown.
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
        let cells = split(line, self.layout.delimiter)?;
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
                    wh: self.energy(&row, row.needed(self.at.value, None, "value")?)?,
                    source: match row.get(self.at.source) {
                        Some("manual") => Source::Manual,
                        _ => Source::Import,
                    },
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

    fn day_row(&self, row: &Cells<'_>, meter: &str, register: Obis) -> Result<Vec<Row>, String> {
        let date = row.needed(self.at.date, None, "date")?;
        let day: LocalDay = date
            .parse()
            .map_err(|e| format!("`{date}` is not a date like 2026-04-01: {e}"))?;
        let zone = self
            .zone
            .as_ref()
            .ok_or("day rows need a zone\nhint: say --zone Europe/London")?;
        let half_hours: Vec<HalfHour> = zone.half_hours_of(day).iter().collect();
        let first = self.at.first_value.unwrap_or(0);
        let mut values: Vec<&str> = row.0.iter().skip(first).map(|c| c.trim()).collect();
        while values.len() > 48 && values.last().is_some_and(|v| v.is_empty()) {
            values.pop();
        }
        if self.layout.days == Days::Local {
            while values.len() > half_hours.len() && values.last().is_some_and(|v| v.is_empty()) {
                values.pop();
            }
        }
        let quality = interval_quality(row.get(self.at.quality))?;
        let expected = if self.layout.days == Days::Local {
            half_hours.len()
        } else {
            48
        };
        if values.len() != expected {
            return Err(format!(
                "{date} has {} half-hour values; expected {expected}",
                values.len()
            ));
        }
        let mut rows = Vec::with_capacity(half_hours.len());
        let mut put = |half_hour: HalfHour, wh: WattHours, quality: Quality| {
            rows.push(Row::Interval {
                meter: meter.to_owned(),
                register,
                span: half_hour.span(),
                wh,
                quality,
            });
        };
        if self.layout.days != Days::Flattened || half_hours.len() == 48 {
            for (half_hour, text) in half_hours.into_iter().zip(values) {
                if is_value(text) {
                    put(half_hour, self.energy(row, text)?, quality);
                }
            }
            return Ok(rows);
        }
        // Flattened columns stand for wall-clock half hours 00:00, 00:30, … 23:30.
        let mut by_wall: Vec<Vec<HalfHour>> = vec![Vec::new(); 48];
        for half_hour in half_hours {
            let clock = zone.wall_clock(half_hour.start());
            let wall = usize::from(clock.hour) * 2 + usize::from(clock.minute) / 30;
            if let Some(same) = by_wall.get_mut(wall) {
                same.push(half_hour);
            }
        }
        for (same, text) in by_wall.into_iter().zip(values) {
            if !is_value(text) {
                continue;
            }
            let wh = self.energy(row, text)?;
            match same.as_slice() {
                [] if wh == WattHours::ZERO => {}
                [] => {
                    return Err(format!(
                        "{date} has {wh} in a half hour that the clock change left out"
                    ));
                }
                [one] => put(*one, wh, quality),
                several => {
                    let n = i64::try_from(several.len()).unwrap_or(1);
                    let mut left = wh.0;
                    for (i, half_hour) in several.iter().enumerate() {
                        let parts = n - i64::try_from(i).unwrap_or(0);
                        let part = left / parts;
                        left -= part;
                        put(*half_hour, WattHours(part), quality.max(Quality::Derived));
                    }
                }
            }
        }
        Ok(rows)
    }

    fn instant(&self, text: &str) -> Result<Instant, String> {
        match &self.zone {
            Some(zone) => zone.instant_of_text(text).map_err(|e| e.to_string()),
            None => text.parse().map_err(|e| {
                format!("{e}\nhint: a time without offset needs --zone Europe/London")
            }),
        }
    }

    fn energy(&self, row: &Cells<'_>, text: &str) -> Result<WattHours, String> {
        let unit = row.needed(self.at.unit, self.layout.fixed.unit.as_deref(), "unit")?;
        let wh = match unit {
            "kWh" | "kwh" => WattHours::from_kwh_text(text),
            "Wh" | "wh" => WattHours::from_wh_text(text),
            other => return Err(format!("unit `{other}` is unknown; expected `Wh` or `kWh`")),
        };
        wh.map_err(|e| e.to_string())
    }
}

struct Cells<'a>(&'a [String]);

impl<'a> Cells<'a> {
    fn get(&self, at: Option<usize>) -> Option<&'a str> {
        let text = self.0.get(at?)?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn needed(
        &self,
        at: Option<usize>,
        fixed: Option<&'a str>,
        what: &str,
    ) -> Result<&'a str, String> {
        self.get(at)
            .or(fixed)
            .ok_or_else(|| format!("column `{what}` is empty or missing"))
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
fn is_value(text: &str) -> bool {
    !text.is_empty() && !text.eq_ignore_ascii_case("nan")
}

fn interval_quality(word: Option<&str>) -> Result<Quality, String> {
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

/// The cells of one line.
fn split(line: &str, delimiter: char) -> Result<Vec<String>, String> {
    let delimiter =
        u8::try_from(delimiter).map_err(|_| "the column separator is not ASCII".to_owned())?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|e| e.to_string())?;
    Ok(record.iter().map(str::to_owned).collect())
}

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(layout: &Layout, first: &str) -> ImportHeader {
        ImportHeader {
            received_ms: 1,
            by: "treasurer".into(),
            file: "reads.csv".into(),
            first_line: 2,
            layout: layout.resolve(first).unwrap(),
        }
    }

    fn day_rows(days: Days) -> Layout {
        Layout {
            name: "test".into(),
            shape: Shape::DayRows,
            columns: Columns {
                meter: Some("meter".into()),
                date: Some("date".into()),
                first_value: Some("3".into()),
                ..Columns::default()
            },
            fixed: Fixed {
                register: Some("2.8.0".into()),
                unit: Some("kWh".into()),
                ..Fixed::default()
            },
            zone: Some("Europe/London".into()),
            days,
            ..Layout::register_reads(None)
        }
    }

    fn day(days: Days, date: &str, values: &[&str]) -> Result<Vec<Row>, String> {
        let layout = day_rows(days).resolve("meter,date,hh01").unwrap();
        RowReader::new(&layout)
            .unwrap()
            .read(&format!("M1,{date},{}", values.join(",")))
    }

    fn total(rows: &[Row]) -> i64 {
        rows.iter()
            .map(|row| match row {
                Row::Interval { wh, .. } => wh.0,
                _ => 0,
            })
            .sum()
    }

    #[test]
    fn a_record_of_register_reads_keeps_its_golden_bytes() {
        let layout = Layout::register_reads(Some("Europe/London".into()));
        let header = header(&layout, "meter,register,time,value,unit,source");
        let record = header.to_record(&[
            "M1,2.8.0,2013-06-01T12:00:00Z,15475.04,kWh,",
            "M1,2.8.0,nonsense,1,Wh,manual",
        ]);
        let json = r#"{"received_ms":1,"by":"treasurer","file":"reads.csv","first_line":2,"layout":{"name":"register-reads","shape":"registers","delimiter":",","header":true,"columns":{"meter":"1","register":"2","time":"3","value":"4","unit":"5","source":"6"},"fixed":{},"zone":"Europe/London","days":"local"}}"#;
        assert_eq!(&record[..2], [5, 1]);
        assert_eq!(&record[6..6 + json.len()], json.as_bytes());
        let (again, lines) = ImportHeader::from_record(&record).unwrap();
        assert_eq!(again, header);
        assert_eq!(lines[0].0, 2);
        assert_eq!(
            lines[0].1.as_ref().unwrap(),
            &[Row::Read {
                meter: "M1".into(),
                register: Obis::EXPORT,
                at: "2013-06-01T12:00:00Z".parse().unwrap(),
                wh: WattHours(15_475_040),
                source: Source::Import
            }]
        );
        assert!(lines[1].1.as_ref().unwrap_err().contains("nonsense"));
    }

    #[test]
    fn local_days_have_46_48_or_50_values() {
        for (date, n) in [("2023-03-26", 46), ("2023-10-29", 50), ("2023-06-01", 48)] {
            let rows = day(Days::Local, date, &vec!["1"; n]).unwrap();
            assert_eq!((rows.len(), total(&rows)), (n, n as i64 * 1000), "{date}");
        }
        assert!(
            day(Days::Local, "2023-03-26", &["1"; 48])
                .unwrap_err()
                .contains("expected 46")
        );
        // A mailer that pads the short day with empty cells means the same.
        let mut padded = vec!["1"; 46];
        padded.extend(["", ""]);
        assert_eq!(day(Days::Local, "2023-03-26", &padded).unwrap().len(), 46);
    }

    #[test]
    fn flattened_columns_leave_out_the_skipped_hour_and_split_the_repeated_one() {
        let mut spring = vec!["1"; 48];
        spring[2] = "0";
        spring[3] = "";
        assert_eq!(
            total(&day(Days::Flattened, "2023-03-26", &spring).unwrap()),
            46_000
        );
        spring[2] = "0.5";
        assert!(
            day(Days::Flattened, "2023-03-26", &spring)
                .unwrap_err()
                .contains("clock change")
        );
        let mut autumn = vec!["1"; 48];
        autumn[2] = "2.001";
        let rows = day(Days::Flattened, "2023-10-29", &autumn).unwrap();
        assert_eq!((rows.len(), total(&rows)), (50, 49_001));
        let derived = rows
            .iter()
            .filter(|r| {
                matches!(
                    r,
                    Row::Interval {
                        quality: Quality::Derived,
                        ..
                    }
                )
            })
            .count();
        assert_eq!(derived, 4);
    }

    #[test]
    fn an_empty_or_nan_half_hour_is_missing_not_zero() {
        let mut values = vec!["0"; 48];
        values[20] = "nan";
        values[21] = "";
        assert_eq!(day(Days::Utc, "2016-11-25", &values).unwrap().len(), 46);
    }

    #[test]
    fn a_missing_column_is_named_with_what_the_file_has() {
        let error = Layout::register_reads(None)
            .resolve("Meter,register,time,value,unit")
            .unwrap_err();
        assert!(
            error.to_string().contains("did you mean `Meter`"),
            "{error}"
        );
    }

    #[test]
    fn a_cut_record_is_an_error() {
        let layout = Layout::register_reads(None);
        let record = header(&layout, "meter,register,time,value,unit").to_record(&["a"]);
        for n in 0..record.len() - 2 {
            let _ = ImportHeader::from_record(&record[..n]);
        }
        assert!(ImportHeader::from_record(&record[..20]).is_err());
    }
}
