//! Passwords: argon2id with the parameters of its crate (19 MiB, two passes, one lane; OWASP's first
//! choice), kept as a PHC string. A name that nobody has costs the same time as one that somebody
//! has, so that time tells nothing.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};

/// Fewest characters of a password (NCSC: length counts, composition rules do not).
pub const LEAST_CHARACTERS: usize = 12;
/// Most bytes that are looked at.
pub const MOST_BYTES: usize = 256;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// What is kept of a password: a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept(String);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Too short.
    #[error(
        "the password has fewer than {LEAST_CHARACTERS} characters\nhint: three words that have nothing to do with each other are long and easily kept"
    )]
    Short,
    /// Longer than anybody types.
    #[error("the password has more than {MOST_BYTES} bytes")]
    Long,
    /// The user's own id, or one character again and again.
    #[error("the password is the user's id or one character repeated\nhint: take three words")]
    Plain,
}

impl Kept {
    /// Takes a new password of `user`, with fresh random bytes.
    ///
    /// # Errors
    /// [`WeakPassword`].
    pub fn of(user: &str, password: &str, salt: &[u8; SALT_BYTES]) -> Result<Kept, WeakPassword> {
        if password.len() > MOST_BYTES {
            return Err(WeakPassword::Long);
        }
        if password.chars().count() < LEAST_CHARACTERS {
            return Err(WeakPassword::Short);
        }
        let lower = password.to_lowercase();
        let first = lower.chars().next();
        let one = lower.chars().all(|c| Some(c) == first);
        if one || lower == user.to_lowercase() {
            return Err(WeakPassword::Plain);
        }
        Ok(Kept(hash(password.as_bytes(), salt)))
    }

    /// What was written down before.
    #[must_use]
    pub fn written(text: &str) -> Option<Kept> {
        PasswordHash::new(text).ok()?;
        Some(Kept(text.to_owned()))
    }

    /// As it is written down.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Kept(…)")
    }
}

/// Whether this is the password; with nothing kept, the same work and `false`.
#[must_use]
pub fn is_right(kept: Option<&Kept>, password: &str) -> bool {
    let tried = password.get(..MOST_BYTES).unwrap_or(password).as_bytes();
    let Some(parsed) = kept.and_then(|k| PasswordHash::new(&k.0).ok()) else {
        let _ = hash(tried, &[0; SALT_BYTES]);
        return false;
    };
    password.len() <= MOST_BYTES && Argon2::default().verify_password(tried, &parsed).is_ok()
}

fn hash(password: &[u8], salt: &[u8; SALT_BYTES]) -> String {
    Argon2::default()
        .hash_password_with_salt(password, salt)
        .expect("16 bytes are a salt, and 256 bytes a password, that argon2 takes")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_password_opens_and_another_does_not() {
        let kept = Kept::of("treasurer-1", "kettle orchard violin", &[7; 16]).unwrap();
        assert!(kept.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(is_right(Some(&kept), "kettle orchard violin"));
        assert!(!is_right(Some(&kept), "kettle orchard viola"));
        assert!(!is_right(None, "kettle orchard violin"));
        assert_eq!(Kept::written(kept.text()), Some(kept));
        assert_eq!(Kept::written("kettle orchard violin"), None);
    }

    /// The quickest of several: what else the machine does only adds.
    #[test]
    fn a_name_nobody_has_takes_as_long_as_one_that_somebody_has() {
        let kept = Kept::of("treasurer-1", "kettle orchard violin", &[7; 16]).unwrap();
        let quickest = |kept: Option<&Kept>| {
            let timed = (0..7).map(|_| {
                let began = std::time::Instant::now();
                assert!(!is_right(kept, "kettle orchard viola"));
                began.elapsed().as_secs_f64()
            });
            timed.fold(f64::INFINITY, f64::min)
        };
        let ratio = quickest(Some(&kept)) / quickest(None);
        assert!((0.6..1.6).contains(&ratio), "{ratio}");
    }

    #[test]
    fn a_password_that_is_short_or_the_user_is_refused() {
        let weak = |user: &str, password: &str| Kept::of(user, password, &[7; 16]).unwrap_err();
        assert_eq!(weak("a", "elevenchars"), WeakPassword::Short);
        assert_eq!(weak("a", "zzzzzzzzzzzz"), WeakPassword::Plain);
        assert_eq!(
            weak("treasurer-bes1", "Treasurer-BES1"),
            WeakPassword::Plain
        );
        assert_eq!(weak("a", &"ab".repeat(200)), WeakPassword::Long);
    }

    #[test]
    fn what_is_printed_for_a_developer_shows_no_hash() {
        let kept = Kept::of("a", "kettle orchard violin", &[7; 16]).unwrap();
        assert_eq!(format!("{kept:?}"), "Kept(…)");
    }
}
