//! A publisher that is not the limit: pre-encoded MQTT 3.1.1 messages, pipelined over many
//! connections by one epoll loop a thread, against any broker.
//!
//! Each connection is one gateway (`PREFIX0`, `PREFIX1`, …) with its own meters (`M0000000`, …). A
//! message is a template in which only the packet id, the sequence number, the meters, the times and
//! the registers are patched; every one is a different, valid read. Reads go round the meters of a
//! connection, and each round is ten seconds after the one before.
//! A connection keeps `window` messages in flight and counts a message when its PUBACK is read.
//! Latency is from the write of a message to the read of its PUBACK.
//!
//! Used by the benches of the root package and by the example `blast` of `ingest`, both by path.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};

/// What to send.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The broker.
    pub address: SocketAddr,
    /// Connections in all.
    pub connections: usize,
    /// Messages in flight on each.
    pub window: usize,
    /// Reads in a message.
    pub reads: usize,
    /// Meters of each connection.
    pub meters: usize,
    /// How long to send after every connection stands.
    pub duration: Duration,
    /// Threads to spread the connections over.
    pub threads: usize,
    /// What stands before a connection's number in its gateway's id.
    pub prefix: String,
    /// Password of every gateway, or theirs in order with spaces between; none to connect without
    /// user name.
    pub password: Option<String>,
    /// Boot number in the messages.
    pub boot: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Messages acknowledged.
    pub messages: u64,
    /// Reads in them.
    pub reads: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
    /// Seconds it took, from the first message to the last PUBACK counted.
    pub seconds: f64,
    /// Latencies in microseconds: a sample of at most 1,000,000 a thread, sorted.
    pub latencies_us: Vec<u32>,
}

impl Outcome {
    /// Messages a second.
    pub fn messages_per_second(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    /// Reads a second.
    pub fn reads_per_second(&self) -> f64 {
        self.reads as f64 / self.seconds
    }

    /// The latency that this share of messages stays under, in milliseconds.
    pub fn latency_ms(&self, share: f64) -> f64 {
        let place = (self.latencies_us.len() as f64 * share) as usize;
        let place = place.min(self.latencies_us.len().saturating_sub(1));
        self.latencies_us
            .get(place)
            .map_or(0.0, |us| f64::from(*us) / 1e3)
    }
}

/// How a paced run differs: messages come at a steady rate, whatever is acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Messages a second over all connections; the plan's window does not count.
    pub per_second: u32,
    /// Rounds of the meters that went before, so that reads go on where another run ended.
    pub first_round: u64,
}

/// Connects, sends for the plan's duration, waits for what is in flight.
pub fn run(plan: &Plan) -> io::Result<Outcome> {
    run_at(plan, None)
}

/// The same at a pace.
pub fn run_at(plan: &Plan, pace: Option<Pace>) -> io::Result<Outcome> {
    let threads = plan.threads.clamp(1, plan.connections);
    let ready = std::sync::Barrier::new(threads);
    let outcomes: Vec<io::Result<Outcome>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                let ready = &ready;
                scope.spawn(move || worker(plan, pace, number, threads, ready))
            })
            .collect();
        workers
            .into_iter()
            .map(|w| {
                w.join()
                    .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")))
            })
            .collect()
    });
    let mut all = Outcome::default();
    for outcome in outcomes {
        let outcome = outcome?;
        all.messages += outcome.messages;
        all.reads += outcome.reads;
        all.payload_bytes += outcome.payload_bytes;
        all.seconds = all.seconds.max(outcome.seconds);
        all.latencies_us.extend(outcome.latencies_us);
    }
    all.latencies_us.sort_unstable();
    Ok(all)
}

const SAMPLES: usize = 1_000_000;
const GIVE_UP: Duration = Duration::from_secs(30);

struct Connection {
    stream: TcpStream,
    template: Template,
    out: Vec<u8>,
    written: usize,
    flying: VecDeque<(Instant, u32)>,
    in_flight: usize,
    ack_bytes: usize,
}

