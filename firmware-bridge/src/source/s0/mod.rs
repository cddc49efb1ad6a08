//! Pulses of a meter (S0, a LED, a reed contact), counted into a register that survives a power
//! cut.
//!
//! [`input`] listens, [`pulses`] tells pulses from bouncing. The count is kept in `state` by a pair
//! of files ([`super::keep`]), and *only what is saved is given*: a read shows the count as it is
//! on the disk, so that after a power cut the register goes on from its last read or above, never
//! below. A save comes at most each `save_every_s` (60 s unless told otherwise, at least 10): half
//! a million small writes a year, for which cards are made. Polls between two saves give nothing.
//!
//! The worst that is lost: the pulses since the last save when the power goes, those of at most
//! `save_every_s` and one poll, and all pulses while the gateway is off. A stop in order saves
//! first. Whoever needs more takes a meter with a register of its own.

pub mod input;
pub mod pulses;

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{MeterState, Sample, Source, SourceError, emon::pulses_wh, keep::Kept, text::MAX_WH};
use input::{Gpio, Input, Listener};

/// Saves may not come more often than this, in s.
pub const LEAST_SAVE_EVERY_S: u64 = 10;

/// `[[source]]` of `kind = "s0"`. Either `gpio` and `line`, or `port`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What to call it; without one, the meter's serial.
    pub name: Option<String>,
    /// The meter's serial.
    pub meter: String,
    /// The OBIS code of its register: `2.8.0` generation or export, `1.8.0` import.
    #[serde(default = "register")]
    pub register: String,
    /// Pulses a kWh, as printed on the meter.
    pub impulses_per_kwh: u32,
    /// What the meter's own register showed when counting began, in Wh.
    #[serde(default)]
    pub opening_wh: u64,
    /// Folder where the count is kept.
    pub state: PathBuf,
    /// The count is saved, and given, at most so often.
    #[serde(default = "save_every_s")]
    pub save_every_s: u64,
    /// GPIO chip, such as `/dev/gpiochip0`.
    pub gpio: Option<PathBuf>,
    /// Number of the line on the chip.
    pub line: Option<u32>,
    /// The contact pulls the line down.
    #[serde(default = "active_low")]
    pub active_low: bool,
    /// How long the contact has to be still, for a GPIO line.
    #[serde(default = "debounce_ms")]
    pub debounce_ms: u64,
    /// A line of text a pulse: a serial port, `tcp:host:port` or `fifo:/path`.
    pub port: Option<String>,
    /// What a line of `port` says that is a pulse; an empty line or `1` unless given.
    pub pulse: Option<String>,
    /// Speed of the port.
    #[serde(default = "baud")]
    pub baud: u32,
}

fn register() -> String {
    "2.8.0".to_owned()
}

fn save_every_s() -> u64 {
    60
}

fn active_low() -> bool {
    true
}

/// Two thirds of the shortest pulse of EN 62053-31.
fn debounce_ms() -> u64 {
    20
}

fn baud() -> u32 {
    115_200
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    pulses: u64,
    impulses_per_kwh: u32,
    opening_wh: u64,
}

/// A meter that gives pulses.
#[derive(Debug)]
pub struct S0 {
    config: Config,
    input: Input,
    kept: Option<Kept<Count>>,
    count: Count,
    /// Pulses that are not saved yet.
    unsaved: u64,
    saved_at: Option<Instant>,
    listener: Option<Listener>,
    /// Edges lost and lines that are no pulse, since the start, and the last such line.
    doubtful: u64,
    strange: Option<String>,
}

impl S0 {
    /// Makes the source; touches neither wire nor disk.
    ///
    /// # Errors
    /// [`SourceError::Config`] when no input or two are named, or a number cannot be.
    pub fn new(config: Config) -> Result<Self, SourceError> {
        let refuse = |reason: &str, hint| SourceError::Config {
            device: config.meter.clone(),
            reason: reason.to_owned(),
            hint,
        };
        let input = match (&config.gpio, config.line, &config.port) {
            (Some(chip), Some(line), None) => Input::Gpio(Gpio {
                chip: chip.clone(),
                line,
                active_low: config.active_low,
                debounce: Duration::from_millis(config.debounce_ms),
            }),
            (None, None, Some(port)) => Input::Stream {
                port: port.clone(),
                baud: config.baud,
                pulse: config.pulse.clone(),
            },
            _ => {
                return Err(refuse("not one input", "set `gpio` and `line`, or `port`"));
            }
        };
        if config.impulses_per_kwh == 0 || config.opening_wh > MAX_WH {
            return Err(refuse(
                "`impulses_per_kwh` is 0 or `opening_wh` above 2⁵³",
                "take both from the meter's face",
            ));
        }
        if config.save_every_s < LEAST_SAVE_EVERY_S {
            return Err(refuse(
                "`save_every_s` is below 10",
                "each save wears the card; 60 is well",
            ));
        }
        let count = Count {
            pulses: 0,
            impulses_per_kwh: config.impulses_per_kwh,
            opening_wh: config.opening_wh,
        };
        Ok(S0 {
            config,
            input,
            kept: None,
            count,
            unsaved: 0,
            saved_at: None,
            listener: None,
            doubtful: 0,
            strange: None,
        })
    }

