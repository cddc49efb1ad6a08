//! Counters of a device that forgets them, made into a register that does not.
//!
//! The lines have no check sum and the counters start anew when the device does. Two rules make
//! registers of them:
//!
//! *Borne out.* A counter counts when the line after it bears it out: the message count is one
//! higher, and the counter is the same or higher by no more than the ceiling's energy. The value
//! is then that of the first line: what a lost digit or a flipped bit made of it would not lie
//! between the value before and the value after.
//!
//! *Restarts.* With [`Counters::StartAtZero`] a message count that is lower than the last one says
//! that the device restarted: what its counter showed last is added to the base, and counting goes
//! on from what it shows now, which must be what the ceiling can have made in so many messages. A
//! counter that fell while the message count went on is refused, unless this gateway itself was
//! away. With [`Counters::Kept`] (the device saves its counters itself, a little late) a counter
//! below the last one is refused until it has caught up. What the inputs did between the last line
//! and the restart is not known and not made up.

use serde::{Deserialize, Serialize};

use crate::source::text::{MAX_WH, Unreadable};

/// What the device does with its counters when it restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counters {
    /// emonTx V3 and older, emonPi: from 0.
    StartAtZero,
    /// emonTx4, emonPi2: from what was saved last.
    Kept,
}

/// What has to be kept of a register over a restart of the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// What earlier lives of the counter add up to.
    pub base_wh: u64,
    /// What the counter showed last.
    pub last_wh: u64,
    /// The message count it came with.
    pub message: u64,
}

impl Base {
    /// What the register shows.
    pub fn register_wh(self) -> u64 {
        self.base_wh + self.last_wh
    }
}

/// One counter with what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The counter, in Wh.
    pub wh: u64,
    /// The message count of its line.
    pub message: u64,
    /// What the ceiling makes in one message's time, in Wh, rounded up.
    pub most_per_message_wh: u64,
}

/// Carries a register on by a counter that was borne out. `away` says that the gateway was not
/// listening since the last one.
///
/// # Errors
/// [`Unreadable`] when the counter cannot be what follows; the base stays as it was.
pub fn carried_on(
    last: Option<Base>,
    seen: Seen,
    counters: Counters,
    away: bool,
) -> Result<Base, Unreadable> {
    let Some(last) = last else {
        return Ok(Base {
            base_wh: 0,
            last_wh: seen.wh,
            message: seen.message,
        });
    };
    let restarted = seen.message < last.message;
    let fell = seen.wh < last.last_wh;
    let base_wh = match counters {
        Counters::Kept if fell => {
            return Err(Unreadable::new(
                format!("a counter of {} Wh after {} Wh", seen.wh, last.last_wh),
                "one that has caught up; the device saves its counters late",
            ));
        }
        Counters::Kept => last.base_wh,
        Counters::StartAtZero if restarted || (fell && away) => {
            let most = seen
                .most_per_message_wh
                .saturating_mul(seen.message.saturating_add(1));
            if seen.wh > most {
                return Err(Unreadable::new(
                    format!(
                        "a counter of {} Wh, {} messages after a restart",
                        seen.wh, seen.message
                    ),
                    "one that began at 0 (else `counters = \"kept\"`)",
                ));
            }
            last.base_wh + last.last_wh
        }
        Counters::StartAtZero if fell => {
            return Err(Unreadable::new(
                format!("a counter of {} Wh after {} Wh", seen.wh, last.last_wh),
                "one that rises, or a message count that starts anew",
            ));
        }
        Counters::StartAtZero => last.base_wh,
    };
    let next = Base {
        base_wh,
        last_wh: seen.wh,
        message: seen.message,
    };
    if next.register_wh() > MAX_WH {
        return Err(Unreadable::new(
            "a register above 2⁵³ Wh",
            "one that a meter has",
        ));
    }
    Ok(next)
}

/// Is a counter borne out by that of the line after it?
pub fn borne_out(first: Seen, second: Seen) -> bool {
    let rise = second.wh.checked_sub(first.wh);
    first.message.checked_add(1) == Some(second.message)
        && rise.is_some_and(|wh| wh <= first.most_per_message_wh)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Lines of `message counter`, and after a blank what the register shows or why not.
    fn check(counters: Counters, table: &str) {
        let mut base = None;
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (left, expected) = line.split_once("=>").unwrap();
            let mut words = left.split_whitespace();
            let mut number = || words.next().unwrap().parse().unwrap();
            let seen = Seen {
                message: number(),
                wh: number(),
                most_per_message_wh: 30,
            };
            let away = words.next() == Some("away");
            let shown = match carried_on(base, seen, counters, away) {
                Ok(next) => {
                    base = Some(next);
                    next.register_wh().to_string()
                }
                Err(why) => why.expected.to_owned(),
            };
            assert!(shown.starts_with(expected.trim()), "{line}: {shown}");
        }
    }

    #[test]
    fn a_device_that_starts_at_zero_is_carried_over_its_restarts() {
        check(
            Counters::StartAtZero,
            "100 5000 => 5000
             106 5090 => 5090
             112 5090 => 5090
             3 12     => 5102
             9 100    => 5190
             9 99     => one that rises
             12 4     => one that rises
             15 160   => 5250
             2 400    => one that began at 0
             1 0      => 5250
             500 2 away => 5252
             700 1 away => 5253",
        );
    }

    #[test]
    fn a_device_that_keeps_its_counters_is_waited_for() {
        check(
            Counters::Kept,
            "100 5000 => 5000
             2 4800   => one that has caught up
             30 4999  => one that has caught up
             40 5000  => 5000
             46 5040  => 5040",
        );
    }

    #[test]
    fn a_counter_without_its_successor_does_not_count() {
        let seen = |message, wh| Seen {
            wh,
            message,
            most_per_message_wh: 30,
        };
        assert!(borne_out(seen(7, 100), seen(8, 100)));
        assert!(borne_out(seen(7, 100), seen(8, 130)));
        assert!(!borne_out(seen(7, 100), seen(8, 131)));
        assert!(!borne_out(seen(7, 100), seen(8, 99)));
        assert!(!borne_out(seen(7, 100), seen(9, 100)), "a line was lost");
        assert!(!borne_out(seen(7, 100), seen(0, 0)), "a restart");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// A device that counts and restarts as it likes, read now and then: the register is what
        /// was seen of each of its lives, and never falls.
        #[test]
        fn a_register_is_the_sum_of_what_was_seen_of_each_life(
            steps in proptest::collection::vec((0_u64..30, 0_u8..10, proptest::bool::ANY), 1..200),
        ) {
            let (mut message, mut wh) = (0, 0);
            let (mut base, mut earlier, mut seen_last, mut shown): (Option<Base>, _, _, _) = (None, 0, 0, 0);
            let mut restarted = false;
            for (rise, chance, read) in steps {
                if chance == 0 {
                    (message, wh, restarted) = (0, 0, true);
                } else {
                    (message, wh) = (message + 1, wh + rise);
                }
                let told = base.is_none_or(|base| message < base.message);
                // A restart after which more messages came than before it is not told by the count.
                if !read || (restarted && !told) {
                    continue;
                }
                let seen = Seen { wh, message, most_per_message_wh: 30 };
                if restarted && base.is_some() {
                    earlier += seen_last;
                }
                restarted = false;
                let next = carried_on(base, seen, Counters::StartAtZero, false).unwrap();
                prop_assert!(next.register_wh() >= shown);
                prop_assert_eq!(next.register_wh(), earlier + wh);
                (base, seen_last, shown) = (Some(next), wh, next.register_wh());
            }
        }
    }
}
