//! Four roofs under one sky: what was lost, what it was worth, what was planned, what has to be done.

use serde_json::Value;

use super::desk::Desk;

/// The roof that is looked at, and three neighbours, 40 kWp each.
const ROOFS: [&str; 4] = ["a", "b", "c", "d"];
/// Morning, midday and evening of a day with light 1 [Wh] on a neighbour; the roof makes nine tenths.
const NEIGHBOUR: [i64; 3] = [16_000, 36_000, 20_000];
const OWN: [i64; 3] = [14_400, 32_400, 18_000];

/// How much light there is on a day, counted from 1 December 2025.
fn light(day: i64) -> i64 {
    1 + day * 7 % 3
}

/// 1 March 2026 and the days asked about.
const MARCH: i64 = 90;
const DAYS: i64 = 110;

fn society(sample: bool) -> Desk {
    let desk = Desk::empty();
    let mut text = format!(
        "[society]\nslug = \"bes\"\nname = \"Test Society\"\nsample = {sample}\n\n[[officer]]\nid = \"treasurer\"\nrole = \"treasurer\"\n\n[[officer]]\nid = \"roofs\"\nrole = \"roof manager\"\n"
    );
    for (n, roof) in ROOFS.iter().enumerate() {
        text.push_str(&format!(
            r#"
[[site]]
id = "{roof}"
name = "Roof {roof}"
latitude = "51.46{n}"
longitude = "-0.10{n}"
capacity_kwp = "40"

[[meter_point]]
id = "{roof}-generation"
site = "{roof}"
counts = "generation"
capacity_kw = "40"

[[meter]]
serial = "M{roof}"
meter_point = "{roof}-generation"
installed = "2025-11-30"
register = [{{ code = "2.8.0", digits = 9, step_wh = 1 }}]
approved = {{ type = "T", certificate = "C", expires = "2040-12-31" }}
"#
        ));
    }
    text.push_str(
        r#"
[[installation]]
id = "a-fit"
site = "a"
meter_point = "a-generation"
declared_net_capacity_kw = "40"
eligible_from = "2012-04-23"
"#,
    );
    desk.ok(&["society", "apply", &desk.file("roofs.toml", &text)]);
    desk
}

/// Reads at midnight, 10:30 and 13:30 of every day. `own` makes the parts of the roof's day.
fn reads(desk: &Desk, own: impl Fn(i64, [i64; 3]) -> [i64; 3]) {
    let mut table = String::new();
    for roof in ROOFS {
        let mut register = 1_000_000_i64;
        for day in 0..DAYS {
            let date = date(day);
            let usual = match roof {
                "a" => OWN,
                _ => NEIGHBOUR,
            };
            let mut parts = usual.map(|wh| wh * light(day));
            if roof == "a" {
                parts = own(day, parts);
            }
            for (time, wh) in ["00:00", "10:30", "13:30"].iter().zip(parts) {
                table.push_str(&format!("M{roof},2.8.0,{date}T{time}:00Z,{register},Wh,\n"));
                register += wh;
            }
        }
        table.push_str(&format!(
            "M{roof},2.8.0,{}T00:00:00Z,{register},Wh,\n",
            date(DAYS)
        ));
    }
    let file = desk.file(
        "roofs.csv",
        &format!("meter,register,time,value,unit,source\n{table}"),
    );
    let imported = desk.json(&["reads", "import", &file]);
    assert_eq!(
        (&imported["held"], &imported["refused"]),
        (&0.into(), &0.into()),
        "{imported}"
    );
}

/// The date of a day counted from 1 December 2025.
fn date(day: i64) -> String {
    let months = [
        ("2025-12", 31),
        ("2026-01", 31),
        ("2026-02", 28),
        ("2026-03", 31),
    ];
    let mut left = day;
    for (month, days) in months {
        if left < days {
            return format!("{month}-{:02}", left + 1);
        }
        left -= days;
    }
    panic!("day {day}")
}

fn march(desk: &Desk) -> Value {
    let all = desk.json(&[
        "site",
        "income",
        "a",
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-20",
    ]);
    all[0].clone()
}

fn usual(day: i64) -> i64 {
    OWN.iter().sum::<i64>() * light(MARCH + day - 1)
}

