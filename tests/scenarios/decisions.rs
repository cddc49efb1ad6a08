//! What people decide: who, why, and what stands afterwards.

use super::desk::Desk;

#[test]
fn a_corrected_read_shows_both_values_and_who_put_the_other_in() {
    let desk = Desk::plain();
    desk.reads(
        "M1 2014-03-31T12:00:00Z 310,000.00
         M1 2014-06-15T12:00:00Z 31,044,000",
    );
    let decide = |to: &str, reason: &str| {
        desk.ok(&[
            "reads",
            "decide",
            "--meter",
            "M1",
            "--at",
            "2014-06-15T12:00:00Z",
            "--value",
            "31044000",
            "correct",
            "--correct-to",
            to,
            "--reason",
            reason,
            "--as",
            "treasurer",
        ])
    };
    decide("310441.00", "guessed");
    decide("310440.00", "two decimals on the dial");
    let listed = desk.json(&["reads", "list", "--meter", "M1"]);
    let read = &listed[1];
    assert_eq!(read["wh"], 31_044_000_000_i64);
    assert_eq!(read["counts_as_wh"], 310_440_000);
    assert_eq!(read["quality"], "manual");
    assert_eq!(read["decision"], "correct");
    assert_eq!(read["decided_by"], "treasurer");
    assert_eq!(read["decision_reason"], "two decimals on the dial");
    assert!(read["decided_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(listed[0]["decided_by"], serde_json::Value::Null);
    let text = desk.ok(&["reads", "list", "--meter", "M1"]);
    for words in [
        "31044000, counts as 310440",
        "manual",
        "correct by treasurer: two decimals on the dial",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_meter_event_needs_an_author_and_a_reason() {
    let desk = Desk::plain();
    desk.reads("M1 2014-06-01T10:00:00Z 100");
    let event = [
        "meter",
        "reset",
        "--meter",
        "M1",
        "--closed-at",
        "2014-06-01T10:00:00Z",
        "--closing",
        "100",
        "--opened-at",
        "2014-06-01T10:01:00Z",
        "--opening",
        "0",
    ];
    let with = |more: &[&'static str]| -> Vec<&str> { [&event[..], more].concat() };
    let err = desk.refused(&with(&["--reason", "new display"]));
    assert!(
        err.contains("--as OFFICER") && err.contains("treasurer"),
        "{err}"
    );
    let err = desk.refused(&with(&["--reason", "  ", "--as", "treasurer"]));
    assert!(err.contains("needs a reason"), "{err}");
    let rollover = [
        "meter",
        "rollover",
        "--meter",
        "M1",
        "--at",
        "2014-06-01T10:30:00Z",
    ];
    assert!(desk.refused(&rollover).contains("--as OFFICER"));
    desk.ok(&with(&["--reason", "new display", "--as", "treasurer"]));
}

#[test]
fn a_meter_that_an_event_names_stays_in_the_society_file() {
    let desk = Desk::with_meters(&[("OLD", 9, 1, "2009-01-01"), ("NEW", 9, 1, "2014-06-02")]);
    desk.reads("OLD 2014-06-02T09:00:00Z 100");
    desk.ok(&[
        "meter",
        "exchange",
        "--meter",
        "OLD",
        "--closed-at",
        "2014-06-02T09:00:00Z",
        "--closing",
        "100",
        "--next-meter",
        "NEW",
        "--opening",
        "0",
        "--reason",
        "display dead",
        "--as",
        "treasurer",
    ]);
    let text = std::fs::read_to_string(desk.path().join("society.toml")).unwrap();
    let start = text.find("\n[[meter]]\nserial = \"OLD\"").unwrap();
    let end = text.find("\n[[meter]]\nserial = \"NEW\"").unwrap();
    let file = desk.file("less.toml", &(text[..start].to_owned() + &text[end..]));
    for args in [
        vec!["society", "apply", &file],
        vec!["society", "apply", &file, "--dry-run"],
    ] {
        let err = desk.refused(&args);
        assert!(
            err.contains("meter `OLD`") && err.contains("exchange of 2014-06-02T09:00:00Z"),
            "{err}"
        );
    }
}

#[test]
fn days_the_wrong_way_round_are_refused_everywhere() {
    let desk = Desk::plain();
    for args in [
        vec!["reads", "list", "--meter", "M1"],
        vec!["energy", "--site", "roof"],
        vec!["messages", "list"],
    ] {
        let all = [&args[..], &["--from", "2014-06-02", "--to", "2014-06-01"]].concat();
        let err = desk.refused(&all);
        assert!(err.contains("lies after"), "{args:?}: {err}");
        let same = [&args[..], &["--from", "2014-06-01", "--to", "2014-06-01"]].concat();
        desk.ok(&same);
    }
    let period = "2014-06-02..2014-06-01";
    let err = desk.refused(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        period,
    ]);
    assert!(err.contains("2014-06-02..2014-06-01"), "{err}");
}

#[test]
fn a_report_of_years_nobody_can_know_is_refused_with_the_years_there_are() {
    let desk = Desk::with_meters(&[("M1", 9, 1, "2012-04-23")]);
    for year in ["1812", "2008", "2011", "2098"] {
        let err = desk.refused(&["report", "generation", "--society", "bes", "--period", year]);
        assert!(
            err.contains("expected years from `2012` to"),
            "{year}: {err}"
        );
    }
}
