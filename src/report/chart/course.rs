//! The course of many steps: what was made, filled, against what was expected and what neighbours
//! made, as lines.
//!
//! A picture has fewer columns than a year has half hours. Where several steps fall into one column,
//! the fill reaches to the highest of them and a darker line runs at their mean, so that no peak is
//! lost and none is invented. A column of which nothing is known is hatched.

use super::{
    NotDrawn, Setting, Shape,
    bars::{Scale, gap_ground, heading},
    canvas::{At, Canvas, Frame, Role, bold, picture, plain},
};

/// Steps side by side. Heights are in thousandths of the axis' unit: Wh, W.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// What it shows, in a few words.
    pub title: String,
    /// The same as one sentence with the main figures.
    pub description: String,
    /// What the heights are, with the unit: "Power, kW".
    pub value_axis: String,
    /// Step by step.
    pub points: Vec<Point>,
    /// Names along the foot: before which step, and the words.
    pub ticks: Vec<(usize, String)>,
    /// What the line of the expected is called: "forecast".
    pub expected: String,
    /// What the line of the neighbours is called; none is drawn where it is empty.
    pub beside: String,
    /// The figures are sample data.
    pub sample: bool,
}

/// One step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// What was made; none where it is not known.
    pub made: Option<i64>,
    /// It has not happened yet: empty, and no hole.
    pub to_come: bool,
    /// What was expected.
    pub expected: Option<i64>,
    /// What neighbours made.
    pub beside: Option<i64>,
}

/// What one column of pixels shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Column {
    made: Option<(i64, i64)>,
    to_come: bool,
    expected: Option<i64>,
    beside: Option<i64>,
}

/// What a line of the picture follows.
type Height = fn(&Column) -> Option<i64>;

const HEIGHT: i32 = 380;
const TOP: i32 = 84;
const BOTTOM: i32 = 44;
const RIGHT: i32 = 14;

