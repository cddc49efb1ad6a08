//! (k) An interest run for a large roll: 100,000 members with 25 years of movements, at a rate and as
//! a pot, from the roll to the note that another officer approves.

use std::time::Instant as Monotonic;

use domain::{
    calendar::{Instant, Period},
    money::Pence,
};
use office::{
    Office, document_from_toml,
    interest::{Asked, RunAsked, rate_of_text},
    roll::Columns,
};
use serde_json::json;

use crate::{
    figure::{Figure, Size, median, round},
    share_register::{SOCIETY, members_csv, shares_csv},
};

const TERMS: &str = r#"
[[interest]]
class = "ordinary"
from = "2000-01-01"
maximum = "7"
"#;
/// How often each is made.
const TIMES: usize = 5;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let members: u32 = size.pick(2_000, 100_000);
    let mut figure = Figure::new(
        size,
        "an interest run for a large roll: every line, what it was made from in words, and the note's hash",
        json!({"members": members, "movements_each": 25, "times": TIMES}),
    );
    let folder = tempfile::tempdir()?;
    let now = Instant(1_790_000_000_000);
    let office = Office::open_alone(&folder.path().join("data"), now)?;
    let document = document_from_toml(&format!("{SOCIETY}{TERMS}"))?;
    office.apply(&document, "owner", false, now)?;
    let society = office.society("large")?;
    let file = |name: &str, text: String| Columns {
        file: name.to_owned(),
        bytes: text.into_bytes(),
        sheet: None,
        named: Vec::new(),
        preview: false,
    };
    let roll = file("members.csv", members_csv(members));
    anyhow::ensure!(society.import_members(&roll, "secretary", now)?.kept);
    let shares = file("shares.csv", shares_csv(members));
    anyhow::ensure!(society.import_shares(&shares, "secretary", now)?.kept);
    let asked = |declared| RunAsked {
        period: Period::Year(2024),
        classes: Vec::new(),
        declared,
        published: Vec::new(),
        policy: None,
        replaces: None,
    };
    let rate = asked(Asked::Rates(vec![rate_of_text("3.25")?]));
    let pot = asked(Asked::Pot(Pence(i64::from(members) * 1_000)));
    let mut took = Vec::new();
    for (name, asked) in [("rate_s", rate), ("pot_s", pot)] {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let began = Monotonic::now();
            let note = society.preview_run(&asked)?;
            let hash = note.hash();
            times.push(began.elapsed().as_secs_f64());
            anyhow::ensure!(note.lines.len() == members as usize && hash.len() == 64);
            let sum: i64 = note.lines.iter().map(|line| line.pence).sum();
            anyhow::ensure!(sum == note.declared_pence, "{sum}");
        }
        figure.found(name, round(median(&times), 3));
        took.push(median(&times));
    }
    figure.note("the roll is in memory, as it is after its first question; nothing is written: preparing appends the same note");
    figure.goal(
        "a run of 100,000 members with 25 years under 2 s",
        took.iter().all(|seconds| *seconds < 2.0),
    );
    office.close();
    Ok(figure)
}
