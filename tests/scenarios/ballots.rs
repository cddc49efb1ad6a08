//! Ballots from the call to the recount: members decide, residents share out a fund.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use super::desk::Desk;

/// Today in London, by the machine's own `date`.
pub fn today() -> String {
    let said = Command::new("date")
        .arg("+%F")
        .env("TZ", "Europe/London")
        .output()
        .expect("date runs");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

/// A society with so many members since 2012.
fn with_members(count: u32) -> Desk {
    let desk = Desk::plain();
    let mut csv = String::from("number,name,joined,kind,born\n");
    for n in 1..=count {
        csv.push_str(&format!("{n},Member {n:03},2012-03-01,person,1980-02-29\n"));
    }
    let file = desk.file("members.csv", &csv);
    desk.ok(&["members", "import", &file, "--as", "secretary"]);
    desk
}

fn resolution(desk: &Desk, more: &str) -> String {
    let today = today();
    desk.file(
        "accounts.toml",
        &format!(
            "title = \"Accounts of 2013\"\ntext = \"To take the accounts of 2013 and pay 3 % interest.\"\n\
             electorate = \"members\"\nrecord_day = \"{today}\"\nopens = \"{today}\"\ncloses = \"2099-12-31\"\n\
             quorum = \"10 %\"\nmajority = \"simple\"\nproxy_limit = 2\n{more}"
        ),
    )
}

/// The voting codes by elector.
fn codes(desk: &Desk, ballot: &str) -> BTreeMap<u32, String> {
    let said = desk.ok(&["--as", "secretary", "ballot", "codes", ballot]);
    let line = |line: &str| {
        let (elector, code) = line.split_once(',').expect("elector,code");
        (elector.parse().expect("a number"), code.to_owned())
    };
    said.lines().skip(1).map(line).collect()
}

fn vote(desk: &Desk, ballot: &str, code: &str, choice: &str) -> String {
    let args = ["ballot", "vote", ballot, "--code", code, "--choice", choice];
    desk.ok(&args).trim().to_owned()
}

/// Whether these bytes stand in any file below the folder.
pub fn stands_in(folder: &Path, bytes: &[u8]) -> bool {
    fs::read_dir(folder).expect("a folder").any(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            return stands_in(&path, bytes);
        }
        let file = fs::read(&path).unwrap_or_default();
        file.windows(bytes.len()).any(|part| part == bytes)
    })
}

fn recount(desk: &Desk, ballot: &str) {
    let published = desk.file("published.json", &desk.ok(&["ballot", "publish", ballot]));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/recount.py");
    let count = |file: &str| {
        let said = Command::new("python3").args([script, file]).output();
        said.expect("python3 runs").status.success()
    };
    assert!(count(&published), "the recount differs");
    // The control: one paper changed, and the recount differs.
    let text = fs::read_to_string(&published).unwrap();
    let changed = text.replacen("\"choice\": \"abstain\"", "\"choice\": \"against\"", 1);
    let changed = changed.replacen("garden=2000", "garden=1999", 1);
    assert_ne!(text, changed);
    assert!(!count(&desk.file("changed.json", &changed)));
}

