//! Commissioning: one meter, checked with its dial beside it, and a sheet for the file.
//!
//! The gateway reads the meter, a person types what the dial shows, the gateway reads again. The
//! dial must lie between the two reads, give or take one step of its last digit; where it does not,
//! a slip by a power of ten is named, because that is a scale factor or a current transformer. Then
//! the clock is looked at, and a note is written to the backlog's disk and read back. What came of it
//! is a [`Sheet`]: one page as text and HTML, dated, with lines to sign, to be filed with the FIT or
//! SEG papers. A sheet that did not pass says so in its first sentence.

mod device;
mod dial;
mod disk;
mod html;
mod text;

use std::path::PathBuf;

use jiff::{Timestamp, Zoned, tz::TimeZone};

pub use device::{Inspected, Line, inspect};
pub use dial::{Dial, NotADial, Verdict};
pub use disk::SelfTest;

use crate::{
    clock::ClockState,
    source::{SourceConfig, SourceError, modbus::Buses},
};

/// What is to be commissioned, and for which papers.
#[derive(Clone, Debug)]
pub struct Order {
    /// The gateway's id.
    pub gateway: String,
    /// Fingerprint of the key it signs with, where it signs.
    pub key: Option<String>,
    /// IANA zone of the roof.
    pub zone: String,
    /// The source that reads the meter.
    pub source: SourceConfig,
    /// The meter; may be left out where the source has only one.
    pub meter: Option<String>,
    /// The roof, as the papers call it.
    pub site: Option<String>,
    /// Who does it.
    pub by: Option<String>,
    /// The backlog's folder.
    pub backlog: PathBuf,
}

/// Why nothing was commissioned.
#[derive(Debug, thiserror::Error)]
pub enum CommissionError {
    /// The meter could not be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The meter has to be named.
    #[error("the source has the meters {0}\nhint: name one with `--meter`")]
    WhichMeter(String),
    /// The source has no such meter.
    #[error("the source has no meter `{wanted}`; it has {there}")]
    NoSuchMeter {
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: String,
    },
    /// The meter shows no energy.
    #[error(
        "`{0}` shows no energy register now\nhint: an inverter shows none at night; come back by day"
    )]
    ShowsNothing(String),
    /// A register had another number at the second read, or none.
    #[error("`{meter}` shows no {register} any more\nhint: begin again")]
    Vanished {
        /// The meter.
        meter: String,
        /// The register.
        register: String,
    },
    /// The zone is none.
    #[error("`{0}` is no time zone; expected such as `Europe/London`")]
    Zone(String),
}

/// One register of the sheet.
#[derive(Clone, Debug)]
pub struct Checked {
    /// As it was read before the dial was.
    pub before: Line,
    /// As it was read afterwards, in Wh.
    pub after_wh: u64,
    /// The dial, where somebody read it, and what came of it.
    pub dial: Option<(Dial, Verdict)>,
}

/// What came of a commissioning.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// When, in the roof's zone.
    pub at: Zoned,
    /// How far the gateway's clock could be trusted then.
    pub clock: ClockState,
    /// What was ordered.
    pub order: Order,
    /// The meter's serial text.
    pub meter: String,
    /// What the device says about itself, and where it is.
    pub facts: Vec<(String, String)>,
    /// Its energy registers.
    pub registers: Vec<Checked>,
    /// The backlog's self-test, or why it failed.
    pub disk: Result<SelfTest, String>,
}

/// One thing that must be settled before the meter's reads are used.
pub type Doubt = String;

/// Reads, asks for the dial of each register, reads again, and looks at clock and disk.
///
/// `ask` is shown a register and gives what the dial shows; none where nobody can see it.
///
/// # Errors
/// [`CommissionError`]. A dial that differs is no error but a sheet that did not pass.
pub async fn commission(
    order: Order,
    buses: &Buses,
    now: Timestamp,
    clock: ClockState,
    mut ask: impl FnMut(&Line) -> Option<Dial>,
) -> Result<Sheet, CommissionError> {
    let zone = TimeZone::get(&order.zone).map_err(|_| CommissionError::Zone(order.zone.clone()))?;
    let before = inspect(&order.source, buses).await?;
    let meter = choose(&before, order.meter.as_deref())?;
    let lines: Vec<Line> = before.lines_of(&meter).cloned().collect();
    if lines.iter().all(|line| line.wh.is_none()) {
        return Err(CommissionError::ShowsNothing(meter));
    }
    let dials: Vec<Option<Dial>> = lines
        .iter()
        .map(|line| line.wh.and_then(|_| ask(line)))
        .collect();
    let after = inspect(&order.source, buses).await?;
    let mut registers = Vec::new();
    for (line, dial) in lines.into_iter().zip(dials) {
        let Some(before_wh) = line.wh else { continue };
        let after_wh = after
            .lines_of(&meter)
            .find(|other| other.register == line.register)
            .and_then(|other| other.wh)
            .ok_or_else(|| CommissionError::Vanished {
                meter: meter.clone(),
                register: line.register.clone(),
            })?;
        registers.push(Checked {
            dial: dial.map(|dial| {
                let verdict = dial.against(before_wh, after_wh);
                (dial, verdict)
            }),
            before: line,
            after_wh,
        });
    }
    let disk = disk::test(&order.backlog, now).map_err(|e| e.to_string());
    Ok(Sheet {
        at: now.to_zoned(zone),
        clock,
        facts: before.facts_of(&meter),
        meter,
        registers,
        disk,
        order,
    })
}

