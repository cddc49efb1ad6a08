//! The gateway's own binary, killed and with its power cut, while everything around it fails.
//!
//! It reads two [`Dials`] over Modbus ten times a second and publishes over a [`LossyLink`] to a
//! mosquitto that comes and goes; the daemon behind it is once restored from an older copy. The
//! gateway prints each read as soon as it is on its disk: that is what it owes. In the end the daemon
//! must list each of these once, at the same time, and nothing that no dial has shown.
//!
//! A control shows that the harness would notice: a gateway with its syncs taken away must lose.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle, sleep},
    time::{Duration, Instant},
};

use bridge::{
    backlog::{Backlog, Disk as NotesOnDisk, Found},
    note,
    status::Status,
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    account::ReadKey,
    broker::Mosquitto,
    daemon::{Place, Settings},
    dials::{Dials, MAP},
    figure,
    lossy::{LOST_PERCENT, LossyLink},
    pause,
    powercut::Disk,
    rounds, society,
};

const METERS: usize = 2;
const DISK_BYTES: u64 = 1 << 30;
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a start may take until the first read is kept.
const AT_WORK_WITHIN: Duration = Duration::from_secs(10);
/// Clean ends until everything is delivered.
const ENDS_MOST: usize = 10;
/// Every so many rounds the broker goes, and comes back with the next.
const BROKER_EVERY: u32 = 3;
/// Roofs that fail at the same time in a campaign.
const LANES: u32 = 4;

type Kept = Arc<Mutex<Vec<BTreeSet<ReadKey>>>>;

/// A roof: the gateway's files, and what it has said it kept.
struct Roof {
    files: TempDir,
    backlog: PathBuf,
    kept: Kept,
}

struct Running {
    process: Child,
    listener: JoinHandle<()>,
}

impl Roof {
    /// A gateway `gw-0` that reads the dials and publishes to a port; its notes lie in `backlog`.
    fn new(backlog: PathBuf, uplink: u16, dials: &Dials) -> Roof {
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| files.path().join(name).display().to_string();
        std::fs::write(path("dial.toml"), MAP).unwrap();
        let mut config = format!(
            "[gateway]\nid = \"gw-0\"\nkey_folder = \"{}\"\n\
             [uplink]\nurl = \"mqtt://127.0.0.1:{uplink}\"\nreplay_within_ms = 50\nretry_within_s = 1\n\
             [reading]\ninterval_ms = 100\ngather_ms = 20\ngive_up_s = 2\n\
             [backlog]\nfolder = \"{}\"\n[status]\nfile = \"{}\"\n",
            path("keys"),
            backlog.display(),
            path("status.json"),
        );
        for meter in 0..METERS {
            config += &format!(
                "[[source]]\nkind = \"modbus\"\nname = \"dial {meter}\"\naddress = \"127.0.0.1:{}\"\n\
                 unit = {}\nmap = \"{}\"\nmeter = \"METER-0-{meter}\"\n",
                dials.port,
                meter + 1,
                path("dial.toml"),
            );
        }
        std::fs::write(path("gateway.toml"), config).unwrap();
        Roof {
            files,
            backlog,
            kept: Arc::new(Mutex::new(vec![BTreeSet::new(); METERS])),
        }
    }

    fn start(&self) -> Running {
        self.start_under(&[])
    }

