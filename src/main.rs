//! `commonwatt`: one command, one exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    commonwatt::daemon::main()
}
