//! Commands as scripts use them: exit codes, one JSON document, words on stderr, through a daemon
//! or without it.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStderr, Command, Stdio},
};

use super::desk::Desk;

#[test]
fn applying_twice_appends_nothing_and_a_dry_run_changes_nothing() {
    let desk = Desk::plain();
    let file = desk.path().join("society.toml").display().to_string();
    let head = desk.ok(&["head"]);
    assert_eq!(desk.json(&["society", "apply", &file])["applied"], false);
    assert_eq!(desk.ok(&["head"]), head);
    let text = std::fs::read_to_string(&file)
        .unwrap()
        .replace("capacity_kwp = \"37.24\"", "capacity_kwp = \"38.00\"");
    let changed = desk.file("changed.toml", &text);
    let dry = desk.json(&["society", "apply", &changed, "--dry-run"]);
    assert_eq!(dry["differences"][0]["at"], "site roof capacity_kwp");
    assert_eq!(
        (
            dry["differences"][0]["was"].as_str(),
            dry["differences"][0]["now"].as_str()
        ),
        (Some("37.24"), Some("38.00"))
    );
    assert_eq!(desk.ok(&["head"]), head);
    assert_eq!(desk.json(&["society", "apply", &changed])["applied"], true);
    assert_ne!(desk.ok(&["head"]), head);
}

#[test]
fn a_mistake_in_a_society_file_is_named_with_the_nearest_key() {
    let desk = Desk::plain();
    let text = std::fs::read_to_string(desk.path().join("society.toml")).unwrap();
    for (wrong, hint) in [
        (text.replace("capacity_kwp", "capacity_kpw"), "capacity_kwp"),
        (
            text.replace("site = \"roof\"\ncounts", "site = \"rof\"\ncounts"),
            "did you mean `roof`?",
        ),
        (
            text.replace("latitude = \"51.4681\"", "latitude = \"151\""),
            "latitude",
        ),
        (text.replace("\"1404\", ", ""), "expected 12"),
        (text.replace("digits = 9", "digits = 99"), "digits"),
    ] {
        let file = desk.file("wrong.toml", &wrong);
        let said = desk.run(&["society", "apply", &file]);
        assert_eq!(said.code, 1, "{hint}");
        assert!(said.err.contains(hint), "{hint}: {}", said.err);
        assert!(said.out.is_empty(), "words go to stderr");
    }
}

#[test]
fn what_is_unknown_exits_1_and_says_what_there_is() {
    let desk = Desk::plain();
    for args in [
        vec!["reads", "list", "--meter", "M7"],
        vec![
            "energy",
            "--site",
            "rof",
            "--from",
            "2014-01-01",
            "--to",
            "2014-01-02",
        ],
        vec![
            "report",
            "generation",
            "--society",
            "bse",
            "--period",
            "2014",
        ],
        vec![
            "report",
            "generation",
            "--society",
            "bes",
            "--period",
            "junk",
        ],
        vec![
            "meter",
            "rollover",
            "--meter",
            "M1",
            "--at",
            "2014-06-01T10:00:00Z",
            "--as",
            "nobody",
        ],
        vec!["nonsense"],
    ] {
        let said = desk.run(&args);
        assert_eq!(said.code, 1, "{args:?}: {}", said.err);
        assert!(!said.err.is_empty() && said.out.is_empty(), "{args:?}");
    }
}

