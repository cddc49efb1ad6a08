//! A strict stub of InfluxDB 2: its status codes, its annotated CSV, its points in memory.
//!
//! Lines are read by InfluxData's own parser. A line that cannot be read refuses the whole body
//! (400, nothing written); a field of another type than before is left out (422, the rest written).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use influxdb_line_protocol::{FieldValue, parse_lines};
use serde_json::{Value as Json, json};

use super::{
    asked::{self, Answered, Cell, Question},
    http::{self, Answer, Asked},
};

pub const TOKEN: &str = "bucket-token";
pub const OPERATOR: &str = "operator-token";
pub const ORG: &str = "energy";
pub const BUCKET: &str = "solar";

/// How the stub behaves; for writes unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mood {
    Well,
    Status(u16),
    Hang(Duration),
    Garbage,
    /// Writes and questions are answered with these bytes, whatever they are.
    Says(Vec<u8>),
    /// Writes are done, and the answer is lost.
    Forgetful,
    /// Bodies longer than so many bytes are too large.
    Narrow(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Int(i64),
    Text(String),
}

/// Between the tags of a series in memory.
const BETWEEN: char = '\u{1f}';

/// Measurement and tags as one text, field, time in ms.
pub type Key = (String, String, i64);

pub struct State {
    pub mood: Mood,
    pub points: BTreeMap<Key, Field>,
    /// Whether a field of a measurement is a text.
    pub texts: BTreeMap<(String, String), bool>,
    pub writes: u64,
    pub lines: u64,
    pub onboarded: bool,
    pub buckets: Vec<String>,
    pub tokens: Vec<String>,
}

#[derive(Clone)]
pub struct Stub {
    pub url: String,
    state: Arc<Mutex<State>>,
}

impl Stub {
    /// A server that has been set up.
    pub fn start() -> Stub {
        let stub = Stub::start_new();
        {
            let mut state = stub.state();
            state.onboarded = true;
            state.buckets.push(BUCKET.into());
            state.tokens.push(TOKEN.into());
        }
        stub
    }

    /// A server that nobody has set up.
    pub fn start_new() -> Stub {
        let state = Arc::new(Mutex::new(State {
            mood: Mood::Well,
            points: BTreeMap::new(),
            texts: BTreeMap::new(),
            writes: 0,
            lines: 0,
            onboarded: false,
            buckets: Vec::new(),
            tokens: Vec::new(),
        }));
        let mut stub = Stub {
            url: String::new(),
            state,
        };
        let of = stub.clone();
        stub.url = http::serve(move |asked| of.answer(asked));
        stub
    }

