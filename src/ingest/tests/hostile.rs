//! Malformed packets by the thousand: no panic, no growth, and good clients go on.

use std::io::{Read, Write};

use crate::{
    raw::{Hello, Raw, publish, subscribe},
    stage::{GATEWAYS, Stage, payload, reads_topic, wait_until},
};

/// Packets to try; a campaign sets `COMMONWATT_MALFORMED`.
fn count() -> u64 {
    let asked = std::env::var("COMMONWATT_MALFORMED").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(10_000)
}

/// Most that memory may grow by over all of them.
const GROWTH_BYTES: u64 = 24 << 20;

#[test]
fn ten_thousand_malformed_packets_neither_panic_nor_grow() {
    let stage = Stage::new();
    let mut good = Raw::connect(stage.address(), &Hello::v5(GATEWAYS[1]));
    let mut random = Random(0x5eed);
    // The first tenth warms allocators and buffers up.
    let mut before = 0;
    let count = count();
    for n in 0..count {
        if n == count / 10 {
            before = resident();
        }
        attack(&stage, &mut random);
        if n % 500 == 0 {
            let id = u16::try_from(n / 500 % 60_000 + 1).unwrap();
            good.send(&publish(
                5,
                1,
                id,
                &reads_topic(GATEWAYS[1]),
                payload(GATEWAYS[1], 1, n + 1).as_bytes(),
            ));
            assert_eq!(good.packet(), (0x40, id.to_be_bytes().to_vec()));
        }
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < GROWTH_BYTES, "memory grew by {grown} bytes");
    wait_until("attackers are gone", || {
        stage.metrics.connections.get() == 1
    });
    assert_eq!(stage.metrics.half_open.get(), 0);
    let own = stage.sequences(GATEWAYS[1], 1).len() as u64;
    assert_eq!(own, count.div_ceil(500));
}

fn attack(stage: &Stage, random: &mut Random) {
    let level = if random.below(2) == 0 { 4 } else { 5 };
    let hello = Hello {
        client_id: format!("attacker {}", random.below(50)),
        ..if level == 4 {
            Hello::v4(GATEWAYS[0])
        } else {
            Hello::v5(GATEWAYS[0])
        }
    };
    let mut bytes = Vec::new();
    let inside = random.below(3) > 0;
    if inside {
        bytes.extend(hello.packet());
    }
    for _ in 0..1 + random.below(3) {
        let mut packet = match random.below(6) {
            0 => hello.packet(),
            1 => publish(
                level,
                1,
                1,
                &reads_topic(GATEWAYS[0]),
                payload(GATEWAYS[0], 1, 1).as_bytes(),
            ),
            2 => publish(level, 2, 2, &reads_topic(GATEWAYS[0]), b"x"),
            3 => subscribe(level, 3, &["commonwatt/v1/elmore-1/receipt", "#"]),
            4 => vec![0x62, 2, 0, 2],
            _ => (0..random.below(40)).map(|_| random.byte()).collect(),
        };
        for _ in 0..1 + random.below(4) {
            match random.below(4) {
                0 if !packet.is_empty() => {
                    let at = random.below(packet.len() as u64) as usize;
                    packet[at] = random.byte();
                }
                1 => packet.truncate(random.below(packet.len() as u64 + 1) as usize),
                2 => packet.insert(
                    random.below(packet.len() as u64 + 1) as usize,
                    random.byte(),
                ),
                _ => {
                    let by = random.below(packet.len() as u64 + 1) as usize;
                    packet.rotate_left(by);
                }
            }
        }
        bytes.extend(packet);
    }
    let mut raw = Raw::open(stage.address());
    // The endpoint may close in the middle.
    let _ = raw.stream.write_all(&bytes);
    let _ = raw.stream.shutdown(std::net::Shutdown::Write);
    let _ = raw.stream.read_to_end(&mut Vec::new());
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1_024
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}
