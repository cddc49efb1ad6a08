//! (g) A small machine: two thousand meters, one read each ten seconds, and a disk that takes 50 ms
//! for every sync, as an SD card does. First at that pace, then as fast as two thousand gateways
//! with one message in flight each will go.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use crate::{
    child::Child,
    country,
    figure::{Figure, Size, round},
    load::{self, Plan},
    one_in_flight::summary,
    stage::PASSWORD,
};

const METERS: usize = 2_000;
const SLOW_MS: u64 = 50;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let (paced, closed) = size.pick((10, 2), (120, 20));
    let connections = size.pick(200, METERS);
    let mut figure = Figure::new(
        size,
        "2,000 meters at one read each ten seconds while every sync takes 50 ms more",
        json!({
            "meters": METERS, "reads_per_s": 200, "sync_ms": SLOW_MS, "seconds": paced,
            "closed_loop_connections": connections, "closed_loop_seconds": closed,
        }),
    );
    let found = country::drive(json!({
        "meters": METERS, "reads_per_s": 200, "seconds": paced, "reads_per_message": 1,
        "gateways": METERS, "slow_ms": SLOW_MS,
    }))?;
    let lost = found["reads_lost"]
        .as_u64()
        .context("the run said no reads_lost")?;
    let p99 = found["commit_p99_ms"]
        .as_f64()
        .context("the run said no commit_p99_ms")?;
    figure.found("at_that_pace", found);

    let folder = tempfile::tempdir()?;
    let mut stage = Child::start(
        "endpoint",
        &json!({
            "folder": folder.path(), "gateways": connections, "meters": 1, "project": true,
            "slow_ms": SLOW_MS,
        }),
    )?;
    let outcome = load::run(&Plan {
        address: ([127, 0, 0, 1], stage.port()?).into(),
        connections,
        window: 1,
        reads: 1,
        meters: 1,
        duration: Duration::from_secs(closed),
        threads: 1,
        prefix: "g".to_owned(),
        password: Some(PASSWORD.to_owned()),
        boot: 1,
    })?;
    let stats = stage.ask("drain")?;
    let missing = outcome
        .reads
        .abs_diff(stats["stored"].as_u64().unwrap_or(0));
    figure.found("as_fast_as_it_goes", summary(&[outcome]));
    figure.found(
        "seconds_behind_at_the_end",
        round(stats["drain_s"].as_f64().unwrap_or(f64::NAN), 2),
    );
    figure.found("reads_lost", json!(lost + missing));
    figure.goal("no read lost", lost + missing == 0);
    figure.goal("99 of 100 reads on disk in under a second", p99 < 1_000.0);
    Ok(figure)
}
