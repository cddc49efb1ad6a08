//! The built-in endpoint under kill -9 and power cuts, and the control that must lose.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use serde_json::json;

use crate::{
    account::{Ledger, Outcome, reads_of},
    daemon::{Daemon, Place, Settings},
    figure,
    load::{Account, Promises, Publisher, await_receipt},
    pause,
    powercut::Disk,
    rounds, society,
};

/// Sparse, and larger than what 1,000 rounds write.
const DISK_BYTES: u64 = 16 << 30;
const ROOFS: usize = 4;
/// Notes under way of each roof. More only means more reads to compare.
const WINDOW: usize = 4;
/// Rounds of the daemon without syncs; each is nearly sure to lose.
const CONTROL_ROUNDS: u32 = 3;
/// Takes every sync away from the daemon: the kernel never sees the call, and the daemon sees 0.
pub const WITHOUT_SYNC: [&str; 11] = [
    "strace",
    "-D",
    "-f",
    "-qq",
    "--seccomp-bpf",
    "-o",
    "/dev/null",
    "-e",
    "trace=fdatasync,fsync,sync_file_range,sync,syncfs,msync",
    "-e",
    "inject=fdatasync,fsync,sync_file_range,sync,syncfs,msync:retval=0",
];

/// Publishers on all roofs, until the daemon ends in the middle.
pub fn load_until(
    place: &Place,
    accounts: &[Account],
    round: u32,
    end: impl FnOnce(),
) -> Vec<Promises> {
    let publishers: Vec<Publisher> = accounts
        .iter()
        .map(|account| {
            let boot = u64::from(round);
            Publisher::start(place.mqtt, account.clone(), boot, reads_of(round), WINDOW)
        })
        .collect();
    sleep(pause(round));
    end();
    publishers
        .into_iter()
        .map(|publisher| {
            let promises = publisher.join();
            assert_eq!(promises.broken_rule, None, "round {round}");
            promises
        })
        .collect()
}

/// Every round ends the daemon that the round before started again, and compares.
fn campaign(name: &str, place: &Place, mut end: impl FnMut(Daemon)) {
    let accounts = society::found(place, ROOFS, 1);
    let mut ledgers: Vec<Ledger> = accounts.iter().map(|_| Ledger::default()).collect();
    let mut longest = Duration::ZERO;
    let mut daemon = Some(place.start());
    for round in 1..=rounds() {
        let running = daemon.take().unwrap();
        let all = load_until(place, &accounts, round, || end(running));
        let again = place.start();
        longest = longest.max(again.ready_after);
        for ((account, promises), ledger) in accounts.iter().zip(&all).zip(&mut ledgers) {
            ledger.enter(round, promises);
            let outcome = ledger.compare(place, account, round);
            assert!(
                outcome.is_clean(),
                "round {round}, {}: {outcome:?}\n{}",
                account.gateway,
                place.log()
            );
            await_receipt(place.mqtt, account, u64::from(round), &promises.named);
        }
        daemon = Some(again);
    }
    let mut outcome = Outcome::default();
    for (account, ledger) in accounts.iter().zip(&ledgers) {
        outcome.add(ledger.compare_all(place, account));
    }
    daemon.take().unwrap().stop();
    place.ask(&["verify"]);
    print(name, &outcome, longest);
    assert!(outcome.is_clean(), "{outcome:?}");
    assert!(outcome.owed > 20 * rounds() as usize, "the load is not one");
}

/// One line of figures.
pub fn print(name: &str, outcome: &Outcome, longest: Duration) {
    let Outcome {
        owed,
        lost,
        doubled,
        ..
    } = outcome;
    println!(
        "{name}: {} rounds, {owed} reads acknowledged, {lost} lost, {doubled} duplicated, longest restart {} ms",
        rounds(),
        longest.as_millis()
    );
    figure(
        name,
        json!({
            "rounds": rounds(),
            "reads_acknowledged": owed,
            "lost": lost,
            "doubled": doubled,
            "longest_restart_ms": longest.as_millis() as u64,
        }),
    );
}

#[test]
fn kill_under_load_loses_nothing_promised() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(
        folder.path().join("data"),
        folder.path(),
        Settings::default(),
    );
    campaign("endpoint, kill -9", &place, Daemon::kill);
}

#[test]
fn a_power_cut_under_load_loses_nothing_promised() {
    let Some(mut disk) = Disk::new(DISK_BYTES) else {
        return;
    };
    let place = Place::new(
        disk.path().join("data"),
        disk.outside(),
        Settings::default(),
    );
    campaign("endpoint, power cuts", &place, |mut daemon| {
        disk.cut(&mut daemon.process);
    });
}

#[test]
fn the_daemon_without_its_syncs_loses_at_a_power_cut() {
    let mut sum = Outcome::default();
    let mut refused_to_start = 0;
    for round in 1..=CONTROL_ROUNDS {
        let Some(mut disk) = Disk::new(DISK_BYTES) else {
            return;
        };
        let place = Place::new(
            disk.path().join("data"),
            disk.outside(),
            Settings::default(),
        );
        let accounts = society::found(&place, ROOFS, 1);
        let mut daemon = place
            .start_under(&WITHOUT_SYNC)
            .unwrap_or_else(|why| panic!("{why}\n{}", place.log()));
        let all = load_until(&place, &accounts, round, || disk.cut(&mut daemon.process));
        drop(daemon);
        let again = place.start_under(&[]);
        for (account, promises) in accounts.iter().zip(&all) {
            let mut ledger = Ledger::default();
            ledger.enter(round, promises);
            sum.add(match &again {
                Ok(_) => ledger.compare_once(&place, account, &[round]),
                Err(_) => Outcome {
                    owed: ledger.owed(),
                    lost: ledger.owed(),
                    ..Outcome::default()
                },
            });
        }
        refused_to_start += u32::from(again.is_err());
    }
    let Outcome { owed, lost, .. } = sum;
    println!(
        "control, power cuts without syncs: {CONTROL_ROUNDS} rounds, {owed} reads acknowledged, {lost} lost, \
         {refused_to_start} times it refused to start"
    );
    assert!(owed > 0, "the daemon acknowledged nothing");
    assert!(
        lost > 0,
        "a daemon without syncs lost nothing: the harness cuts nothing"
    );
}

#[test]
fn a_clean_stop_keeps_all_that_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(
        folder.path().join("data"),
        folder.path(),
        Settings::default(),
    );
    let account = society::found(&place, 1, 1).remove(0);
    let daemon = place.start();
    let publisher = Publisher::start(place.mqtt, account.clone(), 1, reads_of(1), WINDOW);
    sleep(Duration::from_millis(300));
    let promises = publisher.stop();
    assert_eq!(promises.ended, None);
    assert_eq!(promises.acked.len(), promises.sent.len());
    daemon.stop();
    let daemon = place.start();
    let mut ledger = Ledger::default();
    ledger.enter(1, &promises);
    let outcome = ledger.compare(&place, &account, 1);
    assert!(outcome.is_clean(), "{outcome:?}");
    println!("clean stop: {} reads acknowledged, 0 lost", outcome.owed);
    daemon.stop();
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
            // The interpreter takes its time on a busy machine.
            while !file.exists() {
                sleep(Duration::from_millis(5));
            }
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
        println!("control, plain writer, {mode}: {promised} lines claimed, {lost} lost");
        assert!(promised > 0, "{mode}: nothing was claimed");
        assert_eq!(lost > 0, must_lose, "{mode}: {lost} of {promised} lost");
    }
}
