//! How a meter is named: words with `{capture}`, `{tag:name}` of a line, `{/json/pointer}` inside.

/// Longest name of a meter in bytes, as everywhere.
pub(crate) const MAX_METER_BYTES: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Text(String),
    Capture(String),
    Tag(String),
    Pointer(String),
}

impl Template {
    pub(crate) fn read(text: &str) -> Result<Template, String> {
        let wrong = || format!("`{text}` has a brace without its partner");
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            if before.contains('}') {
                return Err(wrong());
            }
            let (name, after) = after.split_once('}').ok_or_else(wrong)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(if name.starts_with('/') {
                Part::Pointer(name.to_owned())
            } else if let Some(tag) = name.strip_prefix("tag:") {
                Part::Tag(tag.to_owned())
            } else {
                Part::Capture(name.to_owned())
            });
            rest = after;
        }
        if rest.contains('}') {
            return Err(wrong());
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.is_empty() {
            return Err("a name is empty".to_owned());
        }
        Ok(Template(parts))
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Fills it; the error names what is missing.
    pub(crate) fn fill(
        &self,
        mut value: impl FnMut(&Part) -> Option<String>,
    ) -> Result<String, String> {
        let mut name = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => name.push_str(text),
                other => match value(other) {
                    Some(text) => name.push_str(&text),
                    None => return Err(format!("the message does not say {}", other.words())),
                },
            }
        }
        let proper = (1..=MAX_METER_BYTES).contains(&name.len())
            && !name.contains(|c: char| c.is_control() || c == ',');
        if !proper {
            return Err(format!(
                "`{}` cannot be a meter's name; expected 1 to {MAX_METER_BYTES} bytes without comma",
                name.escape_debug().take(80).collect::<String>()
            ));
        }
        Ok(name)
    }
}

impl Part {
    fn words(&self) -> String {
        match self {
            Part::Text(text) => text.clone(),
            Part::Capture(name) => format!("`{{{name}}}`"),
            Part::Tag(name) => format!("the tag `{name}`"),
            Part::Pointer(pointer) => format!("`{pointer}`"),
        }
    }
}
