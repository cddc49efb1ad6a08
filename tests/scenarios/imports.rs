//! Files as people have them.

use super::desk::Desk;

#[test]
fn every_line_that_does_not_stand_is_named_with_its_reason() {
    let desk = Desk::plain();
    let file = desk.file(
        "reads.csv",
        "meter,register,time,value,unit,source\n\
         M1,2.8.0,2014-06-01T10:00:00Z,100.0,kWh,\n\
         M1,2.8.0,2014-06-01T10:00:00Z,100.0,kWh,\n\
         M1,2.8.0,2014-06-01T11:00:00Z,90.0,kWh,\n\
         M1,2.8.0,junk,90.0,kWh,\n\
         M1,2.8.0,2014-06-01T12:00:00Z,ten,kWh,\n\
         M1,2.8.0,2014-06-01T12:00:00Z,110,MWh,\n\
         M9,2.8.0,2014-06-01T12:00:00Z,110,kWh,\n",
    );
    let head = desk.ok(&["head"]);
    let likely = desk.json(&["reads", "import", &file, "--preview"]);
    assert_eq!(desk.ok(&["head"]), head, "a preview keeps nothing");
    let said = desk.json_with(1, &["reads", "import", &file]);
    for said in [&said, &likely] {
        assert_eq!(said["accepted"], 1);
        assert_eq!(said["duplicate"], 1);
        assert_eq!(said["held"], 1);
        assert_eq!(said["refused"], 3);
        assert_eq!(said["not_kept"], 3);
        assert_eq!(said["unplaced"], 1);
        let lines: Vec<u64> = said["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["line"].as_u64().unwrap())
            .collect();
        assert_eq!(lines, [4, 5, 6, 7, 8]);
    }
    assert_eq!(said["reasons"], likely["reasons"]);
    let listed = desk.json(&["reads", "list", "--meter", "M1"]);
    assert_eq!(listed.as_array().unwrap().len(), 2, "the others stand");
}

#[test]
fn a_preview_judges_a_file_among_the_reads_that_stand() {
    let desk = Desk::plain();
    desk.reads(
        "M1 2014-06-01T10:00:00Z 100
         M1 2014-06-01T12:00:00Z 130",
    );
    let file = desk.file(
        "more.csv",
        "meter,register,time,value,unit,source\n\
         M1,2.8.0,2014-06-01T11:00:00Z,110,kWh,manual\n\
         M1,2.8.0,2014-06-01T11:30:00Z,90,kWh,\n\
         M1,2.8.0,2014-06-01T12:00:00Z,130,kWh,\n\
         M1,2.8.0,2014-06-01T13:00:00Z,0,kWh,\n\
         M1,2.8.0,2014-06-01T14:00:00Z,990,kWh,\n",
    );
    let head = desk.ok(&["head"]);
    let likely = desk.json(&["reads", "import", &file, "--preview"]);
    assert_eq!(desk.ok(&["head"]), head);
    let said = desk.json(&["reads", "import", &file]);
    for count in [
        "accepted",
        "duplicate",
        "held",
        "refused",
        "unplaced",
        "reasons",
    ] {
        assert_eq!(likely[count], said[count], "{count}");
    }
    let counts = ["accepted", "duplicate", "held", "refused"].map(|c| said[c].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 2, 1], "{said}");
}

#[test]
fn a_source_or_a_value_nobody_can_mean_is_refused_with_what_is_known() {
    let desk = Desk::plain();
    let file = desk.file(
        "reads.csv",
        "meter,register,time,value,unit,source\n\
         M1,2.8.0,2014-06-01T10:00:00Z,100,kWh,dial\n\
         M1,2.8.0,2014-06-01T10:00:00Z,-100,kWh,\n\
         M1,2.8.0,2014-06-01T10:00:00Z,100,kWh,manual\n",
    );
    let said = desk.json_with(1, &["reads", "import", &file]);
    let why = |n: usize| said["reasons"][n]["reason"].as_str().unwrap().to_owned();
    assert!(
        why(0).contains("`dial`") && why(0).contains("`manual`"),
        "{}",
        why(0)
    );
    assert!(why(1).contains("`-100` is below zero"), "{}", why(1));
    let listed = desk.json(&["reads", "list", "--meter", "M1"]);
    assert_eq!(listed[0]["quality"], "manual");
    assert!(
        desk.run(&["reads", "import", &file])
            .err
            .contains("2 lines were refused")
    );
}

