//! The modulus check of British sort codes and account numbers, by the rules of Pay.UK ("Validating
//! account numbers"), with a table that the user supplies.
//!
//! The table is Pay.UK's own and changes several times a year, so none is shipped. The check finds
//! slips of the pen; it does not say that an account exists, and its word is a warning.

use std::collections::BTreeMap;

/// What the check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The digits belong together.
    Right,
    /// They do not.
    Wrong,
    /// The table has no rule for the sort code.
    Unknown,
}

/// The text is no modulus table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line `{line}` of the modulus table is not one; expected first and last sort code, `MOD10`, `MOD11` or `DBLAL`, 14 weights, and an exception or nothing"
)]
pub struct NotATable {
    /// The line, from 1.
    pub line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Mod10,
    Mod11,
    Double,
}

#[derive(Clone, Debug)]
struct Rule {
    first: u32,
    last: u32,
    method: Method,
    weights: [i64; 14],
    exception: u8,
}

/// The weights, and the sort codes that stand for others.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rules: Vec<Rule>,
    substitutes: BTreeMap<u32, u32>,
}

/// Sort code and account number: `u v w x y z a b c d e f g h`.
type Digits = [i64; 14];

const A: usize = 6;
const B: usize = 7;
const C: usize = 8;
const G: usize = 12;
const H: usize = 13;

impl Table {
    /// Reads the two files of Pay.UK: weights, and substitutions (which may be empty).
    ///
    /// # Errors
    /// With the line that is none.
    pub fn read(weights: &str, substitutions: &str) -> Result<Table, NotATable> {
        let mut table = Table::default();
        for (line, text) in (1_usize..).zip(weights.lines()) {
            if !text.trim().is_empty() {
                table.rules.push(rule(text).ok_or(NotATable { line })?);
            }
        }
        for (line, text) in (1_usize..).zip(substitutions.lines()) {
            let words: Vec<&str> = text.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                [from, to] => {
                    let pair = (from.parse().ok(), to.parse().ok());
                    let (Some(from), Some(to)) = pair else {
                        return Err(NotATable { line });
                    };
                    table.substitutes.insert(from, to);
                }
                _ => return Err(NotATable { line }),
            }
        }
        Ok(table)
    }

    /// How many rules it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// True when it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Checks six digits of a sort code and eight of an account number.
    #[must_use]
    pub fn check(&self, sort_code: &str, account: &str) -> Checked {
        let Ok(code) = sort_code.parse::<u32>() else {
            return Checked::Unknown;
        };
        let Some(digits) = digits(sort_code, account) else {
            return Checked::Unknown;
        };
        let rules: Vec<&Rule> = self
            .rules
            .iter()
            .filter(|rule| (rule.first..=rule.last).contains(&code))
            .take(2)
            .collect();
        let right = match rules.as_slice() {
            [] => return Checked::Unknown,
            [only] => self.passes(only, &digits, code),
            [first, second, ..] => {
                let either = matches!(
                    (first.exception, second.exception),
                    (2, 9) | (10, 11) | (12, 13)
                );
                let passed = self.passes(first, &digits, code);
                match (passed, either) {
                    (true, true) => true,
                    (false, false) => false,
                    _ => self.passes(second, &digits, code),
                }
            }
        };
        if right {
            Checked::Right
        } else {
            Checked::Wrong
        }
    }

    /// One check, with what its exception changes.
    fn passes(&self, rule: &Rule, given: &Digits, code: u32) -> bool {
        let mut digits = *given;
        let mut weights = rule.weights;
        let at = |place: usize| given.get(place).copied().unwrap_or(0);
        match rule.exception {
            // Accounts in foreign money cannot be checked.
            6 if (4..=8).contains(&at(A)) && at(G) == at(H) => return true,
            3 if matches!(at(C), 6 | 9) => return true,
            7 if at(G) == 9 => forget_front(&mut weights),
            10 if at(G) == 9 && at(B) == 9 && matches!(at(A), 0 | 9) => forget_front(&mut weights),
            2 if at(A) != 0 && at(G) == 9 => weights = [0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1],
            2 if at(A) != 0 => weights = [0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1],
            5 => {
                if let Some(other) = self.substitutes.get(&code) {
                    set_sort_code(&mut digits, *other);
                }
            }
            8 => set_sort_code(&mut digits, 90_126),
            9 => set_sort_code(&mut digits, 309_634),
            _ => {}
        }
        let (total, modulus) = match rule.method {
            Method::Mod10 => (sum(&digits, &weights), 10),
            Method::Mod11 => (sum(&digits, &weights), 11),
            Method::Double => (double(&digits, &weights), 10),
        };
        let total = if rule.exception == 1 {
            total.saturating_add(27)
        } else {
            total
        };
        let rest = total.checked_rem_euclid(modulus).unwrap_or(0);
        match (rule.exception, rule.method) {
            (4, _) => rest == at(G).saturating_mul(10).saturating_add(at(H)),
            (5, Method::Mod11) => match rest {
                0 => at(G) == 0,
                1 => false,
                rest => 11_i64.saturating_sub(rest) == at(G),
            },
            (5, _) => match rest {
                0 => at(H) == 0,
                rest => 10_i64.saturating_sub(rest) == at(H),
            },
            (14, _) if rest != 0 => {
                if !matches!(at(H), 0 | 1 | 9) {
                    return false;
                }
                // The last digit goes, the others move one place to the right.
                let mut shifted = digits;
                shifted.copy_within(A..H, B);
                if let Some(first) = shifted.get_mut(A) {
                    *first = 0;
                }
                sum(&shifted, &weights).checked_rem_euclid(modulus) == Some(0)
            }
            _ => rest == 0,
        }
    }
}

