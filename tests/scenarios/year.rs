//! A whole year of three societies by one command script, and by Python, which shares no code.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

fn said(folder: &Path, society: &str, what: &str) -> Value {
    let path = folder.join("said").join(format!("{society}-{what}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).expect("one JSON document")
}

/// The same figures as Python's, from what the commands said.
fn ours(folder: &Path, society: &str, claims: usize) -> Value {
    let of = |what: &str| said(folder, society, what);
    let claims: Vec<Value> = (1..=claims)
        .map(|n| of(&format!("claim-{n}"))["total_pence"].clone())
        .collect();
    let bill = of("bill");
    let waterfall = of("waterfall");
    let afford = of("afford");
    let rate = afford["rate_percent"].as_str().expect("a rate");
    let (whole, part) = rate.split_once('.').unwrap_or((rate, "0"));
    let hundredths: i64 = format!("{whole}{part:0<2}").parse().expect("a rate");
    let run: Vec<Value> = of("frozen")["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| json!([line["member"], line["pence"]]))
        .collect();
    let order = of("order");
    let payments: Vec<Value> = order["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| json!([line["member"], line["way"], line["pence"], line["shares"]]))
        .collect();
    let file = of("file");
    json!({
        "claims": claims,
        "bill": {"net": bill["net_pence"], "vat": bill["vat_pence"]},
        "surplus": waterfall["start_pence"],
        "shared": {
            "interest": waterfall["interest_pence"],
            "fund": waterfall["fund_pence"],
            "reserve": waterfall["reserve_pence"],
            "carried": waterfall["carried_pence"],
        },
        "rate_hundredths": hundredths,
        "run": run,
        "payments": payments,
        "bank": [file["count"], file["control_sum_pence"]],
    })
}

#[test]
fn a_whole_year_of_three_societies_comes_out_as_in_python_to_the_penny() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = Command::new("bash")
        .arg(root.join("tests/year/year.sh"))
        .arg(env!("CARGO_BIN_EXE_commonwatt"))
        .arg(folder.path())
        .output()
        .expect("bash");
    assert!(
        script.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&script.stdout),
        String::from_utf8_lossy(&script.stderr)
    );
    let python = std::env::var("COMMONWATT_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let out = Command::new(&python)
        .arg(root.join("tests/year/year.py"))
        .arg(folder.path())
        .output()
        .unwrap_or_else(|e| panic!("`{python}`: {e}; install Python 3.11 or later"));
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let theirs: Value = serde_json::from_slice(&out.stdout).expect("one JSON document");
    for (society, installations) in [("bes1", 1), ("bes2", 5), ("bes3", 4)] {
        let ours = ours(folder.path(), society, installations);
        for key in [
            "claims",
            "bill",
            "surplus",
            "shared",
            "rate_hundredths",
            "run",
            "payments",
            "bank",
        ] {
            assert_eq!(ours[key], theirs[society][key], "{society}, {key}");
        }
        // Every statement says the pence of Python, and the day on which the order pays them.
        let statements = &theirs[society]["statements"];
        assert_eq!(statements["told"], statements["expected"], "{society}");
        let sheets = said(folder.path(), society, "sheets");
        let sheets = sheets["statements"].as_array().unwrap();
        let lines = ours["run"].as_array().unwrap();
        assert_eq!(sheets.len(), lines.len(), "{society}: one sheet a member");
        for sheet in sheets {
            let file = sheet["file"].as_str().expect("a file");
            let pdf = fs::read(folder.path().join(format!("{society}-sheets")).join(file)).unwrap();
            assert!(pdf.starts_with(b"%PDF-"), "{society}, {file}");
        }
        // What was paid is what the run owes, and the file has what the order says.
        let run = said(folder.path(), society, "frozen")["total_pence"]
            .as_i64()
            .unwrap();
        let order = said(folder.path(), society, "order");
        let held = order["held"].as_array().unwrap().iter();
        let held: i64 = held.map(|one| one["pence"].as_i64().unwrap()).sum();
        assert_eq!(
            order["total_pence"].as_i64().unwrap() + held,
            run,
            "{society}"
        );
        let pack = said(folder.path(), society, "pack");
        let sum: i64 = pack["balance"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["pence"].as_i64().unwrap())
            .sum();
        assert_eq!(sum, 0, "{society}: the balance closes");
    }
}
