//! Reports to look at and to test with. The yearly totals of Brixton Energy Solar 1 in 2013 are in
//! print (32,586 kWh against 26,913 kWh); how they fall on the months, and every other number, is
//! a sample.

use std::sync::LazyLock;

use commonwatt_report::{
    chart::DayCurve,
    factors,
    generation::{
        Days, ForecastVersion, GenerationReport, Granularity, Missing, Period, Progress, Row,
        Samples, Step, Totals,
    },
};
use domain::{
    calendar::{LocalDay, Period as Year, Zone},
    metering::Quality,
    projection::{Factor, factor_name},
    quantity::{WattHours, Watts},
};
use rust_decimal::Decimal;

/// Made and forecast of each month, Wh; the sums are those in print.
const BES1_2013: [(i64, i64); 12] = [
    (812_000, 905_000),
    (1_304_000, 1_290_000),
    (2_211_000, 2_205_000),
    (3_702_000, 2_936_000),
    (4_389_000, 3_362_000),
    (4_566_000, 3_391_000),
    (5_048_000, 3_489_000),
    (4_187_000, 3_116_000),
    (2_913_000, 2_482_000),
    (1_769_000, 1_798_000),
    (988_000, 1_102_000),
    (697_000, 837_000),
];

/// The report of the year in print.
pub fn bes1_2013() -> GenerationReport {
    let rows = (1..=12).zip(BES1_2013);
    let rows = rows.map(|(month, (made, forecast))| month_row(2013, month, made, forecast));
    GenerationReport {
        society: "Brixton Energy Solar 1".into(),
        slug: "bes1".into(),
        place: Some("Elmore House".into()),
        roofs: 1,
        peak: Watts(37_240),
        zone: london(),
        period: Period {
            start: date(2013, 1, 1),
            end: date(2013, 12, 31),
            granularity: Granularity::Month,
        },
        rows: rows.collect(),
        totals: Totals {
            generated: Some(WattHours(32_586_000)),
            forecast: Some(WattHours(26_913_000)),
            difference: Some(WattHours(5_673_000)),
            difference_percent: Some(decimal("21.1")),
            specific_yield: Some(Decimal::from(875)),
            homes: Some(Decimal::from(10)),
            kettles: Some(Decimal::from(217_240)),
            co2_kg: Some(Decimal::from(14_516)),
            export_pence: Some(32_200),
            days: days(365, 365),
            ..Totals::default()
        },
        forecast: Some(ForecastVersion {
            version: "1".into(),
            made_on: date(2012, 2, 1),
            source: "26,913 kWh a year as in the share offer; the months are a sample".into(),
        }),
        factors: factors_of(2013),
        missing: Vec::new(),
        samples: Samples {
            generation: false,
            forecast: false,
            rows: true,
            notes: vec![
                "the two totals of the year are in print; how they fall on the months is not."
                    .into(),
            ],
        },
        stand_ins: Vec::new(),
        income: None,
        working: vec![
            Step {
                text: "17,520 half hours of the generation meter at Elmore House".into(),
                target: Some("/s/bes1/roofs/elmore-house/energy?period=2013".into()),
            },
            Step {
                text: "52,560 register reads, each with its time and finding".into(),
                target: Some("/s/bes1/roofs/elmore-house/reads?period=2013".into()),
            },
        ],
        drawn_up: "2014-03-03T10:15:00Z".parse().unwrap(),
    }
}

