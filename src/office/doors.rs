//! Who is at the door: passwords, second factors, and the sessions that begin with them.
//!
//! What was tried wrong, which code was used last and which sessions are open stands in
//! `node/state.sqlite`, so that commands and pages count together and a restart forgets nothing.
//!
//! Guessing is slowed by account, never stopped: after four wrong tries of a name from places it
//! never came from, all such places together wait up to 64 s for each further one. A place the user
//! came in from before, and the machine itself, have a count of their own, so that nobody far away
//! keeps the owner out. One address that tries many names has a count too. A try is counted before it
//! is looked at: many at once gain nothing.

use std::{
    fmt,
    net::IpAddr,
    path::Path,
    sync::{Mutex, MutexGuard},
};

use domain::calendar::Instant;
use identity::{
    Guesses, Kept, Right, Secret,
    guesses::{FREE_OF_ACCOUNT, FREE_OF_ADDRESS, MOST_NAMES, Tries},
    password, second,
};
use records::{
    decision::What,
    users::{UserRecovered, UserSetUp},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::state::{SessionRow, StateStore, TriesRow};
use wire::enrol::Code;

use super::{
    Office,
    answer::{Answer, OrOurs, Refusal, refuse},
    folder, held,
    keys::Keys,
    node::hex,
    users::random,
};

/// Recovery codes a user gets.
const RECOVERY_CODES: usize = 8;
/// A session that nobody uses for so long ends, ms: an hour.
pub const IDLE_MS: i64 = 3_600_000;
/// A session ends after so long whatever happens, ms: twelve hours.
pub const LONGEST_MS: i64 = 12 * 3_600_000;
/// So long after password and code were shown nobody is asked again before money or rights, ms.
pub const SURE_MS: i64 = 10 * 60_000;
/// A session's last use is written down at most so often, ms.
const SEEN_EVERY_MS: i64 = 60_000;
/// Longest name a browser may call itself by, characters.
const MOST_AGENT: usize = 120;
/// In the table of tries, before the name of an address.
const OF_ADDRESS: &str = "@";

/// What the doors remember.
pub(super) struct Doors {
    state: Mutex<StateStore>,
    accounts: Mutex<Guesses>,
    addresses: Mutex<Guesses>,
}

/// Where somebody stands who wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// At the machine itself, who may open the data folder.
    Machine,
    /// At this address.
    Address(IpAddr),
}

/// How somebody shows who they are.
pub enum Shown {
    /// Password and the code of the moment, or a recovery code.
    Password {
        /// The password.
        password: String,
        /// Six digits, or a recovery code. Not looked at where the user has no second factor.
        code: String,
    },
    /// A token.
    Token(String),
}

/// What somebody brings who sets up a user.
#[derive(Debug)]
pub struct SetUp<'a> {
    /// The user's id.
    pub user: &'a str,
    /// The one-time code.
    pub invitation: &'a str,
    /// The password they chose.
    pub password: &'a str,
    /// The secret that their authenticator app has, and the code it shows; nothing for a member who
    /// is no officer.
    pub second: Option<(&'a Secret, &'a str)>,
}

/// An open session, as its user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Session {
    /// What it is called; opens nothing.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// When it began.
    #[serde(skip)]
    pub began: Instant,
    /// When it was last used.
    #[serde(skip)]
    pub seen: Instant,
    /// Until when nobody is asked again before money or rights.
    #[serde(skip)]
    pub sure_until: Instant,
    /// Where it began.
    pub address: String,
    /// The browser, as it calls itself.
    pub agent: String,
}

impl fmt::Display for Whence {
    /// The name its tries are counted under: a network of one house or phone where the address is a
    /// new one (IPv6, the first 64 bits).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whence::Machine => f.write_str("this machine"),
            Whence::Address(address) => match address.to_canonical() {
                IpAddr::V4(address) => write!(f, "{address}"),
                IpAddr::V6(address) => {
                    let [a, b, c, d, ..] = address.segments();
                    write!(f, "{a:x}:{b:x}:{c:x}:{d:x}::/64")
                }
            },
        }
    }
}

impl Doors {
    /// Opens what is remembered.
    ///
    /// # Errors
    /// When the file cannot be opened or is newer than this program.
    pub(super) fn open(data: &Path) -> Answer<Doors> {
        let node = data.join("node");
        folder::make(&node)?;
        let state = StateStore::open(&node.join("state.sqlite")).or_ours("node/state.sqlite")?;
        let mut accounts = Guesses::new(FREE_OF_ACCOUNT);
        let mut addresses = Guesses::new(FREE_OF_ADDRESS);
        for row in state.tries().or_ours("node/state.sqlite")? {
            let tries = Tries {
                wrong: row.wrong,
                last_ms: row.last_ms,
            };
            match row.name.strip_prefix(OF_ADDRESS) {
                Some(address) => addresses.remember(address, tries),
                None => accounts.remember(&row.name, tries),
            }
        }
        Ok(Doors {
            state: Mutex::new(state),
            accounts: Mutex::new(accounts),
            addresses: Mutex::new(addresses),
        })
    }

