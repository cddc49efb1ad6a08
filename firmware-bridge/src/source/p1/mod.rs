//! Dutch and Belgian meters: DSMR P1, versions 2.2, 4 and 5.
//!
//! The meter sends a telegram each 1 or 10 s while its port is asked to (the cable does that). A
//! poll throws away what came before and takes the next whole one. [`telegram`] holds the form; here
//! is what the data sets mean:
//!
//! - the four registers are the tariffs `1.8.1`, `1.8.2` (from the grid) and `2.8.1`, `2.8.2` (to
//!   the grid), each a register of its own; the meter has no total, and none is made up;
//! - power goes with the register of the tariff in force (`96.14.0`), the only one that moves;
//! - the time is the meter's, where it says with `S` or `W` which one it is (from DSMR 4 on);
//! - everything else is left out, by [`left_out`] with a reason. Gas, water and heat are the
//!   readings of other meters behind this one, and no electricity.
//!
//! The decoder is our own: crate dsmr5 0.4 needs a check sum, which DSMR 2.2 has not, and gives
//! registers as floats.
//!
//! A telegram of DSMR 2.2 has no check sum. It counts only when every number in it has its full
//! width and the telegram after it shows the same registers or up to 1 kWh more; the registers are
//! then those of the first.

pub mod telegram;

use std::time::Duration;

use serde::Deserialize;

use super::{
    MeterState, Sample, Source, SourceError,
    port::{Frames, Parity, Port, Wait, gone, malformed},
    text::{Code, DataSet, Decimal, Unreadable, energy_wh, power_w, shown},
};
use telegram::{Cutter, Telegram, time};

const HINT: &str = "look at the cable and `baud`: 9600 and `framing = \"7E1\"` for DSMR 2.2";
/// What a register may rise from one telegram without a check sum to the next, 10 s later: a main
/// fuse of 3 × 80 A lets 0.15 kWh through.
const MAX_RISE_WH: u64 = 1_000;

/// `[[source]]` of `kind = "p1"`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the meter's serial or the port.
    pub name: Option<String>,
    /// Path of the serial port, or `tcp:host:port`.
    pub port: String,
    /// 115200 for DSMR 4 and 5, 9600 for 2.2.
    #[serde(default = "baud")]
    pub baud: u32,
    /// How a byte goes over the line: `8N1`, or `7E1` for DSMR 2.2.
    #[serde(default = "framing")]
    pub framing: Parity,
    /// The meter's serial, instead of what it shows under `96.1.1`.
    pub meter: Option<String>,
    /// How long to wait for a whole telegram, or for two without check sums.
    #[serde(default = "timeout_s")]
    pub timeout_s: u64,
}

fn baud() -> u32 {
    115_200
}

fn framing() -> Parity {
    Parity::None
}

fn timeout_s() -> u64 {
    35
}

/// A meter on its P1 port.
#[derive(Debug)]
pub struct P1 {
    config: Config,
}

impl P1 {
    /// Makes the source; touches no wire.
    pub fn new(config: Config) -> Self {
        P1 { config }
    }

    fn understood<T>(&self, result: Result<T, Unreadable>) -> Result<T, SourceError> {
        result.map_err(|why| {
            malformed(
                &self.config.port,
                why,
                "set `meter` if the serial is missing",
            )
        })
    }
}

impl Source for P1 {
    fn name(&self) -> &str {
        let config = &self.config;
        let called = config.name.as_deref().or(config.meter.as_deref());
        called.unwrap_or(&config.port)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.config.timeout_s) + Duration::from_secs(5)
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        let mut port = Port::open(&self.config.port, self.config.baud).await?;
        port.discard()
            .await
            .map_err(|error| gone(&self.config.port, &error))?;
        let wait = Wait {
            address: &self.config.port,
            parity: self.config.framing,
            within: Duration::from_secs(self.config.timeout_s),
            hint: HINT,
        };
        let mut telegrams = Frames::new(&mut port, Cutter::default(), wait);
        let meter = self.config.meter.as_deref();
        let first = self.understood(read(&telegrams.next().await?, meter))?;
        if !first.checked {
            let second = self.understood(read(&telegrams.next().await?, meter))?;
            self.understood(confirmed(&first, &second))?;
        }
        for (id, why) in &first.left_out {
            tracing::trace!(port = self.config.port, id, why, "left out");
        }
        Ok(first.samples)
    }
}

/// What a telegram says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The four registers, or as many as the meter has.
    pub samples: Vec<Sample>,
    /// Did the telegram have a check sum?
    pub checked: bool,
    /// Data sets that are no register of this meter, and why.
    pub left_out: Vec<(String, &'static str)>,
}

