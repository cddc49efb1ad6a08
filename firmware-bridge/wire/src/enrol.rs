//! How a gateway's key becomes known: enrolment with a one-time code, and rotation.
//!
//! An officer asks the daemon for a [`Code`] and types it into the gateway within 15 minutes. The
//! gateway answers on `commonwatt/v1/<gateway>/enrol`:
//!
//! ```text
//! commonwatt/enrol/v1
//! gw elmore-1
//! key commonwatt/gw/elmore-1+1f2e3d4c+AQ…
//! token 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
//! proof 9b74c9897bac770ffc029102a200c5de9d6fd1b0f0b0a5c4f6d2a1cbb5a0d1e2
//!
//! — commonwatt/gw/elmore-1 …
//! ```
//!
//! `token` is the SHA-256 of a password that the gateway drew for itself, or `-` where a broker
//! keeps the passwords; `proof` is HMAC-SHA-256 of all lines before it, keyed with the SHA-256 of the
//! code; the signature is by the key itself. So whoever reads the message on its way learns neither
//! code nor password, can put no other key in its place, and nobody can enrol a key that is not theirs.
//!
//! A new key is made known by the old one, on the same topic:
//!
//! ```text
//! commonwatt/rotate/v1
//! gw elmore-1
//! key commonwatt/gw/elmore-1+5a6b7c8d+AQ…
//!
//! — commonwatt/gw/elmore-1 …          by the old key
//! — commonwatt/gw/elmore-1 …          by the new key
//! ```
//!
//! Both are signed texts with one spelling, like a note. The daemon answers with the fingerprints of
//! the keys it believes, retained on `commonwatt/v1/<gateway>/enrolled`: [`write_known`].

use core::fmt::{self, Write as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::{
    key::{Fingerprint, KeyId, MAX_VERIFIER_BYTES, PublicKey, SIGNATURE_BYTES, SecretKey},
    note::{
        NoteError, parse_signature, parse_signature_line, write_signature, write_signature_line,
    },
    text::{Cursor, Fixed, Hex, Stray},
};

/// What an enrolment begins with.
pub const ENROL_PREFIX: &str = "commonwatt/enrol/v1\n";
/// What a rotation begins with.
pub const ROTATE_PREFIX: &str = "commonwatt/rotate/v1\n";
/// Longest enrolment or rotation.
pub const MAX_ENROL_BYTES: usize = 1_024;
/// Characters of a code: 128 bits in base32.
pub const CODE_CHARS: usize = 26;
/// Most keys that an answer names.
pub const MAX_KNOWN_KEYS: usize = 16;
/// Longest answer: each key is 64 digits, two quotes and a comma.
pub const MAX_KNOWN_BYTES: usize = 11 + MAX_KNOWN_KEYS * 67;

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A one-time code: 26 characters of `a–z 2–7`. Never printed by accident.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code([u8; CODE_CHARS]);

/// SHA-256 of a code: what the daemon keeps, and what proofs are keyed with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CodeHash(pub [u8; 32]);

/// The text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCode;

/// A gateway asks that its key be believed.
#[derive(Clone, Copy, Debug)]
pub struct Enrolment<'a> {
    /// The gateway.
    pub gateway: &'a str,
    /// Its key.
    pub key: PublicKey,
    /// SHA-256 of the password it will show from now on.
    pub token: Option<[u8; 32]>,
    proved: &'a str,
    proof: [u8; 32],
}

/// A gateway asks that a new key be believed beside its old one.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// The gateway.
    pub gateway: &'a str,
    /// The new key.
    pub key: PublicKey,
    text: &'a str,
    by: KeyId,
    signature: [u8; SIGNATURE_BYTES],
}

impl Code {
    /// A code from 16 random bytes of the system.
    pub fn from_random(random: &[u8; 16]) -> Code {
        let number = u128::from_be_bytes(*random);
        let mut code = [0; CODE_CHARS];
        for (place, shift) in code.iter_mut().zip((0..128).step_by(5)) {
            // The highest five bits that are left; the last character has three.
            *place = BASE32[(number << shift >> 123) as usize];
        }
        Code(code)
    }

