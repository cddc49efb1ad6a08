//! The figures of the house: how fast, how small, how late, beside peers on the same machine.
//!
//! ```text
//! cargo bench --profile ci --bench figures                      small, a few minutes, what CI runs
//! cargo bench --profile release --bench figures -- --full       the committed figures
//! cargo bench --bench figures -- --only one_year --only e       some of them, by name or letter
//! ```
//!
//! Small runs write to `target/figures/` and prove that the benches work; full runs write
//! `docs/figures/`. Each file says with what commit, machine and parameters it was made. Ratios are
//! of interleaved runs on one machine; publishers run on the same cores as what is measured. All
//! traffic is on loopback, and everything has a limit of time.

mod back_fill;
mod broken_mirror;
mod bytes_per_read;
mod child;
mod country;
mod figure;
mod household;
#[expect(
    dead_code,
    reason = "shared with the contract tests, which use more of it"
)]
#[path = "../../src/store/influx/tests/peers/mod.rs"]
mod influx_peers;
mod interest_run;
#[path = "../load/mod.rs"]
mod load;
mod messages;
mod one_in_flight;
mod one_year;
mod outside_broker;
mod pages;
mod peers;
mod pipelined;
mod projecting;
mod sd_card;
mod share_register;
mod solar;
mod stage;
mod statements;

use std::{process::ExitCode, time::Instant};

use figure::{Figure, Size};

/// One figure: its letter in the list of goals, its name, how it is made.
type Bench = (
    &'static str,
    &'static str,
    fn(Size) -> anyhow::Result<Figure>,
);

const BENCHES: [Bench; 13] = [
    ("a", "one_in_flight", one_in_flight::run),
    ("b", "pipelined", pipelined::run),
    ("c", "outside_broker", outside_broker::run),
    ("d", "country", country::run),
    ("e", "bytes_per_read", bytes_per_read::run),
    ("f", "one_year", one_year::run),
    ("g", "sd_card", sd_card::run),
    ("h", "broken_mirror", broken_mirror::run),
    ("i", "back_fill", back_fill::run),
    ("j", "share_register", share_register::run),
    ("k", "interest_run", interest_run::run),
    ("l", "statements", statements::run),
    ("m", "pages", pages::run),
];

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if args.first().is_some_and(|arg| arg == child::FLAG) {
        return child::main(&args.split_off(1));
    }
    let mut size = Size::Small;
    let mut only = Vec::new();
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--full" => size = Size::Full,
            "--only" => only.extend(args.next()),
            // cargo hands this to every bench.
            "--bench" => {}
            other => {
                eprintln!("unknown argument `{other}`; expected --full or --only NAME");
                return ExitCode::from(2);
            }
        }
    }
    if let Some(name) = only
        .iter()
        .find(|name| !BENCHES.iter().any(|b| names(b, name)))
    {
        eprintln!("there is no figure `{name}`");
        return ExitCode::from(2);
    }
    let mut failed = 0;
    for bench in &BENCHES {
        if !only.is_empty() && !only.iter().any(|name| names(bench, name)) {
            continue;
        }
        let (letter, name, run) = bench;
        println!("\n({letter}) {name}");
        let began = Instant::now();
        match run(size).and_then(|figure| figure.write(name)) {
            Ok(path) => println!(
                "    {} in {:.0} s",
                path.display(),
                began.elapsed().as_secs_f64()
            ),
            Err(error) => {
                println!("    failed: {error:#}");
                failed += 1;
            }
        }
    }
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn names(bench: &Bench, name: &str) -> bool {
    bench.0 == name || bench.1 == name
}
