//! KEYS: what must not lie in the data folder, so that a stolen data folder or backup opens nothing.
//!
//! The folder stands beside the data folder under its name with `.keys` (`./data.keys` for `./data`),
//! open to its owner only; where systemd hands credentials over, they come first. It holds the
//! sealing key: 32 random bytes as hex, made when something is sealed for the first time. What is
//! sealed is XChaCha20-Poly1305 with a fresh nonce, bound to what it is about, and names its key, so
//! that a wrong key is told from damage.

use std::{
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use sha2::{Digest, Sha256};

use super::{
    answer::{Answer, OrOurs, Refusal},
    folder,
    node::{hex, unhex},
};

const SEALING_KEY: &str = "sealing.key";
const CREDENTIAL: &str = "commonwatt-sealing-key";
/// First byte of what is sealed.
const VERSION: u8 = 1;
const KEY_ID_BYTES: usize = 4;
/// Bytes of a key.
pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// The folder of keys of one data folder.
#[derive(Clone, Debug)]
pub struct Keys {
    folder: PathBuf,
}

/// The key that seals and opens.
pub struct SealingKey([u8; KEY_BYTES]);

impl Keys {
    /// The folder of keys beside a data folder.
    #[must_use]
    pub fn beside(data: &Path) -> Keys {
        let whole = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        let mut name = whole.file_name().unwrap_or_default().to_owned();
        name.push(".keys");
        Keys {
            folder: whole.with_file_name(name),
        }
    }

    /// Its path.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The sealing key, made when there is none.
    ///
    /// # Errors
    /// When it cannot be read or made, or is no key.
    pub fn sealing_key_or_new(&self) -> Answer<SealingKey> {
        if let Some(key) = self.find()? {
            return Ok(key);
        }
        self.make(SEALING_KEY)
    }

    /// A new key of this name, on disk.
    ///
    /// # Errors
    /// When there is one, or it cannot be made.
    pub fn make(&self, name: &str) -> Answer<SealingKey> {
        let mut random = [0_u8; KEY_BYTES];
        getrandom::fill(&mut random).or_ours("the system gives no random numbers")?;
        let key = SealingKey(random);
        self.write(name, &key)?;
        Ok(key)
    }

    /// Puts a sealing key in its place that was written down before.
    pub(super) fn put_back(&self, key: &SealingKey) -> Answer<()> {
        self.write(SEALING_KEY, key)
    }

    fn write(&self, name: &str, key: &SealingKey) -> Answer<()> {
        folder::make(&self.folder)?;
        let what = "a key cannot be made";
        let mut file = fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.folder.join(name))
            .or_ours(what)?;
        writeln!(file, "{}", hex(&key.0)).or_ours(what)?;
        file.sync_all().or_ours(what)?;
        self.sync().or_ours(what)
    }

    /// Overwrites a key and takes it away: what it sealed cannot be opened any more, wherever a
    /// copy of that lies. Nothing happens when there is none.
    ///
    /// # Errors
    /// When it cannot be taken away.
    pub fn destroy(&self, name: &str) -> Answer<()> {
        let path = self.folder.join(name);
        let what = "a key cannot be destroyed";
        match fs::File::options().write(true).open(&path) {
            Ok(mut file) => {
                file.write_all(&[b'0'; 64]).or_ours(what)?;
                file.sync_all().or_ours(what)?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error).or_ours(what),
        }
        fs::remove_file(&path).or_ours(what)?;
        self.sync().or_ours(what)
    }

    fn sync(&self) -> std::io::Result<()> {
        fs::File::open(&self.folder)?.sync_all()
    }

    /// The sealing key that there must be.
    ///
    /// # Errors
    /// When it is not there.
    pub fn sealing_key(&self) -> Answer<SealingKey> {
        self.find()?.ok_or_else(|| {
            Refusal::Caller(format!(
                "the sealing key is not in `{}`; bank details cannot be opened without it\nhint: put the folder of keys back from where you keep its copy, or type the words of the printed sheet: `commonwatt keys restore`",
                self.folder.display()
            ))
        })
    }

    fn find(&self) -> Answer<Option<SealingKey>> {
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY")
            .map(|folder| PathBuf::from(folder).join(CREDENTIAL));
        let own = self.folder.join(SEALING_KEY);
        for path in handed.into_iter().chain([own]) {
            if let Some(key) = read(&path)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    /// The key of this name, if there is one.
    ///
    /// # Errors
    /// When it cannot be read or is no key.
    pub fn named(&self, name: &str) -> Answer<Option<SealingKey>> {
        read(&self.folder.join(name))
    }
}

fn read(path: &Path) -> Answer<Option<SealingKey>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).or_ours("a key cannot be read"),
    };
    let key = unhex(text.trim()).ok_or_else(|| {
        Refusal::Ours(format!(
            "`{}` is no key; expected 64 hex digits",
            path.display()
        ))
    })?;
    Ok(Some(SealingKey(key)))
}

