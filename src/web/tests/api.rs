//! `/api/v1` as programs ask it.

use std::{collections::BTreeSet, fs, path::Path};

use axum::http::{Method, StatusCode, header};
use office::{
    doors::{Shown, Whence},
    energy::By,
    tokens::Reach,
};
use serde_json::Value;

use super::stage::{Answer, Stage};
use crate::web::{
    api::document,
    policy::{API, ROUTES},
};

/// Elmore House, its business, and a treasurer with a token of this reach.
fn with_token(reach: Option<&Reach>) -> (Stage, String) {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.with_business();
    stage.user("admin-1", &["administrator"]);
    stage.user("treasurer-1", &["treasurer"]);
    let made = stage
        .office
        .user_token("treasurer-1", "display", 30, reach, stage.now);
    (stage, made.expect("a token"))
}

async fn read(stage: &Stage, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let shown = match token {
        "" => &headers[..0],
        _ => &headers[..],
    };
    stage.with(Method::GET, path, "", "", shown).await
}

fn value(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    serde_json::from_str(&answer.text).expect("JSON")
}

fn problem(answer: &Answer, status: StatusCode) -> Value {
    assert_eq!(answer.status, status, "{}", answer.text);
    let kind = answer.header(header::CONTENT_TYPE);
    assert_eq!(kind, "application/problem+json");
    let problem: Value = serde_json::from_str(&answer.text).expect("JSON");
    assert_eq!(problem["status"], status.as_u16());
    for field in ["title", "detail", "hint"] {
        assert_ne!(problem[field], "", "{field}: {problem}");
    }
    problem
}

fn only(society: Option<&str>, site: Option<&str>, step: By) -> Reach {
    Reach {
        society: society.map(str::to_owned),
        site: site.map(str::to_owned),
        step,
    }
}

#[test]
fn the_committed_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let now = document::text().expect("a description");
    if std::env::var_os("COMMONWATT_WRITE").is_some() {
        fs::write(&path, now).expect("written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == now,
        "docs/openapi.json is not current\nhint: run this test with COMMONWATT_WRITE=1 and commit the file"
    );
}

#[test]
fn every_address_is_described_and_nothing_else() {
    let api: Value = serde_json::from_str(document::text().expect("text")).expect("JSON");
    let paths = api["paths"].as_object().expect("paths");
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    let own = format!("{API}/openapi.json");
    let rows: BTreeSet<&str> = ROUTES
        .iter()
        .map(|row| row.path)
        .filter(|path| path.starts_with(API) && *path != own)
        .collect();
    assert_eq!(described, rows);
    let ids: BTreeSet<&str> = paths
        .values()
        .map(|item| item["get"]["operationId"].as_str().expect("an id"))
        .collect();
    assert_eq!(
        ids.len(),
        rows.len(),
        "each operation has a name of its own"
    );
}

