//! Day rows: a date and the half hours of that day in columns, through the clock changes.

use domain::{
    calendar::{HalfHour, LocalDay},
    metering::{Obis, Quality},
    quantity::WattHours,
};

use super::{
    Row,
    cells::Cells,
    layout::Days,
    rows::{RowReader, interval_quality, is_value},
};

impl RowReader<'_> {
    /// The half hours of a day.
    ///
    /// # Errors
    /// When the day has another number of half hours, or a value stands where the clock left one out.
    pub(super) fn day_row(
        &self,
        row: &Cells<'_>,
        meter: &str,
        register: Obis,
    ) -> Result<Vec<Row>, String> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Columns, Fixed, Layout, Shape};

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
}
