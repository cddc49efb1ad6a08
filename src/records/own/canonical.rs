//! The canonical spelling, read eight bytes at a time. It never reports: `None` means "not for me".

use std::borrow::Cow;

use domain::{
    calendar::Instant,
    quantity::{WattHours, Watts},
};

use super::{
    Clock, Head, MAX_INTEGER, MAX_METER_BYTES, MAX_READS, MAX_WATTS, OwnRead, millis_of_day, obis,
    parse_date,
};

/// Longest register code, `255.255.255`.
const MAX_REGISTER_BYTES: usize = 11;
/// Longest time, with nine digits after the second.
const MAX_TIME_BYTES: usize = 30;

/// Reads a whole message, or nothing of it that counts.
pub(super) fn decode<'a>(text: &'a [u8], reads: &mut Vec<OwnRead<'a>>) -> Option<Head> {
    let mut dates = Dates::default();
    let rest = text.strip_prefix(b"{\"boot\":")?;
    let (boot, rest) = digits(rest)?;
    let rest = rest.strip_prefix(b",\"seq\":")?;
    let (seq, rest) = digits(rest).filter(|(seq, _)| *seq > 0)?;
    let rest = rest.strip_prefix(b",\"now\":\"")?;
    let (now, rest) = until_quote(rest, MAX_TIME_BYTES)?;
    let rest = rest.strip_prefix(b",\"clock\":\"")?;
    let (letter, rest) = rest.split_first()?;
    let head = Head {
        boot,
        seq,
        now: dates.instant(now)?,
        clock: Clock::from_letter(*letter)?,
    };
    let mut rest = rest.strip_prefix(b"\",\"reads\":[")?;
    if rest == b"]}" {
        return Some(head);
    }
    loop {
        if reads.len() == MAX_READS {
            return None;
        }
        match one_read(rest, &mut dates, reads)? {
            [b',', next @ ..] => rest = next,
            b"]}" => return Some(head),
            _ => return None,
        }
    }
}

fn one_read<'a>(
    text: &'a [u8],
    dates: &mut Dates,
    reads: &mut Vec<OwnRead<'a>>,
) -> Option<&'a [u8]> {
    let rest = text.strip_prefix(b"{\"meter\":\"")?;
    let (meter, rest) = until_quote(rest, MAX_METER_BYTES)?;
    let rest = rest.strip_prefix(b",\"register\":\"")?;
    let (register, rest) = until_quote(rest, MAX_REGISTER_BYTES)?;
    let rest = rest.strip_prefix(b",\"t\":\"")?;
    let (at, rest) = until_quote(rest, MAX_TIME_BYTES)?;
    let rest = rest.strip_prefix(b",\"wh\":")?;
    let (wh, mut rest) = digits(rest)?;
    let mut w = None;
    if let Some(power) = rest.strip_prefix(b",\"w\":") {
        let (negative, power) = match power {
            [b'-', digits @ ..] => (true, digits),
            _ => (false, power),
        };
        let (value, after) = digits(power)?;
        let value = value.cast_signed();
        if value > MAX_WATTS || (negative && value == 0) {
            return None;
        }
        w = Some(Watts(if negative { -value } else { value }));
        rest = after;
    }
    let rest = rest.strip_prefix(b"}")?;
    reads.push(OwnRead {
        meter: Cow::Borrowed(std::str::from_utf8(meter).ok()?),
        register: obis(register)?,
        at: dates.instant(at)?,
        wh: WattHours(wh.cast_signed()),
        w,
    });
    Some(rest)
}

/// The last date read: in a message nearly every time is of one day.
#[derive(Default)]
struct Dates {
    text: [u8; 10],
    days: i64,
}

impl Dates {
    fn instant(&mut self, text: &[u8]) -> Option<Instant> {
        let (date, time) = text.split_first_chunk::<10>()?;
        if *date != self.text {
            self.days = parse_date(date)?;
            self.text = *date;
        }
        Some(Instant(self.days * 86_400_000 + millis_of_day(time)?))
    }
}

