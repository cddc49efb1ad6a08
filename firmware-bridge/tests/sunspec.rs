//! SunSpec devices served by pymodbus: scanned, and read as pysunspec2 reads them.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    time::Duration,
};

use bridge::{
    scan::{Plan, What, scan},
    source::{
        AnySource, Sample, Source, SourceConfig, SourceError,
        modbus::{Buses, Timing},
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A pymodbus server that ends with the test.
pub struct Served {
    server: Child,
    transport: &'static str,
    place: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/sunspec.py");

/// The Python that `./test` prepares, with pymodbus and pysunspec2.
fn python() -> Command {
    let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg(SCRIPT);
    command
}

const HINT: &str = "hint: run `./test`, or `pip install pymodbus==3.16.1 pysunspec2==1.3.7 pyserial==3.5` \
                    into a Python and name it in COMMONWATT_TEST_PYTHON";

/// Serves devices over `tcp` or `rtu`.
pub fn serve(transport: &'static str, devices: &Value) -> Served {
    let mut server = python()
        .args(["serve", transport])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("no Python: {e}\n{HINT}"));
    let mut stdin = server.stdin.take().unwrap();
    stdin.write_all(devices.to_string().as_bytes()).unwrap();
    drop(stdin);
    let mut ready = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let place = ready
        .strip_prefix("ready ")
        .unwrap_or_else(|| panic!("the pymodbus server did not start\n{HINT}"))
        .trim()
        .to_owned();
    Served {
        server,
        transport,
        place,
    }
}

#[derive(Debug, Deserialize)]
struct Point {
    model: u16,
    group: usize,
    point: String,
    text: Option<String>,
    wh: Option<u64>,
}

impl Served {
    /// The address as a configuration has it.
    pub fn address(&self) -> String {
        match self.transport {
            "tcp" => format!("127.0.0.1:{}", self.place),
            _ => format!("{},19200,8N1", self.place),
        }
    }

    /// What pysunspec2 reads of the first `units` units.
    fn read_by_pysunspec2(&self, units: u8, base: u16) -> Vec<Vec<Point>> {
        let read = python()
            .args(["read", self.transport, &self.place])
            .arg(base.to_string())
            .args((1..=units).map(|unit| unit.to_string()))
            .output()
            .unwrap();
        assert!(
            read.status.success(),
            "{}\n{HINT}",
            String::from_utf8_lossy(&read.stderr)
        );
        serde_json::from_slice(&read.stdout).unwrap()
    }

    /// What the bridge reads.
    async fn read_by_us(&self, unit: u8) -> Vec<Sample> {
        let config = format!(
            "kind = \"sunspec\"\naddress = \"{}\"\nunit = {unit}\nstrings = true",
            self.address()
        );
        let config: SourceConfig = toml::from_str(&config).unwrap();
        let mut source = AnySource::open(&config, &Buses::default()).unwrap();
        let first = source.poll().await.unwrap();
        assert_eq!(source.poll().await.unwrap(), first, "read again");
        first
    }
}

fn common(serial: &str) -> Value {
    json!({"ID": 1, "L": 66, "Mn": "Maker", "Md": "Model 5", "Vr": "1.02", "SN": serial})
}

type Register = (&'static str, &'static str, u64);

/// Serves models, each behind a common one on a unit of its own, and compares: what we read, what was
/// served, and what pysunspec2 reads.
async fn check(transport: &'static str, base: u16, cases: &[(Value, Vec<Register>)]) {
    let devices: Vec<Value> = (1..)
        .zip(cases)
        .map(|(unit, (model, _))| {
            json!({"unit": unit, "base": base, "models": [common("9999abcd"), model]})
        })
        .collect();
    let served = serve(transport, &json!(devices));
    let theirs = served.read_by_pysunspec2(u8::try_from(cases.len()).unwrap(), base);
    for ((unit, (model, expected)), theirs) in (1..).zip(cases).zip(theirs) {
        let ours = served.read_by_us(unit).await;
        let ours: Vec<(&str, &str, u64)> = ours
            .iter()
            .map(|sample| (&*sample.meter, &*sample.register, sample.wh))
            .collect();
        assert_eq!(ours, *expected, "{model}");

        assert_eq!(theirs[0].text.as_deref(), Some("9999abcd"));
        let theirs: Vec<(String, &str, u64)> = theirs
            .iter()
            .filter_map(|point| Some((point.meter("9999abcd"), point.register(), point.wh?)))
            .collect();
        let ours: Vec<(String, &str, u64)> = ours
            .into_iter()
            .map(|(meter, register, wh)| (meter.to_owned(), register, wh))
            .collect();
        assert_eq!(ours, theirs, "as pysunspec2 reads {model}");
    }
}

impl Point {
    fn register(&self) -> &'static str {
        match &*self.point {
            "TotWhImp" | "TotWhAbs" => "1.8.0",
            _ => "2.8.0",
        }
    }

    fn meter(&self, serial: &str) -> String {
        match self.model {
            160 => format!("{serial}/dc{}", self.group),
            _ => serial.to_owned(),
        }
    }
}

#[tokio::test]
async fn every_integer_model_over_tcp_is_read_as_pysunspec2_reads_it() {
    let mut cases = Vec::new();
    for id in [101, 102, 103] {
        cases.push((
            json!({"ID": id, "W": 1234, "W_SF": 0, "WH": 123_456_789, "WH_SF": 1, "St": 4}),
            vec![("9999abcd", "2.8.0", 1_234_567_890)],
        ));
    }
    for id in [201, 202, 203, 204] {
        cases.push((
            json!({
                "ID": id, "TotWhExp": 4_294_967_295_u32, "TotWhImp": 123_457, "TotWh_SF": -1,
            }),
            vec![
                ("9999abcd", "2.8.0", 429_496_729),
                ("9999abcd", "1.8.0", 12_345),
            ],
        ));
    }
    cases.push((
        json!({
            "ID": 701, "TotWhInj": 9_007_199_254_740_993_u64, "TotWhAbs": 0, "TotWh_SF": -2,
            "InvSt": 3,
        }),
        vec![
            ("9999abcd", "2.8.0", 90_071_992_547_409),
            ("9999abcd", "1.8.0", 0),
        ],
    ));
    check("tcp", 50_000, &cases).await;
}

#[tokio::test]
async fn every_float_model_over_tcp_is_read_as_pysunspec2_reads_it() {
    let mut cases = Vec::new();
    for id in [111, 112, 113] {
        // Above 2^24 a float counts in steps; its bits are the register.
        cases.push((
            json!({"ID": id, "W": 1500.5, "WH": 123_456_789_012.0, "St": 4}),
            vec![("9999abcd", "2.8.0", 123_456_790_528)],
        ));
    }
    for id in [211, 212, 213, 214] {
        cases.push((
            json!({"ID": id, "W": -5.25, "TotWhExp": 1_234_567.9, "TotWhImp": 0.0}),
            vec![("9999abcd", "2.8.0", 1_234_567), ("9999abcd", "1.8.0", 0)],
        ));
    }
    check("tcp", 0, &cases).await;
}

#[tokio::test]
async fn integer_and_float_models_over_rtu_are_read_as_pysunspec2_reads_them() {
    let cases = [
        (
            json!({"ID": 103, "WH": 7_654_321, "WH_SF": 0, "St": 4}),
            vec![("9999abcd", "2.8.0", 7_654_321)],
        ),
        (
            json!({"ID": 213, "TotWhExp": 7_654_321.0, "TotWhImp": 12.75}),
            vec![("9999abcd", "2.8.0", 7_654_321), ("9999abcd", "1.8.0", 12)],
        ),
    ];
    check("rtu", 40_000, &cases).await;
}

#[tokio::test]
async fn strings_are_read_as_pysunspec2_reads_them_even_more_than_fit_one_request() {
    let modules: Vec<Value> = (1..=7)
        .map(|n| json!({"ID": n, "DCWH": n * 1000}))
        .collect();
    let model = json!({"ID": 160, "DCWH_SF": 1, "N": 7, "module": modules});
    let expected = vec![
        ("9999abcd/dc1", "2.8.0", 10_000),
        ("9999abcd/dc2", "2.8.0", 20_000),
        ("9999abcd/dc3", "2.8.0", 30_000),
        ("9999abcd/dc4", "2.8.0", 40_000),
        ("9999abcd/dc5", "2.8.0", 50_000),
        ("9999abcd/dc6", "2.8.0", 60_000),
        ("9999abcd/dc7", "2.8.0", 70_000),
    ];
    check("tcp", 40_000, &[(model, expected)]).await;
}

#[tokio::test]
async fn what_is_not_implemented_is_absent_and_never_zero() {
    let models = [
        json!({"ID": 103, "WH": null, "WH_SF": 0}),
        json!({"ID": 103, "WH": 5, "WH_SF": null}),
        json!({"ID": 113, "WH": null}),
        json!({"ID": 203, "TotWhExp": null, "TotWhImp": null, "TotWh_SF": 0}),
        json!({"ID": 701, "TotWhInj": null, "TotWhAbs": null, "TotWh_SF": 0}),
    ];
    let cases: Vec<(Value, Vec<Register>)> = models
        .into_iter()
        .map(|model| (model, Vec::new()))
        .collect();
    check("tcp", 40_000, &cases).await;
}

#[tokio::test]
async fn a_line_with_three_units_is_scanned() {
    let served = serve(
        "rtu",
        &json!([
            {"unit": 1, "base": 40_000, "models": [
                common("A1"), {"ID": 103, "WH": 1000, "WH_SF": 0, "St": 4}]},
            {"unit": 3, "base": 50_000, "models": [
                common("B1"), {"ID": 213, "TotWhExp": 5.0, "TotWhImp": null}]},
            {"unit": 4, "base": 0, "models": [
                common(""), {"ID": 701, "TotWhInj": 7, "TotWh_SF": 0}]},
        ]),
    );
    let mut plan = Plan::usual(served.address().parse().unwrap());
    plan.units = (1..=5).collect();
    let report = scan(&plan, |_| {}).await.unwrap();
    let found: Vec<(u8, Vec<&str>, bool)> = report
        .found
        .iter()
        .map(|found| match &found.what {
            What::SunSpec {
                machines,
                without_serial,
                ..
            } => {
                let serials = machines.iter().map(|(serial, _)| &**serial).collect();
                (found.unit, serials, *without_serial)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        found,
        [
            (1, vec!["A1"], false),
            (3, vec!["B1"], false),
            (4, vec!["no serial number"], true),
        ]
    );
    let text = report.to_string();
    assert!(
        text.contains("Maker Model 5, serial A1, version 1.02"),
        "{text}"
    );
    assert!(text.contains("SunSpec at 50000, models 1 213"), "{text}");
    assert!(text.contains("1.8.0  not implemented"), "{text}");
    assert!(
        text.contains("meter = \"\"   # fill in the serial number on its label"),
        "{text}"
    );
    let json = report.json();
    assert_eq!(
        json["found"][0]["meters"][0]["models"][0]["registers"][0]["wh"],
        1000
    );
    assert_eq!(
        json["found"][1]["meters"][0]["models"][0]["registers"][1]["wh"],
        Value::Null
    );
}

/// A mosquitto on a port of its own, which ends with the test.
struct Broker(Child, u16);

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn broker(folder: &std::path::Path) -> Broker {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let config = folder.join("mosquitto.conf");
    std::fs::write(
        &config,
        format!("listener {port} 127.0.0.1\nallow_anonymous true\n"),
    )
    .unwrap();
    let path = format!(
        "{}:/usr/sbin:/sbin",
        std::env::var("PATH").unwrap_or_default()
    );
    let broker = Command::new("mosquitto")
        .env("PATH", path)
        .arg("-c")
        .arg(config)
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|e| {
            panic!("no mosquitto: {e}\nhint: `apt-get install mosquitto`, or run `./test`")
        });
    Broker(broker, port)
}

/// What a gateway publishes, until it has shown so many registers.
async fn published(port: u16, gateway: &str, count: usize) -> Vec<(String, String, u64)> {
    let mut options = rumqttc::MqttOptions::new("listener", "127.0.0.1", port);
    options.set_max_packet_size(1 << 20, 1 << 10);
    let (client, mut events) = rumqttc::AsyncClient::new(options, 10);
    let topic = format!("commonwatt/v1/{gateway}/reads");
    let mut seen = BTreeSet::new();
    let listening = async {
        while seen.len() < count {
            match events.poll().await {
                Ok(rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(_))) => client
                    .subscribe(&topic, rumqttc::QoS::AtLeastOnce)
                    .await
                    .unwrap(),
                Ok(rumqttc::Event::Incoming(rumqttc::Packet::Publish(note))) => {
                    let note: Value = serde_json::from_slice(&note.payload).unwrap();
                    for read in note["reads"].as_array().unwrap() {
                        let text = |key: &str| read[key].as_str().unwrap().to_owned();
                        let wh = read["wh"].as_u64().unwrap();
                        seen.insert((text("meter"), text("register"), wh));
                    }
                }
                Ok(_) => {}
                // The broker is still starting.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), listening)
        .await
        .expect("the gateway published too little in 30 s");
    seen.into_iter().collect()
}

#[tokio::test]
async fn what_the_gateway_publishes_is_what_pysunspec2_reads() {
    let devices = json!([
        {"unit": 1, "base": 40_000, "models": [
            common("A1"), {"ID": 103, "W": 1234, "W_SF": 1, "WH": 7_654_321, "WH_SF": 1, "St": 4}]},
        {"unit": 2, "base": 40_000, "models": [
            common("B1"), {"ID": 213, "TotWhExp": 1_234_567.9, "TotWhImp": null}]},
        {"unit": 3, "base": 40_000, "models": [
            common("C1"), {"ID": 701, "TotWhInj": 5_000_000_000_017_u64, "TotWhAbs": 42, "TotWh_SF": -1}]},
    ]);
    for transport in ["tcp", "rtu"] {
        let served = serve(transport, &devices);
        let mut theirs = Vec::new();
        for points in served.read_by_pysunspec2(3, 40_000) {
            let serial = points[0].text.clone().unwrap();
            theirs.extend(points.iter().filter_map(|point| {
                Some((point.meter(&serial), point.register().to_owned(), point.wh?))
            }));
        }
        theirs.sort();
        assert_eq!(theirs.len(), 4);

        let folder = tempfile::tempdir().unwrap();
        let broker = broker(folder.path());
        let mut config = format!(
            "[gateway]\nid = \"elmore-1\"\n[uplink]\nurl = \"mqtt://127.0.0.1:{}\"\n\
             replay_within_ms = 0\nretry_within_s = 1\n\
             [reading]\ninterval_ms = 1000\ngather_ms = 500\n[backlog]\nfolder = \"{}\"\n",
            broker.1,
            folder.path().join("backlog").display()
        );
        for unit in 1..=3 {
            config += &format!(
                "[[source]]\nkind = \"sunspec\"\naddress = \"{}\"\nunit = {unit}\n",
                served.address()
            );
        }
        let file = folder.path().join("gateway.toml");
        std::fs::write(&file, config).unwrap();
        let gateway = Command::new(env!("CARGO_BIN_EXE_firmware-bridge"))
            .arg("--config")
            .arg(file)
            .arg("run")
            .spawn()
            .unwrap();
        let _gateway = Broker(gateway, 0);
        let ours = published(broker.1, "elmore-1", theirs.len()).await;
        assert_eq!(ours, theirs, "over {transport}");
    }
}

#[tokio::test]
async fn a_scan_stops_at_the_first_speed_at_which_somebody_answers() {
    let served = serve(
        "rtu",
        &json!([{"unit": 2, "base": 40_000, "models": [
            common("A1"), {"ID": 103, "WH": 1000, "WH_SF": 0, "St": 4}]}]),
    );
    let given = format!("{},1200,8N1", served.place);
    let mut plan = Plan::every_speed(given.parse().unwrap());
    assert_eq!(plan.addresses.len(), 8);
    plan.units = vec![1, 2];
    plan.wait = Duration::from_millis(150);
    let mut knocked = 0;
    let report = scan(&plan, |_| knocked += 1).await.unwrap();
    // A pseudo terminal has no speed, so that the first one is right.
    assert_eq!(report.address.to_string(), given);
    assert_eq!((report.found.len(), knocked), (1, 3));
}

#[tokio::test]
async fn a_late_answer_on_a_serial_line_is_never_taken_for_the_next_one() {
    // The energy rises by one at each read, so that an old answer would show an old number. The
    // fourth answer comes 300 ms after we gave up.
    let served = serve(
        "rtu",
        &json!([{"unit": 1, "base": 40_000, "counts": 40_095, "late": [4, 0.6], "models": [
            common("A1"), {"ID": 103, "WH": 1000, "WH_SF": 0, "St": 4}]}]),
    );
    let config = format!("kind = \"sunspec\"\naddress = \"{}\"", served.address());
    let buses = Buses::with_timing(Timing {
        answer: Duration::from_millis(300),
        gap: Duration::from_millis(50),
        settle: Duration::from_millis(600),
        ..Timing::default()
    });
    let mut source = AnySource::open(&toml::from_str(&config).unwrap(), &buses).unwrap();
    // Read: the common model, then energy once a poll; after the time-out the common model again.
    let mut shown = Vec::new();
    for _ in 0..6 {
        shown.push(match source.poll().await {
            Ok(samples) => samples[0].wh,
            Err(error) => {
                assert!(
                    matches!(error, SourceError::Timeout { after_ms: 300, .. }),
                    "{error}"
                );
                0
            }
        });
    }
    assert_eq!(shown, [1002, 1003, 0, 1006, 1007, 1008]);
}

#[tokio::test]
async fn a_serial_line_has_one_talker() {
    let served = serve(
        "rtu",
        &json!([{"unit": 1, "base": 40_000, "models": [
            common("A1"), {"ID": 103, "WH": 1000, "WH_SF": 0, "St": 4}]}]),
    );
    let config = format!("kind = \"sunspec\"\naddress = \"{}\"", served.address());
    let config: SourceConfig = toml::from_str(&config).unwrap();
    let (ours, others) = (Buses::default(), Buses::default());
    let mut source = AnySource::open(&config, &ours).unwrap();
    assert_eq!(source.poll().await.unwrap().len(), 1);
    let mut other = AnySource::open(&config, &others).unwrap();
    let error = other.poll().await.unwrap_err().to_string();
    assert!(
        error.contains("another program talks on this line"),
        "{error}"
    );
    assert_eq!(source.poll().await.unwrap().len(), 1);
    drop((source, ours));
    assert_eq!(other.poll().await.unwrap().len(), 1);
}
