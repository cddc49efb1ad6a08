//! The live figures, and how power, energy and age are spelt beside them.
//!
//! `live.js` writes the same places: an element with `data-live="KEY"` takes the text that an event
//! brings under that key, one with `data-live-age="KEY"` the age in the words of [`age_in_words`].
//! An event named `live` carries `{"text":{"bes1.now":"12.4","bes1.today":"86.1"},"age_s":{"bes1":12}}`;
//! an event named `refetch` makes the page fetch itself again (send it when a half hour is complete).
//! "bes1.how" is what has to be said about today's energy. The headline is live too: its key is "bes1.sentence", on the first page "home.sentence".

use domain::{
    metering::Quality,
    quantity::{WattHours, Watts},
};
use report::words::{self, Precision};

use office::live as office;

/// Now and today, of a society or a roof.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The key of its events: the society's slug, or "slug/roof".
    pub key: String,
    /// Power now, kW, as [`kw`] spells it; none when it is not known.
    pub kw: Option<String>,
    /// Energy today, kWh, as [`kwh`] spells it; none when it is not known.
    pub kwh: Option<String>,
    /// How today's energy is known, where that has to be said: see [`how`].
    pub how: &'static str,
    /// Seconds since the last read was taken; none when there was none.
    pub age_s: Option<u64>,
    /// The figures are sample data.
    pub sample: bool,
}

impl Now {
    /// "read 12 seconds ago from the meter".
    #[must_use]
    pub fn age(&self) -> String {
        self.age_s
            .map_or_else(|| "no read has reached us yet".to_owned(), age_in_words)
    }
}

/// "12.4": kilowatts with one decimal.
#[must_use]
pub fn kw(power: Watts) -> String {
    Precision::Tenth.kwh(WattHours(power.0))
}

/// "86.1", and "1,204" from 1,000 kWh on.
#[must_use]
pub fn kwh(energy: WattHours) -> String {
    Precision::for_largest(energy).kwh(energy)
}

/// Beside today's energy: "derived" where an advance was split by time at midnight, "not known yet"
/// where nothing is known; nothing where the register was read.
#[must_use]
pub fn how(known: &office::Now) -> &'static str {
    match known.quality {
        Quality::Missing => "not known yet",
        Quality::Actual | Quality::Manual => "",
        other => other.word(),
    }
}

/// What `who` makes now and has made today, in one sentence that says what is known and no more.
/// `verbs` are "is" and "has", or "are" and "have".
#[must_use]
pub fn sentence(
    who: &str,
    (is, has): (&str, &str),
    known: &office::Now,
    sample: bool,
) -> Option<String> {
    let derived = known.quality > Quality::Manual && known.quality != Quality::Missing;
    let mark = match (derived.then(|| known.quality.word()), sample) {
        (None, false) => String::new(),
        (Some(word), false) => format!(" ({word})"),
        (None, true) => " (SAMPLE)".to_owned(),
        (Some(word), true) => format!(" ({word}, SAMPLE)"),
    };
    Some(match (known.power.map(kw), known.today.map(kwh)) {
        (Some(kw), Some(kwh)) => {
            format!("{who} {is} making {kw} kW right now and {has} made {kwh} kWh today{mark}.")
        }
        (Some(kw), None) => {
            format!("{who} {is} making {kw} kW right now{mark}; how much today is not known yet.")
        }
        (None, Some(kwh)) => format!("{who} {has} made {kwh} kWh today{mark}."),
        (None, None) if known.read_today => {
            format!("How much {who} {has} made today is not known yet.")
        }
        (None, None) => return None,
    })
}

/// How long ago the meter was read; the same words as in `live.js`.
#[must_use]
pub fn age_in_words(seconds: u64) -> String {
    let (number, one, many) = match seconds {
        0..=1 => return "read just now from the meter".to_owned(),
        2..=119 => (seconds, "second", "seconds"),
        120..=7_199 => (seconds / 60, "minute", "minutes"),
        7_200..=172_799 => (seconds / 3_600, "hour", "hours"),
        _ => (seconds / 86_400, "day", "days"),
    };
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    format!(
        "read {} ago from the meter",
        words::count(number, one, many)
    )
}
