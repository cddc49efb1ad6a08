//! The mappings that `docs/devices.md` gives to be filled in, on messages of other projects. None of
//! these is an electricity meter's: what is tested is that the form of the message is met, to the
//! digit and the second. Addresses: `samples/SOURCES.md`.

use commonwatt_mapping::{Mapping, Message, Reader, form::Binding};
use domain::calendar::Zone;

use crate::samples::lines;

const PAGE: &str = include_str!("../../../../docs/devices.md");

/// The mapping of that name on the page, with the blanks filled in.
fn filled(name: &str, blanks: &[(&str, &str)]) -> Mapping {
    let start = format!("```toml\nname = \"{name}\"\n");
    let at = PAGE
        .find(&start)
        .unwrap_or_else(|| panic!("`{name}` is not on the page"));
    let text = PAGE[at + "```toml\n".len()..].split("```").next().unwrap();
    let filled = blanks.iter().fold(text.to_owned(), |text, (blank, with)| {
        assert!(text.contains(blank), "`{name}` has no `{blank}`");
        text.replace(blank, with)
    });
    Mapping::read(&filled).unwrap()
}

fn says(mapping: Mapping, topic: &str, payload: &str, received: &str) -> Vec<String> {
    let zone = Zone::named("Europe/London").unwrap();
    let reader = Reader::new(mapping, Binding::default(), &zone);
    lines(&reader.read(&Message {
        topic,
        payload: payload.as_bytes(),
        received: received.parse().unwrap(),
        stale: false,
    }))
}

#[test]
fn esphome_by_the_unit_that_its_owner_gave() {
    // "113.783 for a fan is Wh, not kWh, and nothing in the topic says which", says the source.
    let mapping = filled(
        "my-esphome",
        &[
            ("{node}/sensor", "esphome/devices/{node}/sensor"),
            ("SENSOR", "energy_d"),
        ],
    );
    assert_eq!(
        says(
            mapping,
            "esphome/devices/bedroom_fan/sensor/energy_d/state",
            "113.783",
            "2026-06-21T12:00:00Z"
        ),
        ["bedroom_fan 2.8.0 113 Wh 2026-06-21T12:00:00Z received"]
    );
}

#[test]
fn chirpstack_by_the_field_of_its_codec() {
    let up = include_str!("samples/chirpstack_up.json");
    let mapping = filled("my-chirpstack", &[("FIELD", "Counter")]);
    assert_eq!(
        says(
            mapping,
            "application/0b652419-836c-4b00-87bd-bb16cf48f2ec/device/70b3d5770800030f/event/up",
            up,
            "2024-10-25T12:31:54Z"
        ),
        ["70b3d5770800030f 2.8.0 1624000 Wh 2024-10-25T12:31:52.735Z device"]
    );
    // A codec that gave nothing is no reading and no zero.
    let mapping = filled("my-chirpstack", &[("FIELD", "Battery")]);
    let topic = "application/0b652419-836c-4b00-87bd-bb16cf48f2ec/device/70b3d5770800030f/event/up";
    assert_eq!(says(mapping, topic, up, "2024-10-25T12:31:54Z"), [""; 0]);
}

#[test]
fn telegraf_json_by_the_field_of_its_plugin() {
    let metric = include_str!("samples/telegraf_json.json");
    let mapping = filled(
        "my-telegraf",
        &[("PLUGIN", "docker"), ("FIELD", "n_images")],
    );
    assert_eq!(
        says(
            mapping,
            "telegraf/raynor/docker",
            metric,
            "2016-03-17T15:39:01Z"
        ),
        ["raynor 2.8.0 660000 Wh 2016-03-17T15:39:00Z device"]
    );
}
