//! Modbus devices that misbehave, each as one was seen to: a server in the hand answers by rule.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bridge::{
    clock::ClockState,
    commission::{Line, Order, commission},
    source::{
        AnySource, Sample, Source, SourceConfig, SourceError,
        modbus::{Buses, Timing},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    /// How many requests came before, on all connections.
    nth: usize,
    unit: u8,
    function: u8,
    from: u16,
    count: u16,
}

/// What the device does about it.
enum Does {
    Shows(Vec<u16>),
    /// Shows, but so late.
    ShowsAfter(Duration, Vec<u16>),
    Refuses(u8),
    Hangs,
    Closes,
    /// Shows under another transaction number.
    ShowsToSomebodyElse(Vec<u16>),
}

/// A device on the network.
struct Device {
    address: String,
    connections: Arc<AtomicUsize>,
    open_at_once: Arc<Mutex<(usize, usize)>>,
}

impl Device {
    /// `rule` answers every request; at most `clients` are served at a time, others wait.
    async fn with(clients: usize, rule: impl Fn(Asked) -> Does + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let open_at_once = Arc::new(Mutex::new((0, 0)));
        let (counted, open) = (connections.clone(), open_at_once.clone());
        let rule = Arc::new(rule);
        let nth = Arc::new(AtomicUsize::new(0));
        let seats = Arc::new(tokio::sync::Semaphore::new(clients));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let (rule, nth, open, seats) =
                    (rule.clone(), nth.clone(), open.clone(), seats.clone());
                tokio::spawn(async move {
                    {
                        let mut open = open.lock().unwrap();
                        open.0 += 1;
                        open.1 = open.1.max(open.0);
                    }
                    let seat = seats.acquire_owned().await.unwrap();
                    let _ = serve(stream, &*rule, &nth).await;
                    drop(seat);
                    open.lock().unwrap().0 -= 1;
                });
            }
        });
        Device {
            address,
            connections,
            open_at_once,
        }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn source(&self, buses: &Buses, rest: &str) -> AnySource {
        let config = format!("address = \"{}\"\n{rest}", self.address);
        let config: SourceConfig = toml::from_str(&config).unwrap();
        AnySource::open(&config, buses).unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    rule: &(dyn Fn(Asked) -> Does + Send + Sync),
    nth: &AtomicUsize,
) -> std::io::Result<()> {
    loop {
        let mut frame = [0; 12];
        stream.read_exact(&mut frame).await?;
        let asked = Asked {
            nth: nth.fetch_add(1, Ordering::SeqCst),
            unit: frame[6],
            function: frame[7],
            from: u16::from_be_bytes([frame[8], frame[9]]),
            count: u16::from_be_bytes([frame[10], frame[11]]),
        };
        let mut transaction = [frame[0], frame[1]];
        let shows = |words: Vec<u16>| {
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_be_bytes()).collect();
            let mut pdu = vec![asked.function, u8::try_from(bytes.len()).unwrap()];
            pdu.extend(bytes);
            pdu
        };
        let pdu = match rule(asked) {
            Does::Shows(words) => shows(words),
            Does::ShowsAfter(wait, words) => {
                sleep(wait).await;
                shows(words)
            }
            Does::Refuses(code) => vec![asked.function | 0x80, code],
            Does::Hangs => continue,
            Does::Closes => return Ok(()),
            Does::ShowsToSomebodyElse(words) => {
                transaction = (u16::from_be_bytes(transaction).wrapping_sub(1)).to_be_bytes();
                shows(words)
            }
        };
        let mut answer = transaction.to_vec();
        answer.extend([0, 0]);
        answer.extend(u16::try_from(pdu.len() + 1).unwrap().to_be_bytes());
        answer.push(asked.unit);
        answer.extend(pdu);
        stream.write_all(&answer).await?;
    }
}

