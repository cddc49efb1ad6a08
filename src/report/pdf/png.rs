//! A chart as a picture of dots, for those who cannot paste SVG.

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::{NotSet, fonts};

/// Dots across.
const WIDTH: f32 = 1_600.0;

/// The chart as PNG, 1,600 dots wide, on white.
///
/// # Errors
/// When it is no SVG.
pub fn png(svg: &str) -> Result<Vec<u8>, NotSet> {
    let ours = |why: String| NotSet::Ours(why);
    let mut options = Options {
        font_family: "Atkinson Hyperlegible Next".to_owned(),
        ..Options::default()
    };
    let mut database = Database::new();
    for bytes in fonts::latin() {
        database.load_font_data(bytes.to_vec());
    }
    *options.fontdb_mut() = database;
    let tree = Tree::from_str(svg, &options).map_err(|e| ours(e.to_string()))?;
    let size = tree.size();
    let scale = WIDTH / size.width();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a chart is some hundred dots high"
    )]
    let (width, height) = (WIDTH as u32, (size.height() * scale).ceil() as u32);
    let mut picture =
        Pixmap::new(width, height).ok_or_else(|| ours("a chart without a size".to_owned()))?;
    picture.fill(resvg::tiny_skia::Color::WHITE);
    let transform = Transform::from_scale(scale, scale);
    resvg::render(&tree, transform, &mut picture.as_mut());
    picture.encode_png().map_err(|e| ours(e.to_string()))
}
