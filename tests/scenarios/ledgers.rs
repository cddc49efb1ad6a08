//! The books beyond single entries: assets, suppliers, accruals, loans, VAT, budgets; every figure
//! opens to its entries and every entry to its source.

use serde_json::Value;

use super::{
    desk::Desk,
    members_paid::{self, approved, release},
};

const BOARD: &str = "
[[officer]]
id = \"chair\"
role = \"chair\"
";

/// A society whose officers are treasurer and chair, with the standard chart and £60,000 in the bank.
fn society() -> Desk {
    let desk = Desk::plain();
    let path = desk.path().join("society.toml");
    let text = std::fs::read_to_string(path).expect("the society file");
    let file = desk.file("society.toml", &(text + BOARD));
    desk.ok(&["society", "apply", &file]);
    desk.ok(&by(&["accounts", "chart", "--standard"]));
    post(
        &desk,
        "2012-01-02",
        "shares issued",
        "1200=60000",
        "3000=60000",
    );
    desk
}

fn by<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["--as", "treasurer"], args].concat()
}

fn chair<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["--as", "chair"], args].concat()
}

fn post(desk: &Desk, on: &str, text: &str, debit: &str, credit: &str) {
    desk.ok(&by(&[
        "accounts",
        "post",
        "--on",
        on,
        "--text",
        text,
        "--source",
        "document:x",
        "--debit",
        debit,
        "--credit",
        credit,
    ]));
}

fn balance(desk: &Desk, account: &str, to: &str) -> i64 {
    let lines = desk.json(&["accounts", "account", account, "--to", to]);
    let last = lines["lines"].as_array().expect("lines").last().cloned();
    last.map_or(0, |line| line["balance_pence"].as_i64().unwrap())
}

fn opened(desk: &Desk, entry: &str) -> String {
    desk.json(&["accounts", "entry", entry])["opened"].to_string()
}

#[test]
fn depreciation_is_charged_once_a_period_and_an_asset_leaves_with_what_it_was_worth() {
    let desk = society();
    post(&desk, "2012-03-09", "panels", "1000=57600", "1200=57600");
    let asset = [
        "accounts",
        "asset",
        "add",
        "--name",
        "panels",
        "--cost",
        "57600",
        "--life-months",
        "240",
        "--on",
        "2012-03-09",
        "--entry",
        "2",
        "--account",
        "1000",
        "--depreciation",
        "1010",
        "--expense",
    ];
    let wrong = desk.refused(&by(&[&asset[..], &["4000"]].concat()));
    assert!(wrong.contains("expected one of kind expense"), "{wrong}");
    desk.ok(&by(&[&asset[..], &["6400"]].concat()));
    let twice = desk.refused(&by(&[&asset[..], &["6400"]].concat()));
    assert!(
        twice.contains("of which £57,600.00 are other assets"),
        "{twice}"
    );
    // £240 a month; March 2012 counts whole.
    let run = |until: &str| desk.json(&by(&["accounts", "asset", "depreciate", "--until", until]));
    assert_eq!(run("2012-12-31")["entries"].as_array().unwrap().len(), 1);
    assert_eq!(run("2012-12-31")["entries"].as_array().unwrap().len(), 0);
    assert_eq!(balance(&desk, "1010", "2012-12-31"), -240_000);
    assert_eq!(run("2014-12-31")["entries"].as_array().unwrap().len(), 1);
    assert_eq!(balance(&desk, "6400", "2014-12-31"), 816_000);
    let list = desk.json(&["accounts", "asset", "list", "--on", "2012-12-31"]);
    assert_eq!(
        (&list[0]["worth_pence"], &list[0]["entries"]),
        (&5_520_000.into(), &serde_json::json!([3]))
    );
    assert!(opened(&desk, "3").contains("over 240 months from 2012-03-09"));
    let by_hand = desk.refused(&by(&[
        "accounts",
        "post",
        "--on",
        "2014-12-31",
        "--text",
        "x",
        "--source",
        "asset:1/2014-12-31",
        "--debit",
        "6400=1",
        "--credit",
        "1010=1",
    ]));
    assert!(by_hand.contains("posted by its own command"), "{by_hand}");
    // A run that was wrong is reversed and done again.
    desk.ok(&by(&[
        "accounts",
        "reverse",
        "4",
        "--on",
        "2014-12-31",
        "--reason",
        "x",
    ]));
    assert_eq!(run("2013-12-31")["entries"].as_array().unwrap().len(), 1);
    assert_eq!(balance(&desk, "6400", "2014-12-31"), 528_000);
    // Sold on 15 July 2014 for £50,000: 28 whole months are £6,720, so £50,880 was left.
    let sold = [
        "accounts",
        "asset",
        "dispose",
        "1",
        "--reason",
        "sold",
        "--proceeds",
        "50000",
        "--on",
    ];
    let early = desk.refused(&by(&[&sold[..], &["2013-06-30"]].concat()));
    assert!(early.contains("charged for days after"), "{early}");
    desk.ok(&by(&[&sold[..], &["2014-07-15"]].concat()));
    assert_eq!(balance(&desk, "1000", "2014-12-31"), 0);
    assert_eq!(balance(&desk, "1010", "2014-12-31"), 0);
    assert_eq!(balance(&desk, "4950", "2014-12-31"), 88_000);
    assert!(
        desk.refused(&by(&[&sold[..], &["2014-08-15"]].concat()))
            .contains("went on `2014-07-15`")
    );
    assert_eq!(run("2014-12-31")["entries"].as_array().unwrap().len(), 0);
}

