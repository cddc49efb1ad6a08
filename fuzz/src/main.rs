//! Runs every fuzz target on stable Rust: seeds, then mutations of them, a fixed sequence from a
//! printed seed. A panic names the target and prints the input in hex; so does an input that takes
//! longer than a tenth of a second. A target none of whose seeds is accepted fails too: it would test
//! nothing but the front door. Coverage-guided runs use the same targets through cargo-fuzz (see
//! `fuzz/README.md`).
//!
//! `commonwatt-fuzz [TARGET] [--inputs N]`, or `commonwatt-fuzz TARGET --input HEX` for one again.
//! `commonwatt-fuzz [TARGET] --campaign N [--minutes M]` goes on, with inputs not yet met, where the
//! last campaign stopped (`docs/figures/fuzz.json`), until every target has met N or has had its M
//! minutes, and writes down how far it came and at which commit.

mod campaign;

use std::{
    panic::catch_unwind,
    process::ExitCode,
    time::{Duration, Instant},
};

use commonwatt_fuzz::{TARGETS, Target, mutate};

const SLOWEST: Duration = Duration::from_millis(100);
/// Accepted inputs that are kept to be mutated again.
const POOL: usize = 512;

fn main() -> ExitCode {
    let mut inputs: u64 = 100_000;
    let mut only = None;
    let mut one = None;
    let mut campaign = None;
    let mut minutes = u64::MAX / 60;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--inputs" => match args.next().and_then(|n| n.parse().ok()) {
                Some(n) => inputs = n,
                None => return wrong("expected a number after `--inputs`"),
            },
            "--campaign" => match args.next().and_then(|n| n.parse().ok()) {
                Some(n) => campaign = Some(n),
                None => return wrong("expected a number after `--campaign`"),
            },
            "--minutes" => match args.next().and_then(|n| n.parse().ok()) {
                Some(n) => minutes = n,
                None => return wrong("expected a number after `--minutes`"),
            },
            "--input" => match args.next().as_deref().and_then(bytes) {
                Some(bytes) => one = Some(bytes),
                None => return wrong("expected hex digits after `--input`"),
            },
            name => only = Some(name.to_owned()),
        }
    }
    let mut failed = 0;
    let mut ran = 0;
    for target in TARGETS
        .iter()
        .filter(|t| only.as_deref().is_none_or(|name| name == t.name))
    {
        ran += 1;
        if let Some(input) = &one {
            println!("{}: accepted: {}", target.name, (target.run)(input));
        } else if let Some(goal) = campaign {
            let time = Duration::from_secs(minutes * 60);
            failed += usize::from(!campaign::go_on(target, goal, time));
        } else {
            failed += usize::from(run(target, inputs, 0, Duration::MAX).is_none());
        }
    }
    println!("{} passed, {failed} failed", ran - failed);
    if failed == 0 && ran > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What a run met.
struct Met {
    inputs: u64,
    accepted: u64,
    seconds: f64,
}

/// Runs a target on so many inputs of the sequence with this number, or for so long; nothing when
/// it failed.
fn run(target: &Target, inputs: u64, sequence: u64, time: Duration) -> Option<Met> {
    let began = Instant::now();
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "target `{}` has no seed", target.name);
    let mut random = mutate::Random::new(0x5eed ^ target.name.len() as u64 ^ (sequence << 20));
    let mut pool = seeds.clone();
    let (mut accepted_seeds, mut accepted_inputs, mut met) = (0_usize, 0_u64, 0_u64);
    for n in 0..inputs {
        if n % 1_024 == 1_023 && began.elapsed() > time {
            break;
        }
        met += 1;
        let input = match seeds.get(usize::try_from(n).unwrap_or(usize::MAX)) {
            Some(seed) => seed.clone(),
            None => mutate::mutate(&pool, &mut random),
        };
        let start = Instant::now();
        let outcome = catch_unwind(|| (target.run)(&input));
        if outcome.is_err() {
            println!("{}: input {n} panics: {}", target.name, hex(&input));
            return None;
        }
        // A busy machine makes an input slow by chance: then this thread's own time counts.
        let slow = (start.elapsed() > SLOWEST && n > 100).then(|| {
            let before = thread_time();
            let _ = catch_unwind(|| (target.run)(&input));
            thread_time().saturating_sub(before)
        });
        if let Some(took) = slow.filter(|took| *took > SLOWEST) {
            println!("{}: input {n} takes {took:?}: {}", target.name, hex(&input));
            return None;
        }
        if outcome.is_ok_and(|accepted| accepted) {
            accepted_inputs += 1;
            accepted_seeds += usize::from(n < seeds.len() as u64);
            // Inputs that got somewhere are worth mutating again.
            if n >= seeds.len() as u64 {
                remember(&mut pool, seeds.len(), input, &mut random);
            }
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{}: {met} inputs in {seconds:.1} s, {accepted_inputs} accepted; {accepted_seeds} of {} seeds accepted",
        target.name,
        seeds.len(),
    );
    (accepted_seeds > 0).then_some(Met {
        inputs: met,
        accepted: accepted_inputs,
        seconds,
    })
}

/// Processor time this thread has had.
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Keeps an input beside the seeds; when there is no room it takes another's place.
fn remember(pool: &mut Vec<Vec<u8>>, seeds: usize, input: Vec<u8>, random: &mut mutate::Random) {
    if pool.len() < seeds + POOL {
        pool.push(input);
    } else {
        let place = seeds + random.below(POOL);
        pool[place] = input;
    }
}

fn wrong(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = hex
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0)?;
    Some(
        digits
            .chunks_exact(2)
            .map(|two| two[0] << 4 | two[1])
            .collect(),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
