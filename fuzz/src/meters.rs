//! What meters say on a wire: optical heads, P1, SML, emonTx lines.
//!
//! A target takes any bytes as a stream. Whatever comes out of it as whole must be within its
//! limits, and the same stream in any cut must say the same.

use bridge::source::{
    Sample,
    emon::line::{Cutter as Lines, Line, MAX_VALUES},
    iec62056::{
        self,
        session::{Action, Session},
    },
    p1::{
        self,
        telegram::{Cutter as Telegrams, Telegram, crc16},
    },
    port::Framer,
    sml::{
        self,
        messages::lists,
        transport::{Cutter as Files, crc_x25, framed},
    },
    text::{MAX_WH, Unreadable},
};

/// Everything a stream holds that is whole.
fn whole<F: Framer>(mut framer: F, stream: &[u8]) -> Vec<F::Frame> {
    let mut frames = Vec::new();
    for byte in stream {
        match framer.push(*byte) {
            Some(Ok(frame)) => frames.push(frame),
            Some(Err(why)) => short(&why),
            None => {}
        }
    }
    frames
}

/// A reason is short enough for a log and holds nothing that a terminal obeys.
fn short(why: &Unreadable) {
    let text = why.to_string();
    assert!(text.len() < 600, "{text}");
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
}

fn believable(samples: &[Sample]) {
    for (i, sample) in samples.iter().enumerate() {
        assert!(sample.wh <= MAX_WH);
        let same =
            |other: &Sample| (&other.meter, &other.register) == (&sample.meter, &sample.register);
        assert!(!samples[..i].iter().any(same), "each register once");
        let code: Vec<&str> = sample.register.split('.').collect();
        assert!(
            matches!(code[..], ["1" | "2", "8", _]),
            "{}",
            sample.register
        );
    }
}

/// An answer to a readout: first a byte for the speed of the head, then what the meter sends.
pub fn optical_head(input: &[u8]) -> bool {
    let Some((speed, stream)) = input.split_first() else {
        return false;
    };
    let mut session = Session::new("", 300 << (speed % 8));
    let mut done = None;
    for byte in stream {
        session.input((byte % 251 != 250).then_some(byte & 0x7f));
        loop {
            match session.poll() {
                Action::Listen => break,
                Action::Baud(baud) => assert!((300..=19_200).contains(&baud)),
                Action::Send(bytes) => assert!(bytes.len() <= 6),
                Action::Failed(why) => short(&why),
                Action::Done { data, .. } => done = Some(data),
            }
        }
    }
    match done.map(|data| iec62056::samples(&data, Some("A"))) {
        Some(Ok(samples)) => {
            believable(&samples);
            true
        }
        Some(Err(why)) => {
            short(&why);
            false
        }
        None => false,
    }
}

const E350: &str = "F.F(00)\r\n0.0(          120858)\r\nC.1.0(13647123)\r\n1.8.1(042951.721*kWh)\r\n1.8.0(061561.289*kWh)\r\n2.8.0(000010.490*kWh)\r\n2.8.0*01(000009.1*kWh)\r\n1.7.0(00.25*kW)\r\n0.2.0(M26)\r\n";

pub fn optical_head_seeds() -> Vec<Vec<u8>> {
    let mut block = format!("{E350}!\r\n\x03").into_bytes();
    block.push(block.iter().fold(0, |sum, byte| sum ^ byte));
    [
        ("/LGZ4ZMF100AC.M26\r\n", 4),
        ("/ABB\\@V4.50\r\n", 0),
        ("/?!\r\n/ABBDx\r\n", 7),
    ]
    .iter()
    .map(|(identification, speed)| {
        let mut seed = vec![*speed];
        seed.extend(identification.bytes());
        seed.push(2);
        seed.extend(&block);
        seed
    })
    .collect()
}

/// Data behind a check character that always fits.
pub fn optical_data(input: &[u8]) -> bool {
    let Some(text) = crate::text(input) else {
        return false;
    };
    match iec62056::samples(text, None) {
        Ok(samples) => believable(&samples),
        Err(why) => {
            short(&why);
            return false;
        }
    }
    true
}

pub fn optical_data_seeds() -> Vec<Vec<u8>> {
    vec![E350.into(), "0.0.0(1)1.8.0(1*Wh)2.8.0(2*MWh)\r\n".into()]
}

pub fn p1_stream(input: &[u8]) -> bool {
    let mut accepted = false;
    for telegram in whole(Telegrams::default(), input) {
        match p1::read(&telegram, None) {
            Ok(reading) => {
                believable(&reading.samples);
                accepted = true;
            }
            Err(why) => short(&why),
        }
    }
    accepted
}

