//! Topic patterns: levels apart by `/`, each a word, `+`, or a word with one `{capture}` in it.
//!
//! `shellies/{device}/emeter/{channel}/total` matches one topic a channel; `emon/{node}/E{channel}`
//! takes what follows the `E`. A capture holds at least one byte and never a `/`. A trailing `#`
//! takes the rest.

/// Longest pattern in bytes.
pub const MAX_PATTERN_BYTES: usize = 256;
/// Most levels of a pattern.
pub const MAX_LEVELS: usize = 32;

/// A checked pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    levels: Vec<Level>,
    open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Level {
    Word(String),
    Any,
    Capture {
        before: String,
        name: String,
        after: String,
    },
}

/// What the captures hold, in the order of the pattern.
pub type Captures<'a> = Vec<(&'a str, &'a str)>;

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    ///
    /// # Errors
    /// A sentence naming the level.
    pub fn read(text: &str) -> Result<Pattern, String> {
        if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
            return Err(format!(
                "topic pattern of {} bytes; expected 1 to {MAX_PATTERN_BYTES}",
                text.len()
            ));
        }
        let mut levels = Vec::new();
        let mut open = false;
        let mut names: Vec<String> = Vec::new();
        for part in text.split('/') {
            if open {
                return Err(format!("`{text}`: nothing may follow `#`"));
            }
            if part == "#" {
                open = true;
                continue;
            }
            let level = level(part).ok_or_else(|| {
                format!(
                    "`{part}` in `{text}` is no level; expected a word, `+`, or a word with one `{{name}}`"
                )
            })?;
            if let Level::Capture { name, .. } = &level {
                if names.contains(name) {
                    return Err(format!("`{{{name}}}` is captured twice in `{text}`"));
                }
                names.push(name.clone());
            }
            levels.push(level);
        }
        if levels.len() > MAX_LEVELS {
            return Err(format!("`{text}` has more than {MAX_LEVELS} levels"));
        }
        Ok(Pattern { levels, open })
    }

    /// The captures of a topic that fits; `None` when it does not.
    #[must_use]
    pub fn matches<'a>(&'a self, topic: &'a str) -> Option<Captures<'a>> {
        let mut captures = Vec::new();
        let mut parts = topic.split('/');
        for level in &self.levels {
            let part = parts.next()?;
            match level {
                Level::Word(word) => {
                    if word != part {
                        return None;
                    }
                }
                Level::Any => {}
                Level::Capture {
                    before,
                    name,
                    after,
                } => {
                    let held = part.strip_prefix(before.as_str())?;
                    let held = held.strip_suffix(after.as_str())?;
                    if held.is_empty() {
                        return None;
                    }
                    captures.push((name.as_str(), held));
                }
            }
        }
        (self.open || parts.next().is_none()).then_some(captures)
    }

    /// Names of the captures.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().filter_map(|level| match level {
            Level::Capture { name, .. } => Some(name.as_str()),
            _ => None,
        })
    }

    /// The MQTT filter that brings every topic of this pattern (and perhaps others).
    #[must_use]
    pub fn filter(&self) -> String {
        let mut words: Vec<&str> = self
            .levels
            .iter()
            .map(|level| match level {
                Level::Word(word) => word.as_str(),
                _ => "+",
            })
            .collect();
        if self.open {
            words.push("#");
        }
        words.join("/")
    }

    /// Everything under the first captured level of a topic that fits; without a capture everything
    /// beside it.
    pub(crate) fn device_filter(&self, topic: &str) -> String {
        let parts: Vec<&str> = topic.split('/').collect();
        let named = self
            .levels
            .iter()
            .position(|level| matches!(level, Level::Capture { .. }))
            .map_or(parts.len().saturating_sub(1), |at| at + 1);
        if named >= parts.len() || named == 0 {
            return topic.to_owned();
        }
        format!("{}/#", parts.get(..named).unwrap_or_default().join("/"))
    }

    /// What the captures hold in the levels that a filter spells out: `N/{portal}/+` under
    /// `N/c0619/#` has the portal `c0619`.
    #[must_use]
    pub fn captures_in_filter<'a>(&'a self, filter: &'a str) -> Captures<'a> {
        let mut captures = Vec::new();
        for (level, part) in self.levels.iter().zip(filter.split('/')) {
            match level {
                _ if part == "#" => break,
                Level::Capture {
                    before,
                    name,
                    after,
                } if part != "+" => {
                    let held = part.strip_prefix(before.as_str());
                    if let Some(held) = held.and_then(|h| h.strip_suffix(after.as_str())) {
                        captures.push((name.as_str(), held));
                    }
                }
                _ => {}
            }
        }
        captures
    }
}

/// Whether an MQTT filter takes a topic. A wildcard does not take a topic that begins with `$`.
#[must_use]
pub fn filter_takes(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        match (part, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (word, Some(level)) if word == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

/// Whether a text is an MQTT filter.
#[must_use]
pub fn is_filter(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    !text.is_empty()
        && text.len() <= MAX_PATTERN_BYTES
        && !text.contains(char::is_control)
        && parts.iter().enumerate().all(|(n, part)| {
            !part.contains(['+', '#']) || *part == "+" || (*part == "#" && n + 1 == parts.len())
        })
}

fn level(part: &str) -> Option<Level> {
    if part == "+" {
        return Some(Level::Any);
    }
    if part.contains(['+', '#']) || part.contains(char::is_control) {
        return None;
    }
    let Some((before, rest)) = part.split_once('{') else {
        return (!part.contains('}')).then(|| Level::Word(part.to_owned()));
    };
    let (name, after) = rest.split_once('}')?;
    let proper = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        && !after.contains(['{', '}']);
    proper.then(|| Level::Capture {
        before: before.to_owned(),
        name: name.to_owned(),
        after: after.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_take_their_topics_and_no_others() {
        let pattern = Pattern::read("emon/{node}/E{channel}").unwrap();
        assert_eq!(
            pattern.matches("emon/emontx3/E12"),
            Some(vec![("node", "emontx3"), ("channel", "12")])
        );
        for other in ["emon/emontx3/E", "emon/emontx3/P1", "emon/a/b/E1", "emon/a"] {
            assert_eq!(pattern.matches(other), None, "{other}");
        }
        assert_eq!(pattern.filter(), "emon/+/+");
        for bad in ["", "a/{x", "a/{x}{y}", "a/#/b", "{x}/{x}", "a/b+", "{X}"] {
            assert!(Pattern::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_filter_takes_what_mqtt_says() {
        for (filter, topic, takes) in [
            ("N/c06/#", "N/c06/grid/30/Ac/Power", true),
            ("N/c06/#", "N/c06", true),
            ("N/c06/#", "N/c07/grid", false),
            ("+/a", "x/a", true),
            ("#", "$SYS/uptime", false),
            ("a/b", "a/b/c", false),
        ] {
            assert_eq!(filter_takes(filter, topic), takes, "{filter} {topic}");
        }
        let pattern = Pattern::read("N/{portal}/grid/{instance}/Ac/Power").unwrap();
        assert_eq!(
            pattern.captures_in_filter("N/c0619/#"),
            vec![("portal", "c0619")]
        );
    }
}