fn worker(
    plan: &Plan,
    pace: Option<Pace>,
    number: usize,
    threads: usize,
    ready: &std::sync::Barrier,
) -> io::Result<Outcome> {
    let connected = connect_all(plan, number, threads);
    ready.wait();
    let (mut poll, mut connections) = connected?;
    let mut events = Events::with_capacity(1_024);
    let mut outcome = Outcome::default();
    let mut buffer = vec![0; 64 << 10];
    let begin = Instant::now();
    let end = begin + plan.duration;
    let mut last = begin;
    for connection in &mut connections {
        match pace {
            None => connection.send(plan.window, begin)?,
            Some(pace) => connection.template.round = pace.first_round,
        }
    }
    let mut paced = 0;
    let wait = Duration::from_millis(if pace.is_some() { 1 } else { 200 });
    loop {
        poll.poll(&mut events, Some(wait))?;
        let now = Instant::now();
        let sending = now < end;
        if let Some(pace) = pace.filter(|_| sending) {
            let rate = u128::from(pace.per_second) / threads as u128;
            let due = (now.duration_since(begin).as_micros() * rate / 1_000_000) as usize;
            while paced < due {
                let next = paced % connections.len();
                connections[next].send(1, now)?;
                paced += 1;
            }
        }
        for event in &events {
            let Some(connection) = connections.get_mut(event.token().0) else {
                continue;
            };
            if event.is_readable() {
                let acked = connection.receive(&mut buffer, now, &mut outcome)?;
                if acked > 0 {
                    last = now;
                    outcome.messages += acked as u64;
                }
                if sending && acked > 0 && pace.is_none() {
                    connection.send(acked, now)?;
                }
            }
            if event.is_writable() {
                connection.flush()?;
            }
        }
        let idle = connections.iter().all(|c| c.in_flight == 0);
        if !sending && (idle || now > end + GIVE_UP) {
            break;
        }
    }
    outcome.reads = outcome.messages * plan.reads as u64;
    let payload = connections.first().map_or(0, |c| c.template.payload_bytes);
    outcome.payload_bytes = outcome.messages * payload as u64;
    outcome.seconds = last.duration_since(begin).as_secs_f64();
    Ok(outcome)
}

fn connect_all(plan: &Plan, number: usize, threads: usize) -> io::Result<(Poll, Vec<Connection>)> {
    let poll = Poll::new()?;
    let mut connections = Vec::new();
    for gateway in (number..plan.connections).step_by(threads) {
        let id = format!("{}{gateway}", plan.prefix);
        let mut stream = std::net::TcpStream::connect(plan.address)?;
        stream.set_nodelay(true)?;
        let all = plan.password.as_deref();
        let password = all.map(|all| all.split(' ').nth(gateway).unwrap_or(all));
        stream.write_all(&connect(&id, password))?;
        let mut answer = [0; 4];
        stream.set_read_timeout(Some(GIVE_UP))?;
        stream.read_exact(&mut answer)?;
        if answer != [0x20, 2, 0, 0] {
            return Err(io::Error::other(format!("CONNACK was {answer:?}")));
        }
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        let token = Token(connections.len());
        let interest = Interest::READABLE | Interest::WRITABLE;
        poll.registry().register(&mut stream, token, interest)?;
        connections.push(Connection {
            stream,
            template: Template::new(&id, gateway, plan),
            out: Vec::new(),
            written: 0,
            flying: VecDeque::new(),
            in_flight: 0,
            ack_bytes: 0,
        });
    }
    Ok((poll, connections))
}

impl Connection {
    fn send(&mut self, messages: usize, now: Instant) -> io::Result<()> {
        for _ in 0..messages {
            self.template.next(&mut self.out);
        }
        self.in_flight += messages;
        self.flying.push_back((now, messages as u32));
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(bytes) => self.written += bytes,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(e) => return Err(e),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        now: Instant,
        outcome: &mut Outcome,
    ) -> io::Result<usize> {
        let mut acked = 0;
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(bytes) => {
                    self.ack_bytes += bytes;
                    acked += self.ack_bytes / 4;
                    self.ack_bytes %= 4;
                    if bytes < buffer.len() {
                        break;
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        self.in_flight -= acked;
        let mut left = acked as u32;
        while left > 0 {
            let Some((sent, messages)) = self.flying.front_mut() else {
                break;
            };
            let taken = left.min(*messages);
            if outcome.latencies_us.len() < SAMPLES {
                let us = now.duration_since(*sent).as_micros();
                outcome.latencies_us.push(us.try_into().unwrap_or(u32::MAX));
            }
            *messages -= taken;
            left -= taken;
            if *messages == 0 {
                self.flying.pop_front();
            }
        }
        Ok(acked)
    }
}

/// A CONNECT with a clean session and no keep-alive.
pub fn connect(id: &str, password: Option<&str>) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 2, 0, 0];
    let text = |body: &mut Vec<u8>, text: &str| {
        body.extend_from_slice(&(text.len() as u16).to_be_bytes());
        body.extend_from_slice(text.as_bytes());
    };
    text(&mut body, id);
    if let Some(password) = password {
        body[7] |= 0xc0;
        text(&mut body, id);
        text(&mut body, password);
    }
    let mut packet = vec![0x10];
    length(&mut packet, body.len());
    packet.extend_from_slice(&body);
    packet
}

