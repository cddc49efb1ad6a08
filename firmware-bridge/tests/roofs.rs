//! The Bath file as registers.

use std::{
    fs::File,
    io::BufReader,
    sync::{Arc, LazyLock},
};

use bridge::simulate::{
    HALF_HOUR_MS,
    half_hours::{HalfHours, Output},
    history::{HistoryItem, history},
    register::{Exact, Wp},
    roof::SimulatedRoof,
    stand_in::{BATH_YEAR, NoWholeYear, StandInYear},
};
use jiff::Timestamp;
use proptest::prelude::*;

static BATH: LazyLock<HalfHours> = LazyLock::new(|| {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../config/demo/uk-bath-pv-halfhourly/pv_bath_halfhourly.csv"
    );
    HalfHours::read(BufReader::new(File::open(path).unwrap())).unwrap()
});

static YEAR: LazyLock<Arc<StandInYear>> =
    LazyLock::new(|| Arc::new(StandInYear::new(&BATH, BATH_YEAR).unwrap()));

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn kwp(text: &str) -> Wp {
    text.parse().unwrap()
}

fn later(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond() + ms).unwrap()
}

#[test]
fn the_file_reads_whole_and_its_label_is_the_end() {
    assert_eq!(BATH.outputs.len(), 1_591 * 48);
    assert_eq!(BATH.outputs.iter().filter(|o| o.is_none()).count(), 226);
    assert_eq!(BATH.first_end, instant("2014-01-01T00:00:00Z"));
    // The energy's centre, weighed with whole half hours, lies within a quarter of an hour of solar
    // noon over Bath (2.36° west: 12:09 UTC in the mean of a year).
    let (mut weight, mut moment) = (0u128, 0u128);
    for (end, output) in BATH.iter() {
        let middle_s = (end.as_second() - 900).rem_euclid(86_400);
        let kw = output.unwrap_or_default().0 / 10u128.pow(18);
        weight += kw;
        moment += kw * u128::try_from(middle_s).unwrap();
    }
    let centre_min = moment / weight / 60;
    assert!(
        (12 * 60..12 * 60 + 24).contains(&centre_min),
        "{centre_min} min"
    );
}

#[test]
fn annual_totals_per_kwp_are_the_published_ones() {
    let reads: Vec<(Timestamp, i64)> = history(&BATH, kwp("1"), 0)
        .filter_map(|item| match item {
            HistoryItem::Read { at, wh } => Some((at, wh)),
            HistoryItem::Hole { .. } => None,
        })
        .collect();
    let shown = |at: &str| {
        let at = instant(at);
        reads.iter().rfind(|(read_at, _)| *read_at <= at).unwrap().1
    };
    for (year, expected_tenths_kwh) in [(2014, 9_814), (2015, 9_559), (2016, 9_398), (2017, 8_771)]
    {
        let from = shown(&format!("{year}-01-01T00:00:00Z"));
        let to = shown(&format!("{}-01-01T00:00:00Z", year + 1));
        assert_eq!((to - from + 50) / 100, expected_tenths_kwh, "{year}");
    }
}

