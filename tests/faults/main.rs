//! The real daemon when things break: killed, without power, behind a broker that dies, on a disk
//! that is full or fails. What it has promised must be there afterwards, once.
//!
//! Publishers keep account of every PUBACK and receipt outside the daemon ([`load`], [`uplinks`]),
//! and afterwards the daemon's own list of reads is compared with it ([`account`]). Nothing promised
//! may be missing, nothing may be listed twice, and nothing may be listed that nobody sent. Two
//! controls show that the harness would notice: a writer, and the daemon itself, with their syncs
//! taken away must lose.
//!
//! The gateway's own binary is killed and its disk cut in the same way, while broker, link and daemon
//! fail around it ([`gateway`], [`outage`]).
//!
//! `COMMONWATT_ROUNDS` sets the number of rounds: `./test` and CI say 30, an everyday `cargo nextest
//! run` has 5, and `COMMONWATT_CAMPAIGN=1` has 1,000. With
//! `COMMONWATT_FIGURES=1` the restart is written to `docs/figures/restart.json`. Needs root, loop
//! devices, mkfs.ext4, python3, strace and mosquitto; what is missing is said, and in CI it fails.

mod account;
mod broker;
mod daemon;
mod dials;
mod endpoint;
mod gateway;
mod gateways;
mod load;
mod lossy;
mod mqtt;
mod neighbours;
mod outage;
mod pages;
mod powercut;
mod restart;
mod several;
mod society;
mod trouble;
mod uplinks;

use std::{path::Path, process::Command, time::Duration};

use serde_json::Value;

/// Rounds of a campaign of kills or cuts.
fn rounds() -> u32 {
    let asked = std::env::var("COMMONWATT_ROUNDS").ok();
    let usual = if is_campaign() { 1_000 } else { 5 };
    asked.and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// Writes a row of `docs/figures/faults.json`, in a campaign only.
fn figure(name: &str, mut row: Value) {
    if !is_campaign() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/figures/faults.json");
    let before = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".into());
    let mut all: Value = serde_json::from_str(&before).unwrap();
    row["commit"] = commit().into();
    all[name] = row;
    std::fs::write(path, format!("{all:#}\n")).unwrap();
}

/// The commit that is checked out.
fn commit() -> String {
    let said = Command::new("git").args(["rev-parse", "HEAD"]).output();
    said.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// `COMMONWATT_CAMPAIGN=1`: the heavy counts, by hand.
fn is_campaign() -> bool {
    is_set("COMMONWATT_CAMPAIGN")
}

fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}

/// 50 to 500 ms, different each round, the same in every run.
fn pause(round: u32) -> Duration {
    let mixed = u64::from(round)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(23);
    Duration::from_millis(50 + mixed % 451)
}
