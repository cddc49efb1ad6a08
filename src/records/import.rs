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

mod cells;
mod day_rows;
mod layout;
mod rows;

use std::sync::Arc;

use domain::{
    calendar::{HALF_HOUR_MS, HalfHour, HalfHours, Instant, Span},
    metering::{
        Obis, Quality, SeriesId, Source,
        energy::{IntervalEnergy, half_hours_of_intervals},
    },
    quantity::WattHours,
};
use serde::{Deserialize, Serialize};

pub use layout::{BadLayout, Columns, Days, Fixed, Layout, Shape};
pub use rows::RowReader;

use crate::{
    Decoded, KIND_IMPORT,
    decoded::{NO_POWER, PlacedInterval, PlacedRead, UnplacedRead},
};

/// Most lines in one record.
pub const MAX_LINES: usize = 1000;
/// Longest line in bytes; a day row of 50 values with 20 digits fits four times over.
pub const MAX_LINE_BYTES: usize = 8192;

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
                    bound: false,
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
    fn a_cut_record_is_an_error() {
        let layout = Layout::register_reads(None);
        let record = header(&layout, "meter,register,time,value,unit").to_record(&["a"]);
        for n in 0..record.len() - 2 {
            let _ = ImportHeader::from_record(&record[..n]);
        }
        assert!(ImportHeader::from_record(&record[..20]).is_err());
    }
}