fn rule(text: &str) -> Option<Rule> {
    let mut words = text.split_whitespace();
    let first = words.next()?.parse().ok()?;
    let last = words.next()?.parse().ok()?;
    let method = match words.next()? {
        "MOD10" => Method::Mod10,
        "MOD11" => Method::Mod11,
        "DBLAL" => Method::Double,
        _ => return None,
    };
    let mut weights = [0; 14];
    for weight in &mut weights {
        *weight = words.next()?.parse().ok()?;
    }
    let exception = match words.next() {
        Some(word) => word.parse().ok()?,
        None => 0,
    };
    words.next().is_none().then_some(Rule {
        first,
        last,
        method,
        weights,
        exception,
    })
}

fn digits(sort_code: &str, account: &str) -> Option<Digits> {
    let mut digits = [0; 14];
    let given = sort_code.chars().chain(account.chars());
    if sort_code.len() != 6 || account.len() != 8 {
        return None;
    }
    for (place, digit) in digits.iter_mut().zip(given) {
        *place = i64::from(digit.to_digit(10)?);
    }
    Some(digits)
}

fn set_sort_code(digits: &mut Digits, code: u32) {
    let mut rest = code;
    for digit in digits.iter_mut().take(6).rev() {
        *digit = i64::from(rest.checked_rem(10).unwrap_or(0));
        rest = rest.checked_div(10).unwrap_or(0);
    }
}

/// The weights of the sort code and the first two digits of the account become nothing.
fn forget_front(weights: &mut Digits) {
    for weight in weights.iter_mut().take(8) {
        *weight = 0;
    }
}

fn products<'a>(digits: &'a Digits, weights: &'a Digits) -> impl Iterator<Item = i64> + 'a {
    digits
        .iter()
        .zip(weights)
        .map(|(digit, weight)| digit.saturating_mul(*weight))
}

fn sum(digits: &Digits, weights: &Digits) -> i64 {
    products(digits, weights).fold(0, i64::saturating_add)
}

/// The digits of the products are added, not the products.
fn double(digits: &Digits, weights: &Digits) -> i64 {
    products(digits, weights).fold(0_i64, |total, product| {
        let tens = product.checked_div(10).unwrap_or(0);
        let ones = product.checked_rem(10).unwrap_or(0);
        total.saturating_add(tens).saturating_add(ones)
    })
}
