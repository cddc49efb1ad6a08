//! QR codes as pictures: dark squares as one path, with the quiet zone that readers need.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};

/// Squares of white around a code (ISO/IEC 18004).
const QUIET: usize = 4;

/// A text as a QR code in SVG; `None` when it is longer than a code can be.
#[must_use]
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            let (x, y) = (place % width + QUIET, place / width + QUIET);
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let side = width + 2 * QUIET;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\"><path d=\"{path}\" fill=\"#23201B\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finders_and_its_quiet_zone() {
        let svg = svg("https://example.org/s/bes1/runs/00").unwrap();
        // The corner of the upper left finder, and nothing left of it.
        assert!(svg.contains("M4 4h1v1h-1z"), "{svg}");
        assert!(!svg.contains("M3 "), "{svg}");
        assert!(super::svg(&"x".repeat(5_000)).is_none());
    }
}