    /// What it answers, for another door than its own.
    pub fn answer(&self, asked: &Asked) -> Answer {
        answer(&self.state, asked)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn mood(&self, mood: Mood) {
        self.state().mood = mood;
    }
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    Answer::Plain(
        status,
        json!({"code": code, "message": message}).to_string(),
    )
}

fn answer(state: &Mutex<State>, asked: &Asked) -> Answer {
    let mut state = state.lock().unwrap();
    let is_write = asked.path == "/api/v2/write";
    let is_query = asked.path == "/api/v2/query";
    match state.mood.clone() {
        Mood::Status(status) if is_write => {
            return error(status, "stub", "as the test wants it");
        }
        Mood::Hang(time) if is_write || is_query => {
            drop(state);
            return Answer::Hang(time);
        }
        Mood::Garbage if is_write || is_query => {
            return Answer::Raw(b"\x15\x03\x01\x00\x02 this is no HTTP\r\n\r\n".to_vec());
        }
        Mood::Says(bytes) if is_write || is_query => return Answer::Raw(bytes),
        Mood::Narrow(bytes) if is_write && asked.body.len() > bytes => {
            return error(
                413,
                "request too large",
                "unable to read data: points batch is too large",
            );
        }
        _ => {}
    }
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/health") => Answer::Plain(
            200,
            r#"{"name":"influxdb","message":"ready for queries and writes","status":"pass","checks":[],"version":"v2.7.12","commit":"ec9dcde5d6"}"#.into(),
        ),
        ("GET", "/ready") => Answer::Plain(200, r#"{"status":"ready"}"#.into()),
        ("GET", "/api/v2/setup") => {
            Answer::Plain(200, json!({"allowed": !state.onboarded}).to_string())
        }
        ("POST", "/api/v2/setup") => onboard(&mut state, asked),
        _ if asked.token.is_empty() || !state.tokens.contains(&asked.token) => {
            error(401, "unauthorized", "unauthorized access")
        }
        ("POST", "/api/v2/write") => write(&mut state, asked),
        ("POST", "/api/v2/query") => query(&state, asked),
        ("GET", "/api/v2/orgs") => Answer::Plain(
            200,
            json!({"orgs": [{"id": "0a", "name": ORG}]}).to_string(),
        ),
        ("GET", "/api/v2/buckets") => {
            let name = asked.parameter("name");
            let found: Vec<Json> = state
                .buckets
                .iter()
                .filter(|bucket| name.is_empty() || *bucket == name)
                .map(|bucket| bucket_json(bucket))
                .collect();
            Answer::Plain(200, json!({"buckets": found}).to_string())
        }
        ("POST", "/api/v2/buckets") => {
            let body: Json = serde_json::from_slice(&asked.body).unwrap();
            let name = body["name"].as_str().unwrap().to_owned();
            if state.buckets.contains(&name) {
                return error(422, "conflict", "bucket with name already exists");
            }
            state.buckets.push(name.clone());
            Answer::Plain(201, bucket_json(&name).to_string())
        }
        ("POST", "/api/v2/authorizations") => {
            let body: Json = serde_json::from_slice(&asked.body).unwrap();
            let only_buckets = body["permissions"].as_array().unwrap().iter().all(|p| {
                p["resource"]["type"] == "buckets" && p["resource"]["id"].is_string()
            });
            assert!(only_buckets, "a token for one bucket: {body}");
            state.tokens.push(TOKEN.into());
            Answer::Plain(
                201,
                json!({"id": "0c", "orgID": "0a", "permissions": body["permissions"], "token": TOKEN})
                    .to_string(),
            )
        }
        _ => error(404, "not found", "path not found"),
    }
}

fn bucket_json(name: &str) -> Json {
    json!({"id": "0b", "orgID": "0a", "name": name, "type": "user",
        "retentionRules": [{"type": "expire", "everySeconds": 0}]})
}

fn onboard(state: &mut State, asked: &Asked) -> Answer {
    if state.onboarded {
        return error(422, "conflict", "onboarding has already been completed");
    }
    let body: Json = serde_json::from_slice(&asked.body).unwrap();
    if body["password"].as_str().is_none_or(|p| p.len() < 8) {
        return error(
            400,
            "invalid",
            "passwords must be at least 8 characters long",
        );
    }
    state.onboarded = true;
    state.tokens.push(OPERATOR.into());
    state.buckets.push(body["bucket"].as_str().unwrap().into());
    Answer::Plain(
        201,
        json!({"user": {"id": "0d", "name": body["username"]},
            "org": {"id": "0a", "name": body["org"]},
            "bucket": bucket_json(body["bucket"].as_str().unwrap()),
            "auth": {"id": "0e", "orgID": "0a", "permissions": [], "token": OPERATOR}})
        .to_string(),
    )
}

