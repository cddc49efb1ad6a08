//! (i) Ten million reads back-filled: from the journal on disk through the mirror to a sink that
//! forgets everything, as an operator does it, beside writing the same points with the `write` of the
//! crate `influxdb2`, and beside sending bodies that are ready made.
//!
//! The sink is a process of its own that takes any body and answers 204. Time and processor time
//! are those of the process that sends; the sink's are put down beside them.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use influxdb2::{ClientBuilder, api::write::TimestampPrecision, models::DataPoint};
use serde_json::{Value, json};

use crate::{
    child::{self, Child},
    figure::{Figure, Size, round},
    household::Household,
    load::{self, Pace, Plan},
};

const GATEWAYS: usize = 20;
const METERS: usize = 10;
const READS_A_MESSAGE: usize = 30;
/// Lines of a request, as the mirror has it.
const LINES: usize = 5_000;
/// 2026-01-01T00:00:00Z, the load generator's first read.
const START_MS: i64 = 1_767_225_600_000;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let reads: u64 = size.pick(300_000, 10_000_000);
    let mut figure = Figure::new(
        size,
        "reads back-filled into a sink that forgets everything, beside the crate's own write",
        json!({"reads": reads, "meters": GATEWAYS * METERS, "lines_a_request": LINES}),
    );
    let folder = tempfile::tempdir()?;
    let mut sink = Child::start("null_sink", &json!({}))?;
    let url = format!("http://127.0.0.1:{}", sink.port()?);
    let influx = format!("[influx]\nmode = \"mirror\"\nurl = \"{url}\"\n");
    let plain = Household::new(folder.path(), GATEWAYS, METERS, "")?;
    let written = fill(&plain, reads)?;
    // The same folder, now with a mirror that has never run.
    let config = std::fs::read_to_string(&plain.config)?;
    std::fs::write(&plain.config, config + &influx)?;
    // So that the back-fill is measured and not the series: they are settled when somebody asks.
    plain.ask(&[
        "energy",
        "--society",
        "bench",
        "--counts",
        "import",
        "--from",
        "2026-01-01",
        "--to",
        "2028-12-31",
        "--by",
        "year",
    ])?;

    sink.ask("forget")?;
    let ours = back_fill(&plain)?;
    let took = sink.ask("taken")?;
    let lines = took["lines"].as_f64().context("lines")?;
    anyhow::ensure!(
        ours["points"] == took["lines"] && lines >= written as f64,
        "every point reached the sink: {ours} {took}"
    );
    let rate = |seconds: f64, lines: f64| round(lines / seconds, 0);
    let row = |seconds: f64, cpu_us: f64, lines: f64, took: &Value| {
        json!({"points": lines, "seconds": round(seconds, 1), "points_per_s": rate(seconds, lines),
            "cpu_us_a_point": round(cpu_us / lines, 2), "bytes_a_point": round(took["bytes"].as_f64().unwrap_or(0.0) / lines, 1),
            "requests": took["requests"], "sink_cpu_us_a_point": round(took["cpu_us"].as_f64().unwrap_or(0.0) / lines, 2)})
    };
    let number = |value: &Value, key: &str| value[key].as_f64().context("a number");
    let mine = row(
        number(&ours, "seconds")?,
        number(&ours, "cpu_us")?,
        lines,
        &took,
    );
    figure.found("commonwatt influx backfill", mine.clone());

    let mut others = Vec::new();
    for (name, role) in [
        ("crate influxdb2, write of DataPoints", "crate_write"),
        ("bodies ready made", "bare_write"),
    ] {
        sink.ask("forget")?;
        let mut writer = Child::start(role, &json!({"url": url, "points": written}))?;
        let said = writer.ask("run")?;
        let took = sink.ask("taken")?;
        anyhow::ensure!(took["lines"] == written, "{role}: {took}");
        let theirs = row(
            number(&said, "seconds")?,
            number(&said, "cpu_us")?,
            written as f64,
            &took,
        );
        figure.found(name, theirs.clone());
        others.push(theirs);
    }
    let times =
        |key: &str| -> anyhow::Result<f64> { Ok(number(&mine, key)? / number(&others[0], key)?) };
    figure.found(
        "ours to the crate's write",
        json!({"rate": round(times("points_per_s")?, 2), "cpu_a_point": round(times("cpu_us_a_point")?, 2)}),
    );
    figure.note("ours reads the journal, decodes, encodes, sends reads and then half hours, days and months, and keeps its cursor; it opens the data folder first, and that counts too");
    figure.note("the crate's write has the reads in memory as numbers; ready-made bodies are one string sent again and again");
    Ok(figure)
}

