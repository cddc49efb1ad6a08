//! Gateways and their keys: invited with a one-time code, enrolled, rotated, revoked, cloned.
//!
//! An officer invites ([`Office::gateway_code`]); the gateway itself asks, over the door it
//! publishes through ([`Office::gateway_asks`]), and is told by the keys that the doors name then.
//! A revocation from a date in the past makes the society's series again without what came since:
//! the reads stay in the journal, and none of them counts.

use std::collections::BTreeMap;

use domain::calendar::Instant;
use records::{
    decision::{GatewayCloned, MessagesDisbelieved, What},
    proof::Proof,
};
use wire::enrol::{Code, ENROL_PREFIX, Enrolment, Rotation};

use super::{
    Office,
    answer::{Answer, Refusal, refuse},
    held,
    node::{Credential, KnownKey, hex},
};

/// Clones journaled for one gateway, and as many messages that are not believed under a number that
/// was used; the first is enough to act on.
pub const MAX_CLONES: usize = 16;

/// How the last notes of a gateway hang together, each naming the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Notes whose predecessor is not here, though no loss record and no start explains it: it may
    /// still come.
    pub missing: u64,
    /// The first of them, boot and number.
    pub first_missing: Option<(u64, u64)>,
    /// Notes that name another predecessor than the one that is here.
    pub broken: u64,
    /// The first of them, boot and number.
    pub first_broken: Option<(u64, u64)>,
}

/// Who knows how a gateway's notes hang together.
pub(super) type LinksOf = Box<dyn Fn(&str) -> Links + Send + Sync>;

/// What is told of a gateway's messages since the daemon started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doubted {
    /// Messages or reads that were kept and do not count.
    pub count: u64,
    /// Why the last did not.
    pub last_reason: String,
}

/// Gateways and what is told of them.
pub(super) type Doubts = BTreeMap<String, Doubted>;

/// Two notes of one name, as a door saw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clone {
    /// The gateway.
    pub gateway: String,
    /// The boot in both.
    pub boot: u64,
    /// The number in both.
    pub seq: u64,
    /// First bytes of the hash of the note that came first.
    pub first: [u8; 16],
    /// The same of the other.
    pub second: [u8; 16],
    /// What the other's signature is worth.
    pub proof: Proof,
}

impl Office {
    /// Invites a gateway to enrol its key: a code that is worth something for a quarter of an hour
    /// and once. It is shown now and kept as a hash. The gateway's older keys end with the enrolment,
    /// or at `old_keys_until`.
    ///
    /// # Errors
    /// When no society names the gateway, or `old_keys_until` lies ahead.
    pub fn gateway_code(
        &self,
        gateway: &str,
        old_keys_until: Option<Instant>,
        by: &str,
        now: Instant,
    ) -> Answer<Code> {
        let society = self.society_of_gateway(gateway)?;
        if old_keys_until.is_some_and(|until| until > now) {
            return refuse(
                "the date on which the old keys end lies ahead\nhint: they end when the new key is enrolled; give a date that has passed, or none",
            );
        }
        let slug = society.slug();
        let code = self.node().code(gateway, slug, old_keys_until, by, now)?;
        self.tell_changed();
        Ok(code)
    }

    /// Somebody showed a wrong code for a gateway that was invited: how many there were, and whether
    /// the code ended with it.
    ///
    /// # Errors
    /// When no society names the gateway, or the journal cannot be written.
    pub fn gateway_wrong_code(&self, gateway: &str, now: Instant) -> Answer<Option<(u32, bool)>> {
        let society = self.society_of_gateway(gateway)?;
        let told = self.node().wrong_code(gateway, society.slug(), now)?;
        if told.is_some_and(|(_, ended)| ended) {
            self.tell_changed();
        }
        Ok(told)
    }

    /// From now on `links` says how a gateway's notes hang together.
    pub fn watch_links(&self, links: impl Fn(&str) -> Links + Send + Sync + 'static) {
        *held(&self.links) = Some(Box::new(links));
    }

    /// How the last notes of a gateway hang together, as far as the daemon has seen them.
    #[must_use]
    pub fn links(&self, gateway: &str) -> Links {
        let links = held(&self.links);
        links.as_ref().map(|of| of(gateway)).unwrap_or_default()
    }

    /// A gateway asks that a key be believed. Only the daemon calls this, with what came on the
    /// gateway's own topic and is in the journal.
    ///
    /// # Errors
    /// When it is not believed, and why.
    pub fn gateway_asks(&self, gateway: &str, payload: &[u8], received: Instant) -> Answer<()> {
        let society = self.society_of_gateway(gateway)?;
        let other = |named: &str| {
            Refusal::Caller(format!("it names gateway `{named}`; expected `{gateway}`"))
        };
        let wrong = |error: wire::NoteError| Refusal::Caller(error.to_string());
        if payload.starts_with(ENROL_PREFIX.as_bytes()) {
            let asked = Enrolment::parse(payload).map_err(wrong)?;
            if asked.gateway != gateway {
                return Err(other(asked.gateway));
            }
            let done = self.node().enrol(society.slug(), &asked, received);
            if done.is_err() {
                // A wrong code may have ended the right one.
                self.tell_changed();
            }
            done?;
        } else {
            let asked = Rotation::parse(payload).map_err(wrong)?;
            if asked.gateway != gateway {
                return Err(other(asked.gateway));
            }
            self.node().rotate(society.slug(), &asked, received)?;
        }
        self.tell_changed();
        Ok(())
    }

