//! Short texts of the domain: energy, times, periods, codes.

use std::{str::FromStr, sync::OnceLock};

use domain::{
    calendar::{Instant, LocalDay, LocalMonth, Period, YearStart, Zone},
    metering::{Mpan, Obis},
    quantity::{WattHours, Watts},
};
use records::own;

use crate::text;

pub fn energy(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    let kwh = WattHours::from_kwh_text(text);
    if let Ok(wh) = kwh {
        let written = wh.kwh_text();
        assert_eq!(WattHours::from_kwh_text(&written), Ok(wh), "`{written}`");
        let _ = wh.kwh_words();
    }
    let wh = WattHours::from_wh_text(text);
    let _ = wh.as_ref().map(ToString::to_string);
    let kwp = Watts::from_kwp_text(text);
    if let Ok(w) = &kwp {
        let _ = w.kw_text();
    }
    let w = Watts::from_w_text(text);
    let _ = domain::quantity::separated(text);
    kwh.is_ok() || wh.is_ok() || kwp.is_ok() || w.is_ok()
}

pub fn energy_seeds() -> Vec<Vec<u8>> {
    [
        "15475.04",
        "0",
        "99999.9",
        "1548",
        "37.24",
        "-0.001",
        "9223372036854775.807",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn time(input: &[u8]) -> bool {
    static LONDON: OnceLock<Zone> = OnceLock::new();
    let zone = LONDON.get_or_init(|| Zone::named("Europe/London").expect("a known zone"));
    let utc = own::parse_utc(input);
    let Some(text) = text(input) else {
        return utc.is_some();
    };
    let instant = text.parse::<Instant>();
    if let (Some(utc), Ok(instant)) = (utc, &instant) {
        assert_eq!(utc, *instant, "two readers of one time");
    }
    if let Ok(instant) = instant {
        let written = instant.to_string();
        assert_eq!(written.parse(), Ok(instant), "`{written}`");
        let day = zone.day_of(instant);
        assert!(
            zone.day_span(day).contains(instant),
            "{instant} lies in its day"
        );
        let _ = zone.wall_clock(instant).to_string();
    }
    let local = zone.instant_of_text(text);
    if let Ok(local) = local {
        let _ = zone.wall_clock(local).to_string();
    }
    utc.is_some() || instant.is_ok() || local.is_ok()
}

pub fn time_seeds() -> Vec<Vec<u8>> {
    [
        "2026-06-21T12:00:00Z",
        "2026-06-21T12:00:00.123Z",
        "2023-10-29T01:30:00+01:00",
        "2023-10-29 00:30",
        "2023-03-26T00:59:59",
        "2040-12-31T23:59:59Z",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// A century.
const MOST_DAYS: i32 = 36_525;

pub fn period(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    let day = returns::<LocalDay>(text);
    let month = returns::<LocalMonth>(text);
    let start = returns::<YearStart>(text);
    let period = text.parse::<Period>();
    if let Ok(period) = &period {
        let days = period.day_count();
        assert!(days > 0, "{period} has days");
        assert_eq!(period.first_day().plus(days - 1), period.last_day());
        // A range of millennia has a hundred thousand months; that is the same code, and slow.
        let children = if days < MOST_DAYS {
            period.children()
        } else {
            Vec::new()
        };
        if let (Some(first), Some(last)) = (children.first(), children.last()) {
            assert_eq!(first.first_day(), period.first_day());
            assert_eq!(last.last_day(), period.last_day());
        }
        let _ = (days < MOST_DAYS).then(|| period.parts_by_month());
        let _ = period.to_string();
    }
    day || month || start || period.is_ok()
}

pub fn period_seeds() -> Vec<Vec<u8>> {
    [
        "2026-06-21",
        "2024-02-29",
        "2026-06",
        "2026",
        "04-01",
        "12-31",
        "2013/14",
        "FY2013",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

pub fn code(input: &[u8]) -> bool {
    let Some(text) = text(input) else {
        return false;
    };
    returns::<Obis>(text) | returns::<Mpan>(text)
}

pub fn code_seeds() -> Vec<Vec<u8>> {
    [
        "1.8.0",
        "2.8.0",
        "255.255.255",
        "2000012345672",
        "1-0:2.8.0",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// Whether the text is a value, which is then written and read again.
fn returns<T: FromStr + ToString + PartialEq>(text: &str) -> bool {
    let Ok(value) = text.parse::<T>() else {
        return false;
    };
    let written = value.to_string();
    assert!(
        written.parse::<T>().is_ok_and(|again| again == value),
        "`{text}` is written `{written}`"
    );
    true
}
