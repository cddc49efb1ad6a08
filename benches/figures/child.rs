//! What is measured runs in a process of its own: this program again, told its role.
//!
//! A child answers one line of JSON to each line on its input, and ends when its input does. The
//! first line it writes says that it is ready.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child as Process, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{back_fill, country, outside_broker, stage};

/// The argument that makes a child of this program.
pub const FLAG: &str = "--child";

/// A running child. Dropping it ends it.
pub struct Child {
    process: Process,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What it said when it was ready.
    pub ready: Value,
}

impl Child {
    /// Starts a child and waits until it is ready.
    pub fn start(role: &str, parameters: &Value) -> anyhow::Result<Child> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([FLAG, role, &parameters.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start this program again")?;
        let input = process.stdin.take();
        let output = process.stdout.take().context("a child has an output")?;
        let mut child = Child {
            process,
            input,
            output: BufReader::new(output),
            ready: Value::Null,
        };
        child.ready = child.line()?;
        Ok(child)
    }

    /// Asks it something.
    pub fn ask(&mut self, question: &str) -> anyhow::Result<Value> {
        let input = self.input.as_mut().context("the child is ending")?;
        writeln!(input, "{question}")?;
        self.line()
    }

    /// A number it said when it was ready.
    pub fn port(&self) -> anyhow::Result<u16> {
        let port = self.ready["port"]
            .as_u64()
            .context("the child said no port")?;
        Ok(u16::try_from(port)?)
    }

    fn line(&mut self) -> anyhow::Result<Value> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!(
                "the measured process ended early: {:?}",
                self.process.wait()?
            );
        }
        Ok(serde_json::from_str(&line)?)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The child's side.
pub fn main(args: &[String]) -> ExitCode {
    let outcome = match args {
        [role, parameters] => serde_json::from_str::<Value>(parameters)
            .context("the parameters are not JSON")
            .and_then(|parameters| match role.as_str() {
                "endpoint" => stage::serve(&parameters),
                "door" => outside_broker::door(&parameters),
                "null" => outside_broker::null(&parameters),
                "country" => country::serve(&parameters),
                "null_sink" => back_fill::null_sink(),
                "crate_write" => back_fill::crate_write(&parameters),
                "bare_write" => back_fill::bare_write(&parameters),
                other => bail!("there is no role `{other}`"),
            }),
        _ => Err(anyhow::anyhow!("expected a role and its parameters")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("    measured process: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says that the child is ready, then answers questions until the input ends.
pub fn answer(
    ready: &Value,
    mut reply: impl FnMut(&str) -> anyhow::Result<Value>,
) -> anyhow::Result<()> {
    say(ready)?;
    for line in std::io::stdin().lock().lines() {
        say(&reply(&line?)?)?;
    }
    Ok(())
}

fn say(value: &Value) -> anyhow::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{value}")?;
    output.flush()?;
    Ok(())
}

/// Microseconds of processor time this process has used.
pub fn cpu_us() -> u64 {
    cpu_us_of("self")
}

/// The same of any process, by its number.
pub fn cpu_us_of(process: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // utime and stime are the 14th and 15th field; the name before them may hold blanks.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    ticks * 10_000
}

/// A size from `/proc/self/status`, such as `VmRSS`, in MB.
pub fn memory_mb(key: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status
        .lines()
        .find(|line| line.starts_with(key))
        .unwrap_or_default();
    let kib: f64 = line
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(f64::NAN);
    kib * 1024.0 / 1e6
}
