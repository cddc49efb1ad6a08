//! The command line: a file a command.
//!
//! Data goes to stdout, words to stderr. Exit code 0 done, 1 the caller's problem, 2 ours.

mod commission;
mod enrol;
mod run;
mod scan;
mod simulate;
mod status;

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use bridge::config::Config;
use clap::{Parser, Subcommand, ValueEnum};

/// Where the configuration lies unless `--config` says otherwise.
pub const CONFIG_FILE: &str = "/etc/firmware-bridge/gateway.toml";

/// The gateway on the roof: reads meters, keeps every read until the daemon has it on disk.
#[derive(Debug, Parser)]
#[command(name = "firmware-bridge", version, about)]
struct Cli {
    /// The gateway's configuration.
    #[arg(long, global = true, value_name = "FILE", default_value = CONFIG_FILE)]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Reads the meters and publishes, until it is told to stop.
    Run(run::Arguments),
    /// Says what is on a bus or at a network address.
    Scan(scan::Arguments),
    /// Checks one meter with its dial beside it and writes a sheet for the file.
    Commission(commission::Arguments),
    /// Makes this gateway's key known to the daemon with a one-time code, or changes it.
    Enrol(enrol::Arguments),
    /// Plays a roof: sun, clouds and chosen faults, or a CSV file.
    Simulate(simulate::Arguments),
    /// Says how the running gateway stands.
    Status(status::Arguments),
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Why a command ended without doing its work.
#[derive(Debug)]
pub enum Failure {
    /// The caller can mend it: exit code 1.
    Caller(String),
    /// Ours, or the machine's: exit code 2.
    Ours(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Failure::Ours(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Caller(what) => f.write_str(what),
            Failure::Ours(error) => write!(f, "{error:#}"),
        }
    }
}

/// Whether somebody still reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Yes.
    All,
    /// Who reads has enough before the end, as `head` does: no error, and no reason to go on.
    Enough,
}

/// Prints data on stdout.
pub fn say(data: impl fmt::Display) -> Result<Heard, Failure> {
    let mut out = io::stdout().lock();
    match write!(out, "{data}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::from(error).context("stdout").into())
        }
        Err(_) => Ok(Heard::Enough),
        Ok(()) => Ok(Heard::All),
    }
}

/// Marks an error as the caller's.
pub fn caller(error: impl fmt::Display) -> Failure {
    Failure::Caller(error.to_string())
}

/// Reads what was typed and does it.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A closed terminal is no reason for another exit code.
            let _ = error.print();
            return ExitCode::from(u8::from(error.use_stderr()));
        }
    };
    tell_on_stderr();
    let done = match cli.command {
        Command::Run(arguments) => load(&cli.config).and_then(|c| run::run(&arguments, c)),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Commission(arguments) => {
            load(&cli.config).and_then(|c| commission::run(&arguments, c))
        }
        Command::Enrol(arguments) => load(&cli.config).and_then(|c| enrol::run(&arguments, c)),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Status(arguments) => load(&cli.config).and_then(|c| status::run(&arguments, c)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be listening there either.
            let _ = writeln!(io::stderr(), "error: {failure}");
            ExitCode::from(match failure {
                Failure::Caller(_) => 1,
                Failure::Ours(_) => 2,
            })
        }
    }
}

fn load(file: &std::path::Path) -> Result<Config, Failure> {
    Config::load(file).map_err(caller)
}

fn tell_on_stderr() {
    let wanted = tracing_subscriber::EnvFilter::try_from_env("FIRMWARE_BRIDGE_LOG")
        .unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(wanted)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
