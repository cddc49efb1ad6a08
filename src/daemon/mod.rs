//! Where the rooms are joined: the daemon, and the demo, which is the daemon with simulated roofs.

mod alerts;
mod demo;
mod demo_logins;
mod house;
mod http;
mod keys;
mod metrics;
mod mirror;
mod post;
mod serve;
mod socket;
mod watch;

use std::process::ExitCode;

use crate::cli::{self, args::Command};

/// Runs the program: the daemon, the demo, or one command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    speak_to_log();
    // The one cryptography provider of the process; a second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let code = match &cli.command {
        Command::Serve(serve) => serve::run(&cli, serve),
        Command::Demo(demo) => demo::run(&cli, demo),
        _ => cli::run(&cli),
    };
    ExitCode::from(code)
}

/// Logs go to stderr; `COMMONWATT_LOG` chooses how much (`warn`, `info`, `debug`).
fn speak_to_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("COMMONWATT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,commonwatt=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .init();
}
