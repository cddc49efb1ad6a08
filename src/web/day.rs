//! The day's curve: what the roofs gave by half hour, against a clear sky.

use report::{chart::DayCurve, words};

use super::{trouble::Trouble, view::live};
use office::{charts::Told, overview::DaySoFar};

/// The figure, ready for a page; `who` as it stands in the middle of a sentence.
pub fn figure(who: &str, day: &DaySoFar) -> Result<String, Trouble> {
    let curve = DayCurve {
        title: format!("{}: {who}", words::date(day.day)),
        description: description(who, day),
        day: day.day,
        zone: day.zone.clone(),
        made: day.made.clone(),
        clear_sky: day.clear_sky.clone(),
        sample: day.sample,
    };
    curve.html_figure("day").map_err(Trouble::ours)
}

fn description(who: &str, day: &DaySoFar) -> String {
    let (made, sky) = day.energy();
    let mark = if day.sample { " (SAMPLE)" } else { "" };
    let mut text = match day.until() {
        Some(until) => {
            let until = words::clock(day.zone.wall_clock(until));
            let made = live::kwh(made);
            match sky.0 {
                0 => format!("By {until} {who} had made {made} kWh{mark}; the sun was not up yet."),
                _ => format!(
                    "By {until} {who} had made {made} kWh{mark}; a clear sky would have given {} kWh.",
                    live::kwh(sky)
                ),
            }
        }
        None => "No half hour of today is known yet.".to_owned(),
    };
    if !day.silent.is_empty() {
        text.push_str(&format!(
            " Without {}, of which no read has reached us today.",
            words::list(&day.silent)
        ));
    }
    text.push_str(match day.told {
        Told::Own => "",
        Told::Influx => {
            " This chart is read from InfluxDB; reports and claims are made from our own record."
        }
        Told::OwnInstead(_) => {
            " InfluxDB does not answer as it should at present; this chart is from our own record."
        }
    });
    text
}
