//! Server-sent events.

use std::time::Duration;

use axum::{
    body::BodyDataStream,
    http::{Method, StatusCode, header},
};
use tokio::time::timeout;
use tokio_stream::StreamExt;

use super::stage::Stage;
use crate::web::live::MOST_STREAMS;

const LONG: Duration = Duration::from_secs(20);

async fn listen(stage: &Stage, path: &str, last_id: Option<&str>) -> BodyDataStream {
    let name = header::HeaderName::from_static("last-event-id");
    let headers: Vec<_> = last_id.iter().map(|id| (name.clone(), *id)).collect();
    let answer = stage
        .open(Method::GET, path, &headers, "192.0.2.7:4000")
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/event-stream");
    assert!(!answer.headers().contains_key(header::ETAG));
    assert!(!answer.headers().contains_key(header::CONTENT_ENCODING));
    answer.into_body().into_data_stream()
}

/// The next event that is not a sign of life; none when the stream ended.
async fn next(events: &mut BodyDataStream) -> Option<String> {
    loop {
        let bytes = timeout(LONG, events.next())
            .await
            .expect("an event in time")?;
        let text = String::from_utf8(bytes.expect("bytes").to_vec()).expect("text");
        if !text.starts_with(':') {
            return Some(text);
        }
    }
}

#[tokio::test]
async fn a_stream_begins_with_what_is_known_now() {
    let stage = Stage::elmore_house();
    let mut home = listen(&stage, "/live", None).await;
    let event = next(&mut home).await.expect("an event");
    assert!(
        event.contains("event: live") && event.contains("id: "),
        "{event}"
    );
    assert!(
        event.contains(
            "\"home.sentence\":\"1 society with 1 roof has made 65.0\u{a0}kWh today (SAMPLE).\""
        ),
        "{event}"
    );
    assert!(
        event.contains(r#""age_s":{"bes1":900}"#) || event.contains(r#""age_s":{"bes1":90"#),
        "{event}"
    );
    let mut society = listen(&stage, "/s/bes1/live", None).await;
    let event = next(&mut society).await.expect("an event");
    for key in [
        "bes1.now",
        "bes1.today",
        "bes1.sentence",
        "bes1/elmore-house.now",
        "bes1/elmore-house.sentence",
    ] {
        assert!(event.contains(&format!("\"{key}\":")), "{key} in {event}");
    }
}

#[tokio::test]
async fn a_new_read_is_told_and_a_complete_half_hour_makes_pages_look_again() {
    let stage = Stage::elmore_house();
    let mut events = listen(&stage, "/s/bes1/live", None).await;
    assert!(
        next(&mut events)
            .await
            .expect("an event")
            .contains("\"bes1.today\":\"65.0\"")
    );
    stage.import("2016-06-15T13:00:00Z", "2016-06-15T13:00:00Z");
    let event = next(&mut events).await.expect("an event");
    assert!(
        event.contains("event: live") && event.contains("\"bes1.today\":\"70.0\""),
        "{event}"
    );
    let society = stage.office.society("bes1").expect("bes1");
    for _ in 0..2 {
        society.projector().flush().expect("flushed");
    }
    let event = next(&mut events).await.expect("an event");
    assert!(event.contains("event: refetch"), "{event}");
}

#[tokio::test]
async fn whoever_comes_back_after_a_restart_looks_again() {
    let stage = Stage::elmore_house();
    let mut events = listen(&stage, "/s/bes1/live", Some("1-7-30")).await;
    assert!(
        next(&mut events)
            .await
            .expect("an event")
            .contains("event: live")
    );
    assert!(
        next(&mut events)
            .await
            .expect("an event")
            .contains("event: refetch")
    );
}

#[tokio::test]
async fn streams_end_at_shutdown() {
    let stage = Stage::elmore_house();
    let mut events = listen(&stage, "/live", None).await;
    next(&mut events).await.expect("an event");
    stage.stop.send(true).expect("told");
    assert_eq!(next(&mut events).await, None);
}

#[tokio::test]
async fn one_stream_too_many_is_told_to_come_back_and_a_left_seat_is_free() {
    let stage = Stage::elmore_house();
    let mut all = Vec::new();
    for _ in 0..MOST_STREAMS {
        all.push(listen(&stage, "/live", None).await);
    }
    let refused = stage
        .open(Method::GET, "/live", &[], "192.0.2.7:4000")
        .await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()[header::RETRY_AFTER], "60");
    drop(all.pop());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut events = listen(&stage, "/live", None).await;
    assert!(
        next(&mut events)
            .await
            .expect("an event")
            .contains("event: live")
    );
}
