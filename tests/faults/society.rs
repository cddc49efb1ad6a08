//! A society of roofs that do nothing but count, and the accounts of their gateways.

use std::fmt::Write;

use crate::{daemon::Place, load::Account};

/// Applies a society with so many roofs, each with one gateway and so many meters, and makes a token
/// for each gateway. The daemon must be running or the folder free.
pub fn found(place: &Place, roofs: usize, meters_each: usize) -> Vec<Account> {
    let mut text = String::from(
        "[society]\nslug = \"load\"\nname = \"Society under load\"\nzone = \"Europe/London\"\n\
         financial_year_starts = \"01-01\"\nsample = true\n",
    );
    for i in 0..roofs {
        write!(
            text,
            r#"
[[site]]
id = "roof-{i}"
name = "Roof {i}"
latitude = "51.4681"
longitude = "-0.1030"
capacity_kwp = "50"
commissioned = "2012-04-23"
sample = true

[[gateway]]
id = "gw-{i}"
site = "roof-{i}"
cadence_s = 60
"#
        )
        .unwrap();
        for j in 0..meters_each {
            write!(
                text,
                r#"
[[meter_point]]
id = "roof-{i}-generation-{j}"
site = "roof-{i}"
name = "Roof {i}, generation {j}"
counts = "generation"
capacity_kw = "50"
sample = true

[[meter]]
serial = "METER-{i}-{j}"
meter_point = "roof-{i}-generation-{j}"
installed = "2012-04-23"
register = [{{ code = "2.8.0", digits = 9, step_wh = 1 }}]
sample = true
"#
            )
            .unwrap();
        }
    }
    let file = place.data.with_extension("toml");
    std::fs::write(&file, text).unwrap();
    place.ask(&["society", "apply", file.to_str().unwrap()]);
    (0..roofs)
        .map(|i| {
            let gateway = format!("gw-{i}");
            let made = place.ask(&["gateway", "token", &gateway]);
            Account {
                token: made["token"].as_str().expect("a token").to_owned(),
                meters: (0..meters_each).map(|j| format!("METER-{i}-{j}")).collect(),
                gateway,
            }
        })
        .collect()
}
