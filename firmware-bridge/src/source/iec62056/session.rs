//! The readout of IEC 62056-21 without a line: bytes and time-outs in, bytes and speeds out.
//!
//! The gateway asks `/?!` at 300 baud. The meter names itself, `/XXX5ident`, and its fifth character
//! says what follows:
//!
//! | character | mode | what follows |
//! |---|---|---|
//! | `0`–`6` | C | the gateway acknowledges with the speed it wants (at most the meter's, at most its own), both switch, the meter sends its data |
//! | `A`–`F` | B | the meter switches to its speed unasked and sends its data |
//! | another | A | the meter sends its data at 300 baud, unasked |
//!
//! The data are `STX … ! CR LF ETX` and a check character over everything after the STX. What does
//! not check is refused as a whole. Optical heads that echo what they send are listened past.

use crate::source::text::{Unreadable, shown};

/// The speed at which every readout begins.
pub const OPENING_BAUD: u32 = 300;
/// Speeds of mode C, by the meter's character `0` to `6`; mode B names the same from 600 on.
pub const BAUDS: [u32; 7] = [300, 600, 1200, 2400, 4800, 9600, 19200];
/// A readout longer than this is refused.
pub const MAX_BLOCK: usize = 64 * 1024;
/// An identification longer than this is noise: `/`, 4 characters, 16 of the name, CR LF, and room
/// for the escapes of later editions.
const MAX_IDENTIFICATION: usize = 40;

const STX: u8 = 2;
const ETX: u8 = 3;
const ACK: u8 = 6;

/// What the driver has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes and wait until they have gone.
    Send(Vec<u8>),
    /// Talk at this speed from now on.
    Baud(u32),
    /// Listen.
    Listen,
    /// The data of a whole readout, without STX, `!` and check character; and who sent them.
    Done {
        /// The identification after the slash, without CR LF.
        identification: String,
        /// Lines of data sets.
        data: String,
    },
    /// The readout failed; the next one begins anew.
    Failed(Unreadable),
}

/// One readout.
#[derive(Debug)]
pub struct Session {
    max_baud: u32,
    stage: Stage,
    /// What the driver has not been told yet, in order.
    due: std::collections::VecDeque<Action>,
    identification: String,
}

#[derive(Debug)]
enum Stage {
    /// A line that begins with a slash.
    Identification(Vec<u8>),
    /// Everything up to the STX is echo or rest.
    BeforeData,
    Data {
        bytes: Vec<u8>,
        ended: bool,
    },
    Over,
}

impl Session {
    /// Begins a readout of the meter with that address (none: whichever is there), at no more than
    /// `max_baud`.
    pub fn new(address: &str, max_baud: u32) -> Self {
        let request = format!("/?{address}!\r\n").into_bytes();
        Session {
            max_baud,
            stage: Stage::Identification(Vec::new()),
            due: [Action::Baud(OPENING_BAUD), Action::Send(request)].into(),
            identification: String::new(),
        }
    }

    /// What to do next; [`Action::Listen`] when there is nothing but to wait for bytes.
    pub fn poll(&mut self) -> Action {
        self.due.pop_front().unwrap_or(Action::Listen)
    }

    /// A byte came in; none when its parity was wrong.
    pub fn input(&mut self, byte: Option<u8>) {
        match (&mut self.stage, byte) {
            (Stage::Over, _) | (Stage::BeforeData, None) => {}
            (Stage::Identification(line), Some(byte)) => {
                // Whatever stands before the last slash is echo or noise.
                if byte == b'/' {
                    line.clear();
                }
                if byte == b'/' || line.first() == Some(&b'/') {
                    line.push(byte);
                }
                if byte == b'\n' {
                    let line = std::mem::take(line);
                    self.identified(&line);
                } else if line.len() > MAX_IDENTIFICATION {
                    line.clear();
                }
            }
            (Stage::Identification(line), None) => line.clear(),
            (Stage::BeforeData, Some(byte)) => {
                if byte == STX {
                    self.stage = Stage::Data {
                        bytes: Vec::new(),
                        ended: false,
                    };
                }
            }
            (Stage::Data { bytes, ended }, Some(byte)) => {
                let check = *ended;
                *ended = byte == ETX;
                bytes.push(byte);
                if check {
                    let bytes = std::mem::take(bytes);
                    self.finish(&bytes);
                } else if bytes.len() > MAX_BLOCK {
                    self.fail(Unreadable::new("more than 64 KiB", "a readout's end"));
                }
            }
            (Stage::Data { .. }, None) => {
                self.fail(Unreadable::new(
                    "a byte of odd parity",
                    "7 data bits, even parity",
                ));
            }
        }
    }

