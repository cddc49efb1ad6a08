//! The node's own decisions: which gateway has which token. Its journal is small and read whole
//! at start.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::calendar::Instant;
use journal::{Journal, Options, RealDisk, Records};
use records::decision::{Decision, GatewayCertificate, GatewayCredential, GatewayRevoked, What};
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, OrOurs, Refusal},
    folder::{self, Folder},
};

/// Segment size of the node's journal: it holds a few decisions a year.
const SEGMENT_BYTES: u64 = 1 << 20;

/// What a gateway may show, and whether it is still believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// SHA-256 of its token.
    pub token: Option<[u8; 32]>,
    /// SHA-256 of its client certificate (DER).
    pub certificate: Option<[u8; 32]>,
    /// Nothing of it is believed until it gets a new token or certificate.
    pub revoked: bool,
}

/// The node's journal and what it says.
pub struct Node {
    journal: Journal,
    credentials: BTreeMap<String, Credential>,
    societies: BTreeSet<String>,
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
            journal,
            credentials: BTreeMap::new(),
            societies: BTreeSet::new(),
        };
        let reader = node.journal.reader();
        for record in reader.read(0) {
            let record = record.or_ours("the node's journal")?;
            let decision = Decision::from_record(&record.bytes).or_ours("the node's journal")?;
            node.take(decision.what)?;
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

    /// A gateway is no longer believed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn revoke(&mut self, gateway: &str, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.decide(
            What::GatewayRevoked(GatewayRevoked {
                gateway: gateway.to_owned(),
                reason: reason.to_owned(),
            }),
            by,
            now,
        )
    }

    /// A handle for checking and copying.
    #[must_use]
    pub fn reader(&self) -> journal::Reader {
        self.journal.reader()
    }

    fn decide(&mut self, what: What, by: &str, now: Instant) -> Answer<()> {
        let decision = Decision {
            at_ms: now.0,
            by: by.to_owned(),
            what,
        };
        self.journal
            .append_group(now.0, &Records::one(decision.to_record()))
            .or_ours("the node's journal")?;
        self.take(decision.what)
    }

    fn take(&mut self, what: What) -> Answer<()> {
        let hash = |text: &str| {
            unhex(text)
                .ok_or("a hash is not 64 hex digits")
                .or_ours("the node's journal")
        };
        match what {
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
            What::GatewayRevoked(r) => {
                *self.credentials.entry(r.gateway).or_default() = Credential {
                    revoked: true,
                    ..Credential::default()
                };
            }
            _ => {}
        }
        Ok(())
    }
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
