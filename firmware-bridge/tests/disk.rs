//! A gateway's notes on disk: restarts, torn ends, flipped bits, a full disk, a lost counter, a clock
//! that was never set.

use std::{fs, path::Path};

use bridge::{
    backlog::{Backlog, BacklogError, Disk, Found, Memory, Placed},
    clock::{ClockState, Now},
    note::{Form, MeterRead, NoteId, open},
    session::{Heard, Limits, Publish, Session},
};
use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;

use crate::support::{Daemon, at, read};

fn limits() -> Limits {
    Limits {
        reads_per_note: 10,
        backlog_bytes: 256 << 20,
        ..Limits::default()
    }
}

/// A gateway starts.
fn start(folder: &Path, limits: Limits) -> Session<Disk> {
    let disk = Disk::open(folder, limits.backlog_bytes).unwrap();
    let mut session = Session::over(disk, Form::Json, limits).unwrap();
    let least = session.highest_boot() + 1;
    let boot = session.backlog().next_boot(least).unwrap();
    session.start(boot);
    session
}

fn send_all<B: Backlog>(session: &mut Session<B>, daemon: &mut Daemon, ms: u64) -> usize {
    let mut sent = 0;
    while let Some(Publish { id, payload }) = session.poll(at(ms)) {
        session.transported(id, at(ms));
        daemon.take(&payload);
        sent += 1;
    }
    sent
}

fn notes_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "notes"))
        .collect();
    files.sort();
    files
}

#[test]
fn what_was_read_before_the_enrolment_is_signed_when_it_goes_out() {
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    for n in 1..=10 {
        session.read(read("E1", n), at(0));
    }
    assert!(session.poll(at(0)).is_none(), "there is no link yet");
    drop(session);
    // Enrolled, and started again.
    let key = wire::SecretKey::from_seed(&[7; 32]);
    let public = key.public();
    let form = Form::Signed {
        gateway: "roof-1".into(),
        key: std::sync::Arc::new(key),
    };
    let disk = Disk::open(folder.path(), limits().backlog_bytes).unwrap();
    let mut session = Session::over(disk, form, limits()).unwrap();
    session.start(2);
    session.connected(0, at(0));
    let Publish { id, payload } = session.poll(at(0)).unwrap();
    assert_eq!((id.boot, id.seq), (1, 1));
    let note = wire::Note::parse(&payload).unwrap();
    assert!(note.verifies(&public));
    assert_eq!(note.reads().count(), 10);
}

#[test]
fn thirty_days_of_ten_meters_fit_into_the_default_cap() {
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    let minutes = 24 * 60;
    for minute in 0..minutes {
        for meter in 0..10 {
            let mut read = read(&format!("2000012345{meter:02}"), minute * 60_000);
            read.w = Some(24_100);
            read.wh += 15_475_040_000;
            session.read(read, at(minute * 60_000));
        }
    }
    let on_disk: u64 = notes_files(folder.path())
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    let standing = session.standing();
    assert_eq!(standing.unreceipted, 1_440);
    assert!(standing.bytes >= on_disk, "the account covers the files");
    let a_month = standing.bytes * 30;
    println!("ten meters, one read a minute: {on_disk} bytes a day, {a_month} a month");
    assert!(a_month < 256 << 20, "{a_month}");
}

#[test]
fn a_restart_keeps_what_no_receipt_names_and_knows_what_one_did() {
    let folder = TempDir::new().unwrap();
    let mut daemon = Daemon::default();
    let mut session = start(folder.path(), limits());
    session.connected(0, at(0));
    for n in 1..=50 {
        session.read(read("E1", n), at(n));
    }
    send_all(&mut session, &mut daemon, 60);
    session.receipt(&daemon.receipt(), at(61));
    session.disconnected();
    for n in 51..=100 {
        session.read(read("E1", n), at(n));
    }
    session.keep_receipts();
    drop(session);

    let mut session = start(folder.path(), limits());
    assert_eq!(session.boot(), 2);
    let standing = session.standing();
    assert_eq!((standing.unreceipted, standing.ring), (5, 5));
    session.read(read("E1", 101), at(200));
    session.flush(at(200));
    session.connected(0, at(300));
    assert_eq!(send_all(&mut session, &mut daemon, 300), 6);
    session.receipt(&daemon.receipt(), at(301));
    assert!(session.all_receipted());
    assert_eq!(daemon.reads().len(), 101);

    // The daemon is restored from a copy that knows nothing.
    let mut restored = Daemon::default();
    session.receipt(&restored.receipt(), at(400));
    send_all(&mut session, &mut restored, 400);
    assert_eq!(restored.reads(), daemon.reads());
}