    /// Has something come that a meter sent, so that silence now means a broken answer?
    pub fn heard(&self) -> bool {
        !matches!(&self.stage, Stage::Identification(line) if line.is_empty())
    }

    fn identified(&mut self, line: &[u8]) {
        // Our own request, echoed by the head.
        if line.starts_with(b"/?") {
            return;
        }
        let text = line
            .strip_prefix(b"/")
            .and_then(|rest| rest.strip_suffix(b"\r\n"))
            .and_then(|rest| std::str::from_utf8(rest).ok())
            .filter(|text| text.len() >= 4 && text.bytes().all(|b| (0x20..0x7f).contains(&b)));
        let Some(text) = text else { return };
        let maker = text.bytes().take(3).all(|b| b.is_ascii_alphabetic());
        let baud = text.as_bytes()[3];
        if !maker {
            return;
        }
        match baud {
            b'0'..=b'6' => {
                let wanted = usize::from(baud - b'0');
                let most = BAUDS.iter().rposition(|b| *b <= self.max_baud).unwrap_or(0);
                let chosen = wanted.min(most);
                // Normal protocol, the speed, readout.
                let digit = b'0' + u8::try_from(chosen).unwrap_or(0);
                self.due
                    .push_back(Action::Send(vec![ACK, b'0', digit, b'0', b'\r', b'\n']));
                self.due.push_back(Action::Baud(BAUDS[chosen]));
            }
            b'A'..=b'F' => {
                let index = usize::from(baud - b'A') + 1;
                self.due.push_back(Action::Baud(BAUDS[index]));
            }
            _ => {}
        }
        text.clone_into(&mut self.identification);
        self.stage = Stage::BeforeData;
    }

    fn finish(&mut self, bytes: &[u8]) {
        match data_of(bytes) {
            Ok(data) => {
                let identification = std::mem::take(&mut self.identification);
                self.due.push_back(Action::Done {
                    identification,
                    data,
                });
                self.stage = Stage::Over;
            }
            Err(why) => self.fail(why),
        }
    }

    fn fail(&mut self, why: Unreadable) {
        self.due.push_back(Action::Failed(why));
        self.stage = Stage::Over;
    }
}

