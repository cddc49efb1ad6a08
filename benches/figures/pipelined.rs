//! (b) Gateways that do not wait: eight connections with two hundred messages in flight each, one
//! reading or thirty in a message. First to PUBACK alone, with last values in memory; then with
//! `series.sqlite` written at the same time, counted until its last read is in it.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{
    child::Child,
    figure::{Figure, Size, median, round},
    load::{self, Outcome, Plan},
    one_in_flight::summary,
    stage::PASSWORD,
};

const CONNECTIONS: usize = 8;
const WINDOW: usize = 200;
const METERS: usize = 2_000;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let (runs, seconds, sustained) = size.pick((1, 2, 3), (3, 10, 60));
    let mut figure = Figure::new(
        size,
        "messages and readings a second to PUBACK when gateways do not wait for one before the next",
        json!({
            "connections": CONNECTIONS, "in_flight": WINDOW, "meters": CONNECTIONS * METERS,
            "runs": runs, "seconds": seconds, "sustained_seconds": sustained,
        }),
    );
    let mut rates = Vec::new();
    for (name, reads) in [("single", 1), ("batches_of_30", 30)] {
        let mut outcomes = Vec::new();
        for _ in 0..runs {
            outcomes.push(send(reads, seconds, false)?.0);
        }
        let rate = median(
            &outcomes
                .iter()
                .map(Outcome::reads_per_second)
                .collect::<Vec<_>>(),
        );
        rates.push(rate);
        figure.found(&format!("{name}_to_puback"), summary(&outcomes));
    }
    for (name, reads) in [("single", 1), ("batches_of_30", 30)] {
        let (outcome, stats) = send(reads, sustained, true)?;
        figure.found(
            &format!("{name}_sustained_into_series"),
            end_to_end(&outcome, &stats)?,
        );
    }
    figure.note(
        "to PUBACK: decoded, synced, last values rolled up in memory; into series: the same with \
         series.sqlite written beside, from the first message until the last read is in it",
    );
    figure.goal(
        "at least 1,000,000 single-reading messages a second to PUBACK",
        rates[0] >= 1e6,
    );
    figure.goal(
        "at least 5,000,000 readings a second in batches of 30 to PUBACK",
        rates[1] >= 5e6,
    );
    Ok(figure)
}

fn send(reads: usize, seconds: u64, project: bool) -> anyhow::Result<(Outcome, Value)> {
    let folder = tempfile::tempdir()?;
    let mut stage = Child::start(
        "endpoint",
        &json!({"folder": folder.path(), "gateways": CONNECTIONS, "meters": METERS, "project": project}),
    )?;
    let outcome = load::run(&Plan {
        address: ([127, 0, 0, 1], stage.port()?).into(),
        connections: CONNECTIONS,
        window: WINDOW,
        reads,
        meters: METERS,
        duration: Duration::from_secs(seconds),
        threads: 1,
        prefix: "g".to_owned(),
        password: Some(PASSWORD.to_owned()),
        boot: 1,
    })?;
    let stats = stage.ask("drain")?;
    anyhow::ensure!(
        stats["rolled_up"] == outcome.reads,
        "every read acknowledged is there: {stats}"
    );
    Ok((outcome, stats))
}

fn end_to_end(outcome: &Outcome, stats: &Value) -> anyhow::Result<Value> {
    let number = |key: &str| {
        stats[key]
            .as_f64()
            .with_context(|| format!("the stage said no {key}"))
    };
    let stored = number("stored")?;
    anyhow::ensure!(
        stored == outcome.reads as f64,
        "every read is in the series: {stats}"
    );
    Ok(json!({
        "reads_per_s": round(stored / (outcome.seconds + number("drain_s")?), 0),
        "to_puback_meanwhile_per_s": round(outcome.reads_per_second(), 0),
        "p99_ms": round(outcome.latency_ms(0.99), 1),
        "most_reads_waiting": stats["most_waiting"],
        "seconds_behind_at_the_end": round(number("drain_s")?, 1),
        "longest_flush_ms": round(number("longest_flush_us")? / 1e3, 0),
        "rss_max_mb": round(number("rss_max_mb")?, 0),
    }))
}
