//! What is wrong with a file that cannot be read, where, and what was probably meant.
//!
//! A `[[source]]` is told by its `kind`, so the parser reads it whole before it looks at its keys and
//! then knows only where the first of them begins. Here each is looked at by itself.

use serde::Deserialize;
use toml::Spanned;

use crate::source::SourceConfig;

/// The error in words, with the source it belongs to and the nearest name.
pub(super) fn explain(text: &str, error: &toml::de::Error) -> String {
    match broken_source(text) {
        Some(said) => with_nearest(&said),
        None => with_nearest(&error.to_string()),
    }
}

#[derive(Deserialize)]
struct Sources {
    #[serde(default)]
    source: Vec<Spanned<toml::Table>>,
}

/// The first source that cannot be read, and why.
fn broken_source(text: &str) -> Option<String> {
    let sources: Sources = toml::from_str(text).ok()?;
    sources
        .source
        .into_iter()
        .enumerate()
        .find_map(|(at, source)| {
            let span = source.span();
            let table = source.into_inner();
            let kind = match table.get("kind") {
                Some(toml::Value::String(kind)) => format!(", kind `{kind}`"),
                _ => String::new(),
            };
            let error = SourceConfig::deserialize(table).err()?;
            let message = error.message();
            // The key's own line, where the message names one that stands there.
            let rest = text.get(span.end..).unwrap_or_default();
            let block = rest.split("[[source]]").next().unwrap_or_default();
            let wrong = message.split('`').nth(1).unwrap_or_default();
            let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
            let within = block.lines().position(|line| key(line) == wrong);
            let before = text[..span.start].matches('\n').count();
            let line = before + 1 + within.unwrap_or(0);
            Some(format!("source {}{kind}, line {line}: {message}", at + 1))
        })
}

/// Adds "did you mean" to an error about an unknown name, from the names it lists; nothing where no
/// name is near.
fn with_nearest(error: &str) -> String {
    let error = error.trim_end();
    let Some(said) = ["unknown field", "unknown variant"]
        .iter()
        .find_map(|what| error.find(what).map(|at| &error[at..]))
    else {
        return error.to_owned();
    };
    let mut quoted = said.split('`').skip(1).step_by(2);
    let nearest = quoted.next().and_then(|wrong| {
        let far = wrong.chars().count().div_ceil(3).max(1);
        quoted
            .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
            .filter(|(steps, _)| *steps <= far)
            .min()
    });
    match nearest {
        Some((_, name)) => format!("{error}\nhint: did you mean `{name}`?"),
        None => error.to_owned(),
    }
}
