//! A layout: which column of a file holds what, as a person writes it and as a record keeps it.

use serde::{Deserialize, Serialize};

use super::cells::Cutter;

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
    if let Some(separator) = [';', '\t', '|']
        .into_iter()
        .find(|c| found.contains(*c) && !found.contains(", "))
    {
        return format!(
            "\nhint: its columns are separated by {separator:?}; save it with commas, or say `delimiter = \"{}\"` in a mapping of your own",
            separator.escape_default()
        );
    }
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
            Cutter::new(self.delimiter)
                .and_then(|cutter| cutter.cut(first_line.trim_start_matches('\u{feff}')))
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

fn comma() -> char {
    ','
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