#[test]
fn a_suppliers_bill_is_paid_only_after_another_officer_approved_it() {
    let desk = society();
    let paper = desk.file("77.pdf", "%PDF-1.7 Sample bill 77");
    let bill = [
        "accounts",
        "supplier",
        "add",
        "--supplier",
        "Sample Insurers",
        "--reference",
        "77",
        "--on",
        "2014-03-01",
        "--due",
        "2014-03-31",
        "--line",
        "6000=400",
        "--line",
        "6300=12.50",
        "--file",
        &paper,
    ];
    let vat = desk.refused(&by(&[&bill[..], &["--vat", "82.50"]].concat()));
    assert!(vat.contains("not registered for VAT"), "{vat}");
    desk.ok(&by(&bill));
    assert!(
        desk.refused(&by(&bill))
            .contains("is entered already, as number 1")
    );
    let paid = ["accounts", "supplier", "paid", "1", "--on", "2014-03-20"];
    assert!(
        desk.refused(&by(&paid))
            .contains("waits for another officer")
    );
    let approve = ["accounts", "supplier", "approve", "1"];
    assert!(
        desk.refused(&by(&approve))
            .contains("expected another officer")
    );
    assert_eq!(balance(&desk, "2100", "2014-12-31"), 0);
    desk.ok(&chair(&approve));
    assert_eq!(balance(&desk, "2100", "2014-12-31"), -41_250);
    assert!(
        desk.refused(&chair(&approve))
            .contains("was decided before")
    );
    let list = desk.json(&["accounts", "supplier", "list"]);
    assert_eq!(list[0]["stands"], "owed, and late");
    desk.ok(&by(&paid));
    assert!(desk.refused(&by(&paid)).contains("was paid by entry 3"));
    assert_eq!(balance(&desk, "2100", "2014-12-31"), 0);
    assert!(opened(&desk, "2").contains("Sample Insurers"));
    let file = list[0]["file"].as_str().unwrap();
    assert_eq!(
        std::fs::read_to_string(file).unwrap(),
        "%PDF-1.7 Sample bill 77"
    );
    // A refused one may be entered again.
    let other: Vec<&str> = bill
        .iter()
        .map(|w| if *w == "77" { "78" } else { *w })
        .collect();
    desk.ok(&by(&other));
    desk.ok(&chair(&[
        "accounts",
        "supplier",
        "refuse",
        "2",
        "--reason",
        "wrong society",
    ]));
    desk.ok(&by(&other));
    desk.ok(&["verify"]);
}

