//! Pauses between tries, doubled each time and cut by chance so that many gateways do not return at
//! the same moment.

use std::time::Duration;

/// The pauses of one uplink.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first_ms: u64,
    most_ms: u64,
    next_ms: u64,
}

impl Backoff {
    /// Pauses from `first_ms` to `most_ms`.
    pub fn new(first_ms: u64, most_ms: u64) -> Self {
        let first_ms = first_ms.max(1);
        Backoff {
            first_ms,
            most_ms: most_ms.max(first_ms),
            next_ms: first_ms,
        }
    }

    /// The next pause: a random time between a half and the whole of the current bound.
    pub fn next_pause(&mut self) -> Duration {
        let bound_ms = self.next_ms;
        self.next_ms = bound_ms.saturating_mul(2).min(self.most_ms);
        Duration::from_millis(bound_ms - random_below(bound_ms / 2 + 1))
    }

    /// It works: start from the first pause again.
    pub fn reset(&mut self) {
        self.next_ms = self.first_ms;
    }
}

/// A number from 0 to below `bound`, 0 for 0. Only for spreading load: it is not fair to the last
/// bit, and where the machine has no randomness it is 0.
pub fn random_below(bound: u64) -> u64 {
    getrandom::u64()
        .ok()
        .and_then(|drawn| drawn.checked_rem(bound))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_bound_and_start_again_after_success() {
        let mut backoff = Backoff::new(100, 1_000);
        for bound in [100, 200, 400, 800, 1_000, 1_000] {
            let pause = backoff.next_pause().as_millis();
            assert!((bound / 2..=bound).contains(&pause), "{pause} of {bound}");
        }
        backoff.reset();
        assert!(backoff.next_pause().as_millis() <= 100);
    }
}