#[test]
fn of_114_members_113_are_for_and_one_abstains_and_anybody_can_count_again() {
    let desk = with_members(114);
    let file = resolution(&desk, "");
    desk.ok(&["--as", "secretary", "ballot", "call", &file]);
    let codes = codes(&desk, "1");
    assert_eq!(codes.len(), 114);
    // Members 2 and 3 cannot come and let member 1 vote; a third is one too many.
    let proxy = |elector: &str, holder: &str| {
        desk.run(&[
            "--as",
            "secretary",
            "ballot",
            "proxy",
            "1",
            "--elector",
            elector,
            "--holder",
            holder,
        ])
    };
    assert_eq!((proxy("2", "1").code, proxy("3", "1").code), (0, 0));
    let third = proxy("4", "1");
    assert!(third.err.contains("ballot `1` allows 2"), "{}", third.err);
    let own = vote(&desk, "1", &codes[&1], "abstain");
    for elector in ["2", "3"] {
        let args = [
            "ballot",
            "vote",
            "1",
            "--code",
            &codes[&1],
            "--choice",
            "for",
            "--on-behalf",
        ];
        desk.ok(&[&args[..], &[elector]].concat());
    }
    let foreign = desk.refused(&[
        "ballot",
        "vote",
        "1",
        "--code",
        &codes[&1],
        "--choice",
        "for",
        "--on-behalf",
        "9",
    ]);
    assert!(foreign.contains("no proxy of elector `9`"), "{foreign}");
    for elector in 4..=54 {
        vote(&desk, "1", &codes[&elector], "for");
    }
    let again = [
        "ballot", "vote", "1", "--code", &codes[&1], "--choice", "for",
    ];
    let again = desk.refused(&again);
    assert!(again.contains("a vote is cast once"), "{again}");
    let unknown = [
        "ballot",
        "vote",
        "1",
        "--code",
        "ABCD ABCD ABCD ABCD",
        "--choice",
        "for",
    ];
    assert!(desk.refused(&unknown).contains("no voting code"));
    let early = desk.refused(&["--as", "secretary", "ballot", "close", "1"]);
    assert!(early.contains("54 of 114"), "{early}");
    // Sixty voted on paper; two officers enter them, and one who reads something else is told.
    let voters = (55..=114)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(",");
    let paper = |by: &str, votes_for: usize, against: usize| {
        let mut args = vec!["--as", by, "ballot", "paper", "1", "--voters", &voters];
        args.extend(["--choice", "for"].repeat(votes_for));
        args.extend(["--choice", "against"].repeat(against));
        desk.run(&args)
    };
    assert_eq!(paper("secretary", 60, 0).code, 0);
    assert!(
        paper("secretary", 60, 0)
            .err
            .contains("entered papers that wait")
    );
    let differs = paper("treasurer", 59, 1);
    assert!(
        differs.err.contains("what stands on the papers"),
        "{}",
        differs.err
    );
    let waits = desk.refused(&["--as", "secretary", "ballot", "close", "1"]);
    assert!(waits.contains("54 of 114"), "{waits}");
    assert_eq!(paper("treasurer", 60, 0).code, 0);
    // While it is open nothing of a vote can be read in the data folder, and the paper says nothing.
    assert!(!stands_in(&desk.data(), own.as_bytes()));
    assert!(!stands_in(&desk.data(), b"abstain"));
    assert!(
        desk.ok(&["ballot", "check", "1", &own])
            .contains("in the box")
    );
    let published = desk.refused(&["ballot", "publish", "1"]);
    assert!(published.contains("not closed"), "{published}");
    let copy = fs::read(desk.data().join("s/bes/ballots/1")).expect("the box");
    let closed = desk.json(&["--as", "secretary", "ballot", "close", "1"]);
    let expected = serde_json::json!({
        "voters": 114, "needed": 12, "for": 113, "against": 0, "abstain": 1, "carried": true,
    });
    assert_eq!(closed["tally"], expected);
    let found = desk.ok(&["ballot", "check", "1", &own]);
    assert!(found.contains("counted: abstain"), "{found}");
    // The box and its key are gone: a copy of the box opens nothing.
    assert!(!desk.data().join("s/bes/ballots/1").exists());
    assert!(!desk.path().join("data.keys/ballot-bes-1.key").exists());
    assert!(!copy.is_empty());
    let late = [
        "ballot", "vote", "1", "--code", &codes[&1], "--choice", "for",
    ];
    assert!(desk.refused(&late).contains("took votes until"));
    recount(&desk, "1");
    // Who voted and what was voted stand apart, each sorted, and come back from the journal alone.
    let whole = desk.json(&["ballot", "publish", "1"]);
    desk.ok(&["rebuild"]);
    assert_eq!(desk.json(&["ballot", "publish", "1"]), whole);
    desk.ok(&["verify"]);
}

#[test]
fn seventy_of_a_panel_share_out_ten_thousand_pounds() {
    let desk = Desk::plain();
    let today = today();
    let call = desk.file(
        "panel.toml",
        &format!(
            "title = \"Young people's panel\"\ntext = \"How the fund's £10,000 are used.\"\nsample = true\n\
             electorate = \"residents\"\nrecord_day = \"{today}\"\nopens = \"{today}\"\ncloses = \"2099-12-31\"\n\
             quorum = \"20\"\nages = \"11..24\"\nresidence = \"Loughborough Estate\"\npot_pounds = \"10000\"\n\
             [[option]]\nid = \"surveys\"\nname = \"Energy surveys\"\nlimit_pounds = \"6000\"\n\
             [[option]]\nid = \"interns\"\nname = \"Paid internships\"\nlimit_pounds = \"5000\"\n\
             [[option]]\nid = \"garden\"\nname = \"A garden\"\nlimit_pounds = \"2000\"\n"
        ),
    );
    let mut list = String::from("number,age,residence\n");
    for n in 1..=100 {
        let (age, residence) = match n {
            1..=70 => (11 + n % 14, "Loughborough Estate"),
            71..=85 => (40, "Loughborough Estate"),
            _ => (15, "Angell Town"),
        };
        list.push_str(&format!("{n},{age},{residence}\n"));
    }
    let list = desk.file("panel.csv", &list);
    let no_list = desk.refused(&["--as", "secretary", "ballot", "call", &call]);
    assert!(no_list.contains("--list"), "{no_list}");
    let called = desk.json(&[
        "--as",
        "secretary",
        "ballot",
        "call",
        &call,
        "--list",
        &list,
    ]);
    assert_eq!(
        (&called["of"], &called["sample"], &called["list"]["chosen"]),
        (
            &70.into(),
            &true.into(),
            &"aged 11 to 24 of Loughborough Estate".into()
        )
    );
    let codes = codes(&desk, "1");
    let beyond = [
        "ballot",
        "vote",
        "1",
        "--code",
        &codes[&1],
        "--choice",
        "garden=2001",
    ];
    assert!(desk.refused(&beyond).contains("limit is £2,000.00"));
    for (elector, code) in &codes {
        let choice = match elector % 3 {
            0 => "surveys=6000,interns=4000",
            1 => "interns=5000,garden=2000",
            _ => "surveys=1000",
        };
        vote(&desk, "1", code, choice);
    }
    let closed = desk.ok(&["--as", "secretary", "ballot", "close", "1"]);
    // 23 gave surveys £6,000 and 23 £1,000; 23 and 24 gave interns £4,000 and £5,000; 24 a garden £2,000.
    for line in [
        "£2,300.00  surveys",
        "£3,028.57  interns",
        "£685.71  garden",
        "£3,985.72  stays",
    ] {
        assert!(closed.contains(line), "{closed}");
    }
    assert!(
        closed.contains("does not bind the society") && closed.contains("SAMPLE"),
        "{closed}"
    );
    recount(&desk, "1");
}

