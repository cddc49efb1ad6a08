//! The compact form: reads from a microcontroller to its gateway over a serial line.
//!
//! A microcontroller beside a meter counts pulses or reads a bus, and hands what it saw to the
//! gateway, which has the clock, the backlog and the key. A frame is
//!
//! ```text
//! 0x00  COBS( body ‖ CRC-32 of the body, little-endian )  0x00
//! ```
//!
//! | bytes | body, version 1; integers little-endian |
//! |---|---|
//! | 1 | version, 1 |
//! | 2 | number of the frame, rising by one and starting again at 0 after 65,535 |
//! | 4 | how long the microcontroller has been running, ms, starting again after 49 days |
//! | each read: | |
//! | 3 | register, OBIS value groups C, D, E |
//! | 1 | meter state, the letter of OCMF |
//! | 4 | how long ago the register was read, ms |
//! | 8 | the register, Wh |
//! | 1 + 0 or 4 | 0, or 1 and power in W, signed |
//! | 1 + n | the meter's serial, UTF-8, 1 to 64 bytes |
//!
//! A frame carries no time: the gateway stamps it. Zero never stands inside a frame (COBS,
//! consistent overhead byte stuffing), so a reader that lost its place finds it at the next zero;
//! what lies between is dropped and counted, never guessed at. CRC-32 is the one of Ethernet
//! (ISO-HDLC). Nothing here proves who sent: the line is inside the gateway's box.

use core::fmt;
use crc::{CRC_32_ISO_HDLC, Crc};

use crate::note::{MAX_INTEGER, MAX_METER_BYTES, MeterState, Register, is_meter};

/// The version this build writes and reads.
pub const FRAME_VERSION: u8 = 1;
/// Longest frame on the line, with both zeros.
pub const MAX_FRAME_BYTES: usize = 1_024;
/// Longest body with its checksum; COBS adds one byte for each 254 begun.
pub const MAX_BODY_BYTES: usize = MAX_FRAME_BYTES - 2 - MAX_FRAME_BYTES.div_ceil(254);

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
const CRC_BYTES: usize = 4;
const HEAD_BYTES: usize = 7;

/// One register read as a microcontroller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRead<'a> {
    /// The meter's serial.
    pub meter: &'a str,
    /// The register.
    pub register: Register,
    /// The meter's state.
    pub state: MeterState,
    /// How long ago it was read, ms.
    pub age_ms: u32,
    /// What the register showed, Wh.
    pub wh: u64,
    /// Power at that instant, W.
    pub w: Option<i32>,
}

/// A frame that came whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its number.
    pub number: u16,
    /// How long the microcontroller has been running, ms.
    pub uptime_ms: u32,
    reads: &'a [u8],
}

/// Writes one frame; memory for one body.
pub struct FrameWriter {
    body: [u8; MAX_BODY_BYTES],
    used: usize,
}

/// Finds frames in a stream of bytes; memory for one frame.
pub struct FrameReader {
    frame: [u8; MAX_FRAME_BYTES],
    used: usize,
    overlong: bool,
    /// What was dropped so far.
    pub dropped: Dropped,
}

/// What a reader had to drop. Noise on an idle line counts as broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Pieces between zeros that were no frame: noise, a start in the middle, a failed checksum.
    pub broken: u32,
    /// Whole frames with something in them that this version does not know.
    pub unknown: u32,
}

/// The frame has no room for another read, or the read holds what no frame can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Send this frame and begin another.
    Full,
    /// A serial that is empty, longer than 64 bytes or has control characters, or a register over
    /// 2⁵³ − 1.
    Value,
}

impl FrameWriter {
    /// Begins a frame.
    pub fn new(number: u16, uptime_ms: u32) -> FrameWriter {
        let mut body = [0; MAX_BODY_BYTES];
        body[0] = FRAME_VERSION;
        body[1..3].copy_from_slice(&number.to_le_bytes());
        body[3..HEAD_BYTES].copy_from_slice(&uptime_ms.to_le_bytes());
        FrameWriter {
            body,
            used: HEAD_BYTES,
        }
    }

