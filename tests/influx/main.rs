//! The mirror of a real society: what reaches the server is what the journal says, whatever the
//! server did meanwhile.

#[path = "../scenarios/desk.rs"]
mod desk;
#[expect(
    dead_code,
    reason = "shared with the contract of the crate, which uses more of it"
)]
#[path = "../../src/store/influx/tests/peers/mod.rs"]
mod peers;
mod series;

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use desk::Desk;
use peers::{
    debian::Program,
    shim,
    stub::{self, Field, Mood, Stub},
};
use serde_json::Value;

/// A society of one roof with a configuration that mirrors to `url`.
fn mirrored(url: &str) -> (Desk, String) {
    mirrored_as(url, "mirror", "")
}

/// The same in another mode, with pages at `http`.
fn mirrored_as(url: &str, mode: &str, http: &str) -> (Desk, String) {
    let desk = Desk::with_meters(&[("M1", 9, 1, "2013-01-01")]);
    let token = desk.file("token", &format!("{}\n", stub::TOKEN));
    let config = desk.file(
        "commonwatt.toml",
        &format!(
            "[http]\nlisten = \"{http}\"\n[mqtt]\nlisten = \"\"\n[influx]\nmode = \"{mode}\"\nurl = \"{url}\"\norg = \"{}\"\nbucket = \"{}\"\ntoken_file = \"{token}\"\nenergy_interval_s = 1\n",
            stub::ORG,
            stub::BUCKET
        ),
    );
    (desk, config)
}

/// Reads of a sunny day, each ten minutes, for some days from 2014-03-28 on; over a clock change.
fn sunny(days: i64, kwh: &mut i64) -> String {
    let start: jiff::Timestamp = "2014-03-28T00:00:00Z".parse().unwrap();
    let mut table = String::new();
    for n in 0..days * 144 {
        let at = start + jiff::SignedDuration::from_mins(n * 10);
        let of_day = n % 144;
        *kwh += if (40..110).contains(&of_day) { 2 } else { 0 };
        table += &format!("M1 {at} {kwh}\n");
    }
    table
}

fn check(desk: &Desk, config: &str, code: i32) -> Value {
    let args = [
        "influx",
        "check",
        "--config",
        config,
        "--period",
        "2014-03-20..2014-04-20",
    ];
    desk.json_with(code, &args)
}

#[test]
fn a_back_fill_brings_a_server_to_what_the_journal_says() {
    let stub = Stub::start();
    let (desk, config) = mirrored(&stub.url);
    desk.reads(&sunny(4, &mut 100));
    let said = desk.json(&[
        "influx",
        "backfill",
        "--config",
        &config,
        "--from",
        "2014-01-01",
    ]);
    assert_eq!(said[0]["id"], "bes", "{said}");
    assert_eq!(said[0]["dead_letters"], 0, "{said}");
    assert_eq!(said[0]["position"], said[0]["records"]);
    let checked = check(&desk, &config, 0);
    assert_eq!(checked["reads"], 4 * 144);
    assert_eq!(checked["differences"].as_array().unwrap().len(), 0);
    // The day the clocks went forward has 46 half hours; its day and month are there too.
    let of = |measurement: &str| {
        let state = stub.state();
        let all = state.points.iter().filter(|((series, field, _), _)| {
            series.starts_with(measurement)
                && series.contains("point=roof-generation")
                && field == "wh"
        });
        all.map(|((_, _, at), value)| (*at, value.clone()))
            .collect::<Vec<_>>()
    };
    let energy = desk.energy("2014-03-30", "2014-03-30", "day")["total_wh"]
        .as_i64()
        .unwrap();
    let day_start = 1_396_137_600_000;
    assert!(
        of("day").contains(&(day_start, Field::Int(energy))),
        "{:?}",
        of("day")
    );
    let halves = of("interval");
    let inside = halves
        .iter()
        .filter(|(at, _)| (day_start..day_start + 23 * 3_600_000).contains(at));
    assert_eq!(inside.count(), 46);
    // The last hour of 31 March in UTC is the first of April in London.
    assert_eq!(of("month").len(), 2);
    // A second time changes nothing, and a lost point is found and comes back.
    let before = stub.state().points.clone();
    desk.ok(&[
        "influx",
        "backfill",
        "--config",
        &config,
        "--from",
        "2014-01-01",
    ]);
    assert!(stub.state().points == before);
    let lost = before
        .keys()
        .find(|key| key.0.starts_with("read"))
        .unwrap()
        .clone();
    stub.state().points.remove(&lost);
    let checked = check(&desk, &config, 1);
    assert_eq!(
        checked["differences"].as_array().unwrap().len(),
        1,
        "{checked}"
    );
    assert_eq!(checked["differences"][0]["subject"], "M1 2.8.0");
    desk.ok(&[
        "influx",
        "backfill",
        "--config",
        &config,
        "--from",
        "2014-03-28",
    ]);
    check(&desk, &config, 0);
}