/// A year with a month without reads, two months that are not complete, and held reads.
pub fn bes2_with_gaps() -> GenerationReport {
    let mut report = bes1_2013();
    report.society = "Brixton Energy Solar 2".into();
    report.slug = "bes2".into();
    report.place = None;
    report.roofs = 5;
    report.peak = Watts(45_000);
    report.samples = Samples {
        generation: true,
        forecast: true,
        rows: false,
        notes: vec!["measured on a roof in Bath and scaled to this roof's kWp.".into()],
    };
    for row in &mut report.rows {
        row.generated = row.generated.map(|energy| WattHours(energy.0 * 9 / 10));
        row.difference = None;
        row.difference_percent = None;
    }
    let june = &mut report.rows[5];
    june.days = days(23, 30);
    june.generated = Some(WattHours(2_914_500));
    june.missing_half_hours = 336;
    june.quality = Quality::Derived;
    let march = &mut report.rows[2];
    march.days = days(30, 31);
    march.missing_half_hours = 5;
    march.held = 2;
    let november = &mut report.rows[10];
    november.days = days(0, 30);
    november.generated = None;
    november.quality = Quality::Missing;
    november.missing_half_hours = 1440;
    report.missing = vec![
        hole("2013-03-14T10:00", "2013-03-14T12:30", 5, None),
        hole(
            "2013-06-03T00:00",
            "2013-06-10T00:00",
            336,
            Some("inverter fault"),
        ),
        hole(
            "2013-11-01T00:00",
            "2013-12-01T00:00",
            1440,
            Some("gateway without power"),
        ),
    ];
    report.totals = Totals {
        generated: Some(WattHours(26_828_100)),
        forecast: Some(WattHours(26_913_000)),
        difference: Some(WattHours(-84_900)),
        difference_percent: Some(decimal("-0.3")),
        specific_yield: Some(Decimal::from(596)),
        homes: Some(Decimal::from(8)),
        kettles: Some(Decimal::from(178_854)),
        co2_kg: Some(Decimal::from(11_951)),
        export_pence: None,
        days: days(327, 365),
        quality: Quality::Derived,
        missing_half_hours: 1781,
        held: 2,
    };
    report.stand_ins = vec!["After 10 May 2018 the same calendar day of 2016 stands in.".into()];
    report
}

/// June 2013 by day, one day without reads and one with a part.
pub fn a_month_by_day() -> GenerationReport {
    let mut report = bes1_2013();
    report.period.start = date(2013, 6, 1);
    report.period.end = date(2013, 6, 30);
    report.period.granularity = Granularity::Day;
    report.rows = (1..=30)
        .map(|day| {
            let made = 90_000 + i64::from(day) * 7_919 % 131 * 900;
            let on = date(2013, 6, day);
            row(on, on, made, 113_033)
        })
        .collect();
    for row in &mut report.rows {
        row.difference = None;
        row.difference_percent = None;
    }
    let lost = &mut report.rows[11];
    (lost.generated, lost.quality) = (None, Quality::Missing);
    (lost.days, lost.missing_half_hours) = (days(0, 1), 48);
    let part = &mut report.rows[12];
    (part.days, part.missing_half_hours) = (days(0, 1), 11);
    report.missing = vec![hole("2013-06-12T00:00", "2013-06-13T05:30", 59, None)];
    report.missing[0].place = "Elmore House".into();
    report.totals = Totals {
        generated: Some(WattHours(4_277_700)),
        forecast: Some(WattHours(3_391_000)),
        difference: Some(WattHours(886_700)),
        difference_percent: Some(decimal("26.1")),
        specific_yield: Some(Decimal::from(115)),
        homes: Some(Decimal::ONE),
        kettles: Some(Decimal::from(28_518)),
        co2_kg: Some(Decimal::from(1906)),
        export_pence: None,
        days: days(28, 30),
        missing_half_hours: 59,
        ..Totals::default()
    };
    report
}

/// One bar a year.
pub fn ten_years() -> GenerationReport {
    let mut report = bes1_2013();
    report.period.start = date(2013, 1, 1);
    report.period.end = date(2022, 12, 31);
    report.period.granularity = Granularity::Year;
    let years = (2013..=2022).zip([
        0, -1_900, -900, -2_400, -1_300, 200, -2_000, -700, -3_400, 500,
    ]);
    report.rows = years
        .map(|(year, change)| {
            let (start, end) = (date(year, 1, 1), date(year, 12, 31));
            let forecast = 26_913_000 - i64::from(year - 2013) * 134_000;
            row(start, end, 32_586_000 + change * 1000, forecast)
        })
        .collect();
    let incomplete = &mut report.rows[4];
    incomplete.days = days(341, 365);
    incomplete.missing_half_hours = 1152;
    incomplete.difference = None;
    incomplete.difference_percent = None;
    report.totals.days = days(3628, 3652);
    report.totals.missing_half_hours = 1152;
    report.totals.generated = Some(WattHours(313_960_000));
    report
}