/// The data between STX and `!`, from what came after the STX up to the check character.
///
/// # Errors
/// [`Unreadable`] when the check character does not fit, or the end is not `! CR LF ETX`.
pub fn data_of(bytes: &[u8]) -> Result<String, Unreadable> {
    let Some((check, covered)) = bytes.split_last() else {
        return Err(Unreadable::new("nothing", "data and a check character"));
    };
    let counted = covered.iter().fold(0, |sum, byte| sum ^ byte);
    if counted != *check {
        return Err(Unreadable::new(
            format!("check character {check:#04x} over data that give {counted:#04x}"),
            "one that fits",
        ));
    }
    let data = covered
        .strip_suffix(b"!\r\n\x03")
        .ok_or_else(|| Unreadable::new("a block without `!` at its end", "`!` CR LF ETX"))?;
    match std::str::from_utf8(data) {
        Ok(text) if text.is_ascii() => Ok(text.to_owned()),
        _ => Err(Unreadable::new(
            shown(&String::from_utf8_lossy(data)),
            "characters of 7 bits",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds bytes and gives every action up to the first `Listen`.
    fn told(session: &mut Session, bytes: &[u8]) -> Vec<Action> {
        for byte in bytes {
            session.input(Some(*byte));
        }
        std::iter::from_fn(|| Some(session.poll()))
            .take_while(|action| *action != Action::Listen)
            .collect()
    }

    fn framed(data: &str) -> Vec<u8> {
        let mut bytes = format!("{data}!\r\n\x03").into_bytes();
        bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte));
        bytes.insert(0, STX);
        bytes
    }

    fn begun(max_baud: u32) -> Session {
        let mut session = Session::new("", max_baud);
        let first = told(&mut session, b"");
        assert_eq!(
            first,
            [Action::Baud(300), Action::Send(b"/?!\r\n".to_vec())]
        );
        session
    }

    fn done(data: &str) -> Action {
        Action::Done {
            identification: "LGZ4ZMF100AC.M26".into(),
            data: data.into(),
        }
    }

    #[test]
    fn mode_c_switches_to_the_lower_of_both_speeds() {
        for (max_baud, ack, baud) in [
            (19200, b'4', 4800),
            (9600, b'4', 4800),
            (4800, b'4', 4800),
            (2400, b'3', 2400),
            (300, b'0', 300),
        ] {
            let mut session = begun(max_baud);
            let answer = told(&mut session, b"/LGZ4ZMF100AC.M26\r\n");
            let acknowledged = vec![ACK, b'0', ack, b'0', b'\r', b'\n'];
            assert_eq!(answer, [Action::Send(acknowledged), Action::Baud(baud)]);
            let data = "1.8.0(1*kWh)\r\n";
            assert_eq!(told(&mut session, &framed(data)), [done(data)]);
        }
    }

    #[test]
    fn mode_a_and_mode_b_are_not_acknowledged() {
        let mut session = begun(9600);
        assert_eq!(told(&mut session, b"/ABB\\@V4.50\r\n"), []);
        assert!(matches!(
            told(&mut session, &framed(""))[..],
            [Action::Done { .. }]
        ));
        let mut session = begun(9600);
        assert_eq!(told(&mut session, b"/ABBDx\r\n"), [Action::Baud(4800)]);
        assert!(matches!(
            told(&mut session, &framed(""))[..],
            [Action::Done { .. }]
        ));
    }

    #[test]
    fn a_head_that_echoes_and_noise_before_the_meter_are_listened_past() {
        let mut session = begun(300);
        let mut heard = b"\xff\0/?!\r\n\x7f/LG/LGZ4ZMF100AC.M26\r\n".to_vec();
        assert_eq!(told(&mut session, &heard).len(), 2);
        heard = b"\x06000\r\n".to_vec();
        heard.extend(framed("2.8.0(7*Wh)\r\n"));
        assert_eq!(told(&mut session, &heard), [done("2.8.0(7*Wh)\r\n")]);
    }

    #[test]
    fn a_flipped_bit_anywhere_in_the_data_is_refused() {
        let good = framed("1.8.0(061561.289*kWh)\r\n2.8.0(000010.490*kWh)\r\n");
        for at in 1..good.len() {
            for bit in 0..7 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                let mut session = begun(300);
                told(&mut session, b"/LGZ4ZMF100AC.M26\r\n");
                let end = told(&mut session, &bytes);
                assert!(!matches!(end[..], [Action::Done { .. }, ..]), "{at} {bit}");
            }
        }
    }

    #[test]
    fn a_byte_of_wrong_parity_spoils_the_readout() {
        let mut session = begun(300);
        told(&mut session, b"/LGZ4ZMF100AC.M26\r\n\x021.8.0(");
        session.input(None);
        assert!(matches!(session.poll(), Action::Failed(why) if why.found.contains("parity")));
    }

    #[test]
    fn a_readout_that_never_ends_is_refused() {
        let mut session = begun(300);
        told(&mut session, b"/LGZ4ZMF100AC.M26\r\n\x02");
        let end = told(&mut session, &vec![b'1'; MAX_BLOCK + 1]);
        assert!(matches!(&end[..], [Action::Failed(_)]));
    }
}
