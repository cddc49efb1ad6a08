//! The mappings that come with the program: `config/mappings/devices/*.toml`.

use std::{collections::BTreeSet, sync::OnceLock};

use include_dir::{Dir, include_dir};

use crate::Mapping;

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../../config/mappings/devices");

/// A mapping that comes with the program.
#[derive(Debug)]
pub struct Shipped {
    /// Its text, as it is journaled when a society takes it.
    pub text: &'static str,
    /// The same, checked.
    pub mapping: Mapping,
}

/// All of them, by name.
///
/// # Panics
/// When a shipped file is broken, which the tests rule out.
#[must_use]
pub fn all() -> &'static [Shipped] {
    static ALL: OnceLock<Vec<Shipped>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut all: Vec<Shipped> = FILES
            .files()
            .filter(|file| file.path().extension().is_some_and(|e| e == "toml"))
            .map(|file| {
                let text = file.contents_utf8().expect("a shipped mapping is UTF-8");
                let mapping = Mapping::read(text)
                    .unwrap_or_else(|e| panic!("`{}`: {e}", file.path().display()));
                Shipped { text, mapping }
            })
            .collect();
        all.sort_by(|a, b| a.mapping.name.cmp(&b.mapping.name));
        all
    })
}

/// MQTT filters of all of them that begin with a word, each once: what an inbox looks for.
#[must_use]
pub fn filters() -> Vec<String> {
    let all = all().iter().flat_map(|s| s.mapping.filters());
    let named: BTreeSet<String> = all.filter(|f| !f.starts_with('+')).collect();
    named.into_iter().collect()
}

/// One of them.
#[must_use]
pub fn named(name: &str) -> Option<&'static Shipped> {
    all().iter().find(|s| s.mapping.name == name)
}
