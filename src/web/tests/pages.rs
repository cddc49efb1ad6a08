//! What each page says.

use super::stage::{BES1, NOW, Stage};
use axum::http::{Method, StatusCode, header};

#[tokio::test]
async fn home_names_every_society_and_what_it_makes() {
    let stage = Stage::elmore_house();
    let page = stage.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text
            .contains("1 society with 1 roof has made 65.0\u{a0}kWh today (SAMPLE)."),
        "{}",
        page.text
    );
    assert!(
        page.text
            .contains("<a href=\"/s/bes1\">Brixton Energy Solar 1</a>")
    );
    assert!(page.text.contains("data-events=\"/live\""));
    assert!(page.text.contains("read 15 minutes ago from the meter"));
    assert!(
        page.text
            .contains("By 13:30 all roofs together had made 65.0 kWh (SAMPLE)")
    );
}

#[tokio::test]
async fn a_society_page_has_the_day_the_month_the_years_and_the_roofs() {
    let stage = Stage::elmore_house();
    let page = stage.get("/s/bes1").await;
    assert_eq!(page.status, StatusCode::OK);
    let text = &page.text;
    assert!(
        text.contains("So far in June 2016 the roof of Brixton Energy Solar 1 made 1,745"),
        "{text}"
    );
    assert!(text.contains("<th scope=\"row\"><a href=\"/s/bes1/reports/2016\">2016</a></th>"));
    assert!(
        !text.contains("/s/bes1/reports/2012\""),
        "nothing is known of 2012, although the meter was there"
    );
    assert!(text.contains("<a href=\"/s/bes1/sites/elmore-house\">Elmore House</a>"));
    assert!(text.contains("data-events=\"/s/bes1/live\""));
    assert!(text.contains("<a href=\"/s/bes1/reports/2016-06\">"));
    assert!(text.contains("id=\"day-wide"), "the day's curve");
    assert!(text.contains("id=\"month-wide"), "the month's chart");
}

#[tokio::test]
async fn a_roof_page_goes_down_to_the_meter() {
    let stage = Stage::elmore_house();
    let page = stage.get("/s/bes1/sites/elmore-house").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("37.24 kWp, in use since 23 April 2012"));
    assert!(page.text.contains("SAMPLE-BES1-1"));
    assert!(page.text.contains("51,745"), "{}", page.text);
    assert!(page.text.contains("15 June 2016, 13:30"));
    assert!(
        page.text
            .contains("/s/bes1/sites/elmore-house/reports/2016-06")
    );
}

#[tokio::test]
async fn every_page_has_the_notices_of_its_society() {
    let stage = Stage::elmore_house();
    let notices = stage
        .office
        .society("bes1")
        .expect("bes1")
        .known()
        .document
        .society
        .notice
        .clone();
    assert!(!notices.is_empty());
    for path in [
        "/",
        "/how",
        "/s/bes1",
        "/s/bes1/sites/elmore-house",
        "/s/bes1/reports/2016",
        "/s/bes1/sites/elmore-house/reports/2016-06",
    ] {
        let page = stage.get(path).await;
        let text = page
            .text
            .replace("<span class=\"sample\">SAMPLE</span>", "SAMPLE")
            .replace("&#39;", "'")
            .replace('\u{a0}', " ");
        for notice in &notices {
            assert_eq!(
                text.matches(&format!("SAMPLE: {notice}")).count(),
                1,
                "{path} says {notice}"
            );
        }
    }
}