/// Reads through the daemon's endpoint until there are so many; how many there are.
fn fill(household: &Household, reads: u64) -> anyhow::Result<u64> {
    let daemon = household.start()?;
    let mut written = 0;
    let mut boot = 0;
    while written < reads {
        boot += 1;
        let left = reads - written;
        // At most a second's worth more than is asked for.
        let plan = Plan {
            address: ([127, 0, 0, 1], household.port).into(),
            connections: GATEWAYS,
            window: 16,
            reads: READS_A_MESSAGE,
            meters: METERS,
            duration: Duration::from_millis(if left > 2_000_000 { 1_000 } else { 100 }),
            threads: 1,
            prefix: "g".to_owned(),
            password: Some(household.tokens.clone()),
            boot,
        };
        let pace = Pace {
            per_second: 50_000,
            first_round: boot * 100_000,
        };
        written += load::run_at(&plan, Some(pace))?.reads;
    }
    daemon.stop()?;
    Ok(written)
}

/// Runs the command to its end and watches what it takes.
fn back_fill(household: &Household) -> anyhow::Result<Value> {
    let config = household.config.display().to_string();
    let began = Instant::now();
    let mut process = household
        .command(&[
            "influx",
            "backfill",
            "--config",
            &config,
            "--from",
            "2026-01-01",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let id = process.id().to_string();
    let mut cpu_us = 0;
    while process.try_wait()?.is_none() {
        cpu_us = child::cpu_us_of(&id).max(cpu_us);
        std::thread::sleep(Duration::from_millis(10));
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut text = String::new();
    process
        .stdout
        .take()
        .context("it has an output")?
        .read_to_string(&mut text)?;
    let said: Value = serde_json::from_str(&text).context("the back-fill failed")?;
    Ok(json!({"seconds": seconds, "cpu_us": cpu_us, "points": said[0]["points"]}))
}

/// The sink: takes every body, answers 204; `taken` says what it took, `forget` begins anew.
pub fn null_sink() -> anyhow::Result<()> {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let counts: Arc<[AtomicU64; 3]> = Arc::default();
    let shared = Arc::clone(&counts);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let counts = Arc::clone(&shared);
            std::thread::spawn(move || {
                let _ = sink_of(stream, &counts);
            });
        }
    });
    let mut before = 0;
    child::answer(&json!({"port": port}), |question| {
        let [requests, lines, bytes] = [0, 1, 2].map(|n: usize| counts[n].load(Relaxed));
        let cpu_us = child::cpu_us() - before;
        if question == "forget" {
            counts.iter().for_each(|count| count.store(0, Relaxed));
            before = child::cpu_us();
        }
        Ok(json!({"requests": requests, "lines": lines, "bytes": bytes, "cpu_us": cpu_us}))
    })
}

