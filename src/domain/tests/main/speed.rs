//! The rate of the quick path, printed on demand (`COMMONWATT_CAMPAIGN=1`, an optimised build).

use std::time::Instant as Stopwatch;

use commonwatt_domain::{
    calendar::{Instant, Zone},
    metering::{Decisions, FoldState, Read, Source, fold},
    quantity::WattHours,
};

use crate::table::{at, elmore_house, with_nights};

#[test]
fn quick_path_takes_clean_reads() {
    let campaign = std::env::var_os("COMMONWATT_CAMPAIGN").is_some();
    let count = if campaign { 240_000 } else { 2_000 };
    let rules = with_nights(&elmore_house());
    // 10-second reads; some Wh in daylight, nothing at night.
    let (mut reads, mut wh) = (Vec::new(), 1_000_000);
    for n in 0..count {
        let at = at("01 05:00").plus_ms(n * 10_000);
        wh += if rules.nights.is_dark(at) {
            0
        } else {
            50 + n % 7
        };
        reads.push(Read {
            at,
            wh: WattHours(wh),
            received: at,
            source: Source::Telemetry,
        });
    }
    let rounds = if campaign { 40 } else { 1 };
    let watch = Stopwatch::now();
    let mut live = FoldState::EMPTY;
    for _ in 0..rounds {
        live = FoldState::EMPTY;
        for read in &reads {
            if live.last.is_some() {
                assert!(live.accepts_plainly(&rules, read));
            }
            live.accept(&rules, read);
        }
    }
    let quick = watch.elapsed();
    let watch = Stopwatch::now();
    let mut state = FoldState::EMPTY;
    let mut points = 0_u64;
    for _ in 0..rounds {
        state = FoldState::EMPTY;
        let mut visit = |_| points += 1;
        fold(
            &rules,
            &Decisions::none(),
            &mut state,
            &reads,
            Instant(i64::MAX),
            &mut visit,
        );
    }
    let full = watch.elapsed();
    assert_eq!(
        FoldState {
            upto: state.upto,
            ..live
        },
        state
    );
    let zone = Zone::named("Europe/London").unwrap();
    let watch = Stopwatch::now();
    let days: i64 = (0..rounds)
        .flat_map(|_| &reads)
        .map(|read| i64::from(zone.day_of(read.at).0))
        .sum();
    let day_of = watch.elapsed();
    if campaign {
        let all = u128::try_from(rounds * count).unwrap() * 1000;
        eprintln!(
            "quick path {} million reads/s, fold {}, day_of {} ({points} steps, {days})",
            all / quick.as_nanos().max(1),
            all / full.as_nanos().max(1),
            all / day_of.as_nanos().max(1),
        );
    }
}
