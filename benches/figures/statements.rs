//! (l) Statements: one typeset sheet a member of a frozen run, by the real command, with chart, code,
//! fonts and tags in each file; a second time nothing is written.

use std::{fmt::Write as _, fs, process::Command, time::Instant as Monotonic};

use domain::calendar::{Instant, Period};
use office::{
    Office, document_from_toml,
    interest::{Asked, RunAsked, rate_of_text},
    roll::Columns,
};
use serde_json::json;

use crate::figure::{Figure, Size, round};

const SOCIETY: &str = r#"
[society]
slug = "large"
name = "A large society"
sample = true

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

[[meter]]
serial = "M1"
meter_point = "roof-generation"
installed = "2012-04-23"
register = [{ code = "2.8.0", digits = 9, step_wh = 1 }]

[[forecast]]
site = "roof"
version = 1
published = "2013-01-01"
base_year = 2013
monthly_kwh = ["828", "1404", "2388", "3180", "3515", "3450", "3613", "2971", "2480", "1634", "826", "624"]

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"

[[interest]]
class = "ordinary"
from = "2013-01-01"
maximum = "5"

[[officer]]
id = "treasurer"
role = "treasurer"

[[officer]]
id = "chair"
role = "chair"
"#;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let members: u32 = size.pick(60, 10_000);
    let mut figure = Figure::new(
        size,
        "statements: a typeset, tagged sheet for each member of a frozen interest run, by the command",
        json!({"members": members}),
    );
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    prepare(&data, members)?;
    let out = folder.path().join("out");
    let command = |members: &[&str]| -> anyhow::Result<f64> {
        let began = Monotonic::now();
        let done = Command::new(env!("CARGO_BIN_EXE_commonwatt"))
            .arg("--data")
            .arg(&data)
            .args(["statements", "--run", "1", "--format", "pdf", "--out"])
            .arg(&out)
            .args(members)
            .output()?;
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        anyhow::ensure!(done.status.success(), "{said}");
        Ok(began.elapsed().as_secs_f64())
    };
    // The first one opens the folder, reads the fonts and warms the disk's cache.
    let first_s = command(&["--member", "1"])?;
    let all_s = command(&[])?;
    let again_s = command(&[])?;
    let (mut files, mut bytes) = (0_u32, 0_u64);
    for entry in fs::read_dir(&out)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "pdf") {
            files += 1;
            bytes += fs::metadata(&path)?.len();
        }
    }
    anyhow::ensure!(files == members, "{files} files of {members}");
    let each_ms = all_s * 1_000.0 / f64::from(members);
    figure.found("first_s", round(first_s, 2));
    figure.found("all_s", round(all_s, 2));
    figure.found("each_ms", round(each_ms, 2));
    figure.found("again_s", round(again_s, 2));
    figure.found("bytes_each", json!(bytes / u64::from(members)));
    figure.note("the whole command is timed: opening the folder, reading the roll, setting on all cores, writing, the index");
    match size {
        Size::Small => figure.goal("every member has its sheet", files == members),
        Size::Full => figure.goal("10,000 statements in under 60 s", all_s < 60.0),
    }
    Ok(figure)
}

/// A society with its roll and run 1 of 2013 frozen.
fn prepare(data: &std::path::Path, members: u32) -> anyhow::Result<()> {
    let now = Instant(1_790_000_000_000);
    let office = Office::open_alone(data, now)?;
    office.apply(&document_from_toml(SOCIETY)?, "owner", false, now)?;
    let society = office.society("large")?;
    let (mut people, mut shares) = (
        String::from("number,name,joined,address,postcode,payment\n"),
        String::from("member,class,on,shares,kind\n"),
    );
    for n in 1..=members {
        writeln!(
            people,
            "{n},Member {n:03},2012-02-20,{n} SAMPLE Street;London,SW9 8XX,cheque"
        )?;
        writeln!(shares, "{n},ordinary,2012-02-20,{},issue", 250 + n % 1_000)?;
    }
    let file = |name: &str, text: String| Columns {
        file: name.to_owned(),
        bytes: text.into_bytes(),
        sheet: None,
        named: Vec::new(),
        preview: false,
    };
    let made = society.import_members(&file("members.csv", people), "treasurer", now)?;
    anyhow::ensure!(made.kept, "{:?}", made.problems.first());
    let made = society.import_shares(&file("shares.csv", shares), "treasurer", now)?;
    anyhow::ensure!(made.kept, "{:?}", made.problems.first());
    let period: Period = "2013".parse()?;
    let asked = RunAsked {
        period,
        classes: Vec::new(),
        declared: Asked::Rates(vec![rate_of_text("3.25")?]),
        published: Vec::new(),
        policy: None,
        replaces: None,
    };
    let note = society.prepare_run(&asked, "treasurer", now)?;
    society.approve_run(1, &note.hash(), "chair", now)?;
    society.freeze_run(1, "treasurer", now)?;
    office.close();
    Ok(())
}
