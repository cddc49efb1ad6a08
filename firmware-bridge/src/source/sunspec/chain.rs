//! The chain of models: found at 40000, 50000 or 0, walked from header to header.
//!
//! A device marks its map with `SunS`; models follow, each with its number and length, up to the
//! number 0xFFFF. Some devices forget that last one and refuse the read instead, which ends the
//! chain too. A model 0, a model of no registers, more than [`MAX_MODELS`] models or one that reaches
//! past the last register is no chain but a device that answers with the same thing for ever.

use thiserror::Error;

use super::model::{COMMON, END};
use crate::source::modbus::{Device, ReadError, Table};

/// Where a map may begin, in the order in which to look.
pub const BASES: [u16; 3] = [40_000, 50_000, 0];
/// More models than any device has (the longest known chain has 30).
pub const MAX_MODELS: usize = 100;

/// `SunS`.
const MARK: [u16; 2] = [0x5375, 0x6e53];

/// One model in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The model's number.
    pub id: u16,
    /// Its first register.
    pub at: u16,
    /// Its length as the device gives it, without number and length.
    pub length: u16,
}

/// A device's models in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Where the map begins.
    pub base: u16,
    /// The models.
    pub blocks: Vec<Block>,
    /// Whether the device ended the chain as it should, with 0xFFFF.
    pub ended: bool,
}

/// Why there is no chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChainError {
    /// Registers could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The device answers, but has no `SunS` at any of the three places.
    #[error("no `SunS` at 40000, 50000 or 0")]
    NotSunSpec,
    /// The device has a `SunS` but no chain behind it.
    #[error("{0}")]
    Broken(String),
}

/// Finds and walks the chain, which was at `known` when it was walked before.
///
/// # Errors
/// [`ChainError`]. Silence at one place only moves on to the next: some devices do not answer where
/// they have no registers. Silence where the chain was before is a device that is off.
pub async fn walk(device: &Device, known: Option<u16>) -> Result<Chain, ChainError> {
    let mut silence = None;
    let mut answered = false;
    if let Some(base) = known {
        match device.read(Table::Holding, base, 2).await {
            Ok(words) if words == MARK => return follow(device, base).await,
            Ok(_) => {}
            Err(error) if error.is_no_such_register() => {}
            Err(error) => return Err(error.into()),
        }
    }
    for base in BASES {
        match device.read(Table::Holding, base, 2).await {
            Ok(words) if words == MARK => return follow(device, base).await,
            Ok(_) => answered = true,
            Err(error) if error.is_no_such_register() => answered = true,
            Err(ReadError::Timeout(after)) => silence = Some(ReadError::Timeout(after)),
            Err(error) => return Err(error.into()),
        }
    }
    match silence {
        Some(error) if !answered => Err(error.into()),
        _ => Err(ChainError::NotSunSpec),
    }
}

async fn follow(device: &Device, base: u16) -> Result<Chain, ChainError> {
    let mut blocks: Vec<Block> = Vec::new();
    // Every base leaves room for the mark.
    let mut at = base + 2;
    loop {
        let (id, length) = match device.read(Table::Holding, at, 2).await {
            Ok(words) => (words[0], words[1]),
            Err(error) if error.is_no_such_register() && !blocks.is_empty() => {
                return Ok(Chain {
                    base,
                    blocks,
                    ended: false,
                });
            }
            Err(error) => return Err(error.into()),
        };
        if id == END {
            return Ok(Chain {
                base,
                blocks,
                ended: true,
            });
        }
        if id == 0 || length == 0 {
            return Err(ChainError::Broken(format!(
                "model {id} of {length} registers at {at}"
            )));
        }
        if blocks.len() == MAX_MODELS {
            return Err(ChainError::Broken(format!(
                "more than {MAX_MODELS} models, the last one {id} at {at}"
            )));
        }
        blocks.push(Block { id, at, length });
        at = at
            .checked_add(2)
            .and_then(|at| at.checked_add(length))
            .ok_or_else(|| {
                ChainError::Broken(format!(
                    "model {id} of {length} registers at {at}, which is past the last register"
                ))
            })?;
    }
}

/// What a common model says about the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Maker.
    pub maker: String,
    /// Model.
    pub model: String,
    /// Firmware version; empty where the device gives none.
    pub version: String,
    /// Serial number; empty where the device gives none.
    pub serial: String,
}

/// Reads a common model.
///
/// # Errors
/// [`ReadError`].
pub async fn identity(device: &Device, block: &Block) -> Result<Identity, ReadError> {
    debug_assert_eq!(block.id, COMMON);
    let words = device.read(Table::Holding, block.at, 66).await?;
    if words[0] != COMMON {
        return Err(ReadError::Garbage(format!(
            "model {} where model 1 was",
            words[0]
        )));
    }
    Ok(Identity {
        maker: text(&words[2..18]),
        model: text(&words[18..34]),
        version: text(&words[42..50]),
        serial: text(&words[50..66]),
    })
}

/// A string point: bytes up to the first NUL, without blanks at both ends; empty when it is not
/// implemented, or is no text that can be written into a note.
pub fn text(words: &[u16]) -> String {
    let bytes: Vec<u8> = words
        .iter()
        .flat_map(|word| word.to_be_bytes())
        .take_while(|byte| *byte != 0)
        .collect();
    match std::str::from_utf8(&bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.trim().to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_ends_at_its_nul_and_loses_its_padding() {
        let words = |text: &[u8]| -> Vec<u16> {
            text.chunks(2)
                .map(|pair| u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]))
                .collect()
        };
        assert_eq!(text(&words(b"9999abcd\0\0\0\0")), "9999abcd");
        assert_eq!(text(&words(b"  SN 12  ")), "SN 12");
        assert_eq!(text(&words(b"AB\0junk")), "AB");
        assert_eq!(text(&words(b"\0\0\0\0")), "");
        assert_eq!(text(&words(&[0x80, 0x00])), "");
        assert_eq!(text(&words(b"A\nB")), "");
    }
}
