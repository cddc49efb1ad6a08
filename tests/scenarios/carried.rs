//! What changes after a claim was frozen: it is never lost, never counted twice, and always stated.

use serde_json::{Value, json};

use super::{
    desk::Desk,
    income::{claim, finds, lines, society},
};

fn freeze(desk: &Desk, installation: &str, from: &str, to: &str) -> Value {
    let mut words = claim("freeze", installation, from, to);
    words.extend(["--as", "treasurer"]);
    desk.json(&words)
}

fn refused(desk: &Desk, installation: &str, from: &str, to: &str) -> String {
    let mut words = claim("freeze", installation, from, to);
    words.extend(["--as", "treasurer"]);
    desk.refused(&words)
}

#[test]
fn export_without_its_read_is_in_the_next_claim_once() {
    let desk = society();
    desk.reads(
        "M1 2013-09-30T20:00:00Z 20000
         M1 2013-12-31T20:00:00Z 24000
         M1 2014-03-31T20:00:00Z 27000
         M1 2014-06-30T20:00:00Z 36000
         M1 2014-09-30T20:00:00Z 45000
         X1 2013-09-30T20:00:00Z 3000",
    );
    // The export meter was not read for two quarters.
    let one = freeze(&desk, "roof-fit", "2013-10-01", "2013-12-31");
    assert!(finds(&one, "no-export-read"), "{one}");
    assert_eq!(one["lines"].as_array().unwrap().len(), 1);
    let two = freeze(&desk, "roof-fit", "2014-01-01", "2014-03-31");
    assert!(finds(&two, "no-export-read"), "{two}");
    // Then it was, and the days of both are in the third, at the rates of their years.
    desk.reads("X1 2014-03-31T20:00:00Z 5000\nX1 2014-06-30T20:00:00Z 9500");
    let three = freeze(&desk, "roof-fit", "2014-04-01", "2014-06-30");
    assert!(finds(&three, "export-carried"), "{three}");
    let export: Vec<String> = lines(&three)
        .into_iter()
        .filter(|line| line.starts_with("export"))
        .collect();
    assert_eq!(
        export,
        [
            "export-metered 2000000 × 3.3 = 6600",
            "export-metered 4500000 × 3.39 = 15255"
        ]
    );
    // Once: the fourth opens where the third closed, and what arrives late changes nothing twice.
    desk.reads("X1 2013-12-31T20:00:00Z 4000\nX1 2014-09-30T20:00:00Z 13000");
    let four = freeze(&desk, "roof-fit", "2014-07-01", "2014-09-30");
    assert_eq!(
        lines(&four),
        [
            "generation 9000000 × 16.09 = 144810",
            "export-metered 3500000 × 3.39 = 11865"
        ]
    );
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
}

#[test]
fn export_of_a_claim_between_two_others_is_set_right_in_the_next() {
    let desk = society();
    desk.reads(
        "M1 2013-09-30T20:00:00Z 20000
         M1 2013-12-31T20:00:00Z 24000
         M1 2014-03-31T20:00:00Z 27000
         M1 2014-06-30T20:00:00Z 36000
         X1 2013-12-31T20:00:00Z 4000
         X1 2014-03-31T20:00:00Z 5000",
    );
    let one = freeze(&desk, "roof-fit", "2013-10-01", "2013-12-31");
    assert!(finds(&one, "no-export-read"), "{one}");
    desk.reads("X1 2013-10-01T00:00:00Z 3000");
    // The second takes what the first had no reads for at the time.
    let two = freeze(&desk, "roof-fit", "2014-01-01", "2014-03-31");
    assert!(
        lines(&two).contains(&"export-metered 2000000 × 3.3 = 6600".to_owned()),
        "{two}"
    );
    assert!(finds(&two, "export-carried"), "{two}");
    desk.reads("X1 2014-06-30T20:00:00Z 9500");
    let three = freeze(&desk, "roof-fit", "2014-04-01", "2014-06-30");
    assert_eq!(lines(&three).len(), 2, "{three}");
}

