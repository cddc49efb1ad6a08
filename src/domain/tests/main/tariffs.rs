//! FIT rates as a treasurer would look them up: from the published tables alone.

use commonwatt_domain::{
    calendar::LocalDay,
    projection::Certainty,
    quantity::Watts,
    tariff::{
        IndexLevel, IndexName, Indices, Provenance, Rate,
        fit::{
            Band, ExportBasis, ExportChain, ExportFrom, NewRate, NoRate, Stated, Tables, Terms,
            TermsError, Uplift,
        },
        host::{GridPrice, HostRate, HostTerms, Indexed, NoHostRate},
    },
};
use rust_decimal::Decimal;

pub fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

pub fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn printed() -> Provenance {
    Provenance {
        source: "in print".into(),
        certainty: Certainty::High,
    }
}

/// What these tests need of `config/tariffs`.
pub fn tables() -> Tables {
    let band = |over: i64, up_to: i64| Band::Building {
        over: Watts(over * 1000),
        up_to: Some(Watts(up_to * 1000)),
    };
    let new = [
        ("2010-04-01", "2011-03-31", band(0, 4), "41.3"),
        ("2012-04-01", "2012-07-31", band(10, 50), "15.2"),
        ("2012-08-01", "2012-10-31", band(4, 10), "14.5"),
        ("2012-08-01", "2012-10-31", band(10, 50), "13.5"),
        ("2012-11-01", "2013-04-30", band(10, 50), "13.03"),
        ("2013-07-01", "2014-03-31", band(10, 50), "12.57"),
        ("2014-04-01", "2014-12-31", band(10, 50), "12.13"),
    ];
    let uplifts = [
        "4.8", "4.8", "3.1", "2.7", "1.6", "1.2", "2.5", "4.1", "2.7", "2.2", "1.2", "7.5", "13.4",
        "5.2", "3.5", "3.4",
    ];
    Tables::new(
        new.into_iter()
            .map(|(from, to, band, p)| NewRate {
                from: day(from),
                to: day(to),
                band,
                rate: rate(p),
                provenance: printed(),
            })
            .collect(),
        (2011..)
            .zip(uplifts)
            .map(|(year, percent)| Uplift {
                year,
                percent: percent.parse().unwrap(),
                index: if year < 2026 {
                    IndexName::Rpi
                } else {
                    IndexName::Cpi
                },
                provenance: printed(),
            })
            .collect(),
        vec![
            ExportChain {
                eligible_from: day("2010-04-01"),
                eligible_to: day("2012-07-31"),
                from: day("2012-04-01"),
                rate: rate("3.2"),
                provenance: printed(),
            },
            ExportChain {
                eligible_from: day("2012-08-01"),
                eligible_to: day("2019-03-31"),
                from: day("2012-08-01"),
                rate: rate("4.5"),
                provenance: printed(),
            },
        ],
    )
    .unwrap()
}

pub fn terms(eligible: &str, watts: i64, export: &[(&str, ExportBasis)]) -> Terms {
    let export = export
        .iter()
        .map(|(from, basis)| ExportFrom {
            from: day(from),
            basis: *basis,
        })
        .collect();
    Terms::new(day(eligible), Watts(watts), false, export, vec![]).unwrap()
}

/// Elmore House: no export meter before August 2013.
pub fn bes1() -> Terms {
    terms(
        "2012-04-23",
        37_240,
        &[("2013-08-01", ExportBasis::Metered)],
    )
}

fn on(terms: &Terms, text: &str) -> (String, Option<String>) {
    let rates = tables().rate_on(terms, day(text)).unwrap();
    (
        rates.generation.to_string(),
        rates.export.map(|rate| rate.to_string()),
    )
}

#[test]
fn bes1_is_paid_as_the_tables_say_in_every_year() {
    let print =
        "15.2 15.67 16.09 16.35 16.55 16.96 17.66 18.14 18.54 18.76 20.17 22.87 24.06 24.9 25.75";
    let made: Vec<String> = (2012..=2026)
        .map(|year| on(&bes1(), &format!("{year}-06-01")).0)
        .collect();
    assert_eq!(made.join(" "), print);
    // The day before each 1 April still has the year's rate.
    assert_eq!(on(&bes1(), "2026-03-31").0, "24.9");
    assert_eq!(on(&bes1(), "2026-04-01").0, "25.75");
}

