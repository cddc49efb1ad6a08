//! The receipt: what the daemon has on disk, so that a gateway may forget it.
//!
//! ```text
//! {"done":[{"boot":7,"upto":48213,"also":[[48220,48229],[48300,48300]]}],"head":"…"}
//! ```
//!
//! Every sequence of that boot up to and including `upto` is on disk or covered by a loss record;
//! `also` names ranges beyond it, both ends included. A boot's first sequence is 1, so `upto` 0
//! says that nothing is contiguous yet. `head` is the journal's [`Head`] as text, or
//! empty. Boots rise, ranges rise and leave at least one sequence between them.
//!
//! There is one way to write a receipt: keys in this order, no white space, no leading zeros. The
//! parser takes exactly those bytes and refuses everything else, in fixed memory. A daemon with
//! more to say than the limits allow names the lowest ranges first: a receipt that says less
//! costs a repetition, never a reading.

use crate::tree::Head;
use core::fmt;

/// Boots in one receipt.
pub const MAX_BOOTS: usize = 16;
/// `also` ranges in one receipt, all boots together.
pub const MAX_RANGES: usize = 64;
/// Bytes of a receipt; the largest that the limits above allow is smaller.
pub const MAX_RECEIPT_BYTES: usize = 4_096;

/// What is on disk of one boot of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done<'a> {
    /// The boot's number; it rises at each start of the gateway.
    pub boot: u64,
    /// Every sequence up to and including this one is on disk; 0 is none.
    pub upto: u64,
    /// Ranges beyond `upto` that are on disk too, both ends included, rising.
    pub also: &'a [(u64, u64)],
}

/// A receipt, in fixed memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    boots: [Boot; MAX_BOOTS],
    boot_count: usize,
    ranges: [(u64, u64); MAX_RANGES],
    range_count: usize,
    head: Option<Head>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Boot {
    boot: u64,
    upto: u64,
    /// Where this boot's ranges end in `ranges`; they begin where the previous boot's end.
    ranges_end: usize,
}

/// Why bytes are not a receipt, or a receipt cannot grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptError {
    /// More than [`MAX_RECEIPT_BYTES`].
    TooLong,
    /// More than [`MAX_BOOTS`].
    TooManyBoots,
    /// More than [`MAX_RANGES`].
    TooManyRanges,
    /// Boots or ranges that do not rise, overlap, or touch what is already named.
    Order,
    /// Other bytes than the one way to write it, at this offset.
    Syntax(usize),
}

impl fmt::Display for ReceiptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReceiptError::TooLong => write!(f, "receipt is longer than {MAX_RECEIPT_BYTES} bytes"),
            ReceiptError::TooManyBoots => write!(f, "receipt names more than {MAX_BOOTS} boots"),
            ReceiptError::TooManyRanges => write!(f, "receipt names more than {MAX_RANGES} ranges"),
            ReceiptError::Order => f.write_str("receipt's boots or ranges do not rise"),
            ReceiptError::Syntax(at) => write!(f, "receipt is not canonical at byte `{at}`"),
        }
    }
}

impl core::error::Error for ReceiptError {}

impl Receipt {
    /// A receipt that names nothing.
    pub const fn new(head: Option<Head>) -> Receipt {
        Receipt {
            boots: [Boot {
                boot: 0,
                upto: 0,
                ranges_end: 0,
            }; MAX_BOOTS],
            boot_count: 0,
            ranges: [(0, 0); MAX_RANGES],
            range_count: 0,
            head,
        }
    }

