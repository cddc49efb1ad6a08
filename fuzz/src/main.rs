//! Runs every fuzz target on stable Rust: seeds, then mutations of them, a fixed sequence from a
//! printed seed. A panic names the target and prints the input in hex; so does an input that takes
//! longer than a tenth of a second. Coverage-guided runs use the same targets through cargo-fuzz
//! (see `fuzz/README.md`).

use std::{
    panic::catch_unwind,
    process::ExitCode,
    time::{Duration, Instant},
};

use commonwatt_fuzz::{TARGETS, Target, mutate};

const SLOWEST: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let mut inputs: u64 = 100_000;
    let mut only = None;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--inputs" => inputs = args.next().and_then(|n| n.parse().ok()).unwrap_or(inputs),
            name => only = Some(name.to_owned()),
        }
    }
    let mut failed = 0;
    let mut ran = 0;
    for target in TARGETS.iter().filter(|t| only.as_deref().is_none_or(|name| name == t.name)) {
        ran += 1;
        if !run(target, inputs) {
            failed += 1;
        }
    }
    println!("{} passed, {failed} failed", ran - failed);
    if failed == 0 && ran > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(target: &Target, inputs: u64) -> bool {
    let began = Instant::now();
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "target `{}` has no seed", target.name);
    let mut random = mutate::Random::new(0x5eed ^ target.name.len() as u64);
    let mut pool = seeds.clone();
    for n in 0..inputs {
        let input = match seeds.get(usize::try_from(n).unwrap_or(usize::MAX)) {
            Some(seed) => seed.clone(),
            None => mutate::mutate(&pool, &mut random),
        };
        let start = Instant::now();
        let outcome = catch_unwind(|| (target.run)(&input));
        if outcome.is_err() {
            println!("{}: input {n} panics: {}", target.name, hex(&input));
            return false;
        }
        if start.elapsed() > SLOWEST && n > 100 {
            println!("{}: input {n} takes {:?}: {}", target.name, start.elapsed(), hex(&input));
            return false;
        }
        // Inputs that got somewhere are worth mutating again.
        if outcome.is_ok_and(|accepted| accepted) && pool.len() < 512 {
            pool.push(input);
        }
    }
    println!("{}: {inputs} inputs in {:?}", target.name, began.elapsed());
    true
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
