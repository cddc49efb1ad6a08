//! The interest run through the command line: prepared by one officer, approved by another, frozen,
//! voided and replaced; and worked out again in Python, which shares no code.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::desk::Desk;

const TERMS: &str = r#"
[[officer]]
id = "chair"
role = "chair"

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"

[[share_class]]
id = "later"
name = "Shares of the second offer"
par_pounds = "50"

[[interest]]
class = "ordinary"
from = "2012-01-01"
maximum = "7"
rule = { index = "RPI", margin = "3.5", cap = "7" }
source = "rule 12"

[[interest]]
class = "later"
from = "2012-01-01"
maximum = "4"
days = "whole-months"
after_death = "nothing"
"#;

const MEMBERS: &str = "number,name,kind,joined\n\
    1,Member 001,person,2012-02-20\n\
    2,Member 002,person,2012-02-20\n\
    3,Member 003,organisation,2012-02-20\n";

const SHARES: &str = "member,class,on,shares,kind\n\
    1,ordinary,2012-02-20,1000,issue\n\
    2,ordinary,2012-02-20,250,issue\n\
    2,later,2013-07-01,3,issue\n\
    3,ordinary,2012-02-20,5000,issue\n\
    3,ordinary,2013-04-11,-2500,withdrawal\n";

/// A society with two share classes and its roll.
fn society(terms: &str, members: &str, shares: &str) -> Desk {
    let desk = Desk::plain();
    let path = desk.path().join("society.toml");
    let text = std::fs::read_to_string(path).expect("the society file");
    let file = desk.file("society.toml", &(text + terms));
    desk.ok(&["society", "apply", &file]);
    let members = desk.file("members.csv", members);
    desk.ok(&["--as", "treasurer", "members", "import", &members]);
    let shares = desk.file("shares.csv", shares);
    desk.ok(&["--as", "treasurer", "shares", "import", &shares]);
    desk
}

fn by<'a>(officer: &'a str, args: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["--as", officer, "interest"];
    all.extend(args);
    all
}

fn pence(run: &Value) -> Vec<(u64, String, i64)> {
    let lines = run["lines"].as_array().expect("lines").iter();
    lines
        .map(|line| {
            (
                line["member"].as_u64().unwrap(),
                line["class"].as_str().unwrap().to_owned(),
                line["pence"].as_i64().unwrap(),
            )
        })
        .collect()
}

const RATES: [&str; 8] = [
    "--period",
    "2013",
    "--rate",
    "ordinary=4.7",
    "--rate",
    "later=4",
    "--published",
    "RPI=1.2",
];

