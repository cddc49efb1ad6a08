use super::*;
use crate::{
    document_from_toml,
    energy::{By, Place},
    inbox::Waiting,
};
use domain::metering::Quality;
use records::{message::Door, society::Counts};

const SOCIETY: &str = r#"
[society]
slug = "bes1"
name = "Sample Energy"
sample = true

[[site]]
id = "roof"
name = "Roof"
latitude = "51.46"
longitude = "-0.11"
capacity_kwp = "37.24"

[[meter_point]]
id = "roof-generation"
site = "roof"
counts = "generation"
capacity_kw = "40"

[[meter]]
serial = "M1"
meter_point = "roof-generation"
installed = "2020-01-01"
[[meter.register]]
code = "2.8.0"
digits = 9

[[meter_point]]
id = "garage-generation"
site = "roof"
counts = "generation"
capacity_kw = "4"

[[meter]]
serial = "evcc-pv"
meter_point = "garage-generation"
installed = "2020-01-01"
power_only = true
"#;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn office(folder: &std::path::Path) -> Office {
    Office::open_alone(folder, at("2026-06-21T20:00:00Z")).unwrap()
}

fn wait(topic: &str, payload: &str, received: Instant) -> Waiting {
    Waiting {
        door: Door::Broker,
        topic: topic.to_owned(),
        payload: payload.as_bytes().to_vec(),
        retained: false,
        received,
    }
}

fn energy(office: &Office, point: &str) -> (i64, Quality) {
    let society = office.society("bes1").unwrap();
    let row = society
        .energy(
            &Place::Point(point.to_owned()),
            Counts::Generation,
            domain::calendar::Period::Day("2026-06-21".parse().unwrap()),
            By::Day,
            at("2026-06-21T20:00:00Z"),
        )
        .unwrap()
        .rows[0]
        .energy;
    (row.wh.0, row.quality())
}

#[test]
fn what_the_inbox_held_counts_once_its_device_is_adopted() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    {
        let office = office(&data);
        let document = document_from_toml(SOCIETY).unwrap();
        office
            .apply(&document, "owner", false, at("2026-06-01T00:00:00Z"))
            .unwrap();
        // A strange inverter, and a neighbour's plug that nobody asked for.
        for (minute, total) in [(0, "465.294"), (30, "466.000"), (60, "467.500")] {
            let received = at("2026-06-21T10:00:00Z").plus_ms(minute * 60_000);
            office.inbox_put(&wait("inverter/hm600/ch0/YieldTotal", total, received));
        }
        office.inbox_put(&wait(
            "inverter/hm600/ch0/U_AC",
            "233.3",
            at("2026-06-21T10:00:00Z"),
        ));
        office.inbox_put(&wait(
            "tele/neighbour/SENSOR",
            "{}",
            at("2026-06-21T10:00:00Z"),
        ));
        let lines = office.inbox_lines(at("2026-06-21T20:00:00Z")).unwrap();
        let total = lines
            .iter()
            .find(|l| l.topic.ends_with("YieldTotal"))
            .unwrap();
        assert_eq!(
            (total.messages, total.mapping.as_deref()),
            (3, Some("ahoydtu"))
        );
        assert_eq!(total.reads[0].meter, "hm600");
        office.close();
    }
    // Nothing of it was in a journal; it waits through a restart.
    let office = office(&data);
    let society = office.society("bes1").unwrap();
    let before = society.committer().reader().size();
    assert_eq!(before, 1);
    let adopted = office
        .adopt(
            &society,
            &Adoption {
                topic: "inverter/hm600/ch0/YieldTotal".into(),
                gateway: "hm600".into(),
                meters: BTreeMap::from([("hm600".to_owned(), "M1".to_owned())]),
                ..Adoption::default()
            },
            "owner",
            at("2026-06-21T20:00:00Z"),
        )
        .unwrap();
    assert_eq!(
        (adopted.mapping.as_str(), adopted.topics.as_str()),
        ("ahoydtu", "inverter/hm600/#")
    );
    assert_eq!(
        (adopted.messages, adopted.placed, adopted.unplaced),
        (3, 3, 0)
    );
    // The mapping by content, the entry, and three messages as they came.
    assert_eq!(society.committer().reader().size(), before + 5);
    let left = office.inbox_lines(at("2026-06-21T20:00:00Z")).unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(energy(&office, "roof-generation").0, 2_206);
    // Adopting what is not there any more, or under a name that is taken, is refused.
    let again = Adoption {
        topic: "inverter/hm600/ch0/YieldTotal".into(),
        gateway: "hm600-2".into(),
        ..Adoption::default()
    };
    assert!(
        office
            .adopt(&society, &again, "owner", at("2026-06-21T20:00:00Z"))
            .is_err()
    );
    society.verify(false, &mut |_, _, _| {}).unwrap();
    office.close();
}

