//! Messages above a gateway's bytes a day: counted and hashed instead of kept.
//!
//! Every few seconds what has gathered becomes one digest record; the messages it stands for are
//! acknowledged when that record is on disk, so a flood slows itself down. They are not named in the
//! receipt: a bridge keeps them and sends them again on another day.

use std::sync::Arc;

use domain::calendar::Instant;
use sha2::{Digest as _, Sha256};

use crate::lane::Tally;

/// What has gathered of one gateway since its last digest.
#[derive(Debug, Default)]
pub(crate) struct Excess {
    pub first: Instant,
    pub last: Instant,
    pub count: u64,
    pub bytes: u64,
    pub hash: [u8; 32],
    pub waiting: Vec<(Arc<Tally>, u32)>,
}

impl Excess {
    /// Adds one message, for which the connection waits `owed` times (0 for QoS 0).
    pub(crate) fn add(&mut self, payload: &[u8], received: Instant, tally: &Arc<Tally>, owed: u32) {
        if self.count == 0 {
            self.first = received;
        }
        self.last = received;
        self.count += 1;
        self.bytes = self.bytes.saturating_add(payload.len() as u64);
        self.hash = Sha256::new()
            .chain_update(self.hash)
            .chain_update(
                u32::try_from(payload.len())
                    .unwrap_or(u32::MAX)
                    .to_le_bytes(),
            )
            .chain_update(payload)
            .finalize()
            .into();
        match self.waiting.last_mut() {
            Some((known, messages)) if Arc::ptr_eq(known, tally) => *messages += owed,
            _ if owed > 0 => self.waiting.push((Arc::clone(tally), owed)),
            _ => {}
        }
    }
}
