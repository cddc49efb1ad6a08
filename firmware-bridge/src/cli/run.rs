//! `firmware-bridge run`: until SIGTERM or Ctrl-C.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::{Duration, Instant},
};

use anyhow::Context;
use bridge::{
    config::Config,
    gateway::{Gateway, StartError},
    note,
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
pub struct Arguments {
    /// Prints every read on stdout as soon as it is on disk: meter, register, time, Wh.
    #[arg(long)]
    tell: bool,
}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(arguments: &Arguments, config: Config) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("threads cannot be started")?;
    runtime.block_on(until_told(config, arguments.tell))
}

async fn until_told(config: Config, tell: bool) -> Result<(), Failure> {
    if config.sources.is_empty() {
        return Err(caller(
            "the configuration names no `[[source]]`\nhint: `firmware-bridge scan` says what is there",
        ));
    }
    let mut term = signal(SignalKind::terminate()).context("SIGTERM cannot be heard")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be heard")?;
    let of_kept = move |note: &[u8]| {
        if tell {
            print_reads(note);
        }
    };
    let gateway = Gateway::start_telling(config, of_kept).map_err(|error| match error {
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

fn print_reads(note: &[u8]) {
    let mut lines = String::new();
    for read in note::open(note).unwrap_or_default().reads {
        let (meter, register, at, wh) = (read.meter, read.register, read.at, read.wh);
        // A String takes everything.
        let _ = writeln!(lines, "{meter}\t{register}\t{at}\t{wh}");
    }
    // Nobody may be listening any more; that is no reason to stop reading meters.
    let _ = io::stdout().write_all(lines.as_bytes());
    let _ = io::stdout().flush();
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
