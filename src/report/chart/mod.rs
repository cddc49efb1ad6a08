//! Pictures, drawn by plotters as SVG without any system font.
//!
//! plotters places the shapes; this room decides where, in whole pixels, and finishes what
//! plotters leaves open: a role and a text alternative, one class for each colour so that a
//! stylesheet can draw the same picture for a dark screen or for paper, and no repeated
//! attributes. The colours in the file itself are those for light paper, so that a downloaded
//! picture looks the same everywhere. Text widths are never measured: every label has room kept
//! for it. plotters knows no patterns, so a hatch is drawn line by line.

pub mod bars;
mod canvas;
pub mod course;
pub mod curve;
mod day_html;
mod small;
mod tall;

pub use bars::{Bar, BarChart, Hole};
pub use course::Course;
pub use curve::DayCurve;

/// Which way a bar chart lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Bars stand side by side: screens, paper.
    Wide,
    /// Bars lie below each other: phones.
    Tall,
}

/// Where a picture will live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting<'a> {
    /// Inside a page that has the stylesheet; ids begin with this prefix, one for each picture.
    Inline(&'a str),
    /// A file of its own: paper behind it, its title written on top.
    File,
}

/// plotters would not draw.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plotters refused to draw: {0}")]
pub struct NotDrawn(pub String);