#[test]
fn a_command_gives_the_same_through_a_running_daemon() {
    let desk = Desk::plain();
    desk.reads("M1 2014-06-01T10:00:00Z 100\nM1 2014-06-01T11:00:00Z 110");
    let alone = desk.energy("2014-06-01", "2014-06-01", "period");
    let config = desk.file(
        "c.toml",
        "[http]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nlisten = \"127.0.0.1:0\"\n",
    );
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
        .args(["serve", "--config", &config, "--data"])
        .arg(desk.data())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the daemon starts");
    let mut lines = BufReader::new(daemon.stderr.take().unwrap()).lines();
    assert!(
        lines.any(|l| l.unwrap_or_default().contains("ready")),
        "the daemon says that it is ready"
    );
    assert_eq!(desk.energy("2014-06-01", "2014-06-01", "period"), alone);
    desk.reads("M1 2014-06-01T12:00:00Z 125");
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 25_000);
    desk.ok(&["verify"]);
    desk.ok(&["rebuild"]);
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 25_000);
    let token = desk.json(&["gateway", "token", "g1"]);
    assert!(token["token"].as_str().unwrap().len() >= 32);
    assert_eq!(desk.json(&["gateway", "list"])[0]["credential"], "token");
    let ended = Command::new("kill")
        .args(["-TERM", &daemon.id().to_string()])
        .status()
        .unwrap();
    assert!(ended.success());
    assert!(daemon.wait().unwrap().success(), "SIGTERM ends it cleanly");
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 25_000);
    assert!(!desk.data().join("commonwatt.sock").exists());
}

/// A daemon on the desk's folder, ready; ended when dropped.
struct Daemon {
    process: Child,
    said: String,
    /// Open as long as it speaks.
    _log: Lines<BufReader<ChildStderr>>,
}

