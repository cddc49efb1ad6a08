//! How long to wait before the next connection attempt: doubling with jitter.

use std::time::Duration;

const FIRST_MS: u64 = 250;
const LONGEST_MS: u64 = 60_000;

/// Waits of 0.25 s, 0.5 s, … 60 s, each shortened by up to half at random.
#[derive(Debug)]
pub(super) struct Backoff {
    next_ms: u64,
    random: u64,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Backoff {
        Backoff {
            next_ms: FIRST_MS,
            random: seed ^ 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// The connection works: start over.
    pub(super) fn reset(&mut self) {
        self.next_ms = FIRST_MS;
    }

    pub(super) fn next(&mut self) -> Duration {
        let whole = self.next_ms;
        self.next_ms = (whole * 2).min(LONGEST_MS);
        // xorshift64; only spreads reconnects.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        Duration::from_millis(whole - self.random % (whole / 2 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_differ_between_daemons() {
        let waits = |seed| -> Vec<u128> {
            let mut backoff = Backoff::new(seed);
            (0..20).map(|_| backoff.next().as_millis()).collect()
        };
        for (wait, whole) in waits(1)
            .into_iter()
            .zip((0..20).map(|n| (250_u128 << n).min(60_000)))
        {
            assert!(wait <= whole && wait >= whole / 2, "{wait} of {whole}");
        }
        assert_ne!(waits(1), waits(2));
    }
}
