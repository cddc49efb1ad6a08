//! Who may decide: users with a password and a second factor at a terminal, and programs with a
//! token. The person at the terminal is `terminal.py`, which reckons the codes of the moment itself.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::desk::{Desk, Said};

const PASSWORD: &str = "kettle orchard violin";

/// Runs a command for a person who answers what is asked.
pub(super) fn typed(desk: &Desk, script: &[(&str, &str)], args: &[&str]) -> Said {
    let output = Command::new("python3")
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/scenarios/terminal.py"
        ))
        .arg(serde_json::to_string(script).expect("a list of pairs"))
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
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Sets a user up; gives the recovery codes.
fn set_up(desk: &Desk, user: &str, code: &str) -> Vec<String> {
    let said = typed(
        desk,
        &[
            ("one-time code", code),
            ("new password", PASSWORD),
            ("the same again", PASSWORD),
            ("six digits", "TOTP"),
        ],
        &["user", "set-up", user],
    );
    assert_eq!(said.code, 0, "{}", said.out);
    let lines = said.out.lines().map(str::trim);
    let codes: Vec<String> = lines
        .filter(|line| line.len() == 26 && line.bytes().all(|b| b.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect();
    assert_eq!(codes.len(), 8, "{}", said.out);
    codes
}

/// What a person answers who shows a password and a second factor.
const SHOWN: [(&str, &str); 2] = [("password of", PASSWORD), ("code of the moment", "TOTP")];

/// An administrator who is set up, and the recovery codes.
fn with_administrator(desk: &Desk) -> Vec<String> {
    let code = desk.ok(&["user", "add", "admin-1", "--role", "administrator"]);
    set_up(desk, "admin-1", code.trim())
}

/// A token of a user, in a file.
fn token(desk: &Desk, user: &str, label: &str) -> String {
    let args = ["--as", user, "user", "token", user, "--label", label];
    let said = typed(desk, &SHOWN, &args);
    assert_eq!(said.code, 0, "{}", said.out);
    let mut words = said.out.split_whitespace();
    let token = words.find(|w| w.len() == 64).expect("a token is shown");
    desk.file(&format!("{user}-{label}.token"), token)
}

#[test]
fn the_first_user_may_give_rights_and_from_then_on_nothing_is_decided_without_one() {
    let desk = Desk::plain();
    let reads = desk.file(
        "reads.csv",
        "meter,register,time,value,unit,source\nM1,2.8.0,2014-01-01T00:00:00Z,1,kWh,\n",
    );
    // Nobody has a password yet: who may open the folder decides.
    desk.ok(&["reads", "import", &reads]);
    let code = desk.ok(&["user", "add", "treasurer-1", "--role", "treasurer"]);
    let early = typed(
        &desk,
        &[
            ("one-time code", code.trim()),
            ("new password", PASSWORD),
            ("the same again", PASSWORD),
            ("six digits", "TOTP"),
        ],
        &["user", "set-up", "treasurer-1"],
    );
    assert_eq!(early.code, 1);
    assert!(
        early
            .out
            .contains("the first user is one who may give rights"),
        "{}",
        early.out
    );

    with_administrator(&desk);
    let refused = desk.refused(&["reads", "import", &reads]);
    assert!(refused.contains("say --as USER"), "{refused}");
    let alone = desk.refused(&["--as", "admin-1", "reads", "import", &reads]);
    assert!(
        alone.contains("--token-file"),
        "no terminal to ask: {alone}"
    );
    let wrong = typed(
        &desk,
        &[
            ("password of", "kettle orchard viola"),
            ("code of the moment", "TOTP"),
        ],
        &["--as", "admin-1", "reads", "import", &reads],
    );
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("this is not right"), "{}", wrong.out);
    let nobody = typed(
        &desk,
        &SHOWN,
        &["--as", "nobody", "reads", "import", &reads],
    );
    assert!(
        nobody.out.contains("this is not right"),
        "as for one who exists: {}",
        nobody.out
    );
    let right = typed(
        &desk,
        &SHOWN,
        &["--as", "admin-1", "reads", "import", &reads],
    );
    assert_eq!(right.code, 0, "{}", right.out);
    // Reading needs nothing.
    desk.ok(&["reads", "list", "--meter", "M1"]);
    desk.ok(&["verify"]);
}

#[test]
fn a_right_is_for_a_society_and_whoever_has_none_is_told_who_has() {
    let desk = Desk::plain();
    with_administrator(&desk);
    let file = token(&desk, "admin-1", "cron");
    let admin = |args: &[&str]| {
        let mut all = vec!["--as", "admin-1", "--token-file", &file];
        all.extend(args);
        desk.run(&all)
    };
    let added = admin(&["user", "add", "auditor-1", "--role", "auditor"]);
    set_up(&desk, "auditor-1", added.out.trim());
    let own = token(&desk, "auditor-1", "papers");
    let text = "meter,register,time,value,unit,source\nM1,2.8.0,2014-01-01T00:00:00Z,1,kWh,\n";
    let reads = desk.file("reads.csv", text);
    let refused = desk.refused(&[
        "--as",
        "auditor-1",
        "--token-file",
        &own,
        "reads",
        "import",
        &reads,
    ]);
    assert!(
        refused.contains("`auditor-1` may not decide about meters and reads")
            && refused.contains("these may: admin-1"),
        "{refused}"
    );
    let another = desk.refused(&[
        "--as",
        "admin-1",
        "--token-file",
        &own,
        "reads",
        "import",
        &reads,
    ]);
    assert!(
        another.contains("not, or no longer, one of `admin-1`"),
        "{another}"
    );
    assert_eq!(admin(&["reads", "import", &reads]).code, 0);

    let elsewhere = admin(&[
        "user",
        "role",
        "auditor-1",
        "--give",
        "steward",
        "--society",
        "none",
    ]);
    assert_eq!(elsewhere.code, 1, "there is no such society");
    let given = admin(&[
        "user",
        "role",
        "auditor-1",
        "--give",
        "steward",
        "--society",
        "bes",
    ]);
    assert_eq!(given.code, 0, "{}", given.err);
    assert_eq!(
        desk.run(&[
            "--as",
            "auditor-1",
            "--token-file",
            &own,
            "reads",
            "import",
            &reads
        ])
        .code,
        0
    );
    let ended = admin(&["user", "end-token", "auditor-1", "--label", "papers"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    desk.refused(&[
        "--as",
        "auditor-1",
        "--token-file",
        &own,
        "reads",
        "import",
        &reads,
    ]);
    // Whoever gives rights in one society gives none beyond it.
    let local = admin(&[
        "user",
        "add",
        "admin-2",
        "--role",
        "administrator",
        "--society",
        "bes",
    ]);
    set_up(&desk, "admin-2", local.out.trim());
    let own_2 = token(&desk, "admin-2", "cron");
    let as_local = |args: &[&str]| {
        let mut all = vec!["--as", "admin-2", "--token-file", &own_2];
        all.extend(args);
        desk.run(&all)
    };
    let wider = ["user", "role", "admin-2", "--give", "administrator"];
    let refused = as_local(&wider);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("in every society"), "{}", refused.err);
    let over = as_local(&["user", "disable", "admin-1", "--reason", "in my way"]);
    assert!(over.err.contains("in every society"), "{}", over.err);
    let here = [
        "user",
        "role",
        "admin-2",
        "--give",
        "steward",
        "--society",
        "bes",
    ];
    assert_eq!(as_local(&here).code, 0);
    // A second society: none of its persons, gateways or claims are admin-2's.
    let text = fs::read_to_string(desk.path().join("society.toml")).unwrap();
    let other = text
        .replace("slug = \"bes\"", "slug = \"other\"")
        .replace("M1", "N1")
        .replace("\"g1\"", "\"g2\"");
    let other =
        format!("{other}\n[[gateway]]\nid = \"g-other\"\nsite = \"roof\"\ncadence_s = 60\n");
    let other = desk.file("other.toml", &other);
    let applied = admin(&["society", "apply", &other]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    for foreign in [
        ["members", "list", "--society", "other"].as_slice(),
        ["gateway", "token", "g-other"].as_slice(),
        ["society", "apply", &other].as_slice(),
    ] {
        let refused = as_local(foreign);
        assert_eq!(refused.code, 1, "{foreign:?}");
        assert!(
            refused.err.contains("in `other`"),
            "{foreign:?}: {}",
            refused.err
        );
    }
    assert_eq!(as_local(&["members", "list", "--society", "bes"]).code, 0);
    let last = admin(&["user", "disable", "admin-1", "--reason", "left"]);
    assert!(
        last.err.contains("the last one who may give rights"),
        "{}",
        last.err
    );
    let gone = admin(&["user", "disable", "auditor-1", "--reason", "left"]);
    assert_eq!(gone.code, 0, "{}", gone.err);
    let users = desk.json(&["user", "list"]);
    let mut listed = users.as_array().expect("a list").iter();
    let gone = listed.find(|user| user["id"] == "auditor-1");
    assert_eq!(gone.expect("still listed")["state"], "disabled");
}

#[test]
fn a_lost_telephone_is_a_recovery_code_once_and_a_lost_all_is_two_officers() {
    let desk = Desk::plain();
    let codes = with_administrator(&desk);
    let with = |code: &str| {
        typed(
            &desk,
            &[("password of", PASSWORD), ("code of the moment", code)],
            &[
                "--as",
                "admin-1",
                "user",
                "add",
                "admin-2",
                "--role",
                "administrator",
            ],
        )
    };
    let second = with(&codes[0]);
    assert_eq!(second.code, 0, "{}", second.out);
    assert_eq!(with(&codes[0]).code, 1, "a recovery code works once");
    let admin_1 = token(&desk, "admin-1", "a");
    // What was typed may have been echoed, so the last one is what was printed.
    let mut words = second.out.split_whitespace();
    let code = words.rfind(|w| w.len() == 26);
    let code = code.expect("a code is shown");
    set_up(&desk, "admin-2", code);
    let admin_2 = token(&desk, "admin-2", "a");

    let run = |user: &str, file: &str, args: &[&str]| {
        let mut all = vec!["--as", user, "--token-file", file];
        all.extend(args);
        desk.run(&all)
    };
    let again = run("admin-1", &admin_1, &["user", "invite", "admin-2"]);
    assert!(again.err.contains("is set up already"), "{}", again.err);
    let third = run(
        "admin-1",
        &admin_1,
        &["user", "add", "admin-3", "--role", "administrator"],
    );
    set_up(&desk, "admin-3", third.out.trim());
    let reset = ["user", "reset", "admin-3", "--reason", "bag stolen"];
    // An administrator alone may not vouch: that is an approver's.
    let refused = run("admin-1", &admin_1, &reset);
    assert!(refused.err.contains("may not approve"), "{}", refused.err);
    let give = ["user", "role", "admin-1", "--give", "approver"];
    assert_eq!(run("admin-2", &admin_2, &give).code, 0);
    assert_eq!(run("admin-1", &admin_1, &reset).code, 0);
    let own = run("admin-1", &admin_1, &["user", "invite", "admin-3"]);
    assert!(
        own.err.contains("another officer confirms it"),
        "{}",
        own.err
    );
    let made_good = run("admin-2", &admin_2, &["user", "invite", "admin-3"]);
    assert_eq!(made_good.code, 0, "{}", made_good.err);
    set_up(&desk, "admin-3", made_good.out.trim());
}

#[test]
fn a_stolen_data_folder_opens_nothing() {
    let desk = Desk::plain();
    let mut secrets = with_administrator(&desk);
    let file = token(&desk, "admin-1", "cron");
    secrets.push(fs::read_to_string(file).unwrap());
    secrets.push(fs::read_to_string(desk.path().join("secret")).unwrap());
    secrets.push(PASSWORD.to_owned());
    for file in files_below(&desk.data()) {
        let text = text_of(&file);
        for secret in &secrets {
            assert!(!text.contains(secret), "{} holds a secret", file.display());
        }
    }
    // The control: what is meant to be there is found.
    let journal = files_below(&desk.data().join("node"));
    assert!(journal.iter().any(|file| text_of(file).contains("admin-1")));
}

/// A file's bytes to search in, without the zeros that a segment is allocated with.
fn text_of(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}
