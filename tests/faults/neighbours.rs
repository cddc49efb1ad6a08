//! What somebody with a gateway's credential tries on a neighbour's meter, on a signed read, on a used
//! number, with an old key and with guessed codes: at the built-in endpoint and behind mosquitto, with
//! real clients.

use std::{thread::sleep, time::Duration};

use bridge::enrol::{self, Login};
use serde_json::Value;
use wire::{enrol::Code, note::Link};

use crate::{
    daemon::{BROKER_PASSWORD, BROKER_USER, Settings, free_port},
    gateways::{
        Guarded, Stage, minute_of, note, note_of, now_ms, publish, reads_topic, uplink, wait_for,
    },
};

/// An unsigned message with one read of any meter.
fn json(meter: &str, seq: u64, wh: u64) -> Vec<u8> {
    let at = jiff::Timestamp::from_millisecond(minute_of(wh)).unwrap();
    json_at(meter, seq, &at.to_string(), wh)
}

fn json_at(meter: &str, seq: u64, at: &str, wh: u64) -> Vec<u8> {
    format!(
        r#"{{"boot":1,"seq":{seq},"now":"2026-06-21T12:00:00Z","clock":"S","reads":[{{"meter":"{meter}","register":"2.8.0","t":"{at}","wh":{wh}}}]}}"#
    )
    .into_bytes()
}

/// Value, verdict, evidence and first finding but that they are late of the reads of a meter.
fn judged(stage: &Stage, meter: &str) -> Vec<(i64, String, String, String)> {
    let listed = stage.place.ask(&["reads", "list", "--meter", meter]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        let findings = row["findings"].as_array().expect("findings").iter();
        let mut words = findings.map(|found| text(&found["finding"]));
        (
            row["wh"].as_i64().expect("Wh"),
            text(&row["verdict"]),
            text(&row["evidence"]),
            words.find(|word| word != "late").unwrap_or_default(),
        )
    };
    listed.as_array().expect("a list").iter().map(row).collect()
}

fn is(wh: i64, verdict: &str, evidence: &str, finding: &str) -> (i64, String, String, String) {
    let owned = str::to_owned;
    (wh, owned(verdict), owned(evidence), owned(finding))
}

fn disbelieved(stage: &Stage) -> Vec<Value> {
    let listed = stage.place.ask(&["messages", "list", "--disbelieved"]);
    listed.as_array().expect("a list").clone()
}

