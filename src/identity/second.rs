//! The second factor: a code of six digits that changes every 30 s (RFC 6238 with SHA-1, which is
//! what every authenticator app reads), taken one step early or late, and each step once.

use totp_rs::{Builder, Totp};

/// Bytes of a secret: what SHA-1 takes whole (RFC 4226 recommends 160 bits).
pub const SECRET_BYTES: usize = 20;

/// The secret that an authenticator app shares with us.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub [u8; SECRET_BYTES]);

impl Secret {
    /// The step of 30 s in which this code is right, if it is and that step has not been used:
    /// `used` is the last step that was. The caller keeps what comes back.
    #[must_use]
    pub fn step(&self, code: &str, now_ms: i64, used: Option<u64>) -> Option<u64> {
        let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let seconds = u64::try_from(now_ms.div_euclid(1_000)).ok()?;
        let step = self.totp().check(&digits, seconds)?;
        used.is_none_or(|used| step > used).then_some(step)
    }

    /// The secret as it is typed into an app by hand.
    #[must_use]
    pub fn base32(&self) -> String {
        totp_rs::Secret::new(Box::new(self.0)).to_base32()
    }

    /// The secret of a text that [`Secret::base32`] gave, spaces apart.
    #[must_use]
    pub fn of_base32(text: &str) -> Option<Secret> {
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let secret = totp_rs::Secret::try_from_base32(text).ok()?;
        secret.as_bytes().try_into().ok().map(Secret)
    }

    /// The six digits an authenticator app shows at this moment.
    #[must_use]
    pub fn code(&self, now_ms: i64) -> String {
        let seconds = u64::try_from(now_ms.div_euclid(1_000)).unwrap_or_default();
        self.totp().generate(seconds).to_string()
    }

    /// What the QR code for an authenticator app says. `issuer` and `account` may hold letters,
    /// digits, spaces, `-` and `.`; anything else is left out.
    #[must_use]
    pub fn link(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (plain(issuer), plain(account));
        format!(
            "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}",
            self.base32()
        )
    }

    fn totp(&self) -> Totp {
        Builder::new()
            .with_secret(totp_rs::Secret::new(Box::new(self.0)))
            .with_skew(1)
            .with_step_duration(30)
            .with_digits(6)
            .build_noncompliant()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

fn plain(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some("%20".to_owned()),
            c if c.is_ascii_alphanumeric() || c == '-' || c == '.' => Some(c.to_string()),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1, the last six of eight digits.
    const RFC: Secret = Secret(*b"12345678901234567890");

    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59_i64, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            let step = RFC.step(code, seconds * 1_000, None);
            assert_eq!(step, Some(u64::try_from(seconds).unwrap() / 30), "{code}");
        }
    }

    #[test]
    fn a_code_is_taken_once_and_one_step_early_or_late() {
        let at = |seconds: i64, used| RFC.step("005924", seconds * 1_000, used);
        let step = at(1_234_567_890, None).unwrap();
        assert_eq!(at(1_234_567_890 + 30, None), Some(step));
        assert_eq!(at(1_234_567_890 - 30, None), Some(step));
        assert_eq!(at(1_234_567_890 + 60, None), None);
        assert_eq!(at(1_234_567_890, Some(step)), None, "used");
        assert_eq!(at(1_234_567_890, Some(step - 1)), Some(step));
        assert_eq!(RFC.step(" 005 924 ", 1_234_567_890_000, None), Some(step));
        for wrong in ["", "5924", "0059245", "００5924", "abcdef"] {
            assert_eq!(RFC.step(wrong, 1_234_567_890_000, None), None, "{wrong}");
        }
    }

    #[test]
    fn a_secret_comes_back_from_its_text_and_shows_the_code_it_takes() {
        assert_eq!(Secret::of_base32(&RFC.base32()), Some(RFC));
        assert_eq!(Secret::of_base32("GEZD"), None);
        assert_eq!(Secret::of_base32("not base 32!"), None);
        let code = RFC.code(1_111_111_109_000);
        assert_eq!(code, "081804");
    }

    #[test]
    fn the_link_names_society_and_user() {
        assert_eq!(
            RFC.link("Commonwatt BES1", "treasurer-1"),
            "otpauth://totp/Commonwatt%20BES1:treasurer-1?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Commonwatt%20BES1"
        );
    }
}
