//! The Brixton chart for a statement: as wide as the text of a page, low, its words not below 9 pt.
//!
//! The same marks as the large one. Months are short, and figures are left to the table.

use super::{
    BarChart, NotDrawn, Setting,
    bars::{Hole, Scale, gap_ground, made},
    canvas::{At, Canvas, Frame, Role, picture, plain},
};

/// Pixels over the width of the text, 165 mm: 14 of them are 9.5 pt.
const WIDTH: i32 = 688;
const HEIGHT: i32 = 168;
const LEFT: i32 = 56;
const TOP: i32 = 32;
const BOTTOM: i32 = 24;
const TYPE: u32 = 14;
/// Letters of a name on the axis.
const SHORT: usize = 3;
/// Below this many pixels for a bar only every second one, or fewer, is named.
const ROOM_FOR_NAME: i32 = 32;

pub(super) fn svg(chart: &BarChart, setting: Setting<'_>) -> Result<String, NotDrawn> {
    let words = (chart.title.as_str(), chart.description.as_str());
    picture((WIDTH, HEIGHT), words, setting, |canvas| {
        draw(chart, canvas)
    })
}

fn draw(chart: &BarChart, canvas: &Canvas<'_>) -> Result<(), NotDrawn> {
    let plot = Frame {
        left: LEFT,
        top: TOP,
        right: WIDTH - 2,
        bottom: HEIGHT - BOTTOM,
    };
    let quiet = plain(Role::Quiet, TYPE);
    canvas.text(&chart.value_axis, (1, 9), At::Start, quiet)?;
    chart.key(canvas, (250, 9), WIDTH)?;
    let scale = Scale::for_bars(&chart.bars, i64::from(plot.bottom - plot.top));
    for tick in scale.ticks() {
        let y = plot.bottom - scale.pixels(tick);
        if tick > 0 {
            canvas.line((plot.left, y), (plot.right, y), Role::Grid, 1)?;
        }
        canvas.text(&scale.label(tick), (plot.left - 8, y), At::End, quiet)?;
    }
    let slots = i32::try_from(chart.bars.len()).unwrap_or(i32::MAX).max(1);
    let slot = (plot.right - plot.left) / slots;
    let each = (ROOM_FOR_NAME / slot.max(1) + 1).max(1);
    for (place, bar) in (0..slots).zip(&chart.bars) {
        let left = plot.left + (plot.right - plot.left) * place / slots;
        let column = |part: i32, top: i32| Frame {
            left: left + slot * (100 - part) / 200,
            top,
            right: left + slot * (100 + part) / 200,
            bottom: plot.bottom,
        };
        if let Hole::Whole(_) = bar.hole {
            gap_ground(canvas, column(80, plot.top))?;
        }
        if let Some(forecast) = bar.forecast_wh {
            let frame = column(76, plot.bottom - scale.pixels(forecast));
            canvas.outline(frame, Role::Forecast, 2)?;
        }
        if let Some(wh) = bar.made_wh {
            let top = (plot.bottom - scale.pixels(wh)).min(plot.bottom - 1);
            made(canvas, column(48, top), bar.partial())?;
        }
        if place % each == 0 {
            let name: String = bar.label.chars().take(SHORT).collect();
            let name = if bar.label.starts_with(|c: char| c.is_ascii_digit()) {
                bar.label.clone()
            } else {
                name
            };
            let at = (left + slot / 2, plot.bottom + 14);
            canvas.text(&name, at, At::Middle, plain(Role::Ink, TYPE))?;
        }
    }
    let zero = (plot.left, plot.bottom);
    canvas.line(zero, (plot.right, plot.bottom), Role::Ink, 2)
}