#[test]
fn a_death_ends_a_vote_and_a_ballot_that_was_given_up_leaves_nothing() {
    let desk = with_members(5);
    let file = resolution(&desk, "");
    for (from, to, what) in [
        (
            "majority = \"simple\"",
            "majority = \"most\"",
            "is no majority",
        ),
        ("quorum = \"10 %\"", "quorum = \"many\"", "is no quorum"),
        (
            "electorate = \"members\"",
            "electorate = \"all\"",
            "is no electorate",
        ),
        ("proxy_limit", "proxi_limit", "proxy_limit"),
        ("record_day = \"2", "record_day = \"9", "still to come"),
    ] {
        let text = fs::read_to_string(&file).unwrap().replacen(from, to, 1);
        let wrong = desk.file("wrong.toml", &text);
        let said = desk.refused(&["--as", "secretary", "ballot", "call", &wrong]);
        assert!(said.contains(what), "{said}");
    }
    desk.ok(&["--as", "secretary", "ballot", "call", &file]);
    let codes = codes(&desk, "1");
    let anew = desk.ok(&[
        "--as",
        "secretary",
        "ballot",
        "codes",
        "1",
        "--elector",
        "2",
    ]);
    let old = [
        "ballot", "vote", "1", "--code", &codes[&2], "--choice", "for",
    ];
    assert!(desk.refused(&old).contains("no voting code"));
    let new = anew.trim().rsplit(',').next().expect("a code");
    vote(&desk, "1", new, "against");
    let today = today();
    desk.ok(&["--as", "secretary", "members", "died", "3", "--on", &today]);
    let dead = [
        "ballot", "vote", "1", "--code", &codes[&3], "--choice", "for",
    ];
    assert!(desk.refused(&dead).contains("has died"));
    let few = [
        "--as",
        "secretary",
        "ballot",
        "paper",
        "1",
        "--voters",
        "4",
        "--choice",
        "for",
    ];
    assert!(desk.refused(&few).contains("3 at a time"));
    let cancel = [
        "--as",
        "secretary",
        "ballot",
        "cancel",
        "1",
        "--reason",
        "a wrong figure",
    ];
    desk.ok(&cancel);
    assert!(!desk.data().join("s/bes/ballots/1").exists());
    let late = [
        "ballot", "vote", "1", "--code", &codes[&1], "--choice", "for",
    ];
    assert!(desk.refused(&late).contains("was cancelled"));
    let listed = desk.json(&["ballot", "list"]);
    assert_eq!(
        (&listed[0]["state"], &listed[0]["voted"]),
        (&"cancelled".into(), &0.into())
    );
    desk.ok(&["--as", "secretary", "ballot", "call", &file]);
    assert_eq!(desk.json(&["ballot", "show", "2"])["state"], "open");
    // A restored folder has no box: the list says so, and the ballot can be given up.
    fs::remove_file(desk.data().join("s/bes/ballots/2")).expect("the box");
    let listed = desk.json(&["ballot", "list"]);
    assert!(listed[1]["voted"].is_null(), "{listed}");
    assert!(
        desk.ok(&["ballot", "show", "2"])
            .contains("its box is not here")
    );
    desk.ok(&[
        "--as",
        "secretary",
        "ballot",
        "cancel",
        "2",
        "--reason",
        "the machine was lost",
    ]);
}
