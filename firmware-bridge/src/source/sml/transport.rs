//! SML transport protocol, version 1: a file between escapes, with a check sum at its end.
//!
//! `1b1b1b1b 01010101`, the messages, filled up with zeros to a multiple of four bytes, then
//! `1b1b1b1b 1a` with the number of zeros and CRC-16/X-25 over everything before it, low byte first.
//! Four `1b` within the messages are doubled. A beginning inside a file begins a new one.

use crate::source::{crc::Crc16, port::Framer, text::Unreadable};

/// A file longer than this is noise; the largest of the collection in the tests is 500 bytes.
pub const MAX_FILE: usize = 16 * 1024;
const ESCAPE: u8 = 0x1b;

/// Cuts a stream into files: the messages between the escapes, without the filling zeros.
#[derive(Debug, Default)]
pub struct Cutter {
    /// Everything since the beginning, escapes and all, for the check sum.
    raw: Vec<u8>,
    /// The messages so far.
    file: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// So many bytes of the beginning have come.
    #[default]
    Outside,
    /// So many `1b` in a row have come.
    Inside { run: usize },
    /// After four `1b`: so many of the four bytes that say what they mean.
    Escaped { have: usize },
}

impl Framer for Cutter {
    type Frame = Vec<u8>;

    fn push(&mut self, byte: u8) -> Option<Result<Vec<u8>, Unreadable>> {
        self.raw.push(byte);
        match self.state {
            State::Outside => {
                // The window of the last eight bytes.
                if self.raw.len() > 8 {
                    self.raw.remove(0);
                }
                if self.raw == BEGIN {
                    self.state = State::Inside { run: 0 };
                }
                None
            }
            State::Inside { run } => {
                self.file.push(byte);
                let run = if byte == ESCAPE { run + 1 } else { 0 };
                self.state = if run == 4 {
                    self.file.truncate(self.file.len() - 4);
                    State::Escaped { have: 0 }
                } else {
                    State::Inside { run }
                };
                self.bounded()
            }
            State::Escaped { have } if have < 3 => {
                self.state = State::Escaped { have: have + 1 };
                None
            }
            State::Escaped { .. } => self.escaped(),
        }
    }
}

const BEGIN: [u8; 8] = [ESCAPE, ESCAPE, ESCAPE, ESCAPE, 1, 1, 1, 1];

impl Cutter {
    fn escaped(&mut self) -> Option<Result<Vec<u8>, Unreadable>> {
        let four: [u8; 4] = self.raw[self.raw.len() - 4..]
            .try_into()
            .unwrap_or_default();
        match four {
            [ESCAPE, ESCAPE, ESCAPE, ESCAPE] => {
                self.file.extend(four);
                self.state = State::Inside { run: 0 };
                self.bounded()
            }
            [1, 1, 1, 1] => {
                self.raw = BEGIN.to_vec();
                self.file.clear();
                self.state = State::Inside { run: 0 };
                Some(Err(Unreadable::new(
                    "a file without its end",
                    "`1a` and a check sum",
                )))
            }
            [0x1a, zeros, low, high] => {
                let covered = &self.raw[..self.raw.len() - 2];
                let counted = crc_x25(covered);
                let given = u16::from_le_bytes([low, high]);
                let mut file = std::mem::take(&mut self.file);
                let kept = file.len().checked_sub(usize::from(zeros));
                let end = match kept {
                    _ if counted != given => Err(Unreadable::new(
                        format!("check sum {given:04x} over a file that gives {counted:04x}"),
                        "one that fits",
                    )),
                    Some(kept) if zeros < 4 && self.raw.len().is_multiple_of(4) => {
                        file.truncate(kept);
                        Ok(file)
                    }
                    _ => Err(Unreadable::new(format!("{zeros} filling bytes"), "0 to 3")),
                };
                self.begin_anew();
                Some(end)
            }
            // The messages ended with `1b`, so the escape began some bytes later than it seemed.
            [ESCAPE, ..] => {
                let late = four.iter().take_while(|b| **b == ESCAPE).count();
                self.file.extend(vec![ESCAPE; late]);
                self.state = State::Escaped { have: 4 - late };
                None
            }
            other => {
                self.begin_anew();
                let found = format!("an escape followed by {other:02x?}");
                Some(Err(Unreadable::new(
                    found,
                    "`1a`, `1b1b1b1b` or `01010101`",
                )))
            }
        }
    }

