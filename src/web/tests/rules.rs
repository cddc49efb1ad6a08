//! What holds for every route.

use axum::{
    http::{Method, StatusCode, header},
    routing::MethodFilter,
};

use super::stage::{DIAL, HELD, Stage, photo};
use crate::web::policy::{ROUTES, Who};

/// An address that a row answers with 200.
pub fn example(path: &str) -> String {
    let query = match path.ends_with("/flows") {
        true => "?counts=export",
        false => "",
    };
    let path = path
        .replace("{slug}", "bes1")
        .replace("{site}", "elmore-house")
        .replace("{period}", "2016")
        .replace("{*name}", "live.js")
        .replace("{meter}/{register}/{at}/{wh}", HELD)
        .replace("{meter}/{register}/{at}", DIAL)
        .replace("{meter}", "SAMPLE-BES1-1")
        .replace("{installation}", "elmore-house-fit")
        .replace("{host}", "elmore-house-landlord")
        .replace("{from}/{to}", "2016-06-02/2016-06-10")
        .replace("{table}", "uplifts")
        .replace("{sha256}", &photo().sha256())
        .replace("{run}", "1")
        .replace("{number}", "1")
        .replace("{member}", "4")
        .replace("{kind}", "outcome")
        .replace("{what}", "grant")
        .replace("{ballot}", "1")
        .replace("{published}", "1.json")
        .replace("{papers}", "ballot-papers")
        .replace("{year}", "2016")
        .replace("{file}", "2016.csv")
        .replace("{sheet}", "1.pdf")
        .replace("{of}", "index.csv")
        .replace("{order}", "1")
        .replace("{letter}", "1")
        .replace("{paper}", "hmrc-2015.csv")
        .replace("{sha256}", "00ff");
    path + query
}

/// Rows that anybody can open.
fn open_rows() -> impl Iterator<Item = &'static crate::web::policy::Row> {
    let open = [Who::Public, Who::Loopback, Who::Door];
    ROUTES
        .iter()
        .filter(move |row| open.contains(&row.who) && row.method == MethodFilter::GET)
}

#[tokio::test]
async fn every_open_row_answers_and_only_to_its_methods() {
    let stage = Stage::elmore_house();
    stage.with_ballot();
    stage.with_roll();
    stage.with_business();
    stage.with_returns();
    for row in open_rows() {
        let path = example(row.path);
        let peer = match row.who {
            Who::Public => "192.0.2.7:4000",
            _ => "127.0.0.1:4000",
        };
        let answer = stage.open(Method::GET, &path, &[], peer).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let posted = ROUTES
            .iter()
            .any(|other| other.path == row.path && other.method == MethodFilter::POST);
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            if posted && method == Method::POST {
                continue;
            }
            let refused = stage.open(method.clone(), &path, &[], peer).await;
            assert_eq!(
                refused.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert!(
                refused.headers().contains_key(header::ALLOW),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_same_headers() {
    let stage = Stage::elmore_house();
    let paths = ROUTES
        .iter()
        .map(|row| example(row.path))
        .chain(["/nothing".to_owned(), "/s/none".to_owned()]);
    for path in paths {
        let answer = stage.open(Method::GET, &path, &[], "127.0.0.1:4000").await;
        let policy = answer
            .headers()
            .get(header::CONTENT_SECURITY_POLICY)
            .expect("a policy");
        assert_eq!(
            policy,
            "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
            "{path}"
        );
        assert_eq!(
            answer.headers()[header::X_CONTENT_TYPE_OPTIONS],
            "nosniff",
            "{path}"
        );
        assert_eq!(
            answer.headers()[header::REFERRER_POLICY],
            "same-origin",
            "{path}"
        );
    }
}

#[tokio::test]
async fn head_gives_the_head_of_what_get_gives() {
    let stage = Stage::elmore_house();
    for (path, status) in [
        ("/", StatusCode::OK),
        ("/s/bes1/reports/2016.csv", StatusCode::OK),
        ("/nothing", StatusCode::NOT_FOUND),
    ] {
        let head = stage.ask(Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.text.as_str()), (status, ""), "{path}");
        assert_eq!(
            head.header(header::CONTENT_TYPE),
            stage.get(path).await.header(header::CONTENT_TYPE),
            "{path}"
        );
    }
}

#[tokio::test]
async fn machinery_answers_only_to_its_own_machine() {
    let stage = Stage::elmore_house();
    let table = [
        ("127.0.0.1:4000", None, StatusCode::OK),
        ("[::1]:4000", None, StatusCode::OK),
        ("[::ffff:127.0.0.1]:4000", None, StatusCode::OK),
        ("192.0.2.7:4000", None, StatusCode::FORBIDDEN),
        ("127.0.0.1:4000", Some("203.0.113.9"), StatusCode::FORBIDDEN),
    ];
    for (peer, through, status) in table {
        let name = header::HeaderName::from_static("x-forwarded-for");
        let headers: Vec<_> = through.iter().map(|from| (name.clone(), *from)).collect();
        let answer = stage.open(Method::GET, "/metrics", &headers, peer).await;
        assert_eq!(answer.status(), status, "{peer} {through:?}");
    }
}

#[test]
fn no_two_rows_have_the_same_address_and_method() {
    let mut rows: Vec<String> = ROUTES
        .iter()
        .map(|row| format!("{} {:?}", row.path, row.method))
        .collect();
    rows.sort_unstable();
    assert!(rows.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn routes_are_made_in_the_table_and_nowhere_else() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web");
    for file in std::fs::read_dir(folder).expect("the room") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|ending| ending != "rs") || path.ends_with("policy.rs") {
            continue;
        }
        let code = std::fs::read_to_string(&path).expect("code");
        for word in [".route(", ".nest(", ".fallback("] {
            assert!(!code.contains(word), "{} has {word}", path.display());
        }
    }
}

#[tokio::test]
async fn health_gives_its_reasons() {
    let stage = Stage::elmore_house();
    let well = stage.get("/healthz").await;
    assert_eq!((well.status, well.text.as_str()), (StatusCode::OK, "ok\n"));
    let ill =
        Stage::with_health(|| vec!["the journal of `bes1` takes nothing: disk full".to_owned()]);
    let answer = ill.get("/healthz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.text,
        "the journal of `bes1` takes nothing: disk full\n"
    );
}

#[tokio::test]
async fn a_panic_becomes_a_page_that_says_what_to_do() {
    let stage = Stage::with_health(|| panic!("a bug"));
    let answer = stage.get("/healthz").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("We could not make this page."));
    assert!(answer.text.contains("Try again in a minute."));
    assert!(!answer.text.contains("a bug"), "details stay in the log");
}
