//! How long a restart takes when the series are two million reads behind.

use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::json;

use crate::{
    account::reads_of,
    commit,
    daemon::{Place, Settings},
    is_set,
    load::{Account, await_receipt},
    mqtt::{Client, Packet},
    society,
};

const GATEWAYS: usize = 20;
const METERS_EACH: usize = 100;
const READS_EACH: u64 = 1_000;
const BATCH: u64 = 30;
/// Batches under way on a connection.
const WINDOW: usize = 200;
/// For a busy machine; the aim is one second and is shown by the figure.
const LONGEST: Duration = Duration::from_secs(5);

#[test]
fn two_million_unprojected_reads_do_not_delay_the_start() {
    let folder = tempfile::tempdir().unwrap();
    // The series take nothing until they are told to: all reads lie in the journal alone.
    let lagging = Settings {
        flush_interval_s: 86_400,
        flush_reads: 100_000_000,
        segment_bytes: 64 << 20,
        ..Settings::default()
    };
    let place = Place::new(folder.path().join("data"), folder.path(), lagging);
    let accounts = society::found(&place, GATEWAYS, METERS_EACH);
    let daemon = place.start();
    let loading = Instant::now();
    for account in &accounts {
        publish_all(place.mqtt, account);
    }
    let loaded = loading.elapsed();
    daemon.kill();

    place.set(Settings {
        flush_interval_s: 30,
        segment_bytes: 64 << 20,
        ..Settings::default()
    });
    let started = Instant::now();
    let daemon = place.start();
    let healthy = daemon.ready_after;
    publish_one(place.mqtt, &accounts[0]);
    let first_puback = started.elapsed();
    let named: BTreeSet<u64> = (1..=batches()).collect();
    await_receipt(place.mqtt, &accounts[0], 1, &named);
    let caught_up = started.elapsed();
    let meters = GATEWAYS * METERS_EACH;
    let reads = meters as u64 * READS_EACH;
    for account in &accounts {
        let listed = place.ask(&["reads", "list", "--meter", &account.meters[0]]);
        let extra = usize::from(account.gateway == accounts[0].gateway);
        let expected = usize::try_from(READS_EACH).unwrap() + extra;
        assert_eq!(
            listed.as_array().unwrap().len(),
            expected,
            "{}",
            account.meters[0]
        );
    }
    daemon.stop();
    println!(
        "restart, {meters} meters, {reads} reads unprojected (loaded in {} ms): healthy after {} ms, \
         first PUBACK after {} ms, receipts after {} ms",
        loaded.as_millis(),
        healthy.as_millis(),
        first_puback.as_millis(),
        caught_up.as_millis()
    );
    if is_set("COMMONWATT_FIGURES") {
        let figures = json!({
            "commit": commit(),
            "meters": meters,
            "unprojected_reads": reads,
            "healthy_ms": millis(healthy),
            "first_puback_ms": millis(first_puback),
            "receipts_ms": millis(caught_up),
        });
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/figures/restart.json");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{figures:#}\n")).unwrap();
    }
    assert!(healthy < LONGEST, "healthy after {healthy:?}");
    assert!(
        first_puback < LONGEST,
        "first PUBACK after {first_puback:?}"
    );
}

fn batches() -> u64 {
    (METERS_EACH as u64 * READS_EACH).div_ceil(BATCH)
}

/// One gateway's reads, [`BATCH`] a message, one a meter and second.
fn publish_all(port: u16, account: &Account) {
    let mut client = connect(port, account);
    let total = METERS_EACH as u64 * READS_EACH;
    let (mut next, mut under_way) = (0, 0);
    let mut seq = 0;
    while next < total || under_way > 0 {
        while next < total && under_way < WINDOW {
            seq += 1;
            let until = (next + BATCH).min(total);
            let note = note(account, 1, seq, next..until);
            let packet = u16::try_from((seq - 1) % 65_535 + 1).unwrap();
            client
                .publish(&topic(account), packet, note.as_bytes())
                .unwrap();
            next = until;
            under_way += 1;
        }
        match client.poll().unwrap() {
            Some(Packet::PubAck(_)) => under_way -= 1,
            None => {}
            other => panic!("{other:?}"),
        }
    }
}

/// One more read of the first meter, and its PUBACK.
fn publish_one(port: u16, account: &Account) {
    let mut client = connect(port, account);
    let n = METERS_EACH as u64 * READS_EACH;
    let note = note(account, 2, 1, n..n + 1);
    client.publish(&topic(account), 1, note.as_bytes()).unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while client.poll().unwrap() != Some(Packet::PubAck(1)) {
        assert!(Instant::now() < patience, "no PUBACK");
    }
}

fn connect(port: u16, account: &Account) -> Client {
    Client::connect(port, &account.gateway, &account.gateway, &account.token).unwrap()
}

fn topic(account: &Account) -> String {
    format!("commonwatt/v1/{}/reads", account.gateway)
}

/// Read `n` is of meter `n` modulo their number, so many seconds after the start.
fn note(account: &Account, boot: u64, seq: u64, which: std::ops::Range<u64>) -> String {
    let start = reads_of(1);
    let reads: Vec<String> = which
        .map(|n| {
            let meter = &account.meters[usize::try_from(n).unwrap() % METERS_EACH];
            let second = i64::try_from(n).unwrap() / METERS_EACH as i64;
            let at = Timestamp::from_millisecond(start.from_ms + second * 1_000).unwrap();
            let wh = start.from_wh + second;
            format!(r#"{{"meter":"{meter}","register":"2.8.0","t":"{at}","wh":{wh}}}"#)
        })
        .collect();
    let now = Timestamp::from_millisecond(start.from_ms).unwrap();
    let reads = reads.join(",");
    format!(r#"{{"boot":{boot},"seq":{seq},"now":"{now}","clock":"S","reads":[{reads}]}}"#)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}
