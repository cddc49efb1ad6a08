//! The books through the real command line: entries, reversals, closed days, what a frozen claim
//! becomes, and downloads that beancount, hledger and ledger accept until a penny is changed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use super::{desk::Desk, income};

fn with_chart() -> Desk {
    let desk = Desk::plain();
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    desk
}

fn post(desk: &Desk, on: &str, text: &str, source: &str, debit: &str, credit: &str) -> Value {
    desk.json(&[
        "--as",
        "treasurer",
        "accounts",
        "post",
        "--on",
        on,
        "--text",
        text,
        "--source",
        source,
        "--debit",
        debit,
        "--credit",
        credit,
    ])
}

/// Two years of a small society: its shares, a roof, income, insurance and a mistake taken back.
fn two_years() -> Desk {
    let desk = with_chart();
    let shares = "shares; \"offer\" of 2012, closed";
    post(
        &desk,
        "2012-04-01",
        shares,
        "document:minute 3",
        "1200=58000",
        "3000=58000",
    );
    post(
        &desk,
        "2012-04-23",
        "the roof",
        "document:bill 1",
        "1000=52000.50",
        "1200=52000.50",
    );
    post(
        &desk,
        "2012-12-31",
        "FIT of 2012",
        "statement:2",
        "1200=4100.25",
        "4000=4100.25",
    );
    post(
        &desk,
        "2013-03-01",
        "=insurance",
        "document:bill 2",
        "6000=412.50",
        "1200=412.50",
    );
    post(
        &desk,
        "2013-03-02",
        "insurance",
        "document:bill 2",
        "6000=412.50",
        "1200=412.50",
    );
    desk.ok(&[
        "--as",
        "treasurer",
        "accounts",
        "reverse",
        "4",
        "--on",
        "2013-03-05",
        "--reason",
        "entered twice",
    ]);
    post(
        &desk,
        "2013-12-31",
        "FIT of 2013",
        "statement:9",
        "1200=4950.00",
        "4000=4950.00",
    );
    desk
}

fn balance(desk: &Desk, on: &str) -> Value {
    desk.json(&["accounts", "trial-balance", "--on", on])
}

fn of(balance: &Value, account: &str) -> i64 {
    let rows = balance["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["account"] == account);
    row.map_or(0, |row| {
        row["debit_pence"].as_i64().unwrap() - row["credit_pence"].as_i64().unwrap()
    })
}

#[test]
fn two_years_balance_to_the_penny_and_come_back_from_the_journal() {
    let desk = two_years();
    let at = balance(&desk, "2013-12-31");
    assert_eq!(at["debit_pence"], at["credit_pence"]);
    assert_eq!(
        of(&at, "1200"),
        5_800_000 - 5_200_050 + 410_025 - 41_250 + 495_000
    );
    assert_eq!(of(&at, "4000"), -495_000, "income is of the year");
    assert_eq!(at["surplus_pence"], 495_000 - 41_250);
    let brought = at["rows"].as_array().unwrap().last().unwrap();
    assert_eq!(brought["account"], Value::Null);
    assert_eq!(brought["credit_pence"], 410_025, "2012's surplus");
    // The mistake and its reversal both stay, and the figure opens to its source.
    let insurance = desk.json(&["accounts", "account", "6000", "--from", "2013-01-01"]);
    let lines = insurance["lines"].as_array().unwrap();
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["source"].as_str().unwrap(),
                line["balance_pence"].as_i64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("document:bill 2", 41_250),
            ("document:bill 2", 82_500),
            ("reversal:4", 41_250)
        ]
    );
    assert_eq!(lines[0]["reversed_by"], 6);
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(balance(&desk, "2013-12-31"), at);
}

