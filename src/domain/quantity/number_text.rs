//! Decimal text to a scaled integer, digit by digit.
//!
//! Takes what meters, inverters and spreadsheets write: an optional sign, digits, one point, an
//! optional exponent. It never takes `NaN`, `inf`, thousands separators or a decimal comma, and it
//! never goes through a binary float.

/// The longest number text that is read, in bytes; longer text is refused before it is looked at.
/// Meters write up to 12 digits, the longest decimals seen in measured files have 24 characters.
pub const MAX_NUMBER_TEXT: usize = 40;

/// The text cannot be taken as a number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotANumber {
    /// Some character does not belong into a decimal number.
    #[error(
        "`{0}` is not a number; expected a decimal number such as `15475.04`\nhint: write digits with at most one point"
    )]
    Malformed(String),
    /// A comma was found.
    #[error(
        "`{0}` has a comma; expected a decimal number such as `15475.04`\nhint: write the decimals with a point and without thousands separators"
    )]
    Comma(String),
    /// Longer than [`MAX_NUMBER_TEXT`].
    #[error(
        "number text of {0} bytes; expected at most {MAX_NUMBER_TEXT} bytes\nhint: leave out digits beyond a thousandth of the unit"
    )]
    TooLong(usize),
    /// Larger than the unit's limit.
    #[error(
        "`{text}` is too large; expected at most `{limit}` in the base unit (Wh or W)\nhint: check the unit and the decimal point"
    )]
    TooLarge {
        /// What was read.
        text: String,
        /// The limit in the base unit.
        limit: i64,
    },
}

/// `text` × 10^`scale`, cut toward zero, when its size is at most `limit`.
pub(super) fn scaled(text: &str, scale: i32, limit: i64) -> Result<i64, NotANumber> {
    let text = text.trim_ascii();
    if text.len() > MAX_NUMBER_TEXT {
        return Err(NotANumber::TooLong(text.len()));
    }
    let Some(number) = read(text.as_bytes()) else {
        return Err(if text.contains(',') {
            NotANumber::Comma(text.to_owned())
        } else {
            NotANumber::Malformed(text.to_owned())
        });
    };
    let too_large = || NotANumber::TooLarge {
        text: text.to_owned(),
        limit,
    };
    let exponent = number.exponent.saturating_add(scale);
    let size = if number.digits == 0 {
        0
    } else if exponent >= 0 {
        10_u128
            .checked_pow(exponent.unsigned_abs())
            .and_then(|power| number.digits.checked_mul(power))
            .ok_or_else(too_large)?
    } else {
        // A power too large for 128 bits is above every number of 38 digits: nothing is left.
        10_u128
            .checked_pow(exponent.unsigned_abs())
            .and_then(|power| number.digits.checked_div(power))
            .unwrap_or(0)
    };
    let size = i64::try_from(size).ok().filter(|size| *size <= limit);
    let size = size.ok_or_else(too_large)?;
    Ok(if number.negative {
        size.saturating_neg()
    } else {
        size
    })
}

struct Number {
    negative: bool,
    digits: u128,
    exponent: i32,
}

fn read(text: &[u8]) -> Option<Number> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let e = text.iter().position(|b| matches!(b, b'e' | b'E'));
    let (mantissa, exponent) = match e {
        Some(at) => (
            text.get(..at)?,
            read_exponent(text.get(at.checked_add(1)?..)?)?,
        ),
        None => (text, 0),
    };
    let mut digits = 0_u128;
    let (mut seen, mut decimals, mut after_point) = (false, 0_i32, false);
    for byte in mantissa {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                // 40 bytes hold at most 40 digits; leading zeros aside, 38 fit into 128 bits.
                let digit = u128::from(byte.wrapping_sub(b'0'));
                digits = digits.checked_mul(10)?.checked_add(digit)?;
                decimals = decimals.saturating_add(i32::from(after_point));
            }
            b'.' if !after_point => after_point = true,
            _ => return None,
        }
    }
    seen.then_some(Number {
        negative,
        digits,
        exponent: exponent.saturating_sub(decimals),
    })
}

fn read_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i32, |size, byte| {
        size.saturating_mul(10)
            .saturating_add(i32::from(byte.wrapping_sub(b'0')))
    });
    Some(if negative {
        size.saturating_neg()
    } else {
        size
    })
}
