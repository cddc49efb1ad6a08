//! From reads to pounds through the real command line: rates, claims, host bills; and an independent
//! recomputation of all of them in Python, which shares only the tables of published rates.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::desk::Desk;

const APPROVED: &str = "approved = { type = \"T\", certificate = \"C\", expires = \"2040-12-31\" }";

/// A society whose meters are approved, with a roof like Elmore House, a block of 9 kW and a host.
pub fn society() -> Desk {
    let desk = Desk::plain();
    let text = format!(
        r#"
[society]
slug = "bes"
name = "Test Society"

[[site]]
id = "roof"
name = "The roof"
latitude = "51.4681"
longitude = "-0.1030"
capacity_kwp = "37.24"

[[site]]
id = "block"
name = "The block"
latitude = "51.4667"
longitude = "-0.1042"
capacity_kwp = "9"

[[meter_point]]
id = "roof-generation"
site = "roof"
counts = "generation"
capacity_kw = "37.24"

[[meter_point]]
id = "roof-export"
site = "roof"
counts = "export"
capacity_kw = "37.24"

[[meter_point]]
id = "block-generation"
site = "block"
counts = "generation"
capacity_kw = "9"

[[meter]]
serial = "M1"
meter_point = "roof-generation"
installed = "2009-01-01"
register = [{{ code = "2.8.0", digits = 9, step_wh = 10 }}]
{APPROVED}

[[meter]]
serial = "X1"
meter_point = "roof-export"
installed = "2013-08-01"
register = [{{ code = "2.8.0", digits = 9, step_wh = 1 }}]
{APPROVED}

[[meter]]
serial = "B1"
meter_point = "block-generation"
installed = "2012-08-20"
register = [{{ code = "2.8.0", digits = 9, step_wh = 1 }}]
{APPROVED}

[[installation]]
id = "roof-fit"
site = "roof"
meter_point = "roof-generation"
declared_net_capacity_kw = "37.24"
eligible_from = "2012-04-23"
export_meter_point = "roof-export"
export = [{{ from = "2013-08-01", basis = "metered" }}]

[[installation]]
id = "roof-generation-only"
site = "roof"
meter_point = "roof-generation"
declared_net_capacity_kw = "37.24"
eligible_from = "2012-04-23"

[[installation]]
id = "block-fit"
site = "block"
meter_point = "block-generation"
declared_net_capacity_kw = "9"
eligible_from = "2012-08-20"
export = [{{ from = "2012-08-20", basis = "deemed" }}]

[[host]]
id = "council"
name = "The Council"
site = "roof"
from = "2014-01-01"
on_site = "metered"
rate = {{ percent_below_grid = "10" }}
grid_price = [{{ from = "2014-01-01", p_per_kwh = "14.0", source = "the council's bill" }}]
vat_percent = "20"
po_number = "PO 7"

[[officer]]
id = "treasurer"
role = "treasurer"

[[officer]]
id = "secretary"
role = "secretary"
"#
    );
    let file = desk.file("income.toml", &text);
    desk.ok(&["society", "apply", &file]);
    assert_eq!(
        desk.json(&["society", "apply", &file])["applied"],
        false,
        "a second run appends nothing"
    );
    desk
}

pub fn rate(desk: &Desk, installation: &str, on: &str) -> Value {
    desk.json(&["rate", "--installation", installation, "--on", on])
}

pub fn claim<'a>(what: &'a str, installation: &'a str, from: &'a str, to: &'a str) -> Vec<&'a str> {
    vec![
        "claim",
        what,
        "--installation",
        installation,
        "--from",
        from,
        "--to",
        to,
    ]
}

/// `generation 2940000 × 20.17 = 59300`, one a line.
pub fn lines(claim: &Value) -> Vec<String> {
    let lines = claim["lines"].as_array().expect("lines").iter();
    let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    lines
        .map(|line| {
            format!(
                "{} {} × {} = {}",
                text(line, "kind"),
                line["wh"],
                text(line, "rate_p_per_kwh"),
                line["pence"]
            )
        })
        .collect()
}

pub fn finds(claim: &Value, kind: &str) -> bool {
    let findings = claim["findings"].as_array().expect("findings");
    findings.iter().any(|finding| finding["kind"] == kind)
}

/// What the recomputation in Python says of the cases.
pub fn recomputed(cases: &Value) -> Value {
    let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/recompute.py");
    let mut child = Command::new(&python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("`{python}`: {e}; install Python 3.11 or later"));
    let stdin = child.stdin.take().expect("stdin");
    { stdin }
        .write_all(cases.to_string().as_bytes())
        .expect("written");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "the recomputation failed");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

