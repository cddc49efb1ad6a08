//! Answers by type: what is missing, empty or of another type is an error, never a default.
//!
//! A column that the server left out, and one it sent empty where a number belongs, both end here as
//! [`WrongRow`]; a double is not a long.

use std::collections::BTreeMap;

use domain::calendar::Instant;
use influxdb2_structmap::value::Value;

/// A row that does not say what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column `{column}` is {found}; expected {expected}")]
pub struct WrongRow {
    column: String,
    found: &'static str,
    expected: &'static str,
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row(pub(crate) BTreeMap<String, Value>);

impl Row {
    /// An exact integer.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn long(&self, column: &str) -> Result<i64, WrongRow> {
        match self.0.get(column) {
            Some(Value::Long(number)) => Ok(*number),
            other => Err(wrong(column, other, "a long")),
        }
    }

    /// A text; an empty one is not told apart from a null by the protocol, so it is refused.
    ///
    /// # Errors
    /// When the column is missing, empty or holds anything else.
    pub fn text(&self, column: &str) -> Result<&str, WrongRow> {
        match self.0.get(column) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            other => Err(wrong(column, other, "a string that is not empty")),
        }
    }

    /// A time, whole milliseconds.
    ///
    /// # Errors
    /// When the column is missing or holds anything else.
    pub fn time(&self, column: &str) -> Result<Instant, WrongRow> {
        match self.0.get(column) {
            Some(Value::TimeRFC(time)) => Ok(Instant(time.timestamp_millis())),
            other => Err(wrong(column, other, "a time")),
        }
    }
}

fn wrong(column: &str, found: Option<&Value>, expected: &'static str) -> WrongRow {
    WrongRow {
        column: column.to_owned(),
        expected,
        found: match found {
            None => "missing",
            Some(Value::String(text)) if text.is_empty() => "empty",
            Some(Value::String(_)) => "a string",
            Some(Value::Long(_)) => "a long",
            Some(Value::UnsignedLong(_)) => "an unsigned long",
            Some(Value::Double(_)) => "a double",
            Some(Value::Bool(_)) => "a boolean",
            Some(Value::TimeRFC(_)) => "a time",
            Some(_) => "of another type",
        },
    }
}
