//! The Brixton chart: one bar a month, the forecast outlined behind, what was made filled in front.
//!
//! The filled bar is narrower than the outline, so that both can be seen whichever is higher, and
//! the difference is written over it. A bar that is not complete is striped and says "23 of 30
//! days"; a step of which nothing is known is hatched over its whole height and named, never drawn
//! as zero. Zero is on the axis.

use super::{
    NotDrawn, Setting, Shape,
    canvas::{At, Canvas, Frame, Role, bold, picture, plain},
    small, tall,
};

/// Bars of one period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BarChart {
    /// What it shows, in a few words.
    pub title: String,
    /// The same as one sentence with the main figures, for those who cannot see it.
    pub description: String,
    /// What the heights are, with the unit: "Electricity made, kWh".
    pub value_axis: String,
    /// What one bar is: "Month of 2013".
    pub step_axis: String,
    /// One a step, in order.
    pub bars: Vec<Bar>,
    /// The figures are sample data.
    pub sample: bool,
}

/// One step of a bar chart. Heights are Wh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Its name on the axis: "January".
    pub label: String,
    /// What was made, Wh.
    pub made_wh: Option<i64>,
    /// What was forecast, Wh.
    pub forecast_wh: Option<i64>,
    /// The figure written over it: "4,012".
    pub figure: String,
    /// The difference written over it: "+21 %".
    pub difference: String,
    /// What is not known of it.
    pub hole: Hole,
}

/// What is not known of a bar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hole {
    /// All is known, or has not happened yet.
    #[default]
    None,
    /// A part is missing; the words go under its name: "23 of 30 days".
    Part(String),
    /// Nothing is known; the words go into the hatched gap: "no reads".
    Whole(String),
    /// It is still running; the words go under its name: "23 of 30 days so far".
    SoFar(String),
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 470;
/// Room for the title written on a file of its own.
pub(super) const HEADING: i32 = 52;
const LEFT: i32 = 78;
const RIGHT: i32 = 12;
const TOP: i32 = 92;
const BOTTOM: i32 = 90;
/// Height of the words under the names, where there are any.
const WORDS: i32 = 32;
/// Below this many pixels for a bar its figure is left to the table.
const ROOM_FOR_FIGURE: i32 = 44;
/// Below this many pixels the words under a name are left to the table.
const ROOM_FOR_WORDS: i32 = 64;

impl BarChart {
    /// The chart as SVG.
    ///
    /// # Errors
    /// When plotters refuses.
    pub fn svg(&self, shape: Shape, setting: Setting<'_>) -> Result<String, NotDrawn> {
        if shape == Shape::Tall {
            return tall::svg(self, setting);
        }
        let heading = heading(setting);
        let words = (self.title.as_str(), self.description.as_str());
        let height = HEIGHT + heading - if self.words_under_names() { 0 } else { WORDS };
        picture((WIDTH, height), words, setting, |canvas| {
            self.wide(canvas, heading)
        })
    }

    /// The chart as a statement on paper has it: low, short names, figures left to the text.
    ///
    /// # Errors
    /// When plotters refuses.
    pub fn small_svg(&self, setting: Setting<'_>) -> Result<String, NotDrawn> {
        small::svg(self, setting)
    }

    fn wide(&self, canvas: &Canvas<'_>, heading: i32) -> Result<(), NotDrawn> {
        let plot = Frame {
            left: LEFT,
            top: TOP + heading,
            right: WIDTH - RIGHT,
            bottom: HEIGHT - BOTTOM + heading,
        };
        if heading > 0 {
            canvas.text(&self.title, (1, 20), At::Start, bold(Role::Ink, 22))?;
        }
        self.key(canvas, (1, heading + 16), WIDTH - RIGHT)?;
        let scale = Scale::for_bars(&self.bars, i64::from(plot.bottom - plot.top));
        canvas.text(
            &self.value_axis,
            (1, heading + 54),
            At::Start,
            plain(Role::Quiet, 15),
        )?;
        for tick in scale.ticks() {
            let y = plot.bottom - scale.pixels(tick);
            if tick > 0 {
                canvas.line((plot.left, y), (plot.right, y), Role::Grid, 1)?;
            }
            let label = scale.label(tick);
            canvas.text(&label, (plot.left - 10, y), At::End, plain(Role::Quiet, 15))?;
        }
        let slots = i32::try_from(self.bars.len()).unwrap_or(i32::MAX).max(1);
        let slot = (plot.right - plot.left) / slots;
        for (place, bar) in (0..slots).zip(&self.bars) {
            let left = plot.left + (plot.right - plot.left) * place / slots;
            let frame = Frame {
                left,
                right: left + slot,
                ..plot
            };
            bar.stand(canvas, frame, &scale)?;
            bar.name(canvas, frame)?;
        }
        let zero = (plot.left, plot.bottom);
        canvas.line(zero, (plot.right, plot.bottom), Role::Ink, 2)?;
        let below = if self.words_under_names() { WORDS } else { 0 };
        canvas.text(
            &self.step_axis,
            ((plot.left + plot.right) / 2, plot.bottom + 44 + below),
            At::Middle,
            plain(Role::Quiet, 15),
        )
    }

