//! Every page, filled with samples: it renders, and it keeps what all pages promise.

use askama::Template;

use super::{live, samples, *};
use domain::{
    metering::Quality,
    quantity::{WattHours, Watts},
};
use office::live::Now;

fn every_page() -> Vec<String> {
    let part = || "<p>a part</p>".to_owned();
    vec![
        samples::home().render().unwrap(),
        samples::society(Some(part()), part(), part())
            .render()
            .unwrap(),
        samples::roof().render().unwrap(),
        samples::report("<h1>The sentence.</h1>".to_owned())
            .render()
            .unwrap(),
        samples::how().render().unwrap(),
        samples::trouble().render().unwrap(),
    ]
}

#[test]
fn every_page_has_one_heading_its_language_and_no_code_of_its_own() {
    for page in every_page() {
        assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en-GB\">"));
        assert_eq!(page.matches("<h1").count(), 1, "{page}");
        assert_eq!(page.matches("<title>").count(), 1);
        for forbidden in [" style=", "<style", "onclick=", "javascript:"] {
            assert!(!page.contains(forbidden), "{forbidden} in {page}");
        }
        let scripts = page.matches("<script").count();
        assert_eq!(
            scripts,
            page.matches("<script type=\"module\" src=").count()
        );
    }
}

#[test]
fn only_a_live_page_loads_the_script_and_names_its_events() {
    let home = samples::home().render().unwrap();
    assert!(home.contains("data-events=\"/live\"") && home.contains("live.js"));
    assert!(home.contains("data-live=\"bes1.now\">12.4<"));
    assert!(home.contains("data-live-age=\"bes1\" data-age-s=\"12\">read 12 seconds ago"));
    assert!(home.contains("no read has reached us yet"));
    let how = samples::how().render().unwrap();
    assert!(!how.contains("data-events") && !how.contains("live.js"));
}

#[test]
fn names_are_escaped_on_the_page() {
    let mut page = samples::trouble();
    page.what = "There is no <script>alert(1)</script> roof.".to_owned();
    let html = page.render().unwrap();
    assert!(!html.contains("<script>alert"));
}

#[test]
fn a_sample_says_so_beside_the_number() {
    let home = samples::home().render().unwrap();
    assert!(home.contains("Now <span class=\"sample\">SAMPLE</span>"));
    assert!(home.contains("SAMPLE: the energy shown"));
}

#[test]
fn age_is_told_in_words() {
    let table = [
        (0, "read just now from the meter"),
        (12, "read 12 seconds ago from the meter"),
        (119, "read 119 seconds ago from the meter"),
        (120, "read 2 minutes ago from the meter"),
        (7_200, "read 2 hours ago from the meter"),
        (172_800, "read 2 days ago from the meter"),
    ];
    for (seconds, words) in table {
        assert_eq!(live::age_in_words(seconds), words);
    }
}

#[test]
fn the_sentence_says_what_is_known_and_no_more() {
    let known = |w: Option<i64>, wh: Option<i64>, quality| Now {
        power: w.map(Watts),
        today: wh.map(WattHours),
        quality,
        read_today: true,
        ..Now::NOTHING
    };
    let table = [
        (
            known(Some(12_440), Some(86_120), Quality::Actual),
            "Elmore House is making 12.4 kW right now and has made 86.1 kWh today.",
        ),
        (
            known(None, Some(86_120), Quality::Manual),
            "Elmore House has made 86.1 kWh today.",
        ),
        (
            known(None, Some(86_120), Quality::Derived),
            "Elmore House has made 86.1 kWh today (derived).",
        ),
        (
            known(Some(12_440), None, Quality::Missing),
            "Elmore House is making 12.4 kW right now; how much today is not known yet.",
        ),
        (
            known(None, None, Quality::Missing),
            "How much Elmore House has made today is not known yet.",
        ),
        (
            Now::NOTHING,
            "No read of Elmore House has reached us today.",
        ),
    ];
    for (known, words) in table {
        assert_eq!(society::sentence("Elmore House", &known, false), words);
    }
    let all = known(Some(41_200), Some(1_312_400), Quality::Derived);
    assert_eq!(
        home::sentence(3, 10, &all, true),
        "3 societies with 10 roofs are making 41.2 kW right now and have made 1,312 kWh today (derived, SAMPLE)."
    );
}
