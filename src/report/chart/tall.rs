//! The same bars for a phone: below each other, lying, names and figures beside them.

use super::{
    NotDrawn, Setting,
    bars::{Bar, BarChart, Hole, Scale, gap_ground, made},
    canvas::{At, Canvas, Frame, Role, bold, picture, plain},
};

const WIDTH: i32 = 360;
const LEFT: i32 = 92;
/// The same where names are figures.
const LEFT_OF_SHORT: i32 = 44;
const RIGHT: i32 = 74;
const TOP: i32 = 96;
const BOTTOM: i32 = 40;
/// The height of one step: more when words stand under its name.
const ROW: i32 = 40;
const ROW_OF_MANY: i32 = 28;
/// From this many steps on the rows stand closer.
const MANY: usize = 13;

pub(super) fn svg(chart: &BarChart, setting: Setting<'_>) -> Result<String, NotDrawn> {
    let row = if chart.bars.len() > MANY {
        ROW_OF_MANY
    } else {
        ROW
    };
    let rows = i32::try_from(chart.bars.len()).unwrap_or(i32::MAX / ROW);
    let height = TOP + rows * row + BOTTOM;
    let words = (chart.title.as_str(), chart.description.as_str());
    picture((WIDTH, height), words, setting, |canvas| {
        draw(chart, canvas, row)
    })
}

fn draw(chart: &BarChart, canvas: &Canvas<'_>, row: i32) -> Result<(), NotDrawn> {
    let rows = i32::try_from(chart.bars.len()).unwrap_or(i32::MAX / ROW);
    let (top, right) = (TOP, WIDTH - RIGHT);
    let long = chart.bars.iter().any(|bar| bar.label.chars().count() > 4);
    let left = if long { LEFT } else { LEFT_OF_SHORT };
    let bottom = top + rows * row;
    chart.key(canvas, (1, 14), WIDTH - 4)?;
    let quiet = plain(Role::Quiet, 14);
    canvas.text(&chart.step_axis, (1, top - 16), At::Start, quiet)?;
    let scale = Scale::for_bars(&chart.bars, i64::from(right - left));
    let ticks: Vec<i64> = scale.ticks().collect();
    for (place, &tick) in ticks.iter().enumerate() {
        let x = left + scale.pixels(tick);
        if tick > 0 {
            canvas.line((x, top), (x, bottom), Role::Grid, 1)?;
        }
        // Two labels are enough room for their digits; the rest would run into each other.
        if place == 0 || place + 1 == ticks.len() {
            let label = scale.label(tick);
            canvas.text(&label, (x, bottom + 16), At::Middle, quiet)?;
        }
    }
    let middle = (left + right) / 2;
    canvas.text("kWh", (middle, bottom + 16), At::Middle, quiet)?;
    for (place, bar) in (0..rows).zip(&chart.bars) {
        let frame = Frame {
            left,
            top: top + place * row,
            right,
            bottom: top + (place + 1) * row,
        };
        lie(bar, canvas, frame, &scale)?;
    }
    canvas.line((left, top), (left, bottom), Role::Ink, 2)
}

fn lie(bar: &Bar, canvas: &Canvas<'_>, row: Frame, scale: &Scale) -> Result<(), NotDrawn> {
    let (middle, height) = ((row.top + row.bottom) / 2, row.bottom - row.top);
    let strip = |part: i32, right: i32| Frame {
        left: row.left,
        top: middle - height * part / 200,
        right,
        bottom: middle + height * part / 200,
    };
    let ink = plain(Role::Ink, 14);
    match &bar.hole {
        Hole::Whole(_) => {
            gap_ground(canvas, strip(80, row.right))?;
            canvas.text(&bar.label, (1, middle), At::Start, ink)?;
        }
        Hole::Part(words) | Hole::SoFar(words) if height >= ROW => {
            canvas.text(&bar.label, (1, middle - 8), At::Start, ink)?;
            let small = bold(Role::Ink, 12);
            canvas.text(words, (1, middle + 8), At::Start, small)?;
        }
        _ => canvas.text(&bar.label, (1, middle), At::Start, ink)?,
    }
    let mut furthest = row.left;
    if let Some(forecast) = bar.forecast_wh {
        furthest = row.left + scale.pixels(forecast);
        let Frame { top, bottom, .. } = strip(76, furthest);
        let around = [
            (row.left, top),
            (furthest, top),
            (furthest, bottom),
            (row.left, bottom),
        ];
        canvas.path(&around, Role::Forecast, 2)?;
    }
    if let Some(wh) = bar.made_wh {
        let end = row.left + scale.pixels(wh).max(1);
        furthest = furthest.max(end);
        let frame = strip(44, end);
        made(canvas, frame, bar.partial())?;
        canvas.line((end, frame.top), (end, frame.bottom), Role::MadeEdge, 1)?;
    }
    if let Hole::Whole(words) = &bar.hole {
        let centre = (row.left + row.right) / 2;
        let half = i32::try_from(words.chars().count()).unwrap_or(0) * 4 + 8;
        let plate = Frame {
            left: centre - half,
            top: middle - 9,
            right: centre + half,
            bottom: middle + 9,
        };
        canvas.fill(plate, Role::Paper)?;
        canvas.text(words, (centre, middle), At::Middle, ink)?;
    } else {
        let x = furthest + 6;
        if bar.difference.is_empty() {
            return canvas.text(&bar.figure, (x, middle), At::Start, bold(Role::Ink, 14));
        }
        if height < ROW {
            let words = bar.figure.as_str();
            return canvas.text(words, (x, middle), At::Start, bold(Role::Ink, 14));
        }
        canvas.text(&bar.figure, (x, middle - 7), At::Start, bold(Role::Ink, 14))?;
        canvas.text(
            &bar.difference,
            (x, middle + 8),
            At::Start,
            plain(Role::Ink, 13),
        )?;
    }
    Ok(())
}