    fn start_under(&self, tracer: &[&str]) -> Running {
        let mut words: Vec<String> = tracer.iter().map(|&word| word.to_owned()).collect();
        words.push(program().display().to_string());
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(self.files.path().join("gateway.log"))
            .unwrap();
        let mut process = Command::new(&words[0])
            .args(&words[1..])
            .args(["run", "--tell", "--config"])
            .arg(self.files.path().join("gateway.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        let kept = Arc::clone(&self.kept);
        let listener = thread::spawn(move || {
            for line in lines.split(b'\n').map_while(Result::ok) {
                if let Some((meter, read)) = told(&line) {
                    kept.lock().unwrap()[meter].insert(read);
                }
            }
        });
        Running { process, listener }
    }

    fn status(&self) -> Option<Status> {
        Status::read(&self.files.path().join("status.json")).ok()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.files.path().join("gateway.log")).unwrap_or_default()
    }

    /// Runs it until receipts name everything, then ends it cleanly. A link that loses packets may
    /// break in the last seconds; what waits then waits for the next start.
    fn deliver(&self) {
        let left: Vec<usize> = (0..ENDS_MOST).map_while(|_| self.run_and_stop()).collect();
        assert!(
            left.len() < ENDS_MOST,
            "{left:?} after clean ends\n{}",
            self.log()
        );
    }

    /// Runs it until almost everything is named, and ends it cleanly; what is left, if anything is.
    fn run_and_stop(&self) -> Option<usize> {
        let began = Timestamp::now();
        let mut running = self.start();
        let until = Instant::now() + PATIENCE;
        while !self.status().is_some_and(|status| {
            // The newest note is always on its way; one that waits longer is not.
            let oldest = status.backlog.oldest.unwrap_or(status.now);
            status.now > began && status.connected && status.now - 3.seconds() < oldest
        }) {
            assert!(
                running.process.try_wait().unwrap().is_none(),
                "{}",
                self.log()
            );
            let status = self.status();
            assert!(Instant::now() < until, "{status:?}\n{}", self.log());
            sleep(Duration::from_millis(200));
        }
        kill_process(Pid::from_child(&running.process), Signal::TERM).unwrap();
        let ended = running.process.wait().unwrap();
        running.listener.join().unwrap();
        assert!(ended.success(), "{ended}\n{}", self.log());
        let left = self.status().expect("a status").backlog.unreceipted_notes;
        (left > 0).then_some(left)
    }

    /// Waits until it keeps a read more; false when it does not for long.
    fn keeps_another(&self) -> bool {
        let (before, until) = (self.count(), Instant::now() + AT_WORK_WITHIN);
        while self.count() == before {
            if Instant::now() > until {
                return false;
            }
            sleep(Duration::from_millis(5));
        }
        true
    }

    fn count(&self) -> usize {
        self.kept.lock().unwrap().iter().map(BTreeSet::len).sum()
    }
}

impl Running {
    fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.listener.join().unwrap();
    }

    fn cut(mut self, disk: &mut Disk) {
        disk.cut(&mut self.process);
        self.listener.join().unwrap();
    }
}

/// `firmware-bridge` beside the daemon's binary.
fn program() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_commonwatt")).with_file_name("firmware-bridge");
    assert!(
        program.exists(),
        "`{}` is not built\nhint: cargo build -p firmware-bridge, with the same profile",
        program.display()
    );
    program
}

fn told(line: &[u8]) -> Option<(usize, ReadKey)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split('\t');
    let meter = words.next()?.strip_prefix("METER-0-")?.parse().ok()?;
    let at: Timestamp = words.nth(1)?.parse().ok()?;
    Some((meter, (at.as_millisecond(), words.next()?.parse().ok()?)))
}

/// What the daemon lists of a meter since the day before.
fn rows(place: &Place, meter: usize) -> Vec<Value> {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let (from, to) = ((today - 1.day()).to_string(), (today + 1.day()).to_string());
    let meter = format!("METER-0-{meter}");
    let listed = place.ask(&[
        "reads", "list", "--meter", &meter, "--from", &from, "--to", &to,
    ]);
    listed.as_array().expect("a list of reads").clone()
}

fn key(row: &Value) -> ReadKey {
    let at: Timestamp = row["at"].as_str().expect("a time").parse().unwrap();
    (at.as_millisecond(), row["wh"].as_i64().expect("Wh"))
}

/// What came of a lane's rounds.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    rounds: u32,
    /// Of these, in how many the gateway was at work: it had kept a read when it was ended.
    at_work: u32,
    kept: usize,
    lost: usize,
    doubled: usize,
    invented: usize,
}

/// How many roofs fail beside each other: a round is mostly waiting, and a roof, its broker and its
/// daemon know nothing of the next.
fn lanes() -> u32 {
    if crate::is_campaign() { LANES } else { 1 }
}

