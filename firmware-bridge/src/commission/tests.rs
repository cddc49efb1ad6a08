use super::*;

fn sheet(dial: Option<&str>, clock: ClockState) -> Sheet {
    let line = Line {
        meter: "9999abcd".into(),
        register: "2.8.0".into(),
        place: "model 103 WH".into(),
        raw: Some("1234567".into()),
        scale: Some("10^1 (WH_SF)".into()),
        wh: Some(12_345_670),
    };
    let dial = dial.map(|text| {
        let dial: Dial = text.parse().unwrap();
        let verdict = dial.against(12_345_670, 12_345_690);
        (dial, verdict)
    });
    let source = "kind = \"sunspec\"\naddress = \"192.0.2.7\"";
    Sheet {
        at: "2026-06-01T13:05:09+01:00[Europe/London]".parse().unwrap(),
        clock,
        order: Order {
            gateway: "elmore-1".into(),
            key: Some("5f3a".into()),
            zone: "Europe/London".into(),
            source: toml::from_str(source).unwrap(),
            meter: None,
            site: Some("Elmore House".into()),
            by: Some("A <b>Person</b> & Co".into()),
            backlog: PathBuf::new(),
        },
        meter: "9999abcd".into(),
        facts: vec![
            ("Maker".into(), "<script>alert('x')</script>".into()),
            ("Address".into(), "192.0.2.7:502 unit 1".into()),
        ],
        registers: vec![Checked {
            before: line,
            after_wh: 12_345_690,
            dial,
        }],
        disk: Ok(SelfTest {
            took_ms: 4,
            bytes: 77,
        }),
    }
}

#[test]
fn a_sheet_in_order_says_so_in_its_first_sentence() {
    let sheet = sheet(Some("12345.68"), ClockState::Synced);
    assert!(sheet.passed(), "{:?}", sheet.doubts());
    assert_eq!(
        sheet.sentence(),
        "On 1 June 2026 gateway elmore-1 read meter 9999abcd as its dial shows it: 12,345.690 kWh made or given out."
    );
    assert_eq!(sheet.file_name(), "commission-9999abcd-2026-06-01");
    assert_eq!(
        sheet.text(),
        "\
COMMISSIONING SHEET
To be filed with the FIT or SEG papers of this meter.

On 1 June 2026 gateway elmore-1 read meter 9999abcd as its dial shows it:
12,345.690 kWh made or given out.

The meter
  Roof                         Elmore House
  Serial number                9999abcd
  Maker                        <script>alert('x')</script>
  Address                      192.0.2.7:502 unit 1

Its registers
  2.8.0 (made or given out), model 103 WH
    digits in the device                    1234567   10^1 (WH_SF)
    read before                      12,345.670 kWh
    typed from the dial                12345.68 kWh
    read afterwards                  12,345.690 kWh
    The dial agrees with the register.

The gateway
  Name                         elmore-1
  Signs with key               5f3a
  Clock                        kept by a time server (S)
  Backlog                      a note of 77 bytes written, synced and read back in 4 ms
  Read at                      1 June 2026, 13:05:09 (Europe/London)


Commissioned by  A <b>Person</b> & Co     Signature ____________________ Date ________

Witnessed by     _______________________  Signature ____________________ Date ________

"
    );
}

#[test]
fn what_is_not_in_order_stands_at_the_top() {
    for (sheet, said) in [
        (
            sheet(Some("1234.56"), ClockState::Synced),
            "a tenth of the register",
        ),
        (sheet(None, ClockState::Synced), "Nobody compared the dial."),
        (
            sheet(Some("12345.68"), ClockState::Unknown),
            "its reads are taken with the times it says",
        ),
        (
            sheet(Some("12345.68"), ClockState::Relative),
            "its reads wait on the gateway",
        ),
        (
            Sheet {
                disk: Err("no room left on the backlog's disk\nhint: x".into()),
                ..sheet(Some("12345.68"), ClockState::Synced)
            },
            "no room left on the backlog's disk.",
        ),
    ] {
        assert!(!sheet.passed());
        assert_eq!(
            sheet.file_name(),
            "commission-9999abcd-2026-06-01-to-settle"
        );
        assert!(sheet.sentence().contains("do not use its reads"));
        let text = sheet.text().replace('\n', " ");
        assert!(text.contains("TO SETTLE: "), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(sheet.html().contains("<b>To settle.</b>"));
        assert_eq!(sheet.json()["passed"], false);
    }
}

#[test]
fn what_a_device_or_a_person_says_is_only_text_on_the_page() {
    let html = sheet(Some("12345.68"), ClockState::Synced).html();
    assert!(html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"));
    assert!(html.contains("A &lt;b&gt;Person&lt;/b&gt; &amp; Co"));
    assert!(!html.contains("<script") && !html.contains("http"));
}

#[test]
fn a_note_is_written_to_the_backlogs_disk_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let now: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let test = disk::test(folder.path(), now).unwrap();
    assert!(test.bytes > 40);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(disk::test(std::path::Path::new("/proc/nowhere"), now).is_err());
}
