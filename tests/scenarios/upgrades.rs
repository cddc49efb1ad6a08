//! Data folders that earlier versions wrote: opened by this program, which says the same of them;
//! killed at every step of the way there, and finished; and refused by what is older than they are.
//!
//! The folders lie in `tests/fixtures/data-folders/`, one for each version, made by `make.sh` there
//! from that version's own program and never made again. A line in its `questions` is a command; what
//! that version answered lies beside it.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use journal::{Journal, Options, RealDisk, Records};
use serde_json::Value;
use tempfile::TempDir;

/// What a killed process has done with the disk so far ends at one of these calls.
const WRITES: &str = "write,pwrite64,pwritev,ftruncate,fallocate,fsync,fdatasync,rename,renameat2,unlink,unlinkat,mkdir,openat";

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data-folders");
    let mut all: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    assert!(!all.is_empty());
    all
}

/// A fixture, unpacked.
struct Old {
    folder: TempDir,
}

impl Old {
    fn of(fixture: &Path) -> Old {
        let folder = TempDir::new().unwrap();
        let tar = Command::new("tar")
            .args(["--sparse", "-xzf"])
            .arg(fixture.join("folder.tar.gz"))
            .arg("-C")
            .arg(folder.path())
            .status();
        assert!(tar.expect("tar runs").success());
        Old { folder }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn society(&self) -> PathBuf {
        let mut all = fs::read_dir(self.data().join("s")).unwrap();
        all.next().unwrap().unwrap().path()
    }

    fn program(&self) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_commonwatt"));
        program.arg("--data").arg(self.data());
        program.current_dir(self.folder.path());
        program
    }

    fn run(&self, args: &[&str]) -> Output {
        self.program().args(args).output().unwrap()
    }

    /// What the command must say: the same as the version that wrote the folder.
    fn says_the_same(&self, fixture: &Path, only: &[&str]) {
        let questions = fs::read_to_string(fixture.join("questions")).unwrap();
        for line in questions.lines() {
            let mut words = line.split_whitespace();
            let name = words.next().unwrap();
            if !only.is_empty() && !only.contains(&name) {
                continue;
            }
            let args: Vec<&str> = ["--output", "json"].into_iter().chain(words).collect();
            let said = self.run(&args);
            assert!(said.status.success(), "{line}: {said:?}");
            let ours: Value = serde_json::from_slice(&said.stdout).unwrap();
            let theirs = fs::read(fixture.join(format!("{name}.json"))).unwrap();
            let theirs: Value = serde_json::from_slice(&theirs).unwrap();
            includes(&ours, &theirs, &format!("{}: {line}", fixture.display()));
        }
    }
}

/// Whether an answer has all that an earlier version said; fields may have come to it since.
fn includes(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in theirs {
                let own = ours.get(key).unwrap_or(&Value::Null);
                includes(own, value, &format!("{place} / {key}"));
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{place}");
            for (n, (own, value)) in ours.iter().zip(theirs).enumerate() {
                includes(own, value, &format!("{place} / {n}"));
            }
        }
        (ours, theirs) => assert_eq!(ours, theirs, "{place}"),
    }
}

