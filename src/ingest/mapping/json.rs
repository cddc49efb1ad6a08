//! One value out of a JSON document, as the text it was written in.
//!
//! A pointer (RFC 6901) is followed level by level over raw slices, so that a number keeps every
//! digit its device wrote. A key that stands twice is refused: two readers would disagree.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// What stands at a pointer.
#[derive(Clone, Debug)]
pub(crate) enum Found<'a> {
    /// Nothing, or `null`.
    Absent,
    /// A number, as written.
    Number(&'a str),
    /// A text, unescaped.
    Text(String),
    /// A list.
    List(Vec<&'a RawValue>),
    /// `true`, `false` or an object.
    Other,
}

/// The whole document, checked to be one JSON value.
pub(crate) fn document(payload: &[u8]) -> Result<&RawValue, String> {
    serde_json::from_slice::<&RawValue>(payload).map_err(|e| format!("the payload is no JSON: {e}"))
}

/// What stands at `pointer`; the error is a key that stands twice.
pub(crate) fn at<'a>(document: &'a RawValue, pointer: &str) -> Result<Found<'a>, String> {
    let mut here = document;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        let mut from = serde_json::Deserializer::from_str(here.get());
        match (Pick { token: &token }).deserialize(&mut from) {
            Ok(Some(next)) => here = next,
            Ok(None) => return Ok(Found::Absent),
            Err(error) => return Err(format!("`{pointer}`: {error}")),
        }
    }
    found(here)
}

/// What a raw value is.
pub(crate) fn found(raw: &RawValue) -> Result<Found<'_>, String> {
    let text = raw.get();
    Ok(match text.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => Found::Number(text),
        Some(b'n') | None => Found::Absent,
        Some(b'"') => {
            let unescaped: Cow<'_, str> = serde_json::from_str::<String>(text)
                .map(Cow::Owned)
                .map_err(|e| e.to_string())?;
            Found::Text(unescaped.into_owned())
        }
        Some(b'[') => Found::List(serde_json::from_str(text).map_err(|e| e.to_string())?),
        _ => Found::Other,
    })
}

/// The keys of an object with their raw values; none when it is no object.
pub(crate) fn entries(raw: &RawValue) -> Vec<(String, &RawValue)> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(String, &'de RawValue)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    serde_json::Deserializer::from_str(raw.get())
        .deserialize_map(Entries)
        .unwrap_or_default()
}

struct Pick<'t> {
    token: &'t str,
}

impl<'de> DeserializeSeed<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pick<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut found = None;
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if key != self.token {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value::<&'de RawValue>()?).is_some() {
                return Err(serde::de::Error::custom(format!(
                    "the key `{}` stands twice",
                    self.token
                )));
            }
        }
        Ok(found)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
        let wanted: Option<usize> = self.token.parse().ok();
        let mut found = None;
        let mut place = 0;
        while let Some(raw) = list.next_element::<&'de RawValue>()? {
            if Some(place) == wanted {
                found = Some(raw);
            }
            place += 1;
        }
        Ok(found)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_every_digit() {
        let text = br#"{"a":{"b/c":[1,49.939999999999998,"x\u0041"]},"n":null,"d":1,"d":2}"#;
        let document = document(text).unwrap();
        let get = |pointer| format!("{:?}", at(document, pointer));
        for (pointer, says) in [
            ("/a/b~1c/1", r#"Number("49.939999999999998")"#),
            ("/a/b~1c/2", r#"Text("xA")"#),
            ("/a/b~1c/7", "Absent"),
            ("/n", "Absent"),
            ("/n/x", "Absent"),
            ("/a", "Other"),
            ("/d", "stands twice"),
        ] {
            assert!(get(pointer).contains(says), "{pointer}: {}", get(pointer));
        }
    }
}
