//! Any target of `commonwatt-fuzz`, named by `COMMONWATT_TARGET`, under libFuzzer.
#![no_main]

use std::sync::OnceLock;

use commonwatt_fuzz::{TARGETS, Target};
use libfuzzer_sys::{Corpus, fuzz_target};

static CHOSEN: OnceLock<&'static Target> = OnceLock::new();

fn choose() -> &'static Target {
    let name = std::env::var("COMMONWATT_TARGET").unwrap_or_default();
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| {
        let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
        panic!("`COMMONWATT_TARGET` is `{name}`; expected one of {}", names.join(", "))
    })
}

fuzz_target!(|input: &[u8]| -> Corpus {
    (CHOSEN.get_or_init(choose).run)(input);
    Corpus::Keep
});
