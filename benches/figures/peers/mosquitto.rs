//! mosquitto, storing nothing.

use std::process::Command;

use anyhow::Context as _;

use super::{Program, find, free_port};
use crate::child;

/// A running broker.
pub struct Mosquitto {
    /// Where it listens on loopback.
    pub port: u16,
    program: Program,
    _folder: tempfile::TempDir,
}

impl Mosquitto {
    /// Starts it with these lines of configuration more.
    pub fn start(more: &str) -> anyhow::Result<Mosquitto> {
        let program = find("mosquitto")
            .context("mosquitto is not installed\nhint: apt-get install mosquitto")?;
        let (folder, port) = (tempfile::tempdir()?, free_port()?);
        let file = folder.path().join("mosquitto.conf");
        let lines = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest none\n{more}"
        );
        std::fs::write(&file, lines)?;
        let program = Program::start(Command::new(program).arg("-c").arg(&file), port)?;
        Ok(Mosquitto {
            port,
            program,
            _folder: folder,
        })
    }

    /// Microseconds of processor time it has used.
    pub fn cpu_us(&self) -> u64 {
        child::cpu_us_of(&self.program.child.id().to_string())
    }
}