fn sink_of(stream: TcpStream, counts: &[std::sync::atomic::AtomicU64; 3]) -> std::io::Result<()> {
    use std::sync::atomic::Ordering::Relaxed;
    stream.set_nodelay(true)?;
    let mut out = stream.try_clone()?;
    let mut input = BufReader::with_capacity(1 << 16, stream);
    let mut body = Vec::new();
    let mut line = String::new();
    loop {
        let (mut length, mut is_chunked, mut any) = (0, false, false);
        loop {
            line.clear();
            if input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let head = line.trim_end().to_ascii_lowercase();
            if head.is_empty() && any {
                break;
            }
            any = true;
            if let Some(value) = head.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            is_chunked |= head == "transfer-encoding: chunked";
        }
        body.clear();
        if is_chunked {
            loop {
                line.clear();
                input.read_line(&mut line)?;
                let size = u64::from_str_radix(line.trim_end(), 16).unwrap_or(0);
                (&mut input).take(size).read_to_end(&mut body)?;
                line.clear();
                input.read_line(&mut line)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            (&mut input).take(length).read_to_end(&mut body)?;
        }
        let lines = body.iter().filter(|byte| **byte == b'\n').count() as u64;
        counts[0].fetch_add(1, Relaxed);
        counts[1].fetch_add(lines, Relaxed);
        counts[2].fetch_add(body.len() as u64, Relaxed);
        out.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
    }
}

/// The points of one request: meter, time, register.
fn points(from: u64, to: u64) -> impl Iterator<Item = (u64, i64, i64)> {
    let meters = (GATEWAYS * METERS) as u64;
    (from..to).map(move |n| {
        let round = i64::try_from(n / meters).unwrap_or(0);
        (
            n % meters,
            START_MS + round * 10_000,
            100_000_000 + round * 10,
        )
    })
}

/// The crate's own way: a `DataPoint` a read.
pub fn crate_write(parameters: &Value) -> anyhow::Result<()> {
    let url = parameters["url"].as_str().context("url")?.to_owned();
    let all = parameters["points"].as_u64().context("points")?;
    let names: Vec<String> = (0..GATEWAYS * METERS).map(load::meter).collect();
    child::answer(&json!({}), |_| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = ClientBuilder::new(url.clone(), "energy", "token").build()?;
        let (began, before) = (Instant::now(), child::cpu_us());
        runtime.block_on(async {
            for from in (0..all).step_by(LINES) {
                let batch = points(from, all.min(from + LINES as u64))
                    .map(|(meter, at, wh)| {
                        DataPoint::builder("read")
                            .tag("meter", names[meter as usize].as_str())
                            .tag("register", "2.8.0")
                            .tag("society", "bench")
                            .field("wh", wh)
                            .timestamp(at)
                            .build()
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                client
                    .write_with_precision(
                        "solar",
                        tokio_stream::iter(batch),
                        TimestampPrecision::Milliseconds,
                    )
                    .await?;
            }
            anyhow::Ok(())
        })?;
        Ok(json!({"seconds": began.elapsed().as_secs_f64(), "cpu_us": child::cpu_us() - before}))
    })
}

/// The floor: one body, ready made, sent again and again.
pub fn bare_write(parameters: &Value) -> anyhow::Result<()> {
    let url = parameters["url"].as_str().context("url")?;
    let address = url.trim_start_matches("http://").to_owned();
    let all = parameters["points"].as_u64().context("points")?;
    let body = |from: u64, to: u64| -> String {
        points(from, to)
            .map(|(meter, at, wh)| {
                let meter = load::meter(meter as usize);
                format!("read,meter={meter},register=2.8.0,society=bench wh={wh}i {at}\n")
            })
            .collect()
    };
    let whole = body(0, LINES as u64);
    child::answer(&json!({}), |_| {
        let mut stream = TcpStream::connect(&address)?;
        stream.set_nodelay(true)?;
        let (began, before) = (Instant::now(), child::cpu_us());
        let mut answer = [0; 27];
        for from in (0..all).step_by(LINES) {
            let to = all.min(from + LINES as u64);
            let part;
            let lines = match to - from {
                n if n == LINES as u64 => &whole,
                _ => {
                    part = body(from, to);
                    &part
                }
            };
            let head = format!(
                "POST /api/v2/write HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
                lines.len()
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(lines.as_bytes())?;
            stream.read_exact(&mut answer)?;
        }
        Ok(json!({"seconds": began.elapsed().as_secs_f64(), "cpu_us": child::cpu_us() - before}))
    })
}