#[test]
fn a_gateway_does_not_move_its_neighbours_meter() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let tokens = stage.tokens.clone();
    let send = |n: usize, payload: &[u8]| {
        let user = format!("gw-{n}");
        assert!(publish(port, &user, &tokens[n], &reads_topic(n), payload));
    };
    send(0, &json("METER-0-0", 1, 1_001));
    // Another value of an instant that is taken, an instant of its own, and the very read that the
    // neighbour will send, sent first.
    let taken = jiff::Timestamp::from_millisecond(minute_of(1_001)).unwrap();
    send(1, &json_at("METER-0-0", 1, &taken.to_string(), 1_009));
    send(1, &json("METER-0-0", 2, 1_030));
    send(1, &json("METER-0-0", 3, 1_040));
    send(0, &json("METER-0-0", 2, 1_040));
    send(1, &json("METER-1-0", 4, 1_002));
    let accepted = |wh| is(wh, "accepted", "T", "");
    let waits = |wh| is(wh, "held", "T", "other_gateway");
    let stands = [accepted(1_001), waits(1_009), waits(1_030), accepted(1_040)];
    assert_eq!(judged(&stage, "METER-0-0"), stands);
    assert_eq!(judged(&stage, "METER-1-0"), [accepted(1_002)]);

    // It is listed for the whole society, with a reason, and the message with its gateway.
    let held = stage.place.ask(&["reads", "list", "--held"]);
    let held = held.as_array().unwrap();
    assert_eq!(held.len(), 2);
    assert_eq!(held[0]["meter"], "METER-0-0");
    let why = held[0]["findings"][0]["why"].as_str().unwrap();
    assert!(
        why.contains("was not this meter's") && why.contains("hint: "),
        "{why}"
    );
    let told = disbelieved(&stage);
    assert_eq!(told.len(), 3);
    for message in &told {
        assert_eq!(message["gateway"], "gw-1");
        assert!(message["reason"].as_str().unwrap().contains("`METER-0-0`"));
    }
    // Newest first, and by pages.
    let records: Vec<u64> = told.iter().map(|m| m["record"].as_u64().unwrap()).collect();
    assert!(records.is_sorted_by(|a, b| a > b), "{records:?}");
    let before = records[1].to_string();
    let page = [
        "messages",
        "list",
        "--disbelieved",
        "--before",
        &before,
        "--limit",
        "1",
    ];
    let page = stage.place.ask(&page);
    assert_eq!(page.as_array().unwrap().len(), 1);
    assert_eq!(page[0]["record"], records[2]);
    assert_eq!(stage.gateway("gw-1")["not_believed"], 3);
    assert_eq!(stage.gateway("gw-1")["serves"][0], "roof-1");
    stage.verify();

    // A person may know better. What was decided stands after a start and a rebuild.
    let at = jiff::Timestamp::from_millisecond(minute_of(1_030))
        .unwrap()
        .to_string();
    stage.place.ask(&[
        "reads",
        "decide",
        "--meter",
        "METER-0-0",
        "--at",
        &at,
        "--value",
        "1.030",
        "accept",
        "--reason",
        "its own gateway was being mended",
    ]);
    let stands = [
        accepted(1_001),
        waits(1_009),
        is(1_030, "accepted", "T", "other_gateway"),
        accepted(1_040),
    ];
    assert_eq!(judged(&stage, "METER-0-0"), stands);
    stage.daemon.take().unwrap().stop();
    stage.open();
    assert_eq!(judged(&stage, "METER-0-0"), stands);
    stage.place.ask(&["rebuild"]);
    assert_eq!(judged(&stage, "METER-0-0"), stands);
    stage.verify();
    stage.daemon.take().unwrap().stop();
}

#[test]
fn a_gateway_that_moved_keeps_its_reads_and_the_day_is_in_the_file() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let token = stage.tokens[1].clone();
    let send = |payload: &[u8]| {
        assert!(publish(port, "gw-1", &token, &reads_topic(1), payload));
    };
    send(&json("METER-1-0", 1, 1_001));
    send(&json("METER-0-0", 2, 1_002));
    assert_eq!(
        judged(&stage, "METER-0-0"),
        [is(1_002, "held", "T", "other_gateway")]
    );

    // It hangs on the other roof, and did yesterday.
    let file = stage.place.data.with_extension("toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let day = |ms: i64| {
        let at = jiff::Timestamp::from_millisecond(ms).unwrap();
        at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string()
    };
    let moved = |from: &str| {
        let entry = format!("id = \"gw-1\"\nsite = \"roof-0\"\n{from}");
        text.replace("id = \"gw-1\"\nsite = \"roof-1\"\n", &entry)
    };
    let from = format!("from = \"{}\"\n", day(now_ms() - 2 * 86_400_000));
    std::fs::write(&file, moved(&from)).unwrap();
    let applied = stage
        .place
        .ask(&["society", "apply", file.to_str().unwrap()]);
    assert_eq!(applied["series_made_again"], true);
    assert_eq!(
        judged(&stage, "METER-0-0"),
        [is(1_002, "accepted", "T", "")]
    );
    assert_eq!(
        judged(&stage, "METER-1-0"),
        [is(1_001, "held", "T", "other_gateway")]
    );
    stage.verify();
    let log = stage.place.log();
    assert!(!log.contains("takes nothing more"), "{log}");

    // Without a day it moves from now on, and what it read stays where it was.
    std::fs::write(
        &file,
        text.replace(
            "id = \"gw-1\"\nsite = \"roof-1\"\n",
            "id = \"gw-1\"\nsite = \"roof-0\"\nmore_sites = [\"roof-1\"]\nfrom = \"2020-01-01\"\n",
        ),
    )
    .unwrap();
    stage
        .place
        .ask(&["society", "apply", file.to_str().unwrap()]);
    std::fs::write(&file, moved("")).unwrap();
    let applied = stage
        .place
        .ask(&["society", "apply", file.to_str().unwrap()]);
    assert_eq!(applied["series_made_again"], false);
    assert_eq!(
        judged(&stage, "METER-1-0"),
        [is(1_001, "accepted", "T", "")]
    );
    stage.verify();
    stage.daemon.take().unwrap().stop();
}

