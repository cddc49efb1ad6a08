//! A disk that is full, and a disk that fails.

use std::{
    fs::File,
    io::Write,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    account::{Ledger, Outcome, reads_of},
    daemon::{Health, Place, Settings},
    load::{Account, Promises, Publisher},
    powercut::Disk,
    society,
};

/// Room for the data folder and little more.
const SMALL_DISK: u64 = 128 << 20;
const FULL_ROUNDS: u32 = 3;
const WINDOW: usize = 50;
/// How long the daemon may take to say that something is wrong, or that it is well again.
const SOON: Duration = Duration::from_secs(20);
/// Which sync of a thread fails. The first ones are the opening's: then it must refuse to start.
const FAILING_SYNCS: [u32; 7] = [1, 2, 4, 8, 16, 50, 150];

/// What all tries to publish in one situation came to.
struct Tries {
    place: Place,
    account: Account,
    boot: u32,
    ledger: Ledger,
}

impl Tries {
    fn new(place: Place) -> Self {
        let account = society::found(&place, 1, 1).remove(0);
        Tries {
            place,
            account,
            boot: 0,
            ledger: Ledger::default(),
        }
    }

    /// Publishes for a while, or until `enough`.
    fn publish(&mut self, most: Duration, enough: impl Fn(&Place) -> bool) -> Promises {
        self.boot += 1;
        let account = self.account.clone();
        let reads = reads_of(self.boot);
        let publisher = Publisher::start(
            self.place.mqtt,
            account,
            u64::from(self.boot),
            reads,
            WINDOW,
        );
        let until = Instant::now() + most;
        while Instant::now() < until && !publisher.has_ended() && !enough(&self.place) {
            sleep(Duration::from_millis(10));
        }
        let promises = publisher.abandon();
        assert_eq!(promises.broken_rule, None);
        self.ledger.enter(self.boot, &promises);
        promises
    }

    fn wait_for(&self, what: &str, holds: impl Fn(&Health) -> bool) {
        let until = Instant::now() + SOON;
        loop {
            let health = self.place.health();
            if holds(&health) {
                return;
            }
            assert!(
                Instant::now() < until,
                "not {what}: {health:?}\n{}",
                self.place.log()
            );
            sleep(Duration::from_millis(20));
        }
    }

    fn compare(&self) -> Outcome {
        let outcome = self.ledger.compare_all(&self.place, &self.account);
        assert!(outcome.is_clean(), "{outcome:?}\n{}", self.place.log());
        outcome
    }
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> File {
    let mut file = File::create(path).unwrap();
    for size in [1 << 20, 64 << 10, 4 << 10, 512] {
        let zeros = vec![0; size];
        while file.write_all(&zeros).is_ok() {}
    }
    let _ = file.sync_all();
    file
}

fn is_ill(health: &Health) -> bool {
    matches!(health, Health::Ill(_))
}

#[test]
fn a_full_disk_is_refused_and_heals_without_a_restart() {
    let Some(disk) = Disk::new(SMALL_DISK) else {
        return;
    };
    let settings = Settings {
        // The series meet the full disk too.
        flush_interval_s: 1,
        ..Settings::default()
    };
    let mut tries = Tries::new(Place::new(
        disk.path().join("data"),
        disk.outside(),
        settings,
    ));
    let daemon = tries.place.start();
    let mut longest = Duration::ZERO;
    for _ in 0..FULL_ROUNDS {
        let well = tries.publish(Duration::from_millis(300), |_| false);
        assert!(
            !well.acked.is_empty(),
            "{:?}\n{}",
            well.ended,
            tries.place.log()
        );
        let filler = disk.path().join("filler");
        drop(fill(&filler));
        // What was reserved is used up first; then it says so and takes nothing.
        let until = Instant::now() + SOON;
        loop {
            let refused = tries.publish(Duration::from_secs(10), |place| is_ill(&place.health()));
            if refused.acked.is_empty() {
                break;
            }
            assert!(
                Instant::now() < until,
                "never refused\n{}",
                tries.place.log()
            );
        }
        tries.wait_for(
            "refusing",
            |health| matches!(health, Health::Ill(why) if why.contains("full")),
        );
        // Long enough for the series to be flushed into the full disk.
        sleep(Duration::from_millis(1_500));
        std::fs::remove_file(&filler).unwrap();
        let space = Instant::now();
        while tries
            .publish(Duration::from_millis(200), |_| false)
            .acked
            .is_empty()
        {
            assert!(
                space.elapsed() < SOON,
                "it does not heal\n{}",
                tries.place.log()
            );
        }
        longest = longest.max(space.elapsed());
        tries.wait_for("well", |health| *health == Health::Well);
    }
    let outcome = tries.compare();
    daemon.stop();
    tries.place.ask(&["verify"]);
    println!(
        "full disk: {FULL_ROUNDS} rounds, {} reads acknowledged, {} lost, {} duplicated, takes again after at most {} ms",
        outcome.owed,
        outcome.lost,
        outcome.doubled,
        longest.as_millis()
    );
}

#[test]
fn after_a_failed_sync_nothing_more_is_acknowledged() {
    let Some(mut disk) = Disk::new(4 << 30) else {
        return;
    };
    let place = Place::new(
        disk.path().join("data"),
        disk.outside(),
        Settings::default(),
    );
    let mut tries = Tries::new(place);
    let (mut refused_to_start, mut stopped) = (0, 0);
    for nth in FAILING_SYNCS {
        // Counted for each thread; a failed sync of the series costs their freshness, not reads.
        let inject = format!("inject=fdatasync,fsync:error=EIO:when={nth}");
        let tracer = [
            "strace",
            "-D",
            "-f",
            "-qq",
            "--seccomp-bpf",
            "-o",
            "/dev/null",
            "-e",
            "trace=fdatasync,fsync",
            "-e",
            &inject,
        ];
        let mut daemon = match tries.place.start_under(&tracer) {
            Ok(daemon) => daemon,
            Err(_) => {
                refused_to_start += 1;
                tries.place.start().stop();
                continue;
            }
        };
        // One sync fails and those after it would succeed; it must not believe them.
        tries.publish(SOON, |place| is_ill(&place.health()));
        tries.wait_for("ill", is_ill);
        let health = tries.place.health();
        let after = tries.publish(Duration::from_millis(300), |_| false);
        if matches!(&health, Health::Ill(why) if why.contains("journal")) {
            stopped += 1;
            assert!(
                after.acked.is_empty(),
                "sync {nth}: acknowledged after an error: {health:?}"
            );
        }
        disk.cut(&mut daemon.process);
        drop(daemon);
        let again = tries.place.start();
        tries.compare();
        again.stop();
    }
    tries.place.ask(&["verify"]);
    let daemon = tries.place.start();
    let outcome = tries.compare();
    daemon.stop();
    println!(
        "failed syncs: {} rounds, {refused_to_start} refused to start, {stopped} stopped intake, {} reads acknowledged, \
         {} lost, {} duplicated",
        FAILING_SYNCS.len(),
        outcome.owed,
        outcome.lost,
        outcome.doubled
    );
    assert!(stopped > 0, "no sync failed under load");
}