    /// Adds a read.
    ///
    /// # Errors
    /// [`FrameError`]; the frame is then as it was.
    pub fn read(&mut self, read: &FrameRead<'_>) -> Result<(), FrameError> {
        if !is_meter(read.meter) || read.wh > MAX_INTEGER {
            return Err(FrameError::Value);
        }
        let before = self.used;
        let Register(c, d, e) = read.register;
        let state = read.state.letter().as_bytes().first().copied();
        let length = u8::try_from(read.meter.len()).map_err(|_| FrameError::Value)?;
        let done = self.put(&[c, d, e, state.unwrap_or(b'E')])
            && self.put(&read.age_ms.to_le_bytes())
            && self.put(&read.wh.to_le_bytes())
            && match read.w {
                None => self.put(&[0]),
                Some(w) => self.put(&[1]) && self.put(&w.to_le_bytes()),
            }
            && self.put(&[length])
            && self.put(read.meter.as_bytes());
        if done {
            return Ok(());
        }
        self.used = before;
        Err(FrameError::Full)
    }

    /// Ends the frame and writes it; how many bytes it takes. [`MAX_FRAME_BYTES`] are always enough.
    ///
    /// # Errors
    /// [`FrameError::Full`] when the buffer is too small.
    pub fn finish(mut self, buffer: &mut [u8]) -> Result<usize, FrameError> {
        let body = self.body.get(..self.used).unwrap_or_default();
        let sum = CRC.checksum(body).to_le_bytes();
        if let Some(room) = self.body.get_mut(self.used..self.used + CRC_BYTES) {
            room.copy_from_slice(&sum);
        }
        let whole = self.body.get(..self.used + CRC_BYTES).unwrap_or_default();
        cobs::try_encode_including_sentinels(whole, buffer).map_err(|_| FrameError::Full)
    }

    fn put(&mut self, bytes: &[u8]) -> bool {
        let end = self.used + bytes.len();
        if end > MAX_BODY_BYTES - CRC_BYTES {
            return false;
        }
        self.body[self.used..end].copy_from_slice(bytes);
        self.used = end;
        true
    }
}

impl Default for FrameReader {
    fn default() -> FrameReader {
        FrameReader::new()
    }
}

impl FrameReader {
    /// A reader that has seen nothing.
    pub const fn new() -> FrameReader {
        FrameReader {
            frame: [0; MAX_FRAME_BYTES],
            used: 0,
            overlong: false,
            dropped: Dropped {
                broken: 0,
                unknown: 0,
            },
        }
    }

    /// Takes one byte from the line; the frame that it ends, if it ends one.
    pub fn push(&mut self, byte: u8) -> Option<Frame<'_>> {
        if byte != 0 {
            match self.frame.get_mut(self.used) {
                Some(place) => {
                    *place = byte;
                    self.used += 1;
                }
                None => self.overlong = true,
            }
            return None;
        }
        let used = core::mem::take(&mut self.used);
        if core::mem::take(&mut self.overlong) {
            self.dropped.broken = self.dropped.broken.saturating_add(1);
            return None;
        }
        if used == 0 {
            return None;
        }
        let decoded = self
            .frame
            .get_mut(..used)
            .and_then(|frame| cobs::decode_in_place(frame).ok())
            .and_then(|length| whole(self.frame.get(..length)?).map(<[u8]>::len));
        let Some(length) = decoded else {
            self.dropped.broken = self.dropped.broken.saturating_add(1);
            return None;
        };
        let frame = self.frame.get(..length).and_then(Frame::parse);
        if frame.is_none() {
            self.dropped.unknown = self.dropped.unknown.saturating_add(1);
        }
        frame
    }
}

