//! InfluxDB 1.6.7: two fields a meter, tsi1 index.

use std::{fmt::Write as _, process::Command, time::Duration};

use super::{Peer, Program, Read, find, folder_bytes, free_port, http::Http};

const NAME: &str = "influxdb";

struct Influx {
    http: Http,
    lines: String,
    _program: Program,
    folder: tempfile::TempDir,
}

pub fn is_installed() -> bool {
    find("influxd").is_some()
}

pub fn start() -> anyhow::Result<Box<dyn Peer>> {
    let (folder, port, rpc) = (tempfile::tempdir()?, free_port()?, free_port()?);
    let root = folder.path().display();
    let file = folder.path().join("influxdb.conf");
    std::fs::write(
        &file,
        format!(
            "reporting-disabled = true\nbind-address = \"127.0.0.1:{rpc}\"\n\
             [meta]\n  dir = \"{root}/meta\"\n\
             [data]\n  dir = \"{root}/data\"\n  wal-dir = \"{root}/wal\"\n  index-version = \"tsi1\"\n\
             max-series-per-database = 0\n  max-values-per-tag = 0\n  query-log-enabled = false\n\
             cache-max-memory-size = \"4g\"\n  cache-snapshot-write-cold-duration = \"3s\"\n\
             compact-full-write-cold-duration = \"5s\"\n\
             [monitor]\n  store-enabled = false\n\
             [http]\n  bind-address = \"127.0.0.1:{port}\"\n  log-enabled = false\n\
             [logging]\n  level = \"error\"\n"
        ),
    )?;
    let mut command = Command::new(find("influxd").unwrap_or_default());
    command
        .arg("run")
        .arg("-config")
        .arg(&file)
        .env("HOME", folder.path());
    let _program = Program::start(&mut command, port)?;
    let mut http = Http::connect(port)?;
    http.post("/query?q=CREATE%20DATABASE%20d", b"")?;
    Ok(Box::new(Influx {
        http,
        lines: String::new(),
        _program,
        folder,
    }))
}

impl Peer for Influx {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&mut self, reads: &[Read]) -> anyhow::Result<()> {
        self.lines.clear();
        for r in reads {
            writeln!(
                self.lines,
                "r,m={} wh={}i,w={}i {}",
                r.meter, r.wh, r.w, r.at
            )?;
        }
        self.http
            .post("/write?db=d&precision=ms", self.lines.as_bytes())?;
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<u64> {
        // The cache is written out 3 s, and shards are compacted 5 s, after the last write.
        std::thread::sleep(Duration::from_secs(10));
        let mut before = 0;
        for _ in 0..60 {
            std::thread::sleep(Duration::from_secs(3));
            let now = folder_bytes(self.folder.path())?;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(before)
    }

    fn half_hours(&mut self, meter: u32, from_ms: i64, to_ms: i64) -> anyhow::Result<usize> {
        let path = format!(
            "/query?db=d&epoch=ms&q=SELECT%20last(wh)%20FROM%20r%20WHERE%20m%3D%27{meter}%27%20AND%20time%3E%3D{from_ms}ms%20AND%20time%3C{to_ms}ms%20GROUP%20BY%20time(30m)"
        );
        let body = self.http.get(&path)?;
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        Ok(answer["results"][0]["series"][0]["values"]
            .as_array()
            .map_or(0, Vec::len))
    }
}
