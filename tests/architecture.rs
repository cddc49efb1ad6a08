//! The house is as ARCHITECTURE.md draws it: the import table is read from there and held against
//! every `use`, path and manifest of the workspace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

struct Room {
    may_import: BTreeSet<String>,
    outside: BTreeSet<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn folder(room: &str) -> PathBuf {
    match room {
        "bridge" => root().join("firmware-bridge/src"),
        "wire" => root().join("firmware-bridge/wire/src"),
        "mapping" => root().join("src/ingest/mapping"),
        "influx" => root().join("src/store/influx"),
        "pdf" => root().join("src/report/pdf"),
        other => root().join("src").join(other),
    }
}

fn table() -> BTreeMap<String, Room> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rows: Vec<Vec<String>> = text
        .lines()
        .skip_while(|l| !l.starts_with("| room |"))
        .skip(2)
        .take_while(|l| l.starts_with('|'))
        .map(|l| {
            l.trim_matches('|')
                .split('|')
                .map(|c| c.trim().to_owned())
                .collect()
        })
        .collect();
    assert!(
        rows.len() >= 10,
        "the import table was not found in ARCHITECTURE.md"
    );
    let words = |cell: &str| {
        cell.split(',')
            .map(|w| w.trim().to_owned())
            .filter(|w| !w.is_empty())
            .collect()
    };
    rows.iter()
        .map(|row| {
            (
                row[0].clone(),
                Room {
                    may_import: words(&row[1]),
                    outside: words(&row[2]),
                },
            )
        })
        .collect()
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("entry").path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            if !["tests", "examples", "benches", "target"].contains(&name) {
                sources(&path, found);
            }
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// The sources of a room, without those of rooms inside it.
fn sources_of(name: &str, rooms: &BTreeMap<String, Room>) -> Vec<PathBuf> {
    let own = folder(name);
    let mut files = Vec::new();
    sources(&own, &mut files);
    let inside: Vec<PathBuf> = rooms
        .keys()
        .map(|other| folder(other))
        .filter(|other| *other != own && other.starts_with(&own))
        .collect();
    files.retain(|file| !inside.iter().any(|other| file.starts_with(other)));
    files
}

/// Code without comments, so that a word in prose is no import.
fn code_of(path: &Path) -> String {
    fs::read_to_string(path)
        .expect("source")
        .lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// True when `code` names the crate or module `name` as the start of a path.
fn names(code: &str, name: &str) -> bool {
    code.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = &code[..at];
        !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
            && (!before.ends_with("::") || before.ends_with("crate::"))
    })
}

#[test]
fn every_room_imports_only_what_the_map_allows() {
    let rooms = table();
    let mut wrong = Vec::new();
    for (name, room) in &rooms {
        let files = sources_of(name, &rooms);
        assert!(
            !files.is_empty(),
            "room `{name}` is on the map and has no code"
        );
        for file in files {
            let code = code_of(&file);
            for other in rooms.keys() {
                let local = folder(name).join(other).exists()
                    || folder(name).join(format!("{other}.rs")).exists()
                    || file.with_file_name(format!("{other}.rs")).exists();
                if other != name
                    && !local
                    && !room.may_import.contains(other)
                    && names(&code, other)
                {
                    wrong.push(format!("{} imports `{other}`", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_guarded_crate_appears_only_in_its_rooms() {
    let rooms = table();
    let guarded: BTreeSet<&String> = rooms.values().flat_map(|r| &r.outside).collect();
    let mut wrong = Vec::new();
    for (name, room) in &rooms {
        for file in sources_of(name, &rooms) {
            let code = code_of(&file);
            for other in &guarded {
                if !room.outside.contains(*other) && names(&code, other) {
                    wrong.push(format!("{} uses `{other}`", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What counts is never read from InfluxDB: only charts ask the series store.
#[test]
fn only_charts_ask_the_series_store() {
    let may = [
        "office/charts.rs",
        "office/overview.rs",
        "office/mirror/",
        "cli/influx.rs",
    ];
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    let asks = |file: &PathBuf| {
        let code = code_of(file);
        [".courses(", "charts::courses(", "ChartStore"]
            .iter()
            .any(|word| code.contains(word))
    };
    let asking: Vec<String> = files
        .iter()
        .map(|file| (file, file.strip_prefix(root().join("src")).expect("inside")))
        .filter(|(_, name)| !name.starts_with("store/influx"))
        .filter(|(file, _)| asks(file))
        .map(|(_, name)| name.display().to_string())
        .collect();
    assert!(
        asking.iter().any(|name| name == "office/overview.rs"),
        "{asking:?}"
    );
    let wrong: Vec<&String> = asking
        .iter()
        .filter(|name| !may.iter().any(|may| name.starts_with(may)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_folder_under_src_is_on_the_map() {
    let rooms = table();
    for entry in fs::read_dir(root().join("src")).expect("src") {
        let entry = entry.expect("entry");
        if entry.path().is_dir() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(
                rooms.contains_key(&name),
                "src/{name} is not in ARCHITECTURE.md's table"
            );
        }
    }
}

#[test]
fn domain_stays_pure() {
    let manifest = fs::read_to_string(root().join("src/domain/Cargo.toml")).expect("manifest");
    let dependencies: BTreeSet<&str> = manifest
        .split("[dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .expect("dependencies")
        .lines()
        .filter_map(|l| l.split(['.', ' ', '=']).next())
        .filter(|w| !w.is_empty())
        .collect();
    assert_eq!(
        dependencies,
        BTreeSet::from(["jiff", "rust_decimal", "thiserror"])
    );
    let mut files = Vec::new();
    sources(&folder("domain"), &mut files);
    for file in files {
        let code = code_of(&file);
        for forbidden in [
            "f32",
            "f64",
            "HashMap",
            "HashSet",
            "std::fs",
            "std::net",
            "SystemTime",
            "Timestamp::now",
            "Zoned::now",
            "async fn",
            "println!",
            "std::env",
        ] {
            assert!(
                !code.contains(forbidden),
                "{} contains `{forbidden}`",
                file.display()
            );
        }
    }
}

#[test]
fn only_the_clock_asks_what_time_it_is() {
    for room in [
        "domain", "journal", "records", "store", "office", "report", "web",
    ] {
        let mut files = Vec::new();
        sources(&folder(room), &mut files);
        for file in files {
            let code = code_of(&file);
            for asks in ["SystemTime::now", "Timestamp::now", "Zoned::now"] {
                assert!(
                    !code.contains(asks),
                    "{} asks the time with `{asks}`",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn nothing_is_unsafe_and_lint_exceptions_give_a_reason() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    sources(&root().join("firmware-bridge"), &mut files);
    for file in files {
        let code = code_of(&file);
        assert!(!code.contains("unsafe {"), "{}", file.display());
        assert!(
            !code.contains("#[allow("),
            "{}: use #[expect(…, reason = …)]",
            file.display()
        );
    }
}