    /// The parser: exactly the bytes that [`Display`](fmt::Display) writes, or an error.
    pub fn parse(bytes: &[u8]) -> Result<Receipt, ReceiptError> {
        if bytes.len() > MAX_RECEIPT_BYTES {
            return Err(ReceiptError::TooLong);
        }
        let mut text = Cursor { bytes, at: 0 };
        let mut receipt = Receipt::new(None);
        text.expect(b"{\"done\":[")?;
        if !text.take(b"]") {
            loop {
                text.expect(b"{\"boot\":")?;
                let boot = text.number()?;
                text.expect(b",\"upto\":")?;
                receipt.push_boot(boot, text.number()?)?;
                text.expect(b",\"also\":[")?;
                if !text.take(b"]") {
                    loop {
                        text.expect(b"[")?;
                        let from = text.number()?;
                        text.expect(b",")?;
                        let to = text.number()?;
                        text.expect(b"]")?;
                        receipt.push_range(from, to)?;
                        if !text.take(b",") {
                            break;
                        }
                    }
                    text.expect(b"]")?;
                }
                text.expect(b"}")?;
                if !text.take(b",") {
                    break;
                }
            }
            text.expect(b"]")?;
        }
        text.expect(b",\"head\":\"")?;
        receipt.head = text.head()?;
        text.expect(b"\"}")?;
        if text.at == bytes.len() {
            Ok(receipt)
        } else {
            Err(ReceiptError::Syntax(text.at))
        }
    }

    /// Adds a boot; boots rise.
    pub fn push(&mut self, done: Done<'_>) -> Result<(), ReceiptError> {
        let before = (self.boot_count, self.range_count);
        let added = self.push_boot(done.boot, done.upto).and_then(|()| {
            done.also
                .iter()
                .try_for_each(|&(from, to)| self.push_range(from, to))
        });
        if added.is_err() {
            // Nothing of a boot that does not fit remains.
            (self.boot_count, self.range_count) = before;
            self.boots[before.0..].fill(Boot::default());
            self.ranges[before.1..].fill((0, 0));
        }
        added
    }

    /// What is named, boot by boot.
    pub fn done(&self) -> impl Iterator<Item = Done<'_>> {
        (0..self.boot_count).map(|i| {
            let from = if i == 0 {
                0
            } else {
                self.boots[i - 1].ranges_end
            };
            let Boot {
                boot,
                upto,
                ranges_end,
            } = self.boots[i];
            Done {
                boot,
                upto,
                also: &self.ranges[from..ranges_end],
            }
        })
    }

    /// The journal's head when the receipt was written, if it was given.
    pub const fn head(&self) -> Option<Head> {
        self.head
    }

    /// Is this sequence of this boot on the daemon's disk?
    pub fn covers(&self, boot: u64, seq: u64) -> bool {
        self.done().any(|done| {
            done.boot == boot
                && (seq <= done.upto || done.also.iter().any(|r| (r.0..=r.1).contains(&seq)))
        })
    }

    /// Writes the receipt into a buffer and returns how many bytes it takes; `None` when the
    /// buffer is too small ([`MAX_RECEIPT_BYTES`] never is).
    pub fn write_to(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut out = Fixed { buffer, used: 0 };
        fmt::Write::write_fmt(&mut out, format_args!("{self}")).ok()?;
        Some(out.used)
    }

    fn push_boot(&mut self, boot: u64, upto: u64) -> Result<(), ReceiptError> {
        if self.boot_count == MAX_BOOTS {
            return Err(ReceiptError::TooManyBoots);
        }
        if self.boot_count > 0 && self.boots[self.boot_count - 1].boot >= boot {
            return Err(ReceiptError::Order);
        }
        self.boots[self.boot_count] = Boot {
            boot,
            upto,
            ranges_end: self.range_count,
        };
        self.boot_count += 1;
        Ok(())
    }

    fn push_range(&mut self, from: u64, to: u64) -> Result<(), ReceiptError> {
        let Some(last) = self.boot_count.checked_sub(1) else {
            return Err(ReceiptError::Order);
        };
        if self.range_count == MAX_RANGES {
            return Err(ReceiptError::TooManyRanges);
        }
        let begin = if last == 0 {
            0
        } else {
            self.boots[last - 1].ranges_end
        };
        let below = match self.ranges[begin..self.range_count].last() {
            Some(range) => range.1,
            None => self.boots[last].upto,
        };
        // A range that touches what is below it would have to be written as one with it.
        if from > to || below >= from - u64::from(from > 0) {
            return Err(ReceiptError::Order);
        }
        self.ranges[self.range_count] = (from, to);
        self.range_count += 1;
        self.boots[last].ranges_end = self.range_count;
        Ok(())
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"done\":[")?;
        for (i, done) in self.done().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(
                f,
                "{comma}{{\"boot\":{},\"upto\":{},\"also\":[",
                done.boot, done.upto
            )?;
            for (j, (from, to)) in done.also.iter().enumerate() {
                let comma = if j == 0 { "" } else { "," };
                write!(f, "{comma}[{from},{to}]")?;
            }
            f.write_str("]}")?;
        }
        f.write_str("],\"head\":\"")?;
        if let Some(head) = &self.head {
            write!(f, "{head}")?;
        }
        f.write_str("\"}")
    }
}

