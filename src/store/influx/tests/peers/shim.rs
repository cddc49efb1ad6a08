//! InfluxDB 1.6.7 as if it were version 2: paths and codes rewritten, our own questions as InfluxQL.

use serde_json::Value as Json;

use super::{
    asked::{self, Answered, Cell},
    http::{self, Answer, Asked},
};

/// Serves in front of the server on `port`; gives the address.
pub fn start(port: u16) -> String {
    http::serve(move |asked| answer(port, asked).unwrap_or_else(|| Answer::Raw(Vec::new())))
}

fn answer(port: u16, asked: &Asked) -> Option<Answer> {
    match asked.path.as_str() {
        "/health" | "/ready" => {
            let (status, _) = http::ask(port, "GET", "/ping", b"").ok()?;
            Some(Answer::Plain(
                if status == 204 { 200 } else { 503 },
                r#"{"name":"influxdb","status":"pass","checks":[],"version":"1.6.7"}"#.into(),
            ))
        }
        "/api/v2/write" => {
            let target = format!(
                "/write?db={}&precision={}",
                http::encoded(asked.parameter("bucket")),
                asked.parameter("precision")
            );
            let (status, body) = http::ask(port, "POST", &target, &asked.body).ok()?;
            // Version 1 says 400 where version 2 says 422.
            let status = match status {
                400 if body.contains("partial write") => 422,
                other => other,
            };
            Some(Answer::Plain(status, body))
        }
        "/api/v2/query" => {
            let body: Json = serde_json::from_slice(&asked.body).ok()?;
            let Some(question) = asked::read(body["query"].as_str()?) else {
                return Some(Answer::Plain(400, r#"{"code":"invalid"}"#.into()));
            };
            let field = match question.wants.as_str() {
                "points" => format!("\"{}\"", question.field),
                call => format!("{call}(\"{}\")", question.field),
            };
            let mut text = format!(
                "SELECT {field} FROM \"{}\" WHERE time >= {}ms AND time < {}ms",
                question.measurement, question.start_ms, question.stop_ms
            );
            for (key, value) in &question.tags {
                let value = value.replace('\\', "\\\\").replace('\'', "\\'");
                text += &format!(" AND \"{key}\" = '{value}'");
            }
            if !question.by.is_empty() {
                text += &format!(" GROUP BY \"{}\"", question.by.join("\",\""));
            }
            let target = format!(
                "/query?db={}&epoch=ms&q={}",
                http::encoded(&question.bucket),
                http::encoded(&text)
            );
            let (_, body) = http::ask(port, "GET", &target, b"").ok()?;
            let answered: Json = serde_json::from_str(&body).ok()?;
            let mut rows = Vec::new();
            for series in answered["results"][0]["series"]
                .as_array()
                .into_iter()
                .flatten()
            {
                for value in series["values"].as_array()? {
                    rows.push(Answered {
                        by: question
                            .by
                            .iter()
                            .map(|key| series["tags"][key].as_str().unwrap_or_default().to_owned())
                            .collect(),
                        time_ms: value[0].as_i64()?,
                        value: match &value[1] {
                            Json::String(text) => Cell::Text(text.clone()),
                            number => Cell::Long(number.as_i64()?),
                        },
                    });
                }
            }
            Some(Answer::Plain(200, asked::csv(&question, &rows)))
        }
        _ => Some(Answer::Plain(404, r#"{"code":"not found"}"#.into())),
    }
}

/// Makes the database that stands for a bucket.
pub fn make_bucket(port: u16, name: &str) {
    let text = http::encoded(&format!("CREATE DATABASE \"{name}\""));
    let (status, body) = http::ask(port, "POST", &format!("/query?q={text}"), b"").unwrap();
    assert_eq!(status, 200, "{body}");
}