#[test]
fn a_start_that_a_restored_daemon_does_not_name_is_sent_to_it_again() {
    let folder = TempDir::new().unwrap();
    let mut daemon = Daemon::default();
    let mut session = start(folder.path(), limits());
    for n in 1..=50 {
        session.read(read("E1", n), at(n));
    }
    session.connected(0, at(60));
    send_all(&mut session, &mut daemon, 60);
    drop(session);
    let mut session = start(folder.path(), limits());
    session.connected(0, at(70));
    // The broker still holds the receipt from before the daemon was restored.
    session.receipt(&daemon.receipt(), at(71));
    assert!(session.all_receipted());
    let mut restored = Daemon::default();
    for n in 51..=60 {
        session.read(read("E1", n), at(n));
    }
    send_all(&mut session, &mut restored, 80);
    // It has this start's notes, and never heard of the one before.
    session.receipt(&restored.receipt(), at(81));
    send_all(&mut session, &mut restored, 82);
    assert_eq!(restored.reads().len(), 60);
}

#[test]
fn one_folder_has_one_gateway() {
    let folder = TempDir::new().unwrap();
    let _first = Disk::open(folder.path(), 1 << 20).unwrap();
    let second = Disk::open(folder.path(), 1 << 20);
    assert!(matches!(second, Err(BacklogError::InUse(_))));
}

#[test]
fn a_torn_end_costs_only_itself() {
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    for n in 1..=40 {
        session.read(read("E1", n), at(n));
    }
    drop(session);
    let file = &notes_files(folder.path())[0];
    let whole = fs::read(file).unwrap();
    for cut in [1, 9, 40, 300] {
        fs::write(file, &whole[..whole.len() - cut]).unwrap();
        let session = start(folder.path(), limits());
        assert_eq!(session.standing().unreceipted, 3, "cut {cut}");
        drop(session);
    }
}

#[test]
fn a_flipped_bit_costs_one_note_and_is_noticed() {
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    for n in 1..=100 {
        session.read(read("E1", n), at(n));
    }
    drop(session);
    let file = &notes_files(folder.path())[0];
    let whole = fs::read(file).unwrap();
    for place in (21..whole.len()).step_by(whole.len() / 37) {
        let mut bad = whole.clone();
        bad[place] ^= 0x10;
        fs::write(file, &bad).unwrap();
        let standing = start(folder.path(), limits()).standing();
        assert_eq!(standing.unreceipted, 9, "bit at {place}");
        assert!(standing.damaged_bytes > 0, "bit at {place}");
    }
}

#[test]
fn a_bit_that_flips_while_it_runs_is_never_sent() {
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    for n in 1..=30 {
        session.read(read("E1", n), at(n));
    }
    let file = &notes_files(folder.path())[0];
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file, &bytes).unwrap();
    let mut daemon = Daemon::default();
    session.connected(0, at(100));
    send_all(&mut session, &mut daemon, 100);
    assert_eq!(daemon.reads().len(), 20);
    assert_eq!(session.standing().lost_notes, 1);
}

