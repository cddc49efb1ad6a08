//! The demo's logins: one for each role and one for a member, made once and printed at every start.
//!
//! Passwords and second factors are random and lie beside the data folder, in its folder of keys,
//! because somebody has to be able to read them; nothing of the kind exists outside the demo.

use std::{fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use domain::calendar::Instant;
use serde::{Deserialize, Serialize};

use office::{
    Answer, Office, Refusal,
    answer::OrOurs,
    doors::{SetUp, Whence},
    keys::Keys,
    users::{NewSecret, ROLES, UserRole, random},
};

const FILE: &str = "demo-logins.json";
/// A member of Brixton Energy Solar 1 with a holding of her own.
const MEMBER: (&str, &str, u32) = ("member-4", "bes1", 4);
/// So long before now the codes of the set-ups were shown, ms: the present ones are still good.
const BEFORE_MS: i64 = 120_000;

/// One login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    /// What it may do, in a word.
    pub role: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// The second factor's secret, base 32; empty where there is none.
    pub secret: String,
}

impl Login {
    /// The six digits of this moment; empty where there is no second factor.
    #[must_use]
    pub fn code(&self, now: Instant) -> String {
        NewSecret::of_base32(&self.secret).map_or_else(String::new, |secret| secret.code(now.0))
    }

    /// A line of what is printed.
    #[must_use]
    pub fn line(&self, now: Instant) -> String {
        match self.secret.is_empty() {
            true => format!("  {:<14} {:<14} {}\n", self.role, self.user, self.password),
            false => format!(
                "  {:<14} {:<14} {}  code {}  secret {}\n",
                self.role,
                self.user,
                self.password,
                self.code(now),
                self.secret
            ),
        }
    }
}

/// The logins of this data folder, made where there are none yet.
///
/// # Errors
/// When the file of keys cannot be read or written, or the folder has users of its own.
pub fn logins(office: &Office, data: &Path, now: Instant) -> Answer<Vec<Login>> {
    let keys = Keys::beside(data);
    let path = keys.folder().join(FILE);
    if office.has_users() {
        // Users that nobody printed: the folder is somebody's own, and so are they.
        let Ok(text) = fs::read_to_string(&path) else {
            return Ok(Vec::new());
        };
        return serde_json::from_str(&text).or_ours("the demo's logins");
    }
    let then = now.plus_ms(-BEFORE_MS);
    let mut made = Vec::new();
    for role in ROLES {
        let user = format!("{role}-1");
        let roles = vec![UserRole {
            role: role.to_owned(),
            society: None,
        }];
        let code = office.invite_user(&user, Some(roles), "demo", then)?;
        let secret = NewSecret(random()?);
        made.push(set_up(office, role, &user, &code, Some(&secret), then)?);
    }
    let (user, society, number) = MEMBER;
    let code = office.invite_member(user, society, number, "demo", then)?;
    made.push(set_up(office, "member", user, &code, None, then)?);
    let text = serde_json::to_string_pretty(&made).map_err(|e| Refusal::Ours(e.to_string()))?;
    let what = "the demo's logins";
    let mut file = fs::File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .or_ours(what)?;
    file.write_all(text.as_bytes()).or_ours(what)?;
    file.sync_all().or_ours(what)?;
    Ok(made)
}

fn set_up(
    office: &Office,
    role: &str,
    user: &str,
    invitation: &str,
    secret: Option<&NewSecret>,
    then: Instant,
) -> Answer<Login> {
    let random: [u8; 5] = random()?;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    let password = format!("sample-{hex}");
    let code = secret.map(|secret| secret.code(then.0)).unwrap_or_default();
    let set_up = SetUp {
        user,
        invitation,
        password: &password,
        second: secret.map(|secret| (secret, code.as_str())),
    };
    office.set_up_user(&set_up, Whence::Machine, then)?;
    Ok(Login {
        role: role.to_owned(),
        user: user.to_owned(),
        password,
        secret: secret.map(|secret| secret.base32()).unwrap_or_default(),
    })
}
