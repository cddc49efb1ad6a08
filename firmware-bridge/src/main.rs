//! `firmware-bridge`: the gateway on the roof, as a program.

use std::process::ExitCode;

mod cli;

fn main() -> ExitCode {
    cli::main()
}
