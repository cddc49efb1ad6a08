//! Who may connect, to which society a gateway belongs, and which registers that society has.
//!
//! The daemon replaces the whole snapshot whenever a gateway, a credential or a meter changes;
//! nothing is edited in place. A door holds a [`View`]: it looks at one atomic number per socket
//! read and takes the lock only when that number has moved, so a revocation reaches live
//! connections with their next message and, through the endpoint's tick, idle ones within a second.
//!
//! A token is at least 128 random bits in text; only its SHA-256 is kept, compared in constant time.
//! With no credential at all in the registry, anonymous connections are let in from the loopback
//! addresses, into the inbox only; from the first credential on they are refused.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use domain::calendar::Instant;
use journal::Committer;
use mapping::topic::filter_takes;
use records::{Decoded, devices::DeviceReader, message::Door, proof::Keys};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use crate::{directory::Directory, topic};

/// Shortest token in characters: 128 bits in base64 without padding.
pub const MIN_TOKEN_CHARS: usize = 22;
/// Bytes a gateway may send in a day (UTC) before its messages are counted instead of kept.
pub const DEFAULT_DAY_BYTES: u64 = 256 << 20;

/// All societies, gateways and credentials, swapped as a whole.
#[derive(Debug)]
pub struct Registry {
    version: AtomicU64,
    current: Mutex<Arc<Snapshot>>,
    usage: Mutex<HashMap<Arc<str>, Arc<Usage>>>,
    unknown: OnceLock<Unknown>,
    commands: Mutex<VecDeque<Command>>,
    tries: Mutex<HashMap<Arc<str>, Tries>>,
    wrong_codes: OnceLock<WrongCodes>,
}

/// Wrong codes in one gateway's name, as long as its code is the same.
#[derive(Debug)]
struct Tries {
    code: [u8; 32],
    wrong: u32,
    not_before: Instant,
}

/// Hears of every wrong one-time code that is shown for a gateway which has one.
pub type WrongCode = Box<dyn Fn(&Arc<str>) + Send + Sync>;

/// Who hears of wrong codes, when somebody does.
struct WrongCodes(WrongCode);

/// One state of the registry.
#[derive(Debug, Default)]
pub struct Snapshot {
    gateways: HashMap<Arc<str>, Arc<Gateway>>,
    certificates: HashMap<[u8; 32], Arc<Gateway>>,
    devices: DeviceIndex,
    has_credentials: bool,
}

/// A device that speaks its own dialect: what it may publish and how that is read.
#[derive(Clone, Debug)]
pub struct Device {
    /// MQTT filter of its topics.
    pub topics: Arc<str>,
    /// Its mapping, bound.
    pub reader: Arc<DeviceReader>,
}

/// Takes messages on topics that nobody has entered.
pub type Inbox = Box<dyn Fn(&Unentered<'_>) + Send + Sync>;

/// Something to publish at an outside broker: a node is asked to be born again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where.
    pub topic: String,
    /// What.
    pub payload: Vec<u8>,
}

/// The wait after a wrong one-time code doubles so many times.
const MOST_DOUBLINGS: u32 = 6;
/// Most commands that wait; what is beyond is dropped, and asked for again by what follows.
const MAX_COMMANDS: usize = 1_000;

/// A message on a topic that nobody has entered.
#[derive(Clone, Copy, Debug)]
pub struct Unentered<'a> {
    /// The way it came in.
    pub door: Door,
    /// Its topic.
    pub topic: &'a str,
    /// Its bytes.
    pub payload: &'a [u8],
    /// Whether its sender asked for it to be retained; from a broker: whether it was.
    pub retained: bool,
    /// When it reached us.
    pub received: Instant,
}

/// Where unentered messages go, when somebody takes them.
struct Unknown(Inbox);

/// A society as the doors see it.
pub struct Society {
    /// The society's id.
    pub id: Arc<str>,
    /// Its registers.
    pub directory: Directory,
    /// Its journal's committer.
    pub committer: Committer<Decoded>,
}

