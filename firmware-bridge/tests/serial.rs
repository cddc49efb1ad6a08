//! The serial sources on real lines (pseudo terminals), made from a configuration.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use bridge::source::{
    AnySource, Sample, Source, SourceConfig, SourceError, iec62056::session::data_of,
    modbus::Buses, text::data_sets,
};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/meters.py");
const HINT: &str = "hint: run `./test`, or `pip install iec62056-21==0.0.2` into a Python and \
                    name it in COMMONWATT_TEST_PYTHON";

/// A meter on a pseudo terminal that ends with the test.
struct OnALine {
    meter: Child,
    port: String,
}

impl Drop for OnALine {
    fn drop(&mut self) {
        let _ = self.meter.kill();
        let _ = self.meter.wait();
    }
}

fn python(arguments: &[&str]) -> Child {
    let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    Command::new(python)
        .arg(SCRIPT)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("no Python: {error}\n{HINT}"))
}

fn on_a_line(arguments: &[&str], stdin: &str) -> OnALine {
    let mut meter = python(arguments);
    let mut pipe = meter.stdin.take().unwrap();
    pipe.write_all(stdin.as_bytes()).unwrap();
    drop(pipe);
    let mut ready = String::new();
    BufReader::new(meter.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let port = ready
        .strip_prefix("ready ")
        .unwrap_or_else(|| panic!("no meter\n{HINT}"));
    OnALine {
        port: port.trim().to_owned(),
        meter,
    }
}

fn source(text: &str) -> AnySource {
    let config: SourceConfig = toml::from_str(text).unwrap_or_else(|e| panic!("{text}: {e}"));
    AnySource::open(&config, &Buses::default()).unwrap()
}

fn rows(samples: &[Sample]) -> Vec<String> {
    samples
        .iter()
        .map(|s| format!("{} {} {}", s.meter, s.register, s.wh))
        .collect()
}

#[tokio::test]
async fn an_optical_head_is_read_as_the_other_library_frames_it() {
    let line = on_a_line(
        &["iec62056"],
        "0.0.0 12345678 -\nF.F 00000000 -\n1.8.0 000123.456 kWh\n2.8.0 61571.7809 kWh\n2.8.0*01 1 kWh\n",
    );
    let mut head = source(&format!(
        "kind = 'iec62056'\nport = '{}'\ntimeout_s = 20",
        line.port
    ));
    // Twice: a line that was read out once can be read out again.
    for _ in 0..2 {
        let samples = head.poll().await.unwrap();
        assert_eq!(
            rows(&samples),
            ["12345678 1.8.0 123456", "12345678 2.8.0 61571780"]
        );
    }
}

#[test]
fn a_recorded_readout_is_what_the_other_library_reads() {
    // A Landis+Gyr E350 as recorded in github.com/saliWd/strommesser.
    let readout = b"\x02F.F(00)\r\n0.0(          120858)\r\nC.1.0(13647123)\r\nC.1.1(        )\r\n\
        1.8.1(042951.721*kWh)\r\n1.8.2(018609.568*kWh)\r\n2.8.1(000000.302*kWh)\r\n\
        2.8.2(000010.188*kWh)\r\n1.8.0(061561.289*kWh)\r\n2.8.0(000010.490*kWh)\r\n\
        15.8.0(061571.780*kWh)\r\nC.7.0(0008)\r\n32.7(241*V)\r\n52.7(243*V)\r\n72.7(242*V)\r\n\
        31.7(000.35*A)\r\n51.7(000.52*A)\r\n71.7(000.47*A)\r\n82.8.1(0000)\r\n82.8.2(0000)\r\n\
        0.2.0(M26)\r\nC.5.0(0401)\r\n!\r\n\x03\x01";
    let mut judge = python(&["judge"]);
    judge.stdin.take().unwrap().write_all(readout).unwrap();
    let output = judge.wait_with_output().unwrap();
    assert!(output.status.success(), "{HINT}");
    let expected: Vec<(String, String, Option<String>)> =
        serde_json::from_slice(&output.stdout).unwrap();
    let data = data_of(&readout[1..]).unwrap();
    let ours: Vec<(String, String, Option<String>)> = data_sets(&data)
        .unwrap()
        .iter()
        .map(|set| {
            let value = set.values[0];
            (
                set.id.to_owned(),
                value.text.to_owned(),
                value.unit.map(str::to_owned),
            )
        })
        .collect();
    assert_eq!(ours, expected);
    assert_eq!(ours.len(), 22);
}

fn data(name: &str) -> String {
    format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test]
async fn a_p1_port_that_sends_all_the_time_is_read_at_its_next_telegram() {
    for (file, expected) in [
        (
            "p1-telegrams/telegram_v5.txt",
            "K8EG004046395507 2.8.1 2444",
        ),
        (
            "p1-telegrams/telegram_v2_2.txt",
            "00000000000000 2.8.1 1001",
        ),
    ] {
        let line = on_a_line(&["play", &data(file)], "");
        let mut port = source(&format!(
            "kind = 'p1'\nport = '{}'\ntimeout_s = 10",
            line.port
        ));
        let samples = port.poll().await.unwrap();
        assert_eq!(samples.len(), 4);
        assert_eq!(rows(&samples)[2], expected);
        assert_eq!(port.poll().await.unwrap(), samples);
    }
}

#[tokio::test]
async fn an_sml_meter_is_read_past_its_broken_files() {
    let line = on_a_line(
        &["play", &data("sml/EMH_eHZ-IW8E2A5L0EK2P_with_error.bin")],
        "",
    );
    let mut head = source(&format!(
        "kind = 'sml'\nport = '{}'\ntimeout_s = 10",
        line.port
    ));
    for _ in 0..5 {
        let rows = rows(&head.poll().await.unwrap());
        assert!(
            rows[0].starts_with("06454D480107197C2456 1.8.0 27956"),
            "{rows:?}"
        );
        assert_eq!(rows.len(), 3);
    }
}

#[tokio::test]
async fn an_emontx_is_carried_on_over_its_restart_and_ours() {
    let folder = tempfile::tempdir().unwrap();
    let lines = folder.path().join("lines");
    let config = |port: &str| {
        format!(
            "kind = 'emon'\nport = '{port}'\ncounters = 'start_at_zero'\nstate = '{}'\ninterval_s = 2\n\
             [[register]]\nkey = 'E1'\nunit = 'Wh'\npower = 'P1'\nmeter = 'CT1'\nregister = '2.8.0'\nmax_w = 4000\n\
             [[register]]\nkey = 'pulse'\nunit = 'pulses'\nimpulses_per_kwh = 800\nmeter = 'S0'\nregister = '2.8.0'\nmax_w = 4000",
            folder.path().display()
        )
    };
    for (first, second, expected) in [
        (
            "MSG:500,P1:84,E1:9999,pulse:80",
            "MSG:501,P1:85,E1:10000,pulse:80",
            [9_999, 100],
        ),
        (
            "MSG:502,P1:84,E1:10001,pulse:88",
            "MSG:503,P1:-5,E1:10001,pulse:88",
            [10_001, 110],
        ),
        // The device restarted, and so did this gateway: another source over the same folder.
        (
            "MSG:3,P1:84,E1:2,pulse:0",
            "MSG:4,P1:84,E1:2,pulse:1",
            [10_003, 110],
        ),
    ] {
        std::fs::write(&lines, format!("{first}\r\n{second}\r\nemonTx V3\r\n")).unwrap();
        let line = on_a_line(&["play", &lines.display().to_string()], "");
        let mut emon = source(&config(&line.port));
        let samples = emon.poll().await.unwrap();
        assert_eq!(
            samples.iter().map(|s| s.wh).collect::<Vec<_>>(),
            expected,
            "{first}"
        );
        assert_eq!((samples[0].w, samples[1].w), (Some(84), None));
    }
    // Two lines that do not bear each other out make no read.
    std::fs::write(
        &lines,
        "MSG:9,P1:84,E1:70000,pulse:1\r\nMSG:10,P1:84,E1:8,pulse:1\r\n",
    )
    .unwrap();
    let line = on_a_line(&["play", &lines.display().to_string()], "");
    let error = source(&config(&line.port)).poll().await.unwrap_err();
    assert!(matches!(error, SourceError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn a_silent_line_times_out_and_a_missing_one_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let quiet = folder.path().join("quiet");
    std::fs::write(&quiet, "").unwrap();
    let line = on_a_line(&["play", &quiet.display().to_string()], "");
    for kind in ["p1", "sml", "iec62056"] {
        let mut silent = source(&format!(
            "kind = '{kind}'\nport = '{}'\ntimeout_s = 1",
            line.port
        ));
        let error = silent.poll().await.unwrap_err();
        assert!(
            matches!(
                error,
                SourceError::Timeout {
                    after_ms: 1_000,
                    ..
                }
            ),
            "{kind}: {error}"
        );
        let mut gone = source(&format!("kind = '{kind}'\nport = '{}'", quiet.display()));
        let error = gone.poll().await.unwrap_err();
        assert!(matches!(error, SourceError::Gone { .. }), "{kind}: {error}");
    }
}

#[test]
fn an_unknown_key_of_a_source_is_an_error() {
    for kind in ["s0", "emon", "iec62056", "p1", "sml"] {
        let error =
            toml::from_str::<SourceConfig>(&format!("kind = '{kind}'\nprot = 'x'")).unwrap_err();
        assert!(error.to_string().contains("prot"), "{error}");
    }
}
