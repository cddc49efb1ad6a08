//! Forecasts as reports ask for them.

use commonwatt_domain::{
    calendar::{LocalDay, Period},
    projection::{Forecast, ForecastError, ForecastVersion},
    quantity::WattHours,
};

/// 26,913 kWh a year, the published sum for Brixton Energy Solar 1; its months are a sample.
const MONTHS_KWH: [i64; 12] = [
    760, 1_190, 2_190, 2_950, 3_500, 3_620, 3_560, 3_130, 2_460, 1_680, 1_073, 800,
];

fn day(text: &str) -> LocalDay {
    text.parse().unwrap()
}

fn version(published: &str, valid_from: &str, per_cent_of_sample: i64) -> ForecastVersion {
    ForecastVersion {
        published: day(published),
        valid_from: valid_from.parse().unwrap(),
        base_year: 2013,
        months: MONTHS_KWH.map(|kwh| WattHours(kwh * 10 * per_cent_of_sample)),
        degradation_percent: "0.5".parse().unwrap(),
        source: "SAMPLE".into(),
        sample: true,
    }
}

fn kwh(forecast: &Forecast, period: &str, as_of: &str) -> Option<i64> {
    let period: Period = period.parse().unwrap();
    let energy = forecast.energy(period, day(as_of))?;
    assert_eq!(energy.0 % 1000, 0, "a line is whole kWh");
    Some(energy.0 / 1000)
}

#[test]
fn panels_lose_half_a_per_cent_a_year() {
    let forecast = Forecast::new(vec![version("2012-02-01", "2012-05", 100)]).unwrap();
    for (year, expected) in [
        ("2013", 26_913),
        ("2014", 26_778), // 26,778.435
        ("2015", 26_645), // 26,644.54
        ("2032", 24_468), // 26,913 × 0.995^19 = 24,467.95…
    ] {
        assert_eq!(kwh(&forecast, year, "2012-06-01"), Some(expected), "{year}");
    }
    // The year before year 1 has not lost anything.
    assert_eq!(kwh(&forecast, "2012-06", "2012-06-01"), Some(3_620));
    assert_eq!(
        kwh(&forecast, "2012", "2012-06-01"),
        None,
        "January 2012 has no forecast"
    );
}

#[test]
fn months_and_days_of_a_year_sum_to_its_line() {
    let forecast = Forecast::new(vec![version("2012-02-01", "2012-05", 100)]).unwrap();
    for year in ["2013", "2014", "2016", "2031"] {
        let year: Period = year.parse().unwrap();
        let as_of = day("2012-06-01");
        let line = forecast.energy(year, as_of).unwrap();
        for parts in [year.children(), year.days().map(Period::Day).collect()] {
            let sum = parts
                .into_iter()
                .map(|part| forecast.energy(part, as_of).unwrap().0)
                .sum();
            assert_eq!(WattHours(sum), line, "{year}");
        }
    }
    assert_eq!(kwh(&forecast, "2013-06", "2013-01-01"), Some(3_620));
    // 12 of 30 days of June.
    assert_eq!(
        kwh(&forecast, "2013-06-01..2013-06-12", "2013-01-01"),
        Some(1_448)
    );
    // Two months in part over a new year: 10 of 31 days of 800 kWh, 5 of 31 days of 756.2 kWh.
    assert_eq!(
        kwh(&forecast, "2013-12-22..2014-01-05", "2013-01-01"),
        Some(258 + 122)
    );
}

#[test]
fn later_version_does_not_rewrite_what_an_earlier_report_said() {
    let versions = vec![
        version("2014-01-20", "2014-01", 110),
        version("2012-02-01", "2012-05", 100),
        version("2015-06-30", "2014-07", 120),
    ];
    let forecast = Forecast::new(versions).unwrap();
    let june_2014 = |as_of| kwh(&forecast, "2014-06", as_of);
    assert_eq!(june_2014("2014-01-19"), Some(3_602)); // 3,620 less 0.5 %
    assert_eq!(june_2014("2014-01-20"), Some(3_962));
    assert_eq!(
        june_2014("2020-01-01"),
        Some(3_962),
        "the third version starts in July"
    );
    // 4,250.64 by itself; its line is what the sum to July rounds to less the sum to June.
    assert_eq!(kwh(&forecast, "2014-07", "2020-01-01"), Some(4_250));
    assert_eq!(kwh(&forecast, "2013", "2020-01-01"), Some(26_913));
    assert_eq!(june_2014("2012-01-31"), None, "nothing was published yet");
}

#[test]
fn forecasts_that_cannot_be_are_refused() {
    let twice = vec![
        version("2012-02-01", "2012-05", 100),
        version("2012-02-01", "2013-05", 100),
    ];
    assert_eq!(
        Forecast::new(twice),
        Err(ForecastError::SameDay(day("2012-02-01")))
    );
    let negative = version("2012-02-01", "2012-05", -1);
    assert!(matches!(
        Forecast::new(vec![negative]),
        Err(ForecastError::Month(_))
    ));
    for degradation in ["-0.1", "100"] {
        let mut odd = version("2012-02-01", "2012-05", 100);
        odd.degradation_percent = degradation.parse().unwrap();
        assert!(matches!(
            Forecast::new(vec![odd]),
            Err(ForecastError::Degradation(_))
        ));
    }
}
