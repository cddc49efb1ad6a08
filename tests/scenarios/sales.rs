//! Export sold to a supplier, and bills that are taken back, chased and paid.

use serde_json::{Value, json};

use super::{
    desk::Desk,
    income::{claim, recomputed, society},
};

/// The society of the other tests, which gave FIT export up on 1 January 2020, with a buyer.
fn seller(rate: &str) -> Desk {
    let desk = society();
    let text = std::fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let text = text.replace(
        "export = [{ from = \"2013-08-01\", basis = \"metered\" }]",
        "export = [{ from = \"2013-08-01\", basis = \"metered\" }, { from = \"2020-01-01\", basis = \"none\" }]",
    );
    let text = format!(
        "{text}\n[[buyer]]\nid = \"roof-seg\"\nname = \"A Supplier\"\nsite = \"roof\"\nscheme = \"seg\"\nfrom = \"2020-01-01\"\nrate = {{ {rate} }}\nvat_percent = \"0\"\n"
    );
    desk.ok(&["society", "apply", &desk.file("seller.toml", &text)]);
    desk
}

fn bill<'a>(what: &'a str, host: &'a str, from: &'a str, to: &'a str) -> Vec<&'a str> {
    let mut words = vec!["bill", what, "--host", host, "--from", from, "--to", to];
    if what == "freeze" {
        words.extend(["--as", "treasurer"]);
    }
    words
}

#[test]
fn export_is_sold_at_an_indexed_rate_with_cap_and_floor() {
    let desk = seller(
        "base_p_per_kwh = \"5.5\", indexed_by = \"RPI\", cap_percent = \"5\", floor_percent = \"2\"",
    );
    desk.reads(
        "X1 2019-12-31T23:30:00Z 1000
         X1 2023-03-31T22:00:00Z 2000
         X1 2023-06-30T22:00:00Z 3000",
    );
    // 5.5, ×1.022, ×1.02 (floor, 1.2 % was published), ×1.05 (cap, 7.5 %), ×1.05 (cap, 13.4 %).
    let made = desk.json(&bill("preview", "roof-seg", "2023-04-01", "2023-06-30"));
    assert_eq!(made["lines"][0]["rate_p_per_kwh"], "6.3211");
    assert_eq!(made["net_pence"], 6_321);
    assert_eq!(made["on_site"], "export");
    let python = recomputed(&json!({"sale": [{
        "base": "5.5", "from": "2020-01-01", "index": "RPI", "cap": "5", "floor": "2",
        "on": "2023-04-01", "wh": 1_000_000, "vat": "0",
    }]}));
    assert_eq!(
        python["sale"][0],
        json!({"rate": "6.3211", "net": 6321, "vat": 0, "gross": 6321})
    );
}

