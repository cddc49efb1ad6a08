//! The use cases: one command in, a decision appended, projections applied, an answer out.
//!
//! Web and command line call this room and nothing below it. Time is passed in. What a use case
//! refuses, it refuses before anything is changed.

pub mod accounts;
mod adopt;
pub mod alerts;
pub mod answer;
mod apply;
pub mod audit;
pub mod ballots;
pub mod bank;
pub mod bills;
pub mod bindings;
pub mod blobs;
mod carried;
pub mod charts;
mod claim_reads;
pub mod claims;
pub mod claims_paid;
pub mod closing;
pub mod community_sheets;
pub mod costs;
pub mod devices;
pub mod dials;
pub mod doors;
pub mod duties;
pub mod energy;
mod evidence;
pub mod explore;
mod folder;
mod forecast;
pub mod fund;
pub mod gateways;
pub mod generation;
pub mod held;
pub mod import;
pub mod imported_files;
pub mod inbox;
pub mod interest;
pub mod irradiance;
pub mod key_words;
pub mod keys;
mod known;
mod lists;
pub mod live;
pub mod losses;
pub mod messages;
pub mod meters;
pub mod mirror;
mod node;
pub mod notes;
pub mod notices;
mod ofx;
pub mod outages;
pub mod outcomes;
pub mod outlook;
pub mod overview;
mod own_terms;
pub mod pack;
pub mod papers;
pub mod payments;
mod prices;
mod printed;
pub mod projection;
pub mod projector;
pub mod projects;
pub mod reads;
pub mod roll;
mod sheet;
pub mod site_income;
mod society;
pub mod stake;
pub mod statement;
pub mod statements;
mod sun;
pub mod tables;
pub mod tariffs;
pub mod telling;
pub mod todo;
pub mod tokens;
pub mod users;
mod worth;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use domain::calendar::Instant;

pub use adopt::{Adopted, Adoption, InboxLine, Tried, try_message};
pub use answer::{Answer, Refusal};
pub use apply::{Applied, Difference, document_from_toml};
pub use evidence::{BackedUp, HeadLine, Rebuilt, VerifiedSociety};
pub use folder::Folder;
pub use known::{Known, KnownSite};
pub use lists::{
    CloneLine, GatewayLine, InstallationLine, KeyLine, MeterLine, SiteLine, SocietyLine,
};
pub use node::{CODE_FOR_MS, Credential, KnownKey, MAX_WRONG_CODES, hex};
pub use projector::{NoWatch, Progress, Watch};
pub use records::society::Counts;
pub use society::{Settings, SocietyOffice};

use answer::refuse;
use folder::Held;
use node::Node;

/// Makes the watch of a society when it is opened.
pub type Watches = Arc<dyn Fn(&str) -> Arc<dyn Watch> + Send + Sync>;

/// One installation: the data folder, held and open.
pub struct Office {
    folder: Folder,
    settings: Settings,
    watches: Watches,
    node: Mutex<Node>,
    societies: RwLock<BTreeMap<String, Arc<SocietyOffice>>>,
    inbox: inbox::Inbox,
    changed: Mutex<Option<Changed>>,
    doubts: Mutex<gateways::Doubts>,
    links: Mutex<Option<gateways::LinksOf>>,
    mirror: Mutex<Option<Arc<mirror::Mirror>>>,
    doors: doors::Doors,
    teller: Mutex<Option<Arc<telling::Teller>>>,
    _held: Held,
}

/// Called after societies, meters or gateways changed.
type Changed = Box<dyn Fn(&Office) + Send + Sync>;

impl Office {
    /// Opens the data folder and every society in it.
    ///
    /// # Errors
    /// When another process holds the folder, or a file is damaged.
    pub fn open(path: &Path, settings: Settings, watches: Watches, now: Instant) -> Answer<Office> {
        let folder = Folder::at(path);
        let held = folder.hold()?;
        let node = Node::open(&folder)?;
        let mut societies = BTreeMap::new();
        for slug in folder.societies()? {
            let society =
                SocietyOffice::open(&slug, &folder.society(&slug), now, settings, watches(&slug))?;
            societies.insert(slug, Arc::new(society));
        }
        Ok(Office {
            folder,
            settings,
            watches,
            node: Mutex::new(node),
            societies: RwLock::new(societies),
            inbox: inbox::Inbox::open(&path.join("inbox"))?,
            changed: Mutex::new(None),
            doubts: Mutex::default(),
            links: Mutex::default(),
            mirror: Mutex::default(),
            doors: doors::Doors::open(path)?,
            teller: Mutex::default(),
            _held: held,
        })
    }

    /// Opens the folder for one command, with nobody watching.
    ///
    /// # Errors
    /// As [`Office::open`].
    pub fn open_alone(path: &Path, now: Instant) -> Answer<Office> {
        let settings = Settings::default();
        Office::open(
            path,
            settings,
            Arc::new(move |_: &str| Arc::new(NoWatch(now)) as Arc<dyn Watch>),
            now,
        )
    }

    /// The data folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The mirror of the daemon that holds the folder, if it has one.
    #[must_use]
    pub fn mirror(&self) -> Option<Arc<mirror::Mirror>> {
        held(&self.mirror).clone()
    }