#[tokio::test]
async fn a_name_with_markup_in_it_stays_a_name() {
    let file = BES1
        .replace(
            "name = \"Elmore House\"",
            "name = \"<script>alert(1)</script>\"",
        )
        .replace("Brixton Energy Solar 1\"", "<b>&\\\"1\"");
    let stage = Stage::of(&file);
    stage.import("2016-06-01T00:00:00Z", NOW);
    for path in [
        "/",
        "/s/bes1",
        "/s/bes1/sites/elmore-house",
        "/s/bes1/sites/elmore-house/reports/2016",
        "/s/bes1/reports/2016.html",
        "/s/bes1/sites/elmore-house/reports/2016.svg",
    ] {
        let page = stage.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(!page.text.contains("<script>alert"), "{path}");
        assert!(!page.text.contains("<b>"), "{path}");
    }
    let page = stage.get("/s/bes1/sites/elmore-house").await;
    assert!(
        page.text.contains("&#60;script&#62;alert(1)")
            || page.text.contains("&lt;script&gt;alert(1)"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn what_is_not_here_says_so_and_proposes_the_nearest() {
    let stage = Stage::elmore_house();
    let table = [
        (
            "/s/bes2",
            "There is no society called “bes2” here.",
            "Did you mean “bes1”?",
        ),
        (
            "/s/bes1/sites/elmor-house",
            "There is no roof called “elmor-house” here.",
            "/s/bes1/sites/elmore-house",
        ),
        (
            "/s/bes2/live",
            "There is no society called “bes2” here.",
            "Did you mean “bes1”?",
        ),
        (
            "/nothing",
            "There is no page at this address.",
            "All societies",
        ),
        (
            "/nothing/deeper",
            "There is no page at this address.",
            "All societies",
        ),
        (
            "/assets/none.css",
            "There is no page at this address.",
            "All societies",
        ),
        (
            "/s/%3Cscript%3E",
            "There is no society called “&#60;script&#62;” here.",
            "All societies",
        ),
    ];
    for (path, what, way_on) in table {
        let page = stage.get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.text.contains(what), "{path}: {}", page.text);
        assert!(page.text.contains(way_on), "{path}: {}", page.text);
        assert_eq!(
            page.header(header::CONTENT_TYPE),
            "text/html; charset=utf-8",
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_no_text_is_a_page_too() {
    let stage = Stage::elmore_house();
    let page = stage.get("/s/%ff").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert!(page.text.contains("This address cannot be read."));
}

#[tokio::test]
async fn a_page_that_did_not_change_is_not_sent_again() {
    let stage = Stage::elmore_house();
    let first = stage.get("/how").await;
    let tag = first.header(header::ETAG);
    assert!(tag.starts_with("W/\""), "{tag}");
    assert_eq!(first.header(header::CACHE_CONTROL), "no-cache");
    let again = stage
        .ask(Method::GET, "/how", &[(header::IF_NONE_MATCH, tag)])
        .await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.text.is_empty());
    assert_eq!(again.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    let other = stage
        .ask(Method::GET, "/how", &[(header::IF_NONE_MATCH, "W/\"0\"")])
        .await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn assets_with_their_hash_may_be_kept_for_a_year() {
    let stage = Stage::elmore_house();
    let page = stage.get("/s/bes1").await;
    for start in ["/assets/commonwatt.css?h=", "/assets/live.js?h="] {
        let at = page.text.find(start).expect(start);
        let address: String = page.text[at..].chars().take_while(|c| *c != '"').collect();
        let asset = stage.get(&address).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert!(asset.header(header::CACHE_CONTROL).contains("immutable"));
        let plain = stage.get(address.split('?').next().expect("a path")).await;
        assert_eq!(plain.header(header::CACHE_CONTROL), "no-cache");
        if start.contains("css") {
            assert!(
                asset.text.contains("woff2?h="),
                "type is named with its hash"
            );
        }
    }
    let icon = stage.get("/favicon.ico").await;
    assert_eq!(
        (icon.status, icon.header(header::CONTENT_TYPE)),
        (StatusCode::OK, "image/svg+xml")
    );
}

#[tokio::test]
async fn a_slash_too_many_leads_to_the_page() {
    let stage = Stage::elmore_house();
    for (path, to) in [
        ("/s/bes1/", "/s/bes1"),
        ("/s/bes1/sites/elmore-house//", "/s/bes1/sites/elmore-house"),
        ("/s/bes1/reports/2016/?x=1", "/s/bes1/reports/2016?x=1"),
    ] {
        let page = stage.get(path).await;
        assert_eq!(page.status, StatusCode::PERMANENT_REDIRECT, "{path}");
        assert_eq!(page.header(header::LOCATION), to, "{path}");
    }
    for path in ["//example.org/", "//", "/nothing"] {
        assert_eq!(
            stage.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[tokio::test]
async fn pages_are_packed_for_those_who_can_unpack() {
    let stage = Stage::elmore_house();
    let gzip = [(header::ACCEPT_ENCODING, "gzip")];
    for (path, packed) in [
        ("/s/bes1", "gzip"),
        ("/s/bes1/reports/2016.svg", "gzip"),
        (
            "/assets/fonts/atkinson-hyperlegible-next-latin-400-normal.woff2",
            "",
        ),
    ] {
        let page = stage.ask(Method::GET, path, &gzip).await;
        assert_eq!(page.header(header::CONTENT_ENCODING), packed, "{path}");
    }
}

#[tokio::test]
async fn an_office_without_societies_has_a_first_page() {
    let stage = Stage::empty();
    let page = stage.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert_eq!(stage.get("/s/bes1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_society_whose_first_read_is_still_to_come_has_its_pages() {
    let stage = Stage::without_reads();
    for path in [
        "/",
        "/s/bes1",
        "/s/bes1/sites/elmore-house",
        "/s/bes1/reports/2016",
        "/s/bes1/reports/2016-06",
    ] {
        let page = stage.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
    }
    let page = stage.get("/s/bes1").await;
    assert!(
        page.text
            .contains("No read of Brixton Energy Solar 1 has reached us today.")
    );
    assert!(!page.text.contains("Year by year"));
}
