//! The worked figures.

use serde_json::Value;

use super::desk::Desk;

#[test]
fn a_zero_at_wake_up_is_no_energy() {
    let desk = Desk::plain();
    let imported = desk.reads(
        "M1 2014-06-01T04:00:00Z 15,475.04
         M1 2014-06-01T05:00:00Z      0
         M1 2014-06-01T06:00:00Z 15,508.51",
    );
    assert_eq!(
        (imported["accepted"].as_u64(), imported["refused"].as_u64()),
        (Some(2), Some(1))
    );
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 33_470);
}

#[test]
fn a_register_that_passes_its_last_digit_goes_on_counting() {
    // Six digits, the last one tenths of a kWh: it starts again at 100,000.0.
    let desk = Desk::with_meters(&[("M1", 6, 100, "2009-01-01")]);
    let imported = desk.reads(
        "M1 2014-06-01T10:00:00Z 99,999.9
         M1 2014-06-01T12:00:00Z     12.3",
    );
    assert_eq!(imported["held"], 1, "nothing is guessed: {imported}");
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 0);
    desk.ok(&[
        "meter",
        "rollover",
        "--meter",
        "M1",
        "--at",
        "2014-06-01T10:30:00Z",
        "--as",
        "treasurer",
    ]);
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 12_400);
    let again = desk.run(&[
        "meter",
        "rollover",
        "--meter",
        "M1",
        "--at",
        "2014-06-01T10:30:00Z",
        "--as",
        "treasurer",
    ]);
    assert_eq!(again.code, 1, "twice is refused: {}", again.err);
    assert!(again.err.contains("recorded already"), "{}", again.err);
}

#[test]
fn a_meter_exchange_is_no_jump() {
    let desk = Desk::with_meters(&[("OLD", 9, 1, "2009-01-01"), ("NEW", 9, 1, "2014-06-02")]);
    desk.reads(
        "OLD 2014-06-01T00:00:00Z 45,600.00
         OLD 2014-06-02T09:00:00Z 45,678.90
         NEW 2014-06-04T11:00:00Z    150.12",
    );
    let before = desk.total("2014-06-01", "2014-06-04");
    desk.ok(&[
        "meter",
        "exchange",
        "--meter",
        "OLD",
        "--closed-at",
        "2014-06-02T09:00:00Z",
        "--closing",
        "45678.90",
        "--next-meter",
        "NEW",
        "--opened-at",
        "2014-06-02T11:00:00Z",
        "--opening",
        "0.12",
        "--reason",
        "display dead",
        "--as",
        "treasurer",
    ]);
    assert_eq!(desk.total("2014-06-01", "2014-06-04") - before, 150_000);
    let rows = desk.energy("2014-06-02", "2014-06-02", "period");
    let at = |label: &str| -> Value {
        rows["rows"]
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["label"] == label)
            .unwrap()
            .clone()
    };
    // 09:00 to 11:00 UTC is 10:00 to 12:00 in British Summer Time: between removal and fitting nothing is known.
    for label in ["2014-06-02 SP21", "2014-06-02 SP24"] {
        assert_eq!(at(label)["wh"], Value::Null, "{label}");
        assert_eq!(at(label)["quality"], "missing", "{label}");
    }
    assert!(at("2014-06-02 SP25")["wh"].as_i64().unwrap() > 0);
}

#[test]
fn silence_is_derived_by_half_hour_and_measured_by_day() {
    let desk = Desk::plain();
    desk.reads(
        "M1 2014-06-15T00:00:00+01:00 1,000.0
         M1 2014-06-15T10:00:00+01:00 1,030.0
         M1 2014-06-15T12:00:00+01:00 1,048.0
         M1 2014-06-16T00:00:00+01:00 1,090.0",
    );
    let halves = desk.energy("2014-06-15", "2014-06-15", "period");
    for row in &halves["rows"].as_array().unwrap()[20..24] {
        assert_eq!(
            (row["wh"].as_i64(), row["quality"].as_str()),
            (Some(4_500), Some("derived")),
            "{row}"
        );
    }
    let day = &desk.energy("2014-06-15", "2014-06-15", "day")["rows"][0];
    assert_eq!(
        (
            day["wh"].as_i64(),
            day["quality"].as_str(),
            day["missing_half_hours"].as_u64()
        ),
        (Some(90_000), Some("actual"), Some(0))
    );
}