#[tokio::test]
async fn a_long_list_comes_in_pages_that_add_up() {
    let stage = Stage::elmore_house();
    let base = "/api/v1/societies/bes1/sites/elmore-house/energy?from=2016-06-01&to=2016-06-14";
    let whole = value(&read(&stage, &format!("{base}&step=period"), "").await);
    let all = whole["items"].as_array().expect("items");
    assert_eq!((all.len(), &whole["next"]), (14 * 48, &Value::Null));
    let (mut after, mut gathered) = (0, Vec::new());
    loop {
        let path = format!("{base}&step=period&limit=100&after={after}");
        let part = value(&read(&stage, &path, "").await);
        gathered.extend(part["items"].as_array().expect("items").clone());
        match part["next"].as_u64() {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(&gathered, all);
    let sum = |rows: &[Value]| {
        rows.iter()
            .filter_map(|row| row["wh"].as_i64())
            .sum::<i64>()
    };
    let days = value(&read(&stage, base, "").await);
    let days = days["items"].as_array().expect("items");
    assert_eq!((days.len(), sum(days)), (14, sum(all)));
    assert_eq!(sum(all), 14 * 120_000, "10 kW from six to six");
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_with_what_to_do() {
    let stage = Stage::elmore_house();
    let energy = "/api/v1/societies/bes1/energy";
    for (path, status, words) in [
        (format!("{energy}?step=hour"), 400, "hour"),
        (format!("{energy}?colour=red"), 400, "colour"),
        (format!("{energy}?from=2016-02-30"), 400, "2016-02-30"),
        (
            format!("{energy}?from=2016-06-02&to=2016-06-01"),
            400,
            "lies after",
        ),
        (format!("{energy}?limit=0"), 400, "expected 1 to 20000"),
        (
            format!("{energy}?step=period&from=2010-01-01&to=2016-01-01"),
            400,
            "at most 397",
        ),
        ("/api/v1/societies/bes9".to_owned(), 404, "bes9"),
        (
            "/api/v1/societies/bes1/sites/elmore-hose".to_owned(),
            404,
            "elmore-house",
        ),
        (
            "/api/v1/societies/bes1/reports/soon".to_owned(),
            404,
            "soon",
        ),
        ("/api/v1/nothing".to_owned(), 404, ""),
        ("/api/v1/societies/".to_owned(), 404, ""),
        ("/api/v1/societies/%ff/energy".to_owned(), 400, ""),
        ("/api/v1/me".to_owned(), 401, "token"),
    ] {
        let status = StatusCode::from_u16(status).expect("a status");
        let answer = read(&stage, &path, "").await;
        let told = problem(&answer, status).to_string();
        assert!(told.contains(words), "{path}: {told}");
    }
    let posted = stage.with(Method::POST, energy, "", "", &[]).await;
    problem(&posted, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(posted.header(header::ALLOW), "GET,HEAD");
}

#[tokio::test]
async fn a_token_reads_what_its_user_may_and_changes_nothing() {
    let (stage, token) = with_token(Some(&Reach::ALL));
    let me = value(&read(&stage, "/api/v1/me", &token).await);
    assert_eq!(me["user"], "treasurer-1");
    let held = value(&read(&stage, "/api/v1/societies/bes1/held", &token).await);
    assert_eq!(held["items"][0]["verdict"], "held");
    let runs = value(&read(&stage, "/api/v1/societies/bes1/interest-runs", &token).await);
    assert_eq!(runs["items"][0]["state"], "prepared");
    assert!(!runs.to_string().contains("basis"), "no member's line");
    // Its user is no council officer and no member.
    let stake = read(&stage, "/api/v1/societies/bes1/stake", &token).await;
    problem(&stake, StatusCode::FORBIDDEN);
    let path = "/api/v1/societies/bes1/members/4/holding";
    problem(&read(&stage, path, &token).await, StatusCode::NOT_FOUND);
    // It opens no page, and is no `--token-file` of a command.
    let desk = read(&stage, "/desk", &token).await;
    assert_eq!(desk.status, StatusCode::SEE_OTHER);
    let shown = Shown::Token(token.clone());
    let refused = stage
        .office
        .believe("treasurer-1", &shown, Whence::Machine, stage.now);
    let why = refused.expect_err("it only reads").to_string();
    assert!(why.contains("/api/v1"), "{why}");
    // Ended, it is none; the public addresses do not take a wrong one for nobody either.
    let ended = stage
        .office
        .end_user_token("treasurer-1", "display", "admin-1", stage.now);
    ended.expect("ended");
    for path in ["/api/v1/me", "/api/v1/societies"] {
        let answer = read(&stage, path, &token).await;
        problem(&answer, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer");
    }
}

#[tokio::test]
async fn the_bounds_of_a_token_hold_on_every_address() {
    let by_day = only(Some("bes1"), Some("elmore-house"), By::Day);
    let (stage, token) = with_token(Some(&by_day));
    let roof = "/api/v1/societies/bes1/sites/elmore-house";
    for path in [
        roof.to_owned(),
        format!("{roof}/energy?step=day"),
        format!("{roof}/flows?counts=export&step=month"),
        format!("{roof}/reports/2016-06"),
    ] {
        value(&read(&stage, &path, &token).await);
    }
    for path in [
        format!("{roof}/energy?step=period"),
        format!("{roof}/flows?counts=export&step=period"),
        format!("{roof}/now"),
        "/api/v1/societies/bes1".to_owned(),
        "/api/v1/societies/bes1/sites".to_owned(),
        "/api/v1/societies/bes1/claims".to_owned(),
        "/api/v1/societies/bes2".to_owned(),
        "/api/v1/societies/bes2/sites/elmore-house".to_owned(),
    ] {
        let refused = read(&stage, &path, &token).await;
        let told = problem(&refused, StatusCode::FORBIDDEN);
        assert!(told.to_string().contains("elmore-house"), "{path}: {told}");
    }
    let elsewhere = only(Some("bes2"), None, By::Period);
    let made = stage
        .office
        .user_token("treasurer-1", "other", 30, Some(&elsewhere), stage.now);
    let why = made.expect_err("no such society").to_string();
    assert!(why.contains("bes2"), "{why}");
    let by_year = only(Some("bes1"), None, By::Year);
    let made = stage
        .office
        .user_token("treasurer-1", "year", 30, Some(&by_year), stage.now);
    let token = made.expect("a token");
    let month = read(&stage, "/api/v1/societies/bes1/reports/2016", &token).await;
    problem(&month, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_is_not_believed_where_others_can_listen() {
    let (stage, token) = with_token(Some(&Reach::ALL));
    let bearer = format!("Bearer {token}");
    let headers = [(header::AUTHORIZATION, bearer.as_str())];
    let answer = stage.ask(Method::GET, "/api/v1/societies", &headers).await;
    problem(&answer, StatusCode::FORBIDDEN);
    assert_eq!(
        stage.get("/api/v1/societies").await.status,
        StatusCode::OK,
        "without one it is for everybody"
    );
}

#[tokio::test]
async fn a_member_reads_their_own_holding_with_a_session() {
    let (stage, _) = with_token(None);
    stage.member("bes1-4", "bes1", 4);
    let cookie = stage.log_in("bes1-4", None).await;
    let own = stage
        .see("/api/v1/societies/bes1/members/4/holding", &cookie)
        .await;
    let own = value(&own);
    assert_eq!((&own["member"], &own["sample"]), (&4.into(), &true.into()));
    let classes = own["classes"].as_array().expect("classes");
    let sum: i64 = classes.iter().filter_map(|one| one["pence"].as_i64()).sum();
    assert!(sum > 0 && own["total_pence"] == sum, "{own}");
    let other = stage
        .see("/api/v1/societies/bes1/members/5/holding", &cookie)
        .await;
    problem(&other, StatusCode::NOT_FOUND);
}
