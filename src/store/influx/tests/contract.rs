//! One contract for every server: exact integers, overwriting, clock-change days, type conflicts,
//! a kill after the 204. Where `COMMONWATT_INFLUX_URL` (with `_TOKEN`, `_ORG` and `_BUCKET`) names a
//! server of version 2, it has to keep the contract as well; the output says who was asked.

use domain::calendar::{Instant, LocalDay, Span, Zone};
use influx::{
    Batch, Delivery, Flux, Outcome, Series, Server, Target, Trouble, Value,
    flux::{Points, Total},
};

use super::peers::{
    debian::Program,
    http, shim,
    stub::{self, Stub},
};

pub fn target(url: &str) -> Target {
    Target {
        url: url.to_owned(),
        org: stub::ORG.to_owned(),
        bucket: stub::BUCKET.to_owned(),
        token: stub::TOKEN.to_owned(),
        authority: Vec::new(),
    }
}

/// A server somebody named, when somebody did.
fn named() -> Option<Target> {
    let var = |name: &str| std::env::var(format!("COMMONWATT_INFLUX_{name}")).ok();
    let Some(url) = var("URL") else {
        println!("COMMONWATT_INFLUX_URL is not set: the peers are the stub and InfluxDB 1.6.7");
        return None;
    };
    Some(Target {
        url,
        org: var("ORG").expect("COMMONWATT_INFLUX_ORG"),
        bucket: var("BUCKET").unwrap_or_else(|| "commonwatt-contract".into()),
        token: var("TOKEN").expect("COMMONWATT_INFLUX_TOKEN"),
        authority: var("CA_FILE").map_or_else(Vec::new, |file| std::fs::read(file).unwrap()),
    })
}

const ALL: Span = Span {
    start: Instant(-9_000_000_000_000),
    end: Instant(9_000_000_000_000),
};

pub struct Peer {
    pub server: Server,
    /// Makes the series of one run different from those of another on a lasting server.
    run: String,
}

impl Peer {
    pub fn new(target: &Target) -> Peer {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Peer {
            server: Server::new(target).unwrap(),
            run: format!("run{}", since.unwrap().as_nanos()),
        }
    }

    fn write(&self, meter: &str, points: &[(i64, i64)]) {
        let series = Series::new("read", &[("meter", meter), ("run", &self.run)]).unwrap();
        let mut batch = Batch::default();
        for (at, wh) in points {
            batch
                .push(&series, &[("wh", Value::Int(*wh))], Instant(*at))
                .unwrap();
        }
        assert_eq!(
            Delivery::new(1).send(&batch, &self.server),
            Outcome::Written
        );
    }

    fn points<'a>(&'a self, tags: &'a [(&'a str, &'a str)], span: Span) -> Points<'a> {
        Points {
            bucket: &self.server.target().bucket,
            measurement: "read",
            field: "wh",
            tags,
            span,
        }
    }

    fn read(&self, meter: &str) -> Vec<(i64, i64)> {
        let tags = [("run", self.run.as_str()), ("meter", meter)];
        let rows = self
            .server
            .ask(&Flux::points(&self.points(&tags, ALL), &["meter"], 10_000));
        let mut points: Vec<_> = rows
            .unwrap()
            .iter()
            .map(|row| {
                assert_eq!(row.text("meter").unwrap(), meter);
                (row.time("_time").unwrap().0, row.long("_value").unwrap())
            })
            .collect();
        points.sort_unstable();
        points
    }

    fn total(&self, span: Span, total: Total) -> Vec<(String, i64)> {
        let tags = [("run", self.run.as_str())];
        let rows = self
            .server
            .ask(&Flux::totals(&self.points(&tags, span), &["meter"], total));
        let mut found: Vec<_> = rows
            .unwrap()
            .iter()
            .map(|row| {
                (
                    row.text("meter").unwrap().to_owned(),
                    row.long("_value").unwrap(),
                )
            })
            .collect();
        found.sort();
        found
    }

