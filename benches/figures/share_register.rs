//! (j) A large roll: 100,000 members with 25 years of share movements, imported from files as a
//! treasurer would, and what is held on any day of those years.

use std::{fmt::Write as _, time::Instant as Monotonic};

use domain::calendar::{Instant, LocalDay};
use office::{Office, document_from_toml, roll::Columns};
use serde_json::json;

use crate::figure::{Figure, Size, median, quantile, round};

pub const SOCIETY: &str = r#"
[society]
slug = "large"
name = "A large society"
sample = true

[[share_class]]
id = "ordinary"
name = "Ordinary shares"
par_pounds = "1"
minimum_shares = 250
notice = "13 weeks"
yearly_limit_percent = "10"

[[officer]]
id = "secretary"
role = "secretary"
"#;
const YEARS: i32 = 25;
const FIRST_YEAR: i32 = 2000;
/// Dates that are asked for.
const DATES: i32 = 40;

pub fn run(size: Size) -> anyhow::Result<Figure> {
    let members: u32 = size.pick(2_000, 100_000);
    let mut figure = Figure::new(
        size,
        "a large roll: import from files, holdings at a date, and the roll made from the journal's decisions",
        json!({"members": members, "movements_each": YEARS, "dates_asked": DATES}),
    );
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let now = Instant(1_790_000_000_000);
    let office = Office::open_alone(&data, now)?;
    office.apply(&document_from_toml(SOCIETY)?, "owner", false, now)?;
    let society = office.society("large")?;
    let file = |name: &str, text: String| Columns {
        file: name.to_owned(),
        bytes: text.into_bytes(),
        sheet: None,
        named: Vec::new(),
        preview: false,
    };
    let roll = file("members.csv", members_csv(members));
    let shares = file("shares.csv", shares_csv(members));
    let began = Monotonic::now();
    let made = society.import_members(&roll, "secretary", now)?;
    let members_s = began.elapsed().as_secs_f64();
    anyhow::ensure!(made.kept, "{:?}", made.problems.first());
    let began = Monotonic::now();
    let made = society.import_shares(&shares, "secretary", now)?;
    let shares_s = began.elapsed().as_secs_f64();
    anyhow::ensure!(made.kept, "{:?}", made.problems.first());
    figure.found(
        "import",
        json!({
            "members_s": round(members_s, 2),
            "movements_s": round(shares_s, 2),
            "movements": made.movements,
        }),
    );
    let held = |society: &office::SocietyOffice| -> anyhow::Result<Vec<f64>> {
        let mut took = Vec::new();
        for n in 0..DATES {
            let year = FIRST_YEAR + (n * YEARS / DATES);
            let on = LocalDay::of_date(year, 12, 31).unwrap_or_default();
            let began = Monotonic::now();
            let holdings = society.holdings(on, None, now)?;
            took.push(began.elapsed().as_secs_f64() * 1_000.0);
            // Every member has bought on the days so far: 250 at first, then 10 a year.
            let each = 250 + i64::from(year - FIRST_YEAR) * 10;
            anyhow::ensure!(
                holdings.lines.len() == members as usize
                    && holdings.total.0 == i64::from(members) * each * 100,
                "{on}: {}",
                holdings.total
            );
        }
        Ok(took)
    };
    let took = held(&society)?;
    figure.found(
        "holdings_at_a_date",
        json!({"median_ms": round(median(&took), 1), "p95_ms": round(quantile(&took, 0.95), 1)}),
    );
    office.close();
    drop((society, office));
    let office = Office::open_alone(&data, now)?;
    let society = office.society("large")?;
    let began = Monotonic::now();
    society.holdings(
        LocalDay::of_date(2012, 6, 30).unwrap_or_default(),
        None,
        now,
    )?;
    figure.found(
        "first_question_after_a_start_s",
        round(began.elapsed().as_secs_f64(), 2),
    );
    figure.note("the roll is a fold of decisions, kept in memory from the first question on; the files are text, read and checked row by row, and every movement is synced in the journal and in the books");
    figure.goal("import under 60 s", members_s + shares_s < 60.0);
    figure.goal("holdings at a date under 50 ms", median(&took) < 50.0);
    office.close();
    Ok(figure)
}

pub fn members_csv(members: u32) -> String {
    let mut text = String::from("number,name,joined,address,postcode,email\n");
    for n in 1..=members {
        let _ = writeln!(
            text,
            "{n},Member {n:06},2000-01-01,{n} Sample Street,SA1 1MP,member{n}@example.org"
        );
    }
    text
}

/// A first purchase, and a small one every year.
pub fn shares_csv(members: u32) -> String {
    let mut text = String::from("member,on,shares,kind\n");
    for year in FIRST_YEAR..FIRST_YEAR + YEARS {
        for n in 1..=members {
            let shares = if year == FIRST_YEAR { 250 } else { 10 };
            let (month, day) = (n % 12 + 1, n % 28 + 1);
            let _ = writeln!(text, "{n},{year}-{month:02}-{day:02},{shares},issue");
        }
    }
    text
}