/// A gateway as it is entered.
#[derive(Clone)]
pub struct Enrolment {
    /// Its id, which is its user name and stands in its topics.
    pub id: Arc<str>,
    /// The society it belongs to.
    pub society: Arc<Society>,
    /// The hash of its token, if it has one.
    pub token: Option<TokenHash>,
    /// SHA-256 of its client certificate (DER), if it has one.
    pub certificate: Option<[u8; 32]>,
    /// Whether its credentials are withdrawn.
    pub revoked: bool,
    /// The keys its notes may be signed with.
    pub keys: Arc<Keys>,
    /// A one-time code that it may show as its password, to enrol its key and nothing else.
    pub code: Option<OneTimeCode>,
    /// Bytes of payload a day above which its messages are counted instead of kept.
    pub day_bytes: u64,
}

/// A one-time code, as its hash.
#[derive(Clone, Copy, Debug)]
pub struct OneTimeCode {
    /// Its hash.
    pub hash: TokenHash,
    /// When it stops being worth anything.
    pub until: Instant,
}

/// A gateway in force.
pub struct Gateway {
    /// What was entered.
    pub entry: Enrolment,
    /// What it is when it is no gateway of ours but a device as it is.
    pub device: Option<Device>,
    pub(crate) usage: Arc<Usage>,
}

/// SHA-256 of a token.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// The token is too short to be 128 random bits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "token has {0} characters; expected at least {MIN_TOKEN_CHARS} random ones\nhint: let the desk make one under Gateways"
)]
pub struct WeakToken(pub usize);

/// The registry cannot take these entries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The id breaks the rules of [`topic::is_gateway_id`].
    #[error("`{0}` is not a gateway id; expected 1 to 64 of a–z, A–Z, 0–9, `.`, `_`, `-`")]
    BadId(String),
    /// Two entries with one id.
    #[error("gateway `{0}` is entered twice")]
    Twice(String),
    /// Two gateways with one certificate.
    #[error("gateways `{0}` and `{1}` have the same client certificate")]
    SharedCertificate(String, String),
}

impl Default for Registry {
    fn default() -> Registry {
        Registry {
            version: AtomicU64::new(1),
            current: Mutex::default(),
            usage: Mutex::default(),
            unknown: OnceLock::new(),
            commands: Mutex::default(),
            tries: Mutex::default(),
            wrong_codes: OnceLock::new(),
        }
    }
}

impl Registry {
    /// An empty registry: nobody may publish anything.
    #[must_use]
    pub fn new() -> Arc<Registry> {
        Arc::default()
    }

    /// Puts these gateways in the place of all that were there.
    ///
    /// # Errors
    /// [`RegistryError`]; the registry is then as it was.
    pub fn replace(&self, entries: Vec<Enrolment>) -> Result<(), RegistryError> {
        self.replace_with(entries, HashMap::new())
    }

    /// As [`Registry::replace`]; `devices` says which gateways speak their own dialect.
    ///
    /// # Errors
    /// As [`Registry::replace`].
    pub fn replace_with(
        &self,
        entries: Vec<Enrolment>,
        mut devices: HashMap<Arc<str>, Device>,
    ) -> Result<(), RegistryError> {
        let mut next = Snapshot::default();
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            let id = Arc::clone(&entry.id);
            if !topic::is_gateway_id(&id) {
                return Err(RegistryError::BadId(id.to_string()));
            }
            let gateway = Arc::new(Gateway {
                usage: Arc::clone(usage.entry(Arc::clone(&id)).or_default()),
                device: devices.remove(&id),
                entry,
            });
            next.devices.add(&gateway);
            next.has_credentials |=
                gateway.entry.token.is_some() || gateway.entry.certificate.is_some();
            if let Some(print) = gateway.entry.certificate
                && let Some(other) = next.certificates.insert(print, Arc::clone(&gateway))
            {
                return Err(RegistryError::SharedCertificate(
                    other.entry.id.to_string(),
                    id.to_string(),
                ));
            }
            if next.gateways.insert(Arc::clone(&id), gateway).is_some() {
                return Err(RegistryError::Twice(id.to_string()));
            }
        }
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        self.version.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// The state in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that moves with every [`Registry::replace`].
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Hands messages on topics that nobody has entered to `inbox`, from now on; once.
    pub fn take_unentered(&self, inbox: Inbox) {
        let _ = self.unknown.set(Unknown(inbox));
    }

    /// Tells `heard` of wrong one-time codes, from now on; once.
    pub fn watch_codes(&self, heard: WrongCode) {
        let _ = self.wrong_codes.set(WrongCodes(heard));
    }

