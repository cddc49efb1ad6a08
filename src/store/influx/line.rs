//! Points as line protocol: `read,meter=M1,register=2.8.0 wh=15475040i 1700000000000`.
//!
//! Every number is an integer with its `i`, exact to the last bit, and every time is milliseconds
//! UTC, so that a point sent twice is the same point. Names of measurements, tags and fields are
//! ours and checked; values of tags come from people and are escaped or refused: a control
//! character, a backslash or an empty text is [`Unfit`], because the protocol has no safe form for it.

use std::fmt::Write as _;

use domain::calendar::Instant;

/// Most lines of one batch, as InfluxData advises.
pub const MAX_LINES: usize = 5_000;
/// Most bytes of one batch.
pub const MAX_BYTES: usize = 1_000_000;
/// Longest value of a tag, in bytes.
pub const MAX_TAG_BYTES: usize = 256;

/// The times a server can hold, ms UTC: nanoseconds in 64 bits, 1677-09-21 to 2262-04-11.
pub const TIMES_MS: std::ops::RangeInclusive<i64> = -9_223_372_036_854..=9_223_372_036_854;

/// A text that has no safe form in line protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} `{}` {why}", text.escape_debug())]
pub struct Unfit {
    what: &'static str,
    text: String,
    why: &'static str,
}

/// The part of a line before its fields: measurement and tags, escaped, tags in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series(String);

impl Series {
    /// A series of a measurement.
    ///
    /// # Errors
    /// When a name or a value has no safe form.
    pub fn new(measurement: &str, tags: &[(&str, &str)]) -> Result<Series, Unfit> {
        let mut text = name("measurement", measurement)?.to_owned();
        let mut tags = tags.to_vec();
        tags.sort_unstable();
        for (key, value) in tags {
            text.push(',');
            text.push_str(name("tag", key)?);
            text.push('=');
            escape_tag(value, &mut text)?;
        }
        Ok(Series(text))
    }

    /// As it stands in a line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// An exact integer.
    Int(i64),
    /// A word.
    Text(&'a str),
}

/// Lines that travel together; each point is a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    text: String,
    ends: Vec<usize>,
}

impl Batch {
    /// Adds a point.
    ///
    /// # Errors
    /// When there is no field, a name or text has no safe form, or the time is not in [`TIMES_MS`]; the
    /// batch is then as before.
    pub fn push(
        &mut self,
        series: &Series,
        fields: &[(&str, Value<'_>)],
        at: Instant,
    ) -> Result<(), Unfit> {
        let before = self.text.len();
        let pushed = self.try_push(series, fields, at);
        match pushed {
            Ok(()) => self.ends.push(self.text.len()),
            Err(_) => self.text.truncate(before),
        }
        pushed
    }

    fn try_push(
        &mut self,
        series: &Series,
        fields: &[(&str, Value<'_>)],
        at: Instant,
    ) -> Result<(), Unfit> {
        if fields.is_empty() {
            return Err(Unfit {
                what: "series",
                text: series.0.clone(),
                why: "has a point without a field",
            });
        }
        if !TIMES_MS.contains(&at.0) {
            return Err(Unfit {
                what: "time",
                text: format!("{} ms", at.0),
                why: "is beyond what nanoseconds in 64 bits can say",
            });
        }
        self.text.push_str(&series.0);
        for (n, (key, value)) in fields.iter().enumerate() {
            self.text.push(if n == 0 { ' ' } else { ',' });
            self.text.push_str(name("field", key)?);
            match value {
                // Writing to a String cannot fail.
                Value::Int(number) => drop(write!(self.text, "={number}i")),
                Value::Text(text) => {
                    self.text.push_str("=\"");
                    escape_text(text, &mut self.text)?;
                    self.text.push('"');
                }
            }
        }
        let _ = writeln!(self.text, " {}", at.0);
        Ok(())
    }

    /// The lines, each with its end.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How many lines.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether it should travel before another line is added.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.ends.len() >= MAX_LINES || self.text.len() >= MAX_BYTES
    }

    /// Forgets the lines and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// The lines `from..to` as text.
    pub(crate) fn part(&self, from: usize, to: usize) -> &str {
        let start = |n: usize| n.checked_sub(1).map_or(0, |n| self.ends[n]);
        &self.text[start(from)..start(to)]
    }
}

/// A name of ours: a letter, then letters, digits and `_`, at most 64; never the reserved `time`.
fn name<'a>(what: &'static str, text: &'a str) -> Result<&'a str, Unfit> {
    let plain = text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text != "time";
    plain.then_some(text).ok_or_else(|| Unfit {
        what,
        text: text.to_owned(),
        why: "is no name; expected a letter, then letters, digits and `_`",
    })
}

fn escape_tag(value: &str, into: &mut String) -> Result<(), Unfit> {
    let unfit = |why| Unfit {
        what: "tag value",
        text: value.to_owned(),
        why,
    };
    if value.is_empty() {
        return Err(unfit("is empty"));
    }
    if value.len() > MAX_TAG_BYTES {
        return Err(unfit("is longer than 256 bytes"));
    }
    if value.contains(|c: char| c.is_control() || c == '\\') {
        return Err(unfit("has a control character or a backslash"));
    }
    for c in value.chars() {
        if matches!(c, ',' | '=' | ' ') {
            into.push('\\');
        }
        into.push(c);
    }
    Ok(())
}

fn escape_text(text: &str, into: &mut String) -> Result<(), Unfit> {
    if text.contains(|c: char| c.is_control()) {
        return Err(Unfit {
            what: "text",
            text: text.to_owned(),
            why: "has a control character",
        });
    }
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            into.push('\\');
        }
        into.push(c);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_one_line_with_sorted_tags_and_exact_integers() {
        let series = Series::new("read", &[("register", "2.8.0"), ("meter", "EML 12,3")]).unwrap();
        let mut batch = Batch::default();
        let fields = [("wh", Value::Int(i64::MAX)), ("w", Value::Int(i64::MIN))];
        batch.push(&series, &fields, Instant(-1)).unwrap();
        assert_eq!(
            batch.text(),
            "read,meter=EML\\ 12\\,3,register=2.8.0 wh=9223372036854775807i,w=-9223372036854775808i -1\n"
        );
    }

    #[test]
    fn what_has_no_safe_form_is_refused_and_leaves_the_batch_as_it_was() {
        for bad in ["", "a\n b=1i 1", "ends\\", "tab\t", "\u{85}"] {
            assert!(Series::new("read", &[("meter", bad)]).is_err(), "{bad:?}");
        }
        for bad in ["", "#read", "re ad", "1st", "time"] {
            assert!(Series::new(bad, &[]).is_err(), "{bad:?}");
        }
        let series = Series::new("read", &[]).unwrap();
        let mut batch = Batch::default();
        assert!(batch.push(&series, &[], Instant(0)).is_err());
        let broken = [("a", Value::Int(1)), ("b", Value::Text("x\ny"))];
        assert!(batch.push(&series, &broken, Instant(0)).is_err());
        assert_eq!(batch, Batch::default());
    }

    #[test]
    fn parts_are_whole_lines() {
        let mut batch = Batch::default();
        let series = Series::new("m", &[]).unwrap();
        for n in 0..3 {
            batch
                .push(&series, &[("a", Value::Int(n))], Instant(n))
                .unwrap();
        }
        assert_eq!(batch.part(1, 3), "m a=1i 1\nm a=2i 2\n");
        assert_eq!(batch.part(0, 3), batch.text());
        assert_eq!(batch.part(2, 2), "");
    }
}
