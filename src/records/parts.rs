//! Notes whose lines do not fit one record of the journal: runs of interest and payment orders of many
//! members.
//!
//! The lines go into records of their own, [`PART_BYTES`] each and in order; a record that closes them
//! holds the note without its lines, how many parts and lines there are, and the hash of the whole
//! note, which is the hash an officer approves. Parts count from the record that closes them: parts
//! without one, left by a machine that stopped in between, mean nothing. A note that fits one record is
//! written as one, as it always was.

use serde::{Deserialize, Serialize};

use crate::{
    interest::{RunLine, RunNote},
    payments::{OrderHeld, OrderLine, OrderNote},
};

/// Most bytes of a note that is written as one record, and of the lines of one part; a record has
/// 1 MiB.
pub const PART_BYTES: usize = 800_000;

/// Some of a run's lines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunPart {
    /// The run.
    pub number: u32,
    /// The hash of the whole note.
    pub hash: String,
    /// Its place among the parts, from 0.
    pub part: u32,
    /// Lines.
    pub lines: Vec<RunLine>,
}

/// A run whose lines stand in the parts before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunInParts {
    /// The note without its lines.
    pub note: RunNote,
    /// The hash of the whole note.
    pub hash: String,
    /// How many parts.
    pub parts: u32,
    /// How many lines in them.
    pub lines: u32,
}

/// Some of an order's lines, or of what it leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderPart {
    /// The order.
    pub order: u32,
    /// The hash of the whole note.
    pub hash: String,
    /// Its place among the parts, from 0.
    pub part: u32,
    /// Lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<OrderLine>,
    /// What is left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<OrderHeld>,
}

/// An order whose lines stand in the parts before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderInParts {
    /// The note without its lines and what it leaves out.
    pub note: OrderNote,
    /// The hash of the whole note.
    pub hash: String,
    /// How many parts.
    pub parts: u32,
    /// How many lines in them.
    pub lines: u32,
    /// How many that are left out.
    pub held: u32,
}

/// The parts of a note do not make the note that was closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{what} {number} has {found} of {expected} lines in its parts, or its hash is not `{hash}`"
)]
pub struct NotWhole {
    what: &'static str,
    number: u32,
    found: usize,
    expected: u32,
    hash: String,
}

/// Parts that were read and not closed yet.
#[derive(Clone, Debug, Default)]
pub struct Open<T> {
    hash: String,
    parts: u32,
    all: T,
}

impl RunNote {
    /// The note as parts and the record that closes them.
    #[must_use]
    pub fn in_parts(mut self) -> (Vec<RunPart>, RunInParts) {
        let hash = self.hash();
        let lines = std::mem::take(&mut self.lines);
        let count = lines.len();
        let parts: Vec<RunPart> = (0..)
            .zip(chunks(lines))
            .map(|(part, lines)| RunPart {
                number: self.number,
                hash: hash.clone(),
                part,
                lines,
            })
            .collect();
        let closed = RunInParts {
            note: self,
            hash,
            parts: number(parts.len()),
            lines: number(count),
        };
        (parts, closed)
    }
}

impl OrderNote {
    /// The note as parts and the record that closes them.
    #[must_use]
    pub fn in_parts(mut self) -> (Vec<OrderPart>, OrderInParts) {
        let hash = self.hash();
        let (lines, held) = (
            std::mem::take(&mut self.lines),
            std::mem::take(&mut self.held),
        );
        let (count, left) = (lines.len(), held.len());
        let with_lines = chunks(lines).into_iter().map(|lines| (lines, Vec::new()));
        let with_held = chunks(held).into_iter().map(|held| (Vec::new(), held));
        let parts: Vec<OrderPart> = (0..)
            .zip(with_lines.chain(with_held))
            .map(|(part, (lines, held))| OrderPart {
                order: self.order,
                hash: hash.clone(),
                part,
                lines,
                held,
            })
            .collect();
        let closed = OrderInParts {
            note: self,
            hash,
            parts: number(parts.len()),
            lines: number(count),
            held: number(left),
        };
        (parts, closed)
    }
}

impl Open<Vec<RunLine>> {
    /// Takes the next part; the first one, or one of another note, begins anew.
    pub fn take(&mut self, part: RunPart) {
        self.begin(part.part, &part.hash);
        if part.part == self.parts {
            self.all.extend(part.lines);
            self.parts = self.parts.saturating_add(1);
        }
    }

