//! Reports and their downloads.

use super::stage::{NOW, Stage};
use axum::http::{StatusCode, header};

#[tokio::test]
async fn a_report_page_leads_to_its_downloads_and_neighbours() {
    let stage = Stage::elmore_house();
    let page = stage.get("/s/bes1/reports/2016").await;
    assert_eq!(page.status, StatusCode::OK);
    for ending in ["svg", "csv", "json", "txt", "html"] {
        let link = format!(
            "href=\"/s/bes1/reports/2016.{ending}\" download=\"bes1-generation-2016.{ending}\""
        );
        assert!(page.text.contains(&link), "{link}");
    }
    assert!(
        page.text
            .contains("<a href=\"/s/bes1/reports/2015\" rel=\"prev\">2015</a>")
    );
    assert!(!page.text.contains("rel=\"next\""), "2017 has not begun");
    let month = stage.get("/s/bes1/reports/2016-05").await;
    assert!(
        month
            .text
            .contains("<a href=\"/s/bes1/reports/2016-06\" rel=\"next\">June 2016</a>")
    );
}

#[tokio::test]
async fn each_form_downloads_as_what_it_is() {
    let stage = Stage::elmore_house();
    let table = [
        (
            "/s/bes1/reports/2016.csv",
            "text/csv",
            "bes1-generation-2016.csv",
        ),
        (
            "/s/bes1/reports/2016.svg",
            "image/svg+xml",
            "bes1-generation-2016.svg",
        ),
        (
            "/s/bes1/reports/2016.json",
            "application/json",
            "bes1-generation-2016.json",
        ),
        (
            "/s/bes1/reports/2016.txt",
            "text/plain; charset=utf-8",
            "bes1-generation-2016.txt",
        ),
        (
            "/s/bes1/reports/2016-06.html",
            "text/html; charset=utf-8",
            "bes1-generation-2016-06.html",
        ),
        (
            "/s/bes1/reports/2016-06-01..2016-06-07.csv",
            "text/csv",
            "bes1-generation-2016-06-01_2016-06-07.csv",
        ),
        (
            "/s/bes1/sites/elmore-house/reports/2016-06.csv",
            "text/csv",
            "bes1-elmore-house-generation-2016-06.csv",
        ),
    ];
    for (path, kind, name) in table {
        let file = stage.get(path).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert!(
            file.header(header::CONTENT_TYPE).starts_with(kind),
            "{path}"
        );
        assert_eq!(
            file.header(header::CONTENT_DISPOSITION),
            format!("attachment; filename=\"{name}\"")
        );
        assert!(!file.text.is_empty(), "{path}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&stage.get("/s/bes1/reports/2016-06-02.json").await.text)
            .expect("JSON");
    assert_eq!(json["generated_wh"], 120_000, "twelve hours of 10 kW");
}

#[tokio::test]
async fn a_period_that_is_none_is_404() {
    let stage = Stage::elmore_house();
    for period in [
        "nonsense",
        "2016-13",
        "2016-06-31",
        "16",
        "2016..2015",
        "..",
        ".csv",
        "2016.xlsx",
        "2016-06.csv.csv",
        "0000",
        "2016-06-01..",
        "%20",
        "1900..2099",
        "-001",
    ] {
        let page = stage.get(&format!("/s/bes1/reports/{period}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{period}");
        assert!(page.text.contains("There is no report for"), "{period}");
        assert!(
            page.text.contains("<a href=\"/s/bes1\">Choose a year</a>"),
            "{period}"
        );
    }
    assert_eq!(
        stage.get("/s/bes1/sites/none/reports/2016").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn what_was_imported_after_a_look_is_in_the_next_one() {
    let stage = Stage::without_reads();
    let path = "/s/bes1/reports/2016.json";
    let made = |text: &str| {
        serde_json::from_str::<serde_json::Value>(text).expect("JSON")["generated_wh"].as_i64()
    };
    assert_eq!(made(&stage.get(path).await.text), None);
    stage.import("2016-06-01T00:00:00Z", NOW);
    assert_eq!(
        made(&stage.get(path).await.text),
        Some(14 * 120_000 + 65_000)
    );
}

#[tokio::test]
async fn a_year_nobody_can_know_has_no_report_and_says_which_have() {
    let stage = Stage::elmore_house();
    for year in ["1999", "2011", "2018", "2001-05"] {
        let page = stage.get(&format!("/s/bes1/reports/{year}")).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{year}");
        assert!(page.text.contains("expected years from"), "{}", page.text);
    }
    assert_eq!(
        stage.get("/s/bes1/reports/2017").await.status,
        StatusCode::OK
    );
}
