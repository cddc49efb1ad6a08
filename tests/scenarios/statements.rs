//! Members' statements through the command line: looked at with poppler and qpdf, as whoever opens
//! them would; broken off and gone on with; and what cannot be sent.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::desk::Desk;

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
rule = { fixed = "4.7" }
source = "rule 12"
"#;

/// Names in scripts that a society in London meets; each says Member and a number, and is a sample.
const MEMBERS: [(u32, &str, &str, &str); 13] = [
    (1, "Member 001", "1 SAMPLE Street;London", "cheque"),
    (2, "Μέλος 002", "2 SAMPLE Street;London", "cheque"),
    (3, "Участник 003", "3 SAMPLE Street;London", "reinvest"),
    (4, "عضو 004", "4 SAMPLE Street;London", "fund"),
    (5, "会员 005", "5 SAMPLE Street;London", "cheque"),
    (6, "সদস্য 006", "6 SAMPLE Street;London", "bank"),
    (7, "ਮੈਂਬਰ 007", "7 SAMPLE Street;London", "cheque"),
    (8, "አባል 008", "8 SAMPLE Street;London", "cheque"),
    (
        9,
        "The Trustees of the SAMPLE Association of Tenants and Residents of the Loughborough and Angell Town Estates 009",
        "Flat 209;SAMPLE House with a rather long name;SAMPLE Street;SAMPLE Estate;London",
        "cheque",
    ),
    (
        10,
        "#image(\"/data.json\") $x$ *010* _b_ @ref <l> \\u{41}",
        "10 SAMPLE Street",
        "cheque",
    ),
    (11, "Member 011", "", "cheque"),
    (12, "Member 012", "12 SAMPLE Street", "cheque"),
    (13, "𓀀 013", "13 SAMPLE Street", "cheque"),
];

/// A society, its members with 1,000 shares each, and run 1 of 2013 frozen at 4.7 %.
fn frozen(terms: &str, rate: &[&str]) -> Desk {
    let desk = Desk::plain();
    let path = desk.path().join("society.toml");
    let text = fs::read_to_string(path).expect("the society file");
    desk.ok(&[
        "society",
        "apply",
        &desk.file("society.toml", &(text + terms)),
    ]);
    let mut members = String::from("number,name,kind,joined,address,postcode,payment,email\n");
    let mut shares = String::from("member,class,on,shares,kind\n");
    for (number, name, address, payment) in MEMBERS {
        let name = name.replace('"', "\"\"");
        let postcode = if address.is_empty() { "" } else { "SW9 8XX" };
        let email = if number == 11 { "m11@example.org" } else { "" };
        members.push_str(&format!(
            "{number},\"{name}\",person,2012-02-20,{address},{postcode},{payment},{email}\n"
        ));
        shares.push_str(&format!("{number},ordinary,2012-02-20,1000,issue\n"));
    }
    // The last but one came on the last day of the year, after which the day of issue counts.
    let shares = shares.replace("12,ordinary,2012-02-20,1000", "12,ordinary,2013-12-31,1");
    let as_treasurer = |args: &[&str]| desk.ok(&[&["--as", "treasurer"], args].concat());
    as_treasurer(&["members", "import", &desk.file("members.csv", &members)]);
    as_treasurer(&["shares", "import", &desk.file("shares.csv", &shares)]);
    desk.reads("M1 2012-12-31T23:59:00Z 1,000\n M1 2013-06-30T12:00:00Z 20,000.5\n M1 2014-01-01T00:00:00Z 33,586.25");
    freeze(&desk, rate);
    desk
}

fn freeze(desk: &Desk, rate: &[&str]) {
    let of = [
        &[
            "--output",
            "json",
            "--as",
            "treasurer",
            "interest",
            "prepare",
        ],
        ["--period", "2013"].as_slice(),
        rate,
    ]
    .concat();
    let prepared: Value = serde_json::from_str(&desk.ok(&of)).expect("JSON");
    let hash = prepared["run_hash"].as_str().expect("a hash");
    desk.ok(&[
        "--as", "chair", "interest", "approve", "--run", "1", "--hash", hash,
    ]);
    desk.ok(&["--as", "treasurer", "interest", "freeze", "--run", "1"]);
}

