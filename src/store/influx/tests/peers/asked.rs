//! Our own Flux, read back: only the shapes that `flux.rs` can emit; anything else is refused.

/// What a question asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    pub bucket: String,
    pub start_ms: i64,
    pub stop_ms: i64,
    pub measurement: String,
    pub field: String,
    pub tags: Vec<(String, String)>,
    pub by: Vec<String>,
    /// `count`, `sum`, `last` or `points`.
    pub wants: String,
}

/// Reads a question.
pub fn read(flux: &str) -> Option<Question> {
    let mut question = Question::default();
    for line in flux.lines() {
        let line = line.trim().trim_start_matches("|> ");
        let (call, rest) = line.split_once('(')?;
        let rest = rest.strip_suffix(')')?;
        match call {
            "from" => question.bucket = strings(rest).pop()?,
            "range" => {
                let (start, stop) = rest.split_once(", ")?;
                question.start_ms = time(start.strip_prefix("start: ")?)?;
                question.stop_ms = time(stop.strip_prefix("stop: ")?)?;
            }
            "filter" => {
                for part in rest.strip_prefix("fn: (r) => ")?.split(" and ") {
                    let (what, _) = part.split_once(" == ")?;
                    let mut words = strings(part);
                    let value = words.pop()?;
                    match what {
                        "r._measurement" => question.measurement = value,
                        "r._field" => question.field = value,
                        _ => question.tags.push((words.pop()?, value)),
                    }
                }
            }
            "group" => question.by = strings(rest),
            "count" | "sum" | "last" => call.clone_into(&mut question.wants),
            "limit" => "points".clone_into(&mut question.wants),
            "keep" | "sort" => {}
            _ => return None,
        }
    }
    (!question.wants.is_empty()).then_some(question)
}

/// The string literals of a text, unescaped.
fn strings(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut chars = text.chars();
    while chars.any(|c| c == '"') {
        let mut word = String::new();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => match chars.next() {
                    Some('n') => word.push('\n'),
                    Some('x') => {
                        let hex: String = chars.by_ref().take(2).collect();
                        word.push(char::from(u8::from_str_radix(&hex, 16).unwrap()));
                    }
                    Some(c) => word.push(c),
                    None => {}
                },
                c => word.push(c),
            }
        }
        found.push(word);
    }
    found
}

fn time(text: &str) -> Option<i64> {
    text.parse::<domain::calendar::Instant>()
        .ok()
        .map(|at| at.0)
}

/// One row of an answer.
#[derive(Clone, Debug)]
pub struct Answered {
    pub by: Vec<String>,
    pub time_ms: i64,
    pub value: Cell,
}

/// One value of an answer; those of one answer are all of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Long(i64),
    Text(String),
}

/// Rows as a server of version 2 writes them.
pub fn csv(question: &Question, rows: &[Answered]) -> String {
    let timed = matches!(question.wants.as_str(), "last" | "points");
    let (mut datatype, mut group, mut default, mut names) = (
        "#datatype,string,long".to_owned(),
        "#group,false,false".to_owned(),
        "#default,_result,".to_owned(),
        ",result,table".to_owned(),
    );
    for name in &question.by {
        datatype += ",string";
        group += ",true";
        default += ",";
        names += &format!(",{name}");
    }
    if timed {
        datatype += ",dateTime:RFC3339";
        group += ",false";
        default += ",";
        names += ",_time";
    }
    let texts = matches!(
        rows.first(),
        Some(Answered {
            value: Cell::Text(_),
            ..
        })
    );
    datatype += if texts { ",string" } else { ",long" };
    group += ",false";
    default += ",";
    names += ",_value";
    let mut text = format!("{datatype}\r\n{group}\r\n{default}\r\n{names}\r\n");
    for (table, row) in rows.iter().enumerate() {
        text += &format!(",,{table}");
        for value in &row.by {
            text += &format!(",\"{}\"", value.replace('"', "\"\""));
        }
        if timed {
            text += &format!(",{}", domain::calendar::Instant(row.time_ms));
        }
        text += &match &row.value {
            Cell::Long(number) => format!(",{number}\r\n"),
            Cell::Text(text) => format!(",\"{}\"\r\n", text.replace('"', "\"\"")),
        };
    }
    if rows.is_empty() {
        return "\r\n".to_owned();
    }
    text + "\r\n"
}