#[test]
fn folders_of_earlier_versions_say_what_they_said_and_go_on() {
    for fixture in fixtures() {
        let old = Old::of(&fixture);
        old.says_the_same(&fixture, &[]);
        let verified = old.run(&["verify"]);
        assert!(
            verified.status.success(),
            "{}: {verified:?}",
            fixture.display()
        );
        // What they sealed opens, and they take decisions.
        let shown = old.run(&[
            "--output",
            "json",
            "--as",
            "secretary",
            "members",
            "show",
            "5",
        ]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let waits = shown["bank_change"]["account_ending"].as_str();
        assert!(
            waits.or(shown["account_ending"].as_str()).is_some(),
            "{shown}"
        );
        let noted = old.run(&[
            "--as",
            "secretary",
            "members",
            "case",
            "note",
            "1",
            "--text",
            "x",
        ]);
        assert!(noted.status.success(), "{noted:?}");
        // Made again from the journal alone, they say the same.
        let rebuilt = old.run(&["rebuild"]);
        assert!(rebuilt.status.success(), "{rebuilt:?}");
        let all_but_head = [
            "holdings",
            "trial-balance",
            "bank-account",
            "claims",
            "run",
            "energy",
        ];
        old.says_the_same(&fixture, &all_but_head);
    }
}

/// Opens the folder under strace, which writes what the program did to a file.
fn traced(old: &Old, more: &[String], trace: &Path) -> bool {
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(trace)
        .args(["-e", &format!("trace={WRITES}")])
        .args(more)
        .arg(env!("CARGO_BIN_EXE_commonwatt"))
        .arg("--data")
        .arg(old.data())
        .args(["--output", "json", "head"])
        .current_dir(old.folder.path())
        .output()
        .expect("strace runs");
    traced.status.success()
}

/// How many writes the thread makes that makes most.
fn steps(old: &Old) -> usize {
    let trace = old.folder.path().join("trace");
    assert!(traced(old, &[], &trace));
    let mut threads: BTreeMap<String, usize> = BTreeMap::new();
    for line in fs::read_to_string(trace).unwrap().lines() {
        let thread = line.split_whitespace().next().unwrap_or_default();
        *threads.entry(thread.to_owned()).or_default() += 1;
    }
    threads.into_values().max().unwrap()
}

/// Kills the program at the `step`th write of a thread; false when it ended before.
fn killed_at(old: &Old, step: usize) -> bool {
    let inject = format!("inject={WRITES}:signal=KILL:when={step}");
    !traced(old, &["-e".to_owned(), inject], Path::new("/dev/null"))
}

/// Most kills of one folder: all there are in a campaign, some of them, evenly, elsewhere.
fn most_kills() -> usize {
    let asked = std::env::var("COMMONWATT_ROUNDS").ok();
    let asked = asked.and_then(|rounds| rounds.parse().ok());
    match std::env::var_os("COMMONWATT_CAMPAIGN") {
        Some(_) => usize::MAX,
        None => asked.unwrap_or(6),
    }
}

fn unpacked(fixture: &Path, without_projections: bool) -> Old {
    let old = Old::of(fixture);
    if without_projections {
        for name in ["books.sqlite", "series.sqlite"] {
            fs::remove_file(old.society().join(name)).unwrap();
        }
    }
    old
}

#[test]
fn a_folder_killed_at_every_step_of_the_way_to_this_version_is_finished() {
    for fixture in fixtures() {
        // As it lies there, and with the projections still to be made: every step of their schemas.
        for without in [false, true] {
            let all = steps(&unpacked(&fixture, without));
            assert!(all > 10, "{}: {all} steps", fixture.display());
            let stride = all.div_ceil(most_kills().min(all));
            let mut kills = 0_usize;
            for step in (1..=all).step_by(stride) {
                let old = unpacked(&fixture, without);
                kills += usize::from(killed_at(&old, step));
                old.says_the_same(&fixture, &["head", "trial-balance"]);
            }
            assert!(kills >= 3, "{}: {kills} kills", fixture.display());
        }
    }
}

/// Says that an SQLite file has this schema: the number in its header at offset 60.
fn schema_is(path: &Path, add: u32) {
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut bytes = [0; 4];
    file.seek(SeekFrom::Start(60)).unwrap();
    file.read_exact(&mut bytes).unwrap();
    let newer = u32::from_be_bytes(bytes) + add;
    file.seek(SeekFrom::Start(60)).unwrap();
    file.write_all(&newer.to_be_bytes()).unwrap();
}

#[test]
fn what_a_newer_version_wrote_is_refused_and_not_changed() {
    let fixture = fixtures().pop().unwrap();
    for name in ["books.sqlite", "series.sqlite", "people.sqlite"] {
        let old = Old::of(&fixture);
        assert!(old.run(&["head"]).status.success());
        let path = old.society().join(name);
        schema_is(&path, 1);
        let before = fs::read(&path).unwrap();
        let said = old.run(&["head"]);
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(2), "{name}: {words}");
        assert!(
            words.contains("newer than this program's") && words.contains("start that version"),
            "{name}: {words}"
        );
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
    }
    let old = Old::of(&fixture);
    let record = br#"{"at_ms":1,"by":"x","what":{"type":"member-entered/2","body":{}}}"#;
    let disk = RealDisk::new(old.society().join("journal")).unwrap();
    let options = Options {
        segment_bytes: 64 << 20,
        expect_at_least: 0,
    };
    let (mut journal, _) = Journal::open(Arc::new(disk), options).unwrap();
    let record = [&[2_u8, 1][..], record].concat();
    journal.append_group(1, &Records::one(record)).unwrap();
    journal.close().unwrap();
    let said = old.run(&["head"]);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(2), "{words}");
    assert!(words.contains("written by a newer commonwatt"), "{words}");
}