fn choose(inspected: &Inspected, wanted: Option<&str>) -> Result<String, CommissionError> {
    let mut meters: Vec<&str> = inspected.lines.iter().map(|line| &*line.meter).collect();
    meters.dedup();
    match (wanted, meters.as_slice()) {
        (Some(wanted), all) if all.contains(&wanted) => Ok(wanted.to_owned()),
        (Some(wanted), all) => Err(CommissionError::NoSuchMeter {
            wanted: wanted.to_owned(),
            there: all.join(", "),
        }),
        (None, [one]) => Ok((*one).to_owned()),
        (None, []) => Err(CommissionError::ShowsNothing(inspected.name.clone())),
        (None, all) => Err(CommissionError::WhichMeter(all.join(", "))),
    }
}

impl Sheet {
    /// What must be settled before the meter's reads are used; empty when all is well.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut doubts = Vec::new();
        for checked in &self.registers {
            if let Some((dial, verdict @ Verdict::Differs { .. })) = &checked.dial {
                doubts.push(format!(
                    "Register {} shows {} and the dial {} kWh: {verdict}.",
                    checked.before.register,
                    kwh(checked.after_wh),
                    dial
                ));
            }
        }
        if self.registers.iter().all(|checked| checked.dial.is_none()) {
            doubts.push("Nobody compared the dial.".to_owned());
        }
        match self.clock {
            ClockState::Synced | ClockState::Informative => {}
            ClockState::Unknown => doubts.push(
                "The gateway's clock is not kept by a time server: its reads are taken with the \
                 times it says, and nobody can say whether these are right."
                    .to_owned(),
            ),
            ClockState::Relative => doubts.push(
                "The gateway's clock was never set: its reads wait on the gateway until it is."
                    .to_owned(),
            ),
        }
        if let Err(why) = &self.disk {
            doubts.push(format!(
                "The backlog's disk failed its test: {}.",
                first_line(why)
            ));
        }
        doubts
    }

    /// Whether the meter's reads may be used.
    pub fn passed(&self) -> bool {
        self.doubts().is_empty()
    }

    /// What happened, in one sentence.
    pub fn sentence(&self) -> String {
        let date = self.date();
        let (gateway, meter) = (&self.order.gateway, &self.meter);
        if !self.passed() {
            return format!(
                "On {date} gateway {gateway} read meter {meter}, but not everything is in order yet: do not use its reads before the points below are settled."
            );
        }
        let shown: Vec<String> = self
            .registers
            .iter()
            .filter(|checked| checked.dial.is_some())
            .map(|checked| {
                format!(
                    "{} {}",
                    kwh(checked.after_wh),
                    meaning(&checked.before.register)
                )
            })
            .collect();
        format!(
            "On {date} gateway {gateway} read meter {meter} as its dial shows it: {}.",
            shown.join(" and ")
        )
    }

    /// `22 November 2026`.
    pub fn date(&self) -> String {
        self.at.strftime("%-d %B %Y").to_string()
    }

    /// `22 November 2026, 14:05:09 (Europe/London)`.
    pub fn moment(&self) -> String {
        format!(
            "{} ({})",
            self.at.strftime("%-d %B %Y, %H:%M:%S"),
            self.order.zone
        )
    }

    /// How the clock is kept, in words.
    pub fn clock_words(&self) -> &'static str {
        match self.clock {
            ClockState::Synced => "kept by a time server (S)",
            ClockState::Informative => "kept by something that cannot be asked (I)",
            ClockState::Relative => "right only relative to the gateway's start (R)",
            ClockState::Unknown => "kept by nobody we know of (U)",
        }
    }

    /// The same as JSON: energy in Wh, instants in UTC.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "meter": self.meter,
            "gateway": self.order.gateway,
            "site": self.order.site,
            "by": self.order.by,
            "at": self.at.timestamp(),
            "clock": self.clock.letter(),
            "facts": self.facts.iter().map(|(k, v)| serde_json::json!([k, v])).collect::<Vec<_>>(),
            "registers": self.registers.iter().map(|checked| serde_json::json!({
                "register": checked.before.register,
                "place": checked.before.place,
                "raw": checked.before.raw,
                "scale": checked.before.scale,
                "before_wh": checked.before.wh,
                "after_wh": checked.after_wh,
                "dial_kwh": checked.dial.as_ref().map(|(dial, _)| dial.to_string()),
                "agrees": checked.dial.as_ref().map(|(_, verdict)| *verdict == Verdict::Agrees),
            })).collect::<Vec<_>>(),
            "backlog_ms": self.disk.as_ref().ok().map(|test| test.took_ms),
            "doubts": self.doubts(),
            "passed": self.passed(),
        })
    }

    /// The page for a printer, whole in itself.
    pub fn html(&self) -> String {
        html::page(self)
    }

    /// The page as plain text.
    pub fn text(&self) -> String {
        text::page(self)
    }

    /// What the sheet's files are called, without their ending. One that did not pass is told by its
    /// name, and can never stand in the place of one that did.
    pub fn file_name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let meter: String = self.meter.chars().map(plain).collect();
        let day = self.at.strftime("%Y-%m-%d");
        let end = if self.passed() { "" } else { "-to-settle" };
        format!("commission-{meter}-{day}{end}")
    }
}

/// `12,345.678 kWh`.
fn kwh(wh: u64) -> String {
    let digits = (wh / 1000).to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{:03} kWh", wh % 1000)
}

/// What a register counts, in words.
fn meaning(register: &str) -> &'static str {
    match register {
        "1.8.0" => "taken in",
        "2.8.0" => "made or given out",
        _ => "counted",
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
