//! What a signature was worth when a message came: a fact of its record, fixed on arrival.
//!
//! A gateway's keys change: they are enrolled, rotated, revoked. Whether a message was believed must
//! not change with them, or a rebuild would give other energy than the day itself; so the door looks
//! once, with the keys of that moment, and the record keeps the answer in one byte. The signature
//! itself is in the payload, and anybody can check it again.
//!
//! What is not believed is kept, acknowledged and told, and none of its reads is placed. No receipt
//! names it either: a forged number must not make the true gateway delete its own.

use domain::{calendar::Instant, metering::Source};
use wire::{Fingerprint, KeyId, Note, PublicKey};

/// What a message's signature was worth when it came. The numbers stand in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Proof {
    /// Not signed, from a gateway of which no key is known.
    #[default]
    Unsigned = 0,
    /// Signed with a key of its gateway.
    Signed = 1,
    /// Signed, but no key of the gateway is known: worth what the connection is worth.
    Unenrolled = 2,
    /// It names a key of its gateway and that key did not sign these bytes.
    Forged = 3,
    /// Signed with a key that is not its gateway's.
    Foreign = 4,
    /// Signed with a key that was revoked before it came.
    Revoked = 5,
    /// Not signed, though the gateway has a key.
    Missing = 6,
    /// It says that it is another gateway's.
    Misplaced = 7,
    /// Signed with a key that had ended when it was made: another took its place.
    Ended = 8,
}

const ALL: [Proof; 9] = [
    Proof::Unsigned,
    Proof::Signed,
    Proof::Unenrolled,
    Proof::Forged,
    Proof::Foreign,
    Proof::Revoked,
    Proof::Missing,
    Proof::Misplaced,
    Proof::Ended,
];

/// The keys of one gateway, as a door knows them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(Vec<GatewayKey>);

/// One key of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GatewayKey {
    /// What stands before its signatures.
    pub id: KeyId,
    /// The key.
    pub key: PublicKey,
    /// How far it is believed.
    pub standing: Standing,
}

/// How far a key is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    InForce,
    /// A new enrolment took its place: what was made until then is believed, whenever it comes.
    Until(Instant),
    /// It is not, and what it signed does not count from now on.
    Revoked,
}

impl Proof {
    /// The number in a record.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The proof of a number.
    #[must_use]
    pub fn of_code(code: u8) -> Option<Proof> {
        ALL.get(usize::from(code)).copied()
    }

    /// Whether the reads of such a message count.
    #[must_use]
    pub fn is_believed(self) -> bool {
        matches!(self, Proof::Unsigned | Proof::Signed | Proof::Unenrolled)
    }

    /// How its reads are said to have come.
    #[must_use]
    pub fn source(self) -> Source {
        match self {
            Proof::Signed => Source::Signed,
            _ => Source::Telemetry,
        }
    }

    /// One word for what is not believed; nothing for what is.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Proof::Unsigned | Proof::Signed | Proof::Unenrolled => "",
            Proof::Forged => "forged",
            Proof::Foreign => "foreign key",
            Proof::Revoked => "revoked key",
            Proof::Missing => "unsigned",
            Proof::Misplaced => "another gateway's",
            Proof::Ended => "ended key",
        }
    }

    /// Why a message is not believed; nothing when it is.
    #[must_use]
    pub fn doubt(self) -> Option<&'static str> {
        match self {
            Proof::Unsigned | Proof::Signed | Proof::Unenrolled => None,
            Proof::Forged => Some("its signature is wrong: somebody changed it or made it up"),
            Proof::Foreign => Some(
                "it is signed with a key that was never enrolled for this gateway; if the gateway was set up anew, enrol it again with `commonwatt gateway enrol`",
            ),
            Proof::Revoked => Some("it is signed with a key that is revoked"),
            Proof::Missing => Some(
                "it is not signed, though this gateway has a key; set `sign = true` on the gateway",
            ),
            Proof::Misplaced => Some("it is a note of another gateway"),
            Proof::Ended => Some(
                "it is signed with a key that had ended when it was made: the gateway was enrolled anew; if this is the gateway itself, enrol it again",
            ),
        }
    }
}

impl Keys {
    /// The keys of `gateway`, each with how far it is believed.
    #[must_use]
    pub fn new(gateway: &str, keys: impl IntoIterator<Item = (PublicKey, Standing)>) -> Keys {
        let keys = keys.into_iter().map(|(key, standing)| GatewayKey {
            id: key.id(gateway),
            key,
            standing,
        });
        Keys(keys.collect())
    }