#[test]
fn export_of_the_newer_class_is_one_chain() {
    let block = terms("2012-08-20", 9_000, &[("2012-08-20", ExportBasis::Deemed)]);
    let made: Vec<String> = (2012..=2026)
        .map(|year| on(&block, &format!("{year}-12-01")).1.unwrap())
        .collect();
    assert_eq!(
        made.join(" "),
        "4.5 4.64 4.77 4.85 4.91 5.03 5.24 5.38 5.5 5.57 5.99 6.79 7.14 7.39 7.64"
    );
}

#[test]
fn bes1_has_no_export_before_its_meter_and_the_older_chain_after() {
    assert_eq!(on(&bes1(), "2013-07-31").1, None);
    let made: Vec<String> = (2013..=2026)
        .map(|year| on(&bes1(), &format!("{year}-12-01")).1.unwrap())
        .collect();
    assert_eq!(
        made.join(" "),
        "3.3 3.39 3.44 3.48 3.57 3.72 3.82 3.9 3.95 4.25 4.82 5.07 5.25 5.43"
    );
}

#[test]
fn before_2013_rates_are_rounded_to_one_decimal() {
    let home = terms("2010-06-01", 3_600, &[]);
    let made: Vec<String> = (2010..=2015)
        .map(|year| on(&home, &format!("{year}-12-01")).0)
        .collect();
    assert_eq!(made.join(" "), "41.3 43.3 45.4 46.81 48.07 48.84");
}

#[test]
fn each_step_of_degression_is_three_and_a_half_per_cent() {
    let mut step = rate("13.5");
    for print in ["13.03", "12.57", "12.13", "11.71"] {
        step = step.raised("-3.5".parse().unwrap(), 2).unwrap();
        assert_eq!(step.to_string(), print);
    }
}

#[test]
fn the_first_uplift_follows_the_eligibility_date() {
    for (eligible, year) in [
        ("2012-04-01", 2013),
        ("2012-10-31", 2013),
        ("2012-11-01", 2014),
        ("2012-12-31", 2014),
        ("2013-01-01", 2014),
        ("2013-03-31", 2014),
        ("2013-04-01", 2014),
        ("2014-02-15", 2015),
        ("2014-12-31", 2015),
        ("2015-03-31", 2016),
    ] {
        let terms = terms(eligible, 20_000, &[]);
        assert_eq!(terms.first_uplift_year(), year, "{eligible}");
    }
    let winter = terms("2012-12-01", 20_000, &[]);
    assert_eq!(on(&winter, "2013-12-01").0, "13.03");
    assert_eq!(on(&winter, "2014-04-01").0, "13.38");
}

#[test]
fn twenty_five_years_before_august_2012_and_twenty_after() {
    for (eligible, last) in [
        ("2012-04-23", "2037-04-22"),
        ("2012-07-31", "2037-07-30"),
        ("2012-08-01", "2032-07-31"),
        ("2012-02-29", "2037-02-28"),
    ] {
        let terms = terms(eligible, 20_000, &[]);
        assert_eq!(terms.last_day(), day(last), "{eligible}");
    }
    let block = terms("2012-08-20", 9_000, &[]);
    let ended = tables().rate_on(&block, day("2032-08-20")).unwrap_err();
    assert_eq!(
        ended,
        NoRate::Ended {
            day: day("2032-08-20"),
            last: day("2032-08-19")
        }
    );
}

#[test]
fn deeming_is_refused_above_thirty_kilowatts() {
    let deemed = |watts| {
        Terms::new(
            day("2012-08-20"),
            Watts(watts),
            false,
            vec![ExportFrom {
                from: day("2012-08-20"),
                basis: ExportBasis::Deemed,
            }],
            vec![],
        )
    };
    assert!(deemed(30_000).is_ok());
    assert_eq!(
        deemed(45_000).unwrap_err(),
        TermsError::TooLargeToDeem(Watts(45_000))
    );
}

#[test]
fn what_no_table_says_is_not_guessed() {
    let tables = tables();
    let of = |terms: &Terms, on: &str| tables.rate_on(terms, day(on)).unwrap_err();
    assert_eq!(of(&bes1(), "2027-04-01"), NoRate::NoUplift(2027));
    let unknown = terms("2016-05-01", 20_000, &[]);
    assert!(matches!(of(&unknown, "2016-05-01"), NoRate::NoBase { .. }));
    assert!(matches!(of(&bes1(), "2012-04-22"), NoRate::TooEarly { .. }));
}