#[test]
fn costs_fall_into_their_period_and_out_of_the_next() {
    let desk = society();
    let audit = [
        "accounts",
        "accrue",
        "--on",
        "2013-12-31",
        "--account",
        "6300",
        "--pounds",
        "900",
        "--basis",
        "audit of 2013",
    ];
    desk.ok(&by(&audit));
    assert!(desk.refused(&by(&audit)).contains("already, as number 1"));
    assert_eq!(balance(&desk, "6300", "2013-12-31"), 90_000);
    assert_eq!(balance(&desk, "2150", "2013-12-31"), -90_000);
    assert_eq!(balance(&desk, "6300", "2014-01-01"), 0);
    // £365 of insurance for 1 October 2013 to 30 September 2014: 273 of 365 days are of 2014.
    post(&desk, "2013-10-01", "insurance", "6000=365", "1200=365");
    desk.ok(&by(&[
        "accounts",
        "prepay",
        "--on",
        "2013-12-31",
        "--account",
        "6000",
        "--pounds",
        "365",
        "--basis",
        "policy 4",
        "--from",
        "2013-10-01",
        "--to",
        "2014-09-30",
    ]));
    assert_eq!(balance(&desk, "6000", "2013-12-31"), 9_200);
    assert_eq!(balance(&desk, "1150", "2013-12-31"), 27_300);
    assert_eq!(balance(&desk, "1150", "2014-01-01"), 0);
    let none = desk.refused(&by(&[
        "accounts",
        "prepay",
        "--on",
        "2014-12-31",
        "--account",
        "6000",
        "--pounds",
        "365",
        "--basis",
        "policy 4",
        "--from",
        "2013-10-01",
        "--to",
        "2014-09-30",
    ]));
    assert!(none.contains("has no day after"), "{none}");
    let tax = [
        "accounts",
        "tax",
        "--pounds",
        "412",
        "--basis",
        "CT600 of 2013",
        "--year-end",
    ];
    let wrong = desk.refused(&by(&[&tax[..], &["2013-11-30"]].concat()));
    assert!(wrong.contains("expected `2013-12-31`"), "{wrong}");
    desk.ok(&by(&[&tax[..], &["2013-12-31"]].concat()));
    assert!(
        desk.refused(&by(&[&tax[..], &["2013-12-31"]].concat()))
            .contains("posted already")
    );
    assert_eq!(balance(&desk, "2250", "2013-12-31"), -41_200);
}

