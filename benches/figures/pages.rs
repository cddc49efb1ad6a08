//! (m) Pages: the public page of a society and its yearly report while reads come in, and a year by
//! half hours in the explorer; three societies with three years of half hours.
//!
//! wrk asks on the same two cores; each of its connections waits between two requests, so that the
//! rate stays near the one wanted.

use std::{
    fmt::Write as _,
    io::{Read, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use domain::calendar::Instant as At;
use serde_json::json;

use crate::{
    figure::{Figure, Size, round},
    household::Household,
    load::{self, Pace, Plan},
};

/// Requests a second that are wanted.
const RATE: u32 = 500;
/// Connections of wrk.
const CONNECTIONS: u32 = 10;
/// Reads a second beside.
const READS: u32 = 1_000;
const GATEWAYS: usize = 20;
const METERS: usize = 5;
/// The years of the three societies.
const YEARS: std::ops::RangeInclusive<i32> = 2014..=2016;
/// The societies and their generation meters with a roof of its own each.
const SOCIETIES: [(&str, &str, &[&str]); 3] = [
    (
        "bes1",
        include_str!("../../config/demo/bes1.toml"),
        &["SAMPLE-BES1-1"],
    ),
    (
        "bes2",
        include_str!("../../config/demo/bes2.toml"),
        &[
            "SAMPLE-BES2-1",
            "SAMPLE-BES2-2",
            "SAMPLE-BES2-3",
            "SAMPLE-BES2-4",
            "SAMPLE-BES2-5",
        ],
    ),
    (
        "bes3",
        include_str!("../../config/demo/bes3.toml"),
        &["SAMPLE-BES3-1"],
    ),
];

/// What wrk found.
struct Found {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
}

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let seconds: u64 = size.pick(3, 60);
    let mut figure = Figure::new(
        size,
        "pages of three societies with three years of half hours, beside 1,000 reads a second",
        json!({"requests_per_s": RATE, "connections": CONNECTIONS, "reads_per_s": READS, "seconds": seconds}),
    );
    let folder = tempfile::tempdir()?;
    let household = Household::new(&folder.path().join("house"), GATEWAYS, METERS, "")?;
    let http = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let config = std::fs::read_to_string(&household.config)?;
    let listens = format!("listen = \"127.0.0.1:{http}\"");
    std::fs::write(
        &household.config,
        config.replacen("listen = \"\"", &listens, 1),
    )?;
    for (slug, text, meters) in SOCIETIES {
        let file = folder.path().join(format!("{slug}.toml"));
        std::fs::write(&file, text)?;
        household.ask(&["society", "apply", &file.display().to_string()])?;
        let reads = folder.path().join(format!("{slug}.csv"));
        std::fs::write(&reads, years(meters)?)?;
        let reads = reads.display().to_string();
        household.ask(&["reads", "import", &reads, "--society", slug])?;
    }
    let script = folder.path().join("paced.lua");
    let delay_ms = CONNECTIONS * 1_000 / RATE;
    std::fs::write(
        &script,
        format!(
            "function delay() return {delay_ms} end\n\
             function done(summary, latency, requests)\n\
               local e = summary.errors\n\
               print(string.format(\"FOUND %.1f %.3f %.3f %d\", summary.requests / summary.duration * 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.connect + e.read + e.write + e.status + e.timeout))\n\
             end\n"
        ),
    )?;
    let daemon = household.start()?;
    for (turn, (name, path)) in [
        ("public page", "/s/bes2"),
        ("yearly report", "/s/bes2/reports/2016"),
    ]
    .into_iter()
    .enumerate()
    {
        get(http, path)?;
        let plan = Plan {
            address: ([127, 0, 0, 1], household.port).into(),
            connections: GATEWAYS,
            window: 1,
            reads: 1,
            meters: METERS,
            duration: Duration::from_secs(seconds + 2),
            threads: 1,
            prefix: "g".to_owned(),
            password: Some(household.tokens.clone()),
            boot: turn as u64 + 1,
        };
        let pace = Pace {
            per_second: READS,
            first_round: turn as u64
                * (u64::from(READS) * (seconds + 2) / (GATEWAYS * METERS) as u64 + 1),
        };
        let beside = thread::spawn(move || load::run_at(&plan, Some(pace)));
        let found = wrk(http, &script, path, seconds)?;
        let reads = beside.join().ok().context("the load broke off")??;
        let taken = reads.reads_per_second();
        figure.found(
            name,
            json!({"requests_per_s": round(found.rate, 1), "p50_ms": round(found.p50_ms, 2),
                "p99_ms": round(found.p99_ms, 2), "reads_per_s": round(taken, 1)}),
        );
        figure.goal(
            &format!("{name}: p99 under 20 ms at {RATE} requests/s beside {READS} reads/s"),
            found.p99_ms < 20.0
                && found.rate > 0.9 * f64::from(RATE)
                && taken > 0.9 * f64::from(READS),
        );
    }
    let mut worst: f64 = 0.0;
    for year in YEARS {
        let path = format!(
            "/s/bes1/explore?site=elmore-house&from={year}-01-01&to={year}-12-31&step=period&beside=yes"
        );
        let began = Instant::now();
        let page = get(http, &path)?;
        worst = worst.max(began.elapsed().as_secs_f64() * 1_000.0);
        anyhow::ensure!(page.contains("<svg"), "no picture of {year}: {page}");
    }
    figure.found(
        "a year of half hours in the explorer",
        json!({"worst_ms": round(worst, 1)}),
    );
    figure.goal(
        "a year of half hours with its neighbours opens under 100 ms",
        worst < 100.0,
    );
    daemon.stop()?;
    Ok(figure)
}

/// Half-hourly reads over the years: 10 kW at most, from six to six, less in winter.
fn years(meters: &[&str]) -> anyhow::Result<String> {
    const HALF_HOUR_MS: i64 = 1_800_000;
    let mut text = String::from("meter,register,time,value,unit,source\n");
    let start: At = format!("{}-01-01T00:00:00Z", YEARS.start()).parse()?;
    let end: At = format!("{}-01-01T00:00:00Z", YEARS.end() + 1).parse()?;
    for meter in meters {
        let (mut wh, mut at) = (1_000_000, start);
        while at <= end {
            writeln!(text, "{meter},2.8.0,{at},{wh},Wh,")?;
            at = at.plus_ms(HALF_HOUR_MS);
            let half = at.0.rem_euclid(86_400_000) / HALF_HOUR_MS;
            let month = ((at.0 - start.0) / (30 * 86_400_000)) % 12;
            if (17..=32).contains(&half) {
                wh += 1_000 + 500 * (6 - (month - 6).abs());
            }
        }
    }
    Ok(text)
}

fn get(port: u16, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    anyhow::ensure!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    Ok(answer)
}

fn wrk(port: u16, script: &Path, path: &str, seconds: u64) -> anyhow::Result<Found> {
    let said = Command::new("wrk")
        .args(["--threads", "2", "--latency"])
        .args(["--connections", &CONNECTIONS.to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .output()
        .context("wrk: apt-get install wrk")?;
    let words = String::from_utf8_lossy(&said.stdout).into_owned();
    let line = words.lines().find_map(|line| line.strip_prefix("FOUND "));
    let line = line.with_context(|| format!("wrk said: {words}"))?;
    let numbers: Vec<f64> = line.split(' ').filter_map(|one| one.parse().ok()).collect();
    let [rate, p50_ms, p99_ms, wrong] = numbers[..] else {
        anyhow::bail!("wrk said: {words}");
    };
    anyhow::ensure!(wrong == 0.0, "{wrong} requests had no answer: {words}");
    Ok(Found {
        rate,
        p50_ms,
        p99_ms,
    })
}
