//! Scanning and commissioning with the binary, as somebody on a roof does it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::sunspec::serve;

/// The binary, with a configuration that names one source at `address`.
fn bridge(folder: &Path, address: &str) -> Command {
    let config = folder.join("gateway.toml");
    let backlog = folder.join("backlog");
    let text = format!(
        "[gateway]\nid = \"elmore-1\"\n[uplink]\nurl = \"mqtt://127.0.0.1:1\"\n\
         [backlog]\nfolder = \"{}\"\n[clock]\nkept_by = \"other\"\n\
         [[source]]\nkind = \"sunspec\"\nname = \"roof\"\naddress = \"{address}\"\n",
        backlog.display()
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_firmware-bridge"));
    command.arg("--config").arg(config);
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn roof() -> Value {
    json!([{"unit": 1, "base": 40_000, "models": [
        {"ID": 1, "L": 66, "Mn": "Maker & Son", "Md": "Model 5", "Vr": "1.02", "SN": "9999abcd"},
        {"ID": 103, "W": 1234, "W_SF": 0, "WH": 1_234_567, "WH_SF": 1, "St": 4},
    ]}])
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files
}

#[test]
fn an_inverter_on_a_serial_line_is_scanned_and_commissioned() {
    let served = serve("rtu", &roof());
    let folder = tempfile::tempdir().unwrap();
    let scanned = bridge(folder.path(), &served.address())
        .args([
            "scan",
            &served.address(),
            "--units",
            "1,2",
            "--output",
            "json",
        ])
        .output()
        .unwrap();
    assert!(scanned.status.success(), "{}", said(&scanned));
    let report: Value = serde_json::from_slice(&scanned.stdout).unwrap();
    assert_eq!(report["found"].as_array().unwrap().len(), 1);
    assert_eq!(report["found"][0]["meters"][0]["meter"], "9999abcd");

    let out = folder.path().join("papers");
    let commissioned = bridge(folder.path(), &served.address())
        .args([
            "commission",
            "--dial",
            "12345.67",
            "--site",
            "Elmore House",
            "--output",
            "json",
        ])
        .arg("--out")
        .arg(&out)
        .output()
        .unwrap();
    assert!(commissioned.status.success(), "{}", said(&commissioned));
    let sheet: Value = serde_json::from_slice(&commissioned.stdout).unwrap();
    assert_eq!(sheet["passed"], true);
    assert_eq!(sheet["clock"], "I");
    let register = &sheet["registers"][0];
    assert_eq!(register["before_wh"], 12_345_670);
    assert_eq!(register["raw"], "1234567");
    assert_eq!(register["scale"], "10^1 (WH_SF)");
    assert_eq!(register["agrees"], true);

    let files = files(&out);
    assert_eq!(files.len(), 2);
    let html = fs::read_to_string(&files[0]).unwrap();
    assert!(html.contains("Maker &amp; Son") && html.contains("Elmore House"));
    let text = fs::read_to_string(&files[1]).unwrap();
    assert!(
        text.contains("The dial agrees with the register."),
        "{text}"
    );
    assert!(text.contains("12,345.670 kWh made or given out"), "{text}");
}

#[test]
fn integer_and_float_inverters_on_line_and_network_are_scanned_and_commissioned() {
    let common =
        json!({"ID": 1, "L": 66, "Mn": "Maker", "Md": "Model 5", "Vr": "1.02", "SN": "9999abcd"});
    let integer = json!({"ID": 103, "W": 1234, "W_SF": 0, "WH": 1_234_567, "WH_SF": 1, "St": 4});
    let float = json!({"ID": 113, "W": 1500.5, "WH": 12_345_670.0, "St": 4});
    for transport in ["tcp", "rtu"] {
        for (id, model) in [(103, &integer), (113, &float)] {
            let served = serve(
                transport,
                &json!([{"unit": 1, "base": 40_000, "models": [common, model]}]),
            );
            let folder = tempfile::tempdir().unwrap();
            let run = |arguments: &[&str]| {
                let done = bridge(folder.path(), &served.address())
                    .args(arguments)
                    .args(["--output", "json"])
                    .current_dir(folder.path())
                    .output()
                    .unwrap();
                assert!(done.status.success(), "{transport} {id}: {}", said(&done));
                serde_json::from_slice::<Value>(&done.stdout).unwrap()
            };
            let report = run(&["scan", &served.address(), "--units", "1"]);
            let shown = &report["found"][0]["meters"][0]["models"][0];
            assert_eq!(shown["model"], id);
            assert_eq!(shown["registers"][0]["wh"], 12_345_670);
            let sheet = run(&["commission", "--dial", "12345.67"]);
            assert_eq!(
                (&sheet["passed"], &sheet["meter"]),
                (&json!(true), &json!("9999abcd"))
            );
            assert_eq!(sheet["registers"][0]["after_wh"], 12_345_670);
        }
    }
}

#[test]
fn a_sheet_is_never_written_over() {
    let served = serve("tcp", &roof());
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("papers");
    let commission = |dial: &str| {
        let done = bridge(folder.path(), &served.address())
            .args(["commission", "--dial", dial, "--out"])
            .arg(&out)
            .output()
            .unwrap();
        done.status.success()
    };
    assert!(commission("12345.67"));
    let first: Vec<(PathBuf, String)> = files(&out)
        .into_iter()
        .map(|file| (file.clone(), fs::read_to_string(file).unwrap()))
        .collect();
    assert!(!commission("99999.99"), "a dial that differs");
    assert!(commission("12345.67"));
    assert_eq!(files(&out).len(), 6);
    for (file, text) in first {
        assert_eq!(
            fs::read_to_string(&file).unwrap(),
            text,
            "{}",
            file.display()
        );
    }
    let names: Vec<String> = files(&out)
        .iter()
        .filter(|file| file.extension().is_some_and(|e| e == "txt"))
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap();
            name["commission-9999abcd-2026-01-01".len()..].to_owned()
        })
        .collect();
    assert_eq!(names, ["-2", "-to-settle", ""]);
}