    fn bounded(&mut self) -> Option<Result<Vec<u8>, Unreadable>> {
        if self.raw.len() <= MAX_FILE {
            return None;
        }
        self.begin_anew();
        Some(Err(Unreadable::new("more than 16 KiB", "a file's end")))
    }

    fn begin_anew(&mut self) {
        self.raw.clear();
        self.file.clear();
        self.state = State::Outside;
    }
}

/// CRC-16/X-25 (ISO/IEC 13239): reflected 0x8408, from 0xffff, inverted.
pub fn crc_x25(bytes: &[u8]) -> u16 {
    static CRC: Crc16 = Crc16::new(0x8408, 0xffff);
    !CRC.over(bytes)
}

/// Puts messages between escapes, as a meter sends them.
pub fn framed(messages: &[u8]) -> Vec<u8> {
    let mut bytes = BEGIN.to_vec();
    let mut run = 0;
    for byte in messages {
        bytes.push(*byte);
        run = if *byte == ESCAPE { run + 1 } else { 0 };
        if run == 4 {
            bytes.extend([ESCAPE; 4]);
            run = 0;
        }
    }
    let zeros = (4 - bytes.len() % 4) % 4;
    bytes.extend(vec![0; zeros]);
    bytes.extend([
        ESCAPE,
        ESCAPE,
        ESCAPE,
        ESCAPE,
        0x1a,
        u8::try_from(zeros).unwrap_or(0),
    ]);
    let crc = crc_x25(&bytes);
    bytes.extend(crc.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(bytes: &[u8]) -> Vec<Result<Vec<u8>, Unreadable>> {
        let mut cutter = Cutter::default();
        bytes.iter().filter_map(|byte| cutter.push(*byte)).collect()
    }

    #[test]
    fn a_beginning_after_stray_escapes_is_found() {
        let mut bytes = vec![0x1b, 0x1b, 7, 0x1b];
        bytes.extend(framed(b"abc"));
        bytes.extend([0x1b, 0x1b]);
        bytes.extend(&framed(b"cut off")[..12]);
        bytes.extend(framed(b"de"));
        let ends: Vec<Option<Vec<u8>>> = cut(&bytes).into_iter().map(Result::ok).collect();
        assert_eq!(ends, [Some(b"abc".to_vec()), None, Some(b"de".to_vec())]);
    }

    #[test]
    fn a_line_that_only_makes_noise_stays_within_its_bound() {
        let mut cutter = Cutter::default();
        for byte in BEGIN.iter().chain(&vec![0x76; 200_000]) {
            cutter.push(*byte);
            assert!(cutter.raw.len() <= MAX_FILE + 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_framed_is_cut_out_again(
            files in proptest::collection::vec(
                proptest::collection::vec(prop_oneof![Just(0x1b_u8), Just(1), Just(0x1a), any::<u8>()], 0..60),
                1..5,
            ),
            noise in proptest::collection::vec(prop_oneof![Just(0_u8), Just(1), any::<u8>()], 0..20),
        ) {
            // Noise whose end and the beginning look like an earlier beginning may cost one file.
            let mut bytes: Vec<u8> = noise.into_iter().filter(|b| *b != 0x1b).collect();
            for file in &files {
                bytes.extend(framed(file));
            }
            let cut: Vec<Vec<u8>> = cut(&bytes).into_iter().map(Result::unwrap).collect();
            prop_assert_eq!(cut, files);
        }

        #[test]
        fn a_changed_byte_is_never_taken_for_the_file(
            file in proptest::collection::vec(any::<u8>(), 1..60),
            at in 0_usize..1000,
            change in 1_u8..,
        ) {
            let mut bytes = framed(&file);
            let at = at % bytes.len();
            bytes[at] ^= change;
            for end in cut(&bytes) {
                prop_assert!(end.is_err());
            }
        }
    }
}