    fn open_state(&mut self) -> Result<(), SourceError> {
        if self.kept.is_some() {
            return Ok(());
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name = format!("s0-{}-{}", self.config.meter, self.config.register);
        let name: String = name.chars().map(plain).collect();
        let refuse = |reason: String, hint| SourceError::Config {
            device: self.config.meter.clone(),
            reason,
            hint,
        };
        let (kept, count) = Kept::<Count>::open(&self.config.state, &name)
            .map_err(|why| refuse(why.to_string(), "look at `state`"))?;
        if let Some(count) = count {
            let worth = |count: &Count| (count.impulses_per_kwh, count.opening_wh);
            if worth(&count) != worth(&self.count) {
                let reason = format!(
                    "{} pulses were counted with {} a kWh from {} Wh on",
                    count.pulses, count.impulses_per_kwh, count.opening_wh
                );
                let hint = "another meter, or a mistake put right? Record the exchange with the daemon, give another `meter` or `state`, and set `opening_wh`";
                return Err(refuse(reason, hint));
            }
            self.count = count;
        }
        self.kept = Some(kept);
        Ok(())
    }

    fn gone(&self, reason: String, hint: &'static str) -> SourceError {
        SourceError::Gone {
            device: self.config.meter.clone(),
            reason,
            hint,
        }
    }

    /// Counts in what the listener heard.
    fn hear(&mut self) -> Option<String> {
        let heard = self.listener.as_ref()?.take();
        self.unsaved += heard.pulses;
        self.strange = heard.strange.or(self.strange.take());
        if heard.doubtful > 0 {
            if self.doubtful == 0 {
                // Once; how many they are stands in the status.
                let line = self.strange.as_deref().unwrap_or_default();
                tracing::warn!(meter = self.config.meter, line, "what came was no pulse");
            }
            self.doubtful += heard.doubtful;
        }
        heard.failed
    }

    fn save(&mut self) -> std::io::Result<()> {
        let Some(kept) = &mut self.kept else {
            return Ok(());
        };
        let next = Count {
            pulses: self.count.pulses.saturating_add(self.unsaved),
            ..self.count
        };
        kept.save(&next)?;
        self.count = next;
        self.unsaved = 0;
        self.saved_at = Some(Instant::now());
        Ok(())
    }

    /// Is it time to save? A poll that comes a little early counts as in time.
    fn due(&self) -> bool {
        let most = Duration::from_secs(self.config.save_every_s) * 9 / 10;
        self.saved_at.is_none_or(|at| at.elapsed() >= most)
    }
}

impl Source for S0 {
    fn name(&self) -> &str {
        self.config.name.as_deref().unwrap_or(&self.config.meter)
    }

    fn remark(&self) -> Option<String> {
        let doubtful = self.doubtful;
        let what = match (&self.input, &self.strange) {
            _ if doubtful == 0 => return None,
            (Input::Gpio(_), _) => "edges came faster than they could be read".to_owned(),
            (Input::Stream { .. }, line) => format!(
                "lines were no pulse, the last `{}` (hint: set `pulse` if that is one)",
                line.as_deref().unwrap_or_default()
            ),
        };
        Some(format!("{doubtful} {what}"))
    }

