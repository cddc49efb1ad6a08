//! The roll and the shares through the command line: a register imported, rebuilt, moved, refused.

use std::fs;

use report::sheet::{Cell, Table};
use serde_json::Value;

use super::desk::Desk;

fn demo(name: &str) -> String {
    let path = format!("{}/config/demo/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(path).expect("a demo file")
}

/// A CSV file as a workbook, as a treasurer would have it.
fn workbook(desk: &Desk, name: &str, text: &str) -> String {
    let mut rows = text.lines().map(|line| {
        let cells = line.split(',').map(|cell| match cell.parse::<i64>() {
            Ok(number) => Cell::Number(number),
            Err(_) => Cell::Text(cell.to_owned()),
        });
        cells.collect::<Vec<_>>()
    });
    let head = rows.next().expect("headings");
    let table = Table {
        name: "Roll",
        head: head
            .into_iter()
            .map(|cell| match cell {
                Cell::Text(text) => text,
                other => panic!("{other:?}"),
            })
            .collect(),
        rows: rows.collect(),
    };
    let path = desk.path().join(name);
    fs::write(&path, table.to_xlsx().expect("a workbook")).expect("written");
    path.display().to_string()
}

/// Brixton Energy Solar 1 with its sample roll, imported from workbooks.
fn bes1() -> Desk {
    let desk = Desk::empty();
    let file = desk.file("bes1.toml", &demo("bes1.toml"));
    desk.ok(&["society", "apply", &file]);
    let members = workbook(&desk, "members.xlsx", &demo("bes1-members.csv"));
    let shares = workbook(&desk, "shares.xlsx", &demo("bes1-shares.csv"));
    let preview = desk.json(&[
        "members",
        "import",
        &members,
        "--preview",
        "--as",
        "secretary",
    ]);
    assert_eq!(
        (&preview["members"], &preview["kept"]),
        (&103.into(), &false.into())
    );
    assert!(
        desk.json(&["members", "list"])
            .as_array()
            .unwrap()
            .is_empty()
    );
    desk.ok(&["members", "import", &members, "--as", "secretary"]);
    let made = desk.json(&["shares", "import", &shares, "--as", "secretary"]);
    assert_eq!(
        (&made["movements"], &made["pence"]),
        (&105.into(), &5_800_000.into())
    );
    desk
}

fn held(desk: &Desk, on: &str) -> Value {
    desk.json(&["shares", "holdings", "--on", on])
}

fn of(holdings: &Value, member: u64) -> i64 {
    let all = holdings["holdings"].as_array().expect("holdings");
    let own = all.iter().filter(|line| line["member"] == member);
    own.map(|line| line["pence"].as_i64().unwrap()).sum()
}

#[test]
fn bes1_stands_at_58_000_pounds_then_and_now_and_after_a_rebuild() {
    let desk = bes1();
    let then = held(&desk, "2013-12-31");
    let now = held(&desk, "2026-01-01");
    for (holdings, first) in [(&then, 50_000), (&now, 0)] {
        assert_eq!(holdings["total_pence"], 5_800_000);
        assert_eq!(holdings["sample"], true);
        assert_eq!(of(holdings, 103), 1_000_000, "Sample Council");
        let pence = holdings["holdings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["pence"].as_i64().unwrap());
        assert_eq!(pence.sum::<i64>(), 5_800_000);
        let transferred = demo("bes1-shares.csv");
        let from: u64 = transferred
            .lines()
            .find(|line| line.contains("transfer-out"))
            .and_then(|line| line.split(',').next())
            .and_then(|number| number.parse().ok())
            .unwrap();
        assert_eq!(of(holdings, from), first, "passed on in 2016");
    }
    assert_eq!(then["holdings"].as_array().unwrap().len(), 103);
    // From the journal alone.
    for name in ["books.sqlite", "series.sqlite"] {
        fs::remove_file(desk.data().join("s/bes1").join(name)).unwrap();
    }
    assert_eq!(held(&desk, "2013-12-31"), then);
    desk.ok(&["rebuild"]);
    assert_eq!(held(&desk, "2026-01-01"), now);
    desk.ok(&["verify"]);
    let council = desk.json(&["members", "show", "103"]);
    assert_eq!(
        (&council["name"], &council["kind"]),
        (&"Sample Council".into(), &"council".into())
    );
}

#[test]
fn the_register_has_share_accounts_or_not() {
    let desk = bes1();
    let with = desk.json(&["register", "--on", "2013-12-31"]);
    assert_eq!(with["total_pence"], 5_800_000);
    assert_eq!(with["members"].as_array().unwrap().len(), 103);
    assert_eq!(with["members"][102]["shares"][0]["shares"], 10_000);
    let without = desk.ok(&[
        "register",
        "--on",
        "2013-12-31",
        "--without-shares",
        "--format",
        "html",
    ]);
    assert!(without.contains("Sample Council") && without.contains("SAMPLE"));
    assert!(
        !without.contains('£'),
        "no share accounts on the copy for inspection"
    );
    let csv = desk.ok(&["register", "--on", "2013-12-31", "--format", "csv"]);
    assert_eq!(csv.lines().count(), 104);
    let certificate = desk.ok(&["shares", "certificate", "103"]);
    for word in [
        "SAMPLE",
        "Sample Council",
        "10000 ordinary shares",
        "£10,000.00",
        "2012-03-",
    ] {
        assert!(certificate.contains(word), "{word}: {certificate}");
    }
}

#[test]
fn an_import_with_one_wrong_row_keeps_nothing_and_names_it() {
    let desk = bes1();
    let head = desk.ok(&["head"]);
    let members = desk.file(
        "more.csv",
        "Member No.;Full name;Date joined;Type;E-mail\n\
         104;Member 104;01/02/2020;person;\n\
         103;Member 103;01/02/2020;person;\n\
         105;Member 105;31/02/2020;person;\n\
         106;;01/02/2020;person;\n\
         107;Member 107;01/02/2020;child;\n\
         108;Member 108;01/02/2020;person;nobody\n\
         104;Member 104;01/02/2020;person;\n",
    );
    let said = desk.json_with(1, &["members", "import", &members, "--as", "secretary"]);
    let rows: Vec<u64> = said["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["row"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, [3, 4, 5, 6, 7, 8]);
    let shares = desk.file(
        "shares.csv",
        "Member,Date,Amount,Type\n\
         1,2013-01-01,£99999,issue\n\
         2,2013-01-01,250.50,issue\n\
         3,2013-01-01,100000,withdrawal\n\
         4,2011-01-01,250,issue\n\
         400,2013-01-01,250,issue\n\
         5,2013-01-01,250,issue\n",
    );
    let said = desk.json_with(
        1,
        &[
            "shares",
            "import",
            &shares,
            "--column",
            "pounds=Amount",
            "--as",
            "secretary",
        ],
    );
    let texts: Vec<String> = said["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.to_string())
        .collect();
    assert_eq!(texts.len(), 5, "{texts:?}");
    assert!(texts[0].contains("section 24") && texts[1].contains("whole number of shares"));
    assert_eq!(desk.ok(&["head"]), head, "nothing was kept");
}

#[test]
fn the_same_file_twice_is_refused() {
    let desk = bes1();
    let shares = workbook(&desk, "again.xlsx", &demo("bes1-shares.csv"));
    let said = desk.json_with(1, &["shares", "import", &shares, "--as", "secretary"]);
    assert_eq!(said["problems"].as_array().unwrap().len(), 105);
    assert_eq!(held(&desk, "2026-01-01")["total_pence"], 5_800_000);
}

#[test]
fn a_decision_about_shares_needs_its_officer() {
    let desk = bes1();
    for args in [
        &["shares", "apply", "--member", "1", "--shares", "250"][..],
        &["shares", "reverse", "1", "--reason", "typing"],
        &[
            "members",
            "add",
            "--name",
            "Member 104",
            "--joined",
            "2020-01-01",
        ],
        &["members", "erase", "1"],
    ] {
        let said = desk.refused(args);
        assert!(said.contains("--as OFFICER"), "{said}");
    }
}

#[test]
fn shares_are_applied_for_allotted_withdrawn_and_reversed_by_command() {
    let desk = bes1();
    let secretary = |args: &[&str]| desk.json(&[args, &["--as", "secretary"]].concat());
    let added = secretary(&[
        "members",
        "add",
        "--name",
        "Member 104",
        "--joined",
        "2020-01-01",
    ]);
    assert_eq!(added["member"], 104);
    let over = desk.refused(&[
        "shares",
        "apply",
        "--member",
        "104",
        "--shares",
        "100001",
        "--as",
        "secretary",
    ]);
    assert!(
        over.contains("£100,001.00") && over.contains("£100,000.00"),
        "{over}"
    );
    let few = desk.refused(&[
        "shares",
        "apply",
        "--member",
        "104",
        "--shares",
        "249",
        "--as",
        "secretary",
    ]);
    assert!(few.contains("at least `250`"), "{few}");
    secretary(&[
        "shares",
        "apply",
        "--member",
        "104",
        "--shares",
        "300",
        "--on",
        "2020-01-02",
    ]);
    let seen = secretary(&[
        "shares",
        "allot",
        "--application",
        "1",
        "--on",
        "2020-01-03",
        "--preview",
    ]);
    assert_eq!(seen["entered"], false);
    assert_eq!(held(&desk, "2020-01-03")["total_pence"], 5_800_000);
    let made = secretary(&[
        "shares",
        "allot",
        "--application",
        "1",
        "--on",
        "2020-01-03",
    ]);
    assert_eq!(made["movements"][0]["certificate"], 105);
    assert_eq!(held(&desk, "2020-01-03")["total_pence"], 5_830_000);
    let asked = secretary(&[
        "shares",
        "withdraw",
        "--member",
        "104",
        "--on",
        "2020-02-01",
    ]);
    assert_eq!(asked["notice_ends"], "2020-05-02");
    let early = desk.refused(&["shares", "pay", "--on", "2020-05-01", "--as", "secretary"]);
    assert!(early.contains("13 weeks"), "{early}");
    let paid = secretary(&["shares", "pay", "--on", "2020-05-02"]);
    assert_eq!(
        (&paid["limit_shares"], &paid["paid_shares"]),
        (&5_800.into(), &300.into())
    );
    assert_eq!(held(&desk, "2020-05-02")["total_pence"], 5_800_000);
    let movement = paid["movements"][0]["movement"].to_string();
    secretary(&[
        "shares",
        "reverse",
        &movement,
        "--reason",
        "paid to the wrong account",
    ]);
    assert_eq!(held(&desk, "2020-05-02")["total_pence"], 5_830_000);
    assert_eq!(desk.json(&["shares", "withdrawals"])[0]["waiting"], 300);
    let twice = desk.refused(&[
        "shares",
        "reverse",
        &movement,
        "--reason",
        "again",
        "--as",
        "secretary",
    ]);
    assert!(twice.contains("was reversed"), "{twice}");
    secretary(&[
        "members",
        "change",
        "104",
        "--payment",
        "reinvest",
        "--rest",
        "carried",
    ]);
    let turned = secretary(&[
        "shares",
        "convert",
        "--member",
        "104",
        "--interest",
        "9.50",
        "--on",
        "2020-06-01",
    ]);
    assert_eq!(
        (&turned["shares"], &turned["rest_pence"]),
        (&9.into(), &50.into())
    );
    let again = secretary(&[
        "shares",
        "convert",
        "--member",
        "104",
        "--interest",
        "9.50",
        "--on",
        "2021-06-01",
    ]);
    assert_eq!(
        (&again["shares"], &again["rest_pence"]),
        (&10.into(), &0.into())
    );
    desk.ok(&["verify"]);
    let before = desk.json(&["shares", "movements"]);
    desk.ok(&["rebuild"]);
    assert_eq!(desk.json(&["shares", "movements"]), before);
}

#[test]
fn requests_of_8_700_pounds_are_scaled_to_5_800_and_keep_their_date() {
    let desk = bes1();
    let secretary = |args: &[&str]| desk.json(&[args, &["--as", "secretary"]].concat());
    // The council, one who holds the minimum and leaves, one who holds £1,000.
    let start = held(&desk, "2013-12-31");
    let holder = |pence: i64| {
        let all = start["holdings"].as_array().unwrap().iter();
        let found = all
            .filter(|l| l["member"].as_u64() > Some(2))
            .find(|l| l["pence"] == pence);
        found.unwrap()["member"].to_string()
    };
    for (member, shares) in [
        ("103".to_owned(), "8000"),
        (holder(25_000), "250"),
        (holder(100_000), "450"),
    ] {
        let args = [
            "shares",
            "withdraw",
            "--member",
            &member,
            "--shares",
            shares,
            "--on",
            "2014-01-10",
        ];
        secretary(&args);
    }
    let paid = secretary(&["shares", "pay", "--on", "2014-06-01"]);
    assert_eq!(
        (&paid["base_shares"], &paid["limit_shares"]),
        (&58_000.into(), &5_800.into())
    );
    assert_eq!(paid["asked_shares"], 8_700);
    assert_eq!(paid["paid_shares"], 5_800);
    let after = desk.json(&["shares", "withdrawals"]);
    for request in after.as_array().unwrap() {
        assert_eq!(request["asked"], "2014-01-10");
        let left = of(
            &held(&desk, "2014-06-01"),
            request["member"].as_u64().unwrap(),
        );
        assert!(left == 0 || left >= 25_000, "{request}");
    }
    assert_eq!(held(&desk, "2014-06-01")["total_pence"], 5_220_000);
    let used = desk.refused(&["shares", "pay", "--on", "2014-12-31", "--as", "secretary"]);
    assert!(
        used.contains("the limit of this accounts year is used"),
        "{used}"
    );
}

#[test]
fn a_class_with_shares_keeps_its_par_and_its_place_in_the_file() {
    let desk = bes1();
    let text = demo("bes1.toml");
    let other = desk.file(
        "other.toml",
        &text.replace("par_pounds = \"1\"", "par_pounds = \"2\""),
    );
    assert!(
        desk.refused(&["society", "apply", &other])
            .contains("par_pounds")
    );
    let gone = desk.file(
        "gone.toml",
        &text.replace("id = \"ordinary\"", "id = \"special\""),
    );
    assert!(
        desk.refused(&["society", "apply", &gone])
            .contains("share class `ordinary`")
    );
}

#[test]
fn formulas_in_names_come_back_as_they_were_from_csv_and_workbooks() {
    let desk = bes1();
    let names = [
        "=1+1",
        "+44 sample",
        "-2",
        "@SUM(A1)",
        "=HYPERLINK(\"http://example.org\")",
        "'=x",
    ];
    let mut file = String::from("number,name,joined\n");
    for (n, name) in (201..).zip(names) {
        file.push_str(&format!(
            "{n},\"{}\",2020-01-01\n",
            report::sheet::harmless(name).replace('"', "\"\"")
        ));
    }
    let file = desk.file("names.csv", &file);
    desk.ok(&["members", "import", &file, "--as", "secretary"]);
    let csv = desk.ok(&["members", "list", "--format", "csv"]);
    for line in csv.lines().skip(1) {
        let name = line.split(',').nth(1).unwrap().trim_start_matches('"');
        assert!(!name.starts_with(['=', '+', '-', '@']), "{line}");
    }
    desk.ok(&["members", "list", "--format", "xlsx", "--out", "all.xlsx"]);
    let again = Desk::empty();
    again.ok(&[
        "society",
        "apply",
        &again.file("bes1.toml", &demo("bes1.toml")),
    ]);
    let book = desk.path().join("all.xlsx").display().to_string();
    // The joint account and the child lack what a list does not show.
    let said = again.json_with(
        1,
        &["members", "import", &book, "--preview", "--as", "secretary"],
    );
    assert_eq!(said["problems"].as_array().unwrap().len(), 2);
    let listed = desk.json(&["members", "list"]);
    for (n, name) in (201_u64..).zip(names) {
        let line = listed
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["member"] == n)
            .unwrap();
        assert_eq!(line["name"], name);
    }
}
