//! PostgreSQL 15: one row a read, primary key (meter, time), filled by COPY.

use std::{
    fmt::Write as _,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::{Peer, Program, Read, free_port};

const NAME: &str = "postgresql";

struct Postgres {
    lines: String,
    session: Session,
    _program: Program,
    _folder: tempfile::TempDir,
}

/// psql, kept open.
struct Session {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

fn bin() -> Option<PathBuf> {
    (13..=19)
        .rev()
        .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
        .find(|folder| folder.join("initdb").is_file())
}

pub fn is_installed() -> bool {
    bin().is_some()
}

/// PostgreSQL refuses to run as root: then it runs as the user `postgres` that its package made.
fn user() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = passwd.lines().find(|line| line.starts_with("postgres:"))?;
    let mut fields = line
        .split(':')
        .skip(2)
        .map_while(|field| field.parse().ok());
    Some((fields.next()?, fields.next()?))
}

fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((uid, gid)) = user() {
        command.uid(uid).gid(gid);
    }
    command.env("LC_ALL", "C").current_dir("/");
    command
}

pub fn start() -> anyhow::Result<Box<dyn Peer>> {
    let bin = bin().context("postgresql is not installed")?;
    let (folder, port) = (tempfile::tempdir()?, free_port()?);
    if let Some((uid, gid)) = user() {
        std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid))?;
    }
    let data = folder.path().join("data");
    let made = command(&bin.join("initdb"))
        .args(["-A", "trust", "-U", "postgres", "-D"])
        .arg(&data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !made.success() {
        bail!("initdb: {made}");
    }
    let mut server = command(&bin.join("postgres"));
    server
        .arg("-D")
        .arg(&data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1", "-k", ""])
        .args(["-c", "shared_buffers=1GB", "-c", "max_wal_size=8GB"]);
    let _program = Program::start(&mut server, port)?;
    let mut session = Session::open(&bin.join("psql"), port)?;
    session.ask(
        "CREATE TABLE r (m int4 NOT NULL, at int8 NOT NULL, wh int8 NOT NULL, w int4, PRIMARY KEY (m, at))",
    )?;
    Ok(Box::new(Postgres {
        lines: String::new(),
        session,
        _program,
        _folder: folder,
    }))
}

impl Session {
    fn open(psql: &Path, port: u16) -> anyhow::Result<Session> {
        // The server may listen a moment before it takes anybody in.
        for _ in 0..50 {
            let ready = command(psql)
                .args([
                    "-h",
                    "127.0.0.1",
                    "-p",
                    &port.to_string(),
                    "-U",
                    "postgres",
                    "-c",
                    "SELECT 1",
                ])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            if ready.success() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let mut process = command(psql)
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &port.to_string(),
                "-U",
                "postgres",
                "-qAtX",
            ])
            .args(["-v", "ON_ERROR_STOP=1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = process.stdin.take().context("psql has an input")?;
        let output = process.stdout.take().context("psql has an output")?;
        Ok(Session {
            process,
            input,
            output: BufReader::new(output),
        })
    }

    /// Runs a statement; gives its rows.
    fn ask(&mut self, statement: &str) -> anyhow::Result<Vec<String>> {
        writeln!(self.input, "{statement};")?;
        self.end()
    }

    /// Waits until everything before it is done.
    fn end(&mut self) -> anyhow::Result<Vec<String>> {
        writeln!(self.input, "\\echo end")?;
        self.input.flush()?;
        let mut rows = Vec::new();
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line)? == 0 {
                bail!("psql ended: {:?}", self.process.wait()?);
            }
            match line.trim_end() {
                "end" => return Ok(rows),
                row => rows.push(row.to_owned()),
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Peer for Postgres {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&mut self, reads: &[Read]) -> anyhow::Result<()> {
        self.lines.clear();
        writeln!(self.lines, "COPY r FROM STDIN;")?;
        for r in reads {
            writeln!(self.lines, "{}\t{}\t{}\t{}", r.meter, r.at, r.wh, r.w)?;
        }
        self.lines.push_str("\\.\n");
        self.session.input.write_all(self.lines.as_bytes())?;
        self.session.end()?;
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<u64> {
        self.session.ask("VACUUM ANALYZE r")?;
        self.session.ask("CHECKPOINT")?;
        let rows = self.session.ask("SELECT pg_total_relation_size('r')")?;
        Ok(rows.first().context("a size is a row")?.parse()?)
    }

    fn half_hours(&mut self, meter: u32, from_ms: i64, to_ms: i64) -> anyhow::Result<usize> {
        let rows = self.session.ask(&format!(
            "SELECT at / 1800000, max(wh) FROM r WHERE m = {meter} AND at >= {from_ms} AND at < {to_ms} GROUP BY 1 ORDER BY 1"
        ))?;
        Ok(rows.len())
    }
}