fn statements(desk: &Desk, more: &[&str]) -> super::desk::Said {
    desk.run(
        &[
            [
                "--as",
                "treasurer",
                "statements",
                "--run",
                "1",
                "--out",
                "out",
            ]
            .as_slice(),
            more,
        ]
        .concat(),
    )
}

fn tool(name: &str, args: &[&str]) -> String {
    let output = Command::new(name)
        .args(args)
        .output()
        .unwrap_or_else(|e| panic!("{name}: {e}; expected it to be installed, see ./test"));
    assert!(
        output.status.success(),
        "{name} {args:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A sheet's text in reading order, each run of spaces as one.
fn words(file: &Path) -> String {
    let text = tool(
        "pdftotext",
        &["-raw", "-enc", "UTF-8", &file.display().to_string(), "-"],
    );
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rows(folder: &Path) -> Vec<Vec<String>> {
    let mut index = csv::Reader::from_path(folder.join("index.csv")).expect("an index");
    let rows = index.records().map(|row| row.expect("a row"));
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

fn file_of(folder: &Path, member: u32) -> PathBuf {
    folder.join(format!("{member:05}-bes-run-1.pdf"))
}

#[test]
fn a_statement_says_what_was_earned_and_how_it_is_known() {
    let desk = frozen(TERMS, &["--rate", "4.7"]);
    let folder = desk.path().join("out");
    let said = statements(&desk, &["--pay-on", "2014-05-01"]);
    // One name is of a script that no font here has; all others are written.
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("U+13000"), "{}", said.err);
    assert!(said.err.contains("member 13"), "{}", said.err);
    for (number, name, ..) in &MEMBERS[..12] {
        let file = file_of(&folder, *number);
        tool("qpdf", &["--check", &file.display().to_string()]);
        let info = tool("pdfinfo", &[&file.display().to_string()]);
        for line in [
            "Tagged: yes",
            "Pages: 1",
            "Title: Statement of share interest for 2013",
        ] {
            let info = info.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(info.contains(line), "{number}: {info}");
        }
        let text = words(&file);
        // Letters of right-to-left and of joined scripts come back in other orders and forms.
        if ![4, 6, 7].contains(number) {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(text.contains(&name), "{name}\n{text}");
        }
    }
    let text = words(&file_of(&folder, 1));
    for part in [
        "You get £47.00 of share interest for 2013, by cheque sent on 1 May 2014; the roof of Test Society made 32,586 kWh (derived), 21.1 % more than forecast.",
        "Ordinary shares 1,000 2013 365 4.7 % £47.00",
        "Put it on your return for the tax year 6 April 2014 to 5 April 2015",
        "The rule: 4.7 % a year; at most 7 %, declared in advance.",
        "What goes to the community fund from 2013 has not been decided yet.",
        "prepared by the treasurer, approved by the chair",
        "1,000.000 31 Dec 2012 23:59",
        "33,586.250 1 Jan 2014 00:00",
        "32,586.250",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let text = words(&file_of(&folder, 3));
    assert!(
        text.contains("which buys you new shares on 1 May 2014"),
        "{text}"
    );
    let text = words(&file_of(&folder, 6));
    assert!(text.contains("we need your bank details"), "{text}");
    // A share held for a day earns nothing that can be paid.
    let text = words(&file_of(&folder, 12));
    assert!(text.contains("£0.00"), "{text}");
    assert!(text.contains("Nothing is paid this time."), "{text}");
    // The head on it is one that the journal can be held against.
    let head = words(&file_of(&folder, 1));
    let (_, rest) = head.split_once("Journal at ").expect("a head");
    let (size, rest) = rest.split_once(" records: ").expect("a size");
    let root = rest.split(' ').next().expect("a root");
    assert_eq!(root.len(), 64, "{rest}");
    let head = format!(r#"[{{"society":"bes","size":{size},"root":"{root}"}}]"#);
    desk.ok(&["verify", "--head", &desk.file("head.json", &head)]);
}

#[test]
fn a_command_that_was_broken_off_goes_on_where_it_stood() {
    let desk = frozen(TERMS, &["--rate", "4.7"]);
    let folder = desk.path().join("out");
    let only = ["--member", "1", "--member", "2"];
    let said = statements(&desk, &only);
    assert!(
        said.out.contains("2 written, 0 left"),
        "{}{}",
        said.out,
        said.err
    );
    let first = fs::read(file_of(&folder, 1)).expect("a file");
    let said = statements(&desk, &only);
    assert!(said.out.contains("0 written, 2 left"), "{}", said.out);
    // Neither what else is decided nor another day changes what a frozen run says.
    desk.ok(&[
        "--as",
        "secretary",
        "members",
        "change",
        "7",
        "--phone",
        "000",
    ]);
    let said = statements(&desk, &only);
    assert!(said.out.contains("0 written, 2 left"), "{}", said.out);
    // A file that is cut short is written again, byte for byte.
    fs::write(file_of(&folder, 1), &first[..first.len() / 2]).expect("cut");
    let said = statements(&desk, &only);
    assert!(said.out.contains("1 written, 1 left"), "{}", said.out);
    assert_eq!(fs::read(file_of(&folder, 1)).expect("a file"), first);
    let said = statements(&desk, &["--member", "1", "--pay-on", "2014-06-01"]);
    assert!(said.out.contains("1 written"), "{}", said.out);
}

#[test]
fn what_cannot_be_sent_is_listed_with_its_reason() {
    let desk = frozen(TERMS, &["--rate", "4.7"]);
    let folder = desk.path().join("out");
    let by = |args: &[&str]| desk.ok(&[&["--as", "secretary"], args].concat());
    by(&["members", "died", "7", "--on", "2014-01-20"]);
    by(&[
        "members",
        "case",
        "open",
        "8",
        "--kind",
        "untraceable",
        "--text",
        "came back",
    ]);
    let said = statements(&desk, &["--format", "text"]);
    assert_eq!(said.code, 0, "{}", said.err);
    let rows = rows(&folder);
    let row = |member: u32| {
        let found = rows.iter().find(|row| row[0] == member.to_string());
        let row = found.expect("every member is in the index");
        (row[3].as_str(), row[4].as_str(), row[6].as_str())
    };
    assert_eq!(rows.len(), 13);
    assert_eq!(row(1), ("post", "", "00001-bes-run-1.txt"));
    assert_eq!(
        row(7),
        ("estate", "died on 2014-01-20", "00007-bes-run-1.txt")
    );
    assert_eq!(
        row(8),
        ("hold", "case 1: untraceable", "00008-bes-run-1.txt")
    );
    assert_eq!(
        row(11),
        ("email", "no postal address", "00011-bes-run-1.txt")
    );
    let text = fs::read_to_string(folder.join("00007-bes-run-1.txt")).expect("text");
    assert!(text.contains("The estate of ਮੈਂਬਰ 007"), "{text}");
    assert!(text.contains("The estate is owed £47.00"), "{text}");
    let html = statements(&desk, &["--format", "html", "--member", "10"]);
    assert_eq!(html.code, 0, "{}", html.err);
    let page = fs::read_to_string(folder.join("00010-bes-run-1.html")).expect("a page");
    assert!(page.contains("&#60;l&#62;"), "{page}");
    let absent = statements(&desk, &["--member", "99"]);
    assert!(
        absent.err.contains("`99` has no line in run 1"),
        "{}",
        absent.err
    );
}

#[test]
fn statements_are_of_a_frozen_run_only() {
    let desk = frozen(TERMS, &["--rate", "4.7"]);
    desk.ok(&[
        "--as",
        "treasurer",
        "interest",
        "void",
        "--run",
        "1",
        "--reason",
        "wrong",
    ]);
    let said = statements(&desk, &[]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("run 1 is voided"), "{}", said.err);
    let none = desk.refused(&[
        "--as",
        "treasurer",
        "statements",
        "--run",
        "9",
        "--out",
        "out",
    ]);
    assert!(none.contains("there is no interest run `9`"), "{none}");
}

/// The sheet that a command writes, as words; it is tagged and whole.
fn sheet(desk: &Desk, args: &[&str]) -> String {
    let mut all = args.to_vec();
    all.extend(["--format", "pdf"]);
    let refused = desk.refused(&all);
    assert!(
        refused.contains("hint: name the file with --out FILE"),
        "{refused}"
    );
    all.extend(["--out", "sheet.pdf"]);
    desk.ok(&all);
    let file = desk.path().join("sheet.pdf");
    tool("qpdf", &["--check", &file.display().to_string()]);
    let info = tool("pdfinfo", &[&file.display().to_string()]);
    assert!(info.contains("Tagged:"), "{info}");
    words(&file)
}

#[test]
fn a_report_is_a_sheet_and_a_workbook() {
    use calamine::{Data, Reader, Xlsx, open_workbook};

    let desk = frozen(TERMS, &["--rate", "4.7"]);
    let of = [
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2013",
    ];
    let text = sheet(&desk, &of);
    for part in [
        "In 2013 the roof of Test Society made 32,586 kWh (derived), 21.1 % more than forecast.",
        "Month of 2013 Made, kWh Forecast, kWh",
        "How we know",
        "register 2.8.0 of meter M1",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let book = desk.path().join("report.xlsx");
    desk.ok(&[&of[..], &["--format", "xlsx", "--out", "report.xlsx"]].concat());
    let mut book: Xlsx<_> = open_workbook(&book).expect("a workbook");
    let rows = book.worksheet_range("Generation").expect("its sheet");
    let made = |row| match rows.get((row, 3)) {
        Some(Data::Float(wh)) => *wh,
        other => panic!("{other:?}"),
    };
    assert_eq!(rows.height(), 13);
    // Every watt-hour of the year but those of the minute before it.
    let sum: f64 = (1..13).map(made).sum();
    assert!((32_586_000.0..=32_586_250.0).contains(&sum), "{sum}");
}

#[test]
fn a_bill_a_claim_and_a_certificate_are_sheets() {
    let desk = Desk::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let society = root.join("config/demo/bes1.toml");
    desk.ok(&["society", "apply", &society.display().to_string()]);
    let reads = "meter,register,time,value,unit,source\n\
        SAMPLE-BES1-1,2.8.0,2013-04-01T00:00:00+01:00,20000,kWh,\n\
        SAMPLE-BES1-1,2.8.0,2013-07-01T00:00:00+01:00,32345,kWh,\n";
    desk.ok(&["reads", "import", &desk.file("reads.csv", reads)]);
    let days = ["--from", "2013-04-01", "--to", "2013-06-30"];
    let bill = ["bill", "preview", "--host", "elmore-house-landlord"];
    let text = sheet(&desk, &[&bill[..], &days[..]].concat());
    for part in [
        "London Borough of Lambeth",
        "SAMPLE",
        "VAT 20 %",
        "Power used on site at Elmore House, 1 April 2013 to 30 June 2013, deemed 50 % of the generation",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let claim = ["claim", "preview", "--installation", "elmore-house-fit"];
    let text = sheet(&desk, &[&claim[..], &days[..]].concat());
    // 12,345 kWh at 15.67 p.
    assert!(
        text.contains("£1,934.46 is claimed for elmore-house-fit"),
        "{text}"
    );
    let by = |args: &[&str]| desk.ok(&[&["--as", "secretary"], args].concat());
    by(&[
        "members",
        "import",
        &desk.file(
            "m.csv",
            "number,name,kind,joined\n1,Member 001,person,2012-02-20\n",
        ),
    ]);
    by(&[
        "shares",
        "import",
        &desk.file(
            "s.csv",
            "member,class,on,shares,kind,certificate\n1,ordinary,2012-02-20,500,issue,7\n",
        ),
    ]);
    let text = sheet(&desk, &["--as", "secretary", "shares", "certificate", "7"]);
    assert!(
        text.contains("Member 001, member 1, holds 500 ordinary shares of £500.00, issued on 20 February 2012."),
        "{text}"
    );
}