#[test]
fn days_off_and_shade_are_told_apart_from_weather() {
    let desk = society(false);
    // Off on 5 to 7 March, and half of the morning gone from the 10th to the 19th.
    reads(&desk, |day, [morning, midday, evening]| {
        match day + 1 - MARCH {
            5..=7 => [0; 3],
            10..=19 => [morning / 2, midday, evening],
            _ => [morning, midday, evening],
        }
    });
    let income = march(&desk);
    let month = &income["months"][0];
    assert_eq!(month["basis"]["neighbours"], 3, "{income}");
    assert_eq!(month["compared_days"], 20);
    let off: i64 = (5..=7).map(usual).sum();
    let shade: i64 = (10..=19).map(|d| OWN[0] * light(MARCH + d - 1) / 2).sum();
    // A morning that is half gone is a ninth of the day: below nine tenths of the day.
    assert_eq!(month["losses"][0]["cause"], "outage");
    assert_eq!(month["losses"][0]["days"], 3);
    assert_eq!(month["losses"][0]["wh"], off);
    assert_eq!(month["losses"][1]["cause"], "shade-morning", "{month}");
    assert_eq!(month["losses"][1]["wh"], shade);
    assert_eq!(month["scatter_wh"], 0, "what is left is nobody's");
    // 24.90 p a kWh in 2025/26, one rounding a line, half away from zero.
    let pence = |wh: i64| (wh * 249 + 5_000) / 10_000;
    assert_eq!(month["losses"][0]["pence"], pence(off));
    assert_eq!(month["losses"][1]["pence"], pence(shade));
    assert_eq!(month["lost_pence"], pence(off) + pence(shade));
    let made: i64 = (1..=20).map(usual).sum::<i64>() - off - shade;
    assert_eq!(month["made_wh"], made);
    assert_eq!(month["unclaimed_pence"], pence(made));
    let notes = income["notes"].to_string();
    assert!(
        notes.contains("3 neighbouring roofs") && notes.contains("less than a year"),
        "what it rests on, and what is uncertain: {notes}"
    );
    let text = desk.ok(&[
        "site",
        "income",
        "a",
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-20",
    ]);
    assert!(text.contains("likely shade"), "{text}");
}

#[test]
fn bad_weather_over_all_roofs_is_no_loss() {
    let desk = society(false);
    reads(&desk, |_, parts| parts);
    let month = &march(&desk)["months"][0];
    assert_eq!(month["losses"], Value::Array(Vec::new()));
    assert_eq!(month["permille_of_expected"], 1_000);
    assert!(
        month["weather_wh"].is_i64(),
        "weather has a line of its own: {month}"
    );
}

#[test]
fn without_neighbours_only_days_of_nothing_are_called_lost() {
    let desk = society(false);
    reads(&desk, |day, parts| match day + 1 - MARCH {
        5 => [0; 3],
        8 => parts.map(|wh| wh / 2),
        _ => parts,
    });
    // A society of its own, far away, with the same reads.
    let text = std::fs::read_to_string(desk.path().join("roofs.toml")).expect("the file");
    let alone = Desk::empty();
    let apart = text
        .replace("latitude = \"51.461\"", "latitude = \"55\"")
        .replace("latitude = \"51.462\"", "latitude = \"56\"")
        .replace("latitude = \"51.463\"", "latitude = \"57\"");
    alone.ok(&["society", "apply", &alone.file("apart.toml", &apart)]);
    let csv = std::fs::read_to_string(desk.path().join("roofs.csv")).expect("the file");
    alone.ok(&["reads", "import", &alone.file("apart.csv", &csv)]);
    let income = march(&alone);
    let month = &income["months"][0];
    assert_eq!(month["basis"]["sun"], true, "{income}");
    assert_eq!(month["losses"].as_array().map(Vec::len), Some(1), "{month}");
    assert_eq!(month["losses"][0]["cause"], "outage");
    assert_eq!(month["losses"][0]["days"], 1);
    assert_eq!(month["weather_wh"], Value::Null);
    let notes = income["notes"].to_string();
    assert!(notes.contains("not told apart"), "{notes}");
}