/// The body of a frame whose checksum is right.
fn whole(decoded: &[u8]) -> Option<&[u8]> {
    let (body, sum) = decoded.split_last_chunk::<CRC_BYTES>()?;
    (CRC.checksum(body) == u32::from_le_bytes(*sum)).then_some(body)
}

impl<'a> Frame<'a> {
    /// Its reads.
    pub fn reads(&self) -> impl Iterator<Item = FrameRead<'a>> + use<'a> {
        let mut rest = self.reads;
        core::iter::from_fn(move || {
            let (read, after) = FrameRead::parse(rest)?;
            rest = after;
            Some(read)
        })
    }

    fn parse(body: &'a [u8]) -> Option<Frame<'a>> {
        let (&[version, n0, n1, u0, u1, u2, u3], reads) = body.split_first_chunk::<HEAD_BYTES>()?;
        let mut rest = reads;
        while !rest.is_empty() {
            (_, rest) = FrameRead::parse(rest)?;
        }
        (version == FRAME_VERSION).then_some(Frame {
            number: u16::from_le_bytes([n0, n1]),
            uptime_ms: u32::from_le_bytes([u0, u1, u2, u3]),
            reads,
        })
    }
}

impl<'a> FrameRead<'a> {
    fn parse(bytes: &'a [u8]) -> Option<(FrameRead<'a>, &'a [u8])> {
        let (&[c, d, e, letter], rest) = bytes.split_first_chunk::<4>()?;
        let state = MeterState::from_letter(core::str::from_utf8(&[letter]).ok()?)?;
        let (age, rest) = rest.split_first_chunk::<4>()?;
        let (wh, rest) = rest.split_first_chunk::<8>()?;
        let (has_power, rest) = rest.split_first()?;
        let (w, rest) = match has_power {
            0 => (None, rest),
            1 => {
                let (w, rest) = rest.split_first_chunk::<4>()?;
                (Some(i32::from_le_bytes(*w)), rest)
            }
            _ => return None,
        };
        let (length, rest) = rest.split_first()?;
        let (meter, rest) = rest.split_at_checked(usize::from(*length))?;
        let read = FrameRead {
            meter: core::str::from_utf8(meter).ok().filter(|m| is_meter(m))?,
            register: Register(c, d, e),
            state,
            age_ms: u32::from_le_bytes(*age),
            wh: Some(u64::from_le_bytes(*wh)).filter(|wh| *wh <= MAX_INTEGER)?,
            w,
        };
        Some((read, rest))
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Full => f.write_str("no room in the frame"),
            FrameError::Value => write!(
                f,
                "a frame cannot carry this; expected a serial of 1 to {MAX_METER_BYTES} bytes and a register up to {MAX_INTEGER} Wh"
            ),
        }
    }
}

