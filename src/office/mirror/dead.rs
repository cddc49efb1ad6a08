//! Dead letters: points that the server does not take, each with its reason.
//!
//! `DATA/mirror/<society>.dead-letters` has a line of line protocol, a tab and the reason in each
//! line. It takes [`MAX_BYTES`]; what comes then is counted only. The journal has every read all the
//! same: a dead letter is missing on the server and nowhere else.

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use influx::DeadLetter;

use crate::answer::{Answer, OrOurs};

/// Bytes of points that were not taken, kept to be looked at.
pub const MAX_BYTES: u64 = 1 << 20;
/// Longest reason in the short list, in letters.
const REASON: usize = 120;

/// The dead letters of a society.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadLetters {
    /// The society.
    pub society: String,
    /// How many there were since the mirror began or they were forgotten.
    pub count: u64,
    /// Those that were kept, oldest first.
    pub kept: Vec<DeadLetter>,
}

impl DeadLetters {
    pub(super) fn read(society: &str, count: u64, path: &Path) -> Answer<DeadLetters> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).or_ours("the mirror's dead letters"),
        };
        let letter = |line: &str| {
            let (line, why) = line.split_once('\t').unwrap_or((line, ""));
            DeadLetter {
                line: line.to_owned(),
                why: why.to_owned(),
            }
        };
        let kept: Vec<DeadLetter> = text.lines().map(letter).collect();
        Ok(DeadLetters {
            society: society.to_owned(),
            count: count.max(kept.len() as u64),
            kept,
        })
    }

    /// How many of those kept for each reason. What stands in quotes is left out, so that the same
    /// complaint about many points is one, and no point stands in it.
    #[must_use]
    pub fn reasons(&self) -> Vec<(String, u64)> {
        let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
        for letter in &self.kept {
            *reasons.entry(without_quoted(&letter.why)).or_default() += 1;
        }
        let mut reasons: Vec<_> = reasons.into_iter().collect();
        reasons.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        reasons
    }
}

pub(super) fn append(path: &Path, letters: &[DeadLetter]) -> Answer<()> {
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .or_ours("the mirror's dead letters")?;
    for letter in letters {
        tracing::warn!(
            line = letter.line,
            why = letter.why,
            "the mirror does not take a point"
        );
        if file.metadata().map_or(0, |m| m.len()) < MAX_BYTES {
            writeln!(file, "{}\t{}", letter.line, letter.why)
                .or_ours("the mirror's dead letters")?;
        }
    }
    Ok(())
}

pub(super) fn forget(path: &Path) -> Answer<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_ours("the mirror's dead letters")
        }
        _ => Ok(()),
    }
}

/// A reason without what it quotes: `'…'`, `"…"` and `` `…` `` become `…`.
fn without_quoted(why: &str) -> String {
    let mut text = String::new();
    let mut within = None;
    for c in why.chars() {
        match within {
            Some(quote) if c == quote => within = None,
            Some(_) => {}
            None if matches!(c, '\'' | '"' | '`') => {
                within = Some(c);
                text.push('…');
            }
            None => text.push(c),
        }
    }
    let short: String = text.trim().chars().take(REASON).collect();
    match short.is_empty() {
        true => "no reason given".to_owned(),
        false => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_complaint_about_many_points_is_one_reason_and_names_none() {
        let letter = |meter: &str| DeadLetter {
            line: format!("read,meter={meter} wh=1i 1"),
            why: format!("unable to parse 'read,meter={meter} wh=1i 1': invalid tag format"),
        };
        let letters = DeadLetters {
            kept: vec![letter("M1"), letter("M2")],
            ..DeadLetters::default()
        };
        assert_eq!(
            letters.reasons(),
            [("unable to parse …: invalid tag format".to_owned(), 2)]
        );
    }

    #[test]
    fn what_was_set_aside_is_read_back_and_can_be_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bes.dead-letters");
        let letter = DeadLetter {
            line: "read,meter=M1 wh=1i 1".to_owned(),
            why: "field type conflict".to_owned(),
        };
        assert_eq!(DeadLetters::read("bes", 0, &path).unwrap().count, 0);
        append(&path, std::slice::from_ref(&letter)).unwrap();
        append(&path, std::slice::from_ref(&letter)).unwrap();
        let read = DeadLetters::read("bes", 5, &path).unwrap();
        assert_eq!((read.count, read.kept), (5, vec![letter.clone(), letter]));
        forget(&path).unwrap();
        forget(&path).unwrap();
        assert_eq!(DeadLetters::read("bes", 0, &path).unwrap().kept, []);
    }
}