#[test]
fn a_run_is_prepared_approved_by_another_frozen_voided_and_replaced() {
    let desk = society(TERMS, MEMBERS, SHARES);
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    let of = |what: &'static str| {
        let mut args = vec![what];
        args.extend(RATES);
        args.extend(["--published-source", "ONS, December 2012"]);
        args
    };
    let line = |member, class: &str, pence| (member, class.to_owned(), pence);
    let mut preview = vec!["interest"];
    preview.extend(of("preview"));
    let seen = desk.json(&preview);
    // 5,000 for 100 days and 2,500 for 265, at 4.7 %; £150 for six months at 4 %.
    assert_eq!(
        pence(&seen),
        [
            line(1, "ordinary", 4_700),
            line(2, "ordinary", 1_175),
            line(2, "later", 300),
            line(3, "ordinary", 14_969),
        ]
    );
    assert_eq!(seen["total_pence"], 4_700 + 1_175 + 300 + 14_969);
    assert_eq!(seen["declared_pence"], seen["total_pence"]);
    let prepared = desk.json(&by("treasurer", &of("prepare")));
    assert_eq!(prepared["lines"], seen["lines"]);
    let hash = prepared["run_hash"].as_str().unwrap();
    let approve = ["approve", "--run", "1", "--hash", hash];
    let same = desk.refused(&by("treasurer", &approve));
    assert!(same.contains("expected another officer"), "{same}");
    let other = desk.refused(&by("chair", &["approve", "--run", "1", "--hash", "00"]));
    assert!(other.contains("interest show --run 1"), "{other}");
    let early = desk.refused(&by("treasurer", &["freeze", "--run", "1"]));
    assert!(early.contains("run 1 is prepared"), "{early}");
    desk.ok(&by("chair", &approve));
    let frozen = desk.json(&by("treasurer", &["freeze", "--period", "2013"]));
    assert_eq!(
        (&frozen["state"], &frozen["run_hash"]),
        (&json!("frozen"), &json!(hash))
    );
    assert_eq!(
        frozen["lines"], seen["lines"],
        "preview bytes are the frozen bytes"
    );
    let head = desk.ok(&["head"]);
    desk.ok(&by("treasurer", &["freeze", "--run", "1"]));
    assert_eq!(desk.ok(&["head"]), head, "twice is once");
    // The books owe it to members, and the entry names the run.
    let owed = desk.json(&["accounts", "account", "2300"]);
    assert_eq!(owed["lines"][0]["pence"], -21_144);
    assert_eq!(owed["lines"][0]["source"], "run:1");
    let by_hand = desk.refused(&[
        "--as",
        "treasurer",
        "accounts",
        "reverse",
        "1",
        "--on",
        "2014-01-01",
        "--reason",
        "x",
    ]);
    assert!(by_hand.contains("interest void"), "{by_hand}");
    // The days are taken, and nothing moves inside them.
    let again = desk.refused(&by("treasurer", &of("prepare")));
    assert!(again.contains("run 1 has covered `ordinary`"), "{again}");
    let gap = desk.refused(&[
        "interest",
        "preview",
        "--period",
        "2015",
        "--rate",
        "1",
        "--published",
        "RPI=1.2",
        "--published-source",
        "ONS",
    ]);
    assert!(gap.contains("2014-01-01` to `2014-12-31"), "{gap}");
    let late = desk.file(
        "late.csv",
        "member,class,on,shares,kind\n1,ordinary,2013-12-30,500,issue\n",
    );
    let inside = desk.refused(&["--as", "treasurer", "shares", "import", &late]);
    assert!(inside.contains("interest run 1 has frozen"), "{inside}");
    // Voided in the open; the next run of these days names it.
    desk.ok(&by(
        "treasurer",
        &["void", "--run", "1", "--reason", "wrong rate"],
    ));
    assert_eq!(
        desk.json(&["accounts", "account", "2300"])["lines"][1]["pence"],
        21_144
    );
    let unnamed = desk.refused(&by("treasurer", &of("prepare")));
    assert!(unnamed.contains("--replaces 1"), "{unnamed}");
    let mut names = of("prepare");
    names.extend(["--replaces", "1"]);
    let second = desk.json(&by("chair", &names));
    assert_eq!(
        (&second["run"], &second["replaces"]),
        (&json!(2), &json!(1))
    );
    let hash = second["run_hash"].as_str().unwrap();
    desk.ok(&by("treasurer", &["approve", "--run", "2", "--hash", hash]));
    // What changes between approval and freeze is found, with the member it is about.
    desk.ok(&["--as", "treasurer", "shares", "import", &late]);
    let changed = desk.refused(&by("chair", &["freeze", "--run", "2"]));
    assert!(changed.contains("member 1 had £47.00"), "{changed}");
    let runs = desk.json(&["interest", "list"]);
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(desk.json(&["interest", "list"]), runs);
}