#[test]
fn a_full_cap_gives_up_whole_files_and_says_what_went() {
    let folder = TempDir::new().unwrap();
    let small = Limits {
        backlog_bytes: 1 << 20,
        ..limits()
    };
    let mut session = start(folder.path(), small);
    session.read(read("died", 1), at(1));
    let total = 40_000;
    for n in 2..=total {
        session.read(read(["E1", "E2"][usize::from(n % 2 == 0)], n), at(n));
    }
    session.flush(at(total));
    let on_disk: u64 = notes_files(folder.path())
        .iter()
        .map(|file| fs::metadata(file).unwrap().len())
        .sum();
    assert!(on_disk < (1 << 20) + (64 << 10), "{on_disk}");
    let lost = session.standing().lost_reads;
    assert!(lost > 1_000);
    drop(session);

    let mut daemon = Daemon::default();
    let mut session = start(folder.path(), small);
    session.connected(0, at(total));
    send_all(&mut session, &mut daemon, total);
    let kept = daemon.reads();
    for (meter, n) in [("died", 1), ("E1", total - 1), ("E2", total)] {
        assert!(kept.contains(&read(meter, n)), "last read of {meter}");
    }
    let said: u64 = daemon
        .payloads()
        .flat_map(|bytes| open(bytes).unwrap().lost)
        .map(|loss| loss.reads)
        .sum();
    assert!(said <= lost && said + 2_000 > lost, "{said} of {lost} said");
    assert_eq!(
        lost + kept.len() as u64,
        total,
        "what is not kept is counted"
    );
}

/// A backlog with room for so many notes, which can also fail altogether.
#[derive(Debug, Default)]
struct Tight {
    inside: Memory,
    room: usize,
    held: usize,
    fails: bool,
}

impl Backlog for Tight {
    fn scan(&mut self) -> Result<Option<Vec<Found>>, BacklogError> {
        Ok(None)
    }
    fn append(&mut self, id: NoteId, payload: &Bytes) -> Result<Placed, BacklogError> {
        if self.fails {
            return Err(BacklogError::Io {
                what: "keep a note",
                source: std::io::ErrorKind::ReadOnlyFilesystem.into(),
            });
        }
        if self.held >= self.room {
            return Err(BacklogError::Full);
        }
        self.held += 1;
        self.inside.append(id, payload)
    }
    fn named(&mut self, _: u64, _: u64) -> Result<(), BacklogError> {
        Ok(())
    }
    fn load(&self, id: NoteId) -> Result<Bytes, BacklogError> {
        self.inside.load(id)
    }
    fn remove(&mut self, group: u64) -> Result<(), BacklogError> {
        self.held -= 1;
        self.inside.remove(group)
    }
    fn raise_boot(&mut self, _: u64) -> Result<(), BacklogError> {
        Ok(())
    }
}

#[test]
fn on_a_full_disk_the_oldest_goes_and_reading_goes_on() {
    let tight = Tight {
        room: 20,
        ..Tight::default()
    };
    let mut session = Session::over(tight, Form::Json, limits()).unwrap();
    session.start(1);
    for n in 1..=1_000 {
        session.read(read("E1", n), at(n));
    }
    session.flush(at(1_000));
    let mut daemon = Daemon::default();
    session.connected(0, at(1_000));
    send_all(&mut session, &mut daemon, 1_000);
    let kept = daemon.reads();
    assert!(kept.contains(&read("E1", 1_000)));
    assert!(kept.len() >= 150, "{}", kept.len());
    let standing = session.standing();
    assert_eq!(standing.lost_reads + kept.len() as u64, 1_000);
    assert_eq!(standing.unsaved, 0);
}

#[test]
fn on_a_disk_that_fails_notes_wait_in_memory_and_are_sent() {
    let tight = Tight {
        room: 1_000,
        fails: true,
        ..Tight::default()
    };
    let mut session = Session::over(tight, Form::Json, limits()).unwrap();
    session.start(1);
    for n in 1..=100 {
        session.read(read("E1", n), at(n));
    }
    assert_eq!(session.standing().unsaved, 10);
    let mut daemon = Daemon::default();
    session.connected(0, at(200));
    send_all(&mut session, &mut daemon, 200);
    assert_eq!(daemon.reads().len(), 100);
    session.backlog().fails = false;
    for n in 101..=110 {
        session.read(read("E1", n), at(n));
    }
    assert_eq!(session.standing().unsaved, 0, "kept as soon as it works");
}

