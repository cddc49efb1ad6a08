//! The comparison behind the block format: delta columns through zstd or `pco`, on simulated solar.
//! `cargo run --profile ci --example codec_lab`. The table in `codec/block.rs` was printed by it.

use std::time::Instant;

struct Read {
    series: u32,
    at_s: i64,
    wh: i64,
    w: i64,
}

struct Noise(u64);

impl Noise {
    fn unit(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

const DAY_S: i64 = 86_400;
const START_S: i64 = 19_675 * DAY_S;

/// Rounds of one read a roof, sorted by series and time, cut into blocks of `block` reads.
fn blocks(
    roofs: u32,
    from_s: i64,
    step_s: i64,
    rounds: i64,
    jitter: bool,
    block: usize,
    noise: &mut Noise,
) -> Vec<Vec<Read>> {
    let mut reads = Vec::new();
    for series in 0..roofs {
        let (peak, base) = (
            2_000.0 + noise.unit() * 8_000.0,
            (noise.unit() * 3e7) as i64,
        );
        let (offset, mut cloud, mut energy) = ((noise.unit() * step_s as f64) as i64, 0.8, 0.0);
        for round in 0..rounds {
            let wobble = if jitter {
                (noise.unit() * 3.0) as i64 - 1
            } else {
                0
            };
            let at_s = START_S + from_s + round * step_s + offset + wobble;
            let turn = (at_s % DAY_S) as f64 / DAY_S as f64 - 0.5;
            let sun = (turn * std::f64::consts::TAU).cos().max(0.0);
            cloud = (0.98 * cloud + 0.014 + (noise.unit() - 0.5) * 0.08_f64).clamp(0.05, 1.0);
            let w = (peak * sun * cloud) as i64;
            energy += w as f64 * step_s as f64 / 3_600.0;
            reads.push(Read {
                series,
                at_s,
                wh: base + energy as i64,
                w,
            });
        }
    }
    let mut out = Vec::new();
    while !reads.is_empty() {
        let rest = reads.split_off(block.min(reads.len()));
        out.push(std::mem::replace(&mut reads, rest));
    }
    out
}

/// Counts per series; times as differences of differences; values and powers as differences.
fn columns(reads: &[Read]) -> [Vec<i64>; 4] {
    let mut out: [Vec<i64>; 4] = Default::default();
    let mut anchor = (0, 0, 0);
    for of_one in reads.chunk_by(|a, b| a.series == b.series) {
        let first = &of_one[0];
        out[0].push(of_one.len() as i64);
        out[1].push(first.at_s - anchor.0);
        out[2].push(first.wh - anchor.1);
        out[3].push(first.w - anchor.2);
        anchor = (first.at_s, first.wh, first.w);
        let mut step = 0;
        for pair in of_one.windows(2) {
            let now = pair[1].at_s - pair[0].at_s;
            out[1].push(now - step);
            out[2].push(pair[1].wh - pair[0].wh);
            out[3].push(pair[1].w - pair[0].w);
            step = now;
        }
    }
    out
}

fn put(out: &mut Vec<u8>, v: i64) {
    let mut v = ((v << 1) ^ (v >> 63)).cast_unsigned();
    while v >= 0x80 {
        out.push((v & 0x7f) as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

fn take(bytes: &[u8], at: &mut usize) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let b = bytes[*at];
        *at += 1;
        value |= u64::from(b & 0x7f) << shift;
        if b < 0x80 {
            return value;
        }
        shift += 7;
    }
}

fn report(name: &str, how: &str, reads: usize, bytes: usize, write: f64, back: f64) {
    let n = reads as f64;
    println!(
        "{name:28} {how:8} {:.3} B/read, {:3.0} ns to write, {:3.0} ns to read",
        bytes as f64 / n,
        write * 1e9 / n,
        back * 1e9 / n
    );
}

fn zstd(name: &str, blocks: &[Vec<Read>], level: i32) {
    let reads = blocks.iter().map(Vec::len).sum();
    let mut packer = zstd::bulk::Compressor::new(level).expect("memory");
    let mut unpacker = zstd::bulk::Decompressor::new().expect("memory");
    let begin = Instant::now();
    let packed: Vec<_> = blocks
        .iter()
        .map(|block| {
            let mut plain = Vec::with_capacity(block.len() * 8);
            columns(block)
                .iter()
                .flatten()
                .for_each(|v| put(&mut plain, *v));
            (packer.compress(&plain).expect("packs"), plain.len())
        })
        .collect();
    let write = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let mut sum = 0_u64;
    for (bytes, length) in &packed {
        let plain = unpacker.decompress(bytes, *length).expect("unpacks");
        let mut at = 0;
        while at < plain.len() {
            sum = sum.wrapping_add(take(&plain, &mut at));
        }
    }
    std::hint::black_box(sum);
    let bytes = packed.iter().map(|(bytes, _)| bytes.len()).sum();
    report(
        name,
        &format!("zstd {level}"),
        reads,
        bytes,
        write,
        begin.elapsed().as_secs_f64(),
    );
}

fn pco(name: &str, blocks: &[Vec<Read>], level: usize) {
    let reads = blocks.iter().map(Vec::len).sum();
    let config = pco::ChunkConfig::default()
        .with_compression_level(level)
        .with_mode_spec(pco::ModeSpec::Classic)
        .with_delta_spec(pco::DeltaSpec::NoOp);
    let begin = Instant::now();
    let packed: Vec<_> = blocks
        .iter()
        .flat_map(|block| columns(block))
        .map(|column| pco::standalone::simple_compress(&column, &config).expect("packs"))
        .collect();
    let write = begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let mut sum = 0_i64;
    for bytes in &packed {
        let column = pco::standalone::simple_decompress::<i64>(bytes).expect("unpacks");
        sum = column.iter().fold(sum, |sum, v| sum.wrapping_add(*v));
    }
    std::hint::black_box(sum);
    let bytes = packed.iter().map(Vec::len).sum();
    report(
        name,
        &format!("pco {level}"),
        reads,
        bytes,
        write,
        begin.elapsed().as_secs_f64(),
    );
}

fn main() {
    let mut noise = Noise(88_172_645_463_325_252);
    let noon = 39_600;
    let sets = [
        (
            "1 × 8,640 on the grid",
            blocks(100, 0, 10, 8_640, false, 8_640, &mut noise),
        ),
        (
            "1 × 8,640 off the grid",
            blocks(100, 0, 10, 8_640, true, 8_640, &mut noise),
        ),
        (
            "85 × 192 at noon",
            blocks(3_400, noon, 10, 192, true, 16_320, &mut noise),
        ),
        (
            "1,024 × 3 at noon",
            blocks(61_440, noon, 10, 3, true, 3_072, &mut noise),
        ),
        (
            "1 × 1,440 a minute",
            blocks(300, 0, 60, 1_440, false, 1_440, &mut noise),
        ),
        (
            "1 × 48 half hours",
            blocks(2_000, 0, 1_800, 48, false, 48, &mut noise),
        ),
    ];
    for (name, set) in &sets {
        [1, 3, 9].iter().for_each(|level| zstd(name, set, *level));
        [4, 8].iter().for_each(|level| pco(name, set, *level));
    }
}