    pub fn keeps_the_contract(&self) {
        // Exact at both ends of 64 bits and beyond what a float holds; odd serials survive.
        let exact = [
            (1, i64::MIN),
            (2, -1),
            (3, 9_007_199_254_740_993),
            (4, i64::MAX),
        ];
        self.write("EML 12,3=4", &exact);
        assert_eq!(self.read("EML 12,3=4"), exact);
        // The same point again replaces it, and only it; any order is taken.
        self.write("M2", &[(20, 7), (10, 5)]);
        self.write("M2", &[(20, 8), (15, 6)]);
        assert_eq!(self.read("M2"), [(10, 5), (15, 6), (20, 8)]);
        // The last point is the last in time.
        let tags = [("run", self.run.as_str()), ("meter", "M2")];
        let last = self
            .server
            .ask(&Flux::last(&self.points(&tags, ALL), &["meter"]))
            .unwrap();
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].long("_value"), Ok(8));
        // Local days of 23 and 25 hours, counted and added up between their instants.
        let zone = Zone::named("Europe/London").unwrap();
        for (day, halves) in [
            ((2013, 3, 31), 46),
            ((2013, 10, 27), 50),
            ((2013, 6, 1), 48),
        ] {
            let day = LocalDay::of_date(day.0, day.1, day.2).unwrap();
            let span = zone.day_span(day);
            let starts: Vec<_> = (0..60)
                .map(|n| span.start.0 - 6 * 1_800_000 + n * 1_800_000)
                .map(|at| (at, at / 1_800_000))
                .collect();
            self.write("DST", &starts);
            assert_eq!(self.total(span, Total::Count), [("DST".to_owned(), halves)]);
            let inside = starts
                .iter()
                .filter(|(at, _)| (span.start.0..span.end.0).contains(at));
            let sum: i64 = inside.map(|(_, value)| value).sum();
            assert_eq!(self.total(span, Total::Sum), [("DST".to_owned(), sum)]);
        }
        // A field keeps its type; the other lines of the batch are written, the bad one is told.
        let series = Series::new("read", &[("meter", "M3"), ("run", &self.run)]).unwrap();
        let mut batch = Batch::default();
        for at in 30..40 {
            let value = if at == 33 {
                Value::Text("a word")
            } else {
                Value::Int(at)
            };
            batch.push(&series, &[("wh", value)], Instant(at)).unwrap();
        }
        let mut delivery = Delivery::new(1);
        assert_eq!(delivery.send(&batch, &self.server), Outcome::Written);
        assert_eq!(delivery.dead.len(), 1, "{:?}", delivery.dead);
        assert!(delivery.dead[0].line.ends_with(" 33"));
        assert_eq!(self.read("M3").len(), 9);
        // Nothing is there where nothing was written.
        let empty = Span {
            start: Instant(5_000_000_000),
            end: Instant(5_000_000_001),
        };
        assert_eq!(self.total(empty, Total::Sum), []);
        assert!(self.server.health().unwrap().is_well);
        assert_eq!(self.server.ready(), Ok(true));
    }
}

impl Peer {
    /// A question that fails while it runs, and an answer that is cut off, are errors and never rows.
    fn fails_aloud(&self) {
        let nowhere = Points {
            bucket: "is not there",
            ..self.points(&[], ALL)
        };
        let said = self
            .server
            .ask(&Flux::totals(&nowhere, &["meter"], Total::Sum));
        assert!(said.is_err(), "{said:?}");
        self.write("cut", &(0..2_000).map(|n| (n, n)).collect::<Vec<_>>());
        let target = self.server.target();
        if !target.url.starts_with("http://") {
            println!("over TLS nothing can be cut off on the way");
            return;
        }
        let server = Server::new(&Target {
            url: http::cutting(&target.url, 4_000),
            ..target.clone()
        })
        .unwrap();
        let tags = [("run", self.run.as_str()), ("meter", "cut")];
        let said = server.ask(&Flux::points(&self.points(&tags, ALL), &["meter"], 10_000));
        assert!(said.is_err(), "{} rows", said.unwrap().len());
        assert_eq!(self.read("cut").len(), 2_000);
    }