impl core::error::Error for FrameError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Hex;
    use proptest::prelude::*;
    use std::{string::ToString as _, vec::Vec};

    const READS: [FrameRead<'static>; 2] = [
        FrameRead {
            meter: "M123456",
            register: Register::EXPORT,
            state: MeterState::Good,
            age_ms: 250,
            wh: 345_678,
            w: Some(-2_410),
        },
        FrameRead {
            meter: "S0",
            register: Register::IMPORT,
            state: MeterState::OutOfRange,
            age_ms: 0,
            wh: 0,
            w: None,
        },
    ];

    fn frame(number: u16, reads: &[FrameRead<'_>]) -> Vec<u8> {
        let mut writer = FrameWriter::new(number, 60_000);
        for read in reads {
            writer.read(read).unwrap();
        }
        let mut buffer = [0; MAX_FRAME_BYTES];
        let used = writer.finish(&mut buffer).unwrap();
        buffer[..used].to_vec()
    }

    /// Numbers of the frames that come out of a stream, each checked to carry [`READS`].
    fn numbers(stream: &[u8]) -> (Vec<u16>, Dropped) {
        let mut reader = FrameReader::new();
        let mut found = Vec::new();
        for byte in stream {
            if let Some(frame) = reader.push(*byte) {
                assert_eq!(frame.reads().collect::<Vec<_>>(), READS);
                found.push(frame.number);
            }
        }
        (found, reader.dropped)
    }

    #[test]
    fn version_1_keeps_its_bytes() {
        let golden = concat!(
            "000301070360ea010302080347fa0101044e460501010101100196f6ffff074d31323334",
            "35360108024f01010101010101010101010108025330932eee6d00"
        );
        let bytes = frame(7, &READS);
        assert_eq!(Hex(&bytes).to_string(), golden);
    }

    #[test]
    fn frames_come_back_one_after_the_other() {
        let stream = [frame(1, &READS), frame(2, &READS), frame(3, &READS)].concat();
        assert_eq!(numbers(&stream), (std::vec![1, 2, 3], Dropped::default()));
    }

    #[test]
    fn a_reader_that_starts_in_the_middle_finds_its_place() {
        let stream = [frame(1, &READS), frame(2, &READS)].concat();
        let (found, dropped) = numbers(&stream[9..]);
        assert_eq!((found, dropped.broken), (std::vec![2], 1));
    }

    #[test]
    fn noise_between_frames_costs_no_frame() {
        let noise: Vec<u8> = (0..5_000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let stream = [frame(1, &READS), noise, frame(2, &READS)].concat();
        assert_eq!(numbers(&stream).0, [1, 2]);
    }

    #[test]
    fn a_changed_bit_costs_its_frame_and_never_makes_another() {
        let one = frame(1, &READS);
        for bit in 0..one.len() * 8 {
            let mut broken = one.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let stream = [broken, frame(2, &READS), frame(3, &READS)].concat();
            let (found, _) = numbers(&stream);
            // A sentinel that became something else may take the next frame's start with it.
            assert!(found.ends_with(&[3]) && !found.contains(&0), "bit {bit}");
            assert!(found.iter().all(|n| [1, 2, 3].contains(n)), "bit {bit}");
        }
    }

    #[test]
    fn an_endless_line_without_zeros_takes_no_memory_and_ends_at_the_next_one() {
        let stream = [std::vec![0x55; 100_000], frame(9, &READS)].concat();
        assert_eq!(numbers(&stream).0, [9]);
        assert_eq!(numbers(&stream).1.broken, 1);
    }

    #[test]
    fn a_frame_of_another_version_is_counted_apart() {
        let mut body = std::vec![2, 0, 0, 0, 0, 0, 0];
        body.extend(CRC.checksum(&body).to_le_bytes());
        let mut buffer = [0; 64];
        let used = cobs::try_encode_including_sentinels(&body, &mut buffer).unwrap();
        let (found, dropped) = numbers(&buffer[..used]);
        assert_eq!((found.len(), dropped.unknown), (0, 1));
    }

    #[test]
    fn a_full_frame_says_so_and_still_goes_out() {
        let mut writer = FrameWriter::new(1, 0);
        let mut count = 0;
        let full = loop {
            match writer.read(&READS[0]) {
                Ok(()) => count += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((full, count), (FrameError::Full, 34));
        let mut buffer = [0; MAX_FRAME_BYTES];
        let used = writer.finish(&mut buffer).unwrap();
        let mut reader = FrameReader::new();
        let last = buffer[..used].iter().rev().skip(1).rev().copied();
        last.for_each(|byte| assert!(reader.push(byte).is_none()));
        assert_eq!(reader.push(0).unwrap().reads().count(), count);
    }

    proptest! {
        #[test]
        fn any_noise_is_survived(noise in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            let mut reader = FrameReader::new();
            for byte in noise {
                let _ = reader.push(byte);
            }
            let _ = reader.push(0);
            let mut found = 0;
            for byte in frame(5, &READS) {
                found += usize::from(reader.push(byte).is_some());
            }
            prop_assert_eq!(found, 1);
        }
    }
}
