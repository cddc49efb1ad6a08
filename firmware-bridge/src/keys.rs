//! The gateway's key: made at its first start, kept in one folder, shown to nobody.
//!
//! ```text
//! KEYS/gateway.key         the private key, `commonwatt-key/v1 <64 hex digits>`
//! KEYS/gateway.key.next    the key that a rotation has asked for and nobody has confirmed yet
//! KEYS/gateway.token       the password the gateway drew for itself at its enrolment
//! ```
//!
//! The folder is entered and its files are read by their owner only (0700, 0600); a file that others
//! can read is refused, because it may have been copied. A file is written beside its place, synced,
//! renamed, and the folder synced, so that a power cut leaves a whole key or none. A private key
//! leaves this module as a [`SecretKey`] alone, which cannot be printed and is wiped when dropped.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use wire::SecretKey;

/// What a key file begins with.
const PREFIX: &str = "commonwatt-key/v1 ";
/// Bytes of a token, before they are written as hex.
const TOKEN_BYTES: usize = 24;

/// The folder of the gateway's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFolder(PathBuf);

/// The key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The disk refused.
    #[error("`{file}`: {error}\nhint: the gateway's own user must be able to write this folder")]
    Disk {
        /// The file.
        file: String,
        /// What the system said.
        error: io::Error,
    },
    /// Others could have copied it.
    #[error(
        "`{file}` has mode `{mode:o}`; expected `600`\nhint: others on this machine could read the key; take their right away with `chmod 600`, and rotate the key if somebody may have copied it"
    )]
    Open {
        /// The file.
        file: String,
        /// Its mode.
        mode: u32,
    },
    /// The file is not a key.
    #[error(
        "`{file}` is not a key file\nhint: bring it back from where it was saved, or take it away and enrol the gateway anew"
    )]
    NotAKey {
        /// The file.
        file: String,
    },
    /// No rotation is under way.
    #[error("there is no next key\nhint: begin with `firmware-bridge enrol --rotate`")]
    NoNextKey,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl KeyFolder {
    /// The folder at this path; it need not exist yet.
    pub fn at(path: &Path) -> KeyFolder {
        KeyFolder(path.to_owned())
    }

    /// The gateway's key, made now if there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn key(&self) -> Result<SecretKey, KeyError> {
        self.key_in("gateway.key")
    }

    /// The key that a rotation asks for, made now if none is waiting.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn next_key(&self) -> Result<SecretKey, KeyError> {
        self.key_in("gateway.key.next")
    }

    /// The next key takes the place of the present one, which is gone then. To be called when the
    /// daemon has confirmed it.
    ///
    /// # Errors
    /// [`KeyError::NoNextKey`], [`KeyError::Disk`].
    pub fn take_next_key(&self) -> Result<(), KeyError> {
        let (next, key) = (self.0.join("gateway.key.next"), self.0.join("gateway.key"));
        match fs::rename(&next, &key) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(KeyError::NoNextKey),
            renamed => renamed.and_then(|()| self.sync()).map_err(disk(&key)),
        }
    }

    /// The password the gateway drew for itself; `None` before its enrolment.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn token(&self) -> Result<Option<String>, KeyError> {
        Ok(self
            .read("gateway.token")?
            .map(|text| text.trim_end().to_owned()))
    }

    /// The password the gateway shows from its enrolment on, drawn now if there is none.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn token_or_new(&self) -> Result<String, KeyError> {
        if let Some(token) = self.token()? {
            return Ok(token);
        }
        let mut random = [0; TOKEN_BYTES];
        getrandom::fill(&mut random).map_err(KeyError::Random)?;
        let token = hex(&random);
        self.write("gateway.token", &token)?;
        Ok(token)
    }

    fn key_in(&self, name: &str) -> Result<SecretKey, KeyError> {
        if let Some(text) = self.read(name)? {
            let seed = text
                .trim_end()
                .strip_prefix(PREFIX)
                .and_then(unhex)
                .ok_or_else(|| KeyError::NotAKey {
                    file: self.0.join(name).display().to_string(),
                })?;
            return Ok(SecretKey::from_seed(&seed));
        }
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(KeyError::Random)?;
        self.write(name, &format!("{PREFIX}{}", hex(&seed)))?;
        Ok(SecretKey::from_seed(&seed))
    }

    fn read(&self, name: &str) -> Result<Option<String>, KeyError> {
        let path = self.0.join(name);
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(disk(&path))?,
        };
        let mode = file.metadata().map_err(disk(&path))?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open {
                file: path.display().to_string(),
                mode,
            });
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(disk(&path))?;
        Ok(Some(text))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), KeyError> {
        let path = self.0.join(name);
        let beside = self.0.join(format!("{name}.new"));
        let written = || -> io::Result<()> {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.0)?;
            // Left over from a power cut; its mode is not known.
            match fs::remove_file(&beside) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&beside)?;
            writeln!(file, "{text}")?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            self.sync()
        };
        written().map_err(disk(&path))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let file = path.display().to_string();
    move |error| KeyError::Disk { file, error }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_first_start_makes_a_key_that_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let keys = KeyFolder::at(&path);
        let first = keys.key().unwrap();
        let again = keys.key().unwrap();
        assert_eq!(first.public(), again.public());
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("gateway.key")), 0o600);
        assert_eq!(format!("{first:?}"), "SecretKey");
        let other = KeyFolder::at(&folder.path().join("other")).key().unwrap();
        assert_ne!(first.public(), other.public());
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::at(folder.path());
        keys.key().unwrap();
        let file = folder.path().join("gateway.key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let error = keys.key().unwrap_err().to_string();
        assert!(error.contains("mode `640`; expected `600`"), "{error}");
        assert!(!error.contains(PREFIX), "{error}");
    }

    #[test]
    fn a_damaged_key_is_an_error_and_never_a_new_key() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::at(folder.path());
        keys.write("gateway.key", "commonwatt-key/v1 0000").unwrap();
        assert!(matches!(keys.key(), Err(KeyError::NotAKey { .. })));
    }

    #[test]
    fn a_power_cut_before_the_rename_leaves_no_half_key() {
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("gateway.key.new");
        fs::write(&beside, "commonwatt-key/v1 12").unwrap();
        let keys = KeyFolder::at(folder.path());
        keys.key().unwrap();
        assert!(!beside.exists());
        assert_eq!(mode(&folder.path().join("gateway.key")), 0o600);
    }

    #[test]
    fn a_rotation_waits_for_the_next_key_to_be_confirmed() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::at(folder.path());
        let old = keys.key().unwrap().public();
        assert!(matches!(keys.take_next_key(), Err(KeyError::NoNextKey)));
        let next = keys.next_key().unwrap().public();
        assert_eq!(keys.next_key().unwrap().public(), next);
        assert_eq!(keys.key().unwrap().public(), old);
        keys.take_next_key().unwrap();
        assert_eq!(keys.key().unwrap().public(), next);
        assert!(matches!(keys.take_next_key(), Err(KeyError::NoNextKey)));
    }

    #[test]
    fn a_token_is_drawn_once() {
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFolder::at(folder.path());
        assert_eq!(keys.token().unwrap(), None);
        let token = keys.token_or_new().unwrap();
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
        assert_eq!(keys.token_or_new().unwrap(), token);
        assert_eq!(keys.token().unwrap(), Some(token));
    }
}
