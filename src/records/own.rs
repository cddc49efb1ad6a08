//! The own payload format of a gateway's reads, version 1: strict JSON with exact integers.
//!
//! ```json
//! {"boot":7,"seq":42,"now":"2026-06-21T12:00:10Z","clock":"S","reads":[
//!   {"meter":"2000012345","register":"2.8.0","t":"2026-06-21T12:00:00Z","wh":1548,"w":2410}]}
//! ```
//!
//! `boot` counts the gateway's starts and `seq` its messages since then, from 1 (a first message
//! numbered 0 is taken, and its receipt is the boot's own entry); `now` is its clock
//! when it sent, `clock` how far it trusts it (`U` unknown, `I` informative, `S` synchronised, `R`
//! relative, as OCMF has them); `t` is a read's time; `wh` what the register showed, in whole Wh;
//! `w` the power in W, left out where the device has none. Times are RFC 3339 in UTC with a capital
//! `Z`; a fraction of a second is cut to milliseconds. A leap second `:60` is refused.
//!
//! A gateway that had to give up notes for want of room says so before its reads:
//! `"lost":[{"boot":7,"first":12,"last":40,"reads":290}]`. Those numbers count as received from then on.
//!
//! The version is in the topic (`commonwatt/v1/…`), not in the payload. Within a version nothing
//! unknown is let through: an unknown, missing or doubled field, a fraction, a sign or a size out of
//! bounds makes the whole message undecodable, naming the field. The raw bytes are in the journal
//! all the same, so a later version of this decoder reads them at a rebuild.
//!
//! Two decoders stand behind one function. The first follows the canonical spelling above (this
//! order, no spaces, no escapes) byte by byte; whatever else goes to `serde_json`, which alone
//! decides what is an error. A property test keeps the two equal.

use std::borrow::Cow;

use domain::{calendar::Instant, metering::Obis, quantity::WattHours, quantity::Watts};
use serde::Deserialize;

/// Most reads in one message.
pub const MAX_READS: usize = 1_000;
/// Longest meter serial in bytes.
pub const MAX_METER_BYTES: usize = 64;
/// Largest `boot`, `seq` and `wh`: 2⁵³ − 1, exact in every JSON implementation.
pub const MAX_INTEGER: u64 = (1 << 53) - 1;
/// Largest power in W, either direction.
pub const MAX_WATTS: i64 = i32::MAX as i64;
/// Most losses in one message.
pub const MAX_LOSSES: usize = 64;
const MAX_REASON_CHARS: usize = 200;

/// One decoded message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMessage<'a> {
    /// Everything but the reads.
    pub head: Head,
    /// What the gateway gave up.
    pub lost: Vec<Loss>,
    /// The reads in the order sent.
    pub reads: Vec<OwnRead<'a>>,
}

/// What a message says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How often the gateway has started.
    pub boot: u64,
    /// The message's number since that start.
    pub seq: u64,
    /// The gateway's clock when it sent.
    pub now: Instant,
    /// How far the gateway trusts that clock.
    pub clock: Clock,
}

/// One read as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRead<'a> {
    /// The meter's serial.
    pub meter: Cow<'a, str>,
    /// The register.
    pub register: Obis,
    /// The reading time.
    pub at: Instant,
    /// What the register showed.
    pub wh: WattHours,
    /// The power, where the device has it.
    pub w: Option<Watts>,
}

/// Notes that a gateway gave up; they will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Loss {
    /// Their boot.
    pub boot: u64,
    /// The first of them.
    pub first: u64,
    /// The last of them.
    pub last: u64,
    /// Reads in them that are nowhere else.
    pub reads: u64,
}

/// How far a gateway trusts its clock; the letters of OCMF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clock {
    /// `U`: nothing is known about it.
    Unknown,
    /// `I`: set, but not against a reference.
    Informative,
    /// `S`: synchronised.
    Synchronised,
    /// `R`: relative to a start, not to the calendar.
    Relative,
}