impl Daemon {
    fn on(desk: &Desk) -> Daemon {
        let config = desk.file(
            "d.toml",
            "[http]\nlisten = \"127.0.0.1:0\"\n[mqtt]\nlisten = \"127.0.0.1:0\"\n",
        );
        let mut daemon = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .args(["serve", "--config", &config, "--data"])
            .arg(desk.data())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the daemon starts");
        let mut said = String::new();
        let mut log = BufReader::new(daemon.stderr.take().unwrap()).lines();
        for line in log.by_ref() {
            let line = line.unwrap_or_default();
            said.push_str(&line);
            said.push('\n');
            if line.contains("ready") {
                break;
            }
        }
        Daemon {
            process: daemon,
            said,
            _log: log,
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill")
            .args(["-TERM", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
    }
}

#[test]
fn a_second_daemon_is_told_which_process_holds_the_folder() {
    let desk = Desk::plain();
    let first = Daemon::on(&desk);
    let said = desk.run(&["serve"]);
    assert_eq!(said.code, 1, "{}", said.err);
    let process = format!("process {}", first.process.id());
    for words in [
        &process,
        "commonwatt.sock",
        "hint: one daemon serves a folder",
    ] {
        assert!(said.err.contains(words), "{words}: {}", said.err);
    }
    drop(first);
    for name in ["s/bes/series.sqlite-wal", "s/bes/books.sqlite-wal"] {
        assert!(!desk.data().join(name).exists(), "{name} is left behind");
    }
}

#[test]
fn serving_a_new_folder_says_so_and_a_mistyped_one_is_refused() {
    let desk = Desk::plain();
    std::fs::rename(desk.data(), desk.path().join("kept")).unwrap();
    let daemon = Daemon::on(&desk);
    assert!(
        daemon
            .said
            .contains("was not there; an empty data folder was made"),
        "{}",
        daemon.said
    );
    drop(daemon);
    std::fs::remove_dir_all(desk.data()).unwrap();
    std::fs::create_dir(desk.data()).unwrap();
    let daemon = Daemon::on(&desk);
    assert!(daemon.said.contains("was empty"), "{}", daemon.said);
    drop(daemon);
    std::fs::remove_dir_all(desk.data()).unwrap();
    std::fs::write(desk.data(), "a file").unwrap();
    let err = desk.refused(&["serve"]);
    assert!(err.contains("is a file"), "{err}");
    std::fs::remove_file(desk.data()).unwrap();
    let other = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
        .args(["serve", "--data"])
        .arg(desk.path().join("no/such/data"))
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(1));
    let err = String::from_utf8_lossy(&other.stderr);
    assert!(
        err.contains("does not exist\nhint: is --data mistyped?"),
        "{err}"
    );
    assert!(!desk.path().join("no").exists(), "nothing is made");
}

#[test]
fn what_a_society_file_brings_is_told_in_words() {
    let desk = Desk::plain();
    let text = std::fs::read_to_string(desk.path().join("society.toml")).unwrap();
    let file = desk.file(
        "other.toml",
        &text
            .replace("slug = \"bes\"", "slug = \"other\"")
            .replace("id = \"g1\"", "id = \"g2\""),
    );
    let said = desk.ok(&["society", "apply", &file, "--dry-run"]);
    assert!(
        !said.contains(['{', '[']) && !said.contains("installation"),
        "{said}"
    );
    for line in [
        "gateway g2: new: cadence_s 1800, site roof",
        "officer treasurer: new: role treasurer",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn what_arrived_and_does_not_count_is_listed_with_its_reason() {
    let desk = Desk::plain();
    let before = desk.json(&["messages", "list"]);
    assert_eq!(before, serde_json::json!([]));
    desk.reads(
        "M1 2014-06-01T10:00:00Z 100
         M7 2014-06-01T10:00:00Z 5
         M7 2014-06-01T11:00:00Z 6",
    );
    let listed = desk.json(&["messages", "list"]);
    let stray = &listed[0];
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(stray["what"], "unplaced");
    assert_eq!(
        (stray["meter"].as_str(), stray["reads"].as_u64()),
        (Some("M7"), Some(2))
    );
    assert_eq!(stray["topic"], "reads.csv");
    assert_eq!(stray["gateway"], serde_json::Value::Null);
    assert!(
        stray["begins"].as_str().unwrap().starts_with("M1,2.8.0,"),
        "{stray}"
    );
    assert_eq!(
        desk.json(&["messages", "list", "--undecodable"]),
        serde_json::json!([])
    );
    let old = [
        "messages",
        "list",
        "--from",
        "2014-06-01",
        "--to",
        "2014-06-01",
    ];
    assert_eq!(
        desk.json(&old),
        serde_json::json!([]),
        "by when it reached us"
    );
    let text = desk.ok(&["messages", "list", "--unplaced"]);
    assert!(text.contains("meter `M7` with register `2.8.0`"), "{text}");
}

#[test]
fn a_report_comes_in_every_form() {
    let desk = Desk::plain();
    desk.reads("M1 2014-06-01T00:00:00+01:00 100\nM1 2014-06-02T00:00:00+01:00 110");
    for (format, starts) in [
        ("text", "In June"),
        ("html", "<!"),
        ("svg", "<"),
        ("csv", ""),
        ("json", "{"),
    ] {
        let text = desk.ok(&[
            "report",
            "generation",
            "--society",
            "bes",
            "--period",
            "2014-06",
            "--format",
            format,
        ]);
        assert!(
            text.trim_start()
                .to_lowercase()
                .starts_with(&starts.to_lowercase()),
            "{format}: {}",
            &text[..80.min(text.len())]
        );
        assert!(text.contains("10"), "{format}");
    }
}

#[test]
fn a_later_forecast_never_rewrites_an_earlier_report() {
    let desk = Desk::plain();
    let first = desk.json(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2014",
        "--as-of",
        "2015-01-31",
    ]);
    let text = std::fs::read_to_string(desk.path().join("society.toml")).unwrap()
        + "\n[[forecast]]\nsite = \"roof\"\nversion = 2\npublished = \"2016-01-01\"\nbase_year = 2014\nmonthly_kwh = [\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\",\"1\"]\n";
    let file = desk.file("society.toml", &text);
    desk.ok(&["society", "apply", &file]);
    let again = desk.json(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2014",
        "--as-of",
        "2015-01-31",
    ]);
    assert_eq!(again["forecast_wh"], first["forecast_wh"]);
    let default = [
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2014",
    ];
    assert_eq!(
        desk.json(&default)["forecast_wh"],
        first["forecast_wh"],
        "a year's report stays what it was"
    );
    let later = [&default[..], &["--as-of", "2016-06-01"]].concat();
    assert_eq!(desk.json(&later)["forecast_wh"], 12_000);
}

#[test]
fn the_configuration_in_force_is_printed_as_a_file_or_as_json() {
    let desk = Desk::plain();
    let file = desk.file("c.toml", "[http]\nlisten = \"127.0.0.1:9\"\n");
    let printed = desk.ok(&["config", "check", &file]);
    assert!(
        printed.starts_with("[http]\nlisten = \"127.0.0.1:9\"\n"),
        "{printed}"
    );
    let again = desk.file("again.toml", &printed);
    assert_eq!(desk.ok(&["config", "check", &again]), printed);
    let json = desk.json(&["config", "check", &file]);
    assert_eq!(json["http"]["listen"], "127.0.0.1:9");
}

#[test]
fn an_unknown_register_says_which_there_are_and_nothing_is_guessed_from_afar() {
    let desk = Desk::plain();
    let said = desk.run(&["reads", "list", "--meter", "M1", "--register", "1.8.0"]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("meter `M1` has no register `1.8.0`")
            && said.err.contains("it has `2.8.0`"),
        "{}",
        said.err
    );
    let far = desk.run(&["reads", "list", "--meter", "something-else"]);
    assert!(!far.err.contains("did you mean"), "{}", far.err);
    let near = desk.run(&["reads", "list", "--meter", "M2"]);
    assert!(near.err.contains("did you mean `M1`?"), "{}", near.err);
}

#[test]
fn a_mapping_of_ones_own_is_applied_under_its_own_name() {
    let desk = Desk::plain();
    let society = std::fs::read_to_string(desk.path().join("society.toml")).unwrap();
    let plain = format!("{society}\n[[gateway]]\nid = \"shed\"\nsite = \"roof\"\n");
    desk.ok(&["society", "apply", &desk.file("plain.toml", &plain)]);
    let mine = desk.file(
        "mine.toml",
        "name = \"my-esphome\"\n[[message]]\ntopic = \"{node}/sensor/energy/state\"\npayload = \"number\"\nmeter = \"{node}\"\n[[message.value]]\nunit = \"kWh\"\nquantity = \"energy\"\nkind = \"counter\"\nregister = \"2.8.0\"\n",
    );
    let without = desk.run(&["map", "apply", &mine, "--gateway", "shed"]);
    assert_eq!(without.code, 1);
    assert!(without.err.contains("`--topics FILTER`"), "{}", without.err);
    let apply = [
        "map",
        "apply",
        &mine,
        "--gateway",
        "shed",
        "--topics",
        "shed/#",
    ];
    assert_eq!(desk.json(&apply)["applied"], true);
    assert_eq!(desk.json(&apply)["applied"], false);
    // The file that says the same changes nothing; one that names a mapping nobody has is refused
    // with the way in.
    let named = plain + "mapping = \"my-esphome\"\ntopics = \"shed/#\"\n";
    let file = desk.file("named.toml", &named);
    assert_eq!(desk.json(&["society", "apply", &file])["applied"], false);
    let other = desk.file("other.toml", &named.replace("my-esphome", "my-other"));
    let said = desk.run(&["society", "apply", &other]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("commonwatt map apply FILE.toml"),
        "{}",
        said.err
    );
}

#[test]
fn a_device_that_must_be_asked_is_said_to_need_an_outside_broker() {
    let desk = Desk::plain();
    let society = std::fs::read_to_string(desk.path().join("society.toml")).unwrap();
    let with = format!(
        "{society}\n[[gateway]]\nid = \"venus\"\nsite = \"roof\"\nmapping = \"victron\"\ntopics = \"N/c0619ab/#\"\n"
    );
    let said = desk.run(&["society", "apply", &desk.file("with.toml", &with)]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("`venus`: it falls silent") && said.err.contains("[broker]"),
        "{}",
        said.err
    );
}
