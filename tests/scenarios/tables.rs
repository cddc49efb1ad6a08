//! Dated tables on the desk: extended with source and file, approved by another officer, in force
//! without an upgrade.

use serde_json::Value;

use super::income::{rate, society};

fn extend<'a>(table: &'a str, row: &[&'a str], file: &'a str) -> Vec<&'a str> {
    let mut words = vec!["table", "extend", table];
    words.extend(row);
    words.extend([
        "--source",
        "as printed",
        "--file",
        file,
        "--as",
        "treasurer",
    ]);
    words
}

#[test]
fn a_new_april_needs_two_officers_and_no_upgrade() {
    let desk = society();
    let page = desk.file("ons.html", "CPI 12-month rate: 3.1 %");
    let on_day = ["rate", "--installation", "roof-fit", "--on", "2027-05-01"];
    assert!(desk.refused(&on_day).contains("uplift of 1 April `2027`"));
    let row = ["year=2027", "percent=3.1", "index=CPI"];
    let mut bare = extend("uplifts", &row, &page);
    bare.drain(6..10);
    assert!(
        desk.refused(&[
            "table",
            "extend",
            "uplifts",
            "year=2027",
            "percent=3.1",
            "index=CPI",
            "--source",
            "x",
            "--as",
            "treasurer"
        ])
        .contains("--file")
    );
    let made = desk.json(&extend("uplifts", &row, &page));
    assert_eq!(
        (&made["proposal"], &made["state"]),
        (&1.into(), &"waits".into())
    );
    let head = desk.ok(&["head"]);
    desk.json(&extend("uplifts", &row, &page));
    assert_eq!(
        desk.ok(&["head"]),
        head,
        "the same rows twice are one proposal"
    );
    // It waits, and the same officer cannot approve.
    assert_eq!(desk.run(&on_day).code, 1);
    let own = desk.refused(&["table", "approve", "1", "--as", "treasurer"]);
    assert!(own.contains("another officer"), "{own}");
    desk.ok(&["table", "approve", "1", "--as", "secretary"]);
    // 25.75 × 1.031 = 26.54825.
    let new = rate(&desk, "roof-fit", "2027-05-01");
    assert_eq!(new["generation_p_per_kwh"], "26.55");
    let step = new["generation_steps"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert!(
        step["source"]
            .as_str()
            .unwrap()
            .contains("approved here, proposal 1"),
        "{step}"
    );
    let shown = desk.ok(&["table", "show", "uplifts"]);
    assert!(shown.contains("approved here"), "{shown}");
    // Nothing replaces a row; nonsense is refused with the nearest column.
    let again = desk.refused(&extend(
        "uplifts",
        &["year=2026", "percent=3.4", "index=CPI"],
        &page,
    ));
    assert!(again.contains("two uplifts"), "{again}");
    let fine = desk.refused(&extend(
        "uplifts",
        &["year=2028", "percent=3.14", "index=CPI"],
        &page,
    ));
    assert!(fine.contains("one decimal"), "{fine}");
    let key = desk.refused(&extend(
        "uplifts",
        &["yaer=2028", "percent=3.1", "index=CPI"],
        &page,
    ));
    assert!(key.contains("did you mean `year`"), "{key}");
    // It comes back from the journal, and the file is part of what is verified.
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(rate(&desk, "roof-fit", "2027-05-01"), new);
    let copy = desk.path().join("copy");
    desk.ok(&["backup", &copy.display().to_string()]);
    let blobs = desk.data().join("s/bes/blobs");
    let kept = std::fs::read_dir(&blobs)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    assert!(
        copy.join("s/bes/blobs")
            .join(kept.file_name().unwrap())
            .exists()
    );
    std::fs::write(&kept, "CPI 12-month rate: 9.9 %").unwrap();
    assert!(desk.refused(&["verify"]).contains("was changed"));
}

#[test]
fn every_table_can_be_extended_and_shows_what_a_licensee_states() {
    let desk = society();
    let page = desk.file("page.txt", "as printed");
    for (table, row) in [
        (
            "fit-new",
            vec![
                "from=2015-04-01",
                "to=2015-06-30",
                "over_kw=4",
                "up_to_kw=10",
                "p_per_kwh=12.13",
            ],
        ),
        (
            "fit-export",
            vec![
                "name=late",
                "eligible_from=2019-04-01",
                "eligible_to=2019-12-31",
                "from=2019-04-01",
                "p_per_kwh=5.38",
            ],
        ),
        (
            "grid-price",
            vec!["host=council", "from=2015-04-01", "p_per_kwh=15.2"],
        ),
        ("bank-rate", vec!["from=2025-08-07", "percent=4.0"]),
        ("carbon", vec!["year=2026", "kg_per_kwh=0.165"]),
    ] {
        let made = desk.json(&extend(table, &row, &page));
        desk.ok(&[
            "table",
            "approve",
            &made["proposal"].to_string(),
            "--as",
            "secretary",
        ]);
        let shown: Vec<Value> =
            serde_json::from_value(desk.json(&["table", "show", table])).unwrap();
        assert!(
            shown.iter().any(|row| row["from"] == "approved here"),
            "{table}: {shown:?}"
        );
        let twice = desk.run(&extend(table, &[row.clone(), vec![]].concat(), &page));
        assert_eq!(
            twice.code, 0,
            "the same proposal again is found: {}",
            twice.err
        );
    }
    let other = desk.refused(&extend(
        "grid-price",
        &["host=council", "from=2015-04-01", "p_per_kwh=16"],
        &page,
    ));
    assert!(other.contains("already"), "{other}");
    let nobody = desk.refused(&extend(
        "grid-price",
        &["host=nobody", "from=2015-04-01", "p_per_kwh=16"],
        &page,
    ));
    assert!(nobody.contains("nobody"), "{nobody}");
    // The host's bill uses the price of the desk from its day on: 10 % below 15.2 p.
    desk.reads(
        "M1 2015-03-31T20:00:00Z 0
         M1 2015-06-30T20:00:00Z 11000
         X1 2015-03-31T20:00:00Z 0
         X1 2015-06-30T20:00:00Z 1000",
    );
    let bill = desk.json(&[
        "bill",
        "preview",
        "--host",
        "council",
        "--from",
        "2015-04-01",
        "--to",
        "2015-06-30",
    ]);
    assert_eq!(bill["lines"][0]["rate_p_per_kwh"], "13.68");
    assert_eq!(bill["net_pence"], 136_800);
    // A proposal can be refused, with the reason, and then does not hold.
    let made = desk.json(&extend("carbon", &["year=2027", "kg_per_kwh=0.1"], &page));
    let number = made["proposal"].to_string();
    desk.ok(&[
        "table",
        "refuse",
        &number,
        "--reason",
        "not printed",
        "--as",
        "secretary",
    ]);
    assert_eq!(
        desk.run(&["table", "approve", &number, "--as", "secretary"])
            .code,
        1
    );
    let list = desk.ok(&["table", "list"]);
    assert!(list.contains("refused by secretary"), "{list}");
}

#[test]
fn from_march_on_the_uplift_is_asked_for_until_it_is_there() {
    let desk = society();
    let page = desk.file("ons.html", "CPI 12-month rate: 3.1 %");
    let asked = |day: &str| -> Option<i32> {
        let now = format!("{day}T09:00:00Z").parse().unwrap();
        let office = office::Office::open_alone(&desk.data(), now).unwrap();
        let society = office.society("bes").unwrap();
        let year = society.uplift_asked_for(now).unwrap();
        let said = society.asked_for(now).unwrap();
        assert_eq!(
            said.iter()
                .any(|one| one.contains("uplift of 1 April 2027")),
            year == Some(2027)
        );
        office.close();
        year
    };
    assert_eq!(asked("2027-02-28"), None);
    assert_eq!(asked("2027-03-01"), Some(2027));
    assert_eq!(asked("2027-06-01"), Some(2027));
    let row = ["year=2027", "percent=3.1", "index=CPI"];
    desk.ok(&extend("uplifts", &row, &page));
    assert_eq!(
        asked("2027-03-02"),
        Some(2027),
        "it waits for the other officer"
    );
    desk.ok(&["table", "approve", "1", "--as", "secretary"]);
    assert_eq!(asked("2027-03-02"), None);
}
