//! `commonwatt serve`: the daemon, until SIGTERM.

use std::{path::PathBuf, time::Duration};

use tokio::signal::unix::{SignalKind, signal};

use super::house::House;
use crate::{
    cli::args::{Cli, Serve},
    clock::{Clock, EARLIEST_BELIEVABLE},
};
use config::Config;
use office::{Answer, Folder, Refusal, answer::OrOurs};

/// Runs the daemon; the exit code.
pub fn run(cli: &Cli, serve: &Serve) -> u8 {
    told(start(cli, serve))
}

/// Says why something ended.
pub(super) fn told(outcome: Answer<()>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(refusal) => {
            eprintln!("error: {refusal}");
            match refusal {
                Refusal::Caller(_) => 1,
                Refusal::Ours(_) => 2,
            }
        }
    }
}

fn start(cli: &Cli, serve: &Serve) -> Answer<()> {
    let config = match &serve.config {
        Some(file) => Config::load(file).map_err(|e| Refusal::Caller(e.to_string()))?,
        None => Config::default(),
    };
    let data = cli.data.clone().unwrap_or_else(|| PathBuf::from("./data"));
    let clock = Clock::system();
    if clock.now() < EARLIEST_BELIEVABLE {
        return Err(Refusal::Caller(format!(
            "this machine's clock says {}; it is not set\nhint: set the clock, then start again: reads are kept with the time they reached us",
            clock.now()
        )));
    }
    let greeting = Folder::at(&data).greet()?;
    let opening = House::open(&config, &data, &clock)?;
    if let Some(greeting) = greeting {
        tracing::warn!("{greeting}; if you meant another, stop this and name it with --data");
    }
    runtime()?.block_on(async move {
        let told = until_told()?;
        let house = House::start(opening, &config, &clock).await?;
        for address in &house.mqtt {
            tracing::info!(%address, "MQTT");
        }
        if let Some(address) = house.http {
            tracing::info!(address = %format!("http://{address}"), "pages");
        }
        if let Some(address) = house.https {
            tracing::info!(address = %format!("https://{address}"), "pages over TLS");
        }
        if house.office.societies().is_empty() {
            tracing::warn!(data = %data.display(), "there is no society in this data folder; `commonwatt society apply FILE.toml` founds one");
        }
        if house.office.credentials().values().all(|c| c.token.is_none() && c.certificate.is_none()) {
            tracing::warn!("no gateway has a token yet: connections from this machine are let in without one; `commonwatt gateway token GATEWAY` makes one");
        } else if house.mqtt.iter().any(|address| !address.ip().is_loopback()) && config.mqtt.tls_listen.is_empty() {
            tracing::warn!("tokens travel in clear text on the MQTT listener; set [mqtt] tls_listen for gateways beyond this machine");
        }
        tracing::info!("ready");
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Ready]);
        tokio::spawn(watchdog());
        told.await;
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Stopping]);
        tracing::info!("closing");
        house.close().await;
        Ok(())
    })
}

/// The runtime of pages and timers; the doors have threads of their own.
pub(super) fn runtime() -> Answer<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .or_ours("the runtime")
}

/// A future that ends with SIGTERM or SIGINT; signals count from this call on.
pub(super) fn until_told() -> Answer<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).or_ours("signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).or_ours("signals")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Tells systemd that we are alive, when it asks to be told.
async fn watchdog() {
    let mut usec = 0;
    if !sd_notify::watchdog_enabled(false, &mut usec) {
        return;
    }
    loop {
        let _ = sd_notify::notify(false, &[sd_notify::NotifyState::Watchdog]);
        tokio::time::sleep(Duration::from_micros(usec / 2)).await;
    }
}
