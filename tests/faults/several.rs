//! Many societies on several daemons behind one broker, and again and again one daemon is killed and
//! its folder opened by another: other ports, another name at the broker, the same societies.
//!
//! The broker goes on holding what it owes the dead daemon under its old name. When that name comes
//! back, rounds later, it is all delivered once more: twice must be once.

use std::{
    fmt::Write as _,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    account::{Ledger, Outcome},
    broker::Mosquitto,
    daemon::{Daemon, Place, Settings},
    figure, is_campaign,
    load::Account,
    pause,
    uplinks::Roofs,
};

/// One data folder, the two places it may be opened from, and who has it now.
struct Shard {
    places: [Place; 2],
    turn: usize,
    daemon: Option<Daemon>,
    roofs: std::ops::Range<usize>,
}

impl Shard {
    fn place(&self) -> &Place {
        &self.places[self.turn]
    }
}

/// A society with one roof and one meter.
fn society(name: &str) -> String {
    let mut text = String::new();
    write!(
        text,
        r#"
[society]
slug = "{name}"
name = "Society {name}"
sample = true

[[site]]
id = "roof-{name}"
name = "Roof of {name}"
latitude = "51.4681"
longitude = "-0.1030"
capacity_kwp = "50"
sample = true

[[gateway]]
id = "gw-{name}"
site = "roof-{name}"
cadence_s = 60

[[meter_point]]
id = "roof-{name}-generation"
site = "roof-{name}"
counts = "generation"
capacity_kw = "50"

[[meter]]
serial = "METER-{name}"
meter_point = "roof-{name}-generation"
installed = "2012-04-23"
register = [{{ code = "2.8.0", digits = 9, step_wh = 1 }}]
"#
    )
    .unwrap();
    text
}

/// A data folder with so many societies, which either of two daemons may open.
fn shard(number: usize, societies: usize, folder: &Path, broker: u16) -> (Shard, Vec<Account>) {
    let data = folder.join(format!("data-{number}"));
    let place = |turn: usize| {
        let outside = folder.join(format!("daemon-{number}-{turn}"));
        std::fs::create_dir(&outside).unwrap();
        let settings = Settings {
            broker: Some(broker),
            shard: Some(2 * number + turn),
            ..Settings::default()
        };
        Place::new(data.clone(), &outside, settings)
    };
    let places = [place(0), place(1)];
    let mut accounts = Vec::new();
    for n in 0..societies {
        let name = format!("s{number}-{n}");
        let file = folder.join(format!("{name}.toml"));
        std::fs::write(&file, society(&name)).unwrap();
        places[0].ask(&["society", "apply", file.to_str().unwrap()]);
        accounts.push(Account {
            gateway: format!("gw-{name}"),
            token: String::new(),
            meters: vec![format!("METER-{name}")],
        });
    }
    let shard = Shard {
        places,
        turn: 0,
        daemon: None,
        roofs: number * societies..(number + 1) * societies,
    };
    (shard, accounts)
}

/// Nobody was sent what is not his: a daemon of several subscribes to its own gateways only.
fn took_only_its_own(place: &Place) -> bool {
    let metrics = place.page("/metrics");
    let line = |line: &&str| line.starts_with("commonwatt_ingest_unknown_gateway_total ");
    let foreign = metrics.lines().find(line).unwrap_or_default();
    assert!(!foreign.is_empty(), "{metrics}");
    foreign.ends_with(" 0")
}

#[test]
fn several_daemons_behind_one_broker_lose_and_double_nothing_when_one_is_killed_and_another_opens_its_folder()
 {
    let (daemons, societies, rounds, every_ms) = match is_campaign() {
        true => (6, 40, 60, 100),
        false => (3, 3, 4, 20),
    };
    let folder = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start();
    let mut accounts = Vec::new();
    let mut shards = Vec::new();
    for number in 0..daemons {
        let (shard, its) = shard(number, societies, folder.path(), broker.port);
        shards.push(shard);
        accounts.extend(its);
    }
    for shard in &mut shards {
        shard.daemon = Some(shard.place().start());
    }
    let roofs = Roofs::start_every(broker.port, &accounts, Duration::from_millis(every_ms));
    roofs.wait_until_receipted();
    let mut longest = Duration::ZERO;
    for round in 0..rounds {
        sleep(pause(round as u32));
        let place = round % daemons;
        let others: Vec<usize> = (0..accounts.len())
            .filter(|roof| !shards[place].roofs.contains(roof))
            .collect();
        let shard = &mut shards[place];
        assert!(took_only_its_own(shard.place()), "{}", shard.place().log());
        let killed = Instant::now();
        shard.daemon.take().unwrap().kill();
        // The others go on, whoever is dead.
        roofs.wait_until_receipted_of(&others);
        shard.turn = 1 - shard.turn;
        let opened = Instant::now();
        shard.daemon = Some(shard.place().start());
        roofs.wait_until_receipted_of(&shard.roofs.clone().collect::<Vec<_>>());
        longest = longest.max(opened.elapsed());
        println!("round {round}: dead for {:?}", killed.elapsed());
    }
    roofs.wait_until_receipted();
    let mut outcome = Outcome::default();
    for (number, sent) in roofs.stop().into_iter().enumerate() {
        let mut ledger = Ledger::default();
        ledger.enter_owed(1, sent.into_iter());
        let shard = shards.iter().find(|shard| shard.roofs.contains(&number));
        outcome.add(ledger.compare_all(shard.unwrap().place(), &accounts[number]));
    }
    for shard in &mut shards {
        shard.daemon.take().unwrap().stop();
        shard.place().ask(&["verify"]);
    }
    println!(
        "{} societies on {daemons} daemons behind one broker, {rounds} kills: {} reads sent, {} missing, {} duplicated, {} invented; receipts again {longest:?} after the other daemon was started at the latest",
        accounts.len(),
        outcome.owed,
        outcome.lost,
        outcome.doubled,
        outcome.invented
    );
    figure(
        "several daemons behind one broker, one killed and its folder opened by another",
        json!({
            "daemons": daemons,
            "societies": accounts.len(),
            "daemon_killed": rounds,
            "reads_sent": outcome.owed,
            "lost": outcome.lost,
            "doubled": outcome.doubled,
            "invented": outcome.invented,
            "longest_until_receipts_again_ms": u64::try_from(longest.as_millis()).unwrap(),
        }),
    );
    assert!(outcome.is_clean(), "{outcome:?}");
}