#[test]
fn a_file_that_is_no_table_of_ours_says_what_to_do() {
    let desk = Desk::plain();
    for (text, hint) in [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("meter,register,time,value,unit,source\n", "no line below"),
        (
            "meter;register;time;value;unit\nM1;2.8.0;2014-06-01T10:00:00Z;100;kWh\n",
            "separated by ';'",
        ),
    ] {
        let file = desk.file("reads.csv", text);
        let err = desk.refused(&["reads", "import", &file]);
        assert!(err.contains(hint), "{text:?}: {err}");
        assert!(
            desk.refused(&["reads", "import", &file, "--preview"])
                .contains(hint)
        );
    }
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let desk = Desk::plain();
    let table = "M1 2014-06-01T10:00:00Z 100
                 M1 2014-06-01T11:00:00Z 110";
    desk.reads(table);
    let before = desk.energy("2014-06-01", "2014-06-01", "period");
    let again = desk.reads(table);
    assert_eq!(
        (again["accepted"].as_u64(), again["duplicate"].as_u64()),
        (Some(0), Some(2))
    );
    assert_eq!(desk.energy("2014-06-01", "2014-06-01", "period"), before);
}

#[test]
fn a_meter_that_is_entered_later_finds_its_reads() {
    let desk = Desk::plain();
    let said = desk.reads(
        "M2 2014-06-01T10:00:00Z 100
         M2 2014-06-01T11:00:00Z 110",
    );
    assert_eq!(said["unplaced"], 2);
    let more = std::fs::read_to_string(desk.path().join("society.toml")).unwrap()
        + "\n[[meter]]\nserial = \"M2\"\nmeter_point = \"roof-generation\"\ninstalled = \"2014-01-01\"\nregister = [{ code = \"2.8.0\", digits = 9, step_wh = 1 }]\n";
    let file = desk.file("society.toml", &more);
    desk.ok(&["society", "apply", &file]);
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 10_000);
}

#[test]
fn day_rows_of_46_and_50_and_flattened_48_add_up() {
    for (mapping, date, values, wh) in [
        ("day-rows", "2023-03-26", 46, 46_000),
        ("day-rows", "2023-10-29", 50, 50_000),
        ("day-rows-flattened", "2023-10-29", 48, 48_000),
        ("day-rows-utc", "2023-10-29", 48, 48_000),
    ] {
        let desk = Desk::plain();
        let file = desk.file(
            "days.csv",
            &format!("meter,date,hh01\nM1,{date}{}\n", ",1".repeat(values)),
        );
        desk.ok(&["reads", "import", &file, "--mapping", mapping]);
        assert_eq!(
            desk.total("2023-03-25", "2023-10-30"),
            wh,
            "{mapping} {date}"
        );
    }
}

#[test]
fn a_preview_imports_nothing() {
    let desk = Desk::plain();
    let before = desk.ok(&["head"]);
    let file = desk.file(
        "i.csv",
        "meter,from,to,value\nM1,2014-06-01T10:00:00Z,2014-06-01T10:30:00Z,1.5\nM1,x,y,1\n",
    );
    let said = desk.json(&[
        "reads",
        "import",
        &file,
        "--mapping",
        "intervals",
        "--preview",
    ]);
    assert_eq!(
        (said["good_lines"].as_u64(), said["bad_lines"].as_u64()),
        (Some(1), Some(1))
    );
    assert_eq!(desk.ok(&["head"]), before);
    let wrong = desk.run(&["reads", "import", &file, "--mapping", "interval"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("intervals"), "{}", wrong.err);
}

#[test]
fn imported_intervals_fill_only_where_no_register_covers() {
    let desk = Desk::plain();
    desk.reads(
        "M1 2014-06-01T10:00:00Z 100
         M1 2014-06-01T10:30:00Z 101",
    );
    let file = desk.file(
        "i.csv",
        "meter,from,to,value\nM1,2014-06-01T10:00:00Z,2014-06-01T10:30:00Z,9\nM1,2014-06-01T10:30:00Z,2014-06-01T11:00:00Z,2\n",
    );
    desk.ok(&["reads", "import", &file, "--mapping", "intervals"]);
    assert_eq!(desk.total("2014-06-01", "2014-06-01"), 3_000);
}
