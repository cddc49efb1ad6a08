//! What arrived and does not count: messages that could not be decoded, that are not believed, reads
//! of registers that nobody has entered. The journal has them all; it is read backwards over a span
//! of time, a day at once, so that the newest come first and a page costs what it shows.

use std::collections::BTreeMap;

use domain::{calendar::Instant, calendar::Span, metering::Obis};
use journal::Record;
use records::{
    Decoded, KIND_IMPORT, KIND_MESSAGE, decoded::UnplacedRead, import::ImportHeader,
    message::Arrived,
};

use super::{
    answer::{Answer, OrOurs, refuse},
    projector::{decode, directory_of},
    society::SocietyOffice,
};

/// Bytes of a payload that are shown.
const SHOWN_BYTES: usize = 80;

/// Which messages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which {
    /// Those that could not be decoded.
    pub undecodable: bool,
    /// Those with reads of registers that are not in the society file.
    pub unplaced: bool,
    /// Those that are kept and not believed: a wrong signature, an unknown or revoked key, a gateway
    /// that is not the meter's, a meter that is not well.
    pub disbelieved: bool,
}

/// A part of the list, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Records of the journal older than this one; from the newest on when there is none.
    pub before: Option<u64>,
    /// About so many: what one record says is never torn apart.
    pub limit: usize,
}

/// Stretches of the journal that are read at once, ms.
const STRETCH_MS: i64 = 86_400_000;

/// A message, or a record of a file's lines, of which something does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayMessage {
    /// The journal record that has it.
    pub record: u64,
    /// When it reached us.
    pub received: Instant,
    /// Its gateway; none for a file.
    pub gateway: Option<String>,
    /// The topic it came on, or the file's name.
    pub topic: String,
    /// Why it does not count.
    pub trouble: Trouble,
    /// Length of the payload, bytes.
    pub bytes: u64,
    /// How the payload begins; what is not printable ASCII is escaped.
    pub begins: String,
}

/// Why it does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It cannot be decoded, and why.
    Undecodable(String),
    /// It is not believed, or some of its reads do not count, and why.
    Disbelieved(String),
    /// Its reads of a register that is not in the society file.
    Unplaced {
        /// Meter serial, as the sender writes it.
        meter: String,
        /// The register.
        register: Obis,
        /// How many.
        reads: u64,
    },
}

impl Trouble {
    /// The word for JSON and tables.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Trouble::Undecodable(_) => "undecodable",
            Trouble::Disbelieved(_) => "disbelieved",
            Trouble::Unplaced { .. } => "unplaced",
        }
    }

    /// Why, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Trouble::Undecodable(why) | Trouble::Disbelieved(why) => why.clone(),
            Trouble::Unplaced {
                meter,
                register,
                reads,
            } => format!(
                "meter `{meter}` with register `{register}` is not in the society file ({reads} {})",
                if *reads == 1 { "read" } else { "reads" }
            ),
        }
    }
}

impl SocietyOffice {
    /// What arrived in a span and does not count as the society file stands now, newest first: one
    /// page, and the record before which the next one begins.
    ///
    /// # Errors
    /// When the span is empty or a record is damaged.
    pub fn stray_messages(
        &self,
        span: Span,
        which: Which,
        page: Page,
    ) -> Answer<(Vec<StrayMessage>, Option<u64>)> {
        if span.start >= span.end {
            return refuse("the span of time is empty");
        }
        let known = self.known();
        let directory = directory_of(&known);
        let mut found: Vec<StrayMessage> = Vec::new();
        let mut end = span.end.0;
        while end > span.start.0 {
            let start = end.saturating_sub(STRETCH_MS).max(span.start.0);
            let mut of_stretch = Vec::new();
            for batch in self.committer().reader().between(start, end) {
                let batch = batch.or_ours("the society's journal")?;
                for record in batch.iter() {
                    let is_in_page = page.before.is_none_or(|before| record.index < before);
                    let kind = record.bytes.first();
                    if !is_in_page || !matches!(kind, Some(&KIND_MESSAGE | &KIND_IMPORT)) {
                        continue;
                    }
                    let mut decoded = Decoded::default();
                    decode(record.bytes, &directory, &known, &mut decoded)?;
                    let troubles = troubles(&decoded, which);
                    if !troubles.is_empty() {
                        of_stretch.push(strays(&record, troubles)?);
                    }
                }
            }
            for of_record in of_stretch.into_iter().rev() {
                // Groups at the edge of two stretches may be read twice.
                let last = found.last().map(|stray| stray.record);
                let is_new = of_record
                    .first()
                    .is_some_and(|stray| last.is_none_or(|last| stray.record < last));
                if !is_new {
                    continue;
                }
                if found.len() >= page.limit {
                    return Ok((found, last));
                }
                found.extend(of_record);
            }
            end = start;
        }
        Ok((found, None))
    }
}

fn troubles(decoded: &Decoded, which: Which) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if which.undecodable {
        let undecodable = decoded.undecodable.iter();
        troubles
            .extend(undecodable.map(|message| Trouble::Undecodable(message.reason.to_string())));
    }
    if which.disbelieved {
        let doubts = decoded.doubts.iter();
        troubles.extend(doubts.map(|doubt| Trouble::Disbelieved(doubt.reason.to_string())));
    }
    if which.unplaced {
        let mut registers: BTreeMap<(&str, Obis), u64> = BTreeMap::new();
        for UnplacedRead {
            meter, register, ..
        } in &decoded.unplaced
        {
            *registers.entry((meter, *register)).or_default() += 1;
        }
        troubles.extend(registers.into_iter().map(|((meter, register), reads)| {
            Trouble::Unplaced {
                meter: meter.to_owned(),
                register,
                reads,
            }
        }));
    }
    troubles
}

fn strays(record: &Record<'_>, troubles: Vec<Trouble>) -> Answer<Vec<StrayMessage>> {
    let stray = |gateway: Option<&str>, topic: &str, received: Instant, payload: &[u8]| {
        let shown = payload.get(..payload.len().min(SHOWN_BYTES));
        StrayMessage {
            record: record.index,
            received,
            gateway: gateway.map(str::to_owned),
            topic: topic.to_owned(),
            trouble: Trouble::Undecodable(String::new()),
            bytes: payload.len() as u64,
            begins: printable(shown.unwrap_or_default()),
        }
    };
    let one = if record.bytes.first() == Some(&KIND_IMPORT) {
        let (header, _) =
            ImportHeader::from_record(record.bytes).or_ours("imported lines of the journal")?;
        // The header says its own length in the record's bytes 2 to 5.
        let length = record.bytes.get(2..6).and_then(|four| four.try_into().ok());
        let lines = length.map_or(0, |four| 6 + u32::from_le_bytes(four) as usize);
        let lines = record.bytes.get(lines..).unwrap_or_default();
        stray(None, &header.file, Instant(header.received_ms), lines)
    } else {
        let arrived = Arrived::decode(record.bytes).or_ours("a message of the journal")?;
        let message = arrived.message();
        stray(
            Some(message.gateway),
            &arrived.topic(),
            message.received,
            message.payload,
        )
    };
    Ok(troubles
        .into_iter()
        .map(|trouble| StrayMessage {
            trouble,
            ..one.clone()
        })
        .collect())
}

/// The bytes as text; what is not printable ASCII is escaped.
fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text.extend(other.escape_ascii().map(char::from)),
        }
    }
    text
}