impl Course {
    /// The course as SVG.
    ///
    /// # Errors
    /// When plotters refuses.
    pub fn svg(&self, shape: Shape, setting: Setting<'_>) -> Result<String, NotDrawn> {
        let (width, left, size) = match shape {
            Shape::Wide => (960, 78, 15),
            Shape::Tall => (360, 56, 14),
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
                right: width - RIGHT,
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
        let room = usize::try_from(plot.right - plot.left).unwrap_or(1).max(1);
        let columns = columns(&self.points, room);
        let heights = columns.iter().flat_map(|column| {
            let made = column.made.map(|(high, _)| high);
            [made, column.expected, column.beside]
        });
        let scale = Scale::up_to(
            heights.flatten().max().unwrap_or(0),
            i64::from(plot.bottom - plot.top),
        );
        let quiet = plain(Role::Quiet, size);
        self.key(canvas, (1, heading + 16), plot.right, size)?;
        canvas.text(&self.value_axis, (1, heading + 54), At::Start, quiet)?;
        for tick in scale.ticks() {
            let y = plot.bottom - scale.pixels(tick);
            if tick > 0 {
                canvas.line((plot.left, y), (plot.right, y), Role::Grid, 1)?;
            }
            canvas.text(&scale.label(tick), (plot.left - 8, y), At::End, quiet)?;
        }
        let x = |place: usize, of: usize| {
            let part = i64::from(plot.right - plot.left) * place as i64 / of.max(1) as i64;
            plot.left + i32::try_from(part).unwrap_or(0)
        };
        let y = |height: i64| plot.bottom - scale.pixels(height);
        let all = columns.len();
        for (from, to) in runs(&columns, |one| one.made.is_none() && !one.to_come) {
            let frame = Frame {
                left: x(from, all),
                right: x(to, all).max(x(from, all) + 2),
                ..plot
            };
            gap_ground(canvas, frame)?;
        }
        for (from, to) in runs(&columns, |one| one.made.is_some()) {
            let steps = |height: fn((i64, i64)) -> i64| {
                let known = (from..to).zip(columns[from..to].iter());
                let known = known.filter_map(|(place, one)| Some((place, height(one.made?))));
                known
                    .flat_map(|(place, high)| {
                        [(x(place, all), y(high)), (x(place + 1, all), y(high))]
                    })
                    .collect::<Vec<_>>()
            };
            let mut around = vec![(x(from, all), plot.bottom)];
            around.extend(steps(|(high, _)| high));
            around.push((x(to, all), plot.bottom));
            canvas.area(&around, Role::Made)?;
            let edge = match self.points.len() > all {
                true => steps(|(_, mean)| mean),
                false => around,
            };
            canvas.path(&edge, Role::MadeEdge, 1)?;
        }
        let lines: [(Height, Role); 2] = [
            (|one| one.expected, Role::Forecast),
            (|one| one.beside, Role::Ink),
        ];
        for (height, role) in lines {
            for (from, to) in runs(&columns, |one| height(one).is_some()) {
                let known = (from..to).zip(columns[from..to].iter());
                let line: Vec<(i32, i32)> = known
                    .filter_map(|(place, one)| Some((place, height(one)?)))
                    .flat_map(|(place, high)| {
                        [(x(place, all), y(high)), (x(place + 1, all), y(high))]
                    })
                    .collect();
                canvas.path(&line, role, 2)?;
            }
        }
        canvas.line(
            (plot.left, plot.bottom),
            (plot.right, plot.bottom),
            Role::Ink,
            2,
        )?;
        self.feet(canvas, plot, &|place| x(place, self.points.len()), quiet)
    }

    /// The names along the foot; those that would lie on the one before are left off.
    fn feet(
        &self,
        canvas: &Canvas<'_>,
        plot: Frame,
        x: &dyn Fn(usize) -> i32,
        quiet: super::canvas::Type,
    ) -> Result<(), NotDrawn> {
        let mut free = plot.left;
        for (place, words) in &self.ticks {
            let at = x(*place);
            let room = i32::try_from(words.chars().count()).unwrap_or(0) * 9 + 14;
            canvas.line((at, plot.bottom), (at, plot.bottom + 6), Role::Ink, 1)?;
            if at < free || at + room > plot.right + RIGHT {
                continue;
            }
            canvas.text(words, (at, plot.bottom + 22), At::Start, quiet)?;
            free = at + room;
        }
        Ok(())
    }

    fn key(
        &self,
        canvas: &Canvas<'_>,
        (left, y): (i32, i32),
        right: i32,
        size: u32,
    ) -> Result<(), NotDrawn> {
        let ink = plain(Role::Ink, size);
        let swatch = Frame {
            left,
            top: y - 8,
            right: left + 16,
            bottom: y + 8,
        };
        canvas.fill(swatch, Role::Made)?;
        canvas.outline(swatch, Role::MadeEdge, 1)?;
        canvas.text("made", (left + 24, y), At::Start, ink)?;
        let mut x = left + 80;
        let named = [(&self.expected, Role::Forecast), (&self.beside, Role::Ink)];
        for (words, role) in named.into_iter().filter(|(words, _)| !words.is_empty()) {
            canvas.line((x, y), (x + 22, y), role, 2)?;
            canvas.text(words, (x + 30, y), At::Start, ink)?;
            x += 44 + i32::try_from(words.chars().count()).unwrap_or(0) * 8;
        }
        if self.sample {
            let at = match right > 600 {
                true => (right, y),
                false => (right, y + 24),
            };
            canvas.text("SAMPLE", at, At::End, bold(Role::Ink, size))?;
        }
        Ok(())
    }
}

/// At most `room` columns, each of whole steps.
fn columns(points: &[Point], room: usize) -> Vec<Column> {
    let count = points.len().min(room);
    let part = |place: usize| points.len() * place / count.max(1);
    (0..count)
        .map(|place| {
            let steps = &points[part(place)..part(place + 1).max(part(place) + 1)];
            let mean = |height: fn(&Point) -> Option<i64>| {
                let (sum, n) = steps
                    .iter()
                    .filter_map(height)
                    .fold((0_i128, 0_i128), |(sum, n), one| {
                        (sum + i128::from(one), n + 1)
                    });
                i64::try_from(sum.checked_div(n)?).ok()
            };
            let high = steps.iter().filter_map(|one| one.made).max();
            Column {
                made: high.zip(mean(|one| one.made)),
                to_come: steps.iter().all(|one| one.to_come),
                expected: mean(|one| one.expected),
                beside: mean(|one| one.beside),
            }
        })
        .collect()
}

/// The runs of columns for which something holds.
fn runs(columns: &[Column], holds: impl Fn(&Column) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (place, column) in columns.iter().enumerate() {
        if !holds(column) {
            continue;
        }
        match found.last_mut() {
            Some((_, end)) if *end == place => *end = place + 1,
            _ => found.push((place, place + 1)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(heights: &[Option<i64>]) -> Vec<Point> {
        let point = |made: &Option<i64>| Point {
            made: *made,
            ..Point::default()
        };
        heights.iter().map(point).collect()
    }

    #[test]
    fn the_highest_half_hour_of_a_year_is_in_the_picture() {
        let mut heights = vec![Some(0); 17_520];
        heights[9_001] = Some(30_000);
        let columns = columns(&made(&heights), 868);
        assert_eq!(columns.len(), 868);
        let high = columns
            .iter()
            .filter_map(|one| one.made)
            .map(|(high, _)| high);
        assert_eq!(high.max(), Some(30_000));
        let means = columns.iter().filter_map(|one| one.made);
        assert!(means.map(|(_, mean)| mean).all(|mean| mean <= 30_000 / 20));
    }

    #[test]
    fn fewer_steps_than_pixels_stay_as_they_are() {
        let columns = columns(&made(&[Some(5), None, Some(7)]), 868);
        let known: Vec<_> = columns.iter().map(|one| one.made).collect();
        assert_eq!(known, [Some((5, 5)), None, Some((7, 7))]);
        assert_eq!(runs(&columns, |one| one.made.is_none()), [(1, 2)]);
    }

    #[test]
    fn a_hole_as_wide_as_a_column_is_hatched_and_what_is_to_come_is_not() {
        let mut points = made(&[Some(4_000), None, None, Some(4_000), None]);
        points[4].to_come = true;
        let course = Course {
            title: "A roof".to_owned(),
            points,
            ..Course::default()
        };
        let drawn = course.svg(Shape::Wide, Setting::File).expect("drawn");
        assert!(drawn.contains("s-hatch"));
        assert_eq!(
            runs(&columns(&course.points, 868), |one| one.made.is_none()
                && !one.to_come),
            [(1, 3)]
        );
        let nothing = Course::default().svg(Shape::Tall, Setting::Inline("x"));
        assert!(nothing.expect("drawn").contains("<svg"));
    }
}
