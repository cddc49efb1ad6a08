//! The drawing surface: plotters behind a few words of our own, and the finishing of its SVG.

use std::fmt::Write as _;

use plotters::{
    coord::Shift,
    prelude::{
        DrawingArea, FontStyle, FontTransform, IntoDrawingArea, IntoFont, PathElement, Polygon,
        RGBColor, Rectangle, SVGBackend,
    },
    style::{
        Color, TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{NotDrawn, Setting};

/// plotters divides a font's size by this before it writes it.
const PLOTTERS_FONT_FACTOR: f64 = 1.24;
/// Paper around a picture that is a file of its own, in pixels.
const MARGIN: i32 = 28;

/// What a colour means. Every role has a colour of its own, so that the finished file can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Ink,
    Quiet,
    Grid,
    Paper,
    Made,
    MadeEdge,
    Forecast,
    Hatch,
}

impl Role {
    const ALL: [Role; 8] = [
        Role::Ink,
        Role::Quiet,
        Role::Grid,
        Role::Paper,
        Role::Made,
        Role::MadeEdge,
        Role::Forecast,
        Role::Hatch,
    ];

    /// The colour on light paper. Shapes keep 3:1 to the paper, words 4.5:1 (WCAG 2.2, 1.4.11 and
    /// 1.4.3); the sun's fill is carried by its darker edge.
    fn rgb(self) -> (u8, u8, u8) {
        match self {
            Role::Ink => (0x23, 0x20, 0x1B),
            Role::Quiet => (0x5B, 0x56, 0x4C),
            Role::Grid => (0xDC, 0xD3, 0xC0),
            Role::Paper => (0xFC, 0xF8, 0xEF),
            Role::Made => (0xF4, 0xB0, 0x2A),
            Role::MadeEdge => (0x8A, 0x57, 0x00),
            Role::Forecast => (0x56, 0x69, 0x7E),
            Role::Hatch => (0x8B, 0x84, 0x76),
        }
    }

    fn class(self) -> &'static str {
        match self {
            Role::Ink => "ink",
            Role::Quiet => "quiet",
            Role::Grid => "grid",
            Role::Paper => "paper",
            Role::Made => "made",
            Role::MadeEdge => "edge",
            Role::Forecast => "forecast",
            Role::Hatch => "hatch",
        }
    }

    fn color(self) -> RGBColor {
        let (red, green, blue) = self.rgb();
        RGBColor(red, green, blue)
    }
}

/// Where a text hangs on its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    Start,
    Middle,
    End,
    /// Turned a quarter to the left, centred.
    Upwards,
}

/// One text: its role, size in pixels and weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type {
    pub role: Role,
    pub size: u32,
    pub bold: bool,
}

pub(super) const fn plain(role: Role, size: u32) -> Type {
    Type {
        role,
        size,
        bold: false,
    }
}

pub(super) const fn bold(role: Role, size: u32) -> Type {
    Type {
        role,
        size,
        bold: true,
    }
}

/// A box in pixels: left, top, right, bottom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

pub(super) struct Canvas<'a>(DrawingArea<SVGBackend<'a>, Shift>);

type Drawn = Result<(), NotDrawn>;

impl Canvas<'_> {
    pub fn line(&self, from: (i32, i32), to: (i32, i32), role: Role, width: u32) -> Drawn {
        self.path(&[from, to], role, width)
    }

    pub fn path(&self, points: &[(i32, i32)], role: Role, width: u32) -> Drawn {
        let style = role.color().stroke_width(width);
        self.0
            .draw(&PathElement::new(points.to_vec(), style))
            .map_err(refused)
    }

    pub fn area(&self, points: &[(i32, i32)], role: Role) -> Drawn {
        self.0
            .draw(&Polygon::new(points.to_vec(), role.color().filled()))
            .map_err(refused)
    }

    pub fn fill(&self, frame: Frame, role: Role) -> Drawn {
        let corners = [(frame.left, frame.top), (frame.right, frame.bottom)];
        self.0
            .draw(&Rectangle::new(corners, role.color().filled()))
            .map_err(refused)
    }

    /// The outline of a box; as a path, because plotters writes rectangles without a line width.
    pub fn outline(&self, frame: Frame, role: Role, width: u32) -> Drawn {
        let Frame {
            left,
            top,
            right,
            bottom,
        } = frame;
        let around = [(left, bottom), (left, top), (right, top), (right, bottom)];
        self.path(&around, role, width)
    }

    /// Lines at 45 degrees inside a box.
    pub fn hatch(&self, frame: Frame, role: Role, apart: i32, width: u32) -> Drawn {
        let Frame {
            left,
            top,
            right,
            bottom,
        } = frame;
        let (across, down) = (right - left, bottom - top);
        let mut offset = apart;
        while offset < across + down {
            let from = (left + offset.min(across), top + (offset - across).max(0));
            let to = (left + (offset - down).max(0), top + offset.min(down));
            self.line(from, to, role, width)?;
            offset += apart;
        }
        Ok(())
    }

    pub fn text(&self, words: &str, at: (i32, i32), hang: At, kind: Type) -> Drawn {
        let style = match kind.bold {
            true => FontStyle::Bold,
            false => FontStyle::Normal,
        };
        let mut font = ("sans-serif", f64::from(kind.size) * PLOTTERS_FONT_FACTOR)
            .into_font()
            .style(style);
        let across = match hang {
            At::Start => HPos::Left,
            At::End => HPos::Right,
            At::Middle => HPos::Center,
            At::Upwards => {
                font = font.transform(FontTransform::Rotate270);
                HPos::Center
            }
        };
        let colour = kind.role.color();
        let style = TextStyle::from(font)
            .color(&colour)
            .pos(Pos::new(across, VPos::Center));
        self.0.draw_text(words, &style, at).map_err(refused)
    }
}

