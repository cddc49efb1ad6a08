//! Guessing is slowed, and the owner is not locked out: each wrong try of a name costs the next one
//! a wait that doubles, up to a limit at which a guesser gets fewer than a hundred tries an hour. A
//! right one forgets them.

use std::collections::BTreeMap;

/// Wrong tries of an account before there is a wait.
pub const FREE_OF_ACCOUNT: u32 = 4;
/// Wrong tries from one address, behind which a whole hall may sit, before there is a wait.
pub const FREE_OF_ADDRESS: u32 = 30;
/// After so long without a wrong try, ms, those before are forgotten.
const FORGOTTEN_MS: i64 = 3_600_000;
/// The first wait, ms.
const FIRST_MS: i64 = 1_000;
/// The longest wait, ms: 64 s leaves 56 tries an hour.
const LONGEST_MS: i64 = 64_000;
/// Names remembered; the one silent for longest is forgotten first.
pub const MOST_NAMES: usize = 10_000;

/// Wrong tries by name (an account, or an address).
#[derive(Debug)]
pub struct Guesses {
    free: u32,
    names: BTreeMap<String, Tries>,
}

/// What is known of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Wrong tries in a row.
    pub wrong: u32,
    /// When the last one was, ms UTC.
    pub last_ms: i64,
}

impl Guesses {
    /// Nobody has tried; `free` wrong tries of a name cost nothing.
    #[must_use]
    pub fn new(free: u32) -> Guesses {
        Guesses {
            free,
            names: BTreeMap::new(),
        }
    }

    /// Takes what was kept.
    pub fn remember(&mut self, name: &str, tries: Tries) {
        self.names.insert(name.to_owned(), tries);
    }

    /// How long this name has to wait before it is listened to, ms; 0 is not at all.
    #[must_use]
    pub fn wait_ms(&self, name: &str, now_ms: i64) -> i64 {
        let Some(tries) = self.names.get(name) else {
            return 0;
        };
        let Some(over) = tries.wrong.checked_sub(self.free) else {
            return 0;
        };
        if now_ms.saturating_sub(tries.last_ms) >= FORGOTTEN_MS {
            return 0;
        }
        let wait = FIRST_MS
            .saturating_mul(1_i64 << over.min(16))
            .min(LONGEST_MS);
        // A clock that jumps back must not lock anybody out for longer than the wait.
        let waited = now_ms.saturating_sub(tries.last_ms).max(0);
        wait.saturating_sub(waited).max(0)
    }

    /// A try failed: what is known of the name from now on.
    pub fn wrong(&mut self, name: &str, now_ms: i64) -> Tries {
        if self.names.len() >= MOST_NAMES && !self.names.contains_key(name) {
            let oldest = self.names.iter().min_by_key(|(_, tries)| tries.last_ms);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.names.remove(&oldest);
            }
        }
        let tries = self.names.entry(name.to_owned()).or_insert(Tries {
            wrong: 0,
            last_ms: now_ms,
        });
        if now_ms.saturating_sub(tries.last_ms) >= FORGOTTEN_MS {
            tries.wrong = 0;
        }
        tries.wrong = tries.wrong.saturating_add(1);
        tries.last_ms = now_ms;
        *tries
    }

    /// One try that was counted was none: what is known of the name from now on.
    pub fn uncount(&mut self, name: &str) -> Option<Tries> {
        let tries = self.names.get_mut(name)?;
        tries.wrong = tries.wrong.saturating_sub(1);
        Some(*tries)
    }

    /// A try succeeded.
    pub fn right(&mut self, name: &str) {
        self.names.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_guesses_become_fewer_than_a_hundred_an_hour() {
        let mut guesses = Guesses::new(FREE_OF_ACCOUNT);
        let (mut heard, mut now) = (0, 0);
        while now < 3_600_000 {
            if guesses.wait_ms("treasurer", now) == 0 {
                guesses.wrong("treasurer", now);
                heard += 1;
            }
            now += 360; // 10,000 an hour
        }
        assert!((50..100).contains(&heard), "{heard}");
        assert_eq!(
            guesses.wait_ms("secretary", now),
            0,
            "another name waits for nothing"
        );
        assert_eq!(
            guesses.wait_ms("treasurer", now + LONGEST_MS),
            0,
            "the owner gets in"
        );
        guesses.right("treasurer");
        assert_eq!(guesses.wait_ms("treasurer", now), 0);
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let mut guesses = Guesses::new(FREE_OF_ACCOUNT);
        for _ in 0..20 {
            guesses.wrong("treasurer", 1_000_000_000);
        }
        assert!(guesses.wait_ms("treasurer", 0) <= LONGEST_MS);
    }

    #[test]
    fn an_hour_of_silence_forgets() {
        let mut guesses = Guesses::new(FREE_OF_ACCOUNT);
        for _ in 0..20 {
            guesses.wrong("treasurer", 0);
        }
        assert_eq!(guesses.wait_ms("treasurer", FORGOTTEN_MS), 0);
        assert_eq!(guesses.wrong("treasurer", FORGOTTEN_MS).wrong, 1);
    }

    #[test]
    fn memory_is_bounded_by_names() {
        let mut guesses = Guesses::new(FREE_OF_ACCOUNT);
        for n in 0..(MOST_NAMES as i64 + 20) {
            guesses.wrong(&n.to_string(), n);
        }
        assert_eq!(guesses.names.len(), MOST_NAMES);
        assert!(
            guesses
                .names
                .contains_key(&(MOST_NAMES as i64 + 19).to_string())
        );
    }
}
