//! The hash that every blob carries.
//!
//! A seal is the CRC-32C of the table's tag, the row's key and the payload, as the last four bytes
//! of the blob, little end first. The key is part of it, so that a row that answers under another
//! key is damage too. CRC-32C finds every flip of up to 5 bits in payloads of the sizes used here
//! and every burst of up to 32 bits; it is a guard against rot, not against a forger: the journal's
//! hash tree is that.

/// Bytes that a seal adds.
pub(crate) const SEAL_BYTES: usize = 4;

/// Stored bytes are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stored bytes are damaged: {0}")]
pub struct Damage(pub &'static str);

/// Closes `payload` with the seal for (`tag`, `key`).
pub(crate) fn seal(tag: u8, key: &[i64], payload: &mut Vec<u8>) {
    let crc = crc(tag, key, payload);
    payload.extend_from_slice(&crc.to_le_bytes());
}

/// The payload inside a sealed blob.
pub(crate) fn open<'a>(tag: u8, key: &[i64], blob: &'a [u8]) -> Result<&'a [u8], Damage> {
    let Some(at) = blob.len().checked_sub(SEAL_BYTES) else {
        return Err(Damage("shorter than its hash"));
    };
    let (payload, stored) = blob.split_at(at);
    if stored == crc(tag, key, payload).to_le_bytes() {
        Ok(payload)
    } else {
        Err(Damage("the content hash does not match"))
    }
}

/// The hash of a row that has columns instead of a blob.
pub(crate) fn crc(tag: u8, key: &[i64], payload: &[u8]) -> u32 {
    let mut crc = crc32c::crc32c(&[tag]);
    for part in key {
        crc = crc32c::crc32c_append(crc, &part.to_le_bytes());
    }
    crc32c::crc32c_append(crc, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_other_key_is_found() {
        let mut blob = b"sixty reads of one morning".to_vec();
        seal(3, &[7, 19_000], &mut blob);
        assert_eq!(
            open(3, &[7, 19_000], &blob),
            Ok(&b"sixty reads of one morning"[..])
        );
        for bit in 0..blob.len() * 8 {
            let mut bad = blob.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(3, &[7, 19_000], &bad).is_err(), "bit {bit}");
        }
        assert!(open(3, &[7, 19_001], &blob).is_err());
        assert!(open(4, &[7, 19_000], &blob).is_err());
        for short in 0..SEAL_BYTES {
            assert!(open(3, &[], &blob[..short]).is_err());
        }
    }
}