/// A map of registers from `base` on: what lies outside is refused.
#[derive(Clone)]
struct Map {
    base: u16,
    words: Vec<u16>,
}

impl Map {
    /// `SunS`, a common model with this serial, the models given and the end.
    fn sunspec(base: u16, serial: &str, models: &[Vec<u16>]) -> Self {
        let mut words = vec![0x5375, 0x6e53, 1, 66];
        let mut common = vec![0; 66];
        for (at, pair) in serial.as_bytes().chunks(2).enumerate() {
            common[48 + at] = u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]);
        }
        words.extend(common);
        words.extend(models.concat());
        words.extend([0xffff, 0]);
        Map { base, words }
    }

    fn shows(&self, asked: Asked) -> Does {
        let Some(from) = asked.from.checked_sub(self.base) else {
            return Does::Refuses(2);
        };
        let from = usize::from(from);
        match self.words.get(from..from + usize::from(asked.count)) {
            Some(words) => Does::Shows(words.to_vec()),
            None => Does::Refuses(2),
        }
    }
}

/// Model 103 with this energy, scale factor and power.
fn inverter(wh: u32, wh_sf: i16, w: u16) -> Vec<u16> {
    let mut words = vec![0; 52];
    words[0] = 103;
    words[1] = 50;
    words[14] = w;
    words[24] = (wh >> 16) as u16;
    words[25] = wh as u16;
    words[26] = wh_sf as u16;
    words[38] = 4;
    words
}

fn quick() -> Buses {
    Buses::with_timing(Timing {
        connect: Duration::from_millis(500),
        first_answer: Duration::from_millis(400),
        answer: Duration::from_millis(100),
        gap: Duration::from_millis(10),
        settle: Duration::from_millis(50),
    })
}

fn registers(samples: &[Sample]) -> Vec<(&str, &str, u64)> {
    samples
        .iter()
        .map(|s| (&*s.meter, &*s.register, s.wh))
        .collect()
}