    fn state(&self) -> MutexGuard<'_, StateStore> {
        held(&self.state)
    }

    /// Counts a try before it is looked at; gives the name it counts under.
    fn admit(&self, id: &str, whence: Whence, now: Instant) -> Answer<String> {
        let place = whence.to_string();
        let known = whence == Whence::Machine
            || self.state().came_from(id, &place).map_err(Refusal::from)?;
        // No user's id has a space in it, nor is one longer than its first 64 characters.
        let id: String = id.chars().take(64).collect();
        let name = match known {
            true => format!("{id} {place}"),
            false => id.clone(),
        };
        let mut accounts = held(&self.accounts);
        let mut addresses = held(&self.addresses);
        let far = whence != Whence::Machine;
        let wait = accounts.wait_ms(&name, now.0).max(match far {
            true => addresses.wait_ms(&place, now.0),
            false => 0,
        });
        if wait > 0 {
            return refuse(format!(
                "too many wrong tries for `{}`\nhint: wait {} s",
                id.escape_debug(),
                wait.div_euclid(1_000) + 1
            ));
        }
        let tries = accounts.wrong(&name, now.0);
        self.keep(&name, tries)?;
        if far {
            let tries = addresses.wrong(&place, now.0);
            self.keep(&format!("{OF_ADDRESS}{place}"), tries)?;
        }
        Ok(name)
    }

    /// The try that was counted was right.
    fn right(&self, name: &str, whence: Whence) -> Answer<()> {
        held(&self.accounts).right(name);
        self.state().forget_tries(name).map_err(Refusal::from)?;
        if whence != Whence::Machine {
            // Only this one: a hall's other wrong tries stay counted.
            let place = whence.to_string();
            if let Some(tries) = held(&self.addresses).uncount(&place) {
                self.keep(&format!("{OF_ADDRESS}{place}"), tries)?;
            }
        }
        Ok(())
    }

    fn keep(&self, name: &str, tries: Tries) -> Answer<()> {
        let row = TriesRow {
            name: name.to_owned(),
            wrong: tries.wrong,
            last_ms: tries.last_ms,
        };
        let state = self.state();
        state.keep_tries(&row, MOST_NAMES).map_err(Refusal::from)
    }

    /// Takes a code of the second factor, each step once, also by two who show it at the same time.
    fn take_step(&self, id: &str, secret: &Secret, code: &str, now: Instant) -> Answer<bool> {
        let state = self.state();
        let used = state.step(id).map_err(Refusal::from)?;
        let Some(step) = secret.step(code, now.0, used) else {
            return Ok(false);
        };
        state.keep_step(id, Some(step)).map_err(Refusal::from)?;
        Ok(true)
    }
}

impl Office {
    /// Believes that somebody is this user, or not.
    ///
    /// # Errors
    /// When what is shown is not right, without saying which part; when there were too many tries.
    pub fn believe(&self, id: &str, shown: &Shown, whence: Whence, now: Instant) -> Answer<()> {
        let name = self.doors.admit(id, whence, now)?;
        match shown {
            Shown::Token(token) => self.believe_token(id, token, now)?,
            Shown::Password { password, code } => self.believe_person(id, password, code, now)?,
        }
        self.doors.right(&name, whence)
    }

    fn believe_token(&self, id: &str, token: &str, now: Instant) -> Answer<()> {
        let hash: [u8; 32] = Sha256::digest(token.trim().as_bytes()).into();
        let node = self.node();
        let user = node.users().active(id)?;
        let found = user.tokens.get(&hash).filter(|token| now < token.until);
        match found {
            Some(token) if token.reach.is_none() => return Ok(()),
            Some(_) => {
                return refuse(
                    "this token only reads, through /api/v1\nhint: `commonwatt user token` without --read-only makes one that acts as its user",
                );
            }
            None => {}
        }
        refuse(format!("this token is not, or no longer, one of `{id}`"))
    }