/// The name of a meter; those of a connection follow on each other.
pub fn meter(number: usize) -> String {
    format!("M{number:07}")
}

/// One message, patched before each use.
struct Template {
    bytes: Vec<u8>,
    payload_bytes: usize,
    id_at: usize,
    seq_at: usize,
    /// Where each read's meter, time and register stand.
    reads_at: Vec<(usize, usize, usize)>,
    id: u16,
    seq: u64,
    first_meter: u64,
    meters: u64,
    /// The meter whose turn it is, and how many rounds there were.
    meter: u64,
    round: u64,
}

/// 2026-01-01; reads are ten seconds apart from there.
const FIRST_DAY: [u8; 10] = *b"2026-01-01";
const STEPS_A_DAY: u64 = 8_640;

impl Template {
    fn new(gateway: &str, connection: usize, plan: &Plan) -> Template {
        let topic = format!("commonwatt/v1/{gateway}/reads");
        let name = meter(connection * plan.meters);
        let mut payload = format!(
            "{{\"boot\":{},\"seq\":1000000000,\"now\":\"2026-11-22T12:00:00Z\",\"clock\":\"S\",\"reads\":[",
            plan.boot
        );
        let seq_in = payload.find("1000000000").unwrap_or(0);
        let mut reads_in = Vec::new();
        for read in 0..plan.reads {
            if read > 0 {
                payload.push(',');
            }
            let meter = payload.len() + "{\"meter\":\"M".len();
            payload.push_str(&format!(
                "{{\"meter\":\"{name}\",\"register\":\"2.8.0\",\"t\":\""
            ));
            let time = payload.len();
            payload.push_str("2026-01-01T00:00:00Z\",\"wh\":");
            let register = payload.len();
            payload.push_str("100000000}");
            reads_in.push((meter, time, register));
        }
        payload.push_str("]}");
        let mut bytes = vec![0x32];
        length(&mut bytes, 2 + topic.len() + 2 + payload.len());
        bytes.extend_from_slice(&(topic.len() as u16).to_be_bytes());
        bytes.extend_from_slice(topic.as_bytes());
        let id_at = bytes.len();
        bytes.extend_from_slice(&[0, 0]);
        let start = bytes.len();
        bytes.extend_from_slice(payload.as_bytes());
        Template {
            payload_bytes: payload.len(),
            id_at,
            seq_at: start + seq_in,
            reads_at: reads_in
                .into_iter()
                .map(|(m, t, r)| (start + m, start + t, start + r))
                .collect(),
            bytes,
            id: 0,
            seq: 1_000_000_000,
            first_meter: (connection * plan.meters) as u64,
            meters: plan.meters as u64,
            meter: 0,
            round: 0,
        }
    }

    fn next(&mut self, out: &mut Vec<u8>) {
        self.id = if self.id == u16::MAX { 1 } else { self.id + 1 };
        self.seq += 1;
        self.bytes[self.id_at..self.id_at + 2].copy_from_slice(&self.id.to_be_bytes());
        digits(&mut self.bytes[self.seq_at..self.seq_at + 10], self.seq);
        for &(meter, time, register) in &self.reads_at {
            let (day, step) = (self.round / STEPS_A_DAY, self.round % STEPS_A_DAY);
            if self.meters > 1 {
                digits(
                    &mut self.bytes[meter..meter + 7],
                    self.first_meter + self.meter,
                );
            }
            if step == 0 || self.reads_at.len() > 1 {
                self.bytes[time..time + 10].copy_from_slice(&date(day));
            }
            let second = step * 10;
            digits(&mut self.bytes[time + 11..time + 13], second / 3_600);
            digits(&mut self.bytes[time + 14..time + 16], second / 60 % 60);
            digits(&mut self.bytes[time + 17..time + 19], second % 60);
            digits(
                &mut self.bytes[register..register + 9],
                100_000_000 + self.round * 10,
            );
            self.meter += 1;
            if self.meter == self.meters {
                self.meter = 0;
                self.round += 1;
            }
        }
        out.extend_from_slice(&self.bytes);
    }
}

fn date(day: u64) -> [u8; 10] {
    // 28 days a month, 12 months a year: always a date, never twice.
    let mut text = FIRST_DAY;
    digits(&mut text[0..4], 2026 + day / 336);
    digits(&mut text[5..7], 1 + day / 28 % 12);
    digits(&mut text[8..10], 1 + day % 28);
    text
}

fn digits(place: &mut [u8], mut value: u64) {
    for byte in place.iter_mut().rev() {
        *byte = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn length(packet: &mut Vec<u8>, mut length: usize) {
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            return;
        }
    }
}
