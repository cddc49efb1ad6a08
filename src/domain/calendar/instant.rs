//! Instants in milliseconds UTC, spans of them, and their RFC 3339 text.

use core::{fmt, str::FromStr};

use jiff::{Timestamp, civil::DateTime, tz::Offset};

use super::{CalendarError, error::shown};

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
///
/// ```
/// use commonwatt_domain::calendar::Instant;
/// let at: Instant = "2013-06-01T13:00:00+01:00".parse()?;
/// assert_eq!(at, Instant(1_370_088_000_000));
/// assert_eq!(at.to_string(), "2013-06-01T12:00:00Z");
/// # Ok::<(), commonwatt_domain::calendar::CalendarError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// A half-open span of time, `start <= t < end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First instant inside.
    pub start: Instant,
    /// First instant after.
    pub end: Instant,
}

impl Instant {
    /// This instant moved by `ms`; stops at the ends of 64 bits, which no calendar reaches.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Instant {
        Instant(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to here, negative when it is later; stops at the ends of 64
    /// bits.
    #[must_use]
    pub fn ms_since(self, earlier: Instant) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Span {
    /// The span from `start` up to but without `end`.
    #[must_use]
    pub fn new(start: Instant, end: Instant) -> Span {
        Span { start, end }
    }

    /// Its length in milliseconds; zero when it ends before it starts.
    #[must_use]
    pub fn ms(self) -> i64 {
        self.end.ms_since(self.start).max(0)
    }

    /// Whether the instant lies inside.
    #[must_use]
    pub fn contains(self, at: Instant) -> bool {
        self.start <= at && at < self.end
    }

    /// What both spans cover; empty (of length 0) when they do not touch.
    #[must_use]
    pub fn overlap(self, other: Span) -> Span {
        let start = self.start.max(other.start);
        Span::new(start, self.end.min(other.end).max(start))
    }
}

impl FromStr for Instant {
    type Err = CalendarError;

    /// RFC 3339 with an offset, which knows the years 0 to 9999; a fraction finer than a millisecond
    /// is cut.
    fn from_str(text: &str) -> Result<Instant, CalendarError> {
        if let Some(instant) = plain(text.as_bytes()) {
            return Ok(instant);
        }
        let stamp: Timestamp = text
            .parse()
            .map_err(|_| CalendarError::Instant(shown(text)))?;
        if Offset::UTC.to_datetime(stamp).year() < 0 {
            return Err(CalendarError::Instant(shown(text)));
        }
        Ok(Instant(
            stamp
                .as_nanosecond()
                .div_euclid(1_000_000)
                .try_into()
                .map_err(|_| CalendarError::Instant(shown(text)))?,
        ))
    }
}

/// The form that gateways send, `2013-06-01T12:00:00Z` or with three decimals, without the cost of
/// the general parser.
fn plain(text: &[u8]) -> Option<Instant> {
    let (stamp, ms) = match text {
        [stamp @ .., b'Z'] if stamp.len() == 19 => (stamp, 0),
        [stamp @ .., b'.', a, b, c, b'Z'] if stamp.len() == 19 => (stamp, number(&[*a, *b, *c])?),
        _ => return None,
    };
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
    ] = stamp
    else {
        return None;
    };
    let two = |a: &u8, b: &u8| i8::try_from(number(&[*a, *b])?).ok();
    let moment = DateTime::new(
        i16::try_from(number(&[*y1, *y2, *y3, *y4])?).ok()?,
        two(m1, m2)?,
        two(d1, d2)?,
        two(h1, h2)?,
        two(i1, i2)?,
        two(s1, s2)?,
        0,
    )
    .ok()?;
    let second = Offset::UTC.to_timestamp(moment).ok()?.as_second();
    Some(Instant(second.checked_mul(1000)?.checked_add(ms)?))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0_i64, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(i64::from(digit))
    })
}

impl fmt::Display for Instant {
    /// RFC 3339 in UTC, with milliseconds only where there are some. An instant outside the years
    /// 0 to 9999 shows its milliseconds as a number with `ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stamp = Timestamp::from_millisecond(self.0);
        let moment = stamp.map(|stamp| Offset::UTC.to_datetime(stamp));
        let Some(moment) = moment.ok().filter(|moment| moment.year() >= 0) else {
            return write!(f, "{} ms", self.0);
        };
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            moment.year(),
            moment.month(),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second()
        )?;
        if moment.millisecond() != 0 {
            write!(f, ".{:03}", moment.millisecond())?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_and_printed_in_rfc_3339() {
        for (text, ms, printed) in [
            ("1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"),
            (
                "2013-06-01T12:00:00.250Z",
                1_370_088_000_250,
                "2013-06-01T12:00:00.250Z",
            ),
            (
                "2013-06-01T13:00:00+01:00",
                1_370_088_000_000,
                "2013-06-01T12:00:00Z",
            ),
            (
                "2013-06-01T12:00:00.0009999Z",
                1_370_088_000_000,
                "2013-06-01T12:00:00Z",
            ),
            ("1969-12-31T23:59:59.999Z", -1, "1969-12-31T23:59:59.999Z"),
            (
                "2016-02-29T00:00:00Z",
                1_456_704_000_000,
                "2016-02-29T00:00:00Z",
            ),
        ] {
            assert_eq!(text.parse(), Ok(Instant(ms)), "{text}");
            assert_eq!(Instant(ms).to_string(), printed);
        }
    }

    #[test]
    fn a_time_without_an_offset_is_no_instant() {
        for text in [
            "2013-06-01T12:00:00",
            "2013-06-01",
            "2013-02-29T12:00:00Z",
            "2013-06-01T24:00:00Z",
            "2013-13-01T12:00:00Z",
            "-007479-08-29T22:21:47.0000-00",
            "",
            "yesterday",
        ] {
            let error = text.parse::<Instant>().unwrap_err();
            assert_eq!(error, CalendarError::Instant(text.to_owned()), "{text}");
        }
        assert_eq!(
            Instant(-298_160_789_893_000).to_string(),
            "-298160789893000 ms"
        );
    }
}