/// Reads the registers of a telegram; `meter` stands for the serial where it is given.
///
/// # Errors
/// [`Unreadable`] when a line, a register or the time cannot be read, a register comes twice, or
/// there is no serial.
pub fn read(telegram: &Telegram, meter: Option<&str>) -> Result<Reading, Unreadable> {
    let sets = telegram.sets()?;
    let first = |id: &str| Some(sets.iter().find(|set| set.id == id)?.values[0].text);
    let serial = match (meter, first("0-0:96.1.1").filter(|text| !text.is_empty())) {
        (Some(meter), _) => meter.to_owned(),
        (None, Some(shown)) => spelt_out(shown),
        (None, None) => {
            return Err(Unreadable::new(
                "no serial (`96.1.1`)",
                "the meter's serial",
            ));
        }
    };
    let meter_time = match first("0-0:1.0.0") {
        Some(text) => {
            Some(time(text).ok_or_else(|| Unreadable::new(shown(text), "a time with `S` or `W`"))?)
        }
        None => None,
    };
    let tariff = first("0-0:96.14.0").and_then(|text| text.parse::<u8>().ok());
    let mut samples: Vec<Sample> = Vec::new();
    let mut left_out = Vec::new();
    for set in &sets {
        if let Some(why) = left_out_because(set) {
            left_out.push((set.id.to_owned(), why));
            continue;
        }
        let Some(code) = Code::read(set.id) else {
            continue;
        };
        let sample = Sample {
            meter: serial.clone(),
            register: code.register(),
            wh: register_wh(set, telegram.checked)?,
            w: (tariff == Some(code.e))
                .then(|| power_of(&sets, code.c))
                .flatten(),
            state: MeterState::Good,
            meter_time,
        };
        if samples
            .iter()
            .any(|other| other.register == sample.register)
        {
            let found = format!("register `{}` twice", sample.register);
            return Err(Unreadable::new(found, "each register once"));
        }
        samples.push(sample);
    }
    if samples.is_empty() {
        return Err(Unreadable::new("no register", "`1.8.1` to `2.8.2`"));
    }
    Ok(Reading {
        samples,
        checked: telegram.checked,
        left_out,
    })
}

