//! When the sun is down at a site, as spans that the caller worked out.
//!
//! The sun's position is computed elsewhere (it needs floats); here are only the results. Outside
//! the span that was worked out neither darkness nor daylight is claimed.

use std::sync::Arc;

use crate::calendar::{Instant, Span};

/// The width of a bucket of the index: 2²⁶ ms, about 18.6 hours, so that it holds at most a few
/// nights' ends.
const BUCKET_MS: i64 = 1 << 26;

/// Dark spans in order, within a span of time for which they are known.
///
/// ```
/// use commonwatt_domain::{calendar::{Instant, Span}, metering::Nights};
/// let span = |start, end| Span::new(Instant(start), Instant(end));
/// let nights = Nights::new(span(0, 1000), vec![span(0, 300), span(700, 1000)])?;
/// assert!(nights.is_dark_throughout(span(100, 300)));
/// assert!(!nights.is_dark_throughout(span(100, 301)));
/// assert_eq!(nights.daylight_ms(span(200, 800)), 400);
/// # Ok::<(), commonwatt_domain::metering::NightsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nights {
    known: Span,
    dark: Vec<Span>,
    /// Dark milliseconds before each span.
    dark_before: Vec<i64>,
    /// For each bucket of `known` the first span that ends after the bucket's start.
    index: Vec<u32>,
}

/// The spans are not what [`Nights::new`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NightsError {
    /// Spans overlap, are empty, or stand in the wrong order.
    #[error(
        "dark span `{0}` does not come after the one before; expected spans in order, each with a length\nhint: sort and join the nights before handing them over"
    )]
    Order(usize),
    /// A span reaches beyond what is known.
    #[error(
        "dark span `{0}` reaches beyond the known time\nhint: cut the nights to the span they were worked out for"
    )]
    Beyond(usize),
}

impl Nights {
    /// Nights that are known within `known`: dark in `dark`, light between.
    ///
    /// # Errors
    /// [`NightsError`] when spans are empty, out of order, overlapping or beyond `known`.
    pub fn new(known: Span, dark: Vec<Span>) -> Result<Nights, NightsError> {
        let mut dark_before = Vec::with_capacity(dark.len());
        let (mut total, mut end) = (0_i64, Instant(i64::MIN));
        for (number, span) in dark.iter().enumerate() {
            if span.start < end || span.end <= span.start {
                return Err(NightsError::Order(number));
            }
            if span.start < known.start || span.end > known.end {
                return Err(NightsError::Beyond(number));
            }
            dark_before.push(total);
            total = total.saturating_add(span.ms());
            end = span.end;
        }
        let buckets = known.ms().checked_div(BUCKET_MS).unwrap_or(0);
        let index = (0..=buckets)
            .map(|bucket| known.start.plus_ms(bucket.saturating_mul(BUCKET_MS)))
            .map(|start| dark.partition_point(|span| span.end <= start))
            .map(|first| u32::try_from(first).unwrap_or(u32::MAX))
            .collect();
        Ok(Nights {
            known,
            dark,
            dark_before,
            index,
        })
    }

    /// No nights are known: nothing is dark and nothing is daylight.
    #[must_use]
    pub fn unknown() -> Arc<Nights> {
        Arc::new(Nights::default())
    }

    /// The span for which nights are known.
    #[must_use]
    pub fn known(&self) -> Span {
        self.known
    }

    /// Whether it was dark from the first to the last instant of the span. An empty span asks about
    /// the instant at its start.
    #[must_use]
    pub fn is_dark_throughout(&self, span: Span) -> bool {
        self.first_ending_after(span.start)
            .and_then(|first| self.dark.get(first))
            .is_some_and(|dark| dark.start <= span.start && span.end <= dark.end)
    }

    /// Whether it was dark at the instant.
    #[must_use]
    pub fn is_dark(&self, at: Instant) -> bool {
        self.is_dark_throughout(Span::new(at, at))
    }

    /// Milliseconds of daylight within the span, as far as nights are known.
    #[must_use]
    pub fn daylight_ms(&self, span: Span) -> i64 {
        let span = span.overlap(self.known);
        let dark = self
            .dark_until(span.end)
            .saturating_sub(self.dark_until(span.start));
        span.ms().saturating_sub(dark)
    }

    /// Dark milliseconds from the start of what is known to the instant.
    fn dark_until(&self, at: Instant) -> i64 {
        let first = self.first_ending_after(at).unwrap_or(self.dark.len());
        match (self.dark.get(first), self.dark_before.get(first)) {
            (Some(span), Some(before)) => {
                before.saturating_add(at.ms_since(span.start).clamp(0, span.ms()))
            }
            _ => match (self.dark.last(), self.dark_before.last()) {
                (Some(span), Some(before)) => before.saturating_add(span.ms()),
                _ => 0,
            },
        }
    }

    /// The first dark span that ends after the instant.
    fn first_ending_after(&self, at: Instant) -> Option<usize> {
        let bucket =
            usize::try_from(at.ms_since(self.known.start).div_euclid(BUCKET_MS)).unwrap_or(0);
        let mut number = usize::try_from(*self.index.get(bucket)?).ok()?;
        while self.dark.get(number)?.end <= at {
            number = number.checked_add(1)?;
        }
        Some(number)
    }
}