#[test]
fn history_reads_every_measured_half_hour_and_closes_the_register_at_holes() {
    let items: Vec<HistoryItem> = history(&BATH, kwp("37.24"), 1_000).collect();
    let reads = items
        .iter()
        .filter(|i| matches!(i, HistoryItem::Read { .. }));
    assert_eq!(reads.count(), 1_591 * 48 - 226);
    assert_eq!(
        items.first(),
        Some(&HistoryItem::Read {
            at: instant("2014-01-01T00:00:00Z"),
            wh: 1_000
        })
    );
    let Some(HistoryItem::Read { at, .. }) = items.last() else {
        panic!("the file ends with a measured half hour");
    };
    assert_eq!(*at, instant("2018-05-10T23:30:00Z"));

    let (mut last_at, mut last_wh, mut holes, mut missing) = (None, 0, 0, 0);
    for item in &items {
        match *item {
            HistoryItem::Read { at, wh } => {
                let expected = last_at.map(|last| later(last, HALF_HOUR_MS));
                assert!(last_at.is_none() || Some(at) == expected, "{at}");
                assert!(wh >= last_wh);
                (last_at, last_wh) = (Some(at), wh);
            }
            HistoryItem::Hole {
                closed_at,
                final_wh,
                opened_at,
                opening_wh,
            } => {
                assert_eq!((Some(closed_at), final_wh), (last_at, last_wh));
                assert_eq!(opening_wh, final_wh);
                missing += (opened_at.as_millisecond() - closed_at.as_millisecond()) / HALF_HOUR_MS;
                holes += 1;
                last_at = Some(opened_at);
            }
        }
    }
    assert_eq!(missing, 226);
    assert_eq!(holes, 20);
    assert!(items.contains(&HistoryItem::Hole {
        closed_at: instant("2016-11-25T00:00:00Z"),
        final_wh: shown_before(&items, "2016-11-25T00:00:00Z"),
        opened_at: instant("2016-11-25T07:30:00Z"),
        opening_wh: shown_before(&items, "2016-11-25T00:00:00Z"),
    }));
}

fn shown_before(items: &[HistoryItem], at: &str) -> i64 {
    let at_wanted = instant(at);
    let found = items.iter().find_map(|item| match *item {
        HistoryItem::Read { at, wh } if at == at_wanted => Some(wh),
        _ => None,
    });
    found.unwrap()
}

#[test]
fn live_half_hours_of_2016_are_the_files() {
    let origin = instant("2016-01-01T00:00:00Z");
    for size in ["37.24", "9", "100000"] {
        let size = kwp(size);
        let roof = SimulatedRoof::new(Arc::clone(&YEAR), size, origin, 0);
        let mut sum = Exact::from_wh(0);
        for i in 0..366 * 48 {
            let start = later(origin, i * HALF_HOUR_MS);
            assert_eq!(roof.at(start).wh, sum.shown_wh(), "{start}");
            // 25 November has holes; the day before stands in for it.
            let on_the_25th = start.to_string().starts_with("2016-11-25");
            let source = later(start, if on_the_25th { -86_400_000 } else { 0 });
            sum = sum.plus(Exact::generated(BATH.starting(source).unwrap(), size));
        }
        assert_eq!(roof.at(instant("2017-01-01T00:00:00Z")).wh, sum.shown_wh());
    }
    let replaced: Vec<String> = YEAR
        .replaced()
        .iter()
        .map(|(a, b)| format!("{a} {b}"))
        .collect();
    assert_eq!(replaced, ["2016-11-25 2016-11-24"]);
}

#[test]
fn a_common_year_leaves_29_february_out() {
    let roof = |origin: &str| SimulatedRoof::new(Arc::clone(&YEAR), kwp("1"), instant(origin), 0);
    let of_year = |year: i32| {
        let roof = roof(&format!("{year}-01-01T00:00:00Z"));
        roof.at(instant(&format!("{}-01-01T00:00:00Z", year + 1)))
            .wh
    };
    let leap_day = roof("2016-02-29T00:00:00Z")
        .at(instant("2016-03-01T00:00:00Z"))
        .wh;
    assert!(leap_day > 0);
    for year in [2018, 2019, 2021, 2026, 2027, 2100] {
        assert!(
            (of_year(2016) - leap_day - of_year(year)).abs() <= 1,
            "{year}"
        );
    }
    assert_eq!(of_year(2028), of_year(2016));
    let march = |year: i32| {
        let roof = roof(&format!("{year}-03-01T00:00:00Z"));
        roof.at(instant(&format!("{year}-04-01T00:00:00Z"))).wh
    };
    assert_eq!(march(2026), march(2016));
    // Ten years through both kinds of year are the sum of their parts.
    let ten = roof("2018-05-10T23:30:00Z")
        .at(instant("2028-05-10T23:30:00Z"))
        .wh;
    assert!(
        (ten - 10 * of_year(2026) - 3 * leap_day).abs() <= 13,
        "{ten}"
    );
}

