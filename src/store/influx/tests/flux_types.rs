//! Every text of Flux that we can emit, type-checked by InfluxData's own compiler.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use domain::calendar::{Instant, Span};
use influx::flux::{Flux, Points, Total};

const HINT: &str = "hint: ./test installs it; by hand: npm install --prefix target/test-tools @influxdata/flux-lsp-node@0.8.40";

const CHECKER: &str = r#"
const { Flux } = require('@influxdata/flux-lsp-node');
let text = '';
process.stdin.on('data', (d) => { text += d; });
process.stdin.on('end', () => {
  const bad = [];
  for (const script of JSON.parse(text)) {
    try { if (!new Flux(script).is_valid()) bad.push(script); } catch (e) { bad.push(script + String(e)); }
  }
  console.log(JSON.stringify(bad));
});
"#;

fn all_shapes() -> Vec<String> {
    let odd = [
        "bes1",
        "a\"b",
        "back\\slash",
        "${r._value}",
        "new\nline",
        "\u{1}\u{7f}\u{85}",
        "Zähler 1",
        "// x",
    ];
    let spans = [
        (0, 1),
        (i64::MIN, i64::MAX),
        (1_364_688_000_123, 1_364_770_800_000),
    ];
    let mut texts = Vec::new();
    for word in odd {
        for (start, end) in spans {
            let tags = [("society", word), ("meter", word)];
            for tags in [&tags[..0], &tags[..1], &tags[..]] {
                let points = Points {
                    bucket: word,
                    measurement: word,
                    field: word,
                    tags,
                    span: Span {
                        start: Instant(start),
                        end: Instant(end),
                    },
                };
                for by in [&[][..], &["meter", "register"], &[word]] {
                    texts.push(Flux::totals(&points, by, Total::Count));
                    texts.push(Flux::totals(&points, by, Total::Sum));
                    texts.push(Flux::points(&points, by, 50_000));
                    texts.push(Flux::last(&points, by));
                }
            }
        }
    }
    texts.iter().map(|flux| flux.as_str().to_owned()).collect()
}

fn check(scripts: &[String]) -> Vec<serde_json::Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .unwrap();
    let tools = std::env::var("COMMONWATT_TEST_TOOLS")
        .map_or(root.join("target/test-tools"), |t| root.join(t));
    let modules = tools.join("node_modules");
    assert!(
        modules.join("@influxdata/flux-lsp-node").exists(),
        "@influxdata/flux-lsp-node is not in {}\n{HINT}",
        modules.display()
    );
    let mut node = Command::new("node")
        .args(["-e", CHECKER])
        .env("NODE_PATH", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("node: {e}\nhint: apt-get install nodejs npm"));
    let text = serde_json::to_string(scripts).unwrap();
    node.stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let out = node.wait_with_output().unwrap();
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn every_question_is_flux_that_compiles() {
    let texts = all_shapes();
    assert!(texts.len() > 800);
    let bad = check(&texts);
    assert!(
        bad.is_empty(),
        "{} of {}: {:#?}",
        bad.len(),
        texts.len(),
        bad.first()
    );
    // The compiler is awake: it finds a wrong argument and an unknown function.
    let wrong = [
        "from(bucket: \"b\") |> range(start: 2013-03-31T00:00:00Z) |> sum(colum: \"x\")".to_owned(),
        "from(bucket: \"b\") |> rangee(start: 1)".to_owned(),
    ];
    assert_eq!(check(&wrong).len(), 2);
}

/// A text with `${name}` and `${name:format}` as their names.
fn with_names(text: &str) -> String {
    let mut parts = text.split("${");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').expect("a variable ends");
        out += name.split(':').next().unwrap_or_default();
        out += rest;
    }
    out
}

/// The Flux of a dashboard, with what Grafana puts into it.
fn dashboards() -> Vec<String> {
    fn gather(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) if text.contains("(bucket: ") => {
                found.push(text.clone());
            }
            serde_json::Value::Array(all) => all.iter().for_each(|v| gather(v, found)),
            serde_json::Value::Object(all) => all.values().for_each(|v| gather(v, found)),
            _ => {}
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(3)
        .unwrap();
    let mut found = Vec::new();
    for file in std::fs::read_dir(root.join("packaging/grafana/dashboards")).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        gather(&serde_json::from_str(&text).unwrap(), &mut found);
    }
    let v = "v = {timeRangeStart: -7d, timeRangeStop: now(), windowPeriod: 1m}\n";
    let filled = |text: &String| {
        let text = with_names(text);
        match text.split_once('\n') {
            Some((import, rest)) if import.starts_with("import") => format!("{import}\n{v}{rest}"),
            _ => format!("{v}{text}"),
        }
    };
    found.iter().map(filled).collect()
}

#[test]
fn every_dashboard_asks_flux_that_compiles() {
    let texts = dashboards();
    assert!(texts.len() > 10);
    assert_eq!(check(&texts), [] as [serde_json::Value; 0]);
}