    fn words_under_names(&self) -> bool {
        let slots = i32::try_from(self.bars.len()).unwrap_or(i32::MAX).max(1);
        (WIDTH - LEFT - RIGHT) / slots >= ROOM_FOR_WORDS && self.bars.iter().any(Bar::partial)
    }

    /// One line that shows each kind of mark the chart uses, and no other.
    pub(super) fn key(
        &self,
        canvas: &Canvas<'_>,
        (left, y): (i32, i32),
        right: i32,
    ) -> Result<(), NotDrawn> {
        let (mut x, text) = (left, plain(Role::Ink, 15));
        let swatch = |x: i32| Frame {
            left: x,
            top: y - 8,
            right: x + 16,
            bottom: y + 8,
        };
        if self.bars.iter().any(|bar| bar.made_wh.is_some()) {
            made(canvas, swatch(x), false)?;
            canvas.text("made", (x + 24, y), At::Start, text)?;
            x += 86;
        }
        if self.bars.iter().any(|bar| bar.forecast_wh.is_some()) {
            canvas.outline(swatch(x), Role::Forecast, 2)?;
            canvas.line((x, y + 8), (x + 16, y + 8), Role::Forecast, 2)?;
            canvas.text("forecast", (x + 24, y), At::Start, text)?;
            x += 108;
        }
        if self.bars.iter().any(Bar::partial) {
            made(canvas, swatch(x), true)?;
            canvas.text("not complete", (x + 24, y), At::Start, text)?;
            x += 140;
        }
        let gap = |bar: &Bar| matches!(bar.hole, Hole::Whole(_));
        if self.bars.iter().any(gap) && x + 90 < right {
            gap_ground(canvas, swatch(x))?;
            canvas.text("not known", (x + 24, y), At::Start, text)?;
        }
        if self.sample {
            let at = match right > 600 {
                true => (right, y),
                false => (right, y + 24),
            };
            canvas.text("SAMPLE", at, At::End, bold(Role::Ink, 15))?;
        }
        Ok(())
    }
}

impl Bar {
    pub(super) fn partial(&self) -> bool {
        self.made_wh.is_some() && matches!(self.hole, Hole::Part(_) | Hole::SoFar(_))
    }

    fn stand(&self, canvas: &Canvas<'_>, slot: Frame, scale: &Scale) -> Result<(), NotDrawn> {
        let width = slot.right - slot.left;
        let column = |part: i32, top: i32| Frame {
            left: slot.left + width * (100 - part) / 200,
            top,
            right: slot.left + width * (100 + part) / 200,
            bottom: slot.bottom,
        };
        let mut highest = slot.bottom;
        if let Hole::Whole(_) = self.hole {
            gap_ground(canvas, column(84, slot.top))?;
        }
        if let Some(forecast) = self.forecast_wh {
            let top = slot.bottom - scale.pixels(forecast);
            let line = if width > 30 { 2 } else { 1 };
            canvas.outline(column(80, top), Role::Forecast, line)?;
            highest = highest.min(top);
        }
        if let Some(wh) = self.made_wh {
            let top = (slot.bottom - scale.pixels(wh)).min(slot.bottom - 1);
            let front = column(52, top);
            made(canvas, front, self.partial())?;
            if let Some(forecast) = self.forecast_wh.filter(|forecast| *forecast < wh) {
                let level = slot.bottom - scale.pixels(forecast);
                canvas.line((front.left, level), (front.right, level), Role::MadeEdge, 1)?;
            }
            highest = highest.min(top);
        }
        let middle = slot.left + width / 2;
        if let Hole::Whole(words) = &self.hole {
            let centre = (slot.top + slot.bottom) / 2;
            let long = i32::try_from(words.chars().count()).unwrap_or(0) * 9 + 12;
            let plate = Frame {
                left: middle - 11,
                top: centre - long / 2,
                right: middle + 11,
                bottom: centre + long / 2,
            };
            canvas.fill(plate, Role::Paper)?;
            let size = if width > 24 { 15 } else { 13 };
            canvas.text(words, (middle, centre), At::Upwards, plain(Role::Ink, size))?;
        } else if width >= ROOM_FOR_FIGURE {
            let lift = if self.difference.is_empty() { 12 } else { 30 };
            let over = (middle, highest - lift);
            canvas.text(&self.figure, over, At::Middle, bold(Role::Ink, 15))?;
            let under = (middle, highest - 12);
            canvas.text(&self.difference, under, At::Middle, plain(Role::Ink, 14))?;
        }
        Ok(())
    }