#[test]
fn what_does_not_balance_or_is_closed_is_refused_and_changes_nothing() {
    let desk = two_years();
    let head = desk.ok(&["head"]);
    let wrong = |args: &[&str]| {
        let mut all = vec!["--as", "treasurer", "accounts"];
        all.extend(args);
        desk.refused(&all)
    };
    let apart = wrong(&[
        "post",
        "--on",
        "2013-06-01",
        "--text",
        "x",
        "--source",
        "document:1",
        "--debit",
        "1200=100.00",
        "--credit",
        "4000=99.99",
    ]);
    assert!(apart.contains("£0.01 apart"), "{apart}");
    let twice = wrong(&[
        "post",
        "--on",
        "2013-06-01",
        "--text",
        "x",
        "--source",
        "statement:9",
        "--debit",
        "1200=1",
        "--credit",
        "4000=1",
    ]);
    assert!(twice.contains("`statement:9` is posted already"), "{twice}");
    let unknown = wrong(&[
        "post",
        "--on",
        "2013-06-01",
        "--text",
        "x",
        "--source",
        "document:1",
        "--debit",
        "1234=1",
        "--credit",
        "4000=1",
    ]);
    assert!(unknown.contains("hint: `accounts chart`"), "{unknown}");
    let nobody = wrong(&["post", "--claim", "7"]);
    assert!(nobody.contains("no frozen claim `7`"), "{nobody}");
    let forged = wrong(&[
        "post",
        "--on",
        "2013-06-01",
        "--text",
        "x",
        "--source",
        "claim:7",
        "--debit",
        "1200=1",
        "--credit",
        "4000=1",
    ]);
    assert!(forged.contains("is not frozen"), "{forged}");
    assert!(wrong(&["reverse", "4", "--on", "2013-06-01", "--reason", "x"]).contains("entry `6`"));
    assert_eq!(desk.ok(&["head"]), head, "what is refused leaves nothing");
    let author = desk.refused(&[
        "accounts",
        "close",
        "--until",
        "2012-12-31",
        "--reason",
        "signed",
    ]);
    assert!(author.contains("--as OFFICER"), "{author}");
    desk.ok(&[
        "--as",
        "treasurer",
        "accounts",
        "close",
        "--until",
        "2012-12-31",
        "--reason",
        "signed",
    ]);
    let closed = wrong(&[
        "post",
        "--on",
        "2012-12-31",
        "--text",
        "x",
        "--source",
        "document:1",
        "--debit",
        "1200=1",
        "--credit",
        "4000=1",
    ]);
    assert!(closed.contains("closed up to 2012-12-31"), "{closed}");
    // A chart that loses an account with postings is refused; the same one again changes nothing.
    let lost = desk.file(
        "chart.toml",
        "[[account]]\ncode = \"1200\"\nname = \"Bank\"\nkind = \"asset\"\n",
    );
    assert!(wrong(&["chart", &lost]).contains("has postings"));
    let head = desk.ok(&["head"]);
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    assert_eq!(desk.ok(&["head"]), head);
}

#[test]
fn a_file_is_posted_whole_or_not_at_all() {
    let desk = with_chart();
    let head = desk.ok(&["head"]);
    let rows = "entry,date,text,account,debit,credit,source\n\
                a,2012-01-01,balances taken over,1200,6000.00,,opening:old books\n\
                a,,,1000,52000.00,,\n\
                a,,,3000,,58000.00,\n\
                b,2012-02-01,insurance,6000,100.00,,\n\
                b,,,1200,,99.00,\n\
                c,2012-02-30,no such day,6000,1.00,,\n";
    let file = desk.file("opening.csv", rows);
    let said = desk.run(&["--as", "treasurer", "accounts", "post", "--file", &file]);
    assert_eq!(said.code, 1);
    assert!(
        said.err
            .contains("line 5: debits are £100.00 and credits £99.00"),
        "{}",
        said.err
    );
    assert!(said.err.contains("line 7: "), "{}", said.err);
    assert_eq!(desk.ok(&["head"]), head);
    let good = rows.replace(",99.00,", ",100.00,");
    let good = desk.file(
        "opening.csv",
        &good.replace("c,2012-02-30,no such day,6000,1.00,,\n", ""),
    );
    desk.ok(&["accounts", "post", "--file", &good, "--preview"]);
    assert_eq!(desk.ok(&["head"]), head, "a preview posts nothing");
    let done = desk.json(&["--as", "treasurer", "accounts", "post", "--file", &good]);
    assert_eq!(done["entries"][1]["source"], "row:opening.csv/5");
    assert_eq!(of(&balance(&desk, "2012-12-31"), "1200"), 590_000);
    let again = desk.run(&["--as", "treasurer", "accounts", "post", "--file", &good]);
    assert!(
        again.err.contains("`opening:old books` is posted already"),
        "{}",
        again.err
    );
}

