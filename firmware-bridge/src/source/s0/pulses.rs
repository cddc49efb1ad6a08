//! Pulses out of the level of a contact, and what they are worth.
//!
//! An S0 output (EN 62053-31) is a contact that closes for at least 30 ms a pulse and stays open
//! for at least 30 ms after it. Contacts bounce. A pulse counts when the contact was open for the
//! debounce time and then closed for it; what is shorter is neither.

/// Counts pulses from the edges of one contact. Times are microseconds of a clock that never goes
/// back.
#[derive(Clone, Debug)]
pub struct Debounce {
    settle_us: u64,
    /// The level that counts, and the one that was seen last with the time since when.
    closed: bool,
    seen: bool,
    since_us: u64,
    pulses: u64,
}

impl Debounce {
    /// A contact that is open at `at_us`.
    pub fn new(settle_us: u64, at_us: u64) -> Self {
        Debounce {
            settle_us,
            closed: false,
            seen: false,
            since_us: at_us,
            pulses: 0,
        }
    }

    /// The contact closed or opened. An edge before the last one is taken as at the same time.
    pub fn edge(&mut self, closed: bool, at_us: u64) {
        self.settle(at_us);
        if closed != self.seen {
            self.seen = closed;
            self.since_us = at_us.max(self.since_us);
        }
    }

    /// Time has gone on without an edge.
    pub fn settle(&mut self, at_us: u64) {
        if self.seen != self.closed && at_us.saturating_sub(self.since_us) >= self.settle_us {
            self.closed = self.seen;
            self.pulses += u64::from(self.closed);
        }
    }

    /// Pulses since the start.
    pub fn pulses(&self) -> u64 {
        self.pulses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(edges: &[(u64, bool)], end_ms: u64) -> u64 {
        let mut contact = Debounce::new(20_000, 0);
        for (ms, closed) in edges {
            contact.edge(*closed, ms * 1000);
        }
        contact.settle(end_ms * 1000);
        contact.pulses()
    }

    #[test]
    fn a_pulse_that_bounces_at_both_ends_is_one() {
        let edges = [
            (100, true),
            (101, false),
            (103, true),
            (104, false),
            (105, true),
            (145, false),
            (146, true),
            (148, false),
        ];
        assert_eq!(counted(&edges, 200), 1);
    }

    #[test]
    fn a_spark_is_no_pulse_and_a_pulse_that_lasts_counts_once() {
        assert_eq!(counted(&[(100, true), (119, false)], 500), 0);
        assert_eq!(counted(&[(100, true)], 119), 0);
        assert_eq!(counted(&[(100, true)], 120), 1);
        assert_eq!(counted(&[(100, true)], 90_000), 1);
        // Open for less than the debounce time: still the same pulse.
        assert_eq!(counted(&[(100, true), (150, false), (160, true)], 500), 1);
    }

    #[test]
    fn ten_pulses_a_second_are_all_counted() {
        let edges: Vec<(u64, bool)> = (0..600)
            .flat_map(|n| [(n * 100 + 50, true), (n * 100 + 90, false)])
            .collect();
        assert_eq!(counted(&edges, 60_000), 600);
    }
}