/// Everything goes wrong for so many rounds, divided among the lanes; nothing may be lost.
fn campaign(name: &str, lane: impl Fn(u32) -> Option<Outcome> + Sync) {
    let lanes = lanes();
    let each = rounds().div_ceil(lanes);
    let all: Option<Vec<Outcome>> = thread::scope(|scope| {
        let lane = &lane;
        let running: Vec<_> = (0..lanes)
            .map(|_| scope.spawn(move || lane(each)))
            .collect();
        running
            .into_iter()
            .map(|lane| lane.join().unwrap())
            .collect()
    });
    // Where the machine can mount no disk, which was said.
    let Some(all) = all else { return };
    let sum = |of: fn(&Outcome) -> usize| all.iter().map(of).sum::<usize>();
    let rounds: u32 = all.iter().map(|lane| lane.rounds).sum();
    let at_work: u32 = all.iter().map(|lane| lane.at_work).sum();
    let (kept, lost) = (sum(|lane| lane.kept), sum(|lane| lane.lost));
    let (doubled, invented) = (sum(|lane| lane.doubled), sum(|lane| lane.invented));
    figure(
        &format!("gateway, {name}"),
        json!({
            "rounds": rounds,
            "rounds_at_work": at_work,
            "reads_kept": kept,
            "lost": lost,
            "doubled": doubled,
            "invented": invented,
            "daemons_restored_from_an_older_copy": lanes,
            "packets_lost_percent": LOST_PERCENT,
        }),
    );
    println!(
        "gateway, {name}: {rounds} rounds, {kept} reads kept, {lost} lost, {doubled} doubled, \
         {invented} invented"
    );
    assert_eq!((lost, doubled, invented), (0, 0, 0));
}

/// The rounds of one roof; `end` ends the gateway at each.
fn fail_again_and_again(
    rounds: u32,
    roof: &Roof,
    behind: &mut Behind,
    mut end: impl FnMut(Running),
) -> Outcome {
    let (copy_at, restore_at) = (rounds / 3, rounds * 2 / 3);
    let older = behind.place.data.with_file_name("older");
    let mut daemon = Some(behind.place.start());
    let mut is_broker_up = true;
    let mut at_work = 0;
    for round in 1..=rounds {
        let running = roof.start();
        if !is_broker_up {
            behind.broker.start_again();
            is_broker_up = true;
        } else if round % BROKER_EVERY == 0 {
            behind.broker.kill();
            is_broker_up = false;
        }
        if round == copy_at || round == restore_at {
            daemon.take().expect("a daemon").stop();
            let (from, to) = match round == copy_at {
                true => (&behind.place.data, &older),
                false => (&older, &behind.place.data),
            };
            let _ = std::fs::remove_dir_all(to);
            let copied = Command::new("cp").arg("-a").args([from, to]).status();
            assert!(copied.unwrap().success());
            daemon = Some(behind.place.start());
        }
        at_work += u32::from(roof.keeps_another());
        sleep(pause(round));
        end(running);
    }
    if !is_broker_up {
        behind.broker.start_again();
    }
    roof.deliver();
    daemon.take().expect("a daemon").stop();
    let kept = roof.kept.lock().unwrap().clone();
    let mut outcome = Outcome {
        rounds,
        at_work,
        kept: roof.count(),
        ..Outcome::default()
    };
    for (meter, owed) in kept.iter().enumerate() {
        let listed: Vec<ReadKey> = rows(&behind.place, meter).iter().map(key).collect();
        let as_set: BTreeSet<ReadKey> = listed.iter().copied().collect();
        let shown = behind.dials.shown(meter);
        outcome.lost += owed.difference(&as_set).count();
        outcome.doubled += listed.len() - as_set.len();
        // A dial shows each value once, so a value with two times would be an invention too.
        let values: BTreeSet<i64> = as_set.iter().map(|read| read.1).collect();
        outcome.invented += as_set.len() - values.intersection(&shown).count();
    }
    println!("gateway: {outcome:?}; {}", behind.link.say());
    if outcome.lost + outcome.doubled + outcome.invented > 0 {
        println!("{}", roof.log());
    }
    assert!(at_work * 10 >= rounds * 9, "it hardly ran\n{}", roof.log());
    behind.place.ask(&["verify"]);
    outcome
}

/// What a roof's notes go through.
struct Behind {
    place: Place,
    broker: Mosquitto,
    link: LossyLink,
    dials: Dials,
    _folder: TempDir,
}

impl Behind {
    fn new() -> Behind {
        let folder = tempfile::tempdir().unwrap();
        let broker = Mosquitto::start();
        let settings = Settings {
            broker: Some(broker.port),
            ..Settings::default()
        };
        let place = Place::new(folder.path().join("data"), folder.path(), settings);
        society::found(&place, 1, METERS);
        Behind {
            place,
            link: LossyLink::to(broker.port),
            broker,
            dials: Dials::start(METERS),
            _folder: folder,
        }
    }
}