    /// A gateway is no longer believed, at once, on live connections too; and nothing that reached
    /// us from `from` on. Whether series were made again for it.
    ///
    /// # Errors
    /// When no society names the gateway, or `from` lies ahead.
    pub fn gateway_revoke(
        &self,
        gateway: &str,
        from: Option<Instant>,
        reason: &str,
        by: &str,
        now: Instant,
    ) -> Answer<bool> {
        let society = self.society_of_gateway(gateway)?;
        let from = from.unwrap_or(now);
        if from > now {
            return refuse(
                "the date lies ahead\nhint: a revocation works at once; give a date that has passed, or none",
            );
        }
        self.node().revoke(gateway, from, reason, by, now)?;
        // The doors first: what comes after this is not believed anyway.
        self.tell_changed();
        if from == now {
            return Ok(false);
        }
        let span = What::MessagesDisbelieved(MessagesDisbelieved {
            gateway: gateway.to_owned(),
            from_ms: from.0,
            until_ms: now.0,
            reason: reason.to_owned(),
        });
        society.decide(span, by, now)?;
        self.rebuild(&society, now, &mut |_, _, _| {})?;
        Ok(true)
    }

    /// Two different notes have one name: that is put down beside them. Whether it was new.
    ///
    /// # Errors
    /// When no society names the gateway, or the journal takes nothing.
    pub fn gateway_cloned(&self, clone: &Clone, now: Instant) -> Answer<bool> {
        let society = self.society_of_gateway(&clone.gateway)?;
        let known = society.known();
        let second_is = clone.proof.word().to_owned();
        let mut told = known.clones.iter().filter(|c| {
            c.gateway == clone.gateway && c.second_is.is_empty() == second_is.is_empty()
        });
        let is_told = |c: &GatewayCloned| {
            c.boot == clone.boot && c.seq == clone.seq && c.second_is == second_is
        };
        if told.clone().count() >= MAX_CLONES || told.any(is_told) {
            return Ok(false);
        }
        let cloned = What::GatewayCloned(GatewayCloned {
            gateway: clone.gateway.clone(),
            boot: clone.boot,
            seq: clone.seq,
            first: hex(&clone.first),
            second: hex(&clone.second),
            second_is,
        });
        society.decide(cloned, "daemon", now)?;
        Ok(true)
    }

    /// Something of a gateway was kept and does not count.
    pub fn gateway_doubted(&self, gateway: &str, reason: &str) {
        let mut doubts = held(&self.doubts);
        let doubted = doubts.entry(gateway.to_owned()).or_default();
        doubted.count += 1;
        reason.clone_into(&mut doubted.last_reason);
    }

    /// What did not count of a gateway since the start.
    #[must_use]
    pub fn doubted(&self, gateway: &str) -> Doubted {
        held(&self.doubts).get(gateway).cloned().unwrap_or_default()
    }

    /// The file that keeps gateways apart at an outside broker (Mosquitto's ACL format): each may
    /// publish and read on its own topics, the daemon on all of them, and nobody else on any.
    ///
    /// # Errors
    /// When the society is unknown.
    pub fn broker_acl(&self, society: Option<&str>, daemon: &str) -> Answer<String> {
        let mut text = format!(
            "# Who may do what at the broker; made by `commonwatt gateway acl`.\n\
             # `allow_anonymous false`, `acl_file` and `password_file` belong in mosquitto.conf.\n\
             user {daemon}\n\
             topic read commonwatt/v1/+/reads\n\
             topic read commonwatt/v1/+/status\n\
             topic read commonwatt/v1/+/enrol\n\
             topic write commonwatt/v1/+/receipt\n\
             topic write commonwatt/v1/+/enrolled\n"
        );
        let societies = match society {
            Some(slug) => vec![self.society(slug)?],
            None => self.societies(),
        };
        let credentials = self.credentials();
        let mut devices = String::new();
        for society in societies {
            for gateway in &society.known().document.gateway {
                let id = &gateway.id;
                if credentials.get(id).is_some_and(|c| c.revoked) {
                    text.push_str(&format!("\n# {id} is revoked and may do nothing.\n"));
                    continue;
                }
                if !gateway.topics.is_empty() {
                    let topics = &gateway.topics;
                    devices.push_str(&format!("topic read {topics}\n"));
                    text.push_str(&format!("\nuser {id}\ntopic write {topics}\n"));
                    // A Sparkplug node is asked to be born again, and must hear it.
                    if topics.starts_with("spBv1.0/") {
                        devices.push_str("topic write spBv1.0/+/NCMD/+\n");
                        text.push_str("topic read spBv1.0/+/NCMD/+\n");
                    }
                    continue;
                }
                text.push_str(&format!("\nuser {id}\n"));
                for (right, leaf) in [
                    ("write", "reads"),
                    ("write", "status"),
                    ("write", "enrol"),
                    ("read", "receipt"),
                    ("read", "enrolled"),
                ] {
                    text.push_str(&format!("topic {right} commonwatt/v1/{id}/{leaf}\n"));
                }
            }
        }
        if !devices.is_empty() {
            let after = "topic write commonwatt/v1/+/enrolled\n";
            text = text.replacen(after, &format!("{after}{devices}"), 1);
        }
        Ok(text)
    }
}

/// How far a gateway is to be believed, in the words of the list.
pub(super) fn evidence_of(credential: Option<&Credential>) -> &'static str {
    match credential {
        Some(credential) if credential.revoked => "none",
        Some(credential) if credential.keys.iter().any(KnownKey::is_in_force) => "G",
        _ => "T",
    }
}
