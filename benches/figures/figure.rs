//! A figure as it is written down, and what is written down with every one.

use std::{fs, path::PathBuf, process::Command};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Enough to see that it works.
    Small,
    /// What is committed.
    Full,
}

impl Size {
    /// One of two numbers.
    pub fn pick<T>(self, small: T, full: T) -> T {
        match self {
            Size::Small => small,
            Size::Full => full,
        }
    }
}

/// What one bench found.
pub struct Figure {
    size: Size,
    what: &'static str,
    parameters: Value,
    found: Map<String, Value>,
    goals: Vec<Value>,
    notes: Vec<String>,
    load_before: String,
}

impl Figure {
    /// Begins a figure: what it says, in words, and what it is made with.
    pub fn new(size: Size, what: &'static str, parameters: Value) -> Figure {
        Figure {
            size,
            what,
            parameters,
            found: Map::new(),
            goals: Vec::new(),
            notes: Vec::new(),
            load_before: load_average(),
        }
    }

    /// Puts down something found, and prints it.
    pub fn found(&mut self, name: &str, value: Value) {
        println!("    {name}: {}", brief(&value));
        self.found.insert(name.to_owned(), value);
    }

    /// Puts down a goal and whether it is met, and prints it. A small run is too small to say.
    pub fn goal(&mut self, text: &str, met: bool) {
        if self.size == Size::Full {
            println!("    {}: {text}", if met { "met" } else { "MISSED" });
            self.goals.push(json!({"goal": text, "met": met}));
        }
    }

    /// Puts down what a reader of the figure must know.
    pub fn note(&mut self, text: impl Into<String>) {
        let text = text.into();
        println!("    note: {text}");
        self.notes.push(text);
    }

    /// Writes it, with the commit, the date and the machine.
    pub fn write(self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = match self.size {
            Size::Full => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/figures"),
            Size::Small => target().join("figures"),
        };
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.json"));
        let all = json!({
            "figure": name,
            "what": self.what,
            "size": self.size.pick("small", "full"),
            "commit": commit(),
            "date": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%MZ").to_string(),
            "machine": machine(),
            "load_before": self.load_before,
            "parameters": self.parameters,
            "found": self.found,
            "goals": self.goals,
            "notes": self.notes,
        });
        let text = serde_json::to_string_pretty(&all)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(path)
    }
}

/// A number with so many decimals, so that files stay readable.
pub fn round(value: f64, decimals: i32) -> Value {
    let factor = 10_f64.powi(decimals);
    let rounded = (value * factor).round() / factor;
    if decimals <= 0 {
        json!(rounded as i64)
    } else {
        json!(rounded)
    }
}

/// The middle one.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The value that this share of them stays under.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * share) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

fn brief(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let parts: Vec<String> = map
                .iter()
                .map(|(k, v)| format!("{k} {}", brief(v)))
                .collect();
            parts.join(", ")
        }
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    )
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git")
            .args(args)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output();
        output
            .ok()
            .map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned())
    };
    let hash = git(&["rev-parse", "HEAD"]).filter(|hash| !hash.is_empty());
    // Only what is compiled counts.
    let dirty = git(&[
        "status",
        "--porcelain",
        "--untracked-files=no",
        "--",
        "src",
        "firmware-bridge",
        "benches",
        "config",
        "Cargo.toml",
        "Cargo.lock",
    ]);
    let mark = if dirty.is_some_and(|changes| !changes.is_empty()) {
        "-dirty"
    } else {
        ""
    };
    format!("{}{mark}", hash.unwrap_or_else(|| "unknown".to_owned()))
}

fn machine() -> Value {
    let line = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text
            .lines()
            .find(|line| line.starts_with(key))
            .unwrap_or_default()
            .to_owned();
        line.split_once(':')
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": line("/proc/cpuinfo", "model name"),
        "memory": line("/proc/meminfo", "MemTotal"),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
    })
}

fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
