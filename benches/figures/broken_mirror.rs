//! (h) A mirror that is down, slow, refuses or talks nonsense, while reads come in: does intake
//! notice?
//!
//! Two daemons in turn, one without a mirror and one whose mirror is broken in one way a turn, take
//! the same reads at the same pace. Each runs alone: it is started for its turn and ended after it.
//! When all is over the mirror is made well, and must come to equal the journal.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use serde_json::json;

use crate::{
    figure::{Figure, Size, median, round},
    household::Household,
    influx_peers::stub::{self, Mood, Stub},
    load::{self, Outcome, Pace, Plan},
};

const GATEWAYS: usize = 20;
const METERS: usize = 5;
const PER_SECOND: u32 = 1_000;
/// The days in which all reads of all turns lie.
const DAYS: &str = "2026-01-01..2026-01-02";

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let seconds: u64 = size.pick(2, 100);
    let moods = [
        ("down", None),
        ("slow", Some(Mood::Hang(Duration::from_secs(10)))),
        ("401", Some(Mood::Status(401))),
        ("413", Some(Mood::Status(413))),
        ("422", Some(Mood::Status(422))),
        ("garbage", Some(Mood::Garbage)),
    ];
    let mut figure = Figure::new(
        size,
        "PUBACK latency at 1,000 reads a second, without a mirror and with one that is broken",
        json!({"reads_per_s": PER_SECOND, "gateways": GATEWAYS, "meters": GATEWAYS * METERS,
            "seconds_a_turn": seconds, "turns_each": moods.len()}),
    );
    let folder = tempfile::tempdir()?;
    let stub = Stub::start();
    let door = Door::before(&stub)?;
    let token = folder.path().join("token");
    std::fs::write(&token, stub::TOKEN)?;
    let influx = format!(
        "[influx]\nmode = \"mirror\"\nurl = \"http://127.0.0.1:{}\"\norg = \"{}\"\nbucket = \"{}\"\ntoken_file = \"{}\"\n",
        door.port,
        stub::ORG,
        stub::BUCKET,
        token.display()
    );
    let without = Household::new(&folder.path().join("without"), GATEWAYS, METERS, "")?;
    let with = Household::new(&folder.path().join("with"), GATEWAYS, METERS, &influx)?;

    let (mut alone, mut beside) = (Outcome::default(), Outcome::default());
    let mut changes = Vec::new();
    for (turn, (name, mood)) in moods.iter().enumerate() {
        let of_one = || take(&without, turn, seconds).context("without a mirror");
        let of_other = || {
            door.open(mood.is_some());
            stub.mood(mood.clone().unwrap_or(Mood::Well));
            take(&with, turn, seconds).with_context(|| format!("mirror {name}"))
        };
        // Now this one first, now that.
        let (plain, broken) = match turn % 2 {
            0 => {
                let plain = of_one()?;
                (plain, of_other()?)
            }
            _ => {
                let broken = of_other()?;
                (of_one()?, broken)
            }
        };
        let change = broken.latency_ms(0.99) / plain.latency_ms(0.99) - 1.0;
        changes.push(change);
        figure.found(
            &format!("mirror {name}"),
            json!({"p99_ms": round(broken.latency_ms(0.99), 2), "p99_without_ms": round(plain.latency_ms(0.99), 2),
                "change_percent": round(100.0 * change, 1)}),
        );
        add(&mut alone, plain);
        add(&mut beside, broken);
    }
    alone.latencies_us.sort_unstable();
    beside.latencies_us.sort_unstable();
    let change = beside.latency_ms(0.99) / alone.latency_ms(0.99) - 1.0;
    let row = |outcome: &Outcome| {
        json!({"reads": outcome.reads, "reads_per_s": round(outcome.reads_per_second(), 0),
            "p50_ms": round(outcome.latency_ms(0.5), 2), "p99_ms": round(outcome.latency_ms(0.99), 2)})
    };
    figure.found("without a mirror", row(&alone));
    figure.found("with a broken mirror", row(&beside));
    figure.found(
        "change of p99",
        json!({"percent": round(100.0 * change, 1), "median_of_turns_percent": round(100.0 * median(&changes), 1)}),
    );
    figure.goal("p99 changes by less than 10 per cent", change < 0.10);

    stub.mood(Mood::Well);
    door.open(true);
    let daemon = with.start()?;
    // A turn of 100 s brings less than three hours of each meter.
    let checked = with.ask(&["influx", "check", "--period", DAYS])?;
    daemon.stop()?;
    let differences = checked["differences"].as_array().map_or(1, Vec::len);
    anyhow::ensure!(
        differences == 0 && checked["reads"] == beside.reads,
        "the mirror is not the journal: {checked}"
    );
    figure.found(
        "when the mirror is well again",
        json!({"reads": checked["reads"], "half_hours": checked["half_hours"], "differences": differences}),
    );
    figure.goal("on return the mirror equals the journal", differences == 0);
    figure.note("latency is from the write of a message of one read to the read of its PUBACK; each turn has a daemon of its own, started for it");
    Ok(figure)
}

