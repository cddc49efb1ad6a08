//! A campaign over several runs: how many inputs each target has met so far, and at which commits.
//!
//! `docs/figures/fuzz.json` has a row a target. A run of a campaign takes up the next sequence of
//! inputs of a target that has not met its number yet, and writes the row again when it ends. A run
//! that panics prints its input and adds nothing.

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::{Map, Value, json};

use commonwatt_fuzz::Target;

/// Targets that open, read, verify and append to a whole folder for each input, which takes a
/// millisecond or three: 10^8 of them are days. The decoders behind them have targets of their own,
/// so that a hundredth of the inputs is asked of these.
const WHOLE_FOLDERS: [&str; 3] = ["journal_open", "journal_sealed", "journal_packed"];

/// Goes on with a target until it has met `goal` inputs in all or its time is over; whether it
/// stood.
pub fn go_on(target: &Target, goal: u64, time: Duration) -> bool {
    let goal = match WHOLE_FOLDERS.contains(&target.name) {
        true => goal / 100,
        false => goal,
    };
    let mut all = load();
    let row = all.remove(target.name).unwrap_or_else(|| json!({}));
    let number = |key: &str| row[key].as_u64().unwrap_or(0);
    let (so_far, runs) = (number("inputs"), number("runs"));
    if so_far >= goal {
        println!("{}: has met {so_far} inputs", target.name);
        return true;
    }
    let Some(met) = crate::run(target, goal - so_far, runs + 1, time) else {
        return false;
    };
    let mut commits = row["commits"].as_array().cloned().unwrap_or_default();
    let here = Value::from(commit());
    if commits.last() != Some(&here) {
        commits.push(here);
    }
    let row = json!({
        "inputs": so_far + met.inputs,
        "accepted": number("accepted") + met.accepted,
        "seconds": number("seconds") + met.seconds as u64,
        "runs": runs + 1,
        "commits": commits,
    });
    // Another target may have been written down meanwhile.
    let mut all = load();
    all.insert(target.name.to_owned(), row);
    let text = serde_json::to_string_pretty(&all).expect("a map of numbers is written");
    std::fs::write(path(), text + "\n").expect("docs/figures can be written");
    true
}

fn load() -> Map<String, Value> {
    match std::fs::read_to_string(path()) {
        Ok(text) => serde_json::from_str(&text).expect("docs/figures/fuzz.json is a map"),
        Err(_) => Map::new(),
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/figures/fuzz.json")
}

fn commit() -> String {
    let said = Command::new("git").args(["rev-parse", "HEAD"]).output();
    said.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        .unwrap_or_default()
}
