//! The node's own decisions: which gateway has which token, which one-time code and which keys. Its
//! journal is small and read whole at start.
//!
//! A key is made known by the gateway itself: with a one-time code that an officer asked for
//! ([`Node::code`], 128 bits, [`CODE_FOR_MS`]) or by the gateway's older key. Codes and tokens are
//! kept as hashes. A code ends after [`MAX_WRONG_CODES`] wrong ones. A key that is enrolled with a code
//! ends those before it: what they signed is believed if it was made until then. A revocation takes
//! token, certificate, code and every key; what a revoked key signed is never believed again,
//! whatever is enrolled later.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::calendar::Instant;
use journal::{Journal, Options, RealDisk, Records};
use records::decision::{
    Decision, GatewayCertificate, GatewayCode, GatewayCredential, GatewayKey, GatewayKeyEnded,
    GatewayRevokedFrom, KeyBy, What,
};
use records::proof::Standing;
use sha2::{Digest, Sha256};
use wire::{
    PublicKey,
    enrol::{Code, CodeHash, Enrolment, Rotation},
    key::MAX_VERIFIER_BYTES,
};

use super::{
    answer::{Answer, OrOurs, Refusal, refuse},
    folder::{self, Folder},
    users::Users,
};

/// Segment size of the node's journal: it holds a few decisions a year.
const SEGMENT_BYTES: u64 = 1 << 20;
/// How long a one-time code is worth something, ms: a quarter of an hour.
pub const CODE_FOR_MS: i64 = 15 * 60_000;
/// Wrong codes after which the right one is worth nothing either.
pub const MAX_WRONG_CODES: u32 = 5;

/// What a gateway may show, and whether it is still believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// SHA-256 of its token.
    pub token: Option<[u8; 32]>,
    /// SHA-256 of its client certificate (DER).
    pub certificate: Option<[u8; 32]>,
    /// The one-time code it may enrol its key with.
    pub code: Option<OneTimeCode>,
    /// Its keys, oldest first, revoked ones too.
    pub keys: Vec<KnownKey>,
    /// Nothing of it is believed until it gets a new token, certificate or key.
    pub revoked: bool,
}

/// A one-time code, as its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneTimeCode {
    /// SHA-256 of it.
    pub hash: [u8; 32],
    /// When it stops being worth anything.
    pub until: Instant,
    /// When the gateway's older keys end; at the enrolment when nothing was said.
    pub old_keys_until: Option<Instant>,
}

/// A key of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownKey {
    /// The key.
    pub key: PublicKey,
    /// Since when it is known.
    pub since: Instant,
    /// How it became known.
    pub known_by: KeyBy,
    /// When another took its place: what it signed and was made later is not believed.
    pub ended_from: Option<Instant>,
    /// From when what it signed is not believed.
    pub revoked_from: Option<Instant>,
}

impl KnownKey {
    /// Whether what it signs now is believed.
    #[must_use]
    pub fn is_in_force(&self) -> bool {
        self.revoked_from.is_none() && self.ended_from.is_none()
    }

    /// How far the doors believe it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (self.revoked_from, self.ended_from) {
            (Some(_), _) => Standing::Revoked,
            (None, Some(end)) => Standing::Until(end),
            (None, None) => Standing::InForce,
        }
    }
}

/// The node's journal and what it says.
pub struct Node {
    users: Users,
    journal: Journal,
    credentials: BTreeMap<String, Credential>,
    societies: BTreeSet<String>,
    /// Wrong codes that gateways showed while they had one; not kept over a start.
    wrong_codes: BTreeMap<String, u32>,
}

impl Node {
    /// Opens or makes it.
    ///
    /// # Errors
    /// When the journal is damaged or written by a newer version.
    pub fn open(folder: &Folder) -> Answer<Node> {
        let path = folder.node_journal();
        if !path.exists() && !folder.societies()?.is_empty() {
            return Err(Refusal::Ours(format!(
                "`{}` is missing beside the societies: the gateways' tokens are gone\nhint: bring it back from the last copy; to go on without any token, make the folder by hand",
                path.display()
            )));
        }
        folder::make(&path)?;
        let disk = RealDisk::new(&path).or_ours("the node's journal")?;
        let options = Options {
            segment_bytes: SEGMENT_BYTES,
            ..Options::default()
        };
        let (journal, _) = Journal::open(Arc::new(disk), options).or_ours("the node's journal")?;
        let mut node = Node {
            users: Users::default(),
            journal,
            credentials: BTreeMap::new(),
            societies: BTreeSet::new(),
            wrong_codes: BTreeMap::new(),
        };
        let reader = node.journal.reader();
        for record in reader.read(0) {
            let record = record.or_ours("the node's journal")?;
            let decision = Decision::from_record(&record.bytes).or_ours("the node's journal")?;
            node.take(decision)?;
        }
        Ok(node)
    }

