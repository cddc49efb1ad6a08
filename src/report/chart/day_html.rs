//! The day's curve for a web page: the picture both ways, its caption, the same numbers as a table.

use askama::Template;
use domain::quantity::Watts;

use super::{DayCurve, Setting, Shape};
use crate::{generation::ReportError, words};

#[derive(Template)]
#[template(path = "day_figure.html")]
struct Figure<'a> {
    wide: String,
    tall: String,
    caption: &'a str,
    title: &'a str,
    sample: bool,
    lines: Vec<Line>,
}

struct Line {
    from: String,
    made: String,
    sky: String,
}

impl DayCurve {
    /// Picture, caption and table, for a page that has the stylesheet. `prefix` keeps its ids
    /// apart from others on the page.
    ///
    /// # Errors
    /// When drawing or the template refuses.
    pub fn html_figure(&self, prefix: &str) -> Result<String, ReportError> {
        let drawn = |shape, id: String| {
            let picture = self.svg(shape, Setting::Inline(&id));
            picture.map_err(|cause| ReportError::Chart {
                subject: self.title.clone(),
                cause: cause.to_string(),
            })
        };
        let figure = Figure {
            wide: drawn(Shape::Wide, format!("{prefix}-wide"))?,
            tall: drawn(Shape::Tall, format!("{prefix}-tall"))?,
            caption: &self.description,
            title: &self.title,
            sample: self.sample,
            lines: self.lines(),
        };
        figure.render().map_err(|cause| ReportError::Write {
            subject: self.title.clone(),
            format: "HTML",
            cause: cause.to_string(),
        })
    }

    /// The half hours in which there was or could have been light.
    fn lines(&self) -> Vec<Line> {
        let half_hours = self.zone.half_hours_of(self.day).iter().enumerate();
        let lines = half_hours.filter_map(|(place, half_hour)| {
            let made = self.made.get(place).copied();
            let sky = self.clear_sky.get(place).copied();
            let dark = sky.is_none_or(|power| power.0 == 0);
            let idle = !matches!(made, Some(Some(Watts(1..))));
            let from = words::clock(self.zone.wall_clock(half_hour.start()));
            let spelt =
                |power: Watts| words::Precision::Tenth.kwh(domain::quantity::WattHours(power.0));
            (!(dark && idle)).then(|| Line {
                from,
                made: match made {
                    Some(Some(power)) => spelt(power),
                    Some(None) => "no reads".to_owned(),
                    None => "to come".to_owned(),
                },
                sky: sky.map_or_else(String::new, spelt),
            })
        });
        lines.collect()
    }
}