/// The payload is not a message of this version; the text says why, for a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undecodable(String);

/// Decodes one payload.
///
/// # Errors
/// [`Undecodable`] with the first reason found.
///
/// ```
/// let text = br#"{"boot":1,"seq":2,"now":"2026-06-21T12:00:10Z","clock":"S","reads":[
///     {"meter":"A1","register":"2.8.0","t":"2026-06-21T12:00:00.5Z","wh":15475040}]}"#;
/// let message = commonwatt_records::own::decode(text).unwrap();
/// assert_eq!(message.reads[0].wh.0, 15_475_040);
/// assert_eq!(message.reads[0].at.0 % 1_000, 500);
/// ```
pub fn decode(payload: &[u8]) -> Result<OwnMessage<'_>, Undecodable> {
    let (mut reads, mut lost) = (Vec::new(), Vec::new());
    let head = decode_into(payload, &mut reads, &mut lost)?;
    Ok(OwnMessage { head, lost, reads })
}

/// Decodes one payload, replacing what `reads` and `lost` hold, so that their memory serves many
/// messages.
///
/// # Errors
/// [`Undecodable`] with the first reason found; both are empty then.
pub fn decode_into<'a>(
    payload: &'a [u8],
    reads: &mut Vec<OwnRead<'a>>,
    lost: &mut Vec<Loss>,
) -> Result<Head, Undecodable> {
    reads.clear();
    lost.clear();
    if let Some(head) = canonical::decode(payload, reads) {
        return Ok(head);
    }
    reads.clear();
    let result = general(payload, reads, lost);
    if result.is_err() {
        reads.clear();
        lost.clear();
    }
    result
}

impl Clock {
    fn from_letter(letter: u8) -> Option<Clock> {
        match letter {
            b'U' => Some(Clock::Unknown),
            b'I' => Some(Clock::Informative),
            b'S' => Some(Clock::Synchronised),
            b'R' => Some(Clock::Relative),
            _ => None,
        }
    }
}

impl Undecodable {
    /// A reason, cut to a bounded length and freed of control characters.
    #[must_use]
    pub fn because(reason: &str) -> Undecodable {
        let plain = |c: char| if c.is_control() { '·' } else { c };
        Undecodable(reason.chars().take(MAX_REASON_CHARS).map(plain).collect())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message<'a> {
    boot: u64,
    seq: u64,
    #[serde(borrow)]
    now: Cow<'a, str>,
    #[serde(borrow)]
    clock: Cow<'a, str>,
    #[serde(default)]
    lost: Vec<Loss>,
    #[serde(borrow)]
    reads: Vec<SentRead<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentRead<'a> {
    #[serde(borrow)]
    meter: Cow<'a, str>,
    #[serde(borrow)]
    register: Cow<'a, str>,
    #[serde(borrow)]
    t: Cow<'a, str>,
    wh: u64,
    #[serde(default, deserialize_with = "present")]
    w: Option<i64>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(from).map(Some)
}

fn general<'a>(
    payload: &'a [u8],
    reads: &mut Vec<OwnRead<'a>>,
    lost: &mut Vec<Loss>,
) -> Result<Head, Undecodable> {
    let message: Message<'a> =
        serde_json::from_slice(payload).map_err(|e| Undecodable::because(&e.to_string()))?;
    let head = Head {
        boot: bounded("boot", message.boot)?,
        seq: bounded("seq", message.seq)?,
        now: instant("now", &message.now)?,
        clock: match message.clock.as_bytes() {
            [letter] => Clock::from_letter(*letter),
            _ => None,
        }
        .ok_or_else(|| {
            Undecodable::because(&format!(
                "`clock` is `{}`; expected `U`, `I`, `S` or `R`",
                message.clock
            ))
        })?,
    };
    if message.reads.len() > MAX_READS {
        return Err(Undecodable::because(&format!(
            "`reads` holds {} reads; the limit is {MAX_READS}",
            message.reads.len()
        )));
    }
    if message.lost.len() > MAX_LOSSES {
        return Err(Undecodable::because(&format!(
            "`lost` holds {} losses; the limit is {MAX_LOSSES}",
            message.lost.len()
        )));
    }
    for loss in message.lost {
        if loss.first == 0 || loss.first > loss.last {
            return Err(Undecodable::because(&format!(
                "`lost` goes from {} to {}; expected numbers that rise from 1",
                loss.first, loss.last
            )));
        }
        for (field, value) in [
            ("boot", loss.boot),
            ("last", loss.last),
            ("reads", loss.reads),
        ] {
            bounded(field, value)?;
        }
        lost.push(loss);
    }
    for sent in message.reads {
        if !is_meter(sent.meter.as_bytes()) {
            return Err(Undecodable::because(&format!(
                "`meter` is `{}`; expected 1 to {MAX_METER_BYTES} bytes without control characters",
                sent.meter
            )));
        }
        reads.push(OwnRead {
            register: obis(sent.register.as_bytes()).ok_or_else(|| {
                Undecodable::because(&format!(
                    "`register` is `{}`; expected a code like `2.8.0`",
                    sent.register
                ))
            })?,
            at: instant("t", &sent.t)?,
            wh: WattHours(bounded("wh", sent.wh)?.cast_signed()),
            w: match sent.w {
                Some(w) if w.unsigned_abs() > MAX_WATTS.unsigned_abs() => {
                    return Err(Undecodable::because(&format!(
                        "`w` is {w} W; the limit is {MAX_WATTS}"
                    )));
                }
                w => w.map(Watts),
            },
            meter: sent.meter,
        });
    }
    Ok(head)
}