    /// The whole note.
    ///
    /// # Errors
    /// When a part is missing, or the whole has another hash.
    pub fn close(&mut self, closed: RunInParts) -> Result<RunNote, NotWhole> {
        let read = std::mem::take(self);
        let mut note = closed.note;
        note.lines = read.all;
        let whole = read.parts == closed.parts
            && number(note.lines.len()) == closed.lines
            && note.hash() == closed.hash;
        match whole {
            true => Ok(note),
            false => Err(NotWhole {
                what: "interest run",
                number: note.number,
                found: note.lines.len(),
                expected: closed.lines,
                hash: closed.hash,
            }),
        }
    }
}

impl Open<(Vec<OrderLine>, Vec<OrderHeld>)> {
    /// Takes the next part; the first one, or one of another note, begins anew.
    pub fn take(&mut self, part: OrderPart) {
        self.begin(part.part, &part.hash);
        if part.part == self.parts {
            self.all.0.extend(part.lines);
            self.all.1.extend(part.held);
            self.parts = self.parts.saturating_add(1);
        }
    }

    /// The whole note.
    ///
    /// # Errors
    /// When a part is missing, or the whole has another hash.
    pub fn close(&mut self, closed: OrderInParts) -> Result<OrderNote, NotWhole> {
        let read = std::mem::take(self);
        let mut note = closed.note;
        (note.lines, note.held) = read.all;
        let whole = read.parts == closed.parts
            && number(note.lines.len()) == closed.lines
            && number(note.held.len()) == closed.held
            && note.hash() == closed.hash;
        match whole {
            true => Ok(note),
            false => Err(NotWhole {
                what: "payment order",
                number: note.order,
                found: note.lines.len(),
                expected: closed.lines,
                hash: closed.hash,
            }),
        }
    }
}

impl<T: Default> Open<T> {
    fn begin(&mut self, part: u32, hash: &str) {
        if part == 0 || self.hash != hash {
            *self = Open {
                hash: hash.to_owned(),
                parts: 0,
                all: T::default(),
            };
        }
    }
}

/// The bytes of a value as the journal has them.
#[must_use]
pub fn json_bytes<T: Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

