//! Meters, registers and meter points.

use commonwatt_domain::{
    metering::{
        Approval, Direction, FittedMeter, Meter, MeterError, MeterPoint, Mpan, Nights, NightsError,
        Obis, Register,
    },
    quantity::WattHours,
};

use crate::table::at;

fn register(digits: u8, unit_wh: i64, multiplier: u32) -> Result<Register, MeterError> {
    Register::new(
        Obis::EXPORT,
        Direction::Generation,
        digits,
        WattHours(unit_wh),
        multiplier,
    )
}

#[test]
fn registers_know_their_width_and_step() {
    for (digits, unit_wh, multiplier, modulus, step) in [
        (6, 100, 1, 100_000_000, 100),
        (8, 10, 1, 1_000_000_000, 10),
        (5, 1_000, 40, 4_000_000_000, 40_000),
    ] {
        let register = register(digits, unit_wh, multiplier).unwrap();
        assert_eq!(register.modulus(), WattHours(modulus));
        assert_eq!(register.step(), WattHours(step));
    }
    let behind_transformers = register(5, 1_000, 40).unwrap();
    assert_eq!(
        behind_transformers.energy_of_display("120.5"),
        Ok(WattHours(4_820_000))
    );
    assert!(
        behind_transformers
            .energy_of_display("999999999999")
            .is_ok()
    );
}

#[test]
fn registers_that_cannot_be_are_refused() {
    assert_eq!(register(0, 1, 1), Err(MeterError::Digits(0)));
    assert_eq!(register(16, 1, 1), Err(MeterError::Digits(16)));
    assert_eq!(register(6, 0, 1), Err(MeterError::Unit(0)));
    assert_eq!(register(6, 1, 0), Err(MeterError::Multiplier));
    assert!(matches!(
        register(15, 1_000, 1),
        Err(MeterError::TooWide { .. })
    ));
    assert!(matches!(
        register(15, i64::MAX, 9),
        Err(MeterError::TooWide { .. })
    ));
}

#[test]
fn meter_may_bill_until_its_certificate_ends() {
    let mut meter = Meter {
        serial: "EML1325012345".into(),
        approval: Some(Approval {
            meter_type: "type 1".into(),
            certificate: "certificate 1".into(),
            expires: "2032-06-30".parse().unwrap(),
        }),
        registers: vec![register(8, 10, 1).unwrap()],
    };
    assert!(meter.approved_for_billing("2032-06-30".parse().unwrap()));
    assert!(!meter.approved_for_billing("2032-07-01".parse().unwrap()));
    meter.approval = None;
    assert!(!meter.approved_for_billing("2020-01-01".parse().unwrap()));
    assert!(meter.register(Obis::EXPORT).is_some() && meter.register(Obis::IMPORT).is_none());
}

#[test]
fn meter_point_names_the_meter_of_the_day() {
    let fitted = |serial: &str, from, to| FittedMeter {
        serial: serial.into(),
        from,
        to,
    };
    let point = MeterPoint {
        id: "elmore-house".into(),
        mpan: Some("2000012345672".parse().unwrap()),
        direction: Direction::Generation,
        meters: vec![
            fitted("old", None, Some(at("01 10:00"))),
            fitted("new", Some(at("01 10:10")), None),
        ],
    };
    let serial = |time| point.meter_at(at(time)).map(|meter| meter.serial.as_str());
    assert_eq!(serial("01 09:59"), Some("old"));
    assert_eq!(serial("01 10:05"), None);
    assert_eq!(serial("01 10:10"), Some("new"));
    assert_eq!(point.mpan.unwrap().to_string(), "2000012345672");
    for text in [
        "200001234567",
        "20000123456721",
        "2000012345673",
        "200001234567x",
        "",
    ] {
        assert!(text.parse::<Mpan>().is_err(), "{text}");
    }
}

#[test]
fn nights_out_of_order_are_refused() {
    use commonwatt_domain::calendar::{Instant, Span};
    let span = |start, end| Span::new(Instant(start), Instant(end));
    let of = |dark| Nights::new(span(0, 100), dark).map(|_| ());
    assert_eq!(of(vec![span(0, 10), span(10, 20)]), Ok(()));
    assert_eq!(
        of(vec![span(0, 10), span(9, 20)]),
        Err(NightsError::Order(1))
    );
    assert_eq!(of(vec![span(5, 5)]), Err(NightsError::Order(0)));
    assert_eq!(of(vec![span(90, 101)]), Err(NightsError::Beyond(0)));
    let unknown = Nights::unknown();
    assert!(!unknown.is_dark(Instant(5)));
    assert_eq!(unknown.daylight_ms(span(0, 1_000_000_000)), 0);
}

#[test]
fn daylight_is_what_counting_minute_by_minute_gives() {
    use commonwatt_domain::calendar::{Instant, Span};
    const MINUTE: i64 = 60_000;
    let night = |n: i64| {
        let start = n * 1_440 * MINUTE - (n % 5) * 37 * MINUTE;
        Span::new(Instant(start), Instant(start + (480 + n % 7 * 20) * MINUTE))
    };
    let known = Span::new(Instant(0), Instant(400 * 1_440 * MINUTE));
    let nights = Nights::new(known, (1..300).map(night).collect()).unwrap();
    let dark = |at: Instant| (1..300).any(|n| night(n).contains(at));
    for start in (0..40_i64).map(|n| Instant(n * 10_009 * MINUTE)) {
        let minutes = (0..97)
            .map(|n| start.plus_ms(n * 7 * MINUTE))
            .collect::<Vec<_>>();
        let light = minutes
            .iter()
            .flat_map(|at| (0..7).map(|m| at.plus_ms(m * MINUTE)));
        let light = light.filter(|at| known.contains(*at) && !dark(*at)).count();
        let span = Span::new(start, start.plus_ms(97 * 7 * MINUTE));
        assert_eq!(
            nights.daylight_ms(span),
            i64::try_from(light).unwrap() * MINUTE
        );
        assert_eq!(nights.is_dark(start), dark(start));
    }
}
