//! victoria-metrics: two series a meter, by its import of influx lines.

use std::{fmt::Write as _, process::Command, time::Duration};

use super::{Peer, Program, Read, find, folder_bytes, free_port, http::Http};

const NAME: &str = "victoria-metrics";

struct Victoria {
    http: Http,
    lines: String,
    _program: Program,
    folder: tempfile::TempDir,
}

pub fn is_installed() -> bool {
    find(NAME).is_some()
}

pub fn start() -> anyhow::Result<Box<dyn Peer>> {
    let (folder, port) = (tempfile::tempdir()?, free_port()?);
    let mut command = Command::new(find(NAME).unwrap_or_default());
    command
        .arg(format!("-storageDataPath={}", folder.path().display()))
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .arg("-retentionPeriod=100y")
        .arg("-search.maxPointsPerTimeseries=100000")
        .arg("-search.disableCache");
    let _program = Program::start(&mut command, port)?;
    Ok(Box::new(Victoria {
        http: Http::connect(port)?,
        lines: String::new(),
        _program,
        folder,
    }))
}

impl Peer for Victoria {
    fn name(&self) -> &'static str {
        NAME
    }

    fn write(&mut self, reads: &[Read]) -> anyhow::Result<()> {
        self.lines.clear();
        for r in reads {
            writeln!(
                self.lines,
                "r,m={} wh={},w={} {}",
                r.meter,
                r.wh,
                r.w,
                r.at * 1_000_000
            )?;
        }
        self.http.post("/write", self.lines.as_bytes())?;
        Ok(())
    }

    fn settle(&mut self) -> anyhow::Result<u64> {
        self.http.get("/internal/force_flush")?;
        self.http.get("/internal/force_merge")?;
        // The merge runs in the background: it is over when the folder's size stands still.
        let mut before = 0;
        for _ in 0..60 {
            std::thread::sleep(Duration::from_secs(2));
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
            "/api/v1/query_range?query=last_over_time(r_wh%7Bm%3D%22{meter}%22%7D%5B30m%5D)&start={}&end={}&step=1800",
            from_ms / 1_000 + 1_800,
            to_ms / 1_000,
        );
        let body = self.http.get(&path)?;
        let answer: serde_json::Value = serde_json::from_slice(&body)?;
        Ok(answer["data"]["result"][0]["values"]
            .as_array()
            .map_or(0, Vec::len))
    }
}
