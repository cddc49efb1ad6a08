//! Every role, every route, every method: the exact status, reckoned from the policy table alone.

use axum::{
    http::{Method, StatusCode},
    routing::MethodFilter,
};
use identity::Role;

use super::{rules::example, stage::Stage};
use crate::web::policy::{API, ROUTES, Row, Who};

/// Somebody who asks: nobody, a member, an officer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asker {
    Nobody,
    Member,
    Officer(Role),
}

fn admitted(asker: Asker, row: &Row) -> Result<(), StatusCode> {
    let refused = match (row.who, asker) {
        (Who::Public | Who::Loopback | Who::Door, _) => return Ok(()),
        (_, Asker::Nobody) if row.path.starts_with(API) => StatusCode::UNAUTHORIZED,
        (_, Asker::Nobody) if row.method == MethodFilter::GET => StatusCode::SEE_OTHER,
        (_, Asker::Nobody) => StatusCode::UNAUTHORIZED,
        (Who::User, _) | (Who::Member | Who::SureMember, Asker::Member) => return Ok(()),
        (Who::Member | Who::SureMember, _) if row.path.contains("{member}") => {
            StatusCode::NOT_FOUND
        }
        (Who::Officer(right) | Who::Sure(right), Asker::Officer(role)) if role.may(right) => {
            return Ok(());
        }
        _ => StatusCode::FORBIDDEN,
    };
    Err(refused)
}

/// What a form without a field is answered with, once its sender is admitted.
fn of_empty_form(row: &Row) -> StatusCode {
    match row.path {
        "/log-out" => StatusCode::SEE_OTHER,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

#[tokio::test]
async fn every_role_every_route_every_method() {
    let stage = Stage::elmore_house();
    stage.with_roll();
    stage.with_business();
    stage.with_ballot();
    stage.with_work();
    stage.with_returns();
    let officers: Vec<_> = Role::ALL
        .into_iter()
        .map(|role| {
            // The first one set up is one who gives rights.
            (role, format!("{role}-1"))
        })
        .collect();
    stage.user("first", &["administrator"]);
    let mut askers = vec![(Asker::Nobody, String::new())];
    for (role, id) in &officers {
        let secret = stage.user(id, &[role.word()]);
        askers.push((Asker::Officer(*role), stage.log_in(id, Some(&secret)).await));
    }
    stage.member("bes1-4", "bes1", 4);
    askers.push((Asker::Member, stage.log_in("bes1-4", None).await));
    // Logging out comes last: it ends what the others need.
    let mut rows: Vec<&Row> = ROUTES.iter().collect();
    rows.sort_by_key(|row| row.path == "/log-out");
    let mut asked = 0;
    for (asker, cookie) in &askers {
        for row in &rows {
            let path = example(row.path);
            let of_row = admitted(*asker, row);
            let (method, expected) = match row.method {
                MethodFilter::GET => (Method::GET, of_row.err().unwrap_or(StatusCode::OK)),
                _ => (Method::POST, of_row.err().unwrap_or(of_empty_form(row))),
            };
            let answer = stage.with(method.clone(), &path, "", cookie, &[]).await;
            assert_eq!(answer.status, expected, "{asker:?} {method} {path}");
            if !matches!(row.who, Who::Public | Who::Loopback) {
                let kept = answer.header(axum::http::header::CACHE_CONTROL);
                assert_eq!(kept, "no-store", "{asker:?} {method} {path}");
            }
            let all = [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS];
            for method in all {
                let answer = stage.with(method.clone(), &path, "", cookie, &[]).await;
                let status = StatusCode::METHOD_NOT_ALLOWED;
                assert_eq!(answer.status, status, "{asker:?} {method} {path}");
            }
            asked += 5;
        }
    }
    assert!(asked >= askers.len() * ROUTES.len());
}