#[test]
fn a_sunny_day_read_every_ten_seconds_is_smooth() {
    let origin = instant("2018-05-10T23:30:00Z");
    let roof = SimulatedRoof::new(Arc::clone(&YEAR), kwp("52"), origin, 123_456_789);
    let day = instant("2026-06-05T00:00:00Z");
    let mut last = roof.at(day);
    for i in 1..=8_640 {
        let shown = roof.at(later(day, i * 10_000));
        let advance = shown.wh - last.wh;
        // 10 s at the mean of both powers, and the two cuts to whole Wh.
        let expected = (shown.w + last.w) * 10 / 2 / 3_600;
        assert!(
            advance >= 0 && (advance - expected).abs() <= 2,
            "{i}: {advance} {expected}"
        );
        // From one half hour's mean to the next takes half an hour, so no step is a jump.
        assert!(
            (shown.w - last.w).abs() <= 52_000 * 4 * 10 / 900,
            "{i}: {last:?} {shown:?}"
        );
        last = shown;
    }
    assert!(last.wh > roof.at(day).wh + 100_000);
}

#[test]
fn before_its_origin_a_roof_stands_still() {
    let origin = instant("2018-05-10T23:30:00Z");
    let roof = SimulatedRoof::new(Arc::clone(&YEAR), kwp("52"), origin, 77);
    assert_eq!(roof.at(origin).wh, 77);
    assert_eq!(roof.at(instant("2018-01-01T00:00:00Z")).wh, 77);
    assert_eq!(roof.at(instant("1970-01-01T00:00:00Z")).wh, 77);
}

#[test]
fn reads_up_to_now_lie_on_half_hours_after_the_origin() {
    let origin = instant("2018-05-10T23:30:00Z");
    let roof = SimulatedRoof::new(Arc::clone(&YEAR), kwp("52"), origin, 0);
    let until = instant("2018-05-11T01:10:00Z");
    let reads: Vec<String> = roof
        .reads(origin, until, HALF_HOUR_MS)
        .map(|(at, _)| at.to_string())
        .collect();
    assert_eq!(
        reads,
        [
            "2018-05-11T00:00:00Z",
            "2018-05-11T00:30:00Z",
            "2018-05-11T01:00:00Z"
        ]
    );
}

#[test]
fn a_common_year_cannot_stand_in() {
    let error = StandInYear::new(&BATH, 2017).unwrap_err();
    assert_eq!(error, NoWholeYear::NotALeapYear(2017));
    assert!(matches!(
        StandInYear::new(&BATH, 2012),
        Err(NoWholeYear::NoCompleteDay(2012))
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_later_read_is_never_below_an_earlier_one(
        from_s in 1_525_995_000i64..2_208_988_800,
        steps_ms in proptest::collection::vec(0i64..7_200_000, 1..20),
    ) {
        let origin = instant("2018-05-10T23:30:00Z");
        let roof = SimulatedRoof::new(Arc::clone(&YEAR), kwp("100000"), origin, 0);
        let mut at = Timestamp::from_second(from_s).unwrap();
        let mut last = roof.at(at).wh;
        for step_ms in steps_ms {
            at = later(at, step_ms);
            let shown = roof.at(at);
            prop_assert!(shown.wh >= last && shown.w >= 0);
            last = shown.wh;
        }
    }

    #[test]
    fn an_output_printed_with_its_decimals_reads_back(units in 0u128..2 * 10u128.pow(30)) {
        let text = format!("{}.{:030}", units / 10u128.pow(30), units % 10u128.pow(30));
        prop_assert_eq!(text.parse(), Ok(Output(units)));
    }
}