fn bounded(field: &str, value: u64) -> Result<u64, Undecodable> {
    if value > MAX_INTEGER {
        return Err(Undecodable::because(&format!(
            "`{field}` is {value}; the limit is {MAX_INTEGER}"
        )));
    }
    Ok(value)
}

fn instant(field: &str, text: &str) -> Result<Instant, Undecodable> {
    parse_utc(text.as_bytes()).ok_or_else(|| {
        Undecodable::because(&format!(
            "`{field}` is `{text}`; expected a time like `2026-06-21T12:00:00Z`"
        ))
    })
}

fn is_meter(text: &[u8]) -> bool {
    (1..=MAX_METER_BYTES).contains(&text.len()) && text.iter().all(|&b| b >= 0x20 && b != 0x7f)
}

fn obis(text: &[u8]) -> Option<Obis> {
    let (c, rest) = obis_part(text)?;
    let (d, rest) = obis_part(rest.strip_prefix(b".")?)?;
    let (e, rest) = obis_part(rest.strip_prefix(b".")?)?;
    rest.is_empty().then_some(Obis(c, d, e))
}

fn obis_part(text: &[u8]) -> Option<(u8, &[u8])> {
    let (value, rest) = canonical::digits(text)?;
    Some((u8::try_from(value).ok()?, rest))
}

