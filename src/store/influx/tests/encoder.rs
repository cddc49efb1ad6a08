//! Our lines, read by InfluxData's own parser.

use domain::calendar::Instant;
use influx::{Batch, Series, Value};
use influxdb_line_protocol::{FieldValue, parse_lines};
use proptest::prelude::*;

proptest! {
    /// Whatever is written reads back the same; whatever has no safe form is refused, and never
    /// becomes another point.
    #[test]
    fn a_line_says_what_was_meant_or_is_refused(
        meter in ".{0,12}",
        society in "[ -~]{0,12}",
        text in "[ -~]{0,12}",
        wh: i64,
        w: i64,
        at in influx::line::TIMES_MS,
    ) {
        let Ok(series) = Series::new("read", &[("society", &society), ("meter", &meter)]) else {
            let odd = |t: &str| t.is_empty() || t.contains(|c: char| c.is_control() || c == '\\');
            prop_assert!(odd(&meter) || odd(&society));
            return Ok(());
        };
        let mut batch = Batch::default();
        let fields = [("wh", Value::Int(wh)), ("w", Value::Int(w)), ("q", Value::Text(&text))];
        batch.push(&series, &fields, Instant(at)).unwrap();
        batch.push(&series, &fields[..1], Instant(at)).unwrap();
        let lines: Vec<_> = parse_lines(batch.text()).collect();
        prop_assert_eq!(lines.len(), 2);
        let line = lines[0].as_ref().unwrap();
        prop_assert_eq!(line.series.measurement.as_str(), "read");
        let tag = |name: &str| line.tag_value(name).map(ToString::to_string);
        prop_assert_eq!(tag("meter"), Some(meter));
        prop_assert_eq!(tag("society"), Some(society));
        prop_assert_eq!(line.series.tag_set.as_ref().map(|tags| tags.len()), Some(2));
        let field = |name: &str| line.field_value(name).cloned();
        prop_assert_eq!(field("wh"), Some(FieldValue::I64(wh)));
        prop_assert_eq!(field("w"), Some(FieldValue::I64(w)));
        match field("q") {
            Some(FieldValue::String(read)) => prop_assert_eq!(read.to_string(), text),
            other => prop_assert!(false, "{:?}", other),
        }
        prop_assert_eq!(line.field_set.len(), 3);
        prop_assert_eq!(line.timestamp, Some(at));
    }
}