const SUNSPEC: &str = "kind = \"sunspec\"";

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    // The third read of the energy comes after its time-out, and shows another register.
    let map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    let energy_reads = AtomicUsize::new(0);
    let device = Device::with(9, move |asked| {
        let Does::Shows(words) = map.shows(asked) else {
            return Does::Refuses(2);
        };
        if asked.count < 10 {
            return Does::Shows(words);
        }
        match energy_reads.fetch_add(1, Ordering::SeqCst) {
            3 => Does::ShowsAfter(Duration::from_millis(150), vec![7; asked.count.into()]),
            _ => Does::Shows(words),
        }
    })
    .await;
    let mut source = device.source(&quick(), SUNSPEC);
    for poll in 0..8 {
        match source.poll().await {
            Ok(samples) => assert_eq!(registers(&samples), [("A1", "2.8.0", 1000)], "poll {poll}"),
            Err(SourceError::Timeout { after_ms, .. }) => assert_eq!((poll, after_ms), (2, 100)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(device.connections(), 2, "one time-out, one new connection");
}

#[tokio::test]
async fn an_answer_to_another_request_ends_the_connection() {
    let map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    let device = Device::with(9, move |asked| match (asked.nth, map.shows(asked)) {
        (6, Does::Shows(words)) => Does::ShowsToSomebodyElse(words),
        (_, does) => does,
    })
    .await;
    let mut source = device.source(&quick(), SUNSPEC);
    assert_eq!(source.poll().await.unwrap().len(), 1);
    let error = source.poll().await.unwrap_err();
    assert!(matches!(error, SourceError::Malformed { .. }), "{error}");
    assert_eq!(source.poll().await.unwrap().len(), 1);
    assert_eq!(device.connections(), 2);
}

#[tokio::test]
async fn a_slow_first_answer_is_waited_for() {
    let map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    let device = Device::with(9, move |asked| match (asked.nth, map.shows(asked)) {
        (0, Does::Shows(words)) => Does::ShowsAfter(Duration::from_millis(300), words),
        (_, does) => does,
    })
    .await;
    let mut source = device.source(&quick(), SUNSPEC);
    assert_eq!(source.poll().await.unwrap().len(), 1);
    assert_eq!(device.connections(), 1);
}

#[tokio::test]
async fn an_idle_connection_that_the_inverter_closed_is_opened_again_without_a_word() {
    let map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    let closed = AtomicUsize::new(0);
    let device = Device::with(9, move |asked| {
        if asked.nth == 5 && closed.fetch_add(1, Ordering::SeqCst) == 0 {
            return Does::Closes;
        }
        map.shows(asked)
    })
    .await;
    let mut source = device.source(&quick(), SUNSPEC);
    for _ in 0..4 {
        assert_eq!(
            registers(&source.poll().await.unwrap()),
            [("A1", "2.8.0", 1000)]
        );
    }
    assert_eq!(device.connections(), 2);
}

#[tokio::test]
async fn an_inverter_that_takes_one_client_serves_all_its_units() {
    let map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    let other = Map::sunspec(40_000, "B2", &[inverter(2000, 0, 5)]);
    let device = Device::with(1, move |asked| match asked.unit {
        1 => map.shows(asked),
        _ => other.shows(asked),
    })
    .await;
    let buses = quick();
    let mut one = device.source(&buses, "kind = \"sunspec\"\nunit = 1");
    let mut two = device.source(&buses, "kind = \"sunspec\"\nunit = 2");
    for _ in 0..3 {
        let (one, two) = tokio::join!(one.poll(), two.poll());
        assert_eq!(registers(&one.unwrap()), [("A1", "2.8.0", 1000)]);
        assert_eq!(registers(&two.unwrap()), [("B2", "2.8.0", 2000)]);
    }
    assert_eq!(device.open_at_once.lock().unwrap().1, 1);

    // Somebody else has the seat now and then: we say so, and come back.
    let mut ours = device.source(&quick(), "kind = \"sunspec\"\nunit = 1");
    let error = ours.poll().await.unwrap_err().to_string();
    assert!(error.contains("one client at a time"), "{error}");
    drop((one, two, buses));
    assert_eq!(ours.poll().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_value_is_read_with_its_own_scale_factor_even_when_that_changes() {
    // The counter switches between 1 234 560 Wh at 0 and 123 456 at 1, back and forth.
    let maps = [
        Map::sunspec(40_000, "A1", &[inverter(1_234_560, 0, 5)]),
        Map::sunspec(40_000, "A1", &[inverter(123_456, 1, 5)]),
    ];
    let device = Device::with(9, move |asked| maps[asked.nth % 2].shows(asked)).await;
    let mut source = device.source(&quick(), SUNSPEC);
    for _ in 0..6 {
        assert_eq!(
            registers(&source.poll().await.unwrap()),
            [("A1", "2.8.0", 1_234_560)]
        );
    }
}

#[tokio::test]
async fn a_scale_factor_that_cannot_be_one_is_an_error_and_no_number() {
    let map = Map::sunspec(40_000, "A1", &[inverter(1000, 77, 5)]);
    let device = Device::with(9, move |asked| map.shows(asked)).await;
    let error = device.source(&quick(), SUNSPEC).poll().await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("sent WH_SF of 77; expected a scale factor"),
        "{error}"
    );
}

#[tokio::test]
async fn a_chain_without_its_end_is_read_and_one_without_end_is_refused() {
    // Cut off after the inverter: the next read is refused.
    let mut map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    map.words.truncate(map.words.len() - 2);
    let device = Device::with(9, move |asked| map.shows(asked)).await;
    let samples = device.source(&quick(), SUNSPEC).poll().await.unwrap();
    assert_eq!(registers(&samples), [("A1", "2.8.0", 1000)]);

    // Cut off within the inverter: its header is there, its registers are not.
    let mut map = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    map.words.truncate(map.words.len() - 30);
    let device = Device::with(9, move |asked| map.shows(asked)).await;
    let error = device.source(&quick(), SUNSPEC).poll().await.unwrap_err();
    assert!(matches!(error, SourceError::Refused { .. }), "{error}");

    for (id, length, said) in [
        // The same model for ever.
        (103, 50, "more than 100 models"),
        // Zeros for ever.
        (0, 0, "model 0 of 0 registers"),
        // A length that leaves the address space.
        (103, 65_000, "past the last register"),
    ] {
        let asked_for = Arc::new(AtomicUsize::new(0));
        let counted = asked_for.clone();
        let device = Device::with(9, move |asked| {
            counted.fetch_add(1, Ordering::SeqCst);
            match (asked.from, asked.count) {
                (40_000, 2) => Does::Shows(vec![0x5375, 0x6e53]),
                (_, 2) => Does::Shows(vec![id, length]),
                _ => Does::Refuses(2),
            }
        })
        .await;
        let error = device.source(&quick(), SUNSPEC).poll().await.unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(asked_for.load(Ordering::SeqCst) <= 110);
    }
}

#[tokio::test]
async fn a_device_that_is_silent_where_it_has_no_registers_is_found_at_zero() {
    let map = Map::sunspec(0, "A1", &[inverter(1000, 0, 5)]);
    let device = Device::with(9, move |asked| match asked.from {
        40_000 | 50_000 => Does::Hangs,
        _ => map.shows(asked),
    })
    .await;
    let samples = device.source(&quick(), SUNSPEC).poll().await.unwrap();
    assert_eq!(registers(&samples), [("A1", "2.8.0", 1000)]);
}

#[tokio::test]
async fn a_chain_that_changed_after_an_update_is_walked_again() {
    let before = Map::sunspec(40_000, "A1", &[inverter(1000, 0, 5)]);
    let mut other = vec![0; 22];
    (other[0], other[1]) = (120, 20);
    let after = Map::sunspec(40_000, "A1", &[other, inverter(1001, 0, 5)]);
    let updated = Arc::new(AtomicUsize::new(0));
    let seen = updated.clone();
    let device = Device::with(9, move |asked| match seen.load(Ordering::SeqCst) {
        0 => before.shows(asked),
        _ => after.shows(asked),
    })
    .await;
    let mut source = device.source(&quick(), SUNSPEC);
    assert_eq!(
        registers(&source.poll().await.unwrap()),
        [("A1", "2.8.0", 1000)]
    );
    updated.store(1, Ordering::SeqCst);
    let error = source.poll().await.unwrap_err();
    assert!(
        error.to_string().contains("expected model 103 of 50"),
        "{error}"
    );
    assert_eq!(
        registers(&source.poll().await.unwrap()),
        [("A1", "2.8.0", 1001)]
    );
}

#[tokio::test]
async fn one_counter_of_a_machine_is_kept_even_when_another_wakes_up() {
    // A float view and an integer view of one inverter; the integer one says nothing at first.
    let mut float = vec![0; 62];
    (float[0], float[1]) = (113, 60);
    let bits = 999.0_f32.to_bits();
    (float[32], float[33]) = ((bits >> 16) as u16, bits as u16);
    let asleep = Map::sunspec(40_000, "A1", &[float.clone(), inverter(0, 0, 0)]);
    let awake = Map::sunspec(40_000, "A1", &[float, inverter(1000, 0, 5)]);
    let hour = Arc::new(AtomicUsize::new(0));
    let seen = hour.clone();
    let device = Device::with(9, move |asked| match seen.load(Ordering::SeqCst) {
        0 => asleep.shows(asked),
        _ => awake.shows(asked),
    })
    .await;
    let buses = quick();
    let mut source = device.source(&buses, SUNSPEC);
    assert_eq!(
        registers(&source.poll().await.unwrap()),
        [("A1", "2.8.0", 999)]
    );
    hour.store(1, Ordering::SeqCst);
    assert_eq!(
        registers(&source.poll().await.unwrap()),
        [("A1", "2.8.0", 999)]
    );
    let mut fresh = device.source(&buses, SUNSPEC);
    assert_eq!(
        registers(&fresh.poll().await.unwrap()),
        [("A1", "2.8.0", 1000)]
    );
}

#[tokio::test]
async fn an_address_where_nobody_is_says_what_to_look_at() {
    let buses = quick();
    let config = "kind = \"sunspec\"\naddress = \"127.0.0.1:1\"";
    let mut source = AnySource::open(&toml::from_str(config).unwrap(), &buses).unwrap();
    let error = source.poll().await.unwrap_err();
    assert!(matches!(error, SourceError::Gone { .. }), "{error}");
    let config = "kind = \"sunspec\"\naddress = \"/dev/no-such-line\"";
    let mut source = AnySource::open(&toml::from_str(config).unwrap(), &buses).unwrap();
    let error = source.poll().await.unwrap_err().to_string();
    assert!(error.contains("hint: is the adapter plugged in"), "{error}");
}

/// An Eastron SDM120 as its maker documents it.
fn sdm120(asked: Asked) -> Does {
    let float = |value: f32| {
        let bits = value.to_bits();
        Does::Shows(vec![(bits >> 16) as u16, bits as u16])
    };
    match (asked.function, asked.from, asked.count) {
        (4, 0x0000, 2) => float(239.8),
        (4, 0x000c, 2) => float(-1430.6),
        (4, 0x0046, 2) => float(50.02),
        (4, 0x0048, 2) => float(12.34),
        (4, 0x004a, 2) => float(20_417.69),
        (3, 0xfc00, 2) => Does::Shows(vec![0x0133, 0xfc45]),
        _ => Does::Refuses(2),
    }
}

#[tokio::test]
async fn a_meter_is_read_by_its_register_map() {
    let device = Device::with(9, sdm120).await;
    let mut source = device.source(&quick(), "kind = \"modbus\"\nmap = \"eastron-sdm120\"");
    let samples = source.poll().await.unwrap();
    let expected = [
        ("20184133", "2.8.0", 20_417_690),
        ("20184133", "1.8.0", 12_340),
    ];
    assert_eq!(registers(&samples), expected);
    assert_eq!((samples[0].w, samples[1].w), (Some(1430), Some(-1430)));
}

#[tokio::test]
async fn a_meter_is_recognised_by_a_scan() {
    let device = Device::with(1, sdm120).await;
    let mut plan = bridge::scan::Plan::usual(device.address.parse().unwrap());
    plan.units = vec![1];
    plan.wait = Duration::from_millis(100);
    let report = bridge::scan::scan(&plan, |_| {}).await.unwrap();
    let text = report.to_string();
    assert!(
        text.contains("Eastron SDM120, one phase (eastron-sdm120), serial 20184133"),
        "{text}"
    );
    assert!(text.contains("20417.690 kWh"), "{text}");
    assert!(text.contains("map = \"eastron-sdm120\""), "{text}");
    let json = report.json();
    assert_eq!(
        json["found"][0]["maps"][0]["registers"][0]["wh"],
        20_417_690
    );
}

#[tokio::test]
async fn an_inverter_that_answers_at_every_unit_is_shown_once() {
    // Nine unit numbers, one device: with a serial number, and without one.
    for serial in [true, false] {
        let device = Device::with(1, move |asked| match (asked.function, asked.from) {
            (3, 0xfc00) if !serial => Does::Refuses(2),
            _ => sdm120(asked),
        })
        .await;
        let mut plan = bridge::scan::Plan::usual(device.address.parse().unwrap());
        plan.wait = Duration::from_millis(200);
        let report = bridge::scan::scan(&plan, |_| {}).await.unwrap();
        assert_eq!(report.found.len(), 1, "{report}");
        assert_eq!(report.found[0].also, [2, 3, 4, 5, 100, 126, 247, 255]);
        let text = report.to_string();
        assert!(
            text.contains("unit 1 (the same device answers at 2, 3, 4, 5, 100, 126, 247, 255)"),
            "{text}"
        );
        assert_eq!(text.matches("[[source]]").count(), 1, "{text}");
        assert_eq!(report.json()["found"][0]["also_units"][0], 2);
    }
    // Two meters of one make without serial numbers, behind a gateway to a serial line: two.
    let two = Device::with(1, |asked| match (asked.unit, asked.from) {
        (1 | 2, 0xfc00) => Does::Refuses(2),
        (1 | 2, _) => sdm120(asked),
        _ => Does::Refuses(11),
    })
    .await;
    let mut plan = bridge::scan::Plan::usual(two.address.parse().unwrap());
    plan.wait = Duration::from_millis(200);
    let report = bridge::scan::scan(&plan, |_| {}).await.unwrap();
    let units: Vec<u8> = report.found.iter().map(|found| found.unit).collect();
    assert_eq!(units, [1, 2], "{report}");
}

#[tokio::test]
async fn a_meter_whose_serial_the_file_gives_is_commissioned_without_its_own() {
    let device = Device::with(1, |asked| match (asked.function, asked.from) {
        (3, 0xfc00) => Does::Refuses(2),
        _ => sdm120(asked),
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let source = |meter: &str| {
        let text = format!(
            "kind = \"modbus\"\naddress = \"{}\"\nmap = \"eastron-sdm120\"\n{meter}",
            device.address
        );
        toml::from_str(&text).unwrap()
    };
    let order = Order {
        gateway: "elmore-1".into(),
        key: None,
        zone: "Europe/London".into(),
        source: source("meter = \"19M0000001\""),
        meter: None,
        site: None,
        by: None,
        backlog: folder.path().to_owned(),
    };
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    let asked = |_: &Line| None;
    let sheet = commission(order.clone(), &quick(), now, ClockState::Synced, asked)
        .await
        .unwrap();
    assert_eq!(sheet.meter, "19M0000001");
    assert_eq!(sheet.registers.len(), 2);
    let nameless = Order {
        source: source(""),
        ..order
    };
    let error = commission(nameless, &quick(), now, ClockState::Synced, asked)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_meter_read_by_its_map_is_commissioned_with_both_dials() {
    let device = Device::with(1, sdm120).await;
    let folder = tempfile::tempdir().unwrap();
    let source = format!(
        "kind = \"modbus\"\naddress = \"{}\"\nmap = \"eastron-sdm120\"",
        device.address
    );
    let order = Order {
        gateway: "elmore-1".into(),
        key: None,
        zone: "Europe/London".into(),
        source: toml::from_str(&source).unwrap(),
        meter: None,
        site: None,
        by: None,
        backlog: folder.path().to_owned(),
    };
    let now = "2026-06-01T12:00:00Z".parse().unwrap();
    let asked = |line: &Line| {
        let shown = if line.register == "2.8.0" {
            "20417.69"
        } else {
            "12.34"
        };
        Some(shown.parse().unwrap())
    };
    let sheet = commission(order, &quick(), now, ClockState::Synced, asked)
        .await
        .unwrap();
    assert!(sheet.passed(), "{}", sheet.text());
    assert_eq!(
        sheet.sentence(),
        "On 1 June 2026 gateway elmore-1 read meter 20184133 as its dial shows it: \
         20,417.690 kWh made or given out and 12.340 kWh taken in."
    );
    let text = sheet.text();
    assert!(text.contains("Eastron SDM120, one phase"), "{text}");
    assert!(text.contains("20417.69   1000 Wh each"), "{text}");
    assert!(text.contains("register 0x004a"), "{text}");
}