    /// Whether this is the one-time code that the gateway was invited with. After a wrong one nothing
    /// is looked at for a second, and for twice as long after each that follows.
    pub(crate) fn is_code(&self, gateway: &Gateway, shown: &[u8], now: Instant) -> bool {
        let Some(code) = gateway.entry.code.filter(|code| now < code.until) else {
            return false;
        };
        // Something else than a code is a password, right or wrong.
        let text = std::str::from_utf8(shown).ok();
        if text.is_none_or(|text| wire::enrol::Code::parse(text).is_err()) {
            return false;
        }
        {
            let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
            let known = tries.get_mut(&gateway.entry.id);
            let known = known.filter(|known| known.code == code.hash.bytes());
            if known.as_ref().is_some_and(|known| now < known.not_before) {
                return false;
            }
            if code.hash.matches(shown) {
                tries.remove(&gateway.entry.id);
                return true;
            }
            let wrong = known.map_or(0, |known| known.wrong).saturating_add(1);
            let again = Tries {
                code: code.hash.bytes(),
                wrong,
                not_before: now.plus_ms(1_000 << (wrong - 1).min(MOST_DOUBLINGS)),
            };
            tries.insert(Arc::clone(&gateway.entry.id), again);
        }
        if let Some(WrongCodes(heard)) = self.wrong_codes.get() {
            heard(&gateway.entry.id);
        }
        false
    }

    /// Offers an unentered message; whether somebody took it.
    pub(crate) fn offer_unentered(&self, message: &Unentered<'_>) -> bool {
        let taken = self.unknown.get();
        if let Some(Unknown(inbox)) = taken {
            inbox(message);
        }
        taken.is_some()
    }

    /// Whether somebody takes unentered messages.
    pub(crate) fn has_inbox(&self) -> bool {
        self.unknown.get().is_some()
    }

    /// Has something published at the outside broker, if there is one.
    pub fn command(&self, command: Command) {
        let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
        if commands.len() < MAX_COMMANDS && !commands.contains(&command) {
            commands.push_back(command);
        }
    }