    fn believe_person(&self, id: &str, shown: &str, code: &str, now: Instant) -> Answer<()> {
        let wrong = || {
            refuse("this is not right\nhint: the code changes every 30 seconds and is taken once")
        };
        let user = self.node().users().get(id).filter(|u| !u.disabled).cloned();
        let kept = user.as_ref().and_then(|user| user.password.as_ref());
        // The node is not held meanwhile: this takes a tenth of a second, by design.
        let right = password::is_right(kept, shown);
        let Some(user) = user.filter(|_| right) else {
            return wrong();
        };
        if user.second_sealed.is_empty() {
            return Ok(());
        }
        if let Ok(code) = Code::parse(code) {
            let spent = code.hash().0;
            let mut node = self.node();
            let left = node.users().get(id).map(|user| &user.recovery);
            if left.is_some_and(|left| left.contains(&spent)) {
                let what = What::UserRecovered(UserRecovered {
                    user: id.to_owned(),
                    code_sha256: hex(&spent),
                });
                return node.decide_all(vec![what], id, now);
            }
        }
        let keys = Keys::beside(self.folder.path());
        let secret = keys.sealing_key()?.open(&about(id), &user.second_sealed)?;
        let secret: [u8; second::SECRET_BYTES] = secret
            .try_into()
            .map_err(|_| "the second factor's secret has another length")
            .or_ours("the node's journal")?;
        match self.doors.take_step(id, &Secret(secret), code, now)? {
            true => Ok(()),
            false => wrong(),
        }
    }

    /// Whether an invitation stands for this code; whether its user needs a second factor.
    ///
    /// # Errors
    /// When it does not, or there were too many tries.
    pub fn check_invitation(
        &self,
        id: &str,
        code: &str,
        whence: Whence,
        now: Instant,
    ) -> Answer<bool> {
        let name = self.doors.admit(id, whence, now)?;
        let second = {
            let node = self.node();
            let user = node.users().get(id);
            let stands = user
                .and_then(|user| user.invited)
                .is_some_and(|(hash, until)| {
                    now < until && Code::parse(code).is_ok_and(|code| code.hash().0 == hash)
                });
            user.filter(|_| stands).map(|user| !user.roles.is_empty())
        };
        let Some(second) = second else {
            return refuse(
                "no invitation has this name and this code, or it is older than a week\nhint: ask an officer to invite again",
            );
        };
        self.doors.right(&name, whence)?;
        Ok(second)
    }

    /// Sets a user up; gives the recovery codes, shown once; none where there is no second factor.
    ///
    /// # Errors
    /// A weak password, a wrong code of either kind, or a journal that cannot be written.
    pub fn set_up_user(
        &self,
        set_up: &SetUp<'_>,
        whence: Whence,
        now: Instant,
    ) -> Answer<Vec<String>> {
        let id = set_up.user;
        let needs = self.check_invitation(id, set_up.invitation, whence, now)?;
        {
            let node = self.node();
            let users = node.users();
            if !users.is_guarded() && !users.gives_rights(id) {
                return refuse(
                    "the first user is one who may give rights\nhint: commonwatt user add ID --role administrator",
                );
            }
        }
        let kept = Kept::of(id, set_up.password, &random::<{ password::SALT_BYTES }>()?)
            .map_err(|weak| Refusal::Caller(weak.to_string()))?;
        let (mut sealed, mut step, mut recovery) = (Vec::new(), None, Vec::new());
        match set_up.second {
            Some((secret, code)) => {
                step = secret.step(code, now.0, None);
                if step.is_none() {
                    return refuse(
                        "this is not the code of the moment\nhint: the clock of the telephone and of this machine must agree to half a minute",
                    );
                }
                let keys = Keys::beside(self.folder.path());
                sealed = keys.sealing_key_or_new()?.seal(&about(id), &secret.0)?;
                for _ in 0..RECOVERY_CODES {
                    recovery.push(Code::from_random(&random::<16>()?));
                }
            }
            None if needs => {
                return refuse("an officer needs a second factor\nhint: an authenticator app");
            }
            None => {}
        }
        let what = What::UserSetUp(UserSetUp {
            user: id.to_owned(),
            password: kept.text().to_owned(),
            second_sealed: hex(&sealed),
            recovery_sha256: recovery.iter().map(|code| hex(&code.hash().0)).collect(),
        });
        {
            let mut node = self.node();
            // The code is worth something once: somebody else may have used it since.
            let invited = node.users().get(id).and_then(|user| user.invited);
            let code = Code::parse(set_up.invitation)
                .ok()
                .map(|code| code.hash().0);
            if invited.map(|(hash, _)| hash) != code || code.is_none() {
                return refuse("this one-time code was used meanwhile");
            }
            node.decide_all(vec![what], id, now)?;
        }
        self.doors.state().keep_step(id, step)?;
        self.end_all_sessions(id)?;
        Ok(recovery
            .iter()
            .map(|code| code.reveal().to_owned())
            .collect())
    }

