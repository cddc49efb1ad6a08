//! A line of an emonTx or emonPi: `MSG:59795,Vrms:245.85,P1:84,E1:9999` or the same as JSON.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::source::{
    port::Framer,
    text::{Decimal, Unreadable, shown},
};

/// A line longer than this is noise; an emonTx with 12 inputs writes about 300 characters.
pub const MAX_LINE: usize = 2048;
/// A line with more values than this is refused.
pub const MAX_VALUES: usize = 128;

/// Names and values of a line, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(Vec<(String, Decimal)>);

impl Line {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`Unreadable`] when anything in it is no name with a decimal, or a name comes twice. There
    /// is no check sum, so one bad value makes the whole line doubtful.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let text = text.trim();
        let pairs = if text.starts_with('{') {
            let json: Json<'_> = serde_json::from_str(text)
                .map_err(|_| Unreadable::new(shown(text), "a flat JSON object of numbers"))?;
            json.0
                .iter()
                .map(|(name, value)| Ok((name.clone(), Decimal::read(value.get())?)))
                .collect::<Result<Vec<_>, Unreadable>>()?
        } else {
            text.split(',')
                .map(|pair| {
                    let refuse = || Unreadable::new(shown(pair), "a name, `:` and a number");
                    let (name, value) = pair.split_once(':').ok_or_else(refuse)?;
                    Ok((name.to_owned(), Decimal::read(value.trim())?))
                })
                .collect::<Result<Vec<_>, Unreadable>>()?
        };
        if pairs.is_empty() || pairs.len() > MAX_VALUES {
            return Err(Unreadable::new(shown(text), "1 to 128 values"));
        }
        for (i, (name, _)) in pairs.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            if name.is_empty() || !name.chars().all(plain) {
                return Err(Unreadable::new(shown(name), "a name of letters and digits"));
            }
            if pairs[..i].iter().any(|(other, _)| other == name) {
                return Err(Unreadable::new(
                    format!("{} twice", shown(name)),
                    "each name once",
                ));
            }
        }
        Ok(Line(pairs))
    }

    /// Every name and value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, Decimal)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// The value of a name.
    pub fn value(&self, name: &str) -> Option<Decimal> {
        let (_, value) = self.0.iter().find(|(other, _)| other == name)?;
        Some(*value)
    }
}

/// A flat object whose numbers stay as they are written, and whose doubles are seen.
struct Json<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Pairs<'a> {
            type Value = Json<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Json<'a>, M::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    if pairs.len() > MAX_VALUES {
                        return Err(M::Error::custom("too many values"));
                    }
                    pairs.push(pair);
                }
                Ok(Json(pairs))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}

/// Cuts a stream into lines. The first piece, which may have lost its beginning, is thrown away.
#[derive(Debug, Default)]
pub struct Cutter {
    bytes: Vec<u8>,
    in_step: bool,
}

impl Framer for Cutter {
    type Frame = Line;

    fn push(&mut self, byte: u8) -> Option<Result<Line, Unreadable>> {
        if byte != b'\n' {
            if self.in_step {
                self.bytes.push(byte);
            }
            if self.bytes.len() > MAX_LINE {
                self.bytes.clear();
                self.in_step = false;
                return Some(Err(Unreadable::new("more than 2 KiB", "a line's end")));
            }
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let was_in_step = std::mem::replace(&mut self.in_step, true);
        match std::str::from_utf8(&bytes) {
            _ if !was_in_step => None,
            Ok(text) if text.trim().is_empty() => None,
            Ok(text) => Some(Line::read(text)),
            Err(_) => {
                let found = shown(&String::from_utf8_lossy(&bytes));
                Some(Err(Unreadable::new(found, "text")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_spellings_say_the_same() {
        // github.com/openenergymonitor/emonhub, conf/interfacer_examples/directserial-serialtx3e.
        let pairs = Line::read("MSG:59795,Vrms:245.85,P1:84,E1:9999,T1:22.75,pulse:1").unwrap();
        let json = r#"{"MSG":59795,"Vrms":245.85,"P1":84,"E1":9999,"T1":22.75,"pulse":1}"#;
        assert_eq!(Line::read(json).unwrap(), pairs);
        assert_eq!(pairs.value("E1").unwrap().scaled(0), Some(9999));
        // The same project, src/interfacers/EmonHubOEMInterfacer.py and EmonHubTx3eInterfacer.py.
        assert!(Line::read(r#"{"power1":100,"power2":200}"#).is_ok());
        assert!(Line::read("ct1:0,ct2:0,ct3:0,ct4:0,vrms:524,pulse:0").is_ok());
    }

    #[test]
    fn a_line_with_anything_odd_is_refused_as_a_whole() {
        for text in [
            "",
            ",",
            "E1",
            "E1:",
            ":9",
            "E1:9,",
            "E1:9;P1:8",
            "E1:9,E1:9",
            "E1:9x",
            "E1:1e3",
            "E1:9 9",
            "vCal:240:12",
            r#"{"E1":9"#,
            r#"{"E1":"9"}"#,
            r#"{"E1":{"a":9}}"#,
            r#"{"E1":1e3}"#,
            r#"{"E1":9,"E1":8}"#,
            "{}",
            r#"{"E1":null}"#,
            "[1]",
        ] {
            assert!(Line::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_first_piece_of_a_stream_is_thrown_away() {
        let mut cutter = Cutter::default();
        let stream = b"3,E1:12\r\nE1:13\r\n\r\nemonTx V4.1\r\n\xff\xfe:1\nE1:14\r\n";
        let ends: Vec<Option<i64>> = stream
            .iter()
            .filter_map(|byte| cutter.push(*byte))
            .map(|end| end.ok().and_then(|line| line.value("E1")?.scaled(0)))
            .collect();
        assert_eq!(ends, [Some(13), None, None, Some(14)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_reads_back(
            values in proptest::collection::btree_map("[A-Za-z][A-Za-z0-9]{0,6}", -99_999_i64..99_999_999, 1..20),
        ) {
            let pairs: Vec<String> = values.iter().map(|(k, v)| format!("{k}:{v}")).collect();
            let json: Vec<String> = values.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
            let line = Line::read(&pairs.join(",")).unwrap();
            prop_assert_eq!(&line, &Line::read(&format!("{{{}}}", json.join(","))).unwrap());
            for (name, value) in values {
                prop_assert_eq!(line.value(&name), Some(Decimal::new(value, 0)));
            }
        }
    }
}
