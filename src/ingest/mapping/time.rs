//! Which time a read has: the device's, when it can be believed, else ours.
//!
//! A device's clock is believed when it is at most `trust_past_s` behind and `trust_ahead_s` ahead
//! of the receive time; a clock that starts in 1970 or runs in next year gives way to the receive
//! time, and the read says so. A local time without zone is taken in the mapping's zone or the
//! society's; in the autumn hour that comes twice the one nearer to the receive time is meant; in
//! the spring hour that does not exist the clock is not believed.
//!
//! A retained message comes from a broker's memory and may be of any age. Only its own time can say
//! when it was read, however long ago; without one it is refused.

use domain::calendar::{CalendarError, Instant, Zone};
use serde::Deserialize;

use crate::{exact::Exact, form::Payload, read::Clock};

/// Seconds a device may be behind when the mapping does not say: a day.
const TRUST_PAST_S: u32 = 86_400;
/// Seconds a device may be ahead when the mapping does not say.
const TRUST_AHEAD_S: u32 = 300;
/// No device of today read anything before 2009-01-01, the first day the judge believes.
const EARLIEST: Instant = Instant(1_230_768_000_000);

/// `time = { … }` of a message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimeForm {
    #[serde(default)]
    pub pointer: Option<String>,
    #[serde(default)]
    pub column: Option<u16>,
    pub format: Format,
    #[serde(default)]
    pub trust_past_s: Option<u32>,
    #[serde(default)]
    pub trust_ahead_s: Option<u32>,
}

/// How a device writes a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// With an offset or `Z`.
    Rfc3339,
    /// A wall clock without zone.
    Local,
    /// Seconds since 1970, perhaps with a fraction.
    UnixS,
    /// Milliseconds since 1970.
    UnixMs,
    /// Nanoseconds since 1970.
    UnixNs,
}

/// Where a message's time stands and how far it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    pub place: TimePlace,
    format: Format,
    past_ms: i64,
    ahead_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimePlace {
    Nowhere,
    Pointer(String),
    Column(usize),
    /// The end of the line.
    Line,
}

impl Policy {
    pub(crate) fn of(form: Option<TimeForm>, payload: Payload) -> Result<Policy, String> {
        let Some(form) = form else {
            return Ok(Policy {
                place: TimePlace::Nowhere,
                format: Format::UnixMs,
                past_ms: i64::from(TRUST_PAST_S) * 1_000,
                ahead_ms: i64::from(TRUST_AHEAD_S) * 1_000,
            });
        };
        let place = match (payload, form.pointer, form.column) {
            (Payload::Json, Some(pointer), None) if pointer.starts_with('/') => {
                TimePlace::Pointer(pointer)
            }
            (Payload::Csv, None, Some(column @ 1..)) => TimePlace::Column(usize::from(column)),
            (Payload::Line, None, None) => TimePlace::Line,
            _ => {
                return Err(
                    "a time is found by `pointer` in json, `column` in csv and at the end of a line; a number has none"
                        .to_owned(),
                );
            }
        };
        Ok(Policy {
            place,
            format: form.format,
            past_ms: i64::from(form.trust_past_s.unwrap_or(TRUST_PAST_S)) * 1_000,
            ahead_ms: i64::from(form.trust_ahead_s.unwrap_or(TRUST_AHEAD_S)) * 1_000,
        })
    }

    /// The time of a read and whose it is.
    pub(crate) fn decide(
        &self,
        text: Option<&str>,
        zone: &Zone,
        received: Instant,
        stale: bool,
    ) -> Result<(Instant, Clock), String> {
        let said = text.and_then(|text| self.parse(text, zone, received));
        if stale {
            return match said {
                Some(at) if at >= EARLIEST && at.0 <= received.0.saturating_add(self.ahead_ms) => {
                    Ok((at, Clock::Device))
                }
                _ => Err(
                    "a retained message without a time of its own: nobody knows when it was read"
                        .to_owned(),
                ),
            };
        }
        Ok(match (said, text) {
            (Some(at), _)
                if at.0 >= received.0.saturating_sub(self.past_ms)
                    && at.0 <= received.0.saturating_add(self.ahead_ms) =>
            {
                (at, Clock::Device)
            }
            (None, None) => (received, Clock::Received),
            _ => (received, Clock::NotBelieved),
        })
    }