#[test]
fn a_loan_is_paid_by_its_schedule_to_the_last_penny() {
    let desk = society();
    desk.ok(&by(&[
        "accounts",
        "loan",
        "add",
        "--lender",
        "Sample Lender",
        "--on",
        "2013-01-31",
        "--pounds",
        "10000",
        "--rate",
        "5",
        "--instalments",
        "4",
        "--every-months",
        "1",
        "--repayment",
        "equal-principal",
        "--account",
        "2500",
        "--interest",
        "6500",
        "--document",
        "agreement",
    ]));
    let due: Vec<String> = desk.json(&["accounts", "loan", "list"])[0]["schedule"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["due"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        due,
        ["2013-02-28", "2013-03-31", "2013-04-30", "2013-05-31"]
    );
    for due in &due {
        desk.ok(&by(&["accounts", "loan", "pay", "1", "--on", due]));
    }
    let over = desk.refused(&by(&["accounts", "loan", "pay", "1", "--on", "2013-06-30"]));
    assert!(over.contains("is paid back"), "{over}");
    assert_eq!(balance(&desk, "2500", "2013-12-31"), 0);
    // 41.67 + 31.25 + 20.83 + 10.42.
    assert_eq!(balance(&desk, "6500", "2013-12-31"), 10_417);
    assert!(opened(&desk, "3").contains("£10,000.00 at 5 %, 4 instalments"));
}

#[test]
fn the_boxes_of_a_vat_return_open_to_their_entries() {
    let desk = society();
    let paper = desk.file("77.pdf", "%PDF-1.7 Sample bill 77");
    let none = desk.refused(&[
        "accounts",
        "vat",
        "return",
        "--from",
        "2014-01-01",
        "--to",
        "2014-03-31",
    ]);
    assert!(none.contains("not registered"), "{none}");
    desk.ok(&by(&[
        "accounts",
        "vat",
        "terms",
        "--from",
        "2014-01-01",
        "--rate",
        "standard=20",
        "--rate",
        "reduced=5",
        "--source",
        "certificate",
    ]));
    let bill = |vat: &str| -> Vec<String> {
        by(&[
            "accounts",
            "supplier",
            "add",
            "--supplier",
            "Sample Works",
            "--reference",
            vat,
            "--on",
            "2014-02-01",
            "--due",
            "2014-03-31",
            "--line",
            "6100=100.99",
            "--vat",
            vat,
            "--file",
            &paper,
        ])
        .into_iter()
        .map(str::to_owned)
        .collect()
    };
    let words = |args: &[String]| {
        args.iter()
            .map(|w| w.clone().leak() as &str)
            .collect::<Vec<&str>>()
    };
    let much = desk.refused(&words(&bill("25.00")));
    assert!(much.contains("more than the highest rate, 20 %"), "{much}");
    desk.ok(&words(&bill("20.20")));
    desk.ok(&chair(&["accounts", "supplier", "approve", "1"]));
    desk.ok(&by(&[
        "accounts",
        "supplier",
        "paid",
        "1",
        "--on",
        "2014-03-01",
    ]));
    post(&desk, "2014-03-05", "to HMRC", "2200=1", "1200=1");
    let made = desk.json(&[
        "accounts",
        "vat",
        "return",
        "--from",
        "2014-01-01",
        "--to",
        "2014-03-31",
    ]);
    assert_eq!(
        made["boxes_pence"],
        serde_json::json!([0, 0, 0, 2_020, -2_020, 0, 10_000, 0, 0]),
        "purchases in whole pounds"
    );
    assert_eq!(
        made["entries"][0],
        serde_json::json!({"box": 4, "entry": 2, "pence": 2_020})
    );
    assert_eq!(made["others"], serde_json::json!([4]));
    let sent = [
        "accounts",
        "vat",
        "return",
        "--from",
        "2014-01-01",
        "--to",
        "2014-03-31",
        "--sent",
    ];
    assert_eq!(desk.json(&by(&sent))["sent"], true);
    assert!(desk.refused(&by(&sent)).contains("was sent before"));
}

#[test]
fn a_budget_stands_against_what_was_posted() {
    let desk = society();
    post(
        &desk,
        "2014-02-01",
        "insurance",
        "6000=412.50",
        "1200=412.50",
    );
    let file = desk.file("budget.csv", "account,pounds\n6000,400\n4000,9000\n");
    let set = [
        "accounts",
        "budget",
        "set",
        &file,
        "--source",
        "board 1/2014",
        "--year",
    ];
    let wrong = desk.refused(&by(&[&set[..], &["2014-02-01"]].concat()));
    assert!(wrong.contains("expected `2014-01-01`"), "{wrong}");
    desk.ok(&by(&[&set[..], &["2014-01-01"]].concat()));
    let capital = desk.file("capital.csv", "account,pounds\n3000,400\n");
    let wrong = desk.refused(&by(&[
        "accounts",
        "budget",
        "set",
        &capital,
        "--source",
        "x",
        "--year",
        "2014-01-01",
    ]));
    assert!(
        wrong.contains("a budget is of income and expense"),
        "{wrong}"
    );
    let shown = desk.json(&["accounts", "budget", "show", "--on", "2014-06-30"]);
    let line = |account: &str| -> Value {
        let lines = shown["lines"].as_array().unwrap().iter();
        lines
            .clone()
            .find(|line| line["account"] == account)
            .cloned()
            .unwrap()
    };
    assert_eq!(line("6000")["difference_pence"], 1_250);
    assert_eq!(line("4000")["difference_pence"], -900_000);
}

#[test]
fn the_year_end_read_has_earned_what_no_claim_has_yet() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).expect("a sample file");
    let desk = Desk::empty();
    let text = read("config/demo/bes1.toml") + &read("tests/year/bes1-terms.toml");
    desk.ok(&["society", "apply", &desk.file("bes1.toml", &text)]);
    desk.ok(&by(&["accounts", "chart", "--standard"]));
    let reads = read("tests/year/reads.csv");
    let own = reads
        .lines()
        .filter(|line| line.starts_with("meter") || line.contains("SAMPLE-BES1-"));
    let reads = own.collect::<Vec<_>>().join("\n") + "\n";
    desk.ok(&["reads", "import", &desk.file("reads.csv", &reads)]);
    let fit = ["--installation", "elmore-house-fit"];
    let accrue = [&["accounts", "accrue-fit", "--on", "2014-12-31"][..], &fit].concat();
    let none = desk.refused(&by(&accrue));
    assert!(none.contains("nothing of installation"), "{none}");
    let days = ["--from", "2014-01-01", "--to", "2014-09-30"];
    desk.ok(&by(&[&["claim", "freeze"][..], &fit, &days].concat()));
    let days = ["--from", "2014-10-01", "--to", "2014-12-31"];
    let to_be = desk.json(&[&["claim", "preview"][..], &fit, &days].concat());
    let made = desk.json(&by(&accrue));
    assert_eq!(made["pence"], to_be["total_pence"]);
    // 4,027.8 kWh at 16.09p, and 1,919.0 kWh of export.
    let generation = balance(&desk, "4000", "2014-12-31");
    assert_eq!(generation, -64_807);
    let income = generation + balance(&desk, "4010", "2014-12-31");
    assert_eq!(balance(&desk, "1160", "2014-12-31"), -income);
    assert_eq!(balance(&desk, "1160", "2015-01-01"), 0);
    assert_eq!(balance(&desk, "4000", "2015-01-01"), 0);
    assert!(opened(&desk, "1").contains("FIT of elmore-house-fit, 2014-10-01 to 2014-12-31"));
    assert!(desk.refused(&by(&accrue)).contains("already, as number 1"));
    // Claimed in the end, nothing is left to accrue.
    desk.ok(&by(&[&["claim", "freeze"][..], &fit, &days].concat()));
    assert!(
        desk.refused(&by(&accrue))
            .contains("is claimed to `2014-12-31`")
    );
}