/// Why a data set is no register of this meter; none when it is one.
fn left_out_because(set: &DataSet<'_>) -> Option<&'static str> {
    let Some(code) = Code::read(set.id) else {
        return Some("no code of a value");
    };
    match code {
        code if code.is_energy_register() => None,
        Code { a: 0, b: 1.., .. } => Some("of another meter on the M-Bus: gas, water or heat"),
        Code { a: 0, .. } => Some("about the meter itself"),
        Code { d: 7, .. } => Some("a value of now, no register"),
        _ => Some("neither import nor export of active energy"),
    }
}

fn register_wh(set: &DataSet<'_>, checked: bool) -> Result<u64, Unreadable> {
    let [value] = set.values[..] else {
        return Err(Unreadable::new(shown(&set.to_string()), "one value"));
    };
    // F9(3,3) of DSMR 2.2, P1 companion standard: five digits, a point, three digits. Without a
    // check sum a digit that was lost would go unseen otherwise.
    if !checked && (value.text.len() != 9 || value.text.as_bytes()[5] != b'.') {
        return Err(Unreadable::new(
            shown(value.text),
            "five digits, a point, three digits",
        ));
    }
    energy_wh(Decimal::read(value.text)?, value.unit.unwrap_or_default())
}

fn power_of(sets: &[DataSet<'_>], direction: u8) -> Option<i32> {
    let id = format!("1-0:{direction}.7.0");
    let value = sets.iter().find(|set| set.id == id)?.values[0];
    power_w(Decimal::read(value.text).ok()?, value.unit?)
}

/// The serial as it is printed on the meter: `4B38…` is `K8…`. What is no printable text stays in
/// hex.
fn spelt_out(hex: &str) -> String {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let text = digits
        .filter(|digits| digits.len() % 2 == 0)
        .and_then(|digits| {
            let bytes: Vec<u8> = digits
                .chunks_exact(2)
                .map(|two| two[0] << 4 | two[1])
                .collect();
            let printed = !bytes.is_empty() && bytes.iter().all(u8::is_ascii_alphanumeric);
            printed.then(|| String::from_utf8(bytes).ok()).flatten()
        });
    text.unwrap_or_else(|| hex.to_owned())
}

/// Does the telegram after one without a check sum bear it out?
fn confirmed(first: &Reading, second: &Reading) -> Result<(), Unreadable> {
    let same = first.samples.len() == second.samples.len();
    let bears = |(a, b): (&Sample, &Sample)| {
        let rise = b.wh.checked_sub(a.wh);
        a.meter == b.meter && a.register == b.register && rise.is_some_and(|wh| wh <= MAX_RISE_WH)
    };
    if same && first.samples.iter().zip(&second.samples).all(bears) {
        Ok(())
    } else {
        Err(Unreadable::new(
            "two telegrams without check sums that do not agree",
            "the same registers, or up to 1 kWh more",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const V2_2: &str = include_str!("../../../tests/data/p1-telegrams/telegram_v2_2.txt");
    const V4_2: &str = include_str!("../../../tests/data/p1-telegrams/telegram_v4_2.txt");
    const V5: &str = include_str!("../../../tests/data/p1-telegrams/telegram_v5.txt");

    fn reading(text: &str) -> Reading {
        read(&Telegram::read(text.as_bytes()).unwrap(), None).unwrap()
    }

    fn table(reading: &Reading) -> String {
        let lines = reading.samples.iter().map(|sample| {
            let time = sample
                .meter_time
                .map(|at| at.to_string())
                .unwrap_or_default();
            let w = sample.w.map(|w| format!("{w} W")).unwrap_or_default();
            format!(
                "{} {} {} [{w}] [{time}]\n",
                sample.meter, sample.register, sample.wh
            )
        });
        lines.collect()
    }

    #[test]
    fn three_versions_show_their_registers_to_the_wh() {
        assert_eq!(
            table(&reading(V2_2)),
            "00000000000000 1.8.1 1001 [1010 W] []\n\
             00000000000000 1.8.2 1001 [] []\n\
             00000000000000 2.8.1 1001 [0 W] []\n\
             00000000000000 2.8.2 1001 [] []\n"
        );
        assert_eq!(
            table(&reading(V4_2)),
            "3960221976967177082151037881335713 1.8.1 1581123 [] [2016-11-13T19:57:57Z]\n\
             3960221976967177082151037881335713 1.8.2 1435706 [2027 W] [2016-11-13T19:57:57Z]\n\
             3960221976967177082151037881335713 2.8.1 0 [] [2016-11-13T19:57:57Z]\n\
             3960221976967177082151037881335713 2.8.2 0 [0 W] [2016-11-13T19:57:57Z]\n"
        );
        assert_eq!(
            table(&reading(V5)),
            "K8EG004046395507 1.8.1 4426 [] [2017-01-02T18:20:02Z]\n\
             K8EG004046395507 1.8.2 2399 [244 W] [2017-01-02T18:20:02Z]\n\
             K8EG004046395507 2.8.1 2444 [] [2017-01-02T18:20:02Z]\n\
             K8EG004046395507 2.8.2 0 [0 W] [2017-01-02T18:20:02Z]\n"
        );
    }

    #[test]
    fn gas_is_left_out_because_it_is_another_meters() {
        for (text, id) in [
            (V2_2, "0-1:24.3.0"),
            (V4_2, "0-1:24.2.1"),
            (V5, "0-1:24.2.1"),
        ] {
            let reading = reading(text);
            let why = reading
                .left_out
                .iter()
                .find(|(left, _)| left == id)
                .unwrap()
                .1;
            assert_eq!(why, "of another meter on the M-Bus: gas, water or heat");
        }
    }

    #[test]
    fn a_flipped_bit_of_a_telegram_with_a_check_sum_is_refused() {
        for at in 1..V5.len() - 2 {
            for bit in 0..8 {
                let mut bytes = V5.as_bytes().to_vec();
                bytes[at] ^= 1 << bit;
                let again = Telegram::read(&bytes);
                // The case of a hex digit of the check sum carries nothing.
                let same = again
                    .as_ref()
                    .is_ok_and(|t| *t == Telegram::read(V5.as_bytes()).unwrap());
                assert!(again.is_err() || same, "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn without_a_check_sum_a_lost_digit_and_a_disagreement_are_refused() {
        let short = V2_2.replacen("(00001.001*kWh)", "(0001.001*kWh)", 1);
        let telegram = Telegram::read(short.as_bytes()).unwrap();
        assert!(
            read(&telegram, None)
                .unwrap_err()
                .found
                .contains("0001.001")
        );
        let first = reading(V2_2);
        let other = |text: &str| reading(&V2_2.replacen("(00001.001*kWh)", text, 1));
        for (text, stands) in [
            ("(00001.001*kWh)", true),
            ("(00002.001*kWh)", true),
            ("(00002.002*kWh)", false),
            ("(00001.000*kWh)", false),
        ] {
            assert_eq!(confirmed(&first, &other(text)).is_ok(), stands, "{text}");
        }
    }

    #[test]
    fn a_stream_is_cut_at_its_slashes_after_noise() {
        let mut cutter = Cutter::default();
        let stream = [&V5[300..], "\u{1}\u{2}noise!\r\n", &V4_2[..500], V5, V2_2].concat();
        let ends: Vec<bool> = stream
            .bytes()
            .filter_map(|byte| super::super::port::Framer::push(&mut cutter, byte))
            .map(|end| end.is_ok())
            .collect();
        assert_eq!(ends, [false, true, true]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn registers_written_into_a_telegram_read_back(wh in proptest::array::uniform4(0_u64..1_000_000_000)) {
            let [a, b, c, d] = wh;
            let kwh = |wh: u64| format!("{:06}.{:03}*kWh", wh / 1000, wh % 1000);
            let body = format!(
                "/ABC5x\r\n\r\n1-3:0.2.8(50)\r\n0-0:96.1.1(4131)\r\n1-0:1.8.1({})\r\n1-0:1.8.2({})\r\n1-0:2.8.1({})\r\n1-0:2.8.2({})\r\n!",
                kwh(a), kwh(b), kwh(c), kwh(d),
            );
            let text = format!("{body}{:04X}\r\n", telegram::crc16(body.as_bytes()));
            let read: Vec<u64> = reading(&text).samples.iter().map(|s| s.wh).collect();
            prop_assert_eq!(read, vec![a, b, c, d]);
        }
    }
}