#[test]
fn a_rate_above_the_rule_or_the_maximum_is_refused() {
    let desk = society(TERMS, MEMBERS, SHARES);
    let wrong = |args: &[&str]| {
        let mut all = vec!["interest", "preview", "--period", "2013"];
        all.extend(args);
        desk.refused(&all)
    };
    let published = ["--published", "RPI=7.5", "--published-source", "ONS"];
    let with = |rates: &[&'static str]| [rates, published.as_slice()].concat();
    let above = wrong(&with(&["--rate", "ordinary=7.1", "--rate", "later=4"]));
    assert!(above.contains("above the maximum of `7 %`"), "{above}");
    assert!(above.contains("hint: lean years"), "{above}");
    let above = wrong(&with(&["--rate", "ordinary=7", "--rate", "later=4.01"]));
    assert!(above.contains("share class `later`"), "{above}");
    let unknown = wrong(&["--rate", "4"]);
    assert!(unknown.contains("the rule needs RPI"), "{unknown}");
    let lacking = wrong(&with(&["--rate", "ordinary=4"]));
    assert!(lacking.contains("--rate later=PERCENT"), "{lacking}");
    let pot = wrong(&["--pot", "100000000"]);
    assert!(pot.contains("above the"), "{pot}");
    let early = desk.refused(&["interest", "preview", "--period", "2011", "--rate", "1"]);
    assert!(
        early.contains("no terms of share class `ordinary` are in force on 2011-01-01"),
        "{early}"
    );
    let policy = desk.refused(&by(
        "treasurer",
        &[
            "prepare",
            "--period",
            "2013",
            "--pot",
            "100",
            "--policy",
            "actual/actual",
        ],
    ));
    assert!(policy.contains("--policy is to look at"), "{policy}");
}

/// What Python makes of a run.
fn recomputed(case: &Value) -> Vec<(u64, String, i64)> {
    let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/interest.py");
    let mut child = Command::new(&python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("`{python}`: {e}; install Python 3.11 or later"));
    let stdin = child.stdin.take().expect("stdin");
    { stdin }
        .write_all(case.to_string().as_bytes())
        .expect("written");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "the recomputation failed");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn forty_members_over_leap_years_come_out_as_in_python() {
    // A small generator of its own, so that the roll is the same every time.
    let mut state = 2013_u64;
    let mut dice = |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut members = String::from("number,name,kind,joined\n");
    let mut shares = String::from("member,class,on,shares,kind\n");
    let mut movements = Vec::new();
    for member in 1..=40_u64 {
        members.push_str(&format!("{member},Member {member:03},person,2018-01-01\n"));
        for class in ["ordinary", "later"] {
            let mut held = 0;
            for year in 2018..=2021 {
                let on = match dice(4) {
                    0 => format!("{year}-02-28"),
                    1 if year == 2020 => "2020-02-29".to_owned(),
                    1 => format!("{year}-12-31"),
                    _ => format!("{year}-{:02}-{:02}", 1 + dice(12), 1 + dice(28)),
                };
                let (moved, kind) = match dice(3) {
                    0 if held > 0 => (-(1 + dice(held) as i64), "withdrawal"),
                    // £50 a share: the law's £100,000 for one member is far.
                    _ => (1 + dice(300) as i64, "issue"),
                };
                held = held.checked_add_signed(moved).unwrap();
                shares.push_str(&format!("{member},{class},{on},{moved},{kind}\n"));
                movements.push(json!([member, class, on, moved]));
            }
        }
    }
    let terms = |days: &str, ends: [&str; 2], rounding: &str| {
        let rule =
            "rule = { index = \"RPI\", margin = \"3.5\", cap = \"7\" }\nsource = \"rule 12\"";
        TERMS.replace(
            rule,
            &format!(
                "days = \"{days}\"\nissue_day = \"{}\"\nleaving_day = \"{}\"\nrounding = \"{rounding}\"",
                ends[0], ends[1]
            ),
        )
    };
    let desk = society(
        &terms("actual/365", ["in", "out"], "half-away"),
        &members,
        &shares,
    );
    for (days, ends, rounding) in [
        ("actual/365", ["in", "out"], "half-away"),
        ("actual/365", ["out", "in"], "down"),
        ("actual/actual", ["in", "in"], "half-away"),
        ("record-day", ["out", "out"], "half-away"),
    ] {
        let base = std::fs::read_to_string(desk.path().join("society.toml")).unwrap();
        let base = base
            .split("\n[[officer]]\nid = \"chair\"")
            .next()
            .unwrap()
            .to_owned();
        let file = desk.file("society.toml", &(base + &terms(days, ends, rounding)));
        desk.ok(&["society", "apply", &file]);
        for (first, last, declared) in [
            ("2020-01-01", "2020-12-31", None),
            ("2019-04-01", "2022-03-31", None),
            ("2020-01-01", "2020-12-31", Some("123457")),
        ] {
            let period = format!("{first}..{last}");
            let mut args = vec!["interest", "preview", "--period", &period];
            match declared {
                Some(pot) => args.extend(["--pot", pot]),
                None => args.extend(["--rate", "ordinary=3.333333", "--rate", "later=2.75"]),
            }
            let ours = desk.json(&args);
            let class = |class: &str, par, days, ends: [&str; 2], rounding, rate| {
                json!({
                    "class": class, "par": par, "days": days, "issue": ends[0],
                    "leaving": ends[1], "rounding": rounding, "rate": rate, "year": 1,
                })
            };
            let case = json!({
                "first": first,
                "last": last,
                "pot": declared.map(|pot: &str| pot.parse::<i64>().unwrap()),
                "classes": [
                    class("ordinary", 100, days, ends, rounding, "3.333333"),
                    class("later", 5_000, "whole-months", ["in", "out"], "half-away", "2.75"),
                ],
                "movements": movements,
            });
            let paid: Vec<_> = pence(&ours)
                .into_iter()
                .filter(|line| line.2 != 0)
                .collect();
            assert!(paid.len() > 40, "{days}: {} lines", paid.len());
            assert_eq!(paid, recomputed(&case), "{days} {period}");
        }
    }
}

#[test]
fn a_projection_is_printed_from_its_file() {
    let desk = Desk::plain();
    let of = |name: &str| format!("{}/config/projections/{name}", env!("CARGO_MANIFEST_DIR"));
    let chase = desk.ok(&["projection", &of("chase.toml")]);
    assert!(
        chase.starts_with("SAMPLE Projection of Chase Community Solar, years 1 to 20"),
        "{chase}"
    );
    let income = chase
        .lines()
        .find(|line| line.trim().starts_with("income "))
        .unwrap();
    let cells: Vec<&str> = income.split_whitespace().skip(1).collect();
    assert_eq!(
        cells,
        ["149", "153", "156", "160", "164", "877", "2085", "3744"]
    );
    let harborough = desk.json(&["projection", &of("harborough.toml")]);
    assert_eq!(harborough["years"][2]["member_interest"], "5988.00");
    assert_eq!(harborough["years"][20]["year"], 20);
    let wrong = desk.file(
        "wrong.toml",
        "name = \"x\"\nyears = 2\nincome = \"1,000\"\ncosts = \"1\"\n",
    );
    let said = desk.refused(&["projection", &wrong]);
    assert!(
        said.contains("income is `1,000`; expected a number"),
        "{said}"
    );
}
