//! `energy`.

use domain::{calendar::Period, metering::Quality};
use serde_json::{Value, json};

use super::{Desk, args};
use office::{
    Answer, Counts,
    answer::{OrCaller, refuse},
    energy::{By, EnergyRow, Place},
};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &args::Energy) -> Answer<()> {
    let of = &command.of;
    let (society, place) = match (&of.meter_point, &of.site, &of.society) {
        (Some(point), _, _) => (
            find(desk, command, |k| k.points.contains_key(point), point)?,
            Place::Point(point.clone()),
        ),
        (_, Some(site), _) => (
            find(desk, command, |k| k.sites.contains_key(site), site)?,
            Place::Site(site.clone()),
        ),
        (_, _, Some(slug)) => (desk.office.society(slug)?, Place::Society),
        _ => return refuse("say whose energy with --meter-point, --site or --society"),
    };
    let first: Period = command.from.parse().or_caller()?;
    let last: Period = command.to.parse().or_caller()?;
    let span = Period::Range {
        first: first.first_day(),
        last: last.last_day(),
    };
    if span.day_count() <= 0 {
        return refuse(format!(
            "`--from {}` lies after `--to {}`\nhint: both days are included; the first comes first",
            command.from, command.to
        ));
    }
    let counts = match command.counts {
        args::Counts::Generation => Counts::Generation,
        args::Counts::Export => Counts::Export,
        args::Counts::Import => Counts::Import,
    };
    let by = step(command.by);
    let energy = society.energy(&place, counts, span, by, desk.now)?;
    let (rows, total) = (energy.rows, energy.total);
    if desk.json() {
        return desk.document(&json!({
            "from": span.first_day().to_string(),
            "to": span.last_day().to_string(),
            "zone": society.known().zone.name(),
            "rows": rows.iter().map(row_json).collect::<Vec<_>>(),
            "total_wh": total.wh.0,
            "quality": total.quality().word(),
            "missing_half_hours": total.missing,
        }));
    }
    let lines: Vec<Value> = rows.iter().map(row_json).collect();
    desk.table(
        &["", "kWh", "quality", "missing half hours"],
        &lines,
        |row| {
            vec![
                row["label"].as_str().unwrap_or_default().to_owned(),
                row["wh"]
                    .as_i64()
                    .map(|wh| domain::quantity::WattHours(wh).kwh_text())
                    .unwrap_or_default(),
                row["quality"].as_str().unwrap_or_default().to_owned(),
                row["missing_half_hours"]
                    .as_u64()
                    .filter(|n| *n > 0)
                    .map(|n| n.to_string())
                    .unwrap_or_default(),
            ]
        },
    )?;
    desk.voice.data(&match total.quality() {
        Quality::Missing => "total: nothing is known\n".to_owned(),
        quality => format!("total {} ({})\n", total.wh.kwh_words(), quality.word()),
    });
    Ok(())
}

/// A step as it is typed.
pub(super) fn step(by: args::By) -> By {
    match by {
        args::By::Period => By::Period,
        args::By::Day => By::Day,
        args::By::Month => By::Month,
        args::By::Year => By::Year,
    }
}

fn row_json(row: &EnergyRow) -> Value {
    let known = row.energy.covered_ms > 0;
    json!({
        "label": row.label,
        "start": row.start.to_string(),
        "end": row.end.to_string(),
        "first_day": row.first_day.to_string(),
        "last_day": row.last_day.to_string(),
        "wh": known.then_some(row.energy.wh.0),
        "quality": row.energy.quality().word(),
        "half_hours": row.energy.half_hours,
        "missing_half_hours": row.energy.missing,
    })
}

fn find(
    desk: &Desk<'_>,
    command: &args::Energy,
    has: impl Fn(&office::Known) -> bool,
    name: &str,
) -> Answer<std::sync::Arc<office::SocietyOffice>> {
    if let Some(slug) = &command.in_society {
        return desk.office.society(slug);
    }
    let mut with = desk
        .office
        .societies()
        .into_iter()
        .filter(|s| has(&s.known()));
    match (with.next(), with.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => refuse(format!(
            "several societies have `{name}`\nhint: say which with --in-society"
        )),
        (None, _) => refuse(format!(
            "`{name}` is in no society file\nhint: `commonwatt site list` and `commonwatt meter list` show what there is"
        )),
    }
}