    /// A code as a person types it: case, spaces and hyphens do not matter.
    ///
    /// # Errors
    /// [`BadCode`].
    pub fn parse(text: &str) -> Result<Code, BadCode> {
        let mut code = [0; CODE_CHARS];
        let mut count = 0;
        for byte in text.bytes().filter(|b| !matches!(b, b' ' | b'-')) {
            let byte = byte.to_ascii_lowercase();
            if !matches!(byte, b'a'..=b'z' | b'2'..=b'7') {
                return Err(BadCode);
            }
            *code.get_mut(count).ok_or(BadCode)? = byte;
            count += 1;
        }
        match count {
            CODE_CHARS => Ok(Code(code)),
            _ => Err(BadCode),
        }
    }

    /// The code itself: the password of a gateway that has no other yet.
    pub fn reveal(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// What the daemon keeps of it.
    pub fn hash(&self) -> CodeHash {
        CodeHash(Sha256::digest(self.0).into())
    }
}

/// SHA-256 of a password, as it stands in an enrolment.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// Writes an enrolment; how many bytes it takes. [`MAX_ENROL_BYTES`] are always enough.
///
/// # Errors
/// [`NoteError::Value`] for an id that no gateway can have, [`NoteError::Full`].
pub fn write_enrolment(
    buffer: &mut [u8],
    gateway: &str,
    key: &SecretKey,
    token: Option<&[u8; 32]>,
    code: &Code,
) -> Result<usize, NoteError> {
    let mut out = begin(buffer, ENROL_PREFIX, gateway, &key.public())?;
    let done = match token {
        Some(token) => writeln!(out, "token {}", Hex(token)),
        None => out.write_str("token -\n"),
    };
    done.map_err(|_| NoteError::Full)?;
    let proof: [u8; 32] = hmac(&code.hash(), out.written())
        .finalize()
        .into_bytes()
        .into();
    writeln!(out, "proof {}", Hex(&proof)).map_err(|_| NoteError::Full)?;
    let signature = key.sign(out.written());
    write_signature(&mut out, gateway, key.public().id(gateway), &signature)
        .map_err(|_| NoteError::Full)?;
    Ok(out.used())
}

/// Writes a rotation from one key to another; how many bytes it takes. [`MAX_ENROL_BYTES`] are
/// always enough.
///
/// # Errors
/// [`NoteError::Value`] for an id that no gateway can have, [`NoteError::Full`].
pub fn write_rotation(
    buffer: &mut [u8],
    gateway: &str,
    old: &SecretKey,
    new: &SecretKey,
) -> Result<usize, NoteError> {
    let mut out = begin(buffer, ROTATE_PREFIX, gateway, &new.public())?;
    let by_old = old.sign(out.written());
    let by_new = new.sign(out.written());
    write_signature(&mut out, gateway, old.public().id(gateway), &by_old)
        .and_then(|()| write_signature_line(&mut out, gateway, new.public().id(gateway), &by_new))
        .map_err(|_| NoteError::Full)?;
    Ok(out.used())
}

/// Writes the daemon's answer, `{"keys":["<fingerprint>",…]}`; how many bytes it takes. Keys beyond
/// [`MAX_KNOWN_KEYS`] are left out.
pub fn write_known(
    buffer: &mut [u8],
    keys: impl IntoIterator<Item = Fingerprint>,
) -> Option<usize> {
    let mut out = Fixed::new(buffer);
    out.write_str("{\"keys\":[").ok()?;
    for (at, key) in keys.into_iter().take(MAX_KNOWN_KEYS).enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\"{key}\"").ok()?;
    }
    out.write_str("]}").ok()?;
    Some(out.used())
}

/// Does the daemon's answer name this key? Also `false` when it is not an answer at all.
pub fn is_known(answer: &[u8], key: &Fingerprint) -> bool {
    let Some(list) = core::str::from_utf8(answer)
        .ok()
        .and_then(|text| text.strip_prefix("{\"keys\":["))
        .and_then(|text| text.strip_suffix("]}"))
    else {
        return false;
    };
    list.split(',').any(|quoted| {
        let mut cursor = Cursor::new(quoted);
        cursor.take("\"") && cursor.hex() == Ok(key.0) && cursor.take("\"") && cursor.is_done()
    })
}