    /// Societies whose gateways got a token or certificate: they must be here.
    #[must_use]
    pub fn societies(&self) -> &BTreeSet<String> {
        &self.societies
    }

    /// What is believed of each gateway.
    #[must_use]
    pub fn credentials(&self) -> &BTreeMap<String, Credential> {
        &self.credentials
    }

    /// Makes a new token for a gateway; the old one is no longer believed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn token(
        &mut self,
        gateway: &str,
        society: &str,
        by: &str,
        now: Instant,
    ) -> Answer<String> {
        let mut random = [0_u8; 24];
        getrandom::fill(&mut random).or_ours("the system gives no random numbers")?;
        let token = hex(&random);
        self.set_token(gateway, society, &token, by, now)?;
        Ok(token)
    }

    fn set_token(
        &mut self,
        gateway: &str,
        society: &str,
        token: &str,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        self.decide(
            What::GatewayCredential(GatewayCredential {
                gateway: gateway.to_owned(),
                society: society.to_owned(),
                token_sha256: hex(&hash),
            }),
            by,
            now,
        )
    }

    /// A gateway may show this client certificate, by the SHA-256 of its DER form.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn certificate(
        &mut self,
        gateway: &str,
        society: &str,
        hash: [u8; 32],
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.decide(
            What::GatewayCertificate(GatewayCertificate {
                gateway: gateway.to_owned(),
                society: society.to_owned(),
                certificate_sha256: hex(&hash),
            }),
            by,
            now,
        )
    }

    /// A gateway may enrol its key with this code, for [`CODE_FOR_MS`]. An earlier code is worth
    /// nothing any more. Its older keys end when the new one is enrolled, or at `old_keys_until`.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn code(
        &mut self,
        gateway: &str,
        society: &str,
        old_keys_until: Option<Instant>,
        by: &str,
        now: Instant,
    ) -> Answer<Code> {
        self.wrong_codes.remove(gateway);
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random).or_ours("the system gives no random numbers")?;
        let code = Code::from_random(&random);
        self.decide(
            What::GatewayCode(GatewayCode {
                gateway: gateway.to_owned(),
                society: society.to_owned(),
                code_sha256: hex(&code.hash().0),
                until_ms: now.0.saturating_add(CODE_FOR_MS),
                old_keys_until_ms: old_keys_until.map(|until| until.0),
            }),
            by,
            now,
        )?;
        Ok(code)
    }

    /// Somebody showed a wrong code for a gateway that has one: how many there were, and whether the
    /// right one ended with it. Nothing when no code is in force.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn wrong_code(
        &mut self,
        gateway: &str,
        society: &str,
        now: Instant,
    ) -> Answer<Option<(u32, bool)>> {
        let code = self.credentials.get(gateway).and_then(|c| c.code);
        let Some(code) = code.filter(|code| now < code.until) else {
            return Ok(None);
        };
        let count = self.wrong_codes.entry(gateway.to_owned()).or_default();
        *count += 1;
        let count = *count;
        let ends = count >= MAX_WRONG_CODES;
        if ends {
            let ended = What::GatewayCode(GatewayCode {
                gateway: gateway.to_owned(),
                society: society.to_owned(),
                code_sha256: hex(&code.hash),
                until_ms: now.0,
                old_keys_until_ms: code.old_keys_until.map(|until| until.0),
            });
            self.decide(ended, "daemon", now)?;
        }
        Ok(Some((count, ends)))
    }

    /// Wrong codes that were shown for a gateway since its last code was made.
    #[must_use]
    pub fn wrong_codes(&self, gateway: &str) -> u32 {
        self.wrong_codes.get(gateway).copied().unwrap_or(0)
    }

    /// A gateway asks that its key be believed, with a one-time code.
    ///
    /// # Errors
    /// When it does not know the code, the code is too old, or the key is another gateway's or was
    /// revoked.
    pub fn enrol(&mut self, society: &str, asked: &Enrolment<'_>, received: Instant) -> Answer<()> {
        let standing = self.credentials.get(asked.gateway);
        let keys = standing.map_or(&[][..], |standing| &standing.keys);
        // Sent again: the key signs for itself, and nothing changes.
        if keys.iter().any(|k| k.key == asked.key && k.is_in_force()) {
            return Ok(());
        }
        let code = standing
            .and_then(|standing| standing.code)
            .filter(|code| received < code.until && asked.proves(&CodeHash(code.hash)));
        let Some(code) = code else {
            if let Some((count, _)) = self.wrong_code(asked.gateway, society, received)? {
                return refuse(format!(
                    "it does not know the code; wrong code `{count}` of {MAX_WRONG_CODES}, after which the code ends\nhint: `commonwatt gateway enrol` makes a new one"
                ));
            }
            return refuse("it does not know a code, or the code is used or too old");
        };
        self.check_new(asked.gateway, &asked.key)?;
        let mut what = vec![key_known(asked.gateway, society, &asked.key, KeyBy::Code)?];
        let end = code.old_keys_until.unwrap_or(received).min(received);
        for old in self.in_force(asked.gateway) {
            what.push(What::GatewayKeyEnded(GatewayKeyEnded {
                gateway: asked.gateway.to_owned(),
                key: verifier(asked.gateway, &old)?,
                from_ms: end.0,
            }));
        }
        what.extend(asked.token.map(|token| {
            What::GatewayCredential(GatewayCredential {
                gateway: asked.gateway.to_owned(),
                society: society.to_owned(),
                token_sha256: hex(&token),
            })
        }));
        self.decide_all(what, asked.gateway, received)?;
        self.wrong_codes.remove(asked.gateway);
        Ok(())
    }

    /// A gateway asks that a new key be believed, signed by one that is.
    ///
    /// # Errors
    /// When no key of the gateway that is in force signed it, or the new key is another gateway's or
    /// was revoked.
    pub fn rotate(&mut self, society: &str, asked: &Rotation<'_>, received: Instant) -> Answer<()> {
        let in_force = self.in_force(asked.gateway);
        if !in_force.iter().any(|key| asked.is_by(key)) {
            return refuse("no key of this gateway that is in force signed it");
        }
        if in_force.contains(&asked.key) {
            return Ok(());
        }
        self.check_new(asked.gateway, &asked.key)?;
        let what = key_known(asked.gateway, society, &asked.key, KeyBy::Rotation)?;
        self.decide(what, asked.gateway, received)
    }

    /// A gateway is no longer believed: nothing that reached us from `from` on.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn revoke(
        &mut self,
        gateway: &str,
        from: Instant,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.decide(
            What::GatewayRevokedFrom(GatewayRevokedFrom {
                gateway: gateway.to_owned(),
                from_ms: from.0,
                reason: reason.to_owned(),
            }),
            by,
            now,
        )
    }

    /// The keys of a gateway that are believed now.
    fn in_force(&self, gateway: &str) -> Vec<PublicKey> {
        let standing = self.credentials.get(gateway);
        let keys = standing.into_iter().flat_map(|standing| &standing.keys);
        keys.filter(|key| key.is_in_force())
            .map(|k| k.key)
            .collect()
    }

    /// One key is one gateway's, and a revoked or ended key stays that.
    fn check_new(&self, gateway: &str, key: &PublicKey) -> Answer<()> {
        for (other, standing) in &self.credentials {
            let known = standing.keys.iter().find(|known| known.key == *key);
            match known {
                Some(_) if other != gateway => {
                    return refuse(format!(
                        "gateway `{other}` has this key\nhint: two gateways were made from one copy; delete `gateway.key` on this one"
                    ));
                }
                Some(known) if !known.is_in_force() => {
                    return refuse(
                        "this key was revoked, or another took its place\nhint: delete `gateway.key` on the gateway, and enrol the key that it makes then",
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Its users.
    #[must_use]
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// A handle for checking and copying.
    #[must_use]
    pub fn reader(&self) -> journal::Reader {
        self.journal.reader()
    }

    fn decide(&mut self, what: What, by: &str, now: Instant) -> Answer<()> {
        self.decide_all(vec![what], by, now)
    }

    /// Takes decisions as one group of the journal: all of them or none.
    pub(super) fn decide_all(&mut self, what: Vec<What>, by: &str, now: Instant) -> Answer<()> {
        let decisions: Vec<Decision> = what
            .into_iter()
            .map(|what| Decision {
                at_ms: now.0,
                by: by.to_owned(),
                what,
            })
            .collect();
        let mut records = Records::default();
        for decision in &decisions {
            records.push(&decision.to_record());
        }
        self.journal
            .append_group(now.0, &records)
            .or_ours("the node's journal")?;
        decisions
            .into_iter()
            .try_for_each(|decision| self.take(decision))
    }

    fn take(&mut self, decision: Decision) -> Answer<()> {
        let at_ms = decision.at_ms;
        let hash = |text: &str| {
            unhex(text)
                .ok_or("a hash is not 64 hex digits")
                .or_ours("the node's journal")
        };
        match decision.what {
            What::GatewayCredential(c) => {
                self.societies.insert(c.society);
                let standing = self.credentials.entry(c.gateway).or_default();
                standing.token = Some(hash(&c.token_sha256)?);
                standing.revoked = false;
            }
            What::GatewayCertificate(c) => {
                self.societies.insert(c.society);
                let standing = self.credentials.entry(c.gateway).or_default();
                standing.certificate = Some(hash(&c.certificate_sha256)?);
                standing.revoked = false;
            }
            What::GatewayCode(c) => {
                self.societies.insert(c.society);
                let standing = self.credentials.entry(c.gateway).or_default();
                standing.code = Some(OneTimeCode {
                    hash: hash(&c.code_sha256)?,
                    until: Instant(c.until_ms),
                    old_keys_until: c.old_keys_until_ms.map(Instant),
                });
            }
            What::GatewayKey(k) => {
                self.societies.insert(k.society);
                let (_, key) = PublicKey::parse(&k.key).or_ours("the node's journal")?;
                let standing = self.credentials.entry(k.gateway).or_default();
                if k.known_by == KeyBy::Code {
                    standing.code = None;
                    standing.revoked = false;
                }
                if standing.keys.iter().all(|known| known.key != key) {
                    standing.keys.push(KnownKey {
                        key,
                        since: Instant(at_ms),
                        known_by: k.known_by,
                        ended_from: None,
                        revoked_from: None,
                    });
                }
            }
            What::GatewayKeyEnded(e) => {
                let (_, key) = PublicKey::parse(&e.key).or_ours("the node's journal")?;
                let standing = self.credentials.entry(e.gateway).or_default();
                for known in standing.keys.iter_mut().filter(|known| known.key == key) {
                    known.ended_from.get_or_insert(Instant(e.from_ms));
                }
            }
            What::GatewayRevoked(r) => self.take_revocation(r.gateway, Instant(at_ms)),
            What::GatewayRevokedFrom(r) => self.take_revocation(r.gateway, Instant(r.from_ms)),
            What::UserResetAsked(asked) => self.users.take_reset(asked, &decision.by),
            what => self.users.take(what)?,
        }
        Ok(())
    }

    fn take_revocation(&mut self, gateway: String, from: Instant) {
        let standing = self.credentials.entry(gateway).or_default();
        let mut keys = std::mem::take(&mut standing.keys);
        for known in &mut keys {
            known.revoked_from.get_or_insert(from);
        }
        *standing = Credential {
            keys,
            revoked: true,
            ..Credential::default()
        };
    }
}

fn key_known(gateway: &str, society: &str, key: &PublicKey, known_by: KeyBy) -> Answer<What> {
    Ok(What::GatewayKey(GatewayKey {
        gateway: gateway.to_owned(),
        society: society.to_owned(),
        key: verifier(gateway, key)?,
        known_by,
    }))
}

/// A key in the form of a signed note's verifier key.
fn verifier(gateway: &str, key: &PublicKey) -> Answer<String> {
    let mut text = [0; MAX_VERIFIER_BYTES];
    key.verifier(gateway, &mut text)
        .map(str::to_owned)
        .ok_or("a key does not fit its text")
        .or_ours("the gateway's key")
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// 32 bytes from 64 hexadecimal digits.
#[must_use]
pub fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
