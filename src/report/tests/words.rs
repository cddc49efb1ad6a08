//! What the report says.

use commonwatt_report::generation::Progress;
use domain::{metering::Quality, quantity::WattHours};

use crate::support::samples;

#[test]
fn brixton_energy_solar_1_in_2013_reads_as_it_was_in_print() {
    let report = samples::bes1_2013();
    assert_eq!(
        report.sentence(),
        "In 2013 the roof of Elmore House made 32,586 kWh, 21.1 % more than forecast."
    );
    assert_eq!(
        report.paragraph(),
        "Elmore House has 37.24 kilowatt-peak (kWp) of panels. They made 32,586 kilowatt-hours \
         (kWh) where 26,913 kWh were forecast: 5,673 kWh more, or +21.1 %. That is 875 kWh for \
         each kWp. Export earned £322. It is what 10 average UK homes use in a year [1], enough \
         to boil 217,240 kettles [2], and it avoided 14,516 kg of CO2 [3]."
    );
}

#[test]
fn little_energy_is_less_than_one_and_never_zero_homes() {
    let mut report = samples::bes1_2013();
    report.totals.homes = Some("0".parse().unwrap());
    report.totals.kettles = Some("0".parse().unwrap());
    report.totals.co2_kg = Some("0".parse().unwrap());
    let paragraph = report.paragraph();
    assert!(
        paragraph.ends_with(
            "It is less than one average UK home uses in a year [1], less than it takes to boil one \
             kettle [2], and it avoided less than 1 kg of CO2 [3]."
        ),
        "{paragraph}"
    );
}

#[test]
fn a_name_with_an_article_stands_in_a_sentence_as_people_say_it() {
    let mut report = samples::bes1_2013();
    for (name, words) in [
        ("The roof", "In 2013 the roof made 32,586 kWh"),
        (
            "The Old Library",
            "In 2013 the roof of the Old Library made",
        ),
        ("Roof 3", "In 2013 Roof 3 made"),
        ("Theatre", "In 2013 the roof of Theatre made"),
    ] {
        report.place = Some(name.to_owned());
        assert!(
            report.sentence().starts_with(words),
            "{}",
            report.sentence()
        );
    }
}

#[test]
fn a_year_below_forecast_says_less() {
    let mut report = samples::bes1_2013();
    report.totals.difference = Some(WattHours(-1_000_000));
    report.totals.difference_percent = Some("-3.7".parse().unwrap());
    assert!(report.sentence().ends_with("3.7 % less than forecast."));
    assert!(report.paragraph().contains(": 1,000 kWh less, or −3.7 %."));
    report.totals.difference_percent = Some("0.0".parse().unwrap());
    assert!(report.sentence().ends_with("32,586 kWh, as forecast."));
}

#[test]
fn a_year_that_is_not_complete_says_at_least_and_how_many_days() {
    let report = samples::bes2_with_gaps();
    assert_eq!(
        report.sentence(),
        "In 2013 the five roofs of Brixton Energy Solar 2 made at least 26,828 kWh (derived, \
         SAMPLE): 327 of 365 days are complete."
    );
    assert!(
        report
            .paragraph()
            .contains("counting what is missing as nothing")
    );
}

#[test]
fn gaps_held_reads_samples_and_stand_ins_are_stated() {
    let remarks = samples::bes2_with_gaps().remarks();
    assert_eq!(
        remarks,
        [
            "1,781 half hours are missing. They are not known, they are not zero, and no figure \
             here counts them.",
            "Styles Gardens, block 3: 14 March 2013, 10:00 to 12:30 (5 half hours)",
            "Styles Gardens, block 3: 3 to 9 June 2013 (336 half hours), inverter fault",
            "Styles Gardens, block 3: November 2013 (1,440 half hours), gateway without power",
            "2 held reads wait for a person to decide; until then they are not counted.",
            "SAMPLE: measured on a roof in Bath and scaled to this roof's kWp.",
            "After 10 May 2018 the same calendar day of 2016 stands in.",
        ]
    );
}

#[test]
fn each_row_says_how_well_it_is_known() {
    let known: Vec<String> = samples::bes2_with_gaps()
        .lines()
        .into_iter()
        .map(|line| line.known)
        .collect();
    assert_eq!(known[0], "actual");
    assert_eq!(known[2], "actual, 30 of 31 days; 2 reads held");
    assert_eq!(known[5], "derived, 23 of 30 days");
    assert_eq!(known[10], "no reads");

    let days: Vec<String> = samples::a_month_by_day()
        .lines()
        .into_iter()
        .map(|line| line.known)
        .collect();
    assert_eq!(days[11], "no reads");
    assert_eq!(days[12], "actual, 11 half hours missing");
}

#[test]
fn a_month_that_still_runs_compares_nothing() {
    let report = samples::this_month();
    assert_eq!(
        report.sentence(),
        "So far in June 2013 the roof of Elmore House made 1,600 kWh of the 3,391 kWh forecast."
    );
    assert!(!report.paragraph().contains("or +"));
    let lines = report.lines();
    assert_eq!(lines[10].known, "actual, so far");
    assert_eq!(
        (lines[11].made.as_str(), lines[11].known.as_str()),
        ("", "to come")
    );
}

#[test]
fn nothing_known_is_said_and_never_zero() {
    let mut report = samples::bes1_2013();
    report.totals = commonwatt_report::generation::Totals::default();
    for row in &mut report.rows {
        (row.generated, row.quality, row.progress) = (None, Quality::Missing, Progress::Over);
    }
    assert_eq!(
        report.sentence(),
        "In 2013 nothing is known of what the roof of Elmore House made."
    );
    assert_eq!(report.total_line().made, "");
    assert_eq!(report.total_line().known, "no reads");
}
