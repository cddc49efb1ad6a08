//! `firmware-bridge scan`.

use super::Failure;

/// What can be typed after `scan`.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

/// Does it.
///
/// # Errors
/// [`Failure`].
pub fn run(_arguments: &Arguments) -> Result<(), Failure> {
    Err(Failure::Caller("not built yet".into()))
}