impl SealingKey {
    /// The key of these bytes.
    pub(super) fn of(bytes: [u8; KEY_BYTES]) -> SealingKey {
        SealingKey(bytes)
    }

    /// Its bytes, to write them down.
    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(super) fn id(&self) -> [u8; KEY_ID_BYTES] {
        let hash: [u8; 32] = Sha256::digest(self.0).into();
        let mut id = [0; KEY_ID_BYTES];
        id.copy_from_slice(&hash[..KEY_ID_BYTES]);
        id
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }

    /// Seals bytes that are about `about`.
    ///
    /// # Errors
    /// When the system gives no random numbers.
    pub fn seal(&self, about: &str, bytes: &[u8]) -> Answer<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).or_ours("the system gives no random numbers")?;
        let payload = Payload {
            msg: bytes,
            aad: about.as_bytes(),
        };
        let sealed = self
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Refusal::Ours("it cannot be sealed".to_owned()))?;
        let mut all = vec![VERSION];
        all.extend(self.id());
        all.extend(nonce);
        all.extend(sealed);
        Ok(all)
    }

    /// Opens what was sealed about `about`.
    ///
    /// # Errors
    /// When another key sealed it, it is about something else, or it was changed.
    pub fn open(&self, about: &str, sealed: &[u8]) -> Answer<Vec<u8>> {
        let damaged = || Refusal::Ours("what was sealed is damaged".to_owned());
        let (&version, rest) = sealed.split_first().ok_or_else(damaged)?;
        let (id, rest) = rest
            .split_first_chunk::<KEY_ID_BYTES>()
            .ok_or_else(damaged)?;
        let (nonce, sealed) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(damaged)?;
        if version != VERSION {
            return Err(Refusal::Ours(format!(
                "what was sealed has version `{version}`\nhint: it was written by a newer commonwatt; start that version"
            )));
        }
        if *id != self.id() {
            return Err(Refusal::Caller(format!(
                "it was sealed with key `{}`; this one is `{}`\nhint: put the folder of keys back that belongs to this data folder",
                hex(id),
                hex(&self.id())
            )));
        }
        let payload = Payload {
            msg: sealed,
            aad: about.as_bytes(),
        };
        self.cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| damaged())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_about_its_subject_only() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        let keys = Keys::beside(&data);
        assert!(keys.sealing_key().is_err());
        let key = keys.sealing_key_or_new().unwrap();
        assert_eq!(
            keys.folder(),
            dir.path().canonicalize().unwrap().join("data.keys")
        );
        let sealed = key.seal("bes1 1", b"12345678").unwrap();
        assert!(!sealed.windows(8).any(|w| w == b"12345678"));
        let again = keys.sealing_key().unwrap();
        assert_eq!(again.open("bes1 1", &sealed).unwrap(), b"12345678");
        assert!(again.open("bes1 2", &sealed).is_err());
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert!(again.open("bes1 1", &changed).is_err());
        let other = SealingKey([9; 32]).open("bes1 1", &sealed).unwrap_err();
        assert!(matches!(other, Refusal::Caller(_)), "{other}");
        for short in 0..sealed.len() {
            assert!(again.open("bes1 1", &sealed[..short]).is_err());
        }
    }
}
