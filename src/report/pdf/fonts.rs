//! The fonts inside the program, and those that are added for one command.
//!
//! Atkinson Hyperlegible Next sets the text. Noto Sans stands in, letter by letter, for names in
//! other scripts; `fonts/README.md` says where each comes from and what it has.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use typst::{
    foundations::Bytes,
    text::{Font, FontBook},
};

/// One past the last code point that is looked up: planes 0 to 2 and the start of 3.
const LETTERS: usize = 0x3_2000;

macro_rules! fonts {
    ($($name:literal),* $(,)?) => {
        [$(include_bytes!(concat!("fonts/", $name)) as &'static [u8]),*]
    };
}

/// In order of preference.
static EMBEDDED: [&[u8]; 19] = fonts![
    "AtkinsonHyperlegibleNext-Regular.ttf",
    "AtkinsonHyperlegibleNext-Bold.ttf",
    "NotoSans.ttf",
    "NotoSansArabic.ttf",
    "NotoSansArmenian.ttf",
    "NotoSansBengali.ttf",
    "NotoSansDevanagari.ttf",
    "NotoSansEthiopic.ttf",
    "NotoSansGeorgian.ttf",
    "NotoSansGujarati.ttf",
    "NotoSansGurmukhi.ttf",
    "NotoSansHebrew.ttf",
    "NotoSansKannada.ttf",
    "NotoSansMalayalam.ttf",
    "NotoSansSinhala.ttf",
    "NotoSansTamil.ttf",
    "NotoSansTelugu.ttf",
    "NotoSansThai.ttf",
    "NotoSansCJKsc-part.otf",
];

/// The fonts of charts.
pub(crate) fn latin() -> &'static [&'static [u8]] {
    &EMBEDDED[..2]
}

/// Fonts, and which letters they have together.
pub(crate) struct Fonts {
    pub all: Vec<Font>,
    has: Vec<bool>,
}

impl Fonts {
    pub fn embedded() -> Fonts {
        let mut fonts = Fonts {
            all: Vec::new(),
            has: vec![false; LETTERS],
        };
        for bytes in EMBEDDED {
            let read = fonts.add(Bytes::new(bytes));
            assert!(read, "an embedded font can be read");
        }
        // Controls that shape text or end a line have no glyph of their own.
        for silent in ['\n', '\u{200B}', '\u{200C}', '\u{200D}', '\u{00AD}'] {
            fonts.has[silent as usize] = true;
        }
        fonts
    }

    /// Adds the fonts of a file; false when it has none.
    pub fn add(&mut self, bytes: Bytes) -> bool {
        let before = self.all.len();
        for font in Font::iter(bytes) {
            for code in font.info().coverage.iter() {
                if let Some(has) = self.has.get_mut(code as usize) {
                    *has = true;
                }
            }
            self.all.push(font);
        }
        self.all.len() > before
    }

    pub fn has(&self, letter: char) -> bool {
        self.has.get(letter as usize).copied().unwrap_or(false)
    }

    pub fn book(&self) -> FontBook {
        FontBook::from_fonts(&self.all)
    }
}

/// A hash over the embedded fonts.
pub(crate) fn digest() -> [u8; 32] {
    static DIGEST: LazyLock<[u8; 32]> = LazyLock::new(|| {
        let mut hash = Sha256::new();
        EMBEDDED.iter().for_each(|font| hash.update(font));
        hash.finalize().into()
    });
    *DIGEST
}