    /// `COMMONWATT_INFLUX_RESTART` is a command that kills the named server with SIGKILL and starts
    /// it again; without one nobody can kill it for us.
    fn keeps_what_it_acknowledged_when_killed(&self) {
        let Ok(restart) = std::env::var("COMMONWATT_INFLUX_RESTART") else {
            println!("COMMONWATT_INFLUX_RESTART is not set: the named server is not killed");
            return;
        };
        let kept: Vec<(i64, i64)> = (0..5_000).map(|n| (n * 1_000, n * 7)).collect();
        self.write("killed", &kept);
        let done = std::process::Command::new("sh")
            .args(["-c", &restart])
            .status()
            .unwrap();
        assert!(done.success(), "`{restart}`: {done}");
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while self.server.ready() != Ok(true) {
            assert!(std::time::Instant::now() < until, "it does not come back");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        assert_eq!(self.read("killed"), kept);
    }
}

#[test]
fn the_strict_stub_keeps_the_contract() {
    let peer = Peer::new(&target(&Stub::start().url));
    peer.keeps_the_contract();
    peer.fails_aloud();
}

#[test]
fn the_server_somebody_named_keeps_the_contract() {
    if let Some(target) = named() {
        let peer = Peer::new(&target);
        println!("{}: {:?}", target.url, peer.server.health().unwrap());
        peer.keeps_the_contract();
        peer.fails_aloud();
        peer.keeps_what_it_acknowledged_when_killed();
        let mut wrong = target.clone();
        wrong.token = "wrong".into();
        let denied = Server::new(&wrong).unwrap().write("read wh=1i 1\n");
        assert!(matches!(denied, Err(Trouble::Denied { .. })), "{denied:?}");
        wrong = target;
        wrong.bucket = "is not there".into();
        let denied = Server::new(&wrong).unwrap().write("read wh=1i 1\n");
        assert!(matches!(denied, Err(Trouble::Denied { .. })), "{denied:?}");
    }
}

#[test]
fn influxdb_1_6_7_keeps_the_contract_and_what_it_acknowledged_when_killed() {
    let mut program = Program::influxdb();
    shim::make_bucket(program.port, stub::BUCKET);
    let peer = Peer::new(&target(&shim::start(program.port)));
    peer.keeps_the_contract();
    let kept: Vec<(i64, i64)> = (0..5_000).map(|n| (n * 1_000, n * 7)).collect();
    peer.write("killed", &kept);
    program.kill();
    let dead = peer.server.write("read wh=1i 1\n");
    assert!(matches!(dead, Err(Trouble::Unreachable(_))), "{dead:?}");
    program.again();
    for _ in 0..100 {
        if peer.server.ready().is_ok() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(peer.read("killed"), kept);
    let denied = {
        let mut nowhere = peer.server.target().clone();
        nowhere.bucket = "nowhere".into();
        Server::new(&nowhere).unwrap().write("read wh=1i 1\n")
    };
    assert!(
        matches!(denied, Err(Trouble::Denied { status: 404, .. })),
        "{denied:?}"
    );
}

/// Its limits, stated: numbers are floats, a word becomes a 0, and a point sent twice with two values
/// may answer with either.
#[test]
fn victoria_metrics_takes_the_same_writes_as_floats() {
    let mut program = Program::victoria();
    let peer = Peer::new(&target(&format!("http://127.0.0.1:{}", program.port)));
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let start = (now.as_millis() as i64 / 1000 - 86_400) * 1000;
    let exact = 9_007_199_254_740_992;
    let points: Vec<_> = [1, 15_475_040, exact, exact + 1]
        .iter()
        .zip(0..)
        .map(|(wh, n)| (start + n * 60_000, *wh))
        .collect();
    peer.write("M 1", &points);
    peer.write("M 1", &points);
    let export = || -> Vec<i64> {
        let _ = http::ask(program.port, "GET", "/internal/force_flush", b"");
        let target = format!(
            "/api/v1/export?match%5B%5D={}&start={}",
            http::encoded("read_wh{meter=\"M 1\"}"),
            start / 1000
        );
        let (_, body) = http::ask(program.port, "GET", &target, b"").unwrap();
        let row: serde_json::Value =
            serde_json::from_str(body.lines().next().unwrap_or("{}")).unwrap();
        let mut values: Vec<i64> = row["values"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|v| v.as_f64().unwrap() as i64)
            .collect();
        values.dedup();
        values
    };
    // 2^53 + 1 has become 2^53: exact up to there, which no register reaches.
    assert_eq!(export(), [1, 15_475_040, exact]);
    program.kill();
    assert!(peer.server.write("read wh=1i 1\n").is_err());
}