#[test]
fn a_dial_that_differs_is_on_the_sheet_and_in_the_exit_code() {
    let served = serve("tcp", &roof());
    let folder = tempfile::tempdir().unwrap();
    let commissioned = bridge(folder.path(), &served.address())
        .args([
            "commission",
            "--source",
            "roof",
            "--meter",
            "9999abcd",
            "--dial",
            "2.8.0=1234.56",
        ])
        .arg("--out")
        .arg(folder.path().join("papers"))
        .output()
        .unwrap();
    assert_eq!(commissioned.status.code(), Some(1));
    assert!(
        said(&commissioned).contains("a tenth of the register"),
        "{}",
        said(&commissioned)
    );
    let text = String::from_utf8(commissioned.stdout).unwrap();
    assert!(text.contains("DIFFERS"), "{text}");
    assert_eq!(files(&folder.path().join("papers")).len(), 2);
}

#[test]
fn what_cannot_be_commissioned_is_said_with_the_next_step() {
    let served = serve("tcp", &roof());
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        (
            &["commission", "--source", "cellar"][..],
            "no source `cellar`; there are `roof`",
        ),
        (
            &["commission", "--meter", "123"],
            "no meter `123`; it has 9999abcd",
        ),
        (
            &["commission", "--dial", "12,345"],
            "is not what a dial shows",
        ),
        (
            &["commission", "--dial", "1.8.0=1"],
            "no register for `--dial 1.8.0=",
        ),
        (&["scan", "not an address"], "is no Modbus address"),
        (
            &["scan", "127.0.0.1:1", "--units", "1"],
            "cannot be reached",
        ),
    ] {
        let done = bridge(folder.path(), &served.address())
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_ne!(done.status.code(), Some(0), "{arguments:?}");
        assert!(
            said(&done).contains(expected),
            "{arguments:?}: {}",
            said(&done)
        );
    }
}