#[test]
fn a_year_is_never_called_better_known_than_its_worst_day() {
    // Read at both ends of the year and on the last day of January; nobody read it at midnight.
    let desk = Desk::plain();
    desk.reads(
        "M1 2014-01-01T00:00:00Z 1,000.0
         M1 2014-01-31T12:00:00Z 1,300.0
         M1 2014-03-01T00:00:00Z 1,900.0
         M1 2015-01-01T00:00:00Z 30,000.0",
    );
    let quality = |by: &str| -> Vec<String> {
        let rows = desk.energy("2014-01-01", "2014-12-31", by);
        let of = |row: &Value| row["quality"].as_str().unwrap().to_owned();
        let mut all: Vec<String> = rows["rows"].as_array().unwrap().iter().map(of).collect();
        all.push(of(&rows));
        all
    };
    assert_eq!(quality("year"), ["derived", "derived"]);
    let months = quality("month");
    assert_eq!(months[..3], ["derived", "derived", "derived"]);
    for by in ["period", "day", "month"] {
        assert_eq!(quality(by).last().unwrap(), "derived", "{by}");
    }
    // Read at every midnight, and silent in between: each day is measured, and so are its parents.
    let desk = Desk::plain();
    let table: String = (0..=31)
        .map(|n| {
            let start: jiff::Timestamp = "2014-01-01T00:00:00Z".parse().unwrap();
            let at = start + jiff::Span::new().hours(24 * n);
            format!("M1 {at} {}\n", 1_000 + 10 * n)
        })
        .collect();
    desk.reads(&table);
    for by in ["period", "day", "month"] {
        let rows = desk.energy("2014-01-01", "2014-01-31", by);
        assert_eq!(rows["quality"], "actual", "{by}");
    }
}

#[test]
fn a_kilowatt_hour_each_half_hour_is_50_in_october_and_46_in_march() {
    for (date, first, count) in [
        ("2023-10-29", "2023-10-28T23:00:00Z", 50),
        ("2023-03-26", "2023-03-26T00:00:00Z", 46),
    ] {
        // The site's import meter: no roof makes a kilowatt-hour at midnight.
        let desk = Desk::plain();
        let first: jiff::Timestamp = first.parse().unwrap();
        let table: String = (0..=count)
            .map(|n| {
                format!(
                    "I1 {} {}\n",
                    first + jiff::Span::new().minutes(30 * n),
                    1_000 + n
                )
            })
            .collect();
        desk.reads(&table);
        let energy = |by: &str| {
            desk.json(&[
                "energy", "--site", "roof", "--counts", "import", "--from", date, "--to", date,
                "--by", by,
            ])
        };
        let rows = energy("period");
        assert_eq!(
            rows["rows"].as_array().unwrap().len(),
            usize::try_from(count).unwrap(),
            "{date}"
        );
        assert_eq!(energy("day")["total_wh"], count * 1_000, "{date}");
        let last = &rows["rows"][usize::try_from(count).unwrap() - 1];
        assert_eq!(last["label"], format!("{date} SP{count}"));
    }
}

#[test]
fn brixton_energy_solar_1_in_2013_as_it_was_printed() {
    let desk = Desk::plain();
    let months = "site,month,kwh\nroof,2013-01,1002\nroof,2013-02,1701\nroof,2013-03,2892\nroof,2013-04,3850\nroof,2013-05,4256\nroof,2013-06,4178\nroof,2013-07,4375\nroof,2013-08,3598\nroof,2013-09,3002\nroof,2013-10,1978\nroof,2013-11,1000\nroof,2013-12,754\n";
    let file = desk.file("2013.csv", months);
    desk.ok(&[
        "reads",
        "import",
        &file,
        "--mapping",
        "monthly-totals",
        "--society",
        "bes",
    ]);
    let report = desk.json(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2013",
    ]);
    assert_eq!(report["generated_wh"], 32_586_000);
    assert_eq!(report["forecast_wh"], 26_913_000);
    assert_eq!(report["difference_wh"], 5_673_000);
    assert_eq!(report["difference_percent"], "21.1");
    assert_eq!(report["specific_yield_kwh_per_kwp"], 875);
    assert_eq!(report["homes"], 10);
    assert_eq!(report["rows"].as_array().unwrap().len(), 12);
    let next = desk.json(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--period",
        "2014",
    ]);
    assert_eq!(next["forecast_wh"], 26_778_000, "0.5 % less in year 2");
}

#[test]
fn a_slipped_decimal_is_held_with_the_value_it_should_be() {
    let desk = Desk::plain();
    desk.reads(
        "M1 2014-03-31T12:00:00Z 310,000.00
         M1 2014-06-15T12:00:00Z 31,044,000",
    );
    let listed = desk.json(&["reads", "list", "--meter", "M1", "--held"]);
    assert_eq!(listed[0]["proposed_wh"], 310_440_000);
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
        "310440.00",
        "--reason",
        "two decimals on the dial",
    ]);
    assert_eq!(desk.total("2014-03-31", "2014-06-15"), 440_000);
}

#[test]
fn parents_equal_their_children() {
    let desk = Desk::plain();
    let first: jiff::Timestamp = "2015-12-31T00:10:00Z".parse().unwrap();
    let table: String = (0..200_i64)
        .map(|n| {
            format!(
                "M1 {} {}.{:03}\n",
                first + jiff::Span::new().minutes(47 * 20 * n),
                5_000 + n * 3,
                n * 7 % 1000
            )
        })
        .collect();
    desk.reads(&table);
    let sum = |by: &str| -> i64 {
        let rows = desk.energy("2015-12-30", "2016-05-31", by);
        rows["rows"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|r| r["wh"].as_i64())
            .sum()
    };
    let (periods, days, months, years) = (sum("period"), sum("day"), sum("month"), sum("year"));
    assert!(periods > 0);
    assert_eq!((periods, days, months), (days, months, years));
}