#[test]
fn what_came_before_its_meter_was_entered_is_its_gateways_or_waits() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let tokens = stage.tokens.clone();
    let send = |n: usize, payload: &[u8]| {
        let user = format!("gw-{n}");
        assert!(publish(port, &user, &tokens[n], &reads_topic(n), payload));
    };
    // The neighbour sends the same read first, and one of its own.
    send(1, &json("NEW", 1, 1_001));
    send(0, &json("NEW", 1, 1_001));
    send(1, &json("NEW", 2, 1_002));
    send(0, &json("NEW", 2, 1_003));
    stage.verify();
    let file = stage.place.data.with_extension("toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text.push_str(
        r#"
[[meter]]
serial = "NEW"
meter_point = "roof-0-generation-0"
installed = "2020-01-01"
register = [{ code = "2.8.0", digits = 9, step_wh = 1 }]
sample = true
"#,
    );
    std::fs::write(&file, text).unwrap();
    let applied = stage
        .place
        .ask(&["society", "apply", file.to_str().unwrap()]);
    assert_eq!(applied["series_made_again"], false);
    let stands = [
        is(1_001, "accepted", "T", ""),
        is(1_002, "held", "T", "other_gateway"),
        is(1_003, "accepted", "T", ""),
    ];
    assert_eq!(judged(&stage, "NEW"), stands);
    stage.verify();
    stage.daemon.take().unwrap().stop();
}

#[test]
fn a_signed_read_stands_and_what_comes_under_a_used_number_is_told() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    // Before the gateway has a key, somebody with its token was quicker.
    let at = jiff::Timestamp::from_millisecond(minute_of(1_005))
        .unwrap()
        .to_string();
    let early = json_at("METER-0-0", 90, &at, 1_006);
    assert!(publish(
        port,
        "gw-0",
        &stage.tokens[0],
        &reads_topic(0),
        &early
    ));
    let keys = stage.keys("keys-0");
    let code = stage.code("gw-0");
    wait_for(enrol::enrol(
        &uplink(port, 0, None),
        &keys,
        &code,
        Login::ByCode,
    ))
    .unwrap();
    let token = keys.token().unwrap().unwrap();
    let key = keys.key().unwrap();
    let send = |payload: &[u8]| {
        assert!(publish(port, "gw-0", &token, &reads_topic(0), payload));
    };
    let first = note(&key, 0, 1, 1, 1_005);
    send(&first);
    assert_eq!(
        judged(&stage, "METER-0-0"),
        [
            is(1_005, "accepted", "G", ""),
            is(1_006, "refused", "T", "outweighed")
        ]
    );
    // Under the number that is used: unsigned, by another key, changed.
    let other = stage.keys("thief");
    let code = stage.code("gw-1");
    wait_for(enrol::enrol(
        &uplink(port, 1, None),
        &other,
        &code,
        Login::ByCode,
    ))
    .unwrap();
    send(&json("METER-0-0", 1, 1_010));
    send(&note(&other.key().unwrap(), 0, 1, 1, 1_011));
    let mut changed = first.clone();
    let digit = changed.windows(4).rposition(|w| w == b"1005").unwrap() + 3;
    changed[digit] = b'9';
    send(&changed);
    // The true one again is no news.
    send(&first);
    stage.wait_until("three of them are listed", |stage| {
        stage.gateway("gw-0")["clones"].as_array().unwrap().len() == 3
    });
    let clones = stage.gateway("gw-0")["clones"].clone();
    let words: Vec<&str> = (0..3)
        .map(|n| clones[n]["second_is"].as_str().unwrap())
        .collect();
    assert_eq!(words, ["unsigned", "foreign key", "forged"]);
    assert!(!stage.place.log().contains("two gateways have this key"));
    let told = disbelieved(&stage);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(
        told[2]["reason"]
            .as_str()
            .unwrap()
            .contains("is not signed")
    );

    // A note that names one before it which never came, and what explains such.
    let second = note_of(
        &key,
        0,
        "METER-0-0",
        (1, 2),
        now_ms(),
        Some(Link::to(&first)),
        1_012,
    );
    let third = note_of(
        &key,
        0,
        "METER-0-0",
        (1, 3),
        now_ms(),
        Some(Link::to(&second)),
        1_013,
    );
    send(&third);
    assert_eq!(stage.gateway("gw-0")["missing_links"], 1);
    assert_eq!(stage.gateway("gw-0")["first_missing_link"]["seq"], 3);
    send(&second);
    assert_eq!(stage.gateway("gw-0")["missing_links"], 0);
    let fork = note_of(
        &key,
        0,
        "METER-0-0",
        (1, 4),
        now_ms(),
        Some(Link::to(b"x")),
        1_014,
    );
    send(&fork);
    assert_eq!(stage.gateway("gw-0")["broken_links"], 1);
    stage.verify();
    stage.daemon.take().unwrap().stop();
}

