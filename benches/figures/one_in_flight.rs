//! (a) One reading a message, many connections, one message in flight on each: what single meters
//! do. Ours decodes, syncs and rolls up before it acknowledges; the peer is mosquitto, which stores
//! nothing and has no subscriber. Runs of both in turn, each in a new process.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    child::Child,
    figure::{Figure, Size, median, round},
    load::{self, Outcome, Plan},
    peers::mosquitto::Mosquitto,
    stage::PASSWORD,
};

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let connections = size.pick(200, 1_000);
    let (pairs, seconds) = size.pick((2, 2), (5, 10));
    let mut figure = Figure::new(
        size,
        "messages a second to PUBACK, one reading each, one in flight on each connection",
        json!({
            "connections": connections, "in_flight": 1, "pairs": pairs, "seconds": seconds,
            "publisher_threads": ingest::endpoint::threads(), "endpoint_threads": ingest::endpoint::threads(),
        }),
    );
    let plan = |port: u16, password: Option<&str>| Plan {
        address: ([127, 0, 0, 1], port).into(),
        connections,
        window: 1,
        reads: 1,
        meters: 1,
        duration: Duration::from_secs(seconds),
        // As many as cores, as the endpoint has: neither side shall be the limit alone.
        threads: ingest::endpoint::threads(),
        prefix: "g".to_owned(),
        password: password.map(str::to_owned),
        boot: 1,
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let (mut our_us, mut their_us) = (Vec::new(), Vec::new());
    let mut ratios = Vec::new();
    for _ in 0..pairs {
        let folder = tempfile::tempdir()?;
        let mut stage = Child::start(
            "endpoint",
            &json!({"folder": folder.path(), "gateways": connections, "meters": 1}),
        )?;
        let mine = load::run(&plan(stage.port()?, Some(PASSWORD)))?;
        let stats = stage.ask("stats")?;
        our_us.push(stats["cpu_us"].as_f64().unwrap_or(f64::NAN) / mine.messages as f64);
        anyhow::ensure!(
            stats["rolled_up"] == mine.messages,
            "every PUBACK is a read: {stats}"
        );
        drop(stage);
        let broker = Mosquitto::start("")?;
        let other = load::run(&plan(broker.port, None))?;
        their_us.push(broker.cpu_us() as f64 / other.messages as f64);
        println!("    {} against {}", said(&mine), said(&other));
        ratios.push(mine.messages_per_second() / other.messages_per_second());
        ours.push(mine);
        theirs.push(other);
    }
    let p99 = median(&ours.iter().map(|o| o.latency_ms(0.99)).collect::<Vec<_>>());
    let ratio = median(&ratios);
    figure.found("ours", summary(&ours));
    figure.found("mosquitto_storing_nothing", summary(&theirs));
    figure.found(
        "cpu_us_per_message",
        json!({
            "ours": round(median(&our_us), 2), "mosquitto": round(median(&their_us), 2),
        }),
    );
    figure.found("ratio", round(ratio, 2));
    figure.found("ratios", ratios.iter().map(|r| round(*r, 2)).collect());
    figure.goal("at least 1.3 times mosquitto storing nothing", ratio >= 1.3);
    figure.goal("99 of 100 PUBACKs in under 15 ms", p99 < 15.0);
    Ok(figure)
}

fn said(outcome: &Outcome) -> String {
    let (rate, p99) = (outcome.messages_per_second(), outcome.latency_ms(0.99));
    format!("{rate:.0} messages/s (p99 {p99:.1} ms)")
}

/// Medians over runs.
pub fn summary(runs: &[Outcome]) -> Value {
    let middle = |of: &dyn Fn(&Outcome) -> f64| median(&runs.iter().map(of).collect::<Vec<_>>());
    json!({
        "messages_per_s": round(middle(&Outcome::messages_per_second), 0),
        "reads_per_s": round(middle(&Outcome::reads_per_second), 0),
        "p50_ms": round(middle(&|o| o.latency_ms(0.5)), 2),
        "p99_ms": round(middle(&|o| o.latency_ms(0.99)), 2),
        "max_ms": round(middle(&|o| o.latency_ms(1.0)), 1),
    })
}
