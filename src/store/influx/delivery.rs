//! Batches until they are written.
//!
//! The same bytes are sent until the server has them: whatever may pass is waited out, longer each
//! time, with a pause that varies so that many daemons do not come back at one moment. A batch that
//! is refused is halved until the lines that cannot be written stand alone; those are set aside as
//! [`DeadLetter`]s. Before the first line is set aside the server must take a line of our own:
//! one that refuses everything is wrongly set up, and nothing is given up for that.

use std::time::Duration;

use crate::{
    line::Batch,
    server::{Server, Trouble},
};

/// First pause after a failure.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A line that every server takes.
const PROBE: &str = "commonwatt_probe ok=1i 0\n";

/// A line that the server does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// The line, without its end.
    pub line: String,
    /// What the server said.
    pub why: String,
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that can be written is.
    Written,
    /// Not yet: send the same batch again after the pause.
    Later {
        /// Why.
        why: Trouble,
        /// How long to wait.
        pause: Duration,
    },
}

/// Sends batches to something that takes lines.
#[derive(Debug)]
pub struct Delivery {
    failures: u32,
    seed: u64,
    /// Lines set aside since they were last taken.
    pub dead: Vec<DeadLetter>,
}

impl Delivery {
    /// `seed` makes the pauses of two daemons differ.
    #[must_use]
    pub fn new(seed: u64) -> Delivery {
        Delivery {
            failures: 0,
            seed,
            dead: Vec::new(),
        }
    }

    /// Sends a batch once to a server.
    pub fn send(&mut self, batch: &Batch, server: &Server) -> Outcome {
        self.send_with(batch, &mut |lines| server.write(lines))
    }

    /// Sends a batch once through `write`.
    pub fn send_with(
        &mut self,
        batch: &Batch,
        write: &mut dyn FnMut(&str) -> Result<(), Trouble>,
    ) -> Outcome {
        let mut set_aside = Vec::new();
        let outcome = if batch.is_empty() {
            Ok(())
        } else {
            bisect(batch, 0, batch.len(), write, &mut set_aside)
        };
        match outcome {
            Ok(()) => {
                self.failures = 0;
                self.dead.append(&mut set_aside);
                Outcome::Written
            }
            Err(why) => {
                self.failures = self.failures.saturating_add(1);
                Outcome::Later {
                    why,
                    pause: self.pause(),
                }
            }
        }
    }

    /// Half to all of a time that doubles with each failure.
    fn pause(&mut self) -> Duration {
        let most = FIRST_PAUSE
            .saturating_mul(1 << self.failures.saturating_sub(1).min(10))
            .min(LONGEST_PAUSE);
        // A step of splitmix64: jitter, not secrecy.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^= mixed >> 31;
        let half = most / 2;
        half + half.mul_f64((mixed % 1024) as f64 / 1024.0)
    }
}

/// Writes the lines `from..to`; those that cannot be written alone are set aside, the first of them
/// once the server has taken a line of our own: a server that refuses everything costs a few
/// requests, not one a line.
fn bisect(
    batch: &Batch,
    from: usize,
    to: usize,
    write: &mut dyn FnMut(&str) -> Result<(), Trouble>,
    aside: &mut Vec<DeadLetter>,
) -> Result<(), Trouble> {
    let lines = batch.part(from, to);
    let why = match write(lines) {
        Ok(()) => return Ok(()),
        Err(Trouble::Refused(why) | Trouble::Partly(why) | Trouble::TooLarge(why)) => why,
        Err(other) => return Err(other),
    };
    if to - from == 1 {
        if aside.is_empty() {
            write(PROBE)?;
        }
        aside.push(DeadLetter {
            line: lines.trim_end().to_owned(),
            why,
        });
        return Ok(());
    }
    // A part that was written is written again: the same points, so nothing changes.
    let middle = from + (to - from) / 2;
    bisect(batch, from, middle, write, aside)?;
    bisect(batch, middle, to, write, aside)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::calendar::Instant;

    use super::*;
    use crate::line::{Series, Value};

    fn batch(lines: i64) -> Batch {
        let series = Series::new("read", &[("meter", "M1")]).unwrap();
        let mut batch = Batch::default();
        for n in 0..lines {
            batch
                .push(&series, &[("wh", Value::Int(n))], Instant(n))
                .unwrap();
        }
        batch
    }

    #[test]
    fn one_bad_line_among_many_is_set_aside_and_the_others_are_written() {
        let mut written = BTreeSet::new();
        let mut delivery = Delivery::new(1);
        let outcome = delivery.send_with(&batch(1000), &mut |lines| {
            if lines.contains("wh=617i") {
                // Partly: the lines before the bad one were written.
                written.extend(
                    lines
                        .lines()
                        .map(str::to_owned)
                        .take_while(|l| !l.contains("wh=617i")),
                );
                return Err(Trouble::Partly("field type conflict".into()));
            }
            written.extend(lines.lines().map(str::to_owned));
            Ok(())
        });
        assert_eq!(outcome, Outcome::Written);
        assert_eq!(delivery.dead.len(), 1);
        assert_eq!(delivery.dead[0].line, "read,meter=M1 wh=617i 617");
        assert_eq!(written.len(), 999 + 1, "and the probe");
    }

    #[test]
    fn a_server_that_refuses_everything_costs_no_line() {
        for refusal in [Trouble::Refused, Trouble::TooLarge, Trouble::Partly] {
            let mut delivery = Delivery::new(1);
            let mut requests = 0;
            let outcome = delivery.send_with(&batch(1_024), &mut |_| {
                requests += 1;
                Err(refusal("database not found".into()))
            });
            assert!(matches!(outcome, Outcome::Later { .. }));
            assert_eq!(delivery.dead, []);
            assert_eq!(requests, 12, "halves down to one line, and the probe");
        }
    }

    #[test]
    fn too_large_is_halved_until_it_fits() {
        let mut sizes = Vec::new();
        let mut delivery = Delivery::new(1);
        let outcome = delivery.send_with(&batch(1000), &mut |lines| {
            sizes.push(lines.len());
            match lines.len() {
                ..=2_000 => Ok(()),
                _ => Err(Trouble::TooLarge(String::new())),
            }
        });
        assert_eq!((outcome, delivery.dead.len()), (Outcome::Written, 0));
        assert!(sizes.len() > 16);
    }

    #[test]
    fn pauses_grow_to_a_minute_and_vary() {
        let mut delivery = Delivery::new(7);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            match delivery.send_with(&batch(1), &mut |_| Err(Trouble::Unreachable("down".into()))) {
                Outcome::Later { pause, .. } => pauses.push(pause),
                Outcome::Written => unreachable!("it is down"),
            }
        }
        assert!(pauses[0] >= FIRST_PAUSE / 2 && pauses[0] <= FIRST_PAUSE);
        assert!(pauses[9] >= LONGEST_PAUSE / 2 && pauses[9] <= LONGEST_PAUSE);
        assert_eq!(pauses.iter().collect::<BTreeSet<_>>().len(), 10);
    }
}