    fn parse(&self, text: &str, zone: &Zone, received: Instant) -> Option<Instant> {
        let text = text.trim_ascii();
        let scaled = |up, down| Exact::read(text)?.scaled(up, down).map(Instant);
        match self.format {
            Format::UnixS => scaled(1_000, 1),
            Format::UnixMs => scaled(1, 1),
            Format::UnixNs => text
                .parse::<i64>()
                .ok()
                .map(|ns| Instant(ns.div_euclid(1_000_000))),
            Format::Rfc3339 => text.parse().ok(),
            Format::Local => local(text, zone, received),
        }
    }
}

/// A wall clock in its zone; of the two hours of autumn the one nearer to `received`.
fn local(text: &str, zone: &Zone, received: Instant) -> Option<Instant> {
    match zone.instant_of_text(text) {
        Ok(at) => Some(at),
        Err(CalendarError::Ambiguous { first, second, .. }) => {
            let (first, second) = (
                first.parse::<Instant>().ok()?,
                second.parse::<Instant>().ok()?,
            );
            let off = |at: Instant| at.0.abs_diff(received.0);
            Some(if off(second) < off(first) {
                second
            } else {
                first
            })
        }
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(format: Format) -> Policy {
        let form = TimeForm {
            pointer: Some("/t".into()),
            column: None,
            format,
            trust_past_s: None,
            trust_ahead_s: None,
        };
        Policy::of(Some(form), Payload::Json).unwrap()
    }

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn the_autumn_hour_is_the_one_near_the_receive_time() {
        let london = Zone::named("Europe/London").unwrap();
        let local = policy(Format::Local);
        for (received, expected) in [
            ("2023-10-29T00:30:10Z", "2023-10-29T00:30:00Z"),
            ("2023-10-29T01:30:10Z", "2023-10-29T01:30:00Z"),
        ] {
            let got = local.decide(Some("2023-10-29T01:30:00"), &london, at(received), false);
            assert_eq!(got, Ok((at(expected), Clock::Device)), "{received}");
        }
        // The spring hour does not exist; summer time counts from the day's offset.
        let received = at("2023-03-26T01:30:05Z");
        let got = local.decide(Some("2023-03-26T01:30:00"), &london, received, false);
        assert_eq!(got, Ok((received, Clock::NotBelieved)));
        let got = local.decide(
            Some("2023-06-01T13:00:00"),
            &london,
            at("2023-06-01T12:00:03Z"),
            false,
        );
        assert_eq!(got, Ok((at("2023-06-01T12:00:00Z"), Clock::Device)));
    }

    #[test]
    fn a_clock_of_1970_or_next_year_gives_way() {
        let utc = Zone::named("UTC").unwrap();
        let received = at("2026-06-21T12:00:00Z");
        let unix = policy(Format::UnixS);
        for (text, clock) in [
            ("12.5", Clock::NotBelieved),
            ("1782043200", Clock::Device),
            ("1782043150.25", Clock::Device),
            ("1813579200", Clock::NotBelieved),
            ("soon", Clock::NotBelieved),
        ] {
            let got = unix.decide(Some(text), &utc, received, false).unwrap();
            assert_eq!(got.1, clock, "{text}");
            assert!(clock == Clock::Device || got.0 == received);
        }
    }

    #[test]
    fn a_retained_value_needs_its_own_time() {
        let utc = Zone::named("UTC").unwrap();
        let received = at("2026-06-21T12:00:00Z");
        let unix = policy(Format::UnixS);
        let got = unix.decide(Some("1770000000"), &utc, received, true);
        assert_eq!(got, Ok((Instant(1_770_000_000_000), Clock::Device)));
        for text in [None, Some("12"), Some("1813579200")] {
            assert!(unix.decide(text, &utc, received, true).is_err(), "{text:?}");
        }
    }
}
