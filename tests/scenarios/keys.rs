//! The sealing key on paper: written down, asked back, put in again on another machine; imported
//! files that it seals, with the row that a decision came from.

use std::{fs, process::Command};

use super::{
    desk::{Desk, Said},
    users::typed,
};

const SOCIETY: &str = "[society]\nslug = \"bes\"\nname = \"Test Society\"\n\n[[share_class]]\nid = \"ordinary\"\nname = \"Ordinary shares\"\npar_pounds = \"1\"\n\n[[officer]]\nid = \"secretary\"\nrole = \"secretary\"\n";
const MEMBERS: &str = "number,name,joined,left,payment,sort_code,account,remarks\n\
    1,Canary One,2012-02-20,,bank,101010,12345678,first of all\n\
    2,Canary Two,2012-02-20,2013-01-31,cheque,,,the second\n\
    3,=Canary Three,2012-02-20,,cheque,,,\"two\nlines\"\n\
    4,Canary Four,2012-02-20,,cheque,,,last\n";
const SHARES: &str = "member,name,on,shares\n2,Canary Two,2012-02-20,500\n1,Canary One,2012-02-20,300\n2,Canary Two,2013-01-31,-500\n";

fn society() -> Desk {
    let desk = Desk::empty();
    desk.ok(&["society", "apply", &desk.file("bes.toml", SOCIETY)]);
    for (what, text) in [("members", MEMBERS), ("shares", SHARES)] {
        let file = desk.file(&format!("{what}.csv"), text);
        desk.ok(&["--as", "secretary", what, "import", &file]);
    }
    desk
}

/// `keys backup` at a terminal, answered with the words of the sheet; `wrong` spoils the last one.
fn backup(desk: &Desk, wrong: bool) -> (Vec<String>, Said) {
    // The sheet comes first: a session that is broken off shows it.
    let shown = typed(desk, &[], &["--output", "json", "keys", "backup"]);
    let start = shown.out.find('{').expect("the sheet");
    let end = shown.out.rfind('}').expect("its end");
    let sheet: serde_json::Value = serde_json::from_str(&shown.out[start..=end]).unwrap();
    let words: Vec<String> = sheet["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words.len(), 24);
    let mut script: Vec<(String, String)> = Vec::new();
    for (place, word) in (1..).zip(&words) {
        script.push((format!("word {place} of the sheet"), word.clone()));
    }
    let script: Vec<(&str, &str)> = script
        .iter()
        .map(|(asked, word)| (asked.as_str(), if wrong { "zebra" } else { word.as_str() }))
        .collect();
    (words, typed_any(desk, &script, &["keys", "backup"]))
}

/// As `typed`, for questions that come in an order nobody knows.
fn typed_any(desk: &Desk, script: &[(&str, &str)], args: &[&str]) -> Said {
    let output = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/scenarios/terminal.py"
        ))
        .arg("--any")
        .arg(serde_json::to_string(script).unwrap())
        .arg(env!("CARGO_BIN_EXE_commonwatt"))
        .arg("--data")
        .arg(desk.data())
        .args(args)
        .current_dir(desk.path())
        .output()
        .expect("python3 runs");
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::new(),
    }
}