#[test]
fn a_gateway_killed_again_and_again_delivers_every_read_once() {
    campaign("kill -9", |rounds| {
        let mut behind = Behind::new();
        let folder = tempfile::tempdir().unwrap();
        let roof = Roof::new(folder.path().join("notes"), behind.link.port, &behind.dials);
        Some(fail_again_and_again(
            rounds,
            &roof,
            &mut behind,
            Running::kill,
        ))
    });
}

#[test]
fn a_gateway_whose_power_is_cut_again_and_again_delivers_every_read_once() {
    campaign("power cuts", |rounds| {
        let mut disk = Disk::new(DISK_BYTES)?;
        let mut behind = Behind::new();
        let roof = Roof::new(disk.path().join("notes"), behind.link.port, &behind.dials);
        Some(fail_again_and_again(
            rounds,
            &roof,
            &mut behind,
            |running| {
                running.cut(&mut disk);
            },
        ))
    });
}

/// Cuts the power so many times with nobody to send to; how many reads were kept, and how many of
/// them are not on the disk.
fn cut_alone(cuts: u32, tracer: &[&str]) -> Option<(usize, usize)> {
    let mut disk = Disk::new(DISK_BYTES)?;
    let dials = Dials::start(METERS);
    let roof = Roof::new(
        disk.path().join("notes"),
        crate::daemon::free_port(),
        &dials,
    );
    for round in 1..=cuts {
        let running = roof.start_under(tracer);
        let before = roof.count();
        let until = Instant::now() + PATIENCE;
        while roof.count() < before + 10 {
            assert!(Instant::now() < until, "nothing is kept\n{}", roof.log());
            sleep(Duration::from_millis(20));
        }
        sleep(pause(round));
        running.cut(&mut disk);
    }
    let mut on_disk = vec![BTreeSet::new(); METERS];
    let mut notes = NotesOnDisk::open(&roof.backlog, 256 << 20).unwrap();
    while let Some(found) = notes.scan().unwrap() {
        for found in found {
            if let Found::Note { payload, .. } = found {
                for read in note::open(&payload).unwrap().reads {
                    let meter: usize = read.meter["METER-0-".len()..].parse().unwrap();
                    on_disk[meter].insert((read.at.as_millisecond(), read.wh));
                }
            }
        }
    }
    let kept = roof.kept.lock().unwrap();
    let missing = kept
        .iter()
        .zip(&on_disk)
        .map(|(kept, disk)| kept.difference(disk).count());
    Some((kept.iter().map(BTreeSet::len).sum(), missing.sum()))
}

#[test]
fn control_a_gateway_without_its_syncs_loses_and_with_them_does_not() {
    const CUTS: u32 = 5;
    let careless = [
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
        "inject=fdatasync,fsync:retval=0",
    ];
    let Some((kept, lost)) = cut_alone(CUTS, &careless) else {
        return;
    };
    println!("gateway without syncs: {lost} of {kept} reads lost in {CUTS} power cuts");
    assert!(lost > 0, "a cut that cuts nothing");
    let (kept, lost) = cut_alone(CUTS, &[]).expect("the disk was there before");
    println!("gateway: {lost} of {kept} reads lost in {CUTS} power cuts");
    assert_eq!(lost, 0);
}

#[test]
fn an_enrolled_gateway_signs_what_it_reads() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::new(
        folder.path().join("data"),
        folder.path(),
        Settings::default(),
    );
    society::found(&place, 1, METERS);
    let daemon = place.start();
    let made = place.ask(&["gateway", "enrol", "gw-0"]);
    let dials = Dials::start(METERS);
    let roof = Roof::new(folder.path().join("notes"), place.mqtt, &dials);
    let enrolled = Command::new(program())
        .arg("enrol")
        .arg(made["code"].as_str().expect("a code"))
        .arg("--config")
        .arg(roof.files.path().join("gateway.toml"))
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&enrolled.stderr);
    assert!(enrolled.status.success(), "{words}\n{}", place.log());
    let running = roof.start();
    let until = Instant::now() + PATIENCE;
    while roof.count() < 20 {
        assert!(Instant::now() < until, "nothing is kept\n{}", roof.log());
        sleep(Duration::from_millis(50));
    }
    running.kill();
    roof.deliver();
    for meter in 0..METERS {
        let rows = rows(&place, meter);
        assert!(rows.iter().all(|row| row["evidence"] == "G"), "{rows:?}");
        let listed: BTreeSet<ReadKey> = rows.iter().map(key).collect();
        assert_eq!(listed, roof.kept.lock().unwrap()[meter]);
    }
    daemon.stop();
}