#[test]
fn rates_of_every_year_are_those_that_python_works_out_from_the_tables() {
    let desk = society();
    let mut cases = Vec::new();
    let mut ours = Vec::new();
    for (installation, eligible, kw, export) in [
        (
            "roof-fit",
            "2012-04-23",
            "37.24",
            json!([["2013-08-01", "metered"]]),
        ),
        (
            "block-fit",
            "2012-08-20",
            "9",
            json!([["2012-08-20", "deemed"]]),
        ),
    ] {
        for year in 2012..=2026 {
            let on = format!("{year}-12-01");
            let rate = rate(&desk, installation, &on);
            ours.push(json!({
                "generation": rate["generation_p_per_kwh"],
                "export": rate["export_p_per_kwh"],
                "basis": rate["export_basis"],
                "until": rate["eligible_until"],
            }));
            cases.push(json!({"eligible": eligible, "kw": kw, "on": on, "export": export}));
        }
    }
    assert_eq!(ours[14]["generation"], "25.75", "BES1 in 2026/27");
    assert_eq!(ours[0]["basis"], "none", "BES1 before its export meter");
    assert_eq!(ours[14]["until"], "2037-04-22");
    assert_eq!(ours[15]["until"], "2032-08-19");
    assert_eq!(recomputed(&json!({"rate": cases}))["rate"], json!(ours));
}