#[test]
fn a_frozen_claim_becomes_an_entry_once() {
    let desk = income::society();
    desk.reads(
        "M1 2022-12-15T12:00:00Z 300000.00
         M1 2023-03-31T17:00:00Z 302940.00
         M1 2023-06-15T12:00:00Z 310440.00",
    );
    desk.ok(&[
        "--as",
        "treasurer",
        "claim",
        "freeze",
        "--installation",
        "roof-generation-only",
        "--from",
        "2022-12-15",
        "--to",
        "2023-06-15",
    ]);
    let chartless = desk.refused(&["--as", "treasurer", "accounts", "post", "--claim", "1"]);
    assert!(
        chartless.contains("accounts chart --standard"),
        "{chartless}"
    );
    desk.ok(&["--as", "treasurer", "accounts", "chart", "--standard"]);
    let posted = desk.json(&["--as", "treasurer", "accounts", "post", "--claim", "1"]);
    assert_eq!(posted["entries"][0]["on"], "2023-06-15");
    assert_eq!(
        posted["entries"][0]["postings"],
        json!([
            {"account": "1100", "pence": 230_825},
            {"account": "4000", "pence": -230_825}
        ])
    );
    let twice = desk.refused(&["--as", "treasurer", "accounts", "post", "--claim", "1"]);
    assert!(twice.contains("`claim:1` is posted already"), "{twice}");
}

/// A program that reads the books: its command line, from Debian, or beside the Python of the tests.
fn reader(name: &str, file: &Path) -> Command {
    let beside_python = || {
        let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
        PathBuf::from(python).with_file_name("bean-check")
    };
    let mut command = match name {
        "bean-check" => Command::new(beside_python()),
        other => Command::new(other),
    };
    match name {
        "hledger" => command.arg("-f").arg(file).arg("check"),
        "ledger" => command.arg("-f").arg(file).arg("balance"),
        _ => command.arg(file),
    };
    command
}

#[test]
fn beancount_hledger_and_ledger_accept_the_books_and_find_a_planted_penny() {
    let desk = two_years();
    for (program, format) in [
        ("bean-check", "beancount"),
        ("hledger", "hledger"),
        ("ledger", "hledger"),
    ] {
        let accepts = |text: &str| {
            let file = PathBuf::from(desk.file("books.txt", text));
            let output = reader(program, &file)
                .output()
                .unwrap_or_else(|e| panic!("`{program}`: {e}; ./test installs it"));
            (
                output.status.success(),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            )
        };
        let whole = desk.ok(&["accounts", "download", "--format", format]);
        let second = [
            "accounts",
            "download",
            "--format",
            format,
            "--from",
            "2013-01-01",
        ];
        for text in [&whole, &desk.ok(&second)] {
            let (good, said) = accepts(text);
            assert!(good, "{program}: {said}\n{text}");
            // A penny on one side of an entry, and a penny on both.
            let one = text.replacen(" 4950.00 GBP", " 4950.01 GBP", 1);
            let both = one.replacen(" -4950.00 GBP", " -4950.01 GBP", 1);
            assert_ne!((text, &one), (&one, &both));
            for planted in [one, both] {
                let (good, _) = accepts(&planted);
                assert!(!good, "{program} did not find the penny in\n{planted}");
            }
        }
    }
}

#[test]
fn accounting_programs_get_their_own_columns() {
    let desk = two_years();
    let download = |format: &str| {
        desk.ok(&[
            "accounts",
            "download",
            "--format",
            format,
            "--from",
            "2013-03-01",
            "--to",
            "2013-03-01",
        ])
    };
    assert_eq!(
        download("csv"),
        "entry,date,text,source,reverses,account,name,debit,credit\r\n\
         4,2013-03-01,'=insurance,document:bill 2,,6000,Insurance,412.50,\r\n\
         4,2013-03-01,'=insurance,document:bill 2,,1200,Bank account,,412.50\r\n"
    );
    assert_eq!(
        download("xero"),
        "*Narration,*Date,Description,*AccountCode,*TaxRate,*Amount\r\n\
         '=insurance (4),01/03/2013,document:bill 2,6000,No VAT,412.50\r\n\
         '=insurance (4),01/03/2013,document:bill 2,1200,No VAT,-412.50\r\n"
    );
    assert_eq!(
        download("quickbooks"),
        "Journal No.,Journal Date,Account Name,Description,Debits,Credits\r\n\
         4,01/03/2013,Insurance,'=insurance,412.50,\r\n\
         4,01/03/2013,Bank account,'=insurance,,412.50\r\n"
    );
    assert_eq!(download("freeagent"), "01/03/2013,-412.50,'=insurance\r\n");
    assert_eq!(
        download("sage"),
        "Type,Account Reference,Nominal A/C Ref,Department Code,Date,Reference,Details,Net Amount,Tax Code,Tax Amount\r\n\
         JD,,6000,0,01032013,4,'=insurance,412.50,T9,0.00\r\n\
         JC,,1200,0,01032013,4,'=insurance,412.50,T9,0.00\r\n"
    );
}
