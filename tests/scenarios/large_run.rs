//! Twenty thousand members: a run and a payment order whose notes do not fit one record of the
//! journal, from the preview to the bank's report.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::json;

use super::desk::Desk;

const MEMBERS: u32 = 20_000;

const TERMS: &str = r#"
[[officer]]
id = "chair"
role = "chair"

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"

[[interest]]
class = "ordinary"
from = "2012-01-01"
maximum = "7"

[payments]
name = "Test Society"
sort_code = "112233"
account = "44556677"
"#;

/// Twenty thousand members with £250 to £1,249 each, paid by bank.
fn society() -> Desk {
    let desk = Desk::plain();
    let text = fs::read_to_string(desk.path().join("society.toml")).expect("the society file");
    desk.ok(&[
        "society",
        "apply",
        &desk.file("society.toml", &(text + TERMS)),
    ]);
    let mut members = String::from("number,name,kind,joined,payment,sort_code,account\n");
    let mut shares = String::from("member,class,on,shares,kind\n");
    for n in 1..=MEMBERS {
        writeln!(
            members,
            "{n},Member {n:05},person,2012-02-20,bank,101010,{n:08}"
        )
        .unwrap();
        writeln!(shares, "{n},ordinary,2012-02-20,{},issue", 250 + n % 1_000).unwrap();
    }
    let members = desk.file("members.csv", &members);
    desk.ok(&["--as", "treasurer", "members", "import", &members]);
    let shares = desk.file("shares.csv", &shares);
    desk.ok(&["--as", "treasurer", "shares", "import", &shares]);
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    desk
}

/// Records in the journal.
fn records(desk: &Desk) -> i64 {
    let heads = desk.json(&["head"]);
    let mut heads = heads.as_array().expect("heads").iter();
    let own = heads
        .find(|head| head["society"] == "bes")
        .expect("its head");
    own["size"].as_i64().expect("a size")
}

#[test]
fn twenty_thousand_members_are_paid_from_the_preview_to_the_banks_report() {
    let desk = society();
    let of = ["--period", "2013", "--rate", "3.25"];
    let by = |officer: &str, args: &[&str]| {
        let all = [&["--as", officer], args].concat();
        desk.json(&all)
    };
    let preview = desk.json(&[&["interest", "preview"], of.as_slice()].concat());
    let lines = preview["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), MEMBERS as usize);
    // £250 at 3.25 % is £8.13, £1,249 is £40.59; each once rounded, and the total is their sum.
    let expected: i64 = (1..=i64::from(MEMBERS))
        .map(|n| ((250 + n % 1_000) * 325 + 50) / 100)
        .sum();
    assert_eq!(preview["total_pence"], expected);
    let before = records(&desk);
    let prepared = by(
        "treasurer",
        &[&["interest", "prepare"], of.as_slice()].concat(),
    );
    assert_eq!(prepared["lines"], preview["lines"]);
    let hash = prepared["run_hash"].as_str().expect("a hash").to_owned();
    // Two megabytes of lines: parts, and the record that closes them.
    assert!(records(&desk) - before > 3, "{}", records(&desk) - before);
    desk.ok(&[
        "--as", "chair", "interest", "approve", "--run", "1", "--hash", &hash,
    ]);
    let frozen = by("treasurer", &["interest", "freeze", "--run", "1"]);
    assert_eq!(
        (&frozen["state"], &frozen["run_hash"]),
        (&json!("frozen"), &json!(hash))
    );
    assert_eq!(
        frozen["lines"], preview["lines"],
        "preview bytes are the frozen bytes"
    );
    let head = desk.ok(&["head"]);
    desk.ok(&["--as", "treasurer", "interest", "freeze", "--run", "1"]);
    assert_eq!(desk.ok(&["head"]), head, "twice is once");

    // Made again from the journal, it is the same to the last line.
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    let again = desk.json(&["interest", "show", "--run", "1"]);
    assert_eq!(
        (&again["state"], &again["run_hash"], &again["lines"]),
        (&frozen["state"], &frozen["run_hash"], &frozen["lines"])
    );

    desk.ok(&[
        "--as",
        "treasurer",
        "statements",
        "--run",
        "1",
        "--format",
        "text",
        "--out",
        "out",
        "--member",
        "1",
        "--member",
        "20000",
    ]);
    let told: Vec<String> = fs::read_dir(desk.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert_eq!(told.len(), 2);
    assert!(
        told.iter()
            .any(|text| text.contains("Member 20000") && text.contains("£8.13"))
    );
    assert!(
        told.iter().all(|text| text.contains(&hash[..12])),
        "{}",
        told[0]
    );

    // One order for all of them, by the bank's file.
    let order = by(
        "treasurer",
        &[
            "payments",
            "prepare",
            "--run",
            "1",
            "--profile",
            "by-hand",
            "--on",
            "2014-05-01",
        ],
    );
    assert_eq!(
        (&order["count"], &order["control_sum_pence"]),
        (&json!(MEMBERS), &json!(expected))
    );
    let hash = order["order_hash"].as_str().expect("a hash").to_owned();
    desk.ok(&[
        "--as", "chair", "payments", "approve", "--order", "1", "--hash", &hash,
    ]);
    let file = by(
        "treasurer",
        &[
            "payments",
            "file",
            "--run",
            "1",
            "--profile",
            "by-hand",
            "--out",
            "bank.csv",
        ],
    );
    assert_eq!(file["count"], json!(MEMBERS));
    desk.ok(&["payments", "check", "bank.csv", "--order", "1"]);

    // The bank says that one came back; the same report twice changes nothing.
    let shown = desk.json(&["payments", "show", "--order", "1"]);
    let references: BTreeSet<&str> = shown["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["reference"].as_str().unwrap())
        .collect();
    assert_eq!(references.len(), MEMBERS as usize);
    let mut report = String::from("reference,outcome,date,reason\n");
    for reference in references {
        match reference.ends_with("-777") {
            true => writeln!(report, "{reference},returned,2014-05-02,account closed").unwrap(),
            false => writeln!(report, "{reference},paid,2014-05-01,").unwrap(),
        }
    }
    let report = desk.file("report.csv", &report);
    let args = [
        "--as",
        "treasurer",
        "payments",
        "report",
        &report,
        "--order",
        "1",
    ];
    desk.ok(&args);
    let head = desk.ok(&["head"]);
    desk.ok(&args);
    assert_eq!(desk.ok(&["head"]), head, "twice is once");
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    let owed = desk.json(&["payments", "owed", "--run", "1"]);
    let open: Vec<(u64, i64)> = owed
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["open_pence"].as_i64().unwrap() != 0)
        .map(|line| {
            (
                line["member"].as_u64().unwrap(),
                line["open_pence"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(open, [(777, (1_027 * 325 + 50) / 100)]);
}