/// A JSON integer without sign, at most [`MAX_INTEGER`], and what follows it.
pub(super) fn digits(text: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    let mut length = 0;
    while let Some(chunk) = text.get(length..).and_then(|t| t.first_chunk::<8>()) {
        let (run, part) = leading_digits(u64::from_le_bytes(*chunk));
        // Sixteen digits are the most that fit; a seventeenth is not for here.
        if length + run > 16 {
            return None;
        }
        value = value * POWERS[run] + part;
        length += run;
        if run < 8 {
            return finish(text, value, length);
        }
    }
    while let Some(digit) = text
        .get(length)
        .map(|b| b.wrapping_sub(b'0'))
        .filter(|d| *d <= 9)
    {
        if length == 16 {
            return None;
        }
        value = value * 10 + u64::from(digit);
        length += 1;
    }
    finish(text, value, length)
}

fn finish(text: &[u8], value: u64, length: usize) -> Option<(u64, &[u8])> {
    let leading_zero = length > 1 && text.first() == Some(&b'0');
    if length == 0 || leading_zero || value > MAX_INTEGER {
        return None;
    }
    Some((value, text.get(length..)?))
}

const POWERS: [u64; 9] = [
    1,
    10,
    100,
    1_000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    100_000_000,
];

/// How many of eight bytes, from the first (lowest) on, are digits, and the number they make.
fn leading_digits(eight: u64) -> (usize, u64) {
    let digits = eight ^ each(b'0');
    // The high bit of the first byte above 9 is set; what lies beyond it does not matter.
    let beyond = (digits.wrapping_add(each(0x76)) | digits) & each(0x80);
    let run = beyond.trailing_zeros() as usize / 8;
    if run == 0 {
        return (0, 0);
    }
    // Shifted up, the digits stand behind zeros; then pairs, fours and eights are joined.
    let n = digits << (8 * (8 - run));
    let n = (n & each(0x0f)).wrapping_mul(2_561) >> 8;
    let n = (n & 0x00ff_00ff_00ff_00ff).wrapping_mul(6_553_601) >> 16;
    let n = (n & 0x0000_ffff_0000_ffff).wrapping_mul(42_949_672_960_001) >> 32;
    (run, n)
}

/// Plain printable ASCII up to a quote, at least one and at most `limit` bytes, and what follows.
fn until_quote(text: &[u8], limit: usize) -> Option<(&[u8], &[u8])> {
    let mut length = 0;
    loop {
        if length > limit {
            return None;
        }
        let rest = text.get(length..)?;
        let Some(chunk) = rest.first_chunk::<8>() else {
            length += rest.iter().position(|b| is_special(*b))?;
            break;
        };
        let special = specials(u64::from_le_bytes(*chunk));
        if special != 0 {
            length += special.trailing_zeros() as usize / 8;
            break;
        }
        length += 8;
    }
    let ends = text.get(length) == Some(&b'"') && (1..=limit).contains(&length);
    ends.then(|| text.split_at(length))
        .and_then(|(head, rest)| Some((head, rest.get(1..)?)))
}

/// Whether a byte ends plain text: a quote, a backslash, a control character, or beyond ASCII.
fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20 | 0x7f..)
}

/// Sets the high bit of the first (lowest) special byte; bits beyond it mean nothing.
fn specials(eight: u64) -> u64 {
    let zero = |x: u64| x.wrapping_sub(each(1)) & !x;
    let quote = zero(eight ^ each(b'"'));
    let backslash = zero(eight ^ each(b'\\'));
    let control = eight.wrapping_sub(each(0x20)) & !eight;
    let beyond = eight.wrapping_add(each(1)) | eight;
    (quote | backslash | control | beyond) & each(0x80)
}

/// The same byte eight times.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_bytes_at_a_time_agree_with_one() {
        let mut state = 0x5eed_u64;
        for round in 0..200_000_u64 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(round);
            let mut bytes = state.to_le_bytes();
            if round % 2 == 0 {
                let plain = if round % 4 == 0 { b'0' } else { b'a' };
                bytes = bytes.map(|b| if b < 200 { plain + b % 10 } else { b });
            }
            let eight = u64::from_le_bytes(bytes);
            let special = bytes.iter().position(|b| is_special(*b)).unwrap_or(8);
            assert_eq!(
                specials(eight).trailing_zeros() as usize / 8,
                special,
                "{bytes:?}"
            );
            let run = bytes.iter().position(|b| !b.is_ascii_digit()).unwrap_or(8);
            let value = bytes[..run]
                .iter()
                .fold(0, |n, b| n * 10 + u64::from(b - b'0'));
            assert_eq!(leading_digits(eight), (run, value), "{bytes:?}");
        }
    }
}