impl<'a> Enrolment<'a> {
    /// The parser: exactly what [`write_enrolment`] writes, signed by the key it names.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Enrolment<'a>, NoteError> {
        let (whole, mut cursor, gateway, key) = open(bytes, ENROL_PREFIX)?;
        cursor.expect("token ")?;
        let token = match cursor.take("-") {
            true => None,
            false => Some(cursor.hex()?),
        };
        cursor.expect("\n")?;
        let proved = whole.get(..cursor.at()).unwrap_or_default();
        cursor.expect("proof ")?;
        let proof = cursor.hex()?;
        cursor.expect("\n")?;
        let text = whole.get(..cursor.at()).unwrap_or_default();
        let start = Stray(cursor.at());
        let (by, signature) = parse_signature(&mut cursor, gateway)?;
        if !cursor.is_done() || by != key.id(gateway) || !key.verifies(text.as_bytes(), &signature)
        {
            return Err(start.into());
        }
        Ok(Enrolment {
            gateway,
            key,
            token,
            proved,
            proof,
        })
    }

    /// Does the sender know the code of this hash? In constant time.
    pub fn proves(&self, code: &CodeHash) -> bool {
        hmac(code, self.proved.as_bytes())
            .verify_slice(&self.proof)
            .is_ok()
    }
}

impl<'a> Rotation<'a> {
    /// The parser: exactly what [`write_rotation`] writes, signed by the new key.
    ///
    /// # Errors
    /// [`NoteError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Rotation<'a>, NoteError> {
        let (whole, mut cursor, gateway, key) = open(bytes, ROTATE_PREFIX)?;
        let text = whole.get(..cursor.at()).unwrap_or_default();
        let (by, signature) = parse_signature(&mut cursor, gateway)?;
        let start = Stray(cursor.at());
        cursor.expect("— ")?;
        let (new, by_new) = parse_signature_line(&mut cursor, gateway)?;
        if !cursor.is_done() || new != key.id(gateway) || !key.verifies(text.as_bytes(), &by_new) {
            return Err(start.into());
        }
        Ok(Rotation {
            gateway,
            key,
            text,
            by,
            signature,
        })
    }

    /// Is it signed by this key, as the old one?
    pub fn is_by(&self, old: &PublicKey) -> bool {
        old.id(self.gateway) == self.by && old.verifies(self.text.as_bytes(), &self.signature)
    }
}

fn begin<'b>(
    buffer: &'b mut [u8],
    prefix: &str,
    gateway: &str,
    key: &PublicKey,
) -> Result<Fixed<'b>, NoteError> {
    if !crate::is_gateway_id(gateway) {
        return Err(NoteError::Value("gateway"));
    }
    let mut verifier = [0; MAX_VERIFIER_BYTES];
    let verifier = key
        .verifier(gateway, &mut verifier)
        .ok_or(NoteError::Full)?;
    let mut out = Fixed::new(buffer);
    write!(out, "{prefix}gw {gateway}\nkey {verifier}\n").map_err(|_| NoteError::Full)?;
    Ok(out)
}

type Opened<'a> = (&'a str, Cursor<'a>, &'a str, PublicKey);

fn open<'a>(bytes: &'a [u8], prefix: &str) -> Result<Opened<'a>, NoteError> {
    if !bytes.starts_with(prefix.as_bytes()) {
        return Err(NoteError::NotANote);
    }
    if bytes.len() > MAX_ENROL_BYTES {
        return Err(NoteError::TooLong);
    }
    let whole = core::str::from_utf8(bytes).map_err(|_| NoteError::NotText)?;
    let mut cursor = Cursor::new(whole);
    cursor.expect(prefix)?;
    cursor.expect("gw ")?;
    let gateway = cursor.until("\n")?;
    cursor.expect("key ")?;
    let start = Stray(cursor.at());
    match PublicKey::parse(cursor.until("\n")?) {
        Ok((named, key)) if named == gateway => Ok((whole, cursor, gateway, key)),
        _ => Err(start.into()),
    }
}

fn hmac(code: &CodeHash, text: &[u8]) -> Hmac<Sha256> {
    // RFC 2104: a key shorter than the block is filled up with zeros.
    let mut block = [0; 64];
    block[..32].copy_from_slice(&code.0);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(text);
    mac
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash")
    }
}

impl fmt::Display for BadCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a code; expected {CODE_CHARS} of `a–z` and `2–7`")
    }
}