#[test]
fn a_new_enrolment_ends_the_old_key_and_its_backlog_still_counts() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let old = stage.keys("old");
    let code = stage.code("gw-0");
    wait_for(enrol::enrol(
        &uplink(port, 0, None),
        &old,
        &code,
        Login::ByCode,
    ))
    .unwrap();
    let old_key = old.key().unwrap();
    let before = now_ms();
    sleep(Duration::from_millis(50));
    let new = stage.keys("new");
    let code = stage.code("gw-0");
    wait_for(enrol::enrol(
        &uplink(port, 0, None),
        &new,
        &code,
        Login::ByCode,
    ))
    .unwrap();
    let token = new.token().unwrap().unwrap();
    let send = |payload: &[u8]| {
        assert!(publish(port, "gw-0", &token, &reads_topic(0), payload));
    };
    let backlog = note_of(&old_key, 0, "METER-0-0", (1, 1), before, None, 1_001);
    send(&backlog);
    sleep(Duration::from_millis(50));
    send(&note(&old_key, 0, 1, 2, 1_002));
    send(&note(&new.key().unwrap(), 0, 2, 1, 1_003));
    let good = |wh| is(wh, "accepted", "G", "");
    assert_eq!(judged(&stage, "METER-0-0"), [good(1_001), good(1_003)]);
    let line = stage.gateway("gw-0");
    let keys = line["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(keys[0]["ended_from"].is_string() && keys[0]["since"].is_string());
    assert!(keys[1].get("ended_from").is_none() && keys[1]["known_by"] == "code");
    let told = disbelieved(&stage);
    assert!(
        told[0]["reason"].as_str().unwrap().contains("had ended"),
        "{told:?}"
    );

    // A revocation makes the series again, and nobody is told that the journal failed.
    let from = jiff::Timestamp::from_millisecond(now_ms())
        .unwrap()
        .to_string();
    sleep(Duration::from_millis(20));
    send(&note(&new.key().unwrap(), 0, 2, 2, 1_004));
    stage.place.ask(&[
        "gateway", "revoke", "gw-0", "--from", &from, "--reason", "stolen",
    ]);
    assert_eq!(judged(&stage, "METER-0-0"), [good(1_001), good(1_003)]);
    assert!(publish(
        port,
        "gw-1",
        &stage.tokens[1],
        &reads_topic(1),
        &json("METER-1-0", 1, 1_001)
    ));
    let log = stage.place.log();
    assert!(!log.contains("takes nothing more"), "{log}");
    stage.verify();
    stage.daemon.take().unwrap().stop();
}

