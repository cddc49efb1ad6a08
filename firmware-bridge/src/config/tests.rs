use super::*;

const SHIPPED: &str = include_str!("../../../config/gateway.toml");

#[test]
fn the_shipped_file_shows_every_key_with_its_default() {
    let shipped = Config::parse(SHIPPED).unwrap();
    let all_keys: String = SHIPPED
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(key) if key.contains(" = ") && !key.contains(". ") && !key.starts_with(' ') => {
                format!("{key}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert_eq!(Config::parse(&all_keys).unwrap(), shipped, "{all_keys}");
    let least = "[gateway]\nid = \"roof-1\"\n[uplink]\nurl = \"mqtt://192.168.1.10:1883\"\n";
    assert_eq!(Config::parse(least).unwrap(), shipped);
    for key in format!("{shipped:#?}").lines() {
        let Some((key, _)) = key.trim().split_once(": ") else {
            continue;
        };
        let is_table = [
            "gateway", "uplink", "reading", "backlog", "clock", "status", "sources",
        ]
        .contains(&key);
        assert!(
            is_table || all_keys.contains(&format!("{key} = ")),
            "`{key}`"
        );
    }
}

#[test]
fn the_sample_sources_of_the_shipped_file_are_sources() {
    let samples: String = SHIPPED
        .lines()
        .filter_map(|line| line.strip_prefix("#   "))
        .map(|line| format!("{line}\n"))
        .collect();
    let shipped = Config::parse(&format!("{SHIPPED}\n{samples}")).unwrap();
    assert_eq!(shipped.sources.len(), samples.matches("[[source]]").count());
    assert!(shipped.sources.len() >= 7, "{samples}");
}

#[test]
fn an_unknown_key_is_named_with_the_nearest() {
    let text = SHIPPED.replace("[reading]", "[reading]\nintervall_ms = 5");
    let error = Config::parse(&text).unwrap_err();
    assert!(error.contains("intervall_ms"), "{error}");
    assert!(
        error.ends_with("hint: did you mean `interval_ms`?"),
        "{error}"
    );
    let error = Config::parse(&format!("{SHIPPED}\n[[source]]\nkind = \"sunspek\"\n"));
    let error = error.unwrap_err();
    assert!(error.ends_with("hint: did you mean `sunspec`?"), "{error}");
}

#[test]
fn values_out_of_bounds_are_refused_with_what_was_expected() {
    let with = |from: &str, to: &str| Config::parse(&SHIPPED.replace(from, to)).unwrap_err();
    for (from, to, expected) in [
        ("\"roof-1\"", "\"roof/1\"", "gateway.id is `roof/1`"),
        (
            "mqtt://192.168.1.10:1883",
            "http://x",
            "expected `mqtt://HOST:PORT`",
        ),
        (
            "mqtt://192.168.1.10:1883",
            "mqtts://x",
            "uplink.ca_file is empty",
        ),
        ("# interval_ms = 60000", "interval_ms = 1", "at least `100`"),
        (
            "# zone = \"Europe/London\"",
            "zone = \"Europe/Lndon\"",
            "IANA name",
        ),
    ] {
        let error = with(from, to);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn addresses_are_understood() {
    for (url, expected) in [
        ("mqtt://a.example", ("a.example", 1883, false)),
        ("mqtt://[fd00::1]:1884/", ("fd00::1", 1884, false)),
        ("mqtt://10.0.0.1:99", ("10.0.0.1", 99, false)),
    ] {
        let config = Config::parse(&SHIPPED.replace("mqtt://192.168.1.10:1883", url)).unwrap();
        let (host, port, tls) = config.address().unwrap();
        assert_eq!((host.as_str(), port, tls), expected);
    }
}

/// A file with these sources.
fn with_sources(sources: &str) -> Result<Config, String> {
    Config::parse(&format!(
        "[gateway]\nid = \"roof-1\"\n[uplink]\nurl = \"mqtt://h\"\n{sources}"
    ))
}

#[test]
fn every_kind_of_source_has_a_name() {
    let sources = [
        "kind = \"s0\"\nmeter = \"A\"\nimpulses_per_kwh = 1\nstate = \"s\"\nport = \"p\"",
        "kind = \"emon\"\nport = \"p\"\ncounters = \"kept\"\nstate = \"s\"\nregister = []",
        "kind = \"iec62056\"\nport = \"p\"",
        "kind = \"p1\"\nport = \"p\"",
        "kind = \"sml\"\nport = \"p\"",
        "kind = \"sunspec\"\naddress = \"h\"",
        "kind = \"modbus\"\naddress = \"h\"\nmap = \"eastron-sdm120\"\nmeter = \"B\"",
    ];
    for source in sources {
        let config = with_sources(&format!("[[source]]\n{source}\nname = \"cellar\"\n")).unwrap();
        assert_eq!(config.sources[0].name(), Some("cellar"), "{source}");
    }
}

#[test]
fn an_error_in_a_source_names_that_source_and_its_line() {
    let sources = "[[source]]\nkind = \"p1\"\nport = \"/dev/a\"\n\n\
                   [[source]]\nkind = \"sml\"\nport = \"/dev/b\"\nbuad = 9600\n";
    let error = with_sources(sources).unwrap_err();
    assert!(
        error.starts_with("source 2, kind `sml`, line 12:"),
        "{error}"
    );
    assert!(error.ends_with("hint: did you mean `baud`?"), "{error}");
    // Nothing is near: nothing is guessed.
    let error = with_sources(&sources.replace("buad", "colour")).unwrap_err();
    assert!(
        error.contains("`colour`") && !error.contains("did you mean"),
        "{error}"
    );
}

#[test]
fn two_sources_for_one_register_are_refused() {
    let modbus = |unit: u8, meter: &str| {
        format!(
            "[[source]]\nkind = \"modbus\"\naddress = \"h\"\nunit = {unit}\nmap = \"eastron-sdm120\"\nmeter = \"{meter}\"\n"
        )
    };
    let pulses = |meter: &str, register: &str| {
        format!(
            "[[source]]\nkind = \"s0\"\nmeter = \"{meter}\"\nregister = \"{register}\"\nimpulses_per_kwh = 1000\nstate = \"s\"\nport = \"p\"\n"
        )
    };
    for (sources, said) in [
        (
            modbus(1, "A") + &modbus(2, "A"),
            "source 2: source 1 reads register",
        ),
        (
            modbus(1, "A") + &modbus(1, "B"),
            "reads the same unit at the same address",
        ),
        (
            pulses("A", "2.8.0") + &pulses("A", "2.8.0"),
            "register `2.8.0` of meter `A`",
        ),
        (
            modbus(1, "A") + &pulses("A", "2.8.0"),
            "register `2.8.0` of meter `A`",
        ),
        (
            pulses("A", "2.8.0") + "[[source]]\nkind = \"p1\"\nport = \"p\"\nmeter = \"A\"\n",
            "reads registers of meter `A` too",
        ),
        (modbus(1, ""), "`meter` is empty"),
        (
            "[[source]]\nkind = \"p1\"\nport = \"p\"\nname = \"x\"\n".repeat(2),
            "is called `x` too",
        ),
    ] {
        let error = with_sources(&sources).unwrap_err();
        assert!(error.contains(said), "{error}\nexpected {said}");
    }
    // Two outputs of one meter are two registers.
    with_sources(&(pulses("A", "2.8.0") + &pulses("A", "1.8.0"))).unwrap();
}