#[test]
fn a_real_influxdb_holds_exactly_what_the_journal_says() {
    let program = Program::influxdb();
    shim::make_bucket(program.port, stub::BUCKET);
    let (desk, config) = mirrored(&shim::start(program.port));
    desk.reads(&sunny(4, &mut 100));
    desk.ok(&[
        "influx",
        "backfill",
        "--config",
        &config,
        "--from",
        "2014-01-01",
    ]);
    assert_eq!(check(&desk, &config, 0)["reads"], 4 * 144);
}

#[test]
fn a_late_read_two_values_at_one_instant_and_a_decision_are_followed() {
    let stub = Stub::start();
    let (desk, config) = mirrored(&stub.url);
    let fill = || {
        desk.ok(&[
            "influx",
            "backfill",
            "--config",
            &config,
            "--from",
            "2014-01-01",
        ])
    };
    desk.reads("M1 2014-03-28T10:00:00Z 100\n M1 2014-04-02T10:00:00Z 300");
    fill();
    check(&desk, &config, 0);
    // Days that were split by time change when a read between them comes.
    desk.reads("M1 2014-03-31T10:00:00Z 290\n M1 2014-04-02T10:00:00Z 299");
    check(&desk, &config, 0);
    // Energy that was known goes: two values at one instant are both held.
    let read = "2014-04-02T10:00:00Z";
    let held = desk.json(&[
        "reads",
        "list",
        "--meter",
        "M1",
        "--from",
        "2014-04-02",
        "--to",
        "2014-04-02",
    ]);
    assert_eq!(held.as_array().unwrap().len(), 2, "{held}");
    desk.ok(&[
        "reads",
        "decide",
        "accept",
        "--meter",
        "M1",
        "--register",
        "2.8.0",
        "--at",
        read,
        "--value",
        "300",
        "--reason",
        "as photographed",
        "--as",
        "treasurer",
    ]);
    check(&desk, &config, 0);
}

/// The daemon, until it is dropped.
struct Daemon(Child);

impl Daemon {
    fn start(desk: &Desk, config: &str) -> Daemon {
        let child = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .arg("--data")
            .arg(desk.data())
            .args(["serve", "--config", config])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while !desk.data().join("commonwatt.sock").exists() {
            assert!(Instant::now() < until, "the daemon does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        Daemon(child)
    }
}

impl Daemon {
    /// SIGTERM; it must end cleanly.
    fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "the daemon ended with {status}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn reads_arrive_whatever_the_mirror_does_and_on_return_it_equals_the_journal() {
    let stub = Stub::start();
    let (desk, config) = mirrored(&stub.url);
    let mut daemon = Some(Daemon::start(&desk, &config));
    let table = sunny(9, &mut 100);
    let lines: Vec<&str> = table.lines().collect();
    let moods = [
        Mood::Well,
        Mood::Status(401),
        Mood::Status(413),
        Mood::Status(422),
        Mood::Status(400),
        Mood::Status(503),
        Mood::Garbage,
        Mood::Forgetful,
        Mood::Hang(Duration::from_secs(2)),
    ];
    for (part, mood) in lines.chunks(144).zip(moods) {
        stub.mood(mood.clone());
        let said = desk.reads(&part.join("\n"));
        assert_eq!(said["accepted"], 144, "{mood:?}: {said}");
        std::thread::sleep(Duration::from_millis(700));
        if mood == Mood::Status(422) {
            // Killed in the middle of its trouble, and again on its feet.
            drop(daemon.take());
            let _ = std::fs::remove_file(desk.data().join("commonwatt.sock"));
            daemon = Some(Daemon::start(&desk, &config));
        }
    }
    let said = desk.json(&["influx", "status"]);
    assert_ne!(said[0]["trouble"], Value::Null, "{said}");
    stub.mood(Mood::Well);
    let checked = check(&desk, &config, 0);
    assert_eq!(checked["reads"], 9 * 144);
    let said = desk.json(&["influx", "status"]);
    assert_eq!(said[0]["dead_letters"], 0, "{said}");
    assert_eq!(said[0]["position"], said[0]["records"]);
    daemon.unwrap().stop();
}

#[test]
fn set_up_puts_a_token_for_the_bucket_into_its_file() {
    use std::os::unix::fs::PermissionsExt as _;
    let stub = Stub::start_new();
    let (desk, config) = mirrored(&stub.url);
    let token = desk.path().join("token");
    std::fs::remove_file(&token).unwrap();
    let password = desk.file("password", "long enough\n");
    let said = desk.refused(&["influx", "setup", "--config", &config]);
    assert!(said.contains("--user"), "{said}");
    desk.ok(&[
        "influx",
        "setup",
        "--config",
        &config,
        "--user",
        "operator",
        "--password-file",
        &password,
    ]);
    assert_eq!(std::fs::read_to_string(&token).unwrap().trim(), stub::TOKEN);
    assert_eq!(
        std::fs::metadata(&token).unwrap().permissions().mode() & 0o777,
        0o600
    );
    desk.ok(&[
        "influx",
        "backfill",
        "--config",
        &config,
        "--from",
        "2014-01-01",
    ]);
}

#[test]
fn without_a_mirror_the_commands_say_how_to_have_one() {
    let desk = Desk::plain();
    let said = desk.refused(&["influx", "status"]);
    assert!(said.contains("hint: set [influx] mode"), "{said}");
}
