//! What a picture must carry: bars, both axes with their units, a text alternative.

use commonwatt_report::{
    chart::{Setting, Shape},
    generation::GenerationReport,
};
use roxmltree::{Document, Node};

use crate::support::samples;

const BOTH: [Shape; 2] = [Shape::Wide, Shape::Tall];

fn drawn(report: &GenerationReport, shape: Shape) -> String {
    report.chart().svg(shape, Setting::Inline("c")).unwrap()
}

fn of_class<'a>(picture: &'a Document, class: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    let all = picture.descendants();
    all.filter(move |node| node.attribute("class") == Some(class))
}

fn texts(picture: &Document) -> Vec<String> {
    let all = picture
        .descendants()
        .filter(|node| node.has_tag_name("text"));
    all.filter_map(|node| node.text().map(|text| text.trim().to_owned()))
        .collect()
}

#[test]
fn a_year_has_one_bar_a_month_and_one_outline_a_month() {
    for shape in BOTH {
        let svg = drawn(&samples::bes1_2013(), shape);
        let picture = Document::parse(&svg).unwrap();
        let swatch = 1;
        assert_eq!(of_class(&picture, "f-made").count(), 12 + swatch);
        let words = texts(&picture);
        for month in ["January", "May", "September", "December"] {
            assert!(words.contains(&month.to_owned()), "{month} is spelt");
        }
        assert!(
            words.contains(&"5,048".to_owned()),
            "figures sit on the bars"
        );
        assert!(
            words.contains(&"+45 %".to_owned()),
            "so does the difference"
        );
    }
}

#[test]
fn both_axes_say_what_they_count_and_zero_is_on_them() {
    for shape in BOTH {
        let svg = drawn(&samples::bes1_2013(), shape);
        let picture = Document::parse(&svg).unwrap();
        let words = texts(&picture);
        assert!(words.iter().any(|text| text.contains("kWh")));
        assert!(words.contains(&"Month of 2013".to_owned()));
        assert!(words.contains(&"0".to_owned()));
    }
}

#[test]
fn the_picture_can_be_heard() {
    let svg = drawn(&samples::bes2_with_gaps(), Shape::Wide);
    let picture = Document::parse(&svg).unwrap();
    let root = picture.root_element();
    assert_eq!(root.attribute("role"), Some("img"));
    assert_eq!(root.attribute("aria-labelledby"), Some("c-title c-desc"));
    let heard = |name: &str| {
        let node = root
            .children()
            .find(|node| node.has_tag_name(name))
            .unwrap();
        node.text().unwrap_or_default().to_owned()
    };
    assert_eq!(
        heard("title"),
        "Brixton Energy Solar 2: made and forecast by month, 2013"
    );
    let told = heard("desc");
    assert!(told.starts_with("In 2013 the five roofs"));
    assert!(told.contains("The most was 4,543 kWh (July)"));
    assert!(told.contains(
        "Not complete: March (30 of 31 days), June (23 of 30 days) and November (no reads)."
    ));
}

#[test]
fn a_gap_is_hatched_and_named_and_has_no_bar() {
    for shape in BOTH {
        let svg = drawn(&samples::bes2_with_gaps(), shape);
        let picture = Document::parse(&svg).unwrap();
        let swatches = 2;
        assert_eq!(of_class(&picture, "f-made").count(), 11 + swatches);
        assert!(of_class(&picture, "s-hatch").count() > 5);
        let words = texts(&picture);
        assert!(words.contains(&"no reads".to_owned()));
        assert!(words.iter().any(|text| text.starts_with("23 of 30")));
        assert!(words.contains(&"SAMPLE".to_owned()));
    }
}

#[test]
fn days_to_come_have_a_forecast_and_no_gap() {
    let svg = drawn(&samples::this_month(), Shape::Wide);
    let picture = Document::parse(&svg).unwrap();
    assert_eq!(of_class(&picture, "s-hatch").count(), 0);
    assert!(!texts(&picture).contains(&"no reads".to_owned()));
}

#[test]
fn a_file_of_its_own_has_paper_and_a_title_that_can_be_seen() {
    let svg = samples::bes1_2013().svg().unwrap();
    let picture = Document::parse(&svg).unwrap();
    assert!(texts(&picture).contains(&"Elmore House: made and forecast by month, 2013".to_owned()));
    assert!(picture.root_element().attribute("width").is_some());
    assert!(!svg.contains("<style"));
}

#[test]
fn the_days_curve_marks_hours_power_clear_sky_and_gap() {
    for shape in BOTH {
        let svg = samples::a_day().svg(shape, Setting::Inline("d")).unwrap();
        let picture = Document::parse(&svg).unwrap();
        let words = texts(&picture);
        for expected in [
            "Power, kW",
            "Hour of 4 July 2013",
            "a clear sky",
            "no reads",
            "12:00",
        ] {
            assert!(words.contains(&expected.to_owned()), "{expected}");
        }
    }
}

#[test]
fn a_day_of_fifty_half_hours_shows_one_o_clock_twice_and_ends_at_midnight() {
    let mut day = samples::a_day();
    day.day = "2023-10-29".parse().unwrap();
    day.clear_sky.resize(50, domain::quantity::Watts(0));
    let svg = day.svg(Shape::Wide, Setting::Inline("d")).unwrap();
    let picture = Document::parse(&svg).unwrap();
    let hours: Vec<String> = texts(&picture)
        .into_iter()
        .filter(|text| text.ends_with(":00"))
        .collect();
    let every_third = [
        "00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00",
    ];
    assert_eq!(hours, every_third);
}

#[test]
fn ten_years_stand_side_by_side_and_the_year_with_a_hole_says_so() {
    let svg = drawn(&samples::ten_years(), Shape::Wide);
    let picture = Document::parse(&svg).unwrap();
    let swatches = 2;
    assert_eq!(of_class(&picture, "f-made").count(), 10 + swatches);
    let words = texts(&picture);
    assert!(words.contains(&"2017".to_owned()) && words.contains(&"341 of 365".to_owned()));
    assert!(words.contains(&"Year".to_owned()));
}

#[test]
fn the_days_curve_comes_with_the_same_numbers_in_a_table() {
    let html = samples::a_day().html_figure("day").unwrap();
    assert!(html.contains("<th scope=\"row\">12:00</th>"));
    assert!(html.contains("no reads") && html.contains("to come"));
    assert!(
        !html.contains("<th scope=\"row\">00:00</th>"),
        "the night is left out"
    );
}
