//! The few questions that are asked of a mirror, as Flux.
//!
//! Whatever comes from people enters as a [`Literal`], escaped. Times are UTC literals that we
//! compute, so no server's idea of a time zone matters. No question can yield a null: nothing is
//! created for empty windows, and nothing is differenced.

use std::fmt;

use domain::calendar::{Instant, Span};

use crate::line::TIMES_MS;

/// A text or a time as Flux writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal(String);

impl Literal {
    /// A string, with quotes.
    #[must_use]
    pub fn text(text: &str) -> Literal {
        let mut out = String::with_capacity(text.len() + 2);
        out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '$' => out.push_str("\\x24"),
                c if c.is_control() => {
                    let mut bytes = [0; 4];
                    for byte in c.encode_utf8(&mut bytes).bytes() {
                        out.push_str(&format!("\\x{byte:02x}"));
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
        Literal(out)
    }

    /// A time, RFC 3339 in UTC; held within [`TIMES_MS`].
    #[must_use]
    pub fn time(at: Instant) -> Literal {
        Literal(Instant(at.0.clamp(*TIMES_MS.start(), *TIMES_MS.end())).to_string())
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// How many points.
    Count,
    /// Their sum; it wraps like any int64.
    Sum,
}

/// Which points: one field of one measurement of one society.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The measurement.
    pub measurement: &'a str,
    /// The field.
    pub field: &'a str,
    /// Tags that must have these values.
    pub tags: &'a [(&'a str, &'a str)],
    /// From its start, up to and without its end.
    pub span: Span,
}

/// A question, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flux(String);

impl Flux {
    /// One row for each combination of `by`, with `_value` a long.
    #[must_use]
    pub fn totals(points: &Points<'_>, by: &[&str], total: Total) -> Flux {
        let total = match total {
            Total::Count => "count",
            Total::Sum => "sum",
        };
        Flux(format!(
            "{}\n  |> group(columns: [{}])\n  |> {total}()\n",
            from(points),
            columns(by)
        ))
    }

    /// The points themselves, in order of time: `_time`, `_value` and the tags `by`, at most `most`
    /// of each combination.
    #[must_use]
    pub fn points(points: &Points<'_>, by: &[&str], most: u32) -> Flux {
        let mut kept = vec!["_time", "_value"];
        kept.extend(by);
        Flux(format!(
            "{}\n  |> keep(columns: [{}])\n  |> group(columns: [{}])\n  |> sort(columns: [\"_time\"])\n  |> limit(n: {most})\n",
            from(points),
            columns(&kept),
            columns(by)
        ))
    }

    /// The last point of each combination of `by` in the span.
    #[must_use]
    pub fn last(points: &Points<'_>, by: &[&str]) -> Flux {
        let mut kept = vec!["_time", "_value"];
        kept.extend(by);
        Flux(format!(
            "{}\n  |> group(columns: [{}])\n  |> sort(columns: [\"_time\"])\n  |> last()\n  |> keep(columns: [{}])\n",
            from(points),
            columns(by),
            columns(&kept)
        ))
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn from(points: &Points<'_>) -> String {
    let mut text = format!(
        "from(bucket: {})\n  |> range(start: {}, stop: {})\n  |> filter(fn: (r) => r._measurement == {} and r._field == {}",
        Literal::text(points.bucket),
        Literal::time(points.span.start),
        Literal::time(points.span.end),
        Literal::text(points.measurement),
        Literal::text(points.field),
    );
    for (tag, value) in points.tags {
        text.push_str(&format!(
            " and r[{}] == {}",
            Literal::text(tag),
            Literal::text(value)
        ));
    }
    text.push(')');
    text
}

fn columns(names: &[&str]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|name| Literal::text(name).to_string())
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_society_cannot_end_the_string_it_stands_in() {
        let text = Literal::text("a\" or true //\\ ${secret}\n");
        assert_eq!(
            text.to_string(),
            "\"a\\\" or true //\\\\ \\x24{secret}\\n\""
        );
    }

    #[test]
    fn totals_read_as_a_treasurer_would_ask() {
        let points = Points {
            bucket: "solar",
            measurement: "read",
            field: "wh",
            tags: &[("society", "bes1")],
            span: Span {
                start: Instant(1_364_688_000_000),
                end: Instant(1_364_770_800_000),
            },
        };
        assert_eq!(
            Flux::totals(&points, &["meter", "register"], Total::Sum).as_str(),
            "from(bucket: \"solar\")\n  |> range(start: 2013-03-31T00:00:00Z, stop: 2013-03-31T23:00:00Z)\n  |> filter(fn: (r) => r._measurement == \"read\" and r._field == \"wh\" and r[\"society\"] == \"bes1\")\n  |> group(columns: [\"meter\", \"register\"])\n  |> sum()\n"
        );
    }
}
