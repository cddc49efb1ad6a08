//! `firmware-bridge scan`.

use std::{io::IsTerminal, time::Duration};

use bridge::{
    scan::{Plan, Progress, scan},
    source::modbus::Address,
};

use super::{Failure, Output, caller, say};

/// What can be typed after `scan`.
///
/// Stop a running gateway first: a line takes one talker, and many inverters take one client.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Where to look: `192.168.1.20`, `192.168.1.20:1502`, `/dev/ttyUSB0` or `/dev/ttyUSB0,19200,8E1`.
    address: Address,
    /// Unit numbers, such as `1`, `1-16` or `1,3,126`. Every one of a serial line and the usual ones
    /// of a network address, unless given.
    #[arg(long, value_parser = units)]
    units: Option<Units>,
    /// Tries the speeds and parities that devices leave the factory with, and the first ten units.
    #[arg(long)]
    every_speed: bool,
    /// How long to wait for each answer, in ms.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(20..=30_000))]
    wait_ms: Option<u64>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

#[derive(Clone, Debug)]
struct Units(Vec<u8>);

/// Does it.
///
/// # Errors
/// [`Failure::Caller`] when nothing is there.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut plan = if arguments.every_speed {
        Plan::every_speed(arguments.address.clone())
    } else {
        Plan::usual(arguments.address.clone())
    };
    if let Some(Units(units)) = &arguments.units {
        plan.units.clone_from(units);
    }
    if let Some(wait_ms) = arguments.wait_ms {
        plan.wait = Duration::from_millis(wait_ms);
    }
    let told = std::io::stderr().is_terminal();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)?;
    let report = runtime
        .block_on(scan(&plan, |progress| match progress {
            Progress::Knocking { unit, done, all } if told => {
                eprint!("\rknocking at unit {unit} ({} of {all}) ", done + 1);
            }
            Progress::Answered { unit } if told => eprintln!("\runit {unit} answers          "),
            Progress::Answered { unit } => eprintln!("unit {unit} answers"),
            Progress::Knocking { .. } => {}
        }))
        .map_err(caller)?;
    if told {
        eprint!("\r{:40}\r", "");
    }
    match arguments.output {
        Output::Text => {
            say(&report)?;
        }
        Output::Json => {
            say(format_args!("{}\n", report.json()))?;
        }
    }
    if report.found.is_empty() {
        return Err(Failure::Caller(format!(
            "nobody answered at `{}`\nhint: check power, wiring (A and B swapped?), speed and parity, and that the gateway is stopped; `--every-speed` tries other speeds",
            report.address
        )));
    }
    Ok(())
}

fn units(text: &str) -> Result<Units, String> {
    let wrong =
        || format!("`{text}` are no unit numbers; expected such as `1`, `1-16` or `1,3,126`");
    let mut units = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from: u8 = from.trim().parse().map_err(|_| wrong())?;
        let to: u8 = to.trim().parse().map_err(|_| wrong())?;
        if from > to {
            return Err(wrong());
        }
        units.extend(from..=to);
    }
    units.sort_unstable();
    units.dedup();
    Ok(Units(units))
}