/// A file of irradiance by days: 2 kWh/m² for each unit of light, under which the roof makes 81 % of
/// what it is rated at.
fn irradiance(desk: &Desk) -> String {
    let days = (0..DAYS).map(|day| format!("{},{}\n", date(day), 2 * light(day)));
    let text = format!("day,kwh_per_m2\n{}", days.collect::<String>());
    desk.file("light.csv", &text)
}

fn import<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "--as",
        "roofs",
        "site",
        "irradiance",
        "import",
        "a",
        file,
        "--plane",
        "panels",
        "--source",
        "sensor on the roof",
    ];
    args.extend(more);
    args
}

#[test]
fn irradiance_tells_a_weak_roof_from_dull_weather_and_neighbours_stand_beside_it() {
    let desk = society(false);
    // Half of every day is gone from the 10th to the 19th of March.
    reads(&desk, |day, parts| match day + 1 - MARCH {
        10..=19 => parts.map(|wh| wh / 2),
        _ => parts,
    });
    let before = march(&desk);
    assert_eq!(before["months"][0]["performance_ratio"], Value::Null);
    assert_eq!(before["months"][0]["basis"]["neighbours"], 3);
    let file = irradiance(&desk);
    let looked = desk.json(&import(&file, &["--preview"]));
    assert_eq!(
        (&looked["days"], &looked["incomplete_days"]),
        (&DAYS.into(), &0.into())
    );
    assert_eq!(march(&desk), before, "a look changes nothing");
    let made = desk.json(&import(&file, &[]));
    assert_eq!(
        (&made[0]["number"], &made[0]["plane"]),
        (&1.into(), &"panels".into())
    );
    assert_eq!(desk.json(&import(&file, &[])), made, "twice is once");
    let income = march(&desk);
    let month = &income["months"][0];
    assert_eq!(month["basis"]["irradiance"], "days", "{income}");
    assert_eq!(month["losses"].as_array().map(Vec::len), Some(1), "{month}");
    assert_eq!(month["losses"][0]["cause"], "below-light");
    assert_eq!(month["losses"][0]["days"], 10);
    let gone: i64 = (10..=19).map(|day| usual(day) / 2).sum();
    let lost = month["losses"][0]["wh"].as_i64().expect("Wh");
    assert!((lost - gone).abs() < 100, "{lost} of {gone}");
    // What was made over 40 kW under the light of the month, and what is usual.
    let all: i64 = (1..=20).map(usual).sum();
    let under: i64 = (1..=20).map(|day| 2_000 * light(MARCH + day - 1)).sum();
    let ratio = &month["performance_ratio"];
    assert_eq!(ratio["permille"], (all - gone) * 1_000 / (40 * under));
    assert_eq!(ratio["usual_permille"], 810);
    assert_eq!(
        (&ratio["days"], &ratio["irradiation_wh_per_m2"]),
        (&20.into(), &under.into())
    );
    // The neighbours say the same, and stand beside it.
    assert_eq!(month["peers"]["basis"]["neighbours"], 3);
    assert_eq!(
        month["peers"]["permille_of_expected"],
        before["months"][0]["permille_of_expected"]
    );
    let report = desk.ok(&[
        "report",
        "generation",
        "--society",
        "bes",
        "--site",
        "a",
        "--period",
        "2026-03",
    ]);
    let report = report.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = "performance ratio by month: March 2026 0.";
    assert!(
        report.contains(said) && report.contains("(usually 0.810)"),
        "{report}"
    );
    // The file is evidence: verified, kept over a rebuild, copied.
    assert!(desk.ok(&["verify"]).contains("1 photos and documents"));
    desk.ok(&["rebuild"]);
    assert_eq!(march(&desk), income);
    // What was taken in wrongly is withdrawn, and both stay.
    let other = desk.file("other.csv", "day,wh_per_m2\n2026-03-05,1\n");
    assert!(
        desk.refused(&import(&other, &[]))
            .contains("says something else of 2026-03-05")
    );
    let mut withdraw = vec!["--as", "roofs", "site", "irradiance", "withdraw", "1"];
    withdraw.extend(["--reason", "another roof's"]);
    assert_eq!(desk.json(&withdraw)[0]["withdrawn"], "another roof's");
    assert_eq!(march(&desk), before);
    desk.ok(&import(&other, &[]));
    assert_eq!(
        desk.json(&["site", "irradiance", "list"])
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[test]
fn irradiance_by_half_hours_counts_whole_days_and_lines_that_cannot_be_are_named() {
    let desk = society(false);
    reads(&desk, |_, parts| parts);
    let mut text = String::from("from,w_per_m2\n");
    for day in 1..=3 {
        for half in 0..48 {
            // Half an hour before noon lacks on the second day, one at night on the third.
            if (day, half) == (2, 23) || (day, half) == (3, 2) {
                continue;
            }
            let watts = if (14..36).contains(&half) { 300 } else { -2 };
            text.push_str(&format!(
                "2026-03-{day:02}T{:02}:{:02}Z,{watts}\n",
                half / 2,
                half % 2 * 30
            ));
        }
    }
    let file = desk.file("half.csv", &text);
    let looked = desk.json(&import(&file, &["--preview"]));
    assert_eq!(
        (&looked["days"], &looked["incomplete_days"]),
        (&2.into(), &1.into())
    );
    // 22 half hours of 300 W/m² on each of two days.
    assert_eq!(looked["irradiation_wh_per_m2"], 2 * 22 * 150);
    for (line, why) in [
        (
            "2026-03-04T12:00Z,1501",
            "line 2 of the irradiance: `751` Wh/m² is not what the sun can give",
        ),
        ("2026-03-04T12:10Z,300", "is not the start of a half hour"),
        ("2026-03-04T12:00Z,bright", "`bright` is no number"),
    ] {
        let file = desk.file("wrong.csv", &format!("from,w_per_m2\n{line}\n"));
        let said = desk.refused(&import(&file, &[]));
        assert!(said.contains(why), "{said}");
    }
    let columns = desk.file("columns.csv", "date,ghi\n2026-03-04,3\n");
    assert!(
        desk.refused(&import(&columns, &[]))
            .contains("expected `day,wh_per_m2`")
    );
    let future = desk.file("future.csv", "day,wh_per_m2\n2126-03-04,3000\n");
    assert!(
        desk.refused(&import(&future, &[]))
            .contains("still to come")
    );
}

#[test]
fn a_planned_outage_has_a_line_of_its_own_a_warning_and_a_letter() {
    let desk = society(true);
    reads(&desk, |day, parts| match day + 1 - MARCH {
        5..=9 => [0; 3],
        _ => parts,
    });
    let plan = |from: &'static str, to: &'static str| {
        vec![
            "--as",
            "treasurer",
            "outage",
            "plan",
            "--site",
            "a",
            "--from",
            from,
            "--to",
            to,
            "--cause",
            "roof repairs",
            "--asked-by",
            "the council",
            "--clause",
            "lease 7.2",
            "--allowance-days",
            "3",
            "--all-plant-removed",
        ]
    };
    let said = desk.run(&plan("2026-03-05", "2026-03-09"));
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.err.contains("can end the accreditation"),
        "{}",
        said.err
    );
    assert!(
        desk.refused(&plan("2026-03-09", "2026-03-12"))
            .contains("overlaps")
    );
    assert!(
        desk.refused(&plan("2026-03-12", "2026-03-11"))
            .contains("the first first")
    );
    let lost: i64 = (5..=9).map(usual).sum();
    let beyond: i64 = (8..=9).map(usual).sum();
    let pence = |wh: i64| (wh * 249 + 5_000) / 10_000;
    let shown = desk.json(&["outage", "show", "1"]);
    assert_eq!(shown["loss"]["days"], 5, "{shown}");
    assert_eq!(shown["loss"]["wh"], lost);
    assert_eq!(shown["loss"]["beyond_allowance_days"], 2);
    assert_eq!(shown["loss"]["beyond_allowance_pence"], pence(beyond));
    assert_eq!(
        shown["loss"]["pence"],
        pence(lost - beyond) + pence(beyond),
        "each span is a line"
    );
    let month = &march(&desk)["months"][0];
    assert_eq!(month["losses"][0]["cause"], "planned-outage");
    assert_eq!(month["losses"].as_array().map(Vec::len), Some(1), "{month}");
    let letter = desk.ok(&["notice", "outage", "1"]);
    assert!(letter.starts_with("SAMPLE"), "{letter}");
    for part in [
        "a-fit",
        "2026-03-05 to 2026-03-09, 5 days",
        "lease 7.2",
        "meter Ma:",
        "BEFORE anything is taken off",
    ] {
        assert!(letter.contains(part), "{part}: {letter}");
    }
    // It ends early: the days after it are no planned outage any more.
    desk.ok(&[
        "--as",
        "roofs",
        "outage",
        "end",
        "1",
        "--on",
        "2026-03-08",
        "--reason",
        "done early",
    ]);
    let month = &march(&desk)["months"][0];
    assert_eq!(month["losses"][0]["days"], 4);
    assert_eq!(month["losses"][1]["cause"], "outage");
    assert!(
        desk.refused(&["--as", "roofs", "outage", "cancel", "1", "--reason", "rain"])
            .contains("cannot be cancelled")
    );
    assert!(
        desk.refused(&["outage", "show", "7"])
            .contains("there are 1")
    );
    let battery = desk.ok(&["notice", "battery", "--site", "a", "--on", "2026-06-01"]);
    assert!(battery.contains("line diagram"), "{battery}");
    assert!(
        desk.refused(&["notice", "battery", "--site", "b", "--on", "2026-06-01"])
            .contains("no installation")
    );
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(
        desk.json(&["outage", "list"])[0]["changes"][0]["to"],
        "2026-03-08"
    );
}

#[test]
fn deadlines_are_met_by_what_shows_it() {
    let desk = society(false);
    reads(&desk, |_, parts| parts);
    let tasks = |more: &[&str]| {
        let mut args = vec![
            "tasks",
            "list",
            "--from",
            "2026-01-01",
            "--to",
            "2026-12-31",
        ];
        args.extend(more);
        desk.json(&args)
    };
    let ids = |tasks: &Value| -> Vec<String> {
        let all = tasks.as_array().expect("tasks").iter();
        all.map(|task| task["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let open = tasks(&[]);
    assert_eq!(
        ids(&open),
        [
            "photo/a-fit/2014-04-23",
            "claim/a-fit/2026-03-15",
            "march-read/a-fit/2026-03-31",
            "claim/a-fit/2026-06-15",
            "claim/a-fit/2026-09-15",
            "claim/a-fit/2026-12-15"
        ]
    );
    assert_eq!(
        (&open[0]["state"], &open[0]["owner"]),
        (&"overdue".into(), &"roofs".into())
    );
    assert_eq!(open[1]["owner"], "treasurer");
    // A frozen claim that closes in its quarter shows that it was made.
    desk.ok(&[
        "--as",
        "treasurer",
        "claim",
        "freeze",
        "--installation",
        "a-fit",
        "--from",
        "2025-12-15",
        "--to",
        "2026-03-14",
    ]);
    let all = tasks(&["--all"]);
    let all: Vec<&Value> = all.as_array().expect("tasks").iter().skip(1).collect();
    assert_eq!(all[0]["state"], "done");
    assert!(
        all[0]["done"]["evidence"]
            .as_str()
            .is_some_and(|e| e.contains("claim 1 is frozen"))
    );
    // For the rest a person says so, once, with what shows it.
    let done = |evidence: &'static str| {
        vec![
            "--as",
            "treasurer",
            "tasks",
            "done",
            "claim/a-fit/2026-06-15",
            "--on",
            "2026-06-14",
            "--evidence",
            evidence,
        ]
    };
    assert!(desk.refused(&done(" ")).contains("what shows"));
    let said = desk.json(&done("read entered at the portal, reference 123"));
    assert_eq!(said["done"]["on"], "2026-06-14");
    assert!(desk.refused(&done("again")).contains("nothing was changed"));
    assert!(
        desk.refused(&[
            "--as",
            "treasurer",
            "tasks",
            "done",
            "claim/a-fit/2026-06-16",
            "--evidence",
            "x"
        ])
        .contains("did you mean `claim/a-fit/2026-06-15`")
    );
    // The photo of the dial shows the two-yearly check, and the next one is two years later.
    let photo = desk.path().join("dial.png");
    std::fs::write(&photo, b"\x89PNG\r\n\x1a\n a dial").expect("written");
    let shown = 1_000_000
        + (0..DAYS)
            .map(|day| OWN.iter().sum::<i64>() * light(day))
            .sum::<i64>();
    let shown = format!("{}.{:03}", shown / 1_000, shown % 1_000);
    desk.ok(&[
        "--as",
        "roofs",
        "reads",
        "take",
        "--meter-point",
        "a-generation",
        "--meter",
        "Ma",
        "--value",
        &shown,
        "--at",
        "2026-03-21T10:00",
        "--photo",
        &photo.display().to_string(),
    ]);
    // Telemetry ended hours before: it shows when a second person saw the same.
    desk.ok(&[
        "--as",
        "treasurer",
        "reads",
        "confirm",
        "--meter",
        "Ma",
        "--at",
        "2026-03-21T10:00",
        "--value",
        &shown,
    ]);
    let photos = desk.json(&[
        "tasks",
        "list",
        "--from",
        "2014-01-01",
        "--to",
        "2028-12-31",
        "--all",
    ]);
    let photos: Vec<&Value> = photos
        .as_array()
        .expect("tasks")
        .iter()
        .filter(|task| task["kind"] == "photo")
        .collect();
    assert_eq!(photos[0]["due"], "2014-04-23");
    let evidence = photos[0]["done"]["evidence"].as_str().expect("evidence");
    assert!(evidence.contains("meter Ma at"), "{evidence}");
    assert_eq!(photos[1]["due"], "2028-03-21");
    assert_eq!(photos[1]["owner"], "roofs");
    desk.ok(&["verify"]);
}

#[test]
fn costs_stand_beside_the_income_and_are_reversed_in_the_open() {
    let desk = society(false);
    reads(&desk, |_, parts| parts);
    let add = |site: &[&'static str], pounds: &'static str| {
        let mut args = vec![
            "--as",
            "treasurer",
            "cost",
            "add",
            "--on",
            "2026-03-10",
            "--pounds",
            pounds,
            "--kind",
            "repair",
            "--what",
            "new inverter fan",
        ];
        args.extend(site);
        args
    };
    assert_eq!(desk.json(&add(&["--site", "a"], "120.00"))["number"], 1);
    assert!(
        desk.refused(&add(&["--site", "a"], "120.00"))
            .contains("cost 1 already")
    );
    assert!(
        desk.refused(&add(&["--site", "e"], "1"))
            .contains("is not in this file")
    );
    desk.ok(&add(&[], "50"));
    assert_eq!(march(&desk)["months"][0]["costs_pence"], 12_000);
    let text = desk.ok(&[
        "site",
        "income",
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-31",
    ]);
    assert!(text.contains("of no roof: £50.00"), "{text}");
    desk.ok(&[
        "--as",
        "treasurer",
        "cost",
        "reverse",
        "1",
        "--reason",
        "the installer paid",
    ]);
    assert!(
        desk.refused(&["--as", "treasurer", "cost", "reverse", "1", "--reason", "x"])
            .contains("reversed before")
    );
    assert_eq!(march(&desk)["months"][0]["costs_pence"], 0);
    assert_eq!(
        desk.json(&["cost", "list"])[0]["reversed"],
        "the installer paid"
    );
}

#[test]
fn a_frozen_claim_is_spread_over_its_months_to_the_penny() {
    let desk = society(false);
    reads(&desk, |_, parts| parts);
    let claim = desk.json(&[
        "--as",
        "treasurer",
        "claim",
        "freeze",
        "--installation",
        "a-fit",
        "--from",
        "2025-12-15",
        "--to",
        "2026-03-14",
    ]);
    let income = desk.json(&[
        "site",
        "income",
        "a",
        "--from",
        "2025-12-01",
        "--to",
        "2026-03-20",
    ]);
    let months = income[0]["months"].as_array().expect("months");
    let claimed: i64 = months
        .iter()
        .map(|m| m["claimed_pence"].as_i64().expect("pence"))
        .sum();
    assert_eq!(claimed, claim["total_pence"].as_i64().expect("pence"));
    assert!(months[1]["claimed_pence"].as_i64() > Some(0));
    assert_eq!(months[1]["unclaimed_pence"], 0, "January is claimed whole");
    assert!(
        months[3]["unclaimed_pence"].as_i64() > Some(0),
        "the end of March is not"
    );
}