    async fn poll(&mut self) -> Result<Vec<Sample>, SourceError> {
        self.open_state()?;
        if self.listener.is_none() {
            self.listener = Some(Listener::start(&self.input).await?);
        }
        if let Some(reason) = self.hear() {
            self.listener = None;
            return Err(self.gone(
                reason,
                "look at the input; counting starts again at the next poll",
            ));
        }
        if !self.due() {
            return Ok(Vec::new());
        }
        if let Err(error) = self.save() {
            return Err(self.gone(error.to_string(), "is the disk full or read-only?"));
        }
        let wh = pulses_wh(self.count.pulses, self.config.impulses_per_kwh)
            .and_then(|wh| wh.checked_add(self.config.opening_wh))
            .filter(|wh| *wh <= MAX_WH)
            .ok_or_else(|| SourceError::Config {
                device: self.config.meter.clone(),
                reason: "a register above 2⁵³ Wh".to_owned(),
                hint: "look at `impulses_per_kwh` and `opening_wh`",
            })?;
        Ok(vec![Sample {
            meter: self.config.meter.clone(),
            register: self.config.register.clone(),
            wh,
            w: None,
            state: MeterState::Good,
            meter_time: None,
        }])
    }
}

impl Drop for S0 {
    /// A stop in order loses nothing.
    fn drop(&mut self) {
        self.hear();
        if self.unsaved > 0
            && let Err(error) = self.save()
        {
            let pulses = self.unsaved;
            tracing::error!(meter = self.config.meter, pulses, %error, "pulses not saved");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const NOTHING: [u64; 0] = [];

    fn config(folder: &std::path::Path) -> Config {
        let text = format!(
            "meter = 'A1'\nimpulses_per_kwh = 800\nopening_wh = 10\nstate = '{0}'\nport = 'fifo:{0}/pulses'",
            folder.display()
        );
        toml::from_str(&text).unwrap()
    }

    /// A folder with a fifo, open so that writing never waits.
    fn fifo() -> (tempfile::TempDir, std::fs::File) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pulses");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        let both = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .unwrap();
        (folder, both)
    }

    async fn wh(source: &mut S0) -> Vec<u64> {
        // The listener's task reads what the fifo holds.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let samples = source.poll().await.unwrap();
        samples.iter().map(|sample| sample.wh).collect()
    }

    #[tokio::test]
    async fn only_what_is_saved_is_given_and_a_power_cut_takes_nothing_back() {
        let (folder, mut fifo) = fifo();
        let mut source = S0::new(config(folder.path())).unwrap();
        assert_eq!(wh(&mut source).await, [10]);
        fifo.write_all(&b"\n".repeat(1_000)).unwrap();
        assert_eq!(wh(&mut source).await, NOTHING, "not saved yet, not given");
        source.saved_at = None;
        assert_eq!(wh(&mut source).await, [1_260], "1,000 pulses of 1.25 Wh");
        fifo.write_all(&b"1\n".repeat(77)).unwrap();
        assert_eq!(wh(&mut source).await, NOTHING);
        // The power goes: nothing is dropped in order.
        std::mem::forget(std::mem::replace(
            &mut source,
            S0::new(config(folder.path())).unwrap(),
        ));
        let mut again = source;
        assert_eq!(wh(&mut again).await, [1_260]);
    }

    #[tokio::test]
    async fn what_is_no_pulse_is_not_counted_and_is_shown() {
        let (folder, mut fifo) = fifo();
        let mut source = S0::new(config(folder.path())).unwrap();
        assert_eq!(wh(&mut source).await, [10]);
        assert_eq!(source.remark(), None);
        fifo.write_all(b"\nPULSE\nPULSE\n1\n").unwrap();
        source.saved_at = None;
        assert_eq!(wh(&mut source).await, [12], "two pulses of 1.25 Wh");
        let remark = source.remark().unwrap();
        assert!(
            remark.starts_with("2 lines were no pulse, the last `PULSE`"),
            "{remark}"
        );
    }

    #[tokio::test]
    async fn a_stop_in_order_loses_nothing() {
        let (folder, mut fifo) = fifo();
        let mut source = S0::new(config(folder.path())).unwrap();
        assert_eq!(wh(&mut source).await, [10]);
        fifo.write_all(&b"\n".repeat(9)).unwrap();
        assert_eq!(wh(&mut source).await, NOTHING);
        drop(source);
        let mut again = S0::new(config(folder.path())).unwrap();
        assert_eq!(
            wh(&mut again).await,
            [21],
            "9 pulses are 11.25 Wh; the fraction is cut"
        );
    }

    #[tokio::test]
    async fn another_worth_of_a_pulse_does_not_go_on_with_the_old_count() {
        let (folder, _fifo) = fifo();
        let mut source = S0::new(config(folder.path())).unwrap();
        assert_eq!(wh(&mut source).await, [10]);
        drop(source);
        let changed = Config {
            impulses_per_kwh: 1_000,
            ..config(folder.path())
        };
        let error = S0::new(changed)
            .unwrap()
            .poll()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("800 a kWh") && error.contains("hint: "),
            "{error}"
        );
    }

    #[test]
    fn pulses_are_worth_what_the_meter_says_exactly() {
        for (pulses, per_kwh, wh) in [
            (0, 1_000, 0),
            (999, 1_000, 999),
            (1, 800, 1),
            (7, 800, 8),
            (8, 800, 10),
            (3, 10_000, 0),
            (10_000_000_000, 3_200, 3_125_000_000),
            (1, 1, 1_000),
        ] {
            assert_eq!(
                pulses_wh(pulses, per_kwh),
                Some(wh),
                "{pulses} of {per_kwh}"
            );
        }
        assert_eq!(pulses_wh(u64::MAX, 1), None);
    }

    #[test]
    fn an_input_is_named_once() {
        let folder = PathBuf::from("/nowhere");
        for change in [
            |c: &mut Config| c.port = None,
            |c: &mut Config| c.line = Some(17),
            |c: &mut Config| c.impulses_per_kwh = 0,
            |c: &mut Config| c.save_every_s = 9,
        ] {
            let mut config = config(&folder);
            change(&mut config);
            assert!(S0::new(config).is_err());
        }
    }
}
