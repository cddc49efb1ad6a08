//! `firmware-bridge run`: until SIGTERM or Ctrl-C.

use std::time::{Duration, Instant};

use anyhow::Context;
use bridge::{
    config::Config,
    gateway::{Gateway, StartError},
};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info};

use super::{Failure, caller};

/// How long receipts of the last notes are waited for at the end.
const GRACE: Duration = Duration::from_secs(5);
/// Threads: one may sit in a sync of a slow card, another in a device driver.
const THREADS: usize = 3;

/// What can be typed after `run`.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(_: &Arguments, config: Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("threads cannot be started")?;
    runtime.block_on(until_told(config))
}

async fn until_told(config: Config) -> Result<(), Failure> {
    if config.sources.is_empty() {
        return Err(caller(
            "the configuration names no `[[source]]`\nhint: `firmware-bridge scan` says what is there",
        ));
    }
    let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    let gateway = Gateway::start(config).map_err(|error| match error {
        StartError::Backlog(_) | StartError::Key(_) => Failure::Ours(error.into()),
        error => caller(error),
    })?;
    // Without systemd nobody listens.
    let _ = sd_notify::notify(false, &[NotifyState::Ready]);
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
        () = feed_watchdog(&gateway) => {}
    }
    let _ = sd_notify::notify(false, &[NotifyState::Stopping]);
    info!("gateway stops");
    let standing = gateway.stop(GRACE).await;
    info!(?standing, "gateway has stopped");
    Ok(())
}

/// Feeds systemd's watchdog while both the readers and the uplink go round. Never ends.
async fn feed_watchdog(gateway: &Gateway) {
    let mut allowed_us = 0;
    if !sd_notify::watchdog_enabled(false, &mut allowed_us) {
        return std::future::pending().await;
    }
    let within = gateway.pulse_within();
    let mut seen = gateway.pulse();
    let (mut uplink_at, mut reading_at) = (Instant::now(), Instant::now());
    loop {
        let pulse = gateway.pulse();
        if pulse.uplink != seen.uplink {
            uplink_at = Instant::now();
        }
        if pulse.reading != seen.reading {
            reading_at = Instant::now();
        }
        seen = pulse;
        if uplink_at.elapsed() < within && reading_at.elapsed() < within {
            let _ = sd_notify::notify(false, &[NotifyState::Watchdog]);
        } else {
            error!(?pulse, "a loop hangs; the watchdog is not fed");
        }
        tokio::time::sleep(Duration::from_micros(allowed_us / 3)).await;
    }
}
