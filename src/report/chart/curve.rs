//! The day's curve: power by half hour, filled, against what a clear sky would give.
//!
//! A half hour that is known stands as a step, because its energy is known and not its course; one
//! that is missing is hatched. The clear sky is a line behind. What has not come yet is empty.

use domain::{
    calendar::{LocalDay, Zone},
    quantity::Watts,
};

use super::{
    NotDrawn, Setting, Shape,
    bars::{Scale, gap_ground, heading},
    canvas::{At, Canvas, Frame, Role, bold, picture, plain},
};

/// One local day of 46, 48 or 50 half hours.
#[derive(Clone, Debug)]
pub struct DayCurve {
    /// What it shows, in a few words.
    pub title: String,
    /// The same as one sentence with the main figures.
    pub description: String,
    /// The local day.
    pub day: LocalDay,
    /// The zone its hours are told in.
    pub zone: Zone,
    /// Mean power of each half hour from midnight on; none where it is not known. What has not
    /// come yet is left off the end.
    pub made: Vec<Option<Watts>>,
    /// The power of a clear sky in each half hour of the day.
    pub clear_sky: Vec<Watts>,
    /// The figures are sample data.
    pub sample: bool,
}

const HEIGHT: i32 = 360;
const TOP: i32 = 84;
const BOTTOM: i32 = 62;

impl DayCurve {
    /// The curve as SVG.
    ///
    /// # Errors
    /// When plotters refuses.
    pub fn svg(&self, shape: Shape, setting: Setting<'_>) -> Result<String, NotDrawn> {
        let (width, left, size) = match shape {
            Shape::Wide => (960, 78, 15),
            Shape::Tall => (360, 40, 14),
        };
        let heading = match shape {
            Shape::Wide => heading(setting),
            Shape::Tall => 0,
        };
        let words = (self.title.as_str(), self.description.as_str());
        picture((width, HEIGHT + heading), words, setting, |canvas| {
            let plot = Frame {
                left,
                top: TOP + heading,
                right: width - 14,
                bottom: HEIGHT - BOTTOM + heading,
            };
            if heading > 0 {
                canvas.text(&self.title, (1, 20), At::Start, bold(Role::Ink, 22))?;
            }
            self.draw(canvas, plot, size, heading)
        })
    }

    fn draw(
        &self,
        canvas: &Canvas<'_>,
        plot: Frame,
        size: u32,
        heading: i32,
    ) -> Result<(), NotDrawn> {
        let made = self.made.iter().flatten();
        let largest = made.chain(&self.clear_sky).map(|power| power.0).max();
        let scale = Scale::up_to(largest.unwrap_or(0), i64::from(plot.bottom - plot.top));
        let quiet = plain(Role::Quiet, size);
        self.key(canvas, (1, heading + 16), plot.right, size)?;
        let above = (1, heading + 54);
        canvas.text("Power, kW", above, At::Start, quiet)?;
        for tick in scale.ticks() {
            let y = plot.bottom - scale.pixels(tick);
            if tick > 0 {
                canvas.line((plot.left, y), (plot.right, y), Role::Grid, 1)?;
            }
            canvas.text(&scale.label(tick), (plot.left - 8, y), At::End, quiet)?;
        }
        let half_hours = self.half_hours();
        let x = |place: usize| {
            let part = (plot.right - plot.left) as i64 * place as i64 / half_hours as i64;
            plot.left + i32::try_from(part).unwrap_or(0)
        };
        let y = |power: Watts| plot.bottom - scale.pixels(power.0);
        self.hours(canvas, plot, &x, quiet)?;
        for (from, to) in stretches(&self.made, |power| power.is_none()) {
            let frame = Frame {
                left: x(from),
                right: x(to),
                ..plot
            };
            gap_ground(canvas, frame)?;
        }
        for (from, to) in stretches(&self.made, |power| power.is_some()) {
            let mut steps = vec![(x(from), plot.bottom)];
            for (place, power) in (from..to).zip(self.made[from..to].iter().flatten()) {
                steps.extend([(x(place), y(*power)), (x(place + 1), y(*power))]);
            }
            steps.push((x(to), plot.bottom));
            canvas.area(&steps, Role::Made)?;
            canvas.path(&steps, Role::MadeEdge, 1)?;
        }
        let ghost: Vec<(i32, i32)> = self
            .clear_sky
            .iter()
            .enumerate()
            .map(|(place, power)| ((x(place) + x(place + 1)) / 2, y(*power)))
            .collect();
        if ghost.len() > 1 {
            canvas.path(&ghost, Role::Forecast, 2)?;
        }
        canvas.line(
            (plot.left, plot.bottom),
            (plot.right, plot.bottom),
            Role::Ink,
            2,
        )
    }

    /// 46, 48 or 50.
    fn half_hours(&self) -> usize {
        let half_hours = self.zone.half_hours_of(self.day).count();
        usize::try_from(half_hours).unwrap_or(usize::MAX).max(1)
    }

    /// The hours along the foot, every third; fewer where there is less room.
    fn hours(
        &self,
        canvas: &Canvas<'_>,
        plot: Frame,
        x: &dyn Fn(usize) -> i32,
        quiet: super::canvas::Type,
    ) -> Result<(), NotDrawn> {
        let every = if plot.right - plot.left > 600 { 3 } else { 6 };
        for (place, half_hour) in self.zone.half_hours_of(self.day).iter().enumerate() {
            let at = self.zone.wall_clock(half_hour.start());
            if at.minute == 0 && at.hour.is_multiple_of(every) {
                let foot = (x(place), plot.bottom);
                canvas.line(foot, (foot.0, foot.1 + 6), Role::Ink, 1)?;
                let label = crate::words::clock(at);
                let hang = if place == 0 { At::Start } else { At::Middle };
                canvas.text(&label, (foot.0, foot.1 + 19), hang, quiet)?;
            }
        }
        let name = format!("Hour of {}", crate::words::date(self.day));
        let middle = (plot.left + plot.right) / 2;
        canvas.text(&name, (middle, plot.bottom + 46), At::Middle, quiet)
    }

    fn key(
        &self,
        canvas: &Canvas<'_>,
        (left, y): (i32, i32),
        right: i32,
        size: u32,
    ) -> Result<(), NotDrawn> {
        let ink = plain(Role::Ink, size);
        let swatch = |x: i32| Frame {
            left: x,
            top: y - 8,
            right: x + 16,
            bottom: y + 8,
        };
        super::bars::made(canvas, swatch(left), false)?;
        canvas.text("made", (left + 24, y), At::Start, ink)?;
        let sky = left + 86;
        canvas.line((sky, y), (sky + 22, y), Role::Forecast, 2)?;
        canvas.text("a clear sky", (sky + 30, y), At::Start, ink)?;
        if self.made.iter().any(Option::is_none) {
            gap_ground(canvas, swatch(sky + 128))?;
            canvas.text("no reads", (sky + 152, y), At::Start, ink)?;
        }
        if self.sample {
            let at = match right > 600 {
                true => (right, y),
                false => (right, y + 38),
            };
            canvas.text("SAMPLE", at, At::End, bold(Role::Ink, size))?;
        }
        Ok(())
    }
}

/// The longest runs of half hours that `wanted` holds for, as places from and to.
fn stretches(
    made: &[Option<Watts>],
    wanted: impl Fn(&Option<Watts>) -> bool,
) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for (place, power) in made.iter().enumerate() {
        if !wanted(power) {
            continue;
        }
        match runs.last_mut() {
            Some((_, to)) if *to == place => *to += 1,
            _ => runs.push((place, place + 1)),
        }
    }
    runs
}