#[test]
fn a_read_corrected_after_a_freeze_is_a_stated_line_of_the_next_claim() {
    let desk = society();
    desk.reads(
        "B1 2013-12-31T20:00:00Z 1000
         B1 2014-03-31T20:00:00Z 2900
         B1 2014-06-30T20:00:00Z 5000
         B1 2014-09-30T20:00:00Z 7000",
    );
    let one = freeze(&desk, "block-fit", "2014-01-01", "2014-03-31");
    assert_eq!(
        lines(&one),
        [
            "generation 1900000 × 14.95 = 28405",
            "export-deemed 950000 × 4.64 = 4408"
        ]
    );
    // The photo shows 2,800: the read is corrected.
    desk.ok(&[
        "reads",
        "decide",
        "--meter",
        "B1",
        "--at",
        "2014-03-31T20:00:00Z",
        "--value",
        "2900",
        "correct",
        "--correct-to",
        "2800",
        "--reason",
        "misread, see photo",
        "--as",
        "treasurer",
    ]);
    let again = desk.json(&claim("preview", "block-fit", "2014-01-01", "2014-03-31"));
    assert_eq!(again, one, "a frozen claim is never reckoned again");
    let two = freeze(&desk, "block-fit", "2014-04-01", "2014-06-30");
    assert_eq!(
        lines(&two),
        [
            "generation 2200000 × 15.35 = 33770",
            "export-deemed 1100000 × 4.77 = 5247",
            "generation -100000 × 14.95 = -1495",
            "export-deemed -50000 × 4.64 = -232"
        ]
    );
    assert_eq!(two["lines"][2]["adjusts"], 1);
    assert_eq!(two["total_pence"], 33_770 + 5_247 - 1_495 - 232);
    assert!(finds(&two, "adjusts"), "{two}");
    let text = desk.ok(&claim("preview", "block-fit", "2014-04-01", "2014-06-30"));
    assert!(text.contains("sets claim 1 right"), "{text}");
    assert!(text.contains("frozen by treasurer"), "{text}");
    // Set right once.
    let three = freeze(&desk, "block-fit", "2014-07-01", "2014-09-30");
    assert_eq!(lines(&three).len(), 2, "{three}");
}

#[test]
fn a_late_read_of_31_march_moves_energy_between_the_years_of_an_apportioned_claim() {
    let desk = society();
    desk.reads(
        "B1 2013-12-31T20:00:00Z 1000
         B1 2014-06-30T20:00:00Z 5000
         B1 2014-09-30T20:00:00Z 7000",
    );
    let mut words = claim("freeze", "block-fit", "2014-01-01", "2014-06-30");
    words.extend(["--as", "treasurer", "--apportioned"]);
    let one = desk.json(&words);
    assert!(finds(&one, "apportioned"), "{one}");
    desk.reads("B1 2014-03-31T20:00:00Z 2500");
    let two = freeze(&desk, "block-fit", "2014-07-01", "2014-09-30");
    let of = |kind: &str, claims: &[&Value]| -> i64 {
        let all = claims
            .iter()
            .flat_map(|claim| claim["lines"].as_array().unwrap());
        all.filter(|line| line["kind"] == kind)
            .map(|line| line["wh"].as_i64().unwrap())
            .sum()
    };
    assert_eq!(of("generation", &[&one, &two]), 6_000_000, "{one} {two}");
    // 1,500 kWh × 14.95 p + 2,500 kWh × 15.35 p, and 2,000 kWh × 15.35 p of the new quarter; half of
    // each at 4.64 and 4.77 p.
    let total = one["total_pence"].as_i64().unwrap() + two["total_pence"].as_i64().unwrap();
    assert_eq!(total, 22_425 + 38_375 + 30_700 + 3_480 + 5_963 + 4_770);
}