#[test]
fn a_device_that_only_knows_power_is_estimated_and_never_claimed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    {
        let office = office(&data);
        let document = document_from_toml(SOCIETY).unwrap();
        office
            .apply(&document, "owner", false, at("2026-06-01T00:00:00Z"))
            .unwrap();
        for minute in 0..=60 {
            let received = at("2026-06-21T10:00:00Z").plus_ms(minute * 60_000);
            office.inbox_put(&wait("evcc/site/pvPower", "1200.5", received));
        }
        let society = office.society("bes1").unwrap();
        let adoption = Adoption {
            topic: "evcc/site/pvPower".into(),
            gateway: "evcc".into(),
            ..Adoption::default()
        };
        office
            .adopt(&society, &adoption, "owner", at("2026-06-21T20:00:00Z"))
            .unwrap();
        assert_eq!(
            energy(&office, "garage-generation"),
            (1_200, Quality::Estimated)
        );
        office.close();
    }
    let office = office(&data);
    assert_eq!(
        energy(&office, "garage-generation"),
        (1_200, Quality::Estimated)
    );
    let society = office.society("bes1").unwrap();
    society.verify(false, &mut |_, _, _| {}).unwrap();
    // No installation may count on it, and nobody may approve it for billing.
    let claim = format!(
        "{SOCIETY}\n[[installation]]\nid = \"fit\"\nsite = \"roof\"\nmeter_point = \"garage-generation\"\ndeclared_net_capacity_kw = \"4\"\neligible_from = \"2014-01-01\"\n"
    );
    let error = office
        .apply(
            &document_from_toml(&claim).unwrap(),
            "owner",
            true,
            at("2026-06-22T00:00:00Z"),
        )
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot be claimed"), "{error}");
    let approved = SOCIETY.replace(
            "power_only = true",
            "power_only = true\n[meter.approved]\ntype = \"x\"\ncertificate = \"1\"\nexpires = \"2030-01-01\"",
        );
    let error = office
        .apply(
            &document_from_toml(&approved).unwrap(),
            "owner",
            true,
            at("2026-06-22T00:00:00Z"),
        )
        .unwrap_err()
        .to_string();
    assert!(error.contains("only knows power"), "{error}");
    office.close();
}

#[test]
fn a_society_file_names_its_devices_and_a_second_apply_appends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let office = office(&folder.path().join("data"));
    let with = format!(
        "{SOCIETY}\n[[gateway]]\nid = \"d1\"\nmapping = \"shelly-gen1\"\ntopics = \"shellies/shellyem-1/#\"\nreversed = true\nmeters = {{ \"shellyem-1-0\" = \"M1\" }}\n"
    );
    let document = document_from_toml(&with).unwrap();
    let now = at("2026-06-21T10:00:00Z");
    office.apply(&document, "owner", false, now).unwrap();
    let society = office.society("bes1").unwrap();
    // The mapping's text and the document.
    assert_eq!(society.committer().reader().size(), 2);
    office.apply(&document, "owner", false, now).unwrap();
    assert_eq!(society.committer().reader().size(), 2);
    for (from, to, says) in [
        ("shelly-gen1", "shelly-gen3", "did you mean `shelly-gen"),
        (
            "topics = \"shellies/shellyem-1/#\"\n",
            "",
            "belong together",
        ),
        (
            "shellies/shellyem-1/#",
            "commonwatt/v1/d1/reads",
            "cannot be a device's topics",
        ),
        ("shellies/shellyem-1/#", "#", "cannot be a device's topics"),
        ("= \"M1\" }", "= \"M2\" }", "did you mean `M1`"),
    ] {
        let wrong = document_from_toml(&with.replacen(from, to, 1)).unwrap();
        let error = office
            .apply(&wrong, "owner", true, now)
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{error}\nexpected {says}");
    }
    // A text of one's own, by content, for an entry that names it.
    let text = shipped::named("shelly-gen1")
        .unwrap()
        .text
        .replace("Wmin", "Wh");
    assert!(
        office
            .apply_mapping(&society, "d1", &text, None, "owner", now)
            .unwrap()
    );
    assert!(
        !office
            .apply_mapping(&society, "d1", &text, None, "owner", now)
            .unwrap()
    );
    assert_eq!(society.committer().reader().size(), 3);
    // The next apply of the file keeps that text.
    office.apply(&document, "owner", false, now).unwrap();
    assert_eq!(society.committer().reader().size(), 3);
    let broken = text.replace("quantity", "quantty");
    let error = office
        .apply_mapping(&society, "d1", &broken, None, "owner", now)
        .unwrap_err()
        .to_string();
    assert!(error.contains("did you mean `quantity`"), "{error}");
    office.close();
}
