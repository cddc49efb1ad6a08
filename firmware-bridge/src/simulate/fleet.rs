//! Many roofs, each publishing through its own session, uplink and connection.
//!
//! A gateway reads its meters at every multiple of the cadence of simulated time. When time runs
//! fast, several of these fall into one real moment and are read together, each with its own time;
//! [`cadence_ms`] chooses a cadence that keeps that within reason. Cadences divide the half hour, so
//! there is always a read on its boundary.

use std::time::Duration;

use jiff::Timestamp;
use tokio::{sync::watch, task::JoinHandle};

use super::meter::Meter;
use crate::{
    clock::Clock,
    session::{Limits, Standing},
    uplink::{Uplink, UplinkConfig, UplinkState},
};

/// Reads of one meter a real second are about so many, or fewer.
pub const READS_PER_SECOND: u32 = 10;
/// Gateways look at the clock at most so often, in ms of real time.
pub const LOOK_EVERY_MS: u64 = 100;
/// A gateway that was held up makes up for at most so many reads a roof; older ones are skipped,
/// as by a meter that nobody asked. A replay skips none.
pub const CATCH_UP_MOST: i64 = 1_000;

/// One gateway with its meters.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Where and as whom it publishes.
    pub uplink: UplinkConfig,
    /// What it reads.
    pub meters: Vec<Meter>,
}

/// How a fleet runs.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The time; its speed decides how fast days pass.
    pub clock: Clock,
    /// Boot count of every gateway: higher at each start of the fleet, for instance the real time
    /// in seconds.
    pub boot: u64,
    /// Bounds of every session.
    pub limits: Limits,
    /// A read each so many ms of simulated time; [`cadence_ms`] for the clock's speed.
    pub every_ms: i64,
    /// No read after this instant of simulated time; none for no end.
    pub until: Option<Timestamp>,
}

/// A running fleet.
#[derive(Debug)]
pub struct Fleet {
    gateways: Vec<(
        String,
        watch::Receiver<UplinkState>,
        JoinHandle<UplinkState>,
    )>,
    stop: watch::Sender<Option<Duration>>,
}

/// The shortest cadence that divides the half hour and stays within [`READS_PER_SECOND`]: 10 s at
/// real speed, a half hour when a day passes in seconds.
pub fn cadence_ms(speed: u32) -> i64 {
    [10, 30, 60, 300, 900]
        .into_iter()
        .find(|cadence_s| cadence_s * READS_PER_SECOND >= speed)
        .map_or(super::HALF_HOUR_MS, |cadence_s| i64::from(cadence_s) * 1000)
}

impl Fleet {
    /// Starts every gateway. Each begins to read at its first cadence instant from now.
    pub fn start(plan: &Plan, gateways: Vec<Gateway>) -> Self {
        let (stop, stopping) = watch::channel(None);
        let gateways = gateways
            .into_iter()
            .map(|gateway| {
                let name = gateway.uplink.gateway.clone();
                let uplink =
                    Uplink::start(gateway.uplink, plan.boot, plan.limits, plan.clock.clone());
                let state = uplink.watch();
                let run = run(plan.clone(), gateway.meters, uplink, stopping.clone());
                (name, state, tokio::spawn(run))
            })
            .collect();
        Fleet { gateways, stop }
    }

    /// Every gateway's id and how it stands.
    pub fn look(&self) -> impl Iterator<Item = (&str, UplinkState)> {
        self.gateways
            .iter()
            .map(|(name, state, _)| (name.as_str(), *state.borrow()))
    }

    /// Stops every gateway: no more reads, then up to `grace` for the receipts of those made.
    /// Gives the sum of how they stood at the end.
    pub async fn stop(self, grace: Duration) -> Standing {
        self.stop.send_replace(Some(grace));
        let mut sum = Standing::default();
        for (_, state, task) in self.gateways {
            let last_seen = *state.borrow();
            let end = task.await.unwrap_or(last_seen).standing;
            sum.unreceipted += end.unreceipted;
            sum.ring += end.ring;
            sum.bytes += end.bytes;
            sum.lost_notes += end.lost_notes;
            sum.lost_reads += end.lost_reads;
            sum.returned += end.returned;
        }
        sum
    }
}

async fn run(
    plan: Plan,
    meters: Vec<Meter>,
    uplink: Uplink,
    mut stopping: watch::Receiver<Option<Duration>>,
) -> UplinkState {
    let every_ms = plan.every_ms.max(1);
    let mut done = plan.clock.now().wall.as_millisecond().div_euclid(every_ms);
    let mut before = Timestamp::from_millisecond(done * every_ms).unwrap_or(Timestamp::MIN);
    loop {
        let next = Timestamp::from_millisecond((done + 1).saturating_mul(every_ms));
        let wait = plan.clock.real_wait_until(next.unwrap_or(Timestamp::MAX));
        let wait = wait.max(Duration::from_millis(LOOK_EVERY_MS));
        tokio::select! {
            // An error means that the fleet was dropped.
            _ = stopping.wait_for(Option::is_some) => break,
            () = tokio::time::sleep(wait) => {}
        }
        let now = plan.clock.now().wall;
        let due = plan.until.map_or(now, |until| now.min(until));
        let due = due.as_millisecond().div_euclid(every_ms);
        for i in (done + 1).max(due - CATCH_UP_MOST)..=due {
            let Ok(at) = Timestamp::from_millisecond(i * every_ms) else {
                continue;
            };
            for meter in &meters {
                for read in meter.reads(before, at) {
                    if uplink.read(read).await.is_err() {
                        break;
                    }
                }
            }
            before = at;
        }
        done = due.max(done);
    }
    let grace = stopping.borrow().unwrap_or_default();
    uplink.stop(grace).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cadence_divides_the_half_hour_at_every_speed() {
        for (speed, expected_s) in [
            (1, 10),
            (60, 10),
            (100, 10),
            (101, 30),
            (1_440, 300),
            (8_640, 900),
            (86_400, 1_800),
        ] {
            assert_eq!(cadence_ms(speed), expected_s * 1000, "speed {speed}");
            assert_eq!(super::super::HALF_HOUR_MS % cadence_ms(speed), 0);
        }
    }
}