#[test]
fn days_are_claimed_once_and_what_a_claim_closed_before_its_end_rolls_on() {
    let desk = society();
    desk.reads(
        "B1 2013-12-31T20:00:00Z 1000
         B1 2014-03-20T20:00:00Z 2000
         B1 2014-06-30T20:00:00Z 5000",
    );
    let one = freeze(&desk, "block-fit", "2014-01-01", "2014-03-31");
    assert!(finds(&one, "ends-early"), "{one}");
    // Its reads do not overlap, but its days do.
    for (from, to) in [
        ("2014-02-01", "2014-06-30"),
        ("2014-03-21", "2014-06-30"),
        ("2014-01-01", "2014-02-28"),
        ("2013-12-15", "2014-06-30"),
    ] {
        let mut words = claim("freeze", "block-fit", from, to);
        words.extend(["--as", "treasurer", "--apportioned"]);
        let why = desk.run(&words);
        assert_eq!(why.code, 1, "{from} {to}: {}", why.out);
    }
    assert!(refused(&desk, "block-fit", "2014-02-01", "2014-06-30").contains("claim 1"));
    // The eleven days without a read roll to the next claim.
    let next = desk.json(&claim("preview", "block-fit", "2014-04-01", "2014-06-30"));
    assert_eq!(next["opens_at"], one["closes_at"]);
    let generated: i64 = next["lines"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|line| line["kind"] == "generation")
        .map(|line| line["wh"].as_i64().unwrap())
        .sum();
    assert_eq!(generated, 3_000_000);
}

#[test]
fn only_the_treasurer_freezes_and_the_list_names_who_did() {
    let desk = society();
    desk.reads("B1 2013-12-31T20:00:00Z 1000\nB1 2014-03-31T20:00:00Z 2900");
    let mut words = claim("freeze", "block-fit", "2014-01-01", "2014-03-31");
    words.extend(["--as", "secretary"]);
    let why = desk.refused(&words);
    assert!(why.contains("treasurer"), "{why}");
    freeze(&desk, "block-fit", "2014-01-01", "2014-03-31");
    let list = desk.json(&["claim", "list"]);
    assert_eq!(list[0]["frozen_by"], "treasurer");
    assert!(desk.ok(&["claim", "list"]).contains("treasurer"));
}

#[test]
fn a_rate_that_is_not_sure_or_is_stated_says_so_on_the_claim() {
    let desk = society();
    let text = std::fs::read_to_string(desk.path().join("income.toml")).unwrap();
    let stated = text.replace(
        "eligible_from = \"2012-08-20\"",
        "eligible_from = \"2015-05-01\"",
    );
    let stated = stated.replace(
        "from = \"2012-08-20\", basis",
        "from = \"2015-05-01\", basis",
    );
    let stated = stated.replace(
        "id = \"block-fit\"\n",
        "id = \"block-fit\"\nstated = [{ from = \"2015-05-01\", export_p_per_kwh = \"4.85\", source = \"statement of terms\" }]\n",
    );
    desk.ok(&["society", "apply", &desk.file("stated.toml", &stated)]);
    desk.reads("B1 2015-05-31T20:00:00Z 1000\nB1 2015-06-30T20:00:00Z 2000");
    let why = desk.refused(&claim("preview", "block-fit", "2015-06-01", "2015-06-30"));
    assert!(why.contains("no generation rate"), "{why}");
    let page = desk.file("rumour.txt", "12.13 they say");
    desk.ok(&[
        "table",
        "extend",
        "fit-new",
        "from=2015-04-01",
        "to=2015-06-30",
        "over_kw=4",
        "up_to_kw=10",
        "p_per_kwh=12.13",
        "--source",
        "a rumour",
        "--certainty",
        "low",
        "--file",
        &page,
        "--as",
        "treasurer",
    ]);
    desk.ok(&["table", "approve", "1", "--as", "secretary"]);
    let claim = desk.json(&claim("preview", "block-fit", "2015-06-01", "2015-06-30"));
    assert!(finds(&claim, "unsure-rate"), "{claim}");
    assert!(finds(&claim, "stated-rate"), "{claim}");
    assert_eq!(claim["sample"], json!(false));
}
