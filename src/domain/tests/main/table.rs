//! Series as text tables that a treasurer can check by hand.
//!
//! A line is `day time kWh verdict findings`, the verdict and findings being what is expected:
//!
//! ```text
//! 01 10:00  15475.04  accepted
//! 01 11:00  0         refused wake_up_zero
//! = 33.47
//! ```
//!
//! Days lie in June 2013, times are UTC; `= n` is the energy of all known advances in kWh.

use std::{fmt::Write as _, sync::Arc};

use commonwatt_domain::{
    calendar::Instant,
    metering::{
        Decisions, Direction, FoldState, Judged, Lives, MeterEvent, Nights, Obis, Point, Read,
        ReadSet, Register, SeriesId, SeriesRules, Step, fold, judge,
    },
    quantity::{WattHours, Watts},
};

/// A generation register of 8 digits of 10 Wh under a ceiling of 37.24 kW.
pub fn elmore_house() -> SeriesRules {
    rules(8, 10, 37_240)
}

pub fn rules(digits: u8, unit_wh: i64, ceiling_w: i64) -> SeriesRules {
    let register = Register::new(
        Obis::EXPORT,
        Direction::Generation,
        digits,
        WattHours(unit_wh),
        1,
    )
    .unwrap();
    SeriesRules::of(&register, Some(Watts(ceiling_w)), Nights::unknown())
}

/// The same rules with events of series 1.
pub fn with_events(rules: &SeriesRules, events: &[MeterEvent]) -> SeriesRules {
    SeriesRules {
        lives: Lives::of(SeriesId(1), events).unwrap(),
        ..rules.clone()
    }
}

/// The same rules with nights from 20:00 to 04:00 UTC in June 2013.
pub fn with_nights(rules: &SeriesRules) -> SeriesRules {
    use commonwatt_domain::calendar::Span;
    let known = Span::new(at("01 00:00"), at("30 00:00"));
    let mut dark = vec![Span::new(at("01 00:00"), at("01 04:00"))];
    dark.extend((1..29).map(|day| {
        Span::new(
            at(&format!("{day:02} 20:00")),
            at(&format!("{:02} 04:00", day + 1)),
        )
    }));
    dark.push(Span::new(at("29 20:00"), at("30 00:00")));
    SeriesRules {
        nights: Arc::new(Nights::new(known, dark).unwrap()),
        ..rules.clone()
    }
}

/// `01 10:00` in June 2013, UTC.
pub fn at(text: &str) -> Instant {
    let (day, time) = text.split_once(' ').unwrap();
    let time = if time.len() == 5 {
        format!("{time}:00")
    } else {
        time.to_owned()
    };
    format!("2013-06-{day}T{time}Z").parse().unwrap()
}

pub fn kwh(text: &str) -> WattHours {
    WattHours::from_kwh_text(text).unwrap()
}

/// A read that is received at once.
pub fn read(time: &str, value: &str) -> Read {
    Read {
        at: at(time),
        wh: kwh(value),
        received: at(time),
        ..Read::default()
    }
}

fn reads_of(table: &str) -> ReadSet {
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let reads = lines.filter(|line| !line.starts_with('=')).map(|line| {
        let mut words = line.split_whitespace();
        let time = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        read(&time, words.next().unwrap())
    });
    ReadSet::of(reads.collect())
}

/// Judges the reads of a table and compares with what the table says of them.
#[track_caller]
pub fn check(rules: &SeriesRules, decisions: &Decisions, table: &str) -> Judged {
    let judged = judge(rules, decisions, &reads_of(table));
    let mut seen = String::new();
    for read in &judged.reads {
        let time = read.read.at.to_string();
        let time = time[8..].trim_end_matches('Z').replace('T', " ");
        let time = time.strip_suffix(":00").unwrap_or(&time);
        write!(
            seen,
            "{time} {} {}",
            read.read.wh.kwh_text(),
            read.verdict.word()
        )
        .unwrap();
        for finding in &read.findings {
            write!(seen, " {}", finding.word()).unwrap();
        }
        seen.push('\n');
    }
    if table.contains('=') {
        writeln!(seen, "= {}", total(&judged.points).kwh_text()).unwrap();
    }
    // `1000.00` and `1000` are one value.
    let plain = |word: &str| match WattHours::from_kwh_text(word) {
        Ok(wh) if word.len() != 2 => wh.kwh_text(),
        _ => word.to_owned(),
    };
    let squeeze = |line: &str| {
        let words: Vec<_> = line.split_whitespace().map(plain).collect();
        words.join(" ")
    };
    let expected: Vec<_> = table
        .lines()
        .map(squeeze)
        .filter(|line| !line.is_empty())
        .collect();
    let seen: Vec<_> = seen.lines().map(str::to_owned).collect();
    assert_eq!(seen, expected);
    judged
}

/// The energy of all known advances.
pub fn total(points: &[Point]) -> WattHours {
    let advances = points.windows(2).filter(|pair| pair[1].joined);
    WattHours(advances.map(|pair| pair[1].wh.0 - pair[0].wh.0).sum())
}

/// Judges in several folds, each from the stored bytes of the state before.
pub fn judge_in_parts(
    rules: &SeriesRules,
    decisions: &Decisions,
    reads: &ReadSet,
    cuts: &[Instant],
) -> (Judged, Vec<FoldState>) {
    let (mut judged, mut states) = (Judged::default(), Vec::new());
    let mut state = FoldState::EMPTY;
    for until in cuts.iter().copied().chain([Instant(i64::MAX)]) {
        state = FoldState::from_bytes(&state.to_bytes()).unwrap();
        let mut keep = |step: Step| judged.keep(step);
        fold(
            rules,
            decisions,
            &mut state,
            reads.as_slice(),
            until,
            &mut keep,
        );
        states.push(state);
    }
    (judged, states)
}