#[test]
fn export_is_sold_at_half_hourly_prices_that_may_be_negative() {
    let desk = seller("half_hourly = \"agile\"");
    // 30 March 2025 has 46 half hours; its prices go below zero at noon.
    let mut prices = String::from("from,p_per_kwh\n");
    let mut reads = String::from("X1 2025-03-28T22:00:00Z 999.5\n");
    let mut cases = Vec::new();
    let mut shown = 1_000_000_i64;
    for n in 0..96_i64 {
        let minute = n * 30;
        let (day, at) = (29 + minute / 1440, minute % 1440);
        let stamp = format!("2025-03-{day:02}T{:02}:{:02}:00Z", at / 60, at % 60);
        let price = match at / 60 {
            11..=13 => "-4.25",
            16..=18 => "31.4",
            _ => "9.87",
        };
        prices.push_str(&format!("{stamp},{price}\n"));
        reads.push_str(&format!(
            "X1 {stamp} {}.{:03}\n",
            shown / 1000,
            shown % 1000
        ));
        let wh = (at / 60) * 111 % 5000;
        shown += wh;
        // The bill is of 30 March, local: 00:00 GMT to 23:00 GMT.
        if day == 30 && at < 1380 {
            cases.push(json!([wh, price]));
        }
    }
    desk.reads(&reads);
    let file = desk.file("agile.csv", &prices);
    let asked = bill("preview", "roof-seg", "2025-03-30", "2025-03-30");
    assert!(
        desk.refused(&asked)
            .contains("no half-hourly prices `agile`")
    );
    desk.ok(&[
        "table",
        "extend",
        "export-price",
        "name=agile",
        "--file",
        &file,
        "--source",
        "the supplier's page",
        "--as",
        "treasurer",
    ]);
    desk.ok(&["table", "approve", "1", "--as", "secretary"]);
    let made = desk.json(&asked);
    let python = recomputed(&json!({"half_hourly": [{"half_hours": cases, "vat": "0"}]}));
    assert_eq!(cases.len(), 46);
    assert_eq!(made["lines"][0]["half_hours"], 46);
    assert_eq!(
        json!({"wh": made["lines"][0]["wh"], "net": made["net_pence"], "gross": made["gross_pence"]}),
        python["half_hourly"][0]
    );
    assert!(made["net_pence"].as_i64().unwrap() > 0);
    assert!(desk.ok(&asked).contains("on average"));
    let frozen = desk.json(&bill("freeze", "roof-seg", "2025-03-30", "2025-03-30"));
    assert_eq!(frozen["net_pence"], made["net_pence"]);
    // A half hour without a price stops the bill.
    let early = desk.refused(&bill("preview", "roof-seg", "2025-03-28", "2025-03-28"));
    assert!(
        early.contains("no price for the half hour from 2025-03-28T22:00"),
        "{early}"
    );
}

#[test]
fn export_is_never_sold_and_paid_under_the_scheme_together() {
    let desk = society();
    let text = std::fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let both = format!(
        "{text}\n[[buyer]]\nid = \"roof-seg\"\nname = \"A Supplier\"\nsite = \"roof\"\nscheme = \"seg\"\nfrom = \"2020-01-01\"\nrate = {{ fixed_p_per_kwh = \"5\" }}\nvat_percent = \"0\"\n"
    );
    let why = desk.refused(&["society", "apply", &desk.file("both.toml", &both)]);
    assert!(
        why.contains("roof-fit") && why.contains("basis = \"none\""),
        "{why}"
    );
    // Nor by changing the file after one of the two was frozen.
    let desk = seller("fixed_p_per_kwh = \"5\"");
    desk.reads(
        "M1 2020-03-31T20:00:00Z 1000
         M1 2020-06-30T20:00:00Z 9000
         X1 2020-03-31T20:00:00Z 100
         X1 2020-06-30T20:00:00Z 4100",
    );
    desk.ok(&bill("freeze", "roof-seg", "2020-04-01", "2020-06-30"));
    desk.ok(&["society", "apply", &desk.file("fit.toml", &text)]);
    let mut freeze = claim("freeze", "roof-fit", "2020-04-01", "2020-06-30");
    freeze.extend(["--as", "treasurer"]);
    let why = desk.refused(&freeze);
    assert!(
        why.contains("bill 1") && why.contains("never sold and claimed"),
        "{why}"
    );
}

#[test]
fn a_deemed_host_beside_an_export_meter_is_remarked() {
    let desk = society();
    let text = std::fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let deemed = text.replace(
        "on_site = \"metered\"",
        "on_site = \"deemed\"\ndeemed_percent = 50",
    );
    desk.ok(&["society", "apply", &desk.file("deemed.toml", &deemed)]);
    desk.reads("M1 2014-12-31T20:00:00Z 0\nM1 2015-12-31T20:00:00Z 30000");
    let made = desk.json(&bill("preview", "council", "2015-01-01", "2015-12-31"));
    let findings = made["findings"].as_array().unwrap();
    assert!(
        findings.iter().any(|one| one["kind"] == "export-meter"),
        "{findings:?}"
    );
}