#[test]
fn a_gateway_whose_counter_went_back_goes_on_under_a_higher_number() {
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    session.connected(0, at(0));
    for n in 1..=20 {
        session.read(read("E1", n), at(n));
    }
    let theirs = br#"{"done":[{"boot":1,"upto":9000,"also":[]}],"head":""}"#;
    let receipt = wire::Receipt::parse(theirs).unwrap();
    let Heard::CounterWentBack(boot) = session.receipt(&receipt, at(30)) else {
        panic!("the receipt was believed");
    };
    session.backlog().raise_boot(boot).unwrap();
    session.restart_as(boot, at(30));
    session.connected(0, at(31));
    let mut daemon = Daemon::default();
    send_all(&mut session, &mut daemon, 31);
    assert_eq!(daemon.reads().len(), 20);
    assert!(daemon.notes().all(|id| id.boot == 2));
    session.read(read("E1", 21), at(32));
    session.flush(at(32));
    drop(session);
    let session = start(folder.path(), limits());
    assert_eq!(session.boot(), 3);
    assert!(
        session.standing().oldest.is_some_and(|id| id.boot == 2),
        "the old names are not sent again"
    );
}

#[test]
fn reads_of_a_clock_that_was_never_set_get_their_time_when_it_is() {
    let relative = |ms: u64| Now {
        tick_ms: ms,
        wall: Timestamp::from_millisecond(i64::try_from(ms).unwrap()).unwrap(),
        state: ClockState::Relative,
    };
    let folder = TempDir::new().unwrap();
    let mut session = start(folder.path(), limits());
    session.connected(0, relative(0));
    let own_time: Timestamp = "2026-06-01T11:59:00Z".parse().unwrap();
    for n in 1..=20 {
        let now = relative(n * 60_000);
        let mut sample = MeterRead {
            at: now.wall,
            ..read("E1", n)
        };
        if n == 5 {
            sample.at = own_time;
        }
        session.read(sample, now);
    }
    assert_eq!(
        session.poll(relative(2_000_000)),
        None,
        "nothing goes undated"
    );
    assert_eq!(session.standing().undated, 2);
    // One is read before the clock is set, and its note closed after.
    let late = MeterRead {
        at: relative(5_999_000).wall,
        ..read("E1", 21)
    };
    session.read(late, relative(5_999_000));
    // 1 h 40 min after the start the clock is set.
    let set = at(6_000_000);
    let mut daemon = Daemon::default();
    session.flush(set);
    while let Some(sent) = session.poll(set) {
        session.transported(sent.id, set);
        daemon.take(&sent.payload);
    }
    let mut reads = daemon.reads();
    assert_eq!(reads.pop().unwrap().at, at(5_999_000).wall);
    assert_eq!(reads.len(), 20);
    for read in reads {
        let n = u64::try_from(read.wh).unwrap();
        let expected = if n == 5 {
            own_time
        } else {
            at(n * 60_000).wall
        };
        assert_eq!(read.at, expected, "read {n}");
    }
    drop(session);
    let session = start(folder.path(), limits());
    assert_eq!(session.standing().unreceipted, 3, "kept once, as dated");
}

/// Bytes that this thread has sent towards a disk, in whole pages.
fn written_bytes() -> u64 {
    let io = fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = io.lines().find(|line| line.starts_with("write_bytes: "));
    line.unwrap()["write_bytes: ".len()..].parse().unwrap()
}

#[test]
fn a_note_wears_the_card_little() {
    const NOTES: u64 = 200;
    // Not a memory file system, which counts nothing.
    let folder = TempDir::new_in(env!("CARGO_MANIFEST_DIR")).unwrap();
    let mut session = start(folder.path(), limits());
    session.read(read("E1", 1), at(1));
    session.flush(at(1));
    let before = written_bytes();
    for minute in 1..=NOTES {
        for meter in 0..10 {
            session.read(read(&format!("2000012345{meter:02}"), minute), at(minute));
        }
    }
    assert_eq!(session.standing().unreceipted as u64, NOTES + 1);
    let each = (written_bytes() - before) / NOTES;
    println!("a note of ten reads: {each} bytes written, in whole pages");
    assert!(each <= 8192, "{each}");
}
