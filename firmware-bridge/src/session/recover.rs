//! What a session finds on the disk at its start: notes, what receipts had named of them, damage.

use bytes::Bytes;
use std::collections::BTreeMap;

use super::{NoteId, Session, note};
use crate::backlog::{Backlog, BacklogError, Found, Placed};

impl<B: Backlog> Session<B> {
    pub(super) fn recover(&mut self) -> Result<(), BacklogError> {
        let mut named = BTreeMap::new();
        while let Some(found) = self.backlog.scan()? {
            for what in found {
                match what {
                    Found::Note {
                        id,
                        placed,
                        payload,
                    } => self.found_note(id, placed, &payload),
                    Found::Named { boot, upto } => {
                        named.insert(boot, upto);
                    }
                    Found::Damage { group, bytes } => {
                        self.standing.damaged_bytes += bytes;
                        tracing::warn!(group, bytes, "backlog has bytes that cannot be read");
                    }
                }
            }
        }
        for (boot, upto) in named {
            let id = |seq| NoteId { boot, seq };
            let done: Vec<NoteId> = self.unreceipted.range(id(0)..=id(upto)).copied().collect();
            for id in done {
                self.unreceipted.remove(&id);
                self.ring.insert(id);
                self.count_in_group(id, |group| group.unreceipted -= 1);
            }
        }
        Ok(())
    }

    fn found_note(&mut self, id: NoteId, placed: Placed, payload: &Bytes) {
        match note::open(payload) {
            Ok(contents) => {
                self.prev = self.form.link(payload);
                self.enter(id, contents.reads.len());
                self.settle(id, placed);
                for read in &contents.reads {
                    self.remember_last(read, id);
                }
            }
            Err(_) => self.standing.damaged_bytes += placed.bytes,
        }
    }
}
