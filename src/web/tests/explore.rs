//! The explorer: any days of a roof, as a visitor asks for them.

use axum::http::{StatusCode, header};

use super::stage::Stage;

const ROOF: &str = "/s/bes1/explore?site=elmore-house";

/// The column of a CSV, as numbers.
fn column(csv: &str, name: &str) -> Vec<Option<i64>> {
    let mut lines = csv.lines();
    let head: Vec<&str> = lines.next().expect("a head").split(',').collect();
    let place = head.iter().position(|one| *one == name).expect(name);
    lines
        .map(|line| line.split(',').nth(place).expect("a cell").parse().ok())
        .collect()
}

#[tokio::test]
async fn any_days_in_any_steps_add_up_to_the_same() {
    let stage = Stage::elmore_house();
    let days = "&from=2016-06-01&to=2016-06-14";
    let mut sums = Vec::new();
    for (step, rows) in [("period", 14 * 48), ("day", 14), ("month", 1), ("year", 1)] {
        let path = ROOF.replace("explore", "explore.csv");
        let file = stage.get(&format!("{path}{days}&step={step}")).await;
        assert_eq!(file.status, StatusCode::OK, "{}", file.text);
        let made = column(&file.text, "made_wh");
        assert_eq!(made.len(), rows, "{step}");
        sums.push(made.into_iter().flatten().sum::<i64>());
        let name = file.header(header::CONTENT_DISPOSITION);
        assert!(name.contains("bes1-elmore-house-2016-06-01-2016-06-14.csv"));
    }
    assert_eq!(sums, [14 * 120_000; 4], "10 kW from six to six");
    let page = stage.get(&format!("{ROOF}{days}")).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "made 1,680 kWh; ",
        "<svg",
        "<caption>The same figures by day</caption>",
        "Forecast, kWh",
        "explore.csv?site=elmore-house&#38;from=2016-06-01",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
}

#[tokio::test]
async fn days_to_come_are_empty_and_days_without_reads_are_named() {
    let stage = Stage::elmore_house();
    let page = stage
        .get(&format!("{ROOF}&from=2016-05-30&to=2016-06-30&step=day"))
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("no reads"), "30 May");
    assert!(page.text.contains("to come"), "30 June");
    assert!(page.text.contains("as far as it is known"));
}

#[tokio::test]
async fn a_year_of_half_hours_has_a_table_of_days_and_a_file_of_all() {
    let stage = Stage::elmore_house();
    let year = format!("{ROOF}&from=2015-07-01&to=2016-06-30&step=period");
    let page = stage.get(&year).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("the file has every half hour"));
    assert!(page.text.len() < 400_000, "{}", page.text.len());
    let file = stage.get(&year.replace("explore", "explore.csv")).await;
    assert!(column(&file.text, "made_wh").len() > 14 * 48);
}

#[tokio::test]
async fn what_cannot_be_shown_says_why_and_keeps_the_form() {
    let stage = Stage::elmore_house();
    for (query, words) in [
        ("&from=2016-06-02&to=2016-06-01", "lies after the last"),
        ("&from=yesterday", "yesterday"),
        (
            "&from=2010-01-01&to=2016-01-01&step=period",
            "expected 1 to 397",
        ),
        ("&step=week", "Week is no step"),
    ] {
        let page = stage.get(&format!("{ROOF}{query}")).await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(page.text.contains(words), "{query}: {}", page.text);
        assert!(page.text.contains("name=\"from\""), "the form stays");
    }
    let hostile = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let page = stage
        .get(&format!("/s/bes1/explore?site={hostile}&from={hostile}"))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(!page.text.contains("<script>alert"));
}
