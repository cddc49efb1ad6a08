//! `firmware-bridge run`.

use bridge::config::Config;

use super::Failure;

/// What can be typed after `run`.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(_arguments: &Arguments, _config: Config) -> Result<(), Failure> {
    Err(Failure::Caller("not built yet".into()))
}