/// Draws and finishes one picture.
pub(super) fn picture(
    (width, height): (i32, i32),
    (title, description): (&str, &str),
    setting: Setting<'_>,
    draw: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<String, NotDrawn> {
    let mut raw = String::new();
    {
        let size = (width.unsigned_abs(), height.unsigned_abs());
        let canvas = Canvas(SVGBackend::with_string(&mut raw, size).into_drawing_area());
        draw(&canvas)?;
        canvas.0.present().map_err(refused)?;
    }
    Ok(finish(&raw, (width, height), (title, description), setting))
}

/// Adds what plotters leaves out and drops what it repeats.
fn finish(
    raw: &str,
    (width, height): (i32, i32),
    (title, description): (&str, &str),
    setting: Setting<'_>,
) -> String {
    // A file of its own has a margin and paper behind it; on a page both are the page's.
    let margin = if setting == Setting::File { MARGIN } else { 0 };
    let (wide, high) = (width + 2 * margin, height + 2 * margin);
    let view = format!("viewBox=\"-{margin} -{margin} {wide} {high}\"").replace("-0", "0");
    let (prefix, size) = match setting {
        Setting::Inline(prefix) => (prefix, String::new()),
        Setting::File => ("chart", format!(" width=\"{wide}\" height=\"{high}\"")),
    };
    let mut svg = String::with_capacity(raw.len());
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" role=\"img\"{size} \
         {view} aria-labelledby=\"{prefix}-title {prefix}-desc\" \
         font-family=\"'Atkinson Hyperlegible Next', 'Atkinson Hyperlegible', Verdana, sans-serif\">"
    );
    let _ = writeln!(
        svg,
        "<title id=\"{prefix}-title\">{}</title>\n<desc id=\"{prefix}-desc\">{}</desc>",
        escaped(title),
        escaped(description)
    );
    if setting == Setting::File {
        let (red, green, blue) = Role::Paper.rgb();
        let _ = writeln!(
            svg,
            "<rect x=\"-{margin}\" y=\"-{margin}\" width=\"{wide}\" height=\"{high}\" \
             fill=\"#{red:02X}{green:02X}{blue:02X}\"/>"
        );
    }
    let body = raw.split_once(">\n").map_or("", |(_root, body)| body);
    for line in body.lines() {
        let mut line = line
            .replace(" opacity=\"1\"", "")
            .replace(" font-family=\"sans-serif\"", "");
        for role in Role::ALL {
            let (red, green, blue) = role.rgb();
            for (what, letter) in [("fill", 'f'), ("stroke", 's')] {
                let colour = format!("{what}=\"#{red:02X}{green:02X}{blue:02X}\"");
                if line.contains(&colour) {
                    let named = format!("class=\"{letter}-{}\" {colour}", role.class());
                    line = line.replace(&colour, &named);
                }
            }
        }
        svg.push_str(&whole_font_size(&line));
        if !line.starts_with("<text") && !line.is_empty() && line.ends_with('>') {
            svg.push('\n');
        }
    }
    svg
}

/// plotters' division leaves sizes such as 15.000000000000002.
fn whole_font_size(line: &str) -> String {
    let Some((before, rest)) = line.split_once("font-size=\"") else {
        return line.to_owned();
    };
    let Some((size, after)) = rest.split_once('"') else {
        return line.to_owned();
    };
    let size = size.parse::<f64>().unwrap_or_default().round();
    format!("{before}font-size=\"{size}\"{after}")
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn refused(cause: impl std::fmt::Display) -> NotDrawn {
    NotDrawn(cause.to_string())
}