#[test]
fn the_key_is_written_down_and_put_in_again_on_another_machine() {
    let desk = society();
    let never = desk.run(&["keys", "check"]);
    assert!(never.err.contains("never written down"), "{}", never.err);
    let (_, wrong) = backup(&desk, true);
    assert!(
        wrong.code == 1 && wrong.out.contains("is another one; nothing was noted"),
        "{}",
        wrong.out
    );
    let (words, good) = backup(&desk, false);
    assert!(
        good.code == 0 && good.out.contains("was written down on"),
        "{}",
        good.out
    );
    let standing = desk.json(&["keys", "check"]);
    assert!(standing["written_down"].is_string());
    // One member's bank details and two imported files.
    assert_eq!(standing["societies"][0]["opened"], 3);

    // Another machine gets the data folder and the sheet.
    fs::rename(desk.path().join("data.keys"), desk.path().join("lost")).unwrap();
    let shut = desk.refused(&["--as", "secretary", "members", "show", "1"]);
    assert!(shut.contains("commonwatt keys restore"), "{shut}");
    let restore = |words: &str| typed(&desk, &[("word 1 of 24", words)], &["keys", "restore"]);
    let mut swapped = words.clone();
    swapped.swap(0, 1);
    if swapped != words {
        let said = restore(&swapped.join(" "));
        assert!(
            said.code == 1 && said.out.contains("checksum"),
            "{}",
            said.out
        );
    }
    let foreign = "abandon ".repeat(23) + "art";
    let said = restore(&foreign);
    assert!(
        said.code == 1 && said.out.contains("opens nothing of the 3"),
        "{}",
        said.out
    );
    assert!(!desk.path().join("data.keys/sealing.key").exists());
    let said = typed(
        &desk,
        &[
            ("word 1 of 24", "zzzz"),
            ("word 1 of 24", &words[..10].join(" ")),
            ("word 11 of 24", &words[10..].join("  ").to_uppercase()),
        ],
        &["keys", "restore"],
    );
    assert!(
        said.code == 0 && said.out.contains("3 sealed details and files open"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("word 1, `zzzz`, is no word of a sheet"),
        "{}",
        said.out
    );
    desk.ok(&["--as", "secretary", "members", "show", "1"]);
    let again = restore(&words.join(" "));
    assert!(
        again.code == 1 && again.out.contains("it is this one"),
        "{}",
        again.out
    );
}

/// Files of the data folder that hold these bytes.
fn traces(desk: &Desk, word: &str) -> Vec<String> {
    let found = Command::new("grep")
        .args(["-rlaF", "--", word])
        .arg(desk.data())
        .output()
        .expect("grep runs");
    let names = String::from_utf8_lossy(&found.stdout);
    names.lines().map(str::to_owned).collect()
}

#[test]
fn a_decision_opens_to_its_row_of_the_imported_file() {
    let desk = society();
    let by = |args: &[&'static str]| [&["--as", "secretary"], args].concat();
    let member = desk.json(&by(&["members", "show", "4"]));
    // The third member's remarks have two lines.
    assert_eq!(member["source"], "row 6 of import 1");
    let row = desk.json(&by(&["imports", "row", "1", "6"]));
    assert_eq!(row["cells"]["remarks"], "last");
    let moved = desk.json(&by(&["shares", "movements", "--member", "2"]));
    assert_eq!(moved[1]["source"], "row 4 of import 2");
    let row = desk.json(&by(&["imports", "row", "2", "4"]));
    assert_eq!(
        (&row["cells"]["shares"], &row["cells"]["name"]),
        (&"-500".into(), &"Canary Two".into())
    );
    let none = desk.refused(&by(&["imports", "row", "1", "9"]));
    assert!(none.contains("has no row `9`"), "{none}");
    desk.ok(&by(&["imports", "file", "1", "--out", "back.csv"]));
    assert_eq!(
        fs::read_to_string(desk.path().join("back.csv")).unwrap(),
        MEMBERS
    );
    assert_eq!(
        traces(&desk, "the second"),
        Vec::<String>::new(),
        "it is sealed"
    );

    desk.ok(&by(&["accounts", "chart", "--standard"]));
    let books = desk.file(
        "opening.csv",
        "entry,date,text,account,debit,credit\n1,2013-12-31,opening,1200,58000.00,\n1,,,3000,,58000.00\n",
    );
    desk.ok(&["--as", "secretary", "accounts", "post", "--file", &books]);
    let entry = desk.json(&["accounts", "entry", "1"]);
    assert_eq!(entry["source"], "row:opening.csv/2");
    let opened = entry["opened"].as_array().unwrap();
    assert!(
        opened
            .iter()
            .any(|line| line["what"] == "debit" && line["text"] == "58000.00"),
        "{entry}"
    );
    let listed = desk.json(&by(&["imports", "list"]));
    assert_eq!(listed[2]["made"], "entries 1 to 1");
}

#[test]
fn an_erased_member_is_in_no_imported_file_and_the_others_keep_their_rows() {
    let desk = society();
    let by = |args: &[&'static str]| [&["--as", "secretary"], args].concat();
    let copy = desk.path().join("copy").display().to_string();
    desk.ok(&["backup", &copy]);
    desk.ok(&by(&["members", "erase", "2"]));
    for number in ["1", "2"] {
        let out = format!("after-{number}.csv");
        desk.ok(&[
            "--as",
            "secretary",
            "imports",
            "file",
            number,
            "--out",
            &out,
        ]);
        let text = fs::read_to_string(desk.path().join(&out)).unwrap();
        assert!(
            !text.contains("Canary Two") && text.contains("Canary One"),
            "{text}"
        );
    }
    let row = desk.json(&by(&["imports", "row", "1", "6"]));
    assert_eq!(row["cells"]["name"], "Canary Four");
    let row = desk.json(&by(&["imports", "row", "1", "4"]));
    assert_eq!(
        (&row["cells"]["name"], &row["cells"]["remarks"]),
        (&"=Canary Three".into(), &"two lines".into())
    );
    let gone = desk.refused(&by(&["imports", "row", "1", "3"]));
    assert!(gone.contains("members who were erased are gone"), "{gone}");
    desk.ok(&["verify"]);
    // Files that come back from a copy lose the rows again.
    let blobs = |root: &std::path::Path| {
        let mut names: Vec<String> = fs::read_dir(root.join("s/bes/blobs"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let now = blobs(&desk.data());
    let before = blobs(std::path::Path::new(&copy));
    assert!(now.len() == 2 && before.len() == 2 && now.iter().all(|name| !before.contains(name)));
    for name in &before {
        fs::copy(
            std::path::Path::new(&copy).join("s/bes/blobs").join(name),
            desk.data().join("s/bes/blobs").join(name),
        )
        .unwrap();
    }
    desk.ok(&["verify"]);
    assert_eq!(blobs(&desk.data()), now);
}