#[test]
fn a_claim_across_april_is_split_frozen_once_and_never_twice() {
    let desk = society();
    desk.reads(
        "M1 2022-12-15T12:00:00Z 300000.00
         M1 2023-06-15T12:00:00Z 310440.00",
    );
    let of = |what| claim(what, "roof-generation-only", "2022-12-15", "2023-06-15");
    let mut freeze = of("freeze");
    freeze.extend(["--as", "treasurer"]);
    // Without the read of 31 March: marked in the preview, refused by freeze.
    let marked = desk.json(&of("preview"));
    assert!(finds(&marked, "apportioned"), "{marked}");
    assert_eq!(marked["lines"][0]["apportioned"], true);
    let refused = desk.run(&freeze);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("--apportioned"), "{}", refused.err);
    // With it: to the penny.
    desk.reads("M1 2023-03-31T17:00:00Z 302940.00");
    let preview = desk.json(&of("preview"));
    assert_eq!(
        lines(&preview),
        [
            "generation 2940000 × 20.17 = 59300",
            "generation 7500000 × 22.87 = 171525"
        ]
    );
    assert_eq!(preview["total_pence"], 230_825);
    let head = desk.ok(&["head"]);
    let nobody = desk.run(&of("freeze"));
    assert_eq!(nobody.code, 1, "a freeze has its author");
    assert_eq!(desk.ok(&["head"]), head, "a preview changes nothing");
    let frozen = desk.json(&freeze);
    assert_eq!(
        (&frozen["frozen"], &frozen["number"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(
        frozen["lines"], preview["lines"],
        "preview is the same computation"
    );
    let head = desk.ok(&["head"]);
    assert_eq!(desk.json(&freeze), frozen, "twice is once");
    assert_eq!(desk.ok(&["head"]), head);
    // Other days that overlap are refused; later reads change no frozen claim.
    desk.reads("M1 2023-05-01T12:00:00Z 306000.00");
    let mut overlaps = claim("freeze", "roof-generation-only", "2023-04-01", "2023-06-15");
    overlaps.extend(["--as", "treasurer"]);
    let refused = desk.run(&overlaps);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("claim 1"), "{}", refused.err);
    assert_eq!(desk.json(&of("preview")), frozen);
    // £25.00 short is named.
    let mut compare = of("compare");
    compare.extend(["--paid", "2283.25"]);
    let paid = desk.json(&compare);
    assert_eq!(paid["finding"], "possible-charge");
    assert_eq!(paid["difference_pence"], 2_500);
    let list = desk.json(&["claim", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(desk.json(&["claim", "list"]), list);
    let python = recomputed(&json!({"claim": [{
        "eligible": "2012-04-23", "kw": "37.24", "export": [],
        "reads": [
            ["2022-12-15T12:00:00", "300000.00"],
            ["2023-03-31T18:00:00", "302940.00"],
            ["2023-06-15T13:00:00", "310440.00"]
        ],
    }]}));
    same(&python["claim"][0], &preview);
}

#[test]
fn blocks_are_deemed_and_elmore_house_is_metered() {
    let desk = society();
    desk.reads(
        "B1 2013-03-31T20:00:00Z 1000
         B1 2014-03-31T20:00:00Z 6940
         M1 2013-09-30T20:00:00Z 20000
         M1 2013-12-31T20:00:00Z 24000
         X1 2013-09-30T20:00:00Z 3000
         X1 2013-12-31T20:00:00Z 4450.5",
    );
    let block = desk.json(&claim("preview", "block-fit", "2013-04-01", "2014-03-31"));
    assert_eq!(lines(&block)[1], "export-deemed 2970000 × 4.64 = 13781");
    let roof = desk.json(&claim("preview", "roof-fit", "2013-10-01", "2013-12-31"));
    assert_eq!(lines(&roof)[1], "export-metered 1450500 × 3.3 = 4787");
    let python = recomputed(&json!({"claim": [
        {"eligible": "2012-08-20", "kw": "9", "export": [["2012-08-20", "deemed"]],
         "reads": [["2013-04-01T00:00:00", "1000"], ["2014-03-31T21:00:00", "6940"]]},
        {"eligible": "2012-04-23", "kw": "37.24", "export": [["2013-08-01", "metered"]],
         "reads": [["2013-09-30T21:00:00", "20000"], ["2013-12-31T20:00:00", "24000"]],
         "export_reads": [["2013-09-30T21:00:00", "3000"], ["2013-12-31T20:00:00", "4450.5"]]},
        {"eligible": "2012-08-20", "kw": "45", "export": [["2012-08-20", "deemed"]],
         "reads": [["2013-04-01T00:00:00", "1000"], ["2014-03-31T21:00:00", "30700"]]},
    ]}));
    same(&python["claim"][0], &block);
    same(&python["claim"][1], &roof);
    assert!(python["claim"][2]["refused"].is_string());
    // As one installation of 45 kW deeming is refused.
    let text = std::fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let one = text.replace(
        "declared_net_capacity_kw = \"9\"",
        "declared_net_capacity_kw = \"45\"",
    );
    let said = desk.run(&["society", "apply", &desk.file("one.toml", &one)]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("cannot be deemed"), "{}", said.err);
}

#[test]
fn reads_of_a_meter_without_approval_are_never_claimed() {
    let desk = society();
    let text = std::fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let bare = text.replace(APPROVED, "");
    desk.ok(&["society", "apply", &desk.file("bare.toml", &bare)]);
    desk.reads("B1 2013-04-30T20:00:00Z 1000\nB1 2013-05-31T20:00:00Z 1900");
    let said = desk.run(&claim("preview", "block-fit", "2013-05-01", "2013-05-31"));
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("not approved for billing"),
        "{}",
        said.err
    );
}

#[test]
fn a_host_is_billed_below_the_grid_and_told_what_it_saves() {
    let desk = society();
    desk.reads(
        "M1 2013-12-31T20:00:00Z 0
         M1 2014-12-31T20:00:00Z 130000
         X1 2013-12-31T20:00:00Z 500
         X1 2014-12-31T20:00:00Z 30500",
    );
    let of = |what| {
        let words = [
            "bill",
            what,
            "--host",
            "council",
            "--from",
            "2014-01-01",
            "--to",
            "2014-12-31",
        ];
        words.to_vec()
    };
    let bill = desk.json(&of("preview"));
    assert_eq!(bill["net_pence"], 1_260_000);
    assert_eq!(bill["saving_pence"], 140_000);
    assert_eq!(bill["on_site"], "metered");
    let text = desk.ok(&of("preview"));
    assert!(
        text.contains("£12,600.00") && text.contains("£1,400.00"),
        "{text}"
    );
    let mut page = of("preview");
    page.extend(["--format", "html"]);
    let page = desk.ok(&page);
    assert!(
        page.contains("£12,600.00") && page.contains("PO 7"),
        "{page}"
    );
    let mut freeze = of("freeze");
    freeze.extend(["--as", "treasurer"]);
    let frozen = desk.json(&freeze);
    assert_eq!(frozen["frozen"], true);
    let head = desk.ok(&["head"]);
    assert_eq!(desk.json(&freeze), frozen, "twice is once");
    assert_eq!(desk.ok(&["head"]), head);
    let overlaps = desk.run(&[
        "bill",
        "freeze",
        "--host",
        "council",
        "--from",
        "2014-07-01",
        "--to",
        "2014-12-31",
        "--as",
        "treasurer",
    ]);
    assert_eq!(overlaps.code, 1);
    assert!(overlaps.err.contains("bill 1"), "{}", overlaps.err);
    let python = recomputed(&json!({"bill": [
        {"wh": 100_000_000, "rate": "12.6", "grid": "14.0", "vat": "20"}
    ]}));
    assert_eq!(
        python["bill"][0],
        json!({
            "net": bill["net_pence"],
            "vat": bill["vat_pence"],
            "gross": bill["gross_pence"],
            "saving": bill["saving_pence"],
        })
    );
}

#[test]
fn a_statement_is_held_against_the_reads_of_past_years() {
    let desk = society();
    desk.reads(
        "B1 2013-03-31T20:00:00Z 1000
         B1 2014-03-31T20:00:00Z 6940
         B1 2015-03-31T20:00:00Z 12880",
    );
    let statement = desk.file(
        "statement.csv",
        "installation,from,to,paid_on,kind,kwh,rate_p_per_kwh,pounds
block-fit,2013-04-01,2014-03-31,2014-05-15,generation,5940,14.95,888.03
block-fit,2013-04-01,2014-03-31,2014-05-15,export-deemed,2970,4.64,137.81
block-fit,2013-04-01,2014-03-31,2014-05-15,deduction,,,-25.00
block-fit,2014-04-01,2015-03-31,2015-07-01,generation,5940,14.95,888.03
",
    );
    let made = desk.json(&["claim", "reconcile", &statement]);
    let found: Vec<(&str, i64)> = made["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let word = one["difference"].as_str().unwrap();
            (word, one["lacking_pence"].as_i64().unwrap())
        })
        .collect();
    // 5,940 kWh × 15.35 p = £911.79; 2,970 kWh × 4.77 p = £141.67, never paid.
    assert_eq!(
        found,
        [
            ("charge", 2_500),
            ("late", 0),
            ("wrong-rate", 2_376),
            ("unpaid", 14_167)
        ]
    );
    let letter = desk.ok(&["claim", "reconcile", &statement, "--letter"]);
    assert!(letter.contains("£190.43 unpaid"), "{letter}");
    let text = desk.ok(&["claim", "reconcile", &statement]);
    assert!(text.contains("4 differences, £190.43 lacking"), "{text}");
    let wrong = desk.file("wrong.csv", "installation,from\nx,y\n");
    let said = desk.run(&["claim", "reconcile", &wrong]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("expected `installation,from,to"),
        "{}",
        said.err
    );
}

#[test]
fn the_demo_societies_are_paid_as_print_says() {
    let desk = Desk::plain();
    for name in ["bes1", "bes2", "bes3"] {
        let file = format!("{}/config/demo/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        desk.ok(&["society", "apply", &file]);
    }
    let bes1 = rate(&desk, "elmore-house-fit", "2026-05-01");
    assert_eq!(bes1["generation_p_per_kwh"], "25.75");
    assert_eq!(bes1["export_basis"], "metered");
    assert_eq!(
        rate(&desk, "elmore-house-fit", "2013-07-31")["export_p_per_kwh"],
        Value::Null
    );
    let bes2 = rate(&desk, "styles-gardens-1-fit", "2013-05-01");
    assert_eq!(
        (
            bes2["generation_p_per_kwh"].as_str(),
            bes2["export_p_per_kwh"].as_str()
        ),
        (Some("14.95"), Some("4.64"))
    );
    let bes3 = rate(&desk, "roupell-park-1-fit", "2013-10-01");
    assert_eq!(bes3["generation_p_per_kwh"], "12.57");
    let check = desk.json(&["rate", "--check"]);
    let differ: Vec<&Value> = check["uplifts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["differs"] == true)
        .collect();
    assert_eq!(differ.len(), 1);
    assert_eq!(differ[0]["from"], "2026-04-01");
    let early = desk.run(&[
        "rate",
        "--installation",
        "elmore-house-fit",
        "--on",
        "2027-04-01",
    ]);
    assert_eq!(early.code, 1);
    assert!(
        early.err.contains("uplift of 1 April `2027`"),
        "{}",
        early.err
    );
}

/// The recomputed claim is ours, line by line.
pub fn same(python: &Value, ours: &Value) {
    let lines: Vec<Value> = ours["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| {
            json!({
                "kind": line["kind"],
                "wh": line["wh"],
                "rate": line["rate_p_per_kwh"],
                "pence": line["pence"],
            })
        })
        .collect();
    assert_eq!(python["lines"], json!(lines));
    assert_eq!(python["total"], ours["total_pence"]);
}
