//! Pictures by plotters, as SVG.