fn take(household: &Household, turn: usize, seconds: u64) -> anyhow::Result<Outcome> {
    let rounds = u64::from(PER_SECOND) * seconds / (GATEWAYS * METERS) as u64 + 1;
    let daemon = household.start()?;
    let plan = Plan {
        address: ([127, 0, 0, 1], household.port).into(),
        connections: GATEWAYS,
        window: 1,
        reads: 1,
        meters: METERS,
        duration: Duration::from_secs(seconds),
        threads: 1,
        prefix: "g".to_owned(),
        password: Some(household.tokens.clone()),
        boot: turn as u64 + 1,
    };
    let pace = Pace {
        per_second: PER_SECOND,
        first_round: turn as u64 * rounds,
    };
    let outcome = load::run_at(&plan, Some(pace))?;
    daemon.stop()?;
    Ok(outcome)
}

fn add(all: &mut Outcome, one: Outcome) {
    all.messages += one.messages;
    all.reads += one.reads;
    all.seconds += one.seconds;
    all.latencies_us.extend(one.latencies_us);
}

/// A door before the stub that can be shut: then nobody listens.
struct Door {
    port: u16,
    is_open: Arc<AtomicBool>,
    listening: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
    to: u16,
}

impl Door {
    fn before(stub: &Stub) -> anyhow::Result<Door> {
        let to = stub.url.rsplit(':').next().unwrap_or_default().parse()?;
        Ok(Door {
            port: TcpListener::bind("127.0.0.1:0")?.local_addr()?.port(),
            is_open: Arc::default(),
            listening: Arc::default(),
            to,
        })
    }

    fn open(&self, open: bool) {
        let mut listening = self.listening.lock().expect("nobody panics with it");
        if open == listening.is_some() {
            return;
        }
        self.is_open.store(open, Ordering::Release);
        if let Some(thread) = listening.take() {
            // The listener looks up when somebody comes.
            let _ = TcpStream::connect(("127.0.0.1", self.port));
            let _ = thread.join();
            return;
        }
        let (is_open, port, to) = (Arc::clone(&self.is_open), self.port, self.to);
        *listening = Some(std::thread::spawn(move || {
            let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) else {
                return;
            };
            for stream in listener.incoming().flatten() {
                if !is_open.load(Ordering::Acquire) {
                    return;
                }
                if let Ok(other) = TcpStream::connect(("127.0.0.1", to)) {
                    join(stream, other);
                }
            }
        }));
    }
}

/// Copies both ways until either ends.
fn join(one: TcpStream, other: TcpStream) {
    let pipe = |from: &TcpStream, to: &TcpStream| {
        let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else {
            return;
        };
        std::thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
        });
    };
    pipe(&one, &other);
    pipe(&other, &one);
}