    /// Fingerprints of the keys in force, newest first.
    pub fn in_force(&self) -> impl Iterator<Item = Fingerprint> + '_ {
        let in_force = |key: &&GatewayKey| key.standing == Standing::InForce;
        let live = self.0.iter().rev().filter(in_force);
        live.map(|key| key.key.fingerprint())
    }

    /// What it is worth that a message of `gateway` is not signed.
    #[must_use]
    pub fn of_unsigned(&self) -> Proof {
        if self.0.is_empty() {
            Proof::Unsigned
        } else {
            Proof::Missing
        }
    }

    /// What the signature of a note that came as `gateway`'s is worth.
    #[must_use]
    pub fn of_note(&self, gateway: &str, note: &Note<'_>) -> Proof {
        if note.head().gateway != gateway {
            return Proof::Misplaced;
        }
        if self.0.is_empty() {
            return Proof::Unenrolled;
        }
        let mut worst = Proof::Foreign;
        for known in self.0.iter().filter(|known| known.id == note.key()) {
            worst = match (note.verifies(&known.key), known.standing) {
                (true, Standing::InForce) => return Proof::Signed,
                (true, Standing::Until(end)) if was_made_by(note, end) => return Proof::Signed,
                (true, Standing::Until(_)) => Proof::Ended,
                (true, Standing::Revoked) => Proof::Revoked,
                (false, _) => Proof::Forged,
            };
        }
        worst
    }
}

/// Whether everything in a note is of that instant or older, by its own clock.
fn was_made_by(note: &Note<'_>, end: Instant) -> bool {
    note.head().now_ms <= end.0 && note.reads().all(|read| read.at_ms <= end.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{
        NoteWriter, SecretKey,
        note::{ClockLetter, Head},
    };

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    fn note(gateway: &str, by: &SecretKey) -> Vec<u8> {
        let mut buffer = [0; 512];
        let head = Head {
            gateway,
            boot: 1,
            seq: 1,
            prev: None,
            now_ms: 0,
            clock: ClockLetter::Unknown,
        };
        let writer = NoteWriter::begin(&mut buffer, &head).unwrap();
        let used = writer.sign(by).unwrap();
        buffer[..used].to_vec()
    }

    #[test]
    fn every_proof_keeps_its_number() {
        for (code, proof) in (0_u8..).zip(ALL) {
            assert_eq!((proof.code(), Proof::of_code(code)), (code, Some(proof)));
            assert_eq!(proof.is_believed(), proof.doubt().is_none());
        }
        assert_eq!(Proof::of_code(9), None);
    }

    #[test]
    fn a_note_is_worth_what_its_key_is_worth() {
        let keys = Keys::new(
            "g1",
            [
                (key(1).public(), Standing::Revoked),
                (key(2).public(), Standing::InForce),
                (key(4).public(), Standing::Until(Instant(0))),
                (key(5).public(), Standing::Until(Instant(-1))),
            ],
        );
        let worth = |keys: &Keys, bytes: &[u8]| keys.of_note("g1", &Note::parse(bytes).unwrap());
        assert_eq!(worth(&keys, &note("g1", &key(2))), Proof::Signed);
        assert_eq!(worth(&keys, &note("g1", &key(1))), Proof::Revoked);
        assert_eq!(worth(&keys, &note("g1", &key(3))), Proof::Foreign);
        // Made at 0: while the one key was in force, and after the other had ended.
        assert_eq!(worth(&keys, &note("g1", &key(4))), Proof::Signed);
        assert_eq!(worth(&keys, &note("g1", &key(5))), Proof::Ended);
        assert_eq!(keys.in_force().count(), 1);
        assert_eq!(worth(&keys, &note("g2", &key(2))), Proof::Misplaced);
        let mut forged = note("g1", &key(2));
        let boot = forged.windows(6).position(|w| w == b"boot 1").unwrap() + 5;
        forged[boot] = b'2';
        assert_eq!(worth(&keys, &forged), Proof::Forged);
        let none = Keys::default();
        assert_eq!(worth(&none, &note("g1", &key(3))), Proof::Unenrolled);
        assert_eq!(worth(&none, &note("g2", &key(3))), Proof::Misplaced);
        assert_eq!(none.of_unsigned(), Proof::Unsigned);
        assert_eq!(keys.of_unsigned(), Proof::Missing);
    }
}