/// A bill of 12,600 + 20 %, due on a day long past.
fn billed() -> Desk {
    let desk = society();
    desk.reads(
        "M1 2013-12-31T20:00:00Z 0
         M1 2014-12-31T20:00:00Z 130000
         X1 2013-12-31T20:00:00Z 500
         X1 2014-12-31T20:00:00Z 30500",
    );
    desk.ok(&bill("freeze", "council", "2014-01-01", "2014-12-31"));
    desk
}

#[test]
fn a_bill_is_taken_back_by_a_credit_note_and_billed_again() {
    let desk = billed();
    assert_eq!(desk.json(&["bill", "owed"])[0]["open_pence"], 1_512_000);
    let credit = [
        "bill",
        "credit",
        "--bill",
        "1",
        "--reason",
        "wrong grid price",
        "--as",
        "treasurer",
    ];
    let note = desk.json(&credit);
    assert_eq!(note["credit_note"], 1);
    assert!(desk.refused(&credit).contains("credit note 1"));
    assert_eq!(desk.json(&["bill", "owed"]), json!([]));
    let text = desk.ok(&["bill", "list"]);
    assert!(text.contains("credit note 1"), "{text}");
    let again = desk.json(&bill("freeze", "council", "2014-01-01", "2014-12-31"));
    assert_eq!(again["number"], 2, "numbers are never used twice");
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(desk.json(&["bill", "list"]).as_array().unwrap().len(), 2);
}

#[test]
fn a_late_bill_is_chased_until_it_is_paid() {
    let desk = billed();
    let due: Value = desk.json(&["bill", "list"])[0]["due"].clone();
    let none = desk.run(&["bill", "remind"]);
    assert!(none.err.contains("nothing to write"), "it is due on {due}");
    let mapping = desk.file(
        "bank.toml",
        "kind = \"bank\"\ndate_format = \"%d/%m/%Y\"\n[columns]\npaid_on = \"Date\"\npaid_in = \"Paid in\"\npaid_out = \"Paid out\"\ntext = \"Description\"\n[[payer]]\ntext = \"the council\"\nhost = \"council\"\n",
    );
    let file = desk.file(
        "bank.csv",
        "Date,Description,Paid out,Paid in\n02/02/2015,THE COUNCIL PO 7,,\"12,000.00\"\n03/02/2015,MEMBER 001 WITHDRAWAL,50.00,\n",
    );
    let import = [
        "bank",
        "import",
        &file,
        "--mapping",
        &mapping,
        "--as",
        "treasurer",
    ];
    let made = desk.json(&import);
    assert_eq!((&made["new"], &made["unmatched"]), (&json!(2), &json!(1)));
    let head = desk.ok(&["head"]);
    assert_eq!(desk.json(&import)["new"], 0, "twice is once");
    assert_eq!(desk.ok(&["head"]), head);
    let owed = desk.json(&["bill", "owed"]);
    assert_eq!(
        (&owed[0]["paid_pence"], &owed[0]["open_pence"]),
        (&json!(1_200_000), &json!(312_000))
    );
    // What is not income stays out of the journal but for its day and amount.
    let list = desk.json(&["bank", "list", "--unmatched"]);
    assert_eq!(list[0]["pence"], -5_000);
    assert!(list[0]["text"].as_str().unwrap().contains("MEMBER 001"));
    let row = list[0]["row"].as_str().unwrap().to_owned();
    desk.ok(&["bank", "match", &row, "--nothing", "--as", "treasurer"]);
    assert_eq!(desk.json(&["bank", "list", "--unmatched"]), json!([]));
    // The rest comes in the next file, which overlaps.
    let next = desk.file(
        "next.csv",
        "Date,Description,Paid out,Paid in\n03/02/2015,MEMBER 001 WITHDRAWAL,50.00,\n10/02/2015,THE COUNCIL PO 7,,\"3,120.00\"\n",
    );
    let made = desk.json(&[
        "bank",
        "import",
        &next,
        "--mapping",
        &mapping,
        "--as",
        "treasurer",
    ]);
    assert_eq!(made["new"], 1);
    assert_eq!(desk.json(&["bill", "owed"]), json!([]));
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(desk.json(&["bill", "owed"]), json!([]));
}
