//! Reads from the dial: photo, comparison with telemetry and a portal, the figure chosen once.

use std::fs;

use super::desk::Desk;

/// The first bytes of a JPEG, with something behind them.
const PHOTO: &[u8] = b"\xFF\xD8\xFF\xE0 a dial that shows 310440.00 and its serial M1";

fn desk() -> Desk {
    let desk = Desk::with_meters(&[("M1", 9, 10, "2012-04-23")]);
    desk.reads(
        "M1 2026-03-31T11:00:00Z 310438.00
         M1 2026-03-31T11:30:00Z 310442.00",
    );
    desk
}

fn photo(desk: &Desk) -> String {
    let path = desk.path().join("dial.jpg");
    fs::write(&path, PHOTO).expect("written");
    path.display().to_string()
}

fn take<'a>(value: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec![
        "--as",
        "treasurer",
        "reads",
        "take",
        "--meter-point",
        "roof-generation",
        "--meter",
        "M1",
        "--value",
        value,
        "--at",
        "2026-03-31T12:15",
    ];
    args.extend(more);
    args
}

fn agree<'a>(officer: &'a str, figure: &'a str) -> Vec<&'a str> {
    vec![
        "--as",
        officer,
        "reads",
        "agree",
        "--meter",
        "M1",
        "--at",
        "2026-03-31T11:15:00Z",
        figure,
        "--reason",
        "the photo is clear",
    ]
}

#[test]
fn a_dial_within_tolerance_counts_at_once_and_its_photo_is_kept() {
    let desk = desk();
    let photo = photo(&desk);
    let mut args = take("310440.00", &["--photo", &photo]);
    let taken = desk.json(&args);
    assert_eq!(taken["wh"], 310_440_000);
    assert_eq!(
        taken["read_at"], "2026-03-31T11:15:00Z",
        "local summer time"
    );
    assert_eq!(taken["telemetry_before"]["wh"], 310_438_000);
    assert_eq!(taken["telemetry_after"]["wh"], 310_442_000);
    assert_eq!(taken["findings"].as_array().map(Vec::len), Some(0));
    assert_eq!(taken["agreed"]["figure"], "dial, 310,440 kWh");
    assert_eq!(taken["verdict"], "accepted");
    let kept = taken["photo"]["file"].as_str().expect("a file");
    assert_eq!(fs::read(kept).expect("kept"), PHOTO);
    // Twice is once; another figure for the same time is not taken in silence.
    assert_eq!(desk.json(&args), taken);
    args[9] = "310441.00";
    assert!(desk.refused(&args).contains("another figure"));
    let reads = desk.json(&["reads", "list", "--meter", "M1"]);
    let manual: Vec<_> = reads
        .as_array()
        .expect("reads")
        .iter()
        .filter(|read| read["quality"] == "manual")
        .collect();
    assert_eq!(manual.len(), 1, "{reads}");
    // A second person.
    let confirm = |officer: &'static str, value: &'static str| {
        [
            "--as",
            officer,
            "reads",
            "confirm",
            "--meter",
            "M1",
            "--at",
            "2026-03-31T11:15:00Z",
            "--value",
            value,
        ]
    };
    assert!(
        desk.refused(&confirm("treasurer", "310440"))
            .contains("second person")
    );
    assert!(
        desk.refused(&confirm("secretary", "310404"))
            .contains("nothing was confirmed")
    );
    let confirmed = desk.json(&confirm("secretary", "310440"));
    assert_eq!(confirmed["confirmed"][0]["by"], "secretary");
    assert!(
        desk.ok(&["verify"]).contains("1 photos and documents"),
        "the photo is verified"
    );
    desk.ok(&["rebuild"]);
    let listed = desk.json(&["reads", "taken"]);
    assert_eq!(
        listed[0], confirmed,
        "all of it comes back from the journal"
    );
    // A copy has the photo; a photo that was changed is found out.
    let copy = desk.path().join("copy").display().to_string();
    desk.ok(&["backup", &copy]);
    let hash = taken["photo"]["sha256"].as_str().expect("a hash");
    let copied = desk.path().join("copy/s/bes/blobs").join(hash);
    assert_eq!(fs::read(copied).expect("copied"), PHOTO);
    fs::write(kept, b"\xFF\xD8\xFFanother").expect("written");
    assert!(desk.refused(&["verify"]).contains("was changed"));
}