#[test]
fn a_stated_rate_stands_in_and_is_raised_from_then_on() {
    let stated = Stated {
        from: day("2016-05-01"),
        generation: Some(rate("4.5")),
        export: None,
        provenance: printed(),
    };
    let terms = Terms::new(
        day("2016-05-01"),
        Watts(20_000),
        false,
        vec![],
        vec![stated],
    )
    .unwrap();
    assert_eq!(on(&terms, "2016-05-01").0, "4.5");
    assert_eq!(on(&terms, "2017-04-01").0, "4.61");
    let rates = tables().rate_on(&terms, day("2017-04-01")).unwrap();
    assert!(
        rates.generation_steps[0]
            .provenance
            .source
            .starts_with("stated: ")
    );
}

#[test]
fn index_levels_are_a_second_opinion_that_says_where_it_differs() {
    let level = |index, month: &str, level: &str| IndexLevel {
        index,
        month: month.parse().unwrap(),
        level: level.parse().unwrap(),
    };
    let indices = Indices::new([
        level(IndexName::Rpi, "2023-12", "379.0"),
        level(IndexName::Rpi, "2024-12", "392.1"),
        level(IndexName::Cpi, "2024-12", "135.6"),
        level(IndexName::Cpi, "2025-12", "140.1"),
    ]);
    let checks = indices.check(tables().uplifts());
    let differ: Vec<_> = checks.iter().filter(|check| check.differs()).collect();
    assert_eq!(differ.len(), 1);
    assert_eq!(differ[0].uplift.year, 2026);
    assert_eq!(differ[0].from_levels, Some(Decimal::new(33, 1)));
    assert_eq!(checks.iter().filter(|c| c.from_levels.is_some()).count(), 2);
}

#[test]
fn host_rates_follow_the_grid_an_index_or_nothing() {
    let grid = vec![
        GridPrice {
            from: day("2014-01-01"),
            rate: rate("14.0"),
            provenance: printed(),
        },
        GridPrice {
            from: day("2014-07-01"),
            rate: rate("15.0"),
            provenance: printed(),
        },
    ];
    let host = |rate| HostTerms {
        from: day("2013-01-01"),
        rate,
        grid: grid.clone(),
        vat_percent: Decimal::from(20),
    };
    let prices = |rate, first: &str, last: &str| {
        let tables = tables();
        let made = host(rate).prices(tables.uplifts(), day(first), day(last));
        made.map(|all| {
            let each = all.iter().map(|p| format!("{} {}", p.first, p.rate));
            each.collect::<Vec<_>>().join(", ")
        })
    };
    let below = HostRate::BelowGrid(Decimal::TEN);
    assert_eq!(
        prices(below.clone(), "2014-01-01", "2014-12-31").unwrap(),
        "2014-01-01 12.6, 2014-07-01 13.5"
    );
    assert_eq!(
        prices(below, "2013-12-01", "2014-01-31").unwrap_err(),
        NoHostRate::NoGridPrice(day("2013-12-01"))
    );
    let indexed = |cap: Option<i64>| HostRate::Indexed {
        base: rate("10"),
        by: Indexed::Published(IndexName::Rpi),
        cap: cap.map(Decimal::from),
        floor: None,
    };
    // 10 × 1.031 × 1.027
    assert_eq!(
        prices(indexed(None), "2014-04-01", "2014-04-30").unwrap(),
        "2014-04-01 10.5884"
    );
    assert_eq!(
        prices(indexed(Some(3)), "2014-04-01", "2014-04-30").unwrap(),
        "2014-04-01 10.5781"
    );
    // RPI of December 2025 is not in the table: the scheme took CPI for that year.
    assert_eq!(
        prices(indexed(None), "2026-04-01", "2026-04-30").unwrap_err(),
        NoHostRate::NoUplift {
            index: IndexName::Rpi,
            year: 2026
        }
    );
    assert_eq!(
        prices(HostRate::Fixed(rate("8")), "2013-06-01", "2013-06-30").unwrap(),
        "2013-06-01 8"
    );
}