    /// The daemon sends to this mirror.
    pub fn mirrored_by(&self, mirror: Arc<mirror::Mirror>) {
        *held(&self.mirror) = Some(mirror);
    }

    /// Calls `then` after every change of societies, meters or gateways, and once now.
    pub fn on_change(&self, then: impl Fn(&Office) + Send + Sync + 'static) {
        then(self);
        *held(&self.changed) = Some(Box::new(then));
    }

    /// The open societies, by slug.
    #[must_use]
    pub fn societies(&self) -> Vec<Arc<SocietyOffice>> {
        self.societies
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// One society.
    ///
    /// # Errors
    /// When it is unknown, with the nearest name.
    pub fn society(&self, slug: &str) -> Answer<Arc<SocietyOffice>> {
        let societies = self
            .societies
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(society) = societies.get(slug) {
            return Ok(Arc::clone(society));
        }
        let nearest = config::did_you_mean(slug, societies.keys().map(String::as_str));
        refuse(format!("society `{slug}` is not here{nearest}"))
    }

    /// The society named, or the only one there is.
    ///
    /// # Errors
    /// When none is named and there are several, or none.
    pub fn society_or_only(&self, slug: Option<&str>) -> Answer<Arc<SocietyOffice>> {
        if let Some(slug) = slug {
            return self.society(slug);
        }
        let all = self.societies();
        match all.as_slice() {
            [only] => Ok(Arc::clone(only)),
            [] => refuse("there is no society yet\nhint: run `commonwatt society apply FILE.toml`"),
            several => {
                let names: Vec<&str> = several.iter().map(|s| s.slug()).collect();
                refuse(format!(
                    "there are several societies: {}\nhint: say which with --society",
                    names.join(", ")
                ))
            }
        }
    }

    /// The society that has this meter.
    ///
    /// # Errors
    /// When no society, or more than one, has it.
    pub fn society_of_meter(&self, meter: &str) -> Answer<Arc<SocietyOffice>> {
        let mut with = self
            .societies()
            .into_iter()
            .filter(|s| s.known().meters.contains_key(meter));
        match (with.next(), with.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => refuse(format!(
                "several societies have a meter `{meter}`\nhint: say which with --society"
            )),
            (None, _) => {
                let serials: Vec<String> = self
                    .societies()
                    .iter()
                    .flat_map(|s| s.known().meters.keys().cloned().collect::<Vec<_>>())
                    .collect();
                let serials = serials.iter().map(String::as_str);
                let nearest = config::did_you_mean(meter, serials);
                refuse(format!("meter `{meter}` is in no society file{nearest}"))
            }
        }
    }

    /// Societies that the node knows of and that are not here.
    #[must_use]
    pub fn lost_societies(&self) -> Vec<String> {
        let here: Vec<String> = self
            .societies()
            .iter()
            .map(|s| s.slug().to_owned())
            .collect();
        let mut lost = self.node().societies().clone();
        lost.retain(|slug| !here.contains(slug));
        lost.into_iter().collect()
    }

    /// What is believed of each gateway.
    #[must_use]
    pub fn credentials(&self) -> BTreeMap<String, Credential> {
        self.node().credentials().clone()
    }

    /// Makes a new token for a gateway; it is shown once and only its hash is kept.
    ///
    /// # Errors
    /// When no society names the gateway.
    pub fn gateway_token(&self, gateway: &str, by: &str, now: Instant) -> Answer<String> {
        let society = self.society_of_gateway(gateway)?;
        let token = self.node().token(gateway, society.slug(), by, now)?;
        self.tell_changed();
        Ok(token)
    }

    /// A gateway may show a client certificate, known by the SHA-256 of its DER form.
    ///
    /// # Errors
    /// When no society names the gateway, or the text holds no certificate.
    pub fn gateway_certificate(
        &self,
        gateway: &str,
        pem: &str,
        by: &str,
        now: Instant,
    ) -> Answer<String> {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        use sha2::{Digest, Sha256};
        let society = self.society_of_gateway(gateway)?;
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|e| Refusal::Caller(format!("the file holds no certificate in PEM: {e:?}")))?;
        let hash: [u8; 32] = Sha256::digest(&certificate).into();
        self.node()
            .certificate(gateway, society.slug(), hash, by, now)?;
        self.tell_changed();
        Ok(node::hex(&hash))
    }

    /// The society whose file names this gateway.
    ///
    /// # Errors
    /// When none does.
    pub fn society_of_gateway(&self, gateway: &str) -> Answer<Arc<SocietyOffice>> {
        self.societies()
            .into_iter()
            .find(|s| s.known().document.gateway.iter().any(|g| g.id == gateway))
            .map_or_else(
                || refuse(format!("gateway `{gateway}` is in no society file\nhint: add it under [[gateway]] and apply the file")),
                Ok,
            )
    }

    fn node(&self) -> MutexGuard<'_, Node> {
        held(&self.node)
    }

    fn tell_changed(&self) {
        if let Some(then) = held(&self.changed).as_ref() {
            then(self);
        }
    }

    /// Ends everything: what was acknowledged is on disk, projections are flushed.
    pub fn close(&self) {
        for society in self.societies() {
            society.close();
        }
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
