//! The other door: a mosquitto of our own between the gateways and the daemon.
//!
//! Mosquitto forgets what it has acknowledged when it is killed, so here only receipts count: the
//! uplinks send again until each note is named in one. At the end every read of every meter is there.

use std::{
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::TempDir;

use crate::{
    account::{Ledger, Outcome},
    daemon::{Daemon, Place, Settings, free_port},
    endpoint::print,
    figure, is_campaign,
    load::Account,
    pause,
    powercut::Disk,
    rounds, society,
    uplinks::Roofs,
};

const DISK_BYTES: u64 = 16 << 30;
const ROOFS: usize = 3;
/// Every so many kills of the broker the daemon is killed too.
const DAEMON_EVERY: u32 = 5;

/// A mosquitto of our own, which writes what it took every second.
pub struct Mosquitto {
    child: Child,
    /// Where it listens.
    pub port: u16,
    folder: TempDir,
}

impl Mosquitto {
    /// Starts one that asks nobody for a password.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let location = folder.path().display();
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest none\n\
             persistence true\npersistence_location {location}/\nautosave_interval 1\n\
             max_inflight_messages 1000\nmax_queued_messages 0\n"
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let mosquitto = Mosquitto {
            child: spawn(&folder),
            port,
            folder,
        };
        mosquitto.wait_until_up();
        mosquitto
    }

    /// kill -9, then a new one on the same port and folder.
    fn kill_and_start_again(&mut self) {
        self.kill();
        sleep(Duration::from_millis(50));
        self.start_again();
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A new one on the same port and folder, after [`Mosquitto::kill`].
    pub fn start_again(&mut self) {
        self.child = spawn(&self.folder);
        self.wait_until_up();
    }

    fn wait_until_up(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "mosquitto does not listen");
            sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(folder: &TempDir) -> Child {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
    Command::new("mosquitto")
        .env("PATH", path)
        .arg("-c")
        .arg(folder.path().join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| {
            panic!("`mosquitto` cannot be run: {error}\nhint: apt-get install mosquitto")
        })
}

fn behind(broker: &Mosquitto) -> Settings {
    Settings {
        broker: Some(broker.port),
        ..Settings::default()
    }
}

/// Everything that was sent must be there, once.
fn compare(place: &Place, accounts: &[Account], roofs: Roofs) -> Outcome {
    let mut outcome = Outcome::default();
    for (account, sent) in accounts.iter().zip(roofs.stop()) {
        let mut ledger = Ledger::default();
        ledger.enter_owed(1, sent.into_iter());
        outcome.add(ledger.compare_all(place, account));
    }
    outcome
}

#[test]
fn a_broker_killed_again_and_again_costs_no_read() {
    let kills = if is_campaign() { 100 } else { 20.min(rounds()) };
    let folder = tempfile::tempdir().unwrap();
    let mut broker = Mosquitto::start();
    let place = Place::new(folder.path().join("data"), folder.path(), behind(&broker));
    let accounts = society::found(&place, ROOFS, 1);
    let mut daemon = place.start();
    let roofs = Roofs::start(broker.port, &accounts);
    for round in 1..=kills {
        roofs.wait_until_receipted();
        sleep(pause(round) / 2);
        if round % DAEMON_EVERY == 0 {
            daemon.kill();
            broker.kill_and_start_again();
            daemon = place.start();
        } else {
            broker.kill_and_start_again();
        }
    }
    roofs.wait_until_receipted();
    let outcome = compare(&place, &accounts, roofs);
    daemon.stop();
    place.ask(&["verify"]);
    println!(
        "broker killed {kills} times, the daemon {} times: {} reads sent, {} missing, {} duplicated",
        kills / DAEMON_EVERY,
        outcome.owed,
        outcome.lost,
        outcome.doubled
    );
    figure(
        "broker itself killed",
        json!({
            "broker_killed": kills,
            "daemon_killed": kills / DAEMON_EVERY,
            "reads_sent": outcome.owed,
            "lost": outcome.lost,
            "doubled": outcome.doubled,
        }),
    );
    assert!(outcome.is_clean(), "{outcome:?}\n{}", place.log());
}

/// Every round ends the daemon while the stream flows, and starts it again.
fn campaign(name: &str, broker: &Mosquitto, place: &Place, mut end: impl FnMut(Daemon)) {
    let accounts = society::found(place, ROOFS, 1);
    let mut daemon = place.start();
    let roofs = Roofs::start(broker.port, &accounts);
    let mut longest = Duration::ZERO;
    for round in 1..=rounds() {
        roofs.wait_until_receipted();
        sleep(pause(round) / 2);
        end(daemon);
        daemon = place.start();
        longest = longest.max(daemon.ready_after);
        // The broker keeps the last receipt; the daemon's next one must not say less.
        assert_eq!(
            roofs.returned(),
            0,
            "round {round}: a receipt went backwards\n{}",
            place.log()
        );
    }
    roofs.wait_until_receipted();
    assert_eq!(
        roofs.returned(),
        0,
        "a receipt went backwards\n{}",
        place.log()
    );
    let outcome = compare(place, &accounts, roofs);
    daemon.stop();
    place.ask(&["verify"]);
    print(name, &outcome, longest);
    assert!(outcome.is_clean(), "{outcome:?}\n{}", place.log());
}

#[test]
fn kill_behind_a_broker_loses_nothing_receipted() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start();
    let place = Place::new(folder.path().join("data"), folder.path(), behind(&broker));
    campaign("broker, kill -9", &broker, &place, Daemon::kill);
}

#[test]
fn a_power_cut_behind_a_broker_loses_nothing_receipted() {
    let Some(mut disk) = Disk::new(DISK_BYTES) else {
        return;
    };
    let broker = Mosquitto::start();
    let place = Place::new(disk.path().join("data"), disk.outside(), behind(&broker));
    campaign("broker, power cuts", &broker, &place, |mut daemon| {
        disk.cut(&mut daemon.process);
    });
}