    fn name(&self, canvas: &Canvas<'_>, slot: Frame) -> Result<(), NotDrawn> {
        let (middle, width) = ((slot.left + slot.right) / 2, slot.right - slot.left);
        let at = (middle, slot.bottom + 18);
        let size = if width > 24 { 14 } else { 13 };
        canvas.text(&self.label, at, At::Middle, plain(Role::Ink, size))?;
        let (Hole::Part(words) | Hole::SoFar(words)) = &self.hole else {
            return Ok(());
        };
        if width < ROOM_FOR_WORDS {
            return Ok(());
        }
        let (first, rest) = two_lines(words);
        let kind = bold(Role::Ink, 13);
        canvas.text(&first, (middle, slot.bottom + 36), At::Middle, kind)?;
        canvas.text(&rest, (middle, slot.bottom + 51), At::Middle, kind)
    }
}

/// "23 of 30 days" becomes "23 of 30" and "days", so that it fits under a month.
fn two_lines(words: &str) -> (String, String) {
    let parts: Vec<&str> = words.split(' ').collect();
    let (first, rest) = parts.split_at(parts.len().min(3));
    (first.join(" "), rest.join(" "))
}

/// A filled bar; striped when it is not complete.
pub(super) fn made(canvas: &Canvas<'_>, frame: Frame, striped: bool) -> Result<(), NotDrawn> {
    canvas.fill(frame, Role::Made)?;
    if striped {
        canvas.hatch(frame, Role::MadeEdge, 7, 1)?;
    }
    canvas.outline(frame, Role::MadeEdge, 1)
}

/// The ground of a gap.
pub(super) fn gap_ground(canvas: &Canvas<'_>, frame: Frame) -> Result<(), NotDrawn> {
    canvas.hatch(frame, Role::Hatch, 9, 1)?;
    canvas.outline(frame, Role::Hatch, 1)
}

pub(super) fn heading(setting: Setting<'_>) -> i32 {
    match setting {
        Setting::File => HEADING,
        Setting::Inline(_) => 0,
    }
}

/// From zero up to a round figure above the largest, in four to six round steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    step: i64,
    steps: i64,
    pixels: i64,
}

impl Scale {
    pub fn for_bars(bars: &[Bar], pixels: i64) -> Self {
        let both = bars.iter().flat_map(|bar| [bar.made_wh, bar.forecast_wh]);
        Self::up_to(both.flatten().max().unwrap_or(0), pixels)
    }

    pub fn up_to(largest: i64, pixels: i64) -> Self {
        let largest = largest.max(100);
        let mut power = 1;
        loop {
            for digit in [1, 2, 5] {
                let step = digit * power;
                let steps = largest.div_euclid(step) + i64::from(largest % step > 0);
                if steps <= 5 {
                    return Scale {
                        step,
                        steps,
                        pixels,
                    };
                }
            }
            power *= 10;
        }
    }

    pub fn ticks(&self) -> impl Iterator<Item = i64> {
        let step = self.step;
        (0..=self.steps).map(move |place| place * step)
    }

    pub fn pixels(&self, wh: i64) -> i32 {
        let full = i128::from(self.step) * i128::from(self.steps);
        let pixels = i128::from(wh.max(0)) * i128::from(self.pixels) / full;
        i32::try_from(pixels).unwrap_or(i32::MAX)
    }

    /// A tick in thousands of its unit: kWh of Wh, kW of W.
    pub fn label(&self, tick: i64) -> String {
        let units = crate::words::whole(tick / 1000);
        if self.step % 1000 == 0 {
            units
        } else if self.step % 100 == 0 {
            format!("{units}.{}", tick % 1000 / 100)
        } else {
            format!("{units}.{:03}", tick % 1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_ends_on_a_round_figure_at_or_above_the_largest() {
        let table = [
            (4_512_000, "0 1,000 2,000 3,000 4,000 5,000"),
            (5_000_000, "0 1,000 2,000 3,000 4,000 5,000"),
            (41_234, "0 10 20 30 40 50"),
            (900, "0.0 0.2 0.4 0.6 0.8 1.0"),
            (0, "0.000 0.020 0.040 0.060 0.080 0.100"),
        ];
        for (largest, expected) in table {
            let scale = Scale::up_to(largest, 300);
            let labels: Vec<String> = scale.ticks().map(|tick| scale.label(tick)).collect();
            assert_eq!(labels.join(" "), expected);
            assert!(scale.pixels(largest) <= 300);
        }
    }
}
