//! A file of register reads, played again at its own pace.
//!
//! The file is what `commonwatt reads import` takes: CSV with the columns `meter`, `register`,
//! `time`, `value` and `unit` (`Wh` or `kWh`), others ignored. Times are RFC 3339 with their offset.
//! Reads keep their times; what plays them decides when they are sent.

use std::{io::BufRead, sync::Arc};

use jiff::Timestamp;

use crate::{
    note::{MeterRead, MeterState},
    source::text::{Decimal, energy_wh},
};

/// A file with more reads is refused.
pub const MAX_READS: usize = 2_000_000;
const COLUMNS: [&str; 5] = ["meter", "register", "time", "value", "unit"];

/// Reads in order of their times. Clones share them.
#[derive(Clone, Debug)]
pub struct Replay {
    reads: Arc<[MeterRead]>,
}

/// A file cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {found}; expected {expected}")]
pub struct NoReplay {
    line: usize,
    found: String,
    expected: String,
}

impl Replay {
    /// Reads a file.
    ///
    /// # Errors
    /// The first line that cannot be read, by number.
    pub fn read(file: impl BufRead) -> Result<Self, NoReplay> {
        let mut columns = None;
        let mut reads = Vec::new();
        for (i, line) in file.lines().enumerate() {
            let refuse = |found: String, expected: &str| NoReplay {
                line: i + 1,
                found,
                expected: expected.to_owned(),
            };
            let line = line.map_err(|error| refuse(error.to_string(), "text"))?;
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                continue;
            }
            let cells: Vec<&str> = line.split(',').collect();
            let Some(places) = &columns else {
                columns = Some(places_of(&cells).ok_or_else(|| {
                    refuse(
                        format!("`{line}`"),
                        "the columns meter, register, time, value and unit",
                    )
                })?);
                continue;
            };
            let cell = |n: usize| cells.get(places[n]).copied().unwrap_or_default();
            let [meter, register, time, value, unit] = [0, 1, 2, 3, 4].map(cell);
            if [meter, register]
                .iter()
                .any(|text| text.is_empty() || text.contains('"'))
            {
                return Err(refuse(
                    format!("`{line}`"),
                    "a meter and a register without quotes",
                ));
            }
            let at: Timestamp = time
                .parse()
                .map_err(|_| refuse(format!("`{time}`"), "a time with its offset"))?;
            let wh = Decimal::read(value)
                .and_then(|value| energy_wh(value, unit))
                .map_err(|why| refuse(why.found, why.expected))?;
            if reads.len() == MAX_READS {
                return Err(refuse(
                    format!("more than {MAX_READS} reads"),
                    "a shorter file",
                ));
            }
            reads.push(MeterRead {
                meter: meter.to_owned(),
                register: register.to_owned(),
                at,
                wh: i64::try_from(wh).unwrap_or(i64::MAX),
                w: None,
                state: MeterState::Good,
            });
        }
        reads.sort_by_key(|read| read.at);
        Ok(Replay {
            reads: reads.into(),
        })
    }

    /// Reads after one instant and up to another.
    pub fn reads(&self, after: Timestamp, until: Timestamp) -> &[MeterRead] {
        let from = self.reads.partition_point(|read| read.at <= after);
        let to = self.reads.partition_point(|read| read.at <= until);
        &self.reads[from..to.max(from)]
    }

    /// Time of the first read and of the last; none of an empty file.
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        Some((self.reads.first()?.at, self.reads.last()?.at))
    }
}

fn places_of(header: &[&str]) -> Option<[usize; 5]> {
    let mut places = [0; 5];
    for (place, name) in places.iter_mut().zip(COLUMNS) {
        *place = header.iter().position(|cell| cell.trim() == name)?;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_played_in_the_order_of_its_times() {
        let file = "time,meter,register,value,unit,source\n\
            2026-06-01T01:30:00+01:00,A,2.8.0,1.5,kWh,x\n\
            2026-06-01T00:00:00Z,A,2.8.0,1400,Wh,\n";
        let replay = Replay::read(file.as_bytes()).unwrap();
        let (first, last) = replay.span().unwrap();
        assert_eq!(first.to_string(), "2026-06-01T00:00:00Z");
        let all = replay.reads(Timestamp::MIN, last);
        assert_eq!(
            all.iter().map(|read| read.wh).collect::<Vec<_>>(),
            [1_400, 1_500]
        );
        assert_eq!(replay.reads(first, last).len(), 1);
        assert_eq!(replay.reads(last, last).len(), 0);
    }

    #[test]
    fn a_line_that_cannot_be_played_is_named() {
        let header = "meter,register,time,value,unit\n";
        for (line, why) in [
            (
                "A,2.8.0,2026-06-01T00:00:00,1,Wh",
                "line 2: `2026-06-01T00:00:00`",
            ),
            ("A,2.8.0,2026-06-01T00:00:00Z,1e3,Wh", "line 2: `1e3`"),
            (
                "A,2.8.0,2026-06-01T00:00:00Z,1",
                "line 2: ``; expected `Wh`",
            ),
            (",2.8.0,2026-06-01T00:00:00Z,1,Wh", "a meter"),
        ] {
            let error = Replay::read(format!("{header}{line}\n").as_bytes()).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(
            Replay::read(&b"meter,value\n"[..])
                .unwrap_err()
                .to_string()
                .contains("line 1")
        );
    }
}