#[test]
fn the_register_is_held_against_the_books_before_money_leaves() {
    let desk = members_paid::society("");
    let apart = desk.refused(&["accounts", "reconcile"]);
    assert!(
        apart.contains("share capital by the register is £29,843.00, and account `3000` has £0.00"),
        "{apart}"
    );
    let order = ["--run", "1", "--profile", "by-hand", "--on", "2014-05-01"];
    let prepare = by(&[&["payments", "prepare"][..], &order].concat());
    let said = desk.run(&prepare);
    assert!(said.err.contains("before money leaves"), "{}", said.err);
    desk.ok(&by(&[
        "payments", "cancel", "--order", "1", "--reason", "x",
    ]));
    post(
        &desk,
        "2012-02-20",
        "shares issued",
        "1200=29843",
        "3000=29843",
    );
    desk.ok(&["accounts", "reconcile"]);
    approved(&desk, &order);
    // 62 shares are made of interest: in both alike.
    release(&desk, "1", "by-hand", "out.csv");
    let lines = desk.json(&["accounts", "reconcile"]);
    assert_eq!(lines[0]["register_pence"], 2_990_500);
    assert_eq!(lines[0]["apart_pence"], 0);
}

#[test]
fn a_banks_ofx_file_is_imported_once() {
    let desk = society();
    let text = "OFXHEADER:100\n<OFX><BANKTRANLIST>\n<STMTTRN>\n<DTPOSTED>20140501\n<TRNAMT>703.25\n<FITID>A1\n<NAME>GOOD LICENSEE\n<STMTTRN>\n<DTPOSTED>20140502\n<TRNAMT>-41.20\n<FITID>A2\n<MEMO>post\n</BANKTRANLIST></OFX>\n";
    let file = desk.file("bank.ofx", text);
    let import = by(&["bank", "import", &file, "--mapping", "bank"]);
    let made = desk.json(&import);
    assert_eq!(
        (&made["rows"], &made["new"]),
        (&2.into(), &2.into()),
        "{made}"
    );
    let again = desk.json(&import);
    assert_eq!((&again["new"], &again["duplicate"]), (&0.into(), &2.into()));
    let wrong = desk.file("wrong.ofx", &text.replace("20140502", "soon"));
    let said = desk.refused(&by(&["bank", "import", &wrong, "--mapping", "bank"]));
    assert!(
        said.contains("line 8 of the file: `soon` is no day"),
        "{said}"
    );
}
