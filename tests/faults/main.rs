//! The real daemon under kill -9 and power cuts: what it has promised must be there afterwards.
//!
//! Every round starts the daemon on what the round before left, lets publishers run for a random
//! time, ends the daemon in the middle, starts it again and compares its reads with the publishers'
//! accounts: nothing that a PUBACK or a receipt named is missing, nothing is there twice, and nothing
//! is there that nobody sent. `COMMONWATT_ROUNDS` sets the number of rounds (30).

mod daemon;
mod load;
mod mqtt;
mod powercut;
mod society;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use daemon::{Daemon, Place};
use load::{Account, Promises, Publisher, Reads};
use powercut::Disk;

/// Sparse, and larger than what 1,000 rounds write.
const DISK_BYTES: u64 = 4 << 30;
const ROOFS: usize = 4;
const WINDOW: usize = 50;
/// Read times of one round, one read a millisecond: more than a roof publishes in it.
const ROUND_MS: i64 = 100_000;

fn rounds() -> u64 {
    let asked = std::env::var("COMMONWATT_ROUNDS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(30)
}

/// 50 to 500 ms, different each round; the seed is printed with a failure as the round's number.
fn pause(round: u64) -> Duration {
    let mixed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    Duration::from_millis(50 + mixed % 451)
}

#[test]
#[ignore = "waits for `serve`"]
fn kill_under_load_loses_nothing_promised() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path().join("data"), folder.path());
    campaign(&place, |daemon| daemon.kill());
}

#[test]
#[ignore = "waits for `serve`"]
fn a_power_cut_under_load_loses_nothing_promised() {
    let Some(mut disk) = Disk::new(DISK_BYTES) else {
        return;
    };
    let place = Place::new(disk.path().join("data"), disk.outside());
    campaign(&place, |mut daemon| disk.cut(&mut daemon.process));
}

#[test]
#[ignore = "waits for `serve`"]
fn a_clean_stop_keeps_all_that_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(folder.path().join("data"), folder.path());
    let account = society::found(&place, 1).remove(0);
    let reads = Reads {
        from_ms: jiff::Timestamp::now().as_millisecond() - ROUND_MS,
        from_wh: 0,
    };
    let daemon = place.start();
    let publisher = Publisher::start(place.mqtt, account.clone(), 1, reads, WINDOW);
    sleep(Duration::from_millis(300));
    let promises = publisher.stop();
    assert_eq!(promises.ended, None);
    assert_eq!(promises.acked.len(), promises.sent.len());
    daemon.stop();
    let daemon = place.start();
    let all = promises.sent.values().copied().collect();
    check_held(&place, 1, &account, &all, &all);
    daemon.stop();
}

fn campaign(place: &Place, mut end: impl FnMut(Daemon)) {
    let accounts = society::found(place, ROOFS);
    // Read times end before now, so that no read comes from the future.
    let span_ms = i64::try_from(rounds() + 1).unwrap() * ROUND_MS;
    let start_ms = jiff::Timestamp::now().as_millisecond() - span_ms;
    let mut owed: Vec<BTreeSet<(i64, i64)>> = vec![BTreeSet::new(); ROOFS];
    let mut sent = owed.clone();
    for round in 1..=rounds() {
        let daemon = place.start();
        let publishers: Vec<Publisher> = accounts
            .iter()
            .map(|account| {
                let before = i64::try_from(round - 1).unwrap();
                let reads = Reads {
                    from_ms: start_ms + before * ROUND_MS,
                    from_wh: before * ROUND_MS / 1_000,
                };
                Publisher::start(place.mqtt, account.clone(), round, reads, WINDOW)
            })
            .collect();
        sleep(pause(round));
        end(daemon);
        for (i, publisher) in publishers.into_iter().enumerate() {
            let promises = publisher.join();
            check_promises(round, &promises);
            owed[i].extend(promises.owed());
            sent[i].extend(promises.sent.values());
        }
        let daemon = place.start();
        for (i, account) in accounts.iter().enumerate() {
            check_held(place, round, account, &owed[i], &sent[i]);
        }
        daemon.stop();
    }
    let promised: usize = owed.iter().map(BTreeSet::len).sum();
    println!("{} rounds, {promised} reads promised, 0 lost", rounds());
    assert!(
        promised > 0,
        "no read was ever promised: the load is not one"
    );
}

fn check_promises(round: u64, promises: &Promises) {
    let ended = promises.ended.as_deref().unwrap_or_default();
    let honest = [
        "named",
        "names",
        "PUBACK",
        "unexpected",
        "expected",
        "server sent",
    ];
    let broke_a_rule = honest.iter().any(|word| ended.contains(word));
    assert!(!broke_a_rule, "round {round}: {ended}");
}

/// Compares what the daemon lists with what it owes, giving its projections a moment.
fn check_held(
    place: &Place,
    round: u64,
    account: &Account,
    owed: &BTreeSet<(i64, i64)>,
    sent: &BTreeSet<(i64, i64)>,
) {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let held = held(place, &account.meter);
        let as_set: BTreeSet<(i64, i64)> = held.iter().copied().collect();
        assert_eq!(
            held.len(),
            as_set.len(),
            "round {round}: a read is listed twice"
        );
        let invented = as_set.difference(sent).next();
        assert_eq!(invented, None, "round {round}: a read that nobody sent");
        let missing = owed.difference(&as_set).count();
        if missing == 0 {
            return;
        }
        assert!(
            Instant::now() < patience,
            "round {round}: {missing} of {} promised reads of {} are missing\n{}",
            owed.len(),
            account.meter,
            place.log()
        );
        sleep(Duration::from_millis(100));
    }
}

fn held(place: &Place, meter: &str) -> Vec<(i64, i64)> {
    let listed = place.ask(&["reads", "list", "--meter", meter]);
    let reads = listed.as_array().or_else(|| listed["reads"].as_array());
    let time = |read: &serde_json::Value| {
        let text = read["at"].as_str().or_else(|| read["t"].as_str());
        let at: jiff::Timestamp = text.expect("a time").parse().unwrap();
        at.as_millisecond()
    };
    let reads = reads.expect("a list of reads").iter();
    reads
        .map(|read| (time(read), read["wh"].as_i64().expect("Wh")))
        .collect()
}

#[test]
fn the_cut_catches_a_writer_that_does_not_sync_and_spares_one_that_does() {
    for (mode, must_lose) in [("sync", false), ("careless", true)] {
        let mut promised = 0;
        let mut lost = 0;
        for round in 1..=5 {
            let Some(mut disk) = Disk::new(64 << 20) else {
                return;
            };
            let file = disk.path().join("log");
            let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults/control.py");
            let mut writer = Command::new("python3")
                .arg(script)
                .arg(&file)
                .arg(mode)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            // Drained by a thread, so that a full pipe does not stop the writer.
            let pipe = writer.stdout.take().unwrap();
            let claims = std::thread::spawn(move || BufReader::new(pipe).lines().count());
            sleep(pause(round));
            disk.cut(&mut writer);
            let claims = claims.join().unwrap();
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            let kept = kept
                .lines()
                .zip(0..)
                .take_while(|(line, i)| *line == i.to_string());
            promised += claims;
            lost += claims.saturating_sub(kept.count());
        }
        println!("{mode}: {promised} lines claimed, {lost} lost");
        assert!(promised > 0, "{mode}: nothing was claimed");
        assert_eq!(lost > 0, must_lose, "{mode}: {lost} of {promised} lost");
    }
}
