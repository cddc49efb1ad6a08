//! Now and today of a place, spelt; the same for a page and for its live events.

use domain::{
    calendar::Instant,
    quantity::{WattHours, Watts},
};

use super::view::{self, live};
use crate::office::{SocietyOffice, energy::Place, live::Now};

/// What a place does now, and how it is spelt.
pub struct Figures {
    /// Spelt.
    pub now: view::Now,
    /// Power now.
    pub power: Option<Watts>,
    /// Energy today.
    pub today: Option<WattHours>,
    /// When the last read was taken.
    pub last_read: Option<Instant>,
}

/// Of a whole society; its live key is its slug.
pub fn of_society(society: &SocietyOffice, now: Instant) -> Figures {
    spelt(society, society.slug().to_owned(), &Place::Society, now)
}

/// Of one roof; its live key is "slug/roof".
pub fn of_site(society: &SocietyOffice, site: &str, now: Instant) -> Figures {
    let key = format!("{}/{site}", society.slug());
    spelt(society, key, &Place::Site(site.to_owned()), now)
}

fn spelt(society: &SocietyOffice, key: String, place: &Place, at: Instant) -> Figures {
    let Now {
        power,
        today,
        last_read,
    } = society.now(place, at);
    let age_ms = last_read.map(|read| at.ms_since(read).max(0));
    Figures {
        now: view::Now {
            key,
            kw: power.map(live::kw),
            kwh: today.map(live::kwh),
            age_s: age_ms.and_then(|ms| u64::try_from(ms / 1_000).ok()),
            sample: society.known().document.society.sample,
        },
        power,
        today,
        last_read,
    }
}

/// The sum of what is known; none when nothing is.
pub fn sum<T>(parts: impl Iterator<Item = Option<T>>, add: impl Fn(T, T) -> T) -> Option<T> {
    parts.flatten().reduce(add)
}

/// The home page's sentence, also live.
pub fn home_sentence(societies: &[(std::sync::Arc<SocietyOffice>, Figures)]) -> String {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let roofs = societies
        .iter()
        .map(|(society, _)| society.known().sites.len())
        .sum();
    let power = sum(
        societies.iter().map(|(_, figures)| figures.power),
        |a, b| Watts(a.0 + b.0),
    );
    let today = sum(
        societies.iter().map(|(_, figures)| figures.today),
        |a, b| WattHours(a.0 + b.0),
    );
    let sample = societies.iter().any(|(_, figures)| figures.now.sample);
    view::home::sentence(number(societies.len()), number(roofs), power, today, sample)
}
