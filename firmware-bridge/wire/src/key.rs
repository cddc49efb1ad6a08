//! The key a gateway signs with: Ed25519, in the forms that a C2SP signed note gives it.
//!
//! A key signs under a name, `commonwatt/gw/<gateway>`. The first four bytes of
//! SHA-256(name ‖ `\n` ‖ 1 ‖ public key) are its [`KeyId`]; they stand before every signature and
//! say which key to try, nothing more. A public key is written as the verifier key of a signed
//! note, `<name>+<key id, hex>+<base64 of 1 ‖ public key>`, so that any tool for signed notes can
//! check ours. What a person compares is the [`Fingerprint`], SHA-256 of the public key.
//!
//! Signatures are checked strictly: keys of small order and signatures with more than one spelling
//! are refused. A [`SecretKey`] is wiped when it is dropped and never printed.

use base64ct::{Base64, Encoding as _};
use core::fmt;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::text::{Fixed, Hex};

/// What stands before a gateway's id in the name its key signs under.
pub const KEY_NAME_PREFIX: &str = "commonwatt/gw/";
/// Longest public key in its text form.
pub const MAX_VERIFIER_BYTES: usize = KEY_NAME_PREFIX.len() + crate::MAX_GATEWAY_BYTES + 2 + 8 + 44;
/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = 64;

/// The algorithm byte of Ed25519 in a signed note's keys.
const ED25519: u8 = 1;

/// A key to sign with. Never printed, wiped when dropped.
pub struct SecretKey(SigningKey);

/// A key to check signatures with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Four bytes that say which key a signature is by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub [u8; 4]);

/// SHA-256 of a public key, for people to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

/// The bytes are not a public key that may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadKey;

impl SecretKey {
    /// A key from 32 random bytes of the system.
    pub fn from_seed(seed: &[u8; 32]) -> SecretKey {
        SecretKey(SigningKey::from_bytes(seed))
    }

    /// The 32 bytes to keep in the key file, and nowhere else.
    pub fn seed(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The key that checks its signatures.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs bytes.
    pub fn sign(&self, text: &[u8]) -> [u8; SIGNATURE_BYTES] {
        self.0.sign(text).to_bytes()
    }
}

impl PublicKey {
    /// A public key from its bytes.
    ///
    /// # Errors
    /// [`BadKey`] when they are no point of the curve, or one of small order, for which anybody
    /// can sign.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<PublicKey, BadKey> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(PublicKey(key)),
            _ => Err(BadKey),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Is this the signature of these bytes?
    pub fn verifies(&self, text: &[u8], signature: &[u8; SIGNATURE_BYTES]) -> bool {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(text, &signature).is_ok()
    }

    /// What stands before a signature of this key as the key of `gateway`.
    pub fn id(&self, gateway: &str) -> KeyId {
        let mut hash = Sha256::new();
        hash.update(KEY_NAME_PREFIX);
        hash.update(gateway);
        hash.update([b'\n', ED25519]);
        hash.update(self.as_bytes());
        let hash: [u8; 32] = hash.finalize().into();
        KeyId([hash[0], hash[1], hash[2], hash[3]])
    }

    /// What a person compares.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(Sha256::digest(self.as_bytes()).into())
    }

    /// The key as text, in the form of a signed note's verifier key. `None` when the buffer is
    /// smaller than [`MAX_VERIFIER_BYTES`] and it does not fit.
    pub fn verifier<'b>(&self, gateway: &str, buffer: &'b mut [u8]) -> Option<&'b str> {
        let mut typed = [ED25519; 33];
        typed[1..].copy_from_slice(self.as_bytes());
        let mut base64 = [0; 44];
        let key = Base64::encode(&typed, &mut base64).ok()?;
        let mut out = Fixed::new(buffer);
        let id = Hex(&self.id(gateway).0);
        fmt::Write::write_fmt(
            &mut out,
            format_args!("{KEY_NAME_PREFIX}{gateway}+{id}+{key}"),
        )
        .ok()?;
        Some(out.into_text())
    }

    /// A key and whose it is, from [`verifier`](PublicKey::verifier)'s text.
    ///
    /// # Errors
    /// [`BadKey`] for every other text, also when the key id is not that key's.
    pub fn parse(text: &str) -> Result<(&str, PublicKey), BadKey> {
        let named = text.strip_prefix(KEY_NAME_PREFIX).ok_or(BadKey)?;
        let (gateway, rest) = named.split_once('+').ok_or(BadKey)?;
        let (_, base64) = rest.split_once('+').ok_or(BadKey)?;
        let mut typed = [0; 33];
        let bytes = Base64::decode(base64, &mut typed).map_err(|_| BadKey)?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(BadKey);
        };
        let key = PublicKey::from_bytes(key.try_into().map_err(|_| BadKey)?)?;
        let mut again = [0; MAX_VERIFIER_BYTES];
        match key.verifier(gateway, &mut again) {
            Some(same) if same == text && crate::is_gateway_id(gateway) => Ok((gateway, key)),
            _ => Err(BadKey),
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey")
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", Hex(self.as_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(&self.0))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(&self.0))
    }
}

impl fmt::Display for BadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an Ed25519 public key that may be used")
    }
}

impl core::error::Error for BadKey {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    // RFC 8032, section 7.1, test 2.
    const SEED: [u8; 32] = [
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3, 0x46, 0xec, 0x11, 0x4e,
        0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab, 0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8,
        0xa6, 0xfb,
    ];

    #[test]
    fn the_second_vector_of_rfc_8032_is_signed_as_printed() {
        let key = SecretKey::from_seed(&SEED);
        let signature = key.sign(&[0x72]);
        assert_eq!(
            Hex(key.public().as_bytes()).to_string(),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            Hex(&signature).to_string(),
            concat!(
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
                "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
            )
        );
        assert!(key.public().verifies(&[0x72], &signature));
        assert!(!key.public().verifies(&[0x73], &signature));
    }

    #[test]
    fn a_public_key_reads_back_from_its_text_and_from_no_other() {
        let key = SecretKey::from_seed(&SEED).public();
        let mut buffer = [0; MAX_VERIFIER_BYTES];
        let text = key.verifier("elmore-1", &mut buffer).unwrap();
        assert_eq!(PublicKey::parse(text), Ok(("elmore-1", key)));
        for wrong in [
            text.replace("elmore-1", "elmore-2"),
            text.replace("commonwatt/gw/", ""),
            std::format!("{text} "),
            text.replace('+', "-"),
        ] {
            assert_eq!(PublicKey::parse(&wrong), Err(BadKey), "{wrong}");
        }
    }

    #[test]
    fn a_key_for_which_anybody_can_sign_is_refused() {
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(PublicKey::from_bytes(&neutral), Err(BadKey));
        assert_eq!(PublicKey::from_bytes(&[0; 32]), Err(BadKey));
    }
}
