//! The fixed bytes of a [`FoldState`], for the store.
//!
//! 67 bytes, little-endian: version 1; flags (1 last, 2 jump, 4 dark); `upto`; last: instant,
//! value, since, quality; jump: instant, value; dark: instant, value. What a flag says is absent is
//! zero, so that equal states have equal bytes.

use super::{DarkAnchor, FoldState, HeldJump, LastAccepted, Mark, Quality};
use crate::{calendar::Instant, quantity::WattHours};

const VERSION: u8 = 1;

/// The bytes are not a state of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "these bytes are no state of judging; expected {} bytes of version {VERSION}\nhint: run `commonwatt rebuild`",
    FoldState::BYTES
)]
pub struct NotAState;

impl FoldState {
    /// The length of its bytes.
    pub const BYTES: usize = 67;

    /// Its bytes; equal states have equal bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; FoldState::BYTES] {
        let last = self.last.unwrap_or(LastAccepted {
            at: Instant(0),
            wh: WattHours(0),
            quality: Quality::Actual,
            since: Instant(0),
        });
        let jump = self.jump.map_or(Mark::default(), |jump| jump.0);
        let dark = self.dark.map_or(Mark::default(), |dark| dark.0);
        let flags = u8::from(self.last.is_some())
            | u8::from(self.jump.is_some()) << 1
            | u8::from(self.dark.is_some()) << 2;
        let mut bytes = Vec::with_capacity(FoldState::BYTES);
        bytes.extend([VERSION, flags]);
        for number in [self.upto.0, last.at.0, last.wh.0, last.since.0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(last.quality.code());
        for number in [jump.at.0, jump.wh.0, dark.at.0, dark.wh.0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes
            .try_into()
            .expect("two bytes, eight numbers and a quality are 67 bytes")
    }

    /// The state of those bytes.
    ///
    /// # Errors
    /// [`NotAState`] unless [`FoldState::to_bytes`] could have made them.
    pub fn from_bytes(bytes: &[u8]) -> Result<FoldState, NotAState> {
        let [version, flags, rest @ ..] = bytes else {
            return Err(NotAState);
        };
        let (numbers, rest) = rest.split_at_checked(32).ok_or(NotAState)?;
        let (quality, marks) = rest.split_first().ok_or(NotAState)?;
        let number = |bytes: &[u8], index: usize| {
            let chunk = bytes.chunks_exact(8).nth(index).ok_or(NotAState)?;
            chunk
                .try_into()
                .map(i64::from_le_bytes)
                .map_err(|_| NotAState)
        };
        let mark = |index: usize| {
            Ok(Mark {
                at: Instant(number(marks, index)?),
                wh: WattHours(number(marks, index.saturating_add(1))?),
            })
        };
        let last = LastAccepted {
            at: Instant(number(numbers, 1)?),
            wh: WattHours(number(numbers, 2)?),
            since: Instant(number(numbers, 3)?),
            quality: Quality::of_code(*quality).ok_or(NotAState)?,
        };
        let state = FoldState {
            upto: Instant(number(numbers, 0)?),
            last: (flags & 1 != 0).then_some(last),
            jump: (flags & 2 != 0).then_some(HeldJump(mark(0)?)),
            dark: (flags & 4 != 0).then_some(DarkAnchor(mark(2)?)),
        };
        let canonical = *version == VERSION && state.to_bytes() == *bytes;
        canonical.then_some(state).ok_or(NotAState)
    }
}
