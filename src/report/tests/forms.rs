//! Each form of the report, whole.

use commonwatt_report::generation::Format;

use crate::support::samples;

#[test]
fn the_report_as_text() {
    insta::assert_snapshot!("bes1_2013_text", samples::bes1_2013().text());
    insta::assert_snapshot!("bes2_with_gaps_text", samples::bes2_with_gaps().text());
}

#[test]
fn the_report_as_csv() {
    let csv = samples::bes2_with_gaps().csv().unwrap();
    assert_eq!(csv.matches("\r\n").count(), 13, "a head and twelve months");
    assert!(!csv.replace("\r\n", "").contains('\n'));
    insta::assert_snapshot!("bes2_with_gaps_csv", csv.replace("\r\n", "\n"));
}

#[test]
fn the_report_as_json() {
    insta::assert_snapshot!(
        "bes2_with_gaps_json",
        samples::bes2_with_gaps().json().unwrap()
    );
}

#[test]
fn the_json_has_the_fields_of_the_contract() {
    let json: serde_json::Value =
        serde_json::from_str(&samples::bes1_2013().json().unwrap()).unwrap();
    let expected = serde_json::json!({
        "generated_wh": 32_586_000,
        "forecast_wh": 26_913_000,
        "difference_wh": 5_673_000,
        "difference_percent": "21.1",
        "specific_yield_kwh_per_kwp": 875,
        "homes": 10,
        "kettles": 217_240,
        "co2_kg": 14_516,
        "export_pence": 32_200,
        "missing_periods": [],
        "complete": true,
        "kwp": "37.24",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&json[field], value, "{field}");
    }
    assert_eq!(json["rows"].as_array().unwrap().len(), 12);
    let june = &json["rows"][5];
    assert_eq!(june["label"], "June");
    assert_eq!(
        (&june["start"], &june["end"]),
        (&"2013-06-01".into(), &"2013-06-30".into())
    );
    assert_eq!(june["quality"], "actual");
    assert_eq!(json["factors"]["co2"]["value"], "0.44548");
    assert_eq!(json["factors"]["kettle"]["unit"], "kWh per kettle");
}

#[test]
fn a_spreadsheet_takes_no_text_for_a_formula() {
    let formulas = [
        "=1+1",
        "+44 20",
        "-1",
        "@SUM(A1)",
        "\t=1",
        " =HYPERLINK(\"x\")",
        "＝1",
    ];
    for formula in formulas {
        let mut report = samples::bes1_2013();
        report.rows[0].notes = vec![formula.to_owned()];
        let csv = report.csv().unwrap();
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        assert_eq!(&record[13], commonwatt_report::sheet::harmless(formula));
        assert!(record[13].starts_with('\''));
    }
    let mut report = samples::bes1_2013();
    report.rows[0].notes = vec!["fault, \"east\" string\nsee log".to_owned()];
    let csv = report.csv().unwrap();
    assert!(
        csv.contains("\"fault, \"\"east\"\" string\nsee log\""),
        "RFC 4180"
    );
    assert!(csv.contains(",-93000,-10.3,"), "numbers stay numbers");
}

#[test]
fn the_page_stands_alone_and_keeps_a_strict_content_policy() {
    let page = samples::bes2_with_gaps().render(Format::Html).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en-GB\">"));
    for forbidden in ["<script", " style=", "onclick", "http://fonts", "src=\""] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(!page.contains("url(\"fonts/"), "type is inside the page");
    assert!(page.contains("<h1 class=\"sentence\">In 2013 the five roofs"));
    let fragment = samples::bes2_with_gaps().html_fragment().unwrap();
    for part in ["<h1 ", "<figure>", "<table>", "<caption>", "How we know"] {
        assert_eq!(fragment.matches(part).count(), 1, "{part}");
    }
    let sentence = fragment.find("<h1").unwrap();
    let picture = fragment.find("<figure>").unwrap();
    let table = fragment.find("<table>").unwrap();
    let working = fragment.find("How we know").unwrap();
    assert!(sentence < picture && picture < table && table < working);
}

#[test]
fn every_footnote_leads_to_a_source_on_the_same_page() {
    let fragment = samples::bes1_2013().html_fragment().unwrap();
    for number in 1..=3 {
        assert!(fragment.contains(&format!("href=\"#factor-{number}\"")));
        assert!(fragment.contains(&format!("id=\"factor-{number}\"")));
    }
    assert!(fragment.contains("from memory: check"));
}

#[test]
fn names_with_markup_stay_names_in_every_form() {
    let mut report = samples::bes1_2013();
    report.society = "A & B <Solar>".to_owned();
    report.place = Some("\"Elmore\" <b>House</b>".to_owned());
    let page = report.html_page().unwrap();
    assert!(
        !page.contains("<b>House") && page.contains("&lt;b&gt;House") || page.contains("&#60;b")
    );
    roxmltree::Document::parse(&report.svg().unwrap()).unwrap();
}

#[test]
fn files_are_named_by_society_and_period() {
    let report = samples::bes1_2013();
    assert_eq!(report.file_name(Format::Csv), "bes1-generation-2013.csv");
    assert_eq!(
        samples::a_month_by_day().file_name(Format::Text),
        "bes1-generation-2013-06.txt"
    );
}
