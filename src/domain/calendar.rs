//! Instants, half hours and the society's local calendar.

/// An instant in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

/// A half hour by the number of half hours since 1970-01-01T00:00:00Z; keyed by its UTC start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HalfHour(pub i32);

/// A half-open span of time, `start <= t < end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First instant inside.
    pub start: Instant,
    /// First instant after.
    pub end: Instant,
}
