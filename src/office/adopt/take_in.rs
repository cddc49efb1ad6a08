//! What the inbox holds of a device that was entered goes into the journal, as it came.

use domain::calendar::Instant;
use journal::{Entry, Records};
use records::{
    Decoded,
    decode::{self, Dialect},
    message::ReadMessage,
    proof::Proof,
};

use crate::{
    Office,
    answer::{Answer, OrOurs, Refusal},
    society::{SocietyOffice, stopped},
};

/// Messages of one journal entry when an inbox is taken in.
const ENTRY_MESSAGES: usize = 500;

impl Office {
    /// Journals what the inbox holds of a gateway entry, and empties it there.
    pub(super) fn take_in(
        &self,
        society: &SocietyOffice,
        gateway: &str,
        filter: &str,
        now: Instant,
    ) -> Answer<(u64, usize, usize)> {
        let known = society.known();
        let Some(device) = known.devices.of_gateway(gateway) else {
            return Err(Refusal::Ours(
                "the mapping just applied is not there".to_owned(),
            ));
        };
        let mapping = device.reader.mapping();
        let waiting = self.inbox.waiting(filter, |topic| mapping.knows(topic))?;
        let directory = crate::projector::directory_of(&known);
        let id = std::sync::Arc::from(gateway);
        let (mut placed, mut unplaced) = (0, 0);
        for messages in waiting.chunks(ENTRY_MESSAGES) {
            let mut records = Records::default();
            let mut decoded = Decoded::default();
            for (message, number) in messages.iter().zip(0_u32..) {
                let from = decode::From {
                    gateway: &id,
                    received: message.received,
                    record: number,
                };
                let record = ReadMessage {
                    received: message.received,
                    door: message.door,
                    qos: 0,
                    retained: message.retained,
                    will: false,
                    undecodable: false,
                    proof: Proof::Unsigned,
                    gateway,
                    topic: &message.topic,
                    mapping: Some(&device.hash),
                    payload: &message.payload,
                };
                let said = Dialect {
                    device,
                    topic: &message.topic,
                    payload: &message.payload,
                    stale: record.is_stale(),
                };
                let brought = decode::device(from, said, &directory, &mut decoded);
                let record = ReadMessage {
                    undecodable: brought.undecodable,
                    ..record
                };
                let mut bytes = Vec::new();
                record
                    .encode(&mut bytes)
                    .or_ours("a message of the inbox")?;
                records.push(&bytes);
            }
            placed += decoded.placed.len();
            unplaced += decoded.unplaced.len();
            let entry = Entry {
                records,
                time_ms: now.0,
                count: 0,
                ack: None,
                along: decoded,
            };
            society.committer().append(entry).map_err(stopped)?;
        }
        self.inbox.forget(filter)?;
        Ok((waiting.len() as u64, placed, unplaced))
    }
}