#[test]
fn a_code_ends_after_a_few_wrong_ones() {
    let mut stage = Stage::new(Settings::default());
    let port = stage.place.mqtt;
    let right = stage.code("gw-0");
    let thief = wire::SecretKey::from_seed(&[9; 32]);
    let topic = "commonwatt/v1/gw-0/enrol";
    for n in 1..=5_u8 {
        let wrong = Code::from_random(&[n; 16]);
        let mut request = [0; 1_024];
        let used =
            wire::enrol::write_enrolment(&mut request, "gw-0", &thief, None, &wrong).unwrap();
        assert!(publish(
            port,
            "gw-0",
            &stage.tokens[0],
            topic,
            &request[..used]
        ));
        stage.wait_until("the wrong code is counted", |stage| {
            stage.gateway("gw-0")["wrong_codes"] == n
        });
    }
    assert_eq!(stage.gateway("gw-0").get("code_until"), None);
    assert!(stage.place.log().contains("wrong code `5` of 5"));
    let keys = stage.keys("keys-0");
    assert!(
        wait_for(enrol::enrol(
            &uplink(port, 0, None),
            &keys,
            &right,
            Login::ByCode
        ))
        .is_err()
    );
    // Shown as a password, a wrong one is counted too, and makes the next wait.
    let right = stage.code("gw-0");
    assert_eq!(stage.gateway("gw-0")["wrong_codes"], 0);
    let wrong = Code::from_random(&[9; 16]);
    assert!(!publish(port, "gw-0", wrong.reveal(), topic, b"x"));
    stage.wait_until("it is counted", |stage| {
        stage.gateway("gw-0")["wrong_codes"] == 1
    });
    sleep(Duration::from_millis(1_100));
    wait_for(enrol::enrol(
        &uplink(port, 0, None),
        &keys,
        &right,
        Login::ByCode,
    ))
    .unwrap();
    // The right one came: nothing is left to tell of the wrong.
    stage.wait_until("the right code ends the count", |stage| {
        stage.gateway("gw-0")["wrong_codes"] == 0
    });
    stage.daemon.take().unwrap().stop();
}

#[test]
fn behind_a_broker_a_neighbours_meter_does_not_move_either() {
    let broker_port = free_port();
    let settings = Settings {
        broker: Some(broker_port),
        broker_login: true,
        ..Settings::default()
    };
    let mut stage = Stage::closed(settings);
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_commonwatt"))
        .args(["gateway", "acl", "--data"])
        .arg(&stage.place.data)
        .output()
        .unwrap();
    let users = [
        (BROKER_USER, BROKER_PASSWORD),
        ("gw-0", "roof zero"),
        ("gw-1", "roof one"),
    ];
    let acl = String::from_utf8(made.stdout).unwrap();
    let broker = Guarded::start(&stage.folder, broker_port, &acl, &users);
    let port = broker.port;
    stage.open();
    let say = |n: usize, password: &str, payload: &[u8]| {
        publish(port, &format!("gw-{n}"), password, &reads_topic(n), payload)
    };
    assert!(say(0, "roof zero", &json("METER-0-0", 1, 1_001)));
    assert!(say(1, "roof one", &json("METER-0-0", 1, 1_030)));
    stage.wait_until("both are there", |stage| {
        judged(stage, "METER-0-0").len() == 2
    });
    assert_eq!(
        judged(&stage, "METER-0-0"),
        [
            is(1_001, "accepted", "T", ""),
            is(1_030, "held", "T", "other_gateway")
        ]
    );
    stage.verify();
    stage.daemon.take().unwrap().stop();
}
