//! The published report of Brixton Energy Solar 1, and the factors it is told with.

use commonwatt_domain::{
    calendar::LocalDay,
    projection::{
        Certainty, Comparison, Equivalents, Factor, FactorTable, factor_name,
        specific_yield_kwh_per_kwp,
    },
    quantity::{WattHours, Watts},
};

use crate::table::kwh;

fn factor(name: &str, value: &str, year: i32) -> Factor {
    Factor {
        name: name.into(),
        value: value.parse().unwrap(),
        unit: "as named".into(),
        from: LocalDay::of_date(year, 1, 1).unwrap(),
        to: LocalDay::of_date(year, 12, 31).unwrap(),
        source: "printed report".into(),
        year,
        certainty: Certainty::High,
    }
}

#[test]
fn brixton_energy_solar_1_in_2013_is_reproduced() {
    let actual = WattHours::from_kwh_text("32586").unwrap();
    let year = Comparison {
        actual,
        forecast: WattHours::from_kwh_text("26913").unwrap(),
    };
    assert_eq!(year.difference(), Some(kwh("5673")));
    assert_eq!(year.difference_percent().unwrap().to_string(), "21.1");
    let peak = Watts::from_kwp_text("37.24").unwrap();
    assert_eq!(
        specific_yield_kwh_per_kwp(actual, peak)
            .unwrap()
            .to_string(),
        "875"
    );

    let factors = FactorTable::new(vec![
        factor(factor_name::HOME, "3259", 2013),
        factor(factor_name::HOME, "3467", 2012),
        factor(factor_name::KETTLE, "0.15", 2012),
        factor(factor_name::CO2, "0.44548", 2013),
    ]);
    let equivalents = Equivalents::of(actual, "2013".parse().unwrap(), &factors);
    assert_eq!(equivalents.homes.unwrap().to_string(), "10");
    assert_eq!(equivalents.co2_kg.unwrap().to_string(), "14516");
    assert_eq!(equivalents.kettles, None, "no kettle is dated 2013 here");
    let period = "2012-04-23..2012-09-12".parse().unwrap();
    let kettles = Equivalents::of(kwh("19414"), period, &factors).kettles;
    assert_eq!(kettles.unwrap().to_string(), "129427");
}

#[test]
fn year_from_april_takes_the_factor_of_the_calendar_year_that_holds_most_of_it() {
    let factors = FactorTable::new(vec![
        factor(factor_name::CO2, "0.19338", 2022),
        factor(factor_name::CO2, "0.20707", 2023),
        factor(factor_name::CO2, "0.20705", 2024),
    ]);
    for (period, year) in [
        ("2023-04-01..2024-03-31", 2023),
        ("2022-10-01..2023-09-30", 2023),
        ("2024", 2024),
        ("2024-02", 2024),
        ("2023..2024", 2024), // a leap year has one day more
    ] {
        let factor = factors
            .lookup(factor_name::CO2, period.parse().unwrap())
            .unwrap();
        assert_eq!(factor.year, year, "{period}");
    }
    assert!(
        factors
            .lookup(factor_name::CO2, "2021".parse().unwrap())
            .is_none()
    );
}
