//! (c) Through an outside broker: processor time a message of our broker door, which journals and
//! syncs before it acknowledges, beside a subscriber that does nothing (rumqttc, the same library).
//! Both take the same messages from mosquitto at QoS 1, in turn, each in a process of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use ingest::broker;
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::{Value, json};

use crate::{
    child::{self, Child},
    figure::{Figure, Size, median, round},
    load::{self, Plan},
    peers::mosquitto::Mosquitto,
    stage::Stage,
};

const CONNECTIONS: usize = 8;
const WINDOW: usize = 20;
const METERS: usize = 250;
/// Ten megabytes a second of queue would outgrow nothing in the seconds this takes.
const BROKER: &str = "max_queued_messages 0\nmax_inflight_messages 1000\n";
const CATCH_UP: Duration = Duration::from_secs(60);

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let (pairs, seconds) = size.pick((1, 2), (5, 10));
    let mut figure = Figure::new(
        size,
        "processor time a message that came through mosquitto: our door and a subscriber that does nothing",
        json!({"publishers": CONNECTIONS, "in_flight": WINDOW, "pairs": pairs, "seconds": seconds}),
    );
    let (mut ours, mut null) = (Vec::new(), Vec::new());
    for _ in 0..pairs {
        ours.push(take("door", seconds)?);
        null.push(take("null", seconds)?);
        println!(
            "    {:.2} µs against {:.2} µs",
            ours[ours.len() - 1].us,
            null[null.len() - 1].us
        );
    }
    let middle =
        |runs: &[Taken], of: fn(&Taken) -> f64| median(&runs.iter().map(of).collect::<Vec<_>>());
    let ratios: Vec<f64> = ours.iter().zip(&null).map(|(a, b)| a.us / b.us).collect();
    for (name, runs) in [("our_door", &ours), ("null_subscriber", &null)] {
        let found = json!({
            "cpu_us_per_message": round(middle(runs, |t| t.us), 2),
            "messages_per_s": round(middle(runs, |t| t.rate), 0),
        });
        figure.found(name, found);
    }
    figure.found("ratio", round(median(&ratios), 2));
    figure.found("ratios", ratios.iter().map(|r| round(*r, 2)).collect());
    figure.goal(
        "at most 1.5 times a subscriber that does nothing",
        median(&ratios) <= 1.5,
    );
    Ok(figure)
}

struct Taken {
    us: f64,
    rate: f64,
}

fn take(role: &str, seconds: u64) -> anyhow::Result<Taken> {
    let broker = Mosquitto::start(BROKER)?;
    let folder = tempfile::tempdir()?;
    let mut taker = Child::start(
        role,
        &json!({
            "folder": folder.path(), "gateways": CONNECTIONS, "meters": METERS, "broker": broker.port,
        }),
    )?;
    let count = |taker: &mut Child| -> anyhow::Result<(u64, u64)> {
        let stats = taker.ask("stats")?;
        Ok((
            stats["rolled_up"].as_u64().unwrap_or(0),
            stats["cpu_us"].as_u64().unwrap_or(0),
        ))
    };
    // Messages published before the subscription stands would be lost: a first one shows it.
    let plan = |millis: u64, boot: u64| Plan {
        address: ([127, 0, 0, 1], broker.port).into(),
        connections: CONNECTIONS,
        window: WINDOW,
        reads: 1,
        meters: METERS,
        duration: Duration::from_millis(millis),
        threads: 1,
        prefix: "g".to_owned(),
        password: None,
        boot,
    };
    let began = Instant::now();
    while count(&mut taker)?.0 == 0 {
        anyhow::ensure!(began.elapsed() < CATCH_UP, "the subscriber hears nothing");
        load::run(&plan(10, 1))?;
        std::thread::sleep(Duration::from_millis(300));
    }
    let before = count(&mut taker)?;
    let began = Instant::now();
    let sent = load::run(&plan(seconds * 1_000, 2))?;
    let mut after = count(&mut taker)?;
    while after.0 - before.0 < sent.messages {
        anyhow::ensure!(
            began.elapsed() < Duration::from_secs(seconds) + CATCH_UP,
            "messages are missing"
        );
        std::thread::sleep(Duration::from_millis(50));
        after = count(&mut taker)?;
    }
    let elapsed = began.elapsed().as_secs_f64();
    let messages = (after.0 - before.0) as f64;
    Ok(Taken {
        us: (after.1 - before.1) as f64 / messages,
        rate: messages / elapsed,
    })
}

/// The child's side: our broker door.
pub fn door(parameters: &Value) -> anyhow::Result<()> {
    let stage = Stage::set(parameters)?;
    let port = u16::try_from(parameters["broker"].as_u64().unwrap_or(0))?;
    let _running = broker::start(
        broker::Config::new("127.0.0.1", port),
        Arc::clone(&stage.registry),
        Arc::clone(&stage.receipts),
        Arc::clone(&stage.metrics),
        stage.clock(),
    )?;
    child::answer(&json!({}), |question| stage.reply(question))
}

/// The child's side: a subscriber that counts.
pub fn null(parameters: &Value) -> anyhow::Result<()> {
    let port = u16::try_from(parameters["broker"].as_u64().unwrap_or(0))?;
    let mut options = MqttOptions::new("null", "127.0.0.1", port);
    options
        .set_clean_session(false)
        .set_max_packet_size(broker::MESSAGE_BYTES, broker::MESSAGE_BYTES);
    let heard = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&heard);
    // One thread, as our door has for its connection.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::spawn(move || {
        runtime.block_on(async move {
            let (client, mut events) = AsyncClient::new(options, 1_000);
            if client
                .subscribe("commonwatt/v1/+/reads", QoS::AtLeastOnce)
                .await
                .is_err()
            {
                return;
            }
            while let Ok(event) = events.poll().await {
                if let Event::Incoming(Packet::Publish(_)) = event {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    });
    child::answer(&json!({}), |_| {
        Ok(json!({"rolled_up": heard.load(Ordering::Relaxed), "cpu_us": child::cpu_us()}))
    })
}