/// A telegram whose check sum always fits.
pub fn p1_sealed(input: &[u8]) -> bool {
    if input.len() > p1::telegram::MAX_TELEGRAM {
        return false;
    }
    let mut bytes = [b"/", input, b"!"].concat();
    let sum = crc16(&bytes);
    bytes.extend(format!("{sum:04X}\r\n").bytes());
    let Ok(telegram) = Telegram::read(&bytes) else {
        return false;
    };
    let Ok(reading) = p1::read(&telegram, None) else {
        return false;
    };
    believable(&reading.samples);
    assert!(telegram.checked);
    true
}

fn telegrams() -> [&'static [u8]; 3] {
    [
        include_bytes!("../../firmware-bridge/tests/data/p1-telegrams/telegram_v2_2.txt"),
        include_bytes!("../../firmware-bridge/tests/data/p1-telegrams/telegram_v4_2.txt"),
        include_bytes!("../../firmware-bridge/tests/data/p1-telegrams/telegram_v5.txt"),
    ]
}

pub fn p1_stream_seeds() -> Vec<Vec<u8>> {
    telegrams().map(<[u8]>::to_vec).into()
}

pub fn p1_sealed_seeds() -> Vec<Vec<u8>> {
    let inside = |telegram: &[u8]| {
        let end = telegram.iter().position(|b| *b == b'!').unwrap_or(1);
        telegram[1..end].to_vec()
    };
    telegrams()[1..]
        .iter()
        .map(|telegram| inside(telegram))
        .collect()
}

pub fn sml_stream(input: &[u8]) -> bool {
    let mut accepted = false;
    for file in whole(Files::default(), input) {
        accepted |= sml_file(&file);
    }
    accepted
}

/// Messages behind a check sum of the file that always fits; their own need not.
pub fn sml_file(input: &[u8]) -> bool {
    if input.len() > sml::transport::MAX_FILE {
        return false;
    }
    let again = whole(Files::default(), &framed(input));
    if input.len() < sml::transport::MAX_FILE / 3 {
        assert_eq!(again, [input], "what is framed is cut out again");
    }
    match lists(input).and_then(|lists| sml::samples(&lists, None)) {
        Ok(samples) => {
            believable(&samples);
            !samples.is_empty()
        }
        Err(why) => {
            short(&why);
            false
        }
    }
}

/// The same with the check sum of each message made to fit, where its end can be told.
pub fn sml_sealed(input: &[u8]) -> bool {
    let mut file = input.to_vec();
    let mut start = 0;
    for at in 0..file.len().saturating_sub(3) {
        let ends = file[at] == 0x63 && file[at + 3] == 0;
        if ends && file.get(at + 4).is_none_or(|next| *next == 0x76) {
            let sum = crc_x25(&file[start..at]).to_le_bytes();
            file[at + 1..at + 3].copy_from_slice(&sum);
            start = at + 4;
        }
    }
    sml_file(&file)
}

fn dumps() -> [&'static [u8]; 3] {
    [
        include_bytes!("../../firmware-bridge/tests/data/sml/EMH_eHZ361L5R.bin"),
        include_bytes!("../../firmware-bridge/tests/data/sml/DZG_DVS-7412.2_jmberg.bin"),
        include_bytes!("../../firmware-bridge/tests/data/sml/HOLLEY_DTZ541-BDBA_with_PIN.bin"),
    ]
}

pub fn sml_stream_seeds() -> Vec<Vec<u8>> {
    dumps().map(<[u8]>::to_vec).into()
}

pub fn sml_file_seeds() -> Vec<Vec<u8>> {
    dumps()
        .iter()
        .flat_map(|dump| whole(Files::default(), dump))
        .collect()
}

pub fn sml_sealed_seeds() -> Vec<Vec<u8>> {
    sml_file_seeds()
}

pub fn emon_stream(input: &[u8]) -> bool {
    !whole(Lines::default(), input).is_empty()
}

pub fn emon_stream_seeds() -> Vec<Vec<u8>> {
    let lines = emon_line_seeds();
    vec![[b"E1:7\r\n", &lines[0][..], b"\r\n", &lines[1][..], b"\r\n"].concat()]
}

/// One line; every value it holds was written in it.
pub fn emon_line(input: &[u8]) -> bool {
    let Some(text) = crate::text(input) else {
        return false;
    };
    match Line::read(text) {
        Ok(line) => {
            let values = line.pairs().map(|(name, _)| {
                assert!(text.contains(name), "{name}");
            });
            assert!((1..=MAX_VALUES).contains(&values.count()));
            true
        }
        Err(why) => {
            short(&why);
            false
        }
    }
}

pub fn emon_line_seeds() -> Vec<Vec<u8>> {
    vec![
        b"MSG:59795,Vrms:245.85,P1:84,E1:9999,T1:22.75,pulse:1".to_vec(),
        br#"{"MSG":59795,"Vrms":245.85,"P1":-84,"E1":9999,"pulse":1}"#.to_vec(),
    ]
}
