//! `firmware-bridge status`: how the running gateway stands, from its status file.

use bridge::{config::Config, status::Status};
use jiff::Timestamp;

use super::{Failure, Output, caller, say};

/// What can be typed after `status`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How to print it.
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// Does it. A gateway that does not run is the caller's problem: exit code 1, after the last that is
/// known of it.
///
/// # Errors
/// [`Failure`].
pub fn run(arguments: &Arguments, config: Config) -> Result<(), Failure> {
    let file = &config.status.file;
    let status = Status::read(file).map_err(|error| {
        caller(format!(
            "`{}`: {error}\nhint: does `firmware-bridge run` run, and may it write there?",
            file.display()
        ))
    })?;
    match arguments.output {
        Output::Text => {
            say(&status)?;
        }
        Output::Json => {
            let text = serde_json::to_string(&status).map_err(anyhow::Error::from)?;
            say(format_args!("{text}\n"))?;
        }
    }
    match status.is_fresh(Timestamp::now()) {
        true => Ok(()),
        false => Err(caller(format!(
            "the gateway does not run: this is from {:.0}",
            status.now
        ))),
    }
}
