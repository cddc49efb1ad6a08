//! What can be checked, and what is found out.

use std::fs;

use super::desk::Desk;

fn busy() -> Desk {
    let desk = Desk::with_meters(&[("M1", 9, 1, "2009-01-01"), ("M2", 9, 1, "2014-06-03")]);
    desk.reads(
        "M1 2014-06-01T00:00:00Z 100
         M1 2014-06-01T12:00:00Z 150
         M1 2014-06-02T12:00:00Z 90
         M1 2014-06-03T09:00:00Z 200
         M2 2014-06-04T12:00:00Z 55",
    );
    desk.ok(&[
        "meter",
        "exchange",
        "--meter",
        "M1",
        "--closed-at",
        "2014-06-03T09:00:00Z",
        "--closing",
        "200",
        "--next-meter",
        "M2",
        "--opening",
        "1",
        "--reason",
        "exchange",
        "--as",
        "treasurer",
    ]);
    desk
}

#[test]
fn rebuilding_gives_the_same_rows_and_the_same_energy() {
    let desk = busy();
    let before = desk.energy("2014-06-01", "2014-06-05", "period");
    desk.ok(&["verify"]);
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
    assert_eq!(desk.energy("2014-06-01", "2014-06-05", "period"), before);
}

#[test]
fn deleted_projections_are_made_again_at_the_next_start() {
    let desk = busy();
    let before = desk.energy("2014-06-01", "2014-06-05", "period");
    for name in ["series.sqlite", "books.sqlite"] {
        for ending in ["", "-wal", "-shm"] {
            let _ = fs::remove_file(desk.data().join(format!("s/bes/{name}{ending}")));
        }
    }
    assert_eq!(desk.energy("2014-06-01", "2014-06-05", "period"), before);
    desk.ok(&["verify"]);
}

#[test]
fn a_flipped_byte_in_the_journal_is_named() {
    let desk = busy();
    let journal = desk.data().join("s/bes/journal");
    let segment = fs::read_dir(&journal)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "seg"))
        .expect("a segment");
    let mut bytes = fs::read(&segment).unwrap();
    let at = bytes
        .windows(4)
        .position(|w| w == b"M1,2")
        .expect("an imported line");
    bytes[at + 1] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let said = desk.run(&["verify"]);
    assert_ne!(said.code, 0, "{}", said.out);
    assert!(said.err.contains("record"), "{}", said.err);
}

#[test]
fn a_changed_figure_in_a_projection_is_found() {
    let desk = busy();
    let file = desk.data().join("s/bes/books.sqlite");
    let changed = std::process::Command::new("python3")
        .args(["-c", "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('DROP TRIGGER applied_is_never_changed'); c.execute(\"UPDATE applied SET json = replace(json, '37.24', '47.24')\"); c.commit()"])
        .arg(&file)
        .status()
        .expect("python3 runs");
    assert!(changed.success());
    let said = desk.run(&["verify"]);
    assert_ne!(said.code, 0, "{}", said.out);
}

#[test]
fn a_head_kept_elsewhere_is_extended_or_the_journal_is_not_the_same() {
    let desk = busy();
    let head = desk.ok(&["--output", "json", "head"]);
    let kept = desk.file("head.json", &head);
    desk.reads("M2 2014-06-05T12:00:00Z 60");
    desk.ok(&["verify", "--head", &kept]);
    let mut other: serde_json::Value = serde_json::from_str(&head).unwrap();
    other[0]["root"] = serde_json::Value::String("00".repeat(32));
    let wrong = desk.file("wrong.json", &other.to_string());
    assert_eq!(desk.run(&["verify", "--head", &wrong]).code, 1);
    other[0]["size"] = 10_000.into();
    let longer = desk.file("longer.json", &other.to_string());
    assert!(
        desk.run(&["verify", "--head", &longer])
            .err
            .contains("missing")
    );
}

#[test]
fn a_backup_is_a_data_folder_that_gives_the_same() {
    let desk = busy();
    let before = desk.energy("2014-06-01", "2014-06-05", "day");
    let dest = desk.path().join("copy");
    let said = desk.json(&["backup", &dest.display().to_string()]);
    assert_eq!(said["heads"].as_array().unwrap().len(), 2);
    assert_eq!(
        desk.run(&["backup", &dest.display().to_string()]).code,
        1,
        "never over a copy"
    );
    fs::rename(desk.data(), desk.path().join("gone")).unwrap();
    fs::rename(&dest, desk.data()).unwrap();
    assert_eq!(desk.energy("2014-06-01", "2014-06-05", "day"), before);
    desk.ok(&["verify"]);
}

#[test]
fn a_meter_that_left_the_file_unread_is_no_difference() {
    let desk = Desk::plain();
    let other = super::desk::society(&[("M2", 9, 1, "2009-01-01")]);
    desk.ok(&["society", "apply", &desk.file("other.toml", &other)]);
    desk.reads("M2 2014-06-01T10:00:00Z 100\nM2 2014-06-01T11:00:00Z 110");
    desk.ok(&["verify"]);
    desk.ok(&["rebuild"]);
    desk.ok(&["verify"]);
}
