//! The real daemon on a folder of its own: one society of many meters, gateways with their tokens,
//! and what the command line says of it.

use std::{
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::load;

const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder, its configuration, and the port it listens on.
pub struct Household {
    data: PathBuf,
    /// The daemon's configuration file.
    pub config: PathBuf,
    /// Where the endpoint listens.
    pub port: u16,
    /// The gateways' tokens in order, with spaces between.
    pub tokens: String,
}

/// The daemon; dropping it kills it.
pub struct Running(Child);

impl Household {
    /// Applies a society with so many gateways (`g0`, …) of so many meters each (as the load
    /// generator names them), and writes a configuration that ends with `influx`.
    pub fn new(
        folder: &Path,
        gateways: usize,
        meters: usize,
        influx: &str,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut household = Household {
            data: folder.join("data"),
            config: folder.join("commonwatt.toml"),
            port,
            tokens: String::new(),
        };
        let config = format!(
            "[http]\nlisten = \"\"\n[mqtt]\nlisten = \"127.0.0.1:{port}\"\nmax_bytes_per_gateway_per_day = 1099511627776\n{influx}"
        );
        std::fs::write(&household.config, config)?;
        let file = folder.join("society.toml");
        std::fs::write(&file, society(gateways, meters))?;
        household.ask(&["society", "apply", &file.display().to_string()])?;
        let tokens = (0..gateways).map(|number| {
            let said = household.ask(&["gateway", "token", &format!("g{number}")])?;
            let token = said["token"].as_str().context("a token is printed")?;
            Ok(token.to_owned())
        });
        household.tokens = tokens.collect::<anyhow::Result<Vec<_>>>()?.join(" ");
        Ok(household)
    }

    /// Starts the daemon and waits until it listens.
    pub fn start(&self) -> anyhow::Result<Running> {
        let child = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .arg("--data")
            .arg(&self.data)
            .arg("serve")
            .arg("--config")
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let running = Running(child);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            anyhow::ensure!(Instant::now() < until, "the daemon does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(running)
    }

    /// A command on the folder, ready to run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_commonwatt"));
        command
            .args(["--output", "json", "--data"])
            .arg(&self.data)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed; its JSON.
    pub fn ask(&self, args: &[&str]) -> anyhow::Result<Value> {
        let out = self.command(args).output()?;
        anyhow::ensure!(
            out.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&out.stderr)
        );
        serde_json::from_slice(&out.stdout).context("a command printed no JSON")
    }
}

impl Running {
    /// SIGTERM, and the end of it.
    pub fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.0), Signal::TERM)?;
        let status = self.0.wait()?;
        anyhow::ensure!(status.success(), "the daemon ended with {status}");
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Meters of what a building takes in: they may count at any hour.
fn society(gateways: usize, meters: usize) -> String {
    let mut text = String::from(
        "[society]\nslug = \"bench\"\nname = \"Bench\"\nsample = true\n\n[[site]]\nid = \"roof\"\nname = \"The roof\"\nlatitude = \"51.4681\"\nlongitude = \"-0.1030\"\ncapacity_kwp = \"5\"\nsample = true\n",
    );
    for gateway in 0..gateways {
        text += &format!("\n[[gateway]]\nid = \"g{gateway}\"\nsite = \"roof\"\ncadence_s = 10\n");
    }
    for meter in (0..gateways * meters).map(load::meter) {
        text += &format!(
            "\n[[meter_point]]\nid = \"P{meter}\"\nsite = \"roof\"\ncounts = \"import\"\ncapacity_kw = \"5\"\n\n[[meter]]\nserial = \"{meter}\"\nmeter_point = \"P{meter}\"\ninstalled = \"2026-01-01\"\nregister = [{{ code = \"2.8.0\", digits = 9, step_wh = 1 }}]\n"
        );
    }
    text
}