    /// What is to be published.
    pub(crate) fn take_commands(&self) -> VecDeque<Command> {
        std::mem::take(&mut *self.commands.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Charges bytes that a replay found to a gateway's day, so that a restart does not refill it.
    pub fn charge(&self, gateway: &str, received: Instant, bytes: u64) {
        let mut usage = self.usage.lock().unwrap_or_else(PoisonError::into_inner);
        let usage = usage.entry(Arc::from(gateway)).or_default();
        usage.charge(received, bytes, u64::MAX);
    }
}

impl Snapshot {
    /// A gateway by id.
    #[must_use]
    pub fn gateway(&self, id: &str) -> Option<&Arc<Gateway>> {
        self.gateways.get(id)
    }

    /// A gateway by its client certificate's SHA-256.
    #[must_use]
    pub fn by_certificate(&self, print: &[u8; 32]) -> Option<&Arc<Gateway>> {
        self.certificates.get(print)
    }

    /// The device whose topics hold this one.
    #[must_use]
    pub fn device_of(&self, topic: &str) -> Option<&Arc<Gateway>> {
        self.devices.find(topic)
    }

    /// Whether any gateway has a credential; from then on nobody is anonymous.
    #[must_use]
    pub fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    /// All gateways, in no order.
    pub fn gateways(&self) -> impl Iterator<Item = &Arc<Gateway>> {
        self.gateways.values()
    }

    /// The gateway whose token this is. An unknown id costs as much time as a wrong token.
    #[must_use]
    pub fn authenticate(&self, id: &str, token: &[u8]) -> Option<&Arc<Gateway>> {
        let gateway = self.gateways.get(id);
        let wanted = gateway
            .and_then(|g| g.entry.token)
            .unwrap_or(TokenHash([0; 32]));
        let same = wanted.matches(token);
        gateway.filter(|g| same && g.entry.token.is_some() && !g.entry.revoked)
    }
}

impl Gateway {
    /// What a message on `topic` is to this device; `None` outside its topics.
    pub(crate) fn dialect(&self, topic: &str) -> Option<topic::Kind> {
        let device = self.device.as_ref()?;
        filter_takes(&device.topics, topic).then(|| {
            if device.reader.reader.mapping().knows(topic) {
                topic::Kind::Dialect
            } else {
                topic::Kind::Aside
            }
        })
    }
}

/// Devices by the words their filters begin with, so that a message looks at few of them.
#[derive(Debug, Default)]
struct DeviceIndex(HashMap<String, Vec<Arc<Gateway>>>);

impl DeviceIndex {
    fn add(&mut self, gateway: &Arc<Gateway>) {
        if let Some(device) = gateway.device.as_ref().filter(|_| !gateway.entry.revoked) {
            let wild = device
                .topics
                .find(['+', '#'])
                .unwrap_or(device.topics.len());
            let words = device.topics.get(..wild).unwrap_or_default();
            let whole = words.rfind('/').filter(|_| wild < device.topics.len());
            let start = if wild < device.topics.len() {
                whole.and_then(|at| words.get(..at)).unwrap_or_default()
            } else {
                words
            };
            let key = start.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
            self.0.entry(key).or_default().push(Arc::clone(gateway));
        }
    }

    fn find(&self, topic: &str) -> Option<&Arc<Gateway>> {
        let mut cuts = topic.match_indices('/').map(|(at, _)| at);
        let (first, second) = (cuts.next(), cuts.next());
        let two = second.map_or(topic, |at| topic.get(..at).unwrap_or_default());
        let one = first.map_or(topic, |at| topic.get(..at).unwrap_or_default());
        [two, one, ""].iter().find_map(|key| {
            let here = self.0.get(*key)?;
            here.iter().find(|g| {
                g.device
                    .as_ref()
                    .is_some_and(|d| filter_takes(&d.topics, topic))
            })
        })
    }
}

impl TokenHash {
    /// The hash of a token.
    ///
    /// # Errors
    /// [`WeakToken`] when the text is shorter than [`MIN_TOKEN_CHARS`].
    pub fn of(token: &str) -> Result<TokenHash, WeakToken> {
        match token.chars().count() {
            short if short < MIN_TOKEN_CHARS => Err(WeakToken(short)),
            _ => Ok(TokenHash(Sha256::digest(token.as_bytes()).into())),
        }
    }

    /// A hash as it was stored.
    #[must_use]
    pub fn stored(hash: [u8; 32]) -> TokenHash {
        TokenHash(hash)
    }

    /// The hash to store.
    #[must_use]
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }

    fn matches(&self, token: &[u8]) -> bool {
        let seen: [u8; 32] = Sha256::digest(token).into();
        bool::from(seen.ct_eq(&self.0))
    }
}

/// A door's own copy of the snapshot, refreshed when the registry's version moves.
#[derive(Debug)]
pub(crate) struct View {
    registry: Arc<Registry>,
    version: u64,
    snapshot: Arc<Snapshot>,
}

impl View {
    pub(crate) fn new(registry: &Arc<Registry>) -> View {
        View {
            version: registry.version(),
            snapshot: registry.snapshot(),
            registry: Arc::clone(registry),
        }
    }

    /// Whether the registry has moved since the last call; then the snapshot is the new one.
    pub(crate) fn refresh(&mut self) -> bool {
        let version = self.registry.version();
        if version == self.version {
            return false;
        }
        self.version = version;
        self.snapshot = self.registry.snapshot();
        true
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}

/// Bytes a gateway has sent today.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    day: AtomicI64,
    bytes: AtomicU64,
}

impl Usage {
    /// Adds bytes to the day of `received`; whether they still fit under `limit`. From the first
    /// message that does not fit none fits until the day ends, however small. Two doors at once may
    /// overshoot by one message each.
    pub(crate) fn charge(&self, received: Instant, bytes: u64, limit: u64) -> bool {
        let day = utc_day(received);
        if self.day.load(Ordering::Relaxed) != day {
            self.day.store(day, Ordering::Relaxed);
            self.bytes.store(0, Ordering::Relaxed);
        }
        let after = self.bytes.load(Ordering::Relaxed).saturating_add(bytes);
        let fits = after <= limit;
        self.bytes
            .store(if fits { after } else { u64::MAX }, Ordering::Relaxed);
        fits
    }
}

/// The UTC day of an instant, counted from 1970-01-01.
pub(crate) fn utc_day(at: Instant) -> i64 {
    const DAY_MS: i64 = 86_400_000;
    at.0.div_euclid(DAY_MS)
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gateway({})", self.entry.id)
    }
}

impl std::fmt::Debug for WrongCodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WrongCodes")
    }
}

impl std::fmt::Debug for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unknown")
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash")
    }
}