fn write(state: &mut State, asked: &Asked) -> Answer {
    let bucket = asked.parameter("bucket").to_owned();
    if asked.parameter("org") != ORG || !state.buckets.contains(&bucket) {
        return error(404, "not found", "bucket not found");
    }
    assert_eq!(asked.parameter("precision"), "ms");
    let Ok(text) = std::str::from_utf8(&asked.body) else {
        return error(400, "invalid", "not UTF-8");
    };
    let mut points = Vec::new();
    for line in parse_lines(text) {
        let line = match line {
            Ok(line) => line,
            Err(why) => return error(400, "invalid", &format!("unable to parse: {why}")),
        };
        let mut series = line.series.measurement.to_string();
        for (key, value) in line.series.tag_set.iter().flatten() {
            series += &format!("{BETWEEN}{key}={value}");
        }
        let Some(time) = line.timestamp else {
            return error(400, "invalid", "a point without a time");
        };
        for (field, value) in &line.field_set {
            let value = match value {
                FieldValue::I64(number) => Field::Int(*number),
                FieldValue::String(text) => Field::Text(text.to_string()),
                other => return error(400, "invalid", &format!("we never write {other:?}")),
            };
            points.push(((series.clone(), field.to_string(), time), value));
        }
        state.lines += 1;
    }
    let mut conflict = false;
    for (key, value) in points {
        let measurement = key.0.split(BETWEEN).next().unwrap_or_default();
        let is_text = matches!(value, Field::Text(_));
        let place = (measurement.to_owned(), key.1.clone());
        if *state.texts.entry(place).or_insert(is_text) != is_text {
            conflict = true;
            continue;
        }
        state.points.insert(key, value);
    }
    state.writes += 1;
    if state.mood == Mood::Forgetful {
        return Answer::Raw(Vec::new());
    }
    if conflict {
        return error(
            422,
            "unprocessable entity",
            "failure writing points to database: partial write: field type conflict",
        );
    }
    Answer::Plain(204, String::new())
}

fn query(state: &State, asked: &Asked) -> Answer {
    let body: Json = serde_json::from_slice(&asked.body).unwrap();
    let flux = body["query"].as_str().unwrap();
    let Some(question) = asked::read(flux) else {
        return error(400, "invalid", "compilation failed");
    };
    if !state.buckets.contains(&question.bucket) {
        // Found out while running: 200, and the error in a table.
        return Answer::Plain(
            200,
            "#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,could not find bucket,897\r\n\r\n".into(),
        );
    }
    Answer::Plain(200, asked::csv(&question, &answer_to(state, &question)))
}

fn answer_to(state: &State, question: &Question) -> Vec<Answered> {
    let mut groups: BTreeMap<Vec<String>, Vec<(i64, &Field)>> = BTreeMap::new();
    for ((series, field, time), value) in &state.points {
        let mut parts = series.split(BETWEEN);
        let is_wanted = parts.next() == Some(&question.measurement)
            && *field == question.field
            && (question.start_ms..question.stop_ms).contains(time);
        let tags: BTreeMap<&str, &str> = parts.filter_map(|tag| tag.split_once('=')).collect();
        if is_wanted
            && question
                .tags
                .iter()
                .all(|(key, wanted)| tags.get(key.as_str()) == Some(&wanted.as_str()))
        {
            let by = question
                .by
                .iter()
                .map(|key| {
                    tags.get(key.as_str())
                        .copied()
                        .unwrap_or_default()
                        .to_owned()
                })
                .collect();
            groups.entry(by).or_default().push((*time, value));
        }
    }
    let mut rows = Vec::new();
    for (by, mut points) in groups {
        points.sort_unstable_by_key(|(time, _)| *time);
        let (time_ms, last) = points[points.len() - 1];
        let cell = |value: &Field| match value {
            Field::Int(number) => Cell::Long(*number),
            Field::Text(text) => Cell::Text(text.clone()),
        };
        let number = |value: &Field| match value {
            Field::Int(number) => *number,
            Field::Text(_) => 0,
        };
        let one = |value| Answered {
            by: by.clone(),
            time_ms,
            value,
        };
        match question.wants.as_str() {
            "count" => rows.push(one(Cell::Long(points.len() as i64))),
            "sum" => {
                let sum = points
                    .iter()
                    .fold(0_i64, |sum, (_, value)| sum.wrapping_add(number(value)));
                rows.push(one(Cell::Long(sum)));
            }
            "last" => rows.push(one(cell(last))),
            _ => rows.extend(points.into_iter().map(|(time_ms, value)| Answered {
                by: by.clone(),
                time_ms,
                value: cell(value),
            })),
        }
    }
    rows
}