impl core::error::Error for BadCode {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        string::{String, ToString as _},
        vec::Vec,
    };

    const CODE: [u8; 16] = [9; 16];
    const GOLDEN_ENROLMENT: &str =
        "3c7cab33818c5af77f5d9930764ddf332b812599f872f4c0d4b76378a9826a45";
    const GOLDEN_ROTATION: &str =
        "677e8b9d614b9a13d976e25b08faf41c5335b0244074374ce30ed33e2d5def45";

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    fn enrolment() -> Vec<u8> {
        let mut buffer = [0; MAX_ENROL_BYTES];
        let code = Code::from_random(&CODE);
        let used =
            write_enrolment(&mut buffer, "elmore-1", &key(7), Some(&[1; 32]), &code).unwrap();
        buffer[..used].to_vec()
    }

    fn rotation() -> Vec<u8> {
        let mut buffer = [0; MAX_ENROL_BYTES];
        let used = write_rotation(&mut buffer, "elmore-1", &key(7), &key(8)).unwrap();
        buffer[..used].to_vec()
    }

    #[test]
    fn version_1_keeps_its_bytes() {
        let hash = |bytes: &[u8]| Hex(&<[u8; 32]>::from(Sha256::digest(bytes))).to_string();
        assert_eq!(
            [hash(&enrolment()), hash(&rotation())],
            [GOLDEN_ENROLMENT, GOLDEN_ROTATION]
        );
    }

    #[test]
    fn an_enrolment_proves_its_code_and_no_other() {
        let bytes = enrolment();
        let asked = Enrolment::parse(&bytes).unwrap();
        assert_eq!(asked.gateway, "elmore-1");
        assert_eq!(asked.key, key(7).public());
        assert_eq!(asked.token, Some([1; 32]));
        assert!(asked.proves(&Code::from_random(&CODE).hash()));
        assert!(!asked.proves(&Code::from_random(&[8; 16]).hash()));
    }

    #[test]
    fn another_key_or_password_cannot_be_put_in_its_place() {
        let mut buffer = [0; MAX_ENROL_BYTES];
        let code = Code::from_random(&[1; 16]);
        let used = write_enrolment(&mut buffer, "elmore-1", &key(8), None, &code).unwrap();
        let theirs = String::from_utf8(buffer[..used].to_vec()).unwrap();
        let ours = String::from_utf8(enrolment()).unwrap();
        let proof = |text: &str| {
            text.lines()
                .find(|l| l.starts_with("proof"))
                .unwrap()
                .to_string()
        };
        let forged = theirs.replace(&proof(&theirs), &proof(&ours));
        assert!(Enrolment::parse(forged.as_bytes()).is_err());
        for at in 0..ours.len() {
            let mut other = ours.clone().into_bytes();
            other[at] ^= 1;
            assert!(Enrolment::parse(&other).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_rotation_is_signed_by_both_keys() {
        let bytes = rotation();
        let asked = Rotation::parse(&bytes).unwrap();
        assert_eq!((asked.gateway, asked.key), ("elmore-1", key(8).public()));
        assert!(asked.is_by(&key(7).public()));
        assert!(!asked.is_by(&key(8).public()) && !asked.is_by(&key(9).public()));
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            let believed = Rotation::parse(&other).is_ok_and(|r| r.is_by(&key(7).public()));
            assert!(!believed, "byte {at}");
        }
    }

    #[test]
    fn a_code_is_typed_as_people_type() {
        let code = Code::from_random(&CODE);
        let text = code.reveal();
        let grouped = std::format!(
            "{}-{} {}",
            &text[..4],
            &text[4..10].to_uppercase(),
            &text[10..]
        );
        assert_eq!(Code::parse(&grouped), Ok(code));
        for wrong in [
            "",
            &text[1..],
            "0bcdefghijklmnopqrstuvwxyz",
            &grouped.repeat(2),
        ] {
            assert_eq!(Code::parse(wrong), Err(BadCode), "{wrong}");
        }
    }

    #[test]
    fn the_answer_names_the_keys_that_are_believed() {
        let prints = [key(7), key(8)].map(|k| k.public().fingerprint());
        let mut buffer = [0; MAX_KNOWN_BYTES];
        let used = write_known(&mut buffer, prints).unwrap();
        let answer = &buffer[..used];
        assert!(prints.iter().all(|print| is_known(answer, print)));
        assert!(!is_known(answer, &key(9).public().fingerprint()));
        assert!(!is_known(b"{\"keys\":[]}", &prints[0]) && !is_known(b"", &prints[0]));
        let all = std::vec![prints[0]; 40];
        assert!(write_known(&mut buffer, all).is_some());
    }
}