/// The values in order, so many together as [`PART_BYTES`] hold.
fn chunks<T: Serialize>(values: Vec<T>) -> Vec<Vec<T>> {
    let mut parts: Vec<Vec<T>> = Vec::new();
    let mut bytes = PART_BYTES;
    for value in values {
        let of_it = json_bytes(&value).saturating_add(1);
        if bytes.saturating_add(of_it) > PART_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(of_it);
        if let Some(part) = parts.last_mut() {
            part.push(value);
        }
    }
    parts
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Decision, What};

    fn check(what: What, golden: &str) {
        let decision = Decision {
            at_ms: 1_384_600_000_000,
            by: "treasurer".into(),
            what,
        };
        let record = decision.to_record();
        let golden = format!(r#"{{"at_ms":1384600000000,"by":"treasurer","what":{golden}}}"#);
        assert_eq!(std::str::from_utf8(&record[2..]).unwrap(), golden);
        assert_eq!(Decision::from_record(&record).unwrap(), decision);
    }

    fn run(lines: u32) -> RunNote {
        let line = |member| RunLine {
            member,
            class: "ordinary".into(),
            pence: 750,
            basis: "250 shares 2013-01-01 to 2013-12-31 (365 days)".into(),
        };
        let lines: Vec<RunLine> = (1..=lines).map(line).collect();
        RunNote {
            number: 1,
            from: "2013-01-01".into(),
            to: "2013-12-31".into(),
            mode: "rate".into(),
            declared_pence: 0,
            classes: Vec::new(),
            published: Vec::new(),
            remainder_rule: String::new(),
            journal_size: 7,
            total_pence: lines.iter().map(|line| line.pence).sum(),
            lines,
            adjustments: Vec::new(),
            replaces: None,
            sample: false,
        }
    }

    fn order(lines: u32) -> OrderNote {
        let line = |member| OrderLine {
            member,
            way: "bank".into(),
            gross_pence: 750,
            tax_pence: 0,
            pence: 750,
            parts: vec![("ordinary".into(), 750)],
            bank: Some("ab".into()),
            reference: format!("INTEREST 1-{member}"),
            shares: 0,
            carried_pence: 0,
        };
        OrderNote {
            order: 1,
            run: 1,
            run_hash: "00ff".into(),
            profile: "by-hand".into(),
            profile_text: String::new(),
            made_ms: 5,
            on: "2014-04-01".into(),
            lines: (1..=lines).map(line).collect(),
            held: vec![OrderHeld {
                member: lines + 1,
                pence: 5,
                why: "there are no bank details".into(),
            }],
            count: lines,
            control_pence: 750 * i64::from(lines),
            file_sha256: "cd".into(),
            sample: false,
        }
    }

    #[test]
    fn parts_and_what_closes_them_keep_their_golden_bytes() {
        let (parts, closed) = run(1).in_parts();
        let hash = run(1).hash();
        check(
            What::RunLines(Box::new(parts[0].clone())),
            &format!(
                r#"{{"type":"run-lines/1","body":{{"number":1,"hash":"{hash}","part":0,"lines":[{{"member":1,"class":"ordinary","pence":750,"basis":"250 shares 2013-01-01 to 2013-12-31 (365 days)"}}]}}}}"#
            ),
        );
        let note = r#"{"number":1,"from":"2013-01-01","to":"2013-12-31","mode":"rate","declared_pence":0,"classes":[],"journal_size":7,"lines":[],"total_pence":750}"#;
        let body = format!(r#"{{"note":{note},"hash":"{hash}","parts":1,"lines":1}}"#);
        check(
            What::RunPreparedInParts(Box::new(closed.clone())),
            &format!(r#"{{"type":"run-prepared/2","body":{body}}}"#),
        );
        check(
            What::RunFrozenInParts(Box::new(closed)),
            &format!(r#"{{"type":"run-frozen/2","body":{body}}}"#),
        );
        let (parts, closed) = order(1).in_parts();
        let hash = order(1).hash();
        check(
            What::OrderLines(Box::new(parts[0].clone())),
            &format!(
                r#"{{"type":"order-lines/1","body":{{"order":1,"hash":"{hash}","part":0,"lines":[{{"member":1,"way":"bank","gross_pence":750,"pence":750,"parts":[["ordinary",750]],"bank":"ab","reference":"INTEREST 1-1"}}]}}}}"#
            ),
        );
        check(
            What::OrderLines(Box::new(parts[1].clone())),
            &format!(
                r#"{{"type":"order-lines/1","body":{{"order":1,"hash":"{hash}","part":1,"held":[{{"member":2,"pence":5,"why":"there are no bank details"}}]}}}}"#
            ),
        );
        check(
            What::OrderPreparedInParts(Box::new(closed)),
            &format!(
                r#"{{"type":"order-prepared/2","body":{{"note":{{"order":1,"run":1,"run_hash":"00ff","profile":"by-hand","profile_text":"","made_ms":5,"on":"2014-04-01","lines":[],"count":1,"control_pence":750,"file_sha256":"cd"}},"hash":"{hash}","parts":2,"lines":1,"held":1}}}}"#
            ),
        );
    }

    #[test]
    fn parts_make_the_note_again_to_the_byte() {
        let note = run(20_000);
        let (parts, closed) = note.clone().in_parts();
        assert!(parts.len() > 2, "{} parts", parts.len());
        assert!(parts.iter().all(|part| json_bytes(part) < 1 << 20));
        let mut open = Open::<Vec<RunLine>>::default();
        for part in parts {
            open.take(part);
        }
        let again = open.close(closed).unwrap();
        assert_eq!(again, note);
        assert_eq!(again.hash(), note.hash());

        let note = order(20_000);
        let (parts, closed) = note.clone().in_parts();
        assert!(parts.iter().all(|part| json_bytes(part) < 1 << 20));
        let mut open = Open::<(Vec<OrderLine>, Vec<OrderHeld>)>::default();
        for part in parts {
            open.take(part);
        }
        assert_eq!(open.close(closed).unwrap(), note);
    }

    #[test]
    fn parts_that_were_never_closed_mean_nothing() {
        let mut stopped = run(20_000);
        stopped.journal_size = 6;
        let (left, _) = stopped.in_parts();
        let note = run(20_000);
        let (parts, closed) = note.clone().in_parts();
        let mut open = Open::<Vec<RunLine>>::default();
        for part in left.into_iter().take(2).chain(parts) {
            open.take(part);
        }
        assert_eq!(open.close(closed).unwrap(), note);
    }

    #[test]
    fn a_missing_or_changed_part_is_told_of() {
        let (mut parts, closed) = run(20_000).in_parts();
        let mut open = Open::<Vec<RunLine>>::default();
        for part in parts.iter().skip(1).cloned() {
            open.take(part);
        }
        assert!(open.close(closed.clone()).is_err());
        parts[1].lines[0].pence += 1;
        for part in parts {
            open.take(part);
        }
        assert!(open.close(closed).is_err());
    }
}