/// Parses `YYYY-MM-DDTHH:MM:SS[.f…]Z` into milliseconds UTC, the fraction (at most nine digits) cut.
#[must_use]
pub fn parse_utc(text: &[u8]) -> Option<Instant> {
    let (date, time) = text.split_first_chunk::<10>()?;
    Some(Instant(
        parse_date(date)? * 86_400_000 + millis_of_day(time)?,
    ))
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
fn parse_date(date: &[u8; 10]) -> Option<i64> {
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let year = two(date[0], date[1])? * 100 + two(date[2], date[3])?;
    let (month, day) = (two(date[5], date[6])?, two(date[8], date[9])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last_day = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    ((1..=last_day).contains(&day)).then(|| days_since_1970(year, month, day))
}

/// Milliseconds since midnight of `THH:MM:SS[.f…]Z`.
fn millis_of_day(time: &[u8]) -> Option<i64> {
    let (head, rest) = time.split_first_chunk::<9>()?;
    if head[0] != b'T' || head[3] != b':' || head[6] != b':' {
        return None;
    }
    let hour = two(head[1], head[2])?;
    let (minute, second) = (two(head[4], head[5])?, two(head[7], head[8])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let millis = match rest {
        b"Z" => 0,
        [b'.', digits @ .., b'Z'] if (1..=9).contains(&digits.len()) => {
            if !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let place = |at: usize| digits.get(at).map_or(0, |d| i64::from(d - b'0'));
            place(0) * 100 + place(1) * 10 + place(2)
        }
        _ => return None,
    };
    Some((hour * 60 + minute) * 60_000 + second * 1_000 + millis)
}

fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| i64::from(tens) * 10 + i64::from(ones))
}

// Howard Hinnant, "chrono-compatible low-level date algorithms", days_from_civil: the year is
// counted from March, so that the leap day is the last of it.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

mod canonical;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"{"boot":7,"seq":42,"now":"2026-06-21T12:00:10Z","clock":"S","reads":[{"meter":"2000012345","register":"2.8.0","t":"2026-06-21T12:00:00Z","wh":1548,"w":2410}]}"#;

    fn both(text: &str) -> Result<OwnMessage<'_>, Undecodable> {
        let (mut reads, mut lost) = (Vec::new(), Vec::new());
        let slow = general(text.as_bytes(), &mut reads, &mut lost).map(|head| OwnMessage {
            head,
            lost,
            reads,
        });
        assert_eq!(decode(text.as_bytes()), slow, "{text}");
        slow
    }

    fn reason(text: &str) -> String {
        both(text).expect_err(text).to_string()
    }

    #[test]
    fn canonical_message_takes_the_short_way() {
        let mut reads = Vec::new();
        assert!(canonical::decode(ONE.as_bytes(), &mut reads).is_some());
        let message = both(ONE).unwrap();
        assert_eq!((message.head.boot, message.head.seq), (7, 42));
        assert_eq!(message.head.clock, Clock::Synchronised);
        assert_eq!(message.reads[0].w, Some(Watts(2_410)));
    }

    #[test]
    fn other_order_spaces_and_escapes_mean_the_same() {
        let same = r#" {"reads":[{"wh":1548,"t":"2026-06-21T12:00:00.000Z","w":2410,"register":"2.8.0","meter":"\u0032000012345"}],
            "clock":"S","now":"2026-06-21T12:00:10Z","seq":42,"boot":7} "#;
        assert_eq!(both(same), both(ONE));
    }

    #[test]
    fn a_loss_is_told_before_the_reads() {
        let text = ONE.replace(
            r#""reads":["#,
            r#""lost":[{"boot":7,"first":2,"last":41,"reads":290}],"reads":["#,
        );
        let message = both(&text).unwrap();
        let loss = Loss {
            boot: 7,
            first: 2,
            last: 41,
            reads: 290,
        };
        assert_eq!((message.lost, message.reads.len()), (vec![loss], 1));
        for (from, to) in [
            ("\"first\":2", "\"first\":0"),
            ("\"first\":2", "\"first\":42"),
        ] {
            assert!(reason(&text.replace(from, to)).contains("`lost` goes"));
        }
        assert!(reason(&text.replace("290}", "290,\"more\":1}")).contains("unknown field"));
    }

    #[test]
    fn every_departure_is_refused_and_named() {
        let cases = [
            ("\"boot\":7", "\"boots\":7", "unknown field `boots`"),
            ("\"boot\":7,", "", "missing field `boot`"),
            ("\"boot\":7", "\"boot\":7,\"boot\":7", "duplicate field"),
            ("\"wh\":1548", "\"wh\":1548.0", "floating point"),
            ("\"wh\":1548", "\"wh\":-1", "invalid value"),
            ("\"wh\":1548", "\"wh\":01548", "invalid number"),
            ("\"wh\":1548", "\"wh\":\"1548\"", "invalid type"),
            ("\"wh\":1548", "\"wh\":9007199254740992", "`wh` is"),
            ("\"w\":2410", "\"w\":null", "null"),
            ("\"w\":2410", "\"w\":2147483648", "`w` is"),
            ("\"w\":2410", "\"w\":2410,\"unit\":\"kWh\"", "field `unit`"),
            ("\"S\"", "\"X\"", "`clock` is `X`"),
            ("2.8.0", "+2.8.0", "`register` is"),
            ("2.8.0", "2.8", "`register` is"),
            ("2.8.0", "2.8.256", "`register` is"),
            ("12:00:00Z", "12:00:60Z", "`t` is"),
            ("12:00:00Z", "12:00:00+00:00", "`t` is"),
            ("2026-06-21T12:00:10Z", "2026-02-29T12:00:10Z", "`now` is"),
            ("2000012345", "", "`meter` is"),
            ("}]}", "}]}x", "trailing"),
            ("}]}", "}]", "EOF"),
        ];
        for (from, to, says) in cases {
            let text = ONE.replacen(from, to, 1);
            let why = reason(&text);
            assert!(why.contains(says), "{text}\n{why}\nexpected {says}");
        }
    }

    #[test]
    fn a_reason_is_short_and_plain() {
        let text = ONE.replacen("boot", &format!("b{}\\n", "x".repeat(5_000)), 1);
        let why = reason(&text);
        assert!(why.chars().count() <= MAX_REASON_CHARS && !why.contains('\n'));
    }

    #[test]
    fn more_reads_than_the_limit_are_refused() {
        let read = &ONE[ONE.find("{\"meter").unwrap()..ONE.len() - 2];
        let many = |n: usize| ONE.replacen(read, &vec![read; n].join(","), 1);
        assert_eq!(both(&many(MAX_READS)).unwrap().reads.len(), MAX_READS);
        assert!(reason(&many(MAX_READS + 1)).contains("1001 reads"));
        assert!(both(&many(0)).unwrap().reads.is_empty());
    }

    #[test]
    fn times_agree_with_jiff_over_a_century_and_a_half() {
        let start: jiff::Timestamp = "1969-12-25T23:59:59.999Z".parse().unwrap();
        for step in 0..60_000_i64 {
            let at = start
                .checked_add(jiff::SignedDuration::from_secs(step * 86_400 + step * 7))
                .unwrap();
            let text = at.to_string();
            assert_eq!(
                parse_utc(text.as_bytes()).map(|i| i.0),
                Some(at.as_millisecond()),
                "{text}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn both_ways_agree_on_messages_and_on_mutations(
            boot in 0..MAX_INTEGER + 2, wh in proptest::prelude::any::<u64>(), w in proptest::prelude::any::<i64>(),
            meter in ".{0,20}", at in 0_usize..400, byte in proptest::prelude::any::<u8>(), cut in proptest::prelude::any::<bool>(),
        ) {
            let meter = serde_json::to_string(&meter).unwrap();
            let text = format!(r#"{{"boot":{boot},"seq":1,"now":"2026-06-21T12:00:10Z","clock":"U","reads":[{{"meter":{meter},"register":"2.8.0","t":"2026-06-21T12:00:00.25Z","wh":{wh},"w":{w}}},{{"meter":"a","register":"1.8.0","t":"1970-01-01T00:00:00Z","wh":0}}]}}"#);
            let mut bytes = text.into_bytes();
            if let Some(place) = bytes.get_mut(at) { *place = byte; }
            if cut { bytes.truncate(at); }
            let mut reads = Vec::new();
            let mut lost = Vec::new();
            let slow = general(&bytes, &mut reads, &mut lost)
                .map(|head| OwnMessage { head, lost, reads });
            proptest::prop_assert_eq!(decode(&bytes), slow);
        }
    }
}