#[test]
fn a_dial_that_differs_waits_for_another_officer_and_is_chosen_once() {
    let desk = desk();
    let said = desk.json(&take("310404.00", &["--portal", "310440"]));
    assert_eq!(said["agreed"], serde_json::Value::Null);
    let kinds: Vec<_> = said["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .collect();
    assert_eq!(kinds[0]["kind"], "below-telemetry");
    assert_eq!(kinds[1]["kind"], "portal-differs");
    assert!(
        !desk
            .ok(&["reads", "list", "--meter", "M1"])
            .contains("manual"),
        "it counts for nothing yet"
    );
    let waiting = desk.json(&["reads", "taken", "--waiting"]);
    assert_eq!(waiting.as_array().map(Vec::len), Some(1));
    assert!(
        desk.refused(&agree("treasurer", "dial"))
            .contains("another officer")
    );
    let agreed = desk.json(&agree("secretary", "portal"));
    assert_eq!(agreed["agreed"]["wh"], 310_440_000);
    assert_eq!(agreed["agreed"]["by"], "secretary");
    assert_eq!(agreed["verdict"], "accepted");
    assert!(
        desk.refused(&agree("secretary", "dial"))
            .contains("chosen once")
    );
    let reads = desk.ok(&["reads", "list", "--meter", "M1"]);
    assert!(
        reads.contains("310404") && reads.contains("310440"),
        "both figures: {reads}"
    );
    desk.ok(&["verify"]);
}

#[test]
fn telemetry_chosen_leaves_the_dial_out() {
    let desk = desk();
    desk.ok(&take("310540.00", &[]));
    let agreed = desk.json(&agree("secretary", "telemetry"));
    assert_eq!(agreed["agreed"]["figure"], "telemetry; its reads stand");
    let reads = desk.json(&["reads", "list", "--meter", "M1"]);
    assert_eq!(reads.as_array().map(Vec::len), Some(2));
}

#[test]
fn a_wrong_serial_dial_or_photo_is_refused_with_what_to_do() {
    let desk = desk();
    let mut other = take("1", &[]);
    other[7] = "M2";
    assert!(desk.refused(&other).contains("did you mean `M1`"));
    let mut place = take("310440.00", &[]);
    place[5] = "roof-generatio";
    assert!(
        desk.refused(&place)
            .contains("did you mean `roof-generation`")
    );
    assert!(
        desk.refused(&take("31044000000", &[]))
            .contains("decimal point")
    );
    assert!(
        desk.json(&take("310440.005", &[]))["findings"][0]["kind"] == "finer-than-the-dial",
        "a figure the dial cannot show waits"
    );
    let mut future = take("310440.00", &[]);
    future[11] = "2126-01-01T12:00";
    assert!(desk.refused(&future).contains("future"));
    let text = desk.file("note.txt", "310440");
    let mut no_photo = take("310441.00", &["--photo", &text]);
    no_photo[11] = "2026-03-31T12:20";
    assert!(desk.refused(&no_photo).contains("is no photo"));
    let mut nobody = take("310440.00", &[]);
    nobody.drain(..2);
    assert!(desk.refused(&nobody).contains("needs its author"));
}

#[test]
fn a_claim_opens_and_closes_with_reads_from_the_dial_alone() {
    let desk = Desk::plain();
    let text = format!(
        "{}\n[[installation]]\nid = \"fit\"\nsite = \"roof\"\nmeter_point = \"roof-generation\"\ndeclared_net_capacity_kw = \"37.24\"\neligible_from = \"2012-04-23\"\n",
        super::desk::society(&[("M1", 9, 10, "2009-01-01")]).replace(
            "installed = \"2009-01-01\"",
            "installed = \"2009-01-01\"\napproved = { type = \"T\", certificate = \"C\", expires = \"2040-12-31\" }"
        )
    );
    desk.ok(&["society", "apply", &desk.file("claim.toml", &text)]);
    for (at, value) in [
        ("2022-12-15T12:00", "300000.00"),
        ("2023-03-31T12:00", "302940.00"),
        ("2023-06-15T12:00", "310440.00"),
    ] {
        let mut args = take(value, &[]);
        args[11] = at;
        let taken = desk.json(&args);
        assert_eq!(taken["findings"][0]["kind"], "nothing-to-compare");
        assert_eq!(
            taken["agreed"],
            serde_json::Value::Null,
            "one person's word"
        );
        let confirmed = desk.json(&[
            "--as",
            "secretary",
            "reads",
            "confirm",
            "--meter",
            "M1",
            "--at",
            at,
            "--value",
            value,
        ]);
        assert_eq!(
            confirmed["agreed"]["reason"],
            "a second person saw the same"
        );
        assert_eq!(confirmed["agreed"]["by"], "secretary");
        assert_eq!(confirmed["verdict"], "accepted", "{confirmed}");
    }
    let claim = desk.json(&[
        "claim",
        "preview",
        "--installation",
        "fit",
        "--from",
        "2022-12-15",
        "--to",
        "2023-06-15",
    ]);
    assert_eq!(claim["total_pence"], 230_825, "{claim}");
    assert_eq!(claim["reads"][0]["evidence"], "H");
}

#[test]
fn no_tolerance_and_no_portal_lets_one_person_s_figure_count() {
    let desk = desk();
    // A wide tolerance, a portal's figure typed by the same person, telemetry of hours before.
    let wide = desk.json(&take("310447.00", &["--tolerance", "1000"]));
    assert_eq!(wide["findings"][0]["kind"], "wide-tolerance");
    let mut late = take("310500.00", &["--portal", "310500"]);
    late[11] = "2026-03-31T20:00";
    let late = desk.json(&late);
    assert_eq!(late["findings"][0]["kind"], "far-from-telemetry");
    for read in [&wide, &late] {
        assert_eq!(read["agreed"], serde_json::Value::Null, "{read}");
    }
    let listed = desk.ok(&["reads", "list", "--meter", "M1"]);
    assert!(!listed.contains("manual"), "{listed}");
    // The one who took it cannot choose it either; another officer can.
    let mut own = agree("treasurer", "dial");
    own[7] = "2026-03-31T19:00:00Z";
    assert!(desk.refused(&own).contains("another officer"));
    let text = desk.ok(&["reads", "taken", "--waiting"]);
    assert_eq!(text.matches("waits for an officer").count(), 2, "{text}");
}
