//! A society in an empty folder, and the real command line to talk to it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

/// One society, one roof of 37.24 kWp, meters as a scenario needs them.
pub struct Desk {
    folder: TempDir,
}

/// What a command said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Desk {
    /// A society with these meters: (serial, digits, step in Wh, first day).
    pub fn with_meters(meters: &[(&str, u8, u32, &str)]) -> Desk {
        let desk = Desk::empty();
        let said = desk.run(&[
            "society",
            "apply",
            &desk.file("society.toml", &society(meters)),
        ]);
        assert_eq!(said.code, 0, "{}", said.err);
        desk
    }

    /// An empty folder.
    pub fn empty() -> Desk {
        Desk {
            folder: TempDir::new().expect("a folder"),
        }
    }

    /// One meter `M1` with a register of 9 digits that counts Wh.
    pub fn plain() -> Desk {
        Desk::with_meters(&[("M1", 9, 1, "2009-01-01")])
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file into the folder; gives its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    }

    pub fn run(&self, args: &[&str]) -> Said {
        let Output {
            status,
            stdout,
            stderr,
        } = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .arg("--data")
            .arg(self.data())
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .expect("the binary runs");
        Said {
            code: status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&stdout).into_owned(),
            err: String::from_utf8_lossy(&stderr).into_owned(),
        }
    }

    /// Runs a command that must succeed.
    pub fn ok(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.out, said.err);
        said.out
    }

    /// Runs a command that must succeed and print one JSON document.
    pub fn json(&self, args: &[&str]) -> Value {
        self.json_with(0, args)
    }

    /// Runs a command that must end with this exit code and print one JSON document all the same.
    pub fn json_with(&self, code: i32, args: &[&str]) -> Value {
        let mut all = vec!["--output", "json"];
        all.extend(args);
        let said = self.run(&all);
        assert_eq!(said.code, code, "{args:?}\n{}\n{}", said.out, said.err);
        serde_json::from_str(&said.out).expect("one JSON document")
    }

    /// Runs a command that must be refused as the caller's problem; what it says.
    pub fn refused(&self, args: &[&str]) -> String {
        let said = self.run(args);
        assert_eq!(said.code, 1, "{args:?}\n{}\n{}", said.out, said.err);
        said.err
    }

    /// Imports reads written as a treasurer would: `serial time kWh`, one a line.
    pub fn reads(&self, table: &str) -> Value {
        let mut csv = String::from("meter,register,time,value,unit,source\n");
        for line in table.lines().map(str::trim).filter(|l| !l.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [meter, time, kwh] = words.as_slice() else {
                panic!("`{line}`")
            };
            let register = if meter.starts_with('I') {
                "1.8.0"
            } else {
                "2.8.0"
            };
            csv.push_str(&format!(
                "{meter},{register},{time},{},kWh,\n",
                kwh.replace(',', "")
            ));
        }
        let file = self.file("reads.csv", &csv);
        self.json(&["reads", "import", &file])
    }

    /// Energy of the roof over days, Wh, and the rows.
    pub fn energy(&self, from: &str, to: &str, by: &str) -> Value {
        self.json(&[
            "energy", "--site", "roof", "--from", from, "--to", to, "--by", by,
        ])
    }

    /// Total of the roof over days, Wh.
    pub fn total(&self, from: &str, to: &str) -> i64 {
        self.energy(from, to, "day")["total_wh"]
            .as_i64()
            .expect("a total")
    }
}

pub fn society(meters: &[(&str, u8, u32, &str)]) -> String {
    let mut text = String::from(
        r#"
[society]
slug = "bes"
name = "Test Society"

[[site]]
id = "roof"
name = "The roof"
latitude = "51.4681"
longitude = "-0.1030"
capacity_kwp = "37.24"

[[meter_point]]
id = "roof-generation"
site = "roof"
counts = "generation"
capacity_kw = "37.24"

[[meter_point]]
id = "roof-import"
site = "roof"
counts = "import"
capacity_kw = "60"

[[meter]]
serial = "I1"
meter_point = "roof-import"
installed = "2009-01-01"
register = [{ code = "1.8.0", digits = 9, step_wh = 1 }]

[[gateway]]
id = "g1"
site = "roof"

[[forecast]]
site = "roof"
version = 1
published = "2013-01-01"
base_year = 2013
degradation_percent = "0.5"
monthly_kwh = ["828", "1404", "2388", "3180", "3515", "3450", "3613", "2971", "2480", "1634", "826", "624"]

[[officer]]
id = "treasurer"
role = "treasurer"

[[officer]]
id = "secretary"
role = "secretary"
"#,
    );
    for (serial, digits, step, installed) in meters {
        text.push_str(&format!(
            "\n[[meter]]\nserial = \"{serial}\"\nmeter_point = \"roof-generation\"\ninstalled = \"{installed}\"\nregister = [{{ code = \"2.8.0\", digits = {digits}, step_wh = {step} }}]\n"
        ));
    }
    text
}
