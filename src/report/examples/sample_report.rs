//! Prints Brixton Energy Solar 1's generation report for 2013 in every form into a folder, beside
//! a year with gaps, a month by day, ten years and a day's curve: to look at, and to hang up.
//!
//! The year's two totals are those in print; how they fall on the months is a sample.
//!
//!     cargo run -p commonwatt-report --example sample_report -- /tmp/reports

use std::{fs, path::PathBuf};

use commonwatt_report::{
    chart::{Setting, Shape},
    generation::Format,
};

#[path = "../tests/support/samples.rs"]
mod samples;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    fs::create_dir_all(&folder)?;
    let reports = [
        samples::bes1_2013(),
        samples::bes2_with_gaps(),
        samples::a_month_by_day(),
        samples::ten_years(),
        samples::this_month(),
    ];
    for report in reports {
        for format in [
            Format::Text,
            Format::Html,
            Format::Svg,
            Format::Csv,
            Format::Json,
        ] {
            fs::write(
                folder.join(report.file_name(format)),
                report.render(format)?,
            )?;
        }
    }
    let curve = samples::a_day();
    for (name, shape) in [("day.svg", Shape::Wide), ("day-tall.svg", Shape::Tall)] {
        fs::write(folder.join(name), curve.svg(shape, Setting::File)?)?;
    }
    Ok(())
}