    /// Begins a session for somebody who shows who they are; gives its token, which is kept nowhere.
    /// The session of `before`, if any, ends: a token that somebody else knew opens nothing.
    ///
    /// # Errors
    /// As [`Office::believe`].
    pub fn log_in(
        &self,
        id: &str,
        shown: &Shown,
        whence: Whence,
        (agent, before): (&str, Option<&str>),
        now: Instant,
    ) -> Answer<String> {
        self.believe(id, shown, whence, now)?;
        let token = hex(&random::<32>()?);
        let mut state = self.doors.state();
        if let Some(before) = before {
            state.end_token(&hash(before))?;
        }
        state.forget_before(now.plus_ms(-LONGEST_MS), now.plus_ms(-IDLE_MS))?;
        state.add_session(&SessionRow {
            token: hash(&token),
            id: hex(&random::<16>()?),
            user: id.to_owned(),
            began: now,
            seen: now,
            sure: now,
            address: whence.to_string(),
            agent: agent.chars().take(MOST_AGENT).collect(),
        })?;
        Ok(token)
    }

    /// The session of a token, if it is open: its user is believed, and neither of its times is over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn session(&self, token: &str, now: Instant) -> Answer<Option<Session>> {
        let token = hash(token);
        let Some(row) = self.doors.state().session(&token)? else {
            return Ok(None);
        };
        let believed = self.node().users().active(&row.user).is_ok();
        if !is_open(&row, now) || !believed {
            self.doors.state().end_token(&token)?;
            return Ok(None);
        }
        if now.ms_since(row.seen) >= SEEN_EVERY_MS {
            self.doors.state().touch(&token, now, row.sure)?;
        }
        Ok(Some(shown(row)))
    }

    /// Somebody in a session shows again who they are, before money or rights.
    ///
    /// # Errors
    /// As [`Office::believe`].
    pub fn be_sure(&self, token: &str, shown: &Shown, whence: Whence, now: Instant) -> Answer<()> {
        let Some(session) = self.session(token, now)? else {
            return refuse("this session has ended\nhint: log in again");
        };
        self.believe(&session.user, shown, whence, now)?;
        Ok(self.doors.state().touch(&hash(token), now, now)?)
    }

    /// From now on the user of a session is asked again before money or rights.
    ///
    /// # Errors
    /// When the session is not open.
    pub fn forget_sure(&self, token: &str) -> Answer<()> {
        let token = hash(token);
        let state = self.doors.state();
        let Some(row) = state.session(&token)? else {
            return refuse("this session has ended");
        };
        Ok(state.touch(&token, row.seen, row.seen.plus_ms(-SURE_MS))?)
    }

    /// Ends the session of a token.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn log_out(&self, token: &str) -> Answer<()> {
        Ok(self.doors.state().end_token(&hash(token))?)
    }

    /// A user's open sessions, the newest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sessions(&self, user: &str, now: Instant) -> Answer<Vec<Session>> {
        let rows = self.doors.state().sessions(user)?;
        let open = rows.into_iter().filter(|row| is_open(row, now));
        Ok(open.map(shown).collect())
    }

    /// Ends one session of a user.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn end_session(&self, user: &str, id: &str) -> Answer<()> {
        match self.doors.state().end_session(user, id)? {
            true => Ok(()),
            false => refuse("this session has ended already"),
        }
    }

    /// Ends every session of a user: what they may has changed.
    pub(super) fn end_all_sessions(&self, user: &str) -> Answer<()> {
        Ok(self.doors.state().end_sessions(user)?)
    }

    /// Whether the user has this right in any of the societies, for what a page offers.
    #[must_use]
    pub fn may(&self, user: &str, right: Right, society: &str) -> bool {
        self.check_right(user, right, society).is_ok()
    }

    /// Whether the user may do anything in a society but look.
    ///
    /// # Errors
    /// When not.
    pub fn check_acts(&self, user: &str, society: &str) -> Answer<()> {
        let acts = [
            Right::Meters,
            Right::Money,
            Right::Approve,
            Right::Roll,
            Right::Rights,
        ];
        match acts.into_iter().any(|right| self.may(user, right, society)) {
            true => Ok(()),
            false => refuse(format!(
                "`{user}` may look at everything in `{society}` and change nothing\nhint: ask an officer who did it"
            )),
        }
    }
}

fn is_open(row: &SessionRow, now: Instant) -> bool {
    // A clock that jumps back must not make a session that never ends.
    let (began, seen) = (now.ms_since(row.began), now.ms_since(row.seen));
    (-IDLE_MS..LONGEST_MS).contains(&began) && (-IDLE_MS..IDLE_MS).contains(&seen)
}

fn shown(row: SessionRow) -> Session {
    Session {
        id: row.id,
        user: row.user,
        began: row.began,
        seen: row.seen,
        sure_until: row.sure.plus_ms(SURE_MS),
        address: row.address,
        agent: row.agent,
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// What a second factor's secret is sealed for.
fn about(id: &str) -> String {
    format!("second factor of user {id}")
}
