//! Who decided what and when: the decisions of a society as the journal has them, the newest first.

use domain::calendar::Instant;
use records::decision::Decision;
use serde_json::Value;

use super::{
    answer::{Answer, OrOurs},
    society::SocietyOffice,
};

/// Longest details that are shown, characters.
const MOST_DETAILS: usize = 400;

/// A decision, for reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its record in the journal.
    pub record: u64,
    /// When.
    pub at: Instant,
    /// Who: a user, an officer, `owner`, `daemon` or a gateway.
    pub by: String,
    /// Its kind, without the version.
    pub kind: String,
    /// Its body as it is written down, cut where it is long.
    pub details: String,
}

impl SocietyOffice {
    /// At most `limit` decisions older than the record `before`, and whether there are more.
    ///
    /// # Errors
    /// When the books are damaged.
    pub fn audit(&self, before: Option<u64>, limit: usize) -> Answer<(Vec<Decided>, bool)> {
        let rows = self.books().applied(0).or_ours("books.sqlite")?;
        let mut older = rows
            .into_iter()
            .rev()
            .filter(|row| before.is_none_or(|before| row.position < before));
        let mut lines = Vec::new();
        for row in older.by_ref().take(limit) {
            let decision: Decision = serde_json::from_str(&row.json).or_ours("a decision")?;
            let whole: Value = serde_json::from_str(&row.json).or_ours("a decision")?;
            let (kind, _) = row.kind.split_once('/').unwrap_or((&row.kind, ""));
            lines.push(Decided {
                record: row.position,
                at: Instant(decision.at_ms),
                by: decision.by,
                kind: kind.to_owned(),
                details: details(&whole["what"]["body"]),
            });
        }
        let more = older.next().is_some();
        Ok((lines, more))
    }
}

fn details(body: &Value) -> String {
    let text = match body {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name}: {text}"),
                other => format!("{name}: {other}"),
            });
            fields.collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    };
    match text.char_indices().nth(MOST_DETAILS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