struct Fixed<'a> {
    buffer: &'a mut [u8],
    used: usize,
}

impl fmt::Write for Fixed<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.used + text.len();
        self.buffer
            .get_mut(self.used..end)
            .ok_or(fmt::Error)?
            .copy_from_slice(text.as_bytes());
        self.used = end;
        Ok(())
    }
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn take(&mut self, text: &[u8]) -> bool {
        let found = self.bytes[self.at..].starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn expect(&mut self, text: &[u8]) -> Result<(), ReceiptError> {
        if self.take(text) {
            Ok(())
        } else {
            Err(ReceiptError::Syntax(self.at))
        }
    }

    fn number(&mut self) -> Result<u64, ReceiptError> {
        let start = self.at;
        let mut value = 0u64;
        while let Some(digit) = self.bytes.get(self.at).filter(|b| b.is_ascii_digit()) {
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(u64::from(digit - b'0')))
                .ok_or(ReceiptError::Syntax(start))?;
            self.at += 1;
        }
        let leading_zero = self.at > start + 1 && self.bytes[start] == b'0';
        if self.at == start || leading_zero {
            Err(ReceiptError::Syntax(start))
        } else {
            Ok(value)
        }
    }

    fn head(&mut self) -> Result<Option<Head>, ReceiptError> {
        let wrong = ReceiptError::Syntax(self.at);
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| *b == b'"').ok_or(wrong)?;
        self.at += length;
        if length == 0 {
            return Ok(None);
        }
        let text = core::str::from_utf8(&rest[..length]).map_err(|_| wrong)?;
        text.parse().map(Some).map_err(|_| wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Peaks, leaf_hash};
    use proptest::prelude::*;
    use std::string::{String, ToString};
    use std::vec::Vec;

    fn head() -> Head {
        let mut edge = Peaks::new();
        edge.push(leaf_hash(b"a reading"));
        edge.head()
    }

    #[test]
    fn a_receipt_reads_as_the_contract_prints_it() {
        let mut receipt = Receipt::new(None);
        receipt
            .push(Done {
                boot: 7,
                upto: 48_213,
                also: &[(48_220, 48_229), (48_300, 48_300)],
            })
            .unwrap();
        receipt
            .push(Done {
                boot: 8,
                upto: 0,
                also: &[],
            })
            .unwrap();
        let text = r#"{"done":[{"boot":7,"upto":48213,"also":[[48220,48229],[48300,48300]]},{"boot":8,"upto":0,"also":[]}],"head":""}"#;
        assert_eq!(receipt.to_string(), text);
        assert_eq!(Receipt::parse(text.as_bytes()), Ok(receipt.clone()));
        assert!(receipt.covers(7, 48_213) && receipt.covers(7, 48_225));
        assert!(!receipt.covers(7, 48_214) && !receipt.covers(8, 1) && !receipt.covers(9, 1));
    }

    #[test]
    fn anything_but_the_one_way_to_write_it_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"done":[],"head":""} "#,
            r#"{ "done":[],"head":""}"#,
            r#"{"head":"","done":[]}"#,
            r#"{"done":[],"head":"1 00"}"#,
            r#"{"done":[{"boot":01,"upto":1,"also":[]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":-1,"also":[]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":18446744073709551616,"also":[]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":1,"also":[],"more":1}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":1,"also":[]},],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":1,"also":[[3,4],]}],"head":""}"#,
        ] {
            assert!(
                matches!(
                    Receipt::parse(text.as_bytes()),
                    Err(ReceiptError::Syntax(_))
                ),
                "{text}"
            );
        }
        for text in [
            r#"{"done":[{"boot":2,"upto":1,"also":[]},{"boot":2,"upto":1,"also":[]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":5,"also":[[5,7]]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":5,"also":[[6,7]]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":0,"also":[[0,7]]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":5,"also":[[9,8]]}],"head":""}"#,
            r#"{"done":[{"boot":1,"upto":5,"also":[[7,8],[9,9]]}],"head":""}"#,
        ] {
            assert_eq!(
                Receipt::parse(text.as_bytes()),
                Err(ReceiptError::Order),
                "{text}"
            );
        }
        assert_eq!(
            Receipt::parse(&[b' '; MAX_RECEIPT_BYTES + 1]),
            Err(ReceiptError::TooLong)
        );
    }

    #[test]
    fn the_largest_receipt_fits_its_limit_and_one_more_is_refused() {
        let mut receipt = Receipt::new(Some(Head {
            size: u64::MAX,
            ..head()
        }));
        let top = u64::MAX - 1_000;
        for boot in 0..MAX_BOOTS as u64 {
            let also: Vec<(u64, u64)> =
                (0..4).map(|i| (top + 2 + i * 9, top + 5 + i * 9)).collect();
            receipt
                .push(Done {
                    boot: top + boot,
                    upto: top,
                    also: &also,
                })
                .unwrap();
        }
        let more = Done {
            boot: u64::MAX,
            upto: 0,
            also: &[],
        };
        assert_eq!(receipt.push(more), Err(ReceiptError::TooManyBoots));
        let mut buffer = [0; MAX_RECEIPT_BYTES];
        let used = receipt
            .write_to(&mut buffer)
            .expect("the largest receipt fits");
        assert_eq!(Receipt::parse(&buffer[..used]), Ok(receipt));

        let mut receipt = Receipt::new(None);
        let also: Vec<(u64, u64)> = (0..65).map(|i| (i * 3 + 2, i * 3 + 3)).collect();
        let crowded = Done {
            boot: 1,
            upto: 0,
            also: &also,
        };
        assert_eq!(receipt.push(crowded), Err(ReceiptError::TooManyRanges));
        assert_eq!(
            receipt,
            Receipt::new(None),
            "a boot that does not fit leaves nothing behind"
        );
        assert_eq!(receipt.write_to(&mut [0; 10]), None);
    }

    proptest! {
        #[test]
        fn parsing_then_printing_gives_the_same_bytes(
            boots in proptest::collection::btree_map(0u64..1_000, (0u64..50, proptest::collection::vec((2u64..9, 0u64..9), 0..6)), 0..8),
            with_head: bool,
        ) {
            let mut receipt = Receipt::new(with_head.then(head));
            for (boot, (upto, steps)) in boots {
                let mut at = upto;
                let also: Vec<(u64, u64)> = steps.iter().map(|(gap, length)| {
                    let from = at + gap;
                    at = from + length;
                    (from, at)
                }).collect();
                receipt.push(Done { boot, upto, also: &also }).unwrap();
            }
            let text = receipt.to_string();
            prop_assert_eq!(Receipt::parse(text.as_bytes()), Ok(receipt));
        }

        #[test]
        fn whatever_parses_prints_as_it_was(text in r#"\{"done":\[(\{"boot":[0-9]{1,3},"upto":[0-9]{1,3},"also":\[(\[[0-9],[0-9]{2}\])?\]\})?\],"head":""\}"#) {
            if let Ok(receipt) = Receipt::parse(text.as_bytes()) {
                prop_assert_eq!(receipt.to_string(), text);
            }
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, cut in 0usize..120) {
            let _ = Receipt::parse(&bytes);
            let good = String::from(r#"{"done":[{"boot":7,"upto":48213,"also":[[48220,48229]]}],"head":""}"#);
            let _ = Receipt::parse(&good.as_bytes()[..cut.min(good.len())]);
        }
    }
}