/// A month that is still running, by day.
pub fn this_month() -> GenerationReport {
    let mut report = a_month_by_day();
    report.slug = "bes1-now".into();
    for row in &mut report.rows[11..] {
        row.generated = None;
        row.progress = Progress::ToCome;
        row.days = days(0, 1);
        row.missing_half_hours = 0;
    }
    report.rows[10].progress = Progress::Running;
    report.missing.clear();
    report.totals.generated = Some(WattHours(1_600_200));
    report.totals.days = days(10, 30);
    report.totals.missing_half_hours = 0;
    report
}

/// A July day until two in the afternoon, with a gap.
pub fn a_day() -> DayCurve {
    let sky: Vec<Watts> = (0..48)
        .map(|place: i64| {
            let from_noon = (place * 2 - 52).abs();
            Watts((31_000 - 31_000 * from_noon * from_noon / 1100).max(0))
        })
        .collect();
    let made = sky.iter().take(28).enumerate().map(|(place, power)| {
        let part = i64::try_from(place).unwrap() * 37 % 60 + 40;
        (!(20..23).contains(&place)).then_some(Watts(power.0 * part / 100))
    });
    DayCurve {
        title: "Elmore House, 4 July 2013: power against a clear sky".into(),
        description: "On 4 July 2013 until 14:00 Elmore House made 132 kWh.".into(),
        day: date(2013, 7, 4),
        zone: london(),
        made: made.collect(),
        clear_sky: sky,
        sample: true,
    }
}

fn month_row(year: i32, month: u8, made: i64, forecast: i64) -> Row {
    let start = date(year, month, 1);
    row(start, start.local_month().last_day(), made, forecast)
}

fn row(start: LocalDay, end: LocalDay, made: i64, forecast: i64) -> Row {
    let of = u32::try_from(end.days_since(start)).unwrap() + 1;
    let difference = made - forecast;
    let percent = Decimal::from(difference * 100) / Decimal::from(forecast);
    Row {
        start,
        end,
        generated: Some(WattHours(made)),
        forecast: Some(WattHours(forecast)),
        difference: Some(WattHours(difference)),
        difference_percent: Some(percent.round_dp(1)),
        quality: Quality::Actual,
        progress: Progress::Over,
        days: days(of, of),
        missing_half_hours: 0,
        held: 0,
        notes: Vec::new(),
    }
}

fn hole(from: &str, to: &str, half_hours: u32, reason: Option<&str>) -> Missing {
    let zone = london();
    let at = |text: &str| zone.instant_of_text(text).unwrap();
    Missing {
        place: "Styles Gardens, block 3".into(),
        from: at(from),
        to: at(to),
        half_hours,
        reason: reason.map(str::to_owned),
    }
}

fn factors_of(year: i32) -> Vec<Factor> {
    let table = factors::built_in().unwrap();
    let names = [factor_name::HOME, factor_name::KETTLE, factor_name::CO2];
    let found = names.map(|name| table.lookup(name, Year::Year(year)).cloned());
    found.into_iter().flatten().collect()
}

fn london() -> Zone {
    static LONDON: LazyLock<Zone> = LazyLock::new(|| Zone::named("Europe/London").unwrap());
    LONDON.clone()
}

fn date(year: i32, month: u8, day: u8) -> LocalDay {
    LocalDay::of_date(year, month, day).unwrap()
}

fn days(complete: u32, of: u32) -> Days {
    Days { complete, of }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}
