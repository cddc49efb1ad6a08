//! Users: who may decide, and how they show who they are.
//!
//! Users are the node's: one person may be treasurer of one society and auditor of another. While
//! nobody has set up a user, whoever may open the data folder acts under the name of any officer of
//! the society's file; from the first one on, every decision needs a user with the right, who shows
//! a password and a second factor, or a token that a program carries.
//!
//! Losing the second factor: a recovery code stands in for it once. Losing both: one officer asks for
//! a reset and another one confirms it, which gives a new one-time code.

use std::collections::{BTreeMap, BTreeSet};

use domain::calendar::Instant;
pub use identity::Secret as NewSecret;
use identity::{Kept, Right, Role};
pub use records::users::{UserMember, UserRole};
use records::{
    decision::What,
    users::{UserDisabled, UserInvited, UserMembers, UserResetAsked, UserRoles},
};
use serde::Serialize;
use wire::enrol::Code;

use super::{
    Office,
    answer::{Answer, OrOurs, refuse},
    node::{Node, hex, unhex},
    tokens::{Token, TokenLine},
};

/// The words of all roles; the first may give rights, as the first user has to.
pub const ROLES: [&str; 7] = [
    Role::Administrator.word(),
    Role::Treasurer.word(),
    Role::Secretary.word(),
    Role::Approver.word(),
    Role::Steward.word(),
    Role::Auditor.word(),
    Role::Council.word(),
];
/// How long an invitation is worth something, ms: a week.
const INVITED_FOR_MS: i64 = 7 * 86_400_000;
/// Longest id.
const MOST_ID: usize = 32;

/// Everything the node knows of its users.
#[derive(Debug, Default)]
pub struct Users {
    users: BTreeMap<String, User>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct User {
    pub(super) roles: Vec<(Role, Option<String>)>,
    /// Which members of which societies this person is.
    pub(super) members: BTreeSet<(String, u32)>,
    pub(super) invited: Option<([u8; 32], Instant)>,
    pub(super) password: Option<Kept>,
    /// Empty where there is none: a member who is no officer.
    pub(super) second_sealed: Vec<u8>,
    pub(super) recovery: BTreeSet<[u8; 32]>,
    pub(super) tokens: BTreeMap<[u8; 32], Token>,
    pub(super) disabled: bool,
    reset_asked_by: Option<String>,
}

impl User {
    /// The roles in force: an officer without a second factor has none yet.
    fn in_force(&self) -> impl Iterator<Item = &(Role, Option<String>)> {
        let whole = !self.second_sealed.is_empty();
        self.roles.iter().filter(move |_| whole)
    }
}

/// Where a right is asked for.
#[derive(Clone, Copy)]
enum Scope<'a> {
    /// In one society.
    In(&'a str),
    /// In at least one.
    Anywhere,
    /// In every society of this node, those to come included.
    Everywhere,
}

/// A user as listed.
#[derive(Clone, Debug, Serialize)]
pub struct UserLine {
    /// The id.
    pub id: String,
    /// `active`, `invited` or `disabled`.
    pub state: &'static str,
    /// Roles with the society they hold in.
    pub roles: Vec<UserRoleLine>,
    /// What its tokens are for, and until when.
    pub tokens: Vec<TokenLine>,
    /// Which members they are.
    pub members: Vec<UserMember>,
    /// Recovery codes that are left.
    pub recovery_codes_left: usize,
}

/// A role as listed.
#[derive(Clone, Debug, Serialize)]
pub struct UserRoleLine {
    /// The role.
    pub role: &'static str,
    /// The society; every one when none.
    pub society: Option<String>,
}

impl Office {
    /// Whether decisions need a user: somebody has set one up.
    #[must_use]
    pub fn has_users(&self) -> bool {
        self.node().users().is_guarded()
    }

    /// All users.
    #[must_use]
    pub fn users(&self, now: Instant) -> Vec<UserLine> {
        self.node().users().lines(now)
    }

    /// Makes or renews an invitation; its code is shown once.
    ///
    /// # Errors
    /// A bad id, or a user who is set up and whose reset nobody else asked for.
    pub fn invite_user(
        &self,
        id: &str,
        roles: Option<Vec<UserRole>>,
        by: &str,
        now: Instant,
    ) -> Answer<String> {
        let code = self.node().invite_user(id, roles, None, by, now)?;
        Ok(code.reveal().to_owned())
    }

    /// Invites a member of a society to see what is theirs; the code is shown once. One person may
    /// be a member of several societies under one user.
    ///
    /// # Errors
    /// When the society has no such member, another user is this member already, or as
    /// [`Office::invite_user`].
    pub fn invite_member(
        &self,
        id: &str,
        society: &str,
        member: u32,
        by: &str,
        now: Instant,
    ) -> Answer<String> {
        let here = self.society(society)?;
        here.member(member, now)?;
        let of = UserMember {
            society: here.slug().to_owned(),
            member,
        };
        let code = self.node().invite_user(id, None, Some(of), by, now)?;
        Ok(code.reveal().to_owned())
    }

    /// The members a user is: of which society, and by which number.
    #[must_use]
    pub fn members_of_user(&self, id: &str) -> Vec<UserMember> {
        let node = self.node();
        node.users().active(id).map(members_of).unwrap_or_default()
    }

    /// The roles of a user that are in force.
    #[must_use]
    pub fn roles_in_force(&self, id: &str) -> Vec<(Role, Option<String>)> {
        let node = self.node();
        let user = node.users().active(id);
        user.map_or_else(|_| Vec::new(), |user| user.in_force().cloned().collect())
    }

    /// Whether the user has the right in this society.
    ///
    /// # Errors
    /// When not: which roles would have it, and who.
    pub fn check_right(&self, id: &str, right: Right, society: &str) -> Answer<()> {
        self.node().users().check(id, right, Scope::In(society))
    }

    /// Whether the user has the right in any society.
    ///
    /// # Errors
    /// When not: which roles would have it, and who.
    pub fn check_right_anywhere(&self, id: &str, right: Right) -> Answer<()> {
        self.node().users().check(id, right, Scope::Anywhere)
    }

    /// Whether the user has the right wherever these roles hold.
    ///
    /// # Errors
    /// When not: which roles would have it, and who.
    pub fn check_right_over(&self, id: &str, right: Right, roles: &[UserRole]) -> Answer<()> {
        let scopes = roles.iter().map(|held| match &held.society {
            Some(society) => Scope::In(society),
            None => Scope::Everywhere,
        });
        let node = self.node();
        scopes
            .into_iter()
            .try_for_each(|scope| node.users().check(id, right, scope))
    }

    /// A user's roles.
    ///
    /// # Errors
    /// When there is no such user.
    pub fn user_roles(&self, id: &str) -> Answer<Vec<UserRole>> {
        self.node().roles_of(id)
    }

    /// Gives a user these roles and no others.
    ///
    /// # Errors
    /// When there is no such user, or nobody could give rights any more.
    pub fn set_user_roles(
        &self,
        id: &str,
        roles: Vec<UserRole>,
        by: &str,
        now: Instant,
    ) -> Answer<()> {
        self.node().set_roles(id, roles, by, now)?;
        self.end_all_sessions(id)
    }

    /// A user is believed no more.
    ///
    /// # Errors
    /// When there is no such user, or nobody could give rights any more.
    pub fn disable_user(&self, id: &str, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.node().disable_user(id, reason, by, now)?;
        self.end_all_sessions(id)
    }

    /// An officer vouches that a user lost a secret.
    ///
    /// # Errors
    /// When there is no such user, or it is the officer.
    pub fn ask_user_reset(&self, id: &str, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.node().ask_reset(id, reason, by, now)
    }
}

impl Users {
    /// Whose token this is, and the token.
    pub(super) fn of_token(&self, hash: &[u8; 32]) -> Option<(&str, &Token)> {
        let mut users = self.users.iter().filter(|(_, user)| !user.disabled);
        users.find_map(|(id, user)| Some((id.as_str(), user.tokens.get(hash)?)))
    }

    /// What is known of one.
    pub(super) fn get(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    /// Whether decisions need a user.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.users
            .values()
            .any(|user| user.password.is_some() && !user.disabled)
    }

    /// Whether the user has the right in this society.
    ///
    /// # Errors
    /// When it has not: which role would, and who has it.
    fn check(&self, id: &str, right: Right, scope: Scope<'_>) -> Answer<()> {
        let user = self.active(id)?;
        let here = |of: Option<&str>| match scope {
            Scope::In(society) => of.is_none_or(|of| of == society),
            Scope::Anywhere => true,
            Scope::Everywhere => of.is_none(),
        };
        let holds = |user: &User| {
            let mut roles = user.in_force();
            roles.any(|(role, of)| role.may(right) && here(of.as_deref()))
        };
        if holds(user) {
            return Ok(());
        }
        let others: Vec<&str> = self
            .users
            .iter()
            .filter(|(_, user)| !user.disabled && holds(user))
            .map(|(id, _)| id.as_str())
            .collect();
        let roles: Vec<&str> = right.roles().map(Role::word).collect();
        let hint = if others.is_empty() {
            format!("give somebody a role that may: {}", roles.join(", "))
        } else {
            format!("these may: {}", others.join(", "))
        };
        refuse(format!(
            "`{id}` may not {}{}\nhint: {hint}",
            right.words(),
            match scope {
                Scope::In(society) => format!(" in `{society}`"),
                Scope::Anywhere => String::new(),
                Scope::Everywhere => " in every society".to_owned(),
            }
        ))
    }

    /// Whether the user has, or will have once set up, a role that gives rights.
    pub(super) fn gives_rights(&self, id: &str) -> bool {
        let gives = |user: &User| user.roles.iter().any(|(role, _)| role.may(Right::Rights));
        self.users.get(id).is_some_and(gives)
    }

    pub(super) fn active(&self, id: &str) -> Answer<&User> {
        match self.users.get(id) {
            Some(user) if user.disabled => refuse(format!("user `{id}` is disabled")),
            Some(user) if user.password.is_none() => refuse(format!(
                "user `{id}` is invited and has no password yet\nhint: `commonwatt user set-up {id}` with the one-time code"
            )),
            Some(user) => Ok(user),
            None => refuse(format!(
                "user `{id}` does not exist\nhint: `commonwatt user list` shows them"
            )),
        }
    }

    /// All of them.
    #[must_use]
    pub fn lines(&self, now: Instant) -> Vec<UserLine> {
        let line = |(id, user): (&String, &User)| UserLine {
            id: id.clone(),
            state: match (user.disabled, &user.password) {
                (true, _) => "disabled",
                (false, None) => "invited",
                (false, Some(_)) => "active",
            },
            roles: user
                .roles
                .iter()
                .map(|(role, society)| UserRoleLine {
                    role: role.word(),
                    society: society.clone(),
                })
                .collect(),
            tokens: user
                .tokens
                .values()
                .filter(|token| token.until > now)
                .map(TokenLine::of)
                .collect(),
            members: members_of(user),
            recovery_codes_left: user.recovery.len(),
        };
        self.users.iter().map(line).collect()
    }

    /// Takes a decision of the node's journal.
    pub(super) fn take(&mut self, what: What) -> Answer<()> {
        let damaged = "the node's journal";
        let hash = |text: &str| {
            unhex(text)
                .ok_or("a hash is not 64 hex digits")
                .or_ours(damaged)
        };
        match what {
            What::UserInvited(i) => {
                let user = self.users.entry(i.user).or_default();
                user.invited = Some((hash(&i.code_sha256)?, Instant(i.until_ms)));
                user.reset_asked_by = None;
                user.disabled = false;
            }
            What::UserSetUp(s) => {
                let user = self.users.entry(s.user).or_default();
                user.invited = None;
                let kept = Kept::written(&s.password);
                user.password = Some(
                    kept.ok_or("a password is not kept as one")
                        .or_ours(damaged)?,
                );
                user.second_sealed = bytes(&s.second_sealed)
                    .ok_or("a sealed secret is not hexadecimal")
                    .or_ours(damaged)?;
                user.recovery = s
                    .recovery_sha256
                    .iter()
                    .map(|code| hash(code))
                    .collect::<Answer<_>>()?;
            }
            What::UserMembers(m) => {
                let members = m.members.into_iter();
                self.users.entry(m.user).or_default().members =
                    members.map(|of| (of.society, of.member)).collect();
            }
            What::UserRoles(r) => {
                let roles = r.roles.into_iter().map(|held| {
                    let role = held.role.parse::<Role>().or_ours(damaged)?;
                    Ok((role, held.society))
                });
                self.users.entry(r.user).or_default().roles = roles.collect::<Answer<_>>()?;
            }
            What::UserDisabled(d) => {
                let user = self.users.entry(d.user).or_default();
                *user = User {
                    roles: std::mem::take(&mut user.roles),
                    members: std::mem::take(&mut user.members),
                    disabled: true,
                    ..User::default()
                };
            }
            What::UserToken(t) => {
                let key = hash(&t.token_sha256)?;
                let token = Token::acting(t.label, Instant(t.until_ms));
                let user = self.users.entry(t.user).or_default();
                user.tokens.insert(key, token);
            }
            What::ReadingToken(t) => {
                let key = hash(&t.token_sha256)?;
                let token = Token::reading(&t).or_ours(damaged)?;
                let user = self.users.entry(t.user).or_default();
                user.tokens.insert(key, token);
            }
            What::UserTokenEnded(t) => {
                let user = self.users.entry(t.user).or_default();
                user.tokens.retain(|_, token| token.label != t.label);
            }
            What::UserRecovered(r) => {
                let code = hash(&r.code_sha256)?;
                self.users.entry(r.user).or_default().recovery.remove(&code);
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes who asked for a reset.
    pub(super) fn take_reset(&mut self, asked: UserResetAsked, by: &str) {
        let user = self.users.entry(asked.user).or_default();
        user.reset_asked_by = Some(by.to_owned());
    }
}

impl Node {
    /// Invites somebody: a one-time code with which they choose a password. The code is shown once.
    ///
    /// # Errors
    /// A bad id, or a user who is set up and whose loss of it nobody else has vouched for.
    fn invite_user(
        &mut self,
        id: &str,
        roles: Option<Vec<UserRole>>,
        member: Option<UserMember>,
        by: &str,
        now: Instant,
    ) -> Answer<Code> {
        check_id(id)?;
        if let Some(of) = &member {
            self.check_nobody_else(id, of)?;
        }
        if let Some(user) = self.users().users.get(id)
            && user.password.is_some()
        {
            match &user.reset_asked_by {
                Some(asked) if asked != by => {}
                Some(_) => {
                    return refuse(format!(
                        "you asked for the reset of `{id}` yourself; another officer confirms it"
                    ));
                }
                None => {
                    return refuse(format!(
                        "user `{id}` is set up already\nhint: where password and second factor are lost, one officer says `commonwatt user reset {id} --reason …`, and another one invites again"
                    ));
                }
            }
        }
        let code = Code::from_random(&random::<16>()?);
        let mut what = vec![What::UserInvited(UserInvited {
            user: id.to_owned(),
            code_sha256: hex(&code.hash().0),
            until_ms: now.0.saturating_add(INVITED_FOR_MS),
        })];
        what.extend(roles.map(|roles| {
            What::UserRoles(UserRoles {
                user: id.to_owned(),
                roles,
            })
        }));
        what.extend(member.map(|of| {
            let mut members = self.users().get(id).map(members_of).unwrap_or_default();
            if !members.contains(&of) {
                members.push(of);
            }
            What::UserMembers(UserMembers {
                user: id.to_owned(),
                members,
            })
        }));
        self.decide_all(what, by, now)?;
        Ok(code)
    }

    /// Gives a user these roles and no others.
    ///
    /// # Errors
    /// When there is no such user, or the journal cannot be written.
    fn set_roles(&mut self, id: &str, roles: Vec<UserRole>, by: &str, now: Instant) -> Answer<()> {
        self.known_user(id)?;
        let keeps = roles.iter().any(|held| {
            let role = held.role.parse::<Role>();
            role.is_ok_and(|role| role.may(Right::Rights))
        });
        if !keeps {
            self.check_not_last(id)?;
        }
        let what = What::UserRoles(UserRoles {
            user: id.to_owned(),
            roles,
        });
        self.decide_all(vec![what], by, now)
    }

    /// A user's roles as they are now.
    ///
    /// # Errors
    /// When there is no such user.
    fn roles_of(&self, id: &str) -> Answer<Vec<UserRole>> {
        let user = self.known_user(id)?;
        let written = |(role, society): &(Role, Option<String>)| UserRole {
            role: role.word().to_owned(),
            society: society.clone(),
        };
        Ok(user.roles.iter().map(written).collect())
    }

    /// A user is not believed any more, nor any token.
    ///
    /// # Errors
    /// When there is no such user, or it is the last one who may give rights.
    fn disable_user(&mut self, id: &str, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.known_user(id)?;
        self.check_not_last(id)?;
        let what = What::UserDisabled(UserDisabled {
            user: id.to_owned(),
            reason: reason.to_owned(),
        });
        self.decide_all(vec![what], by, now)
    }

    /// An officer vouches that a user lost password or second factor.
    ///
    /// # Errors
    /// When there is no such user, or it is the officer.
    fn ask_reset(&mut self, id: &str, reason: &str, by: &str, now: Instant) -> Answer<()> {
        self.known_user(id)?;
        if id == by {
            return refuse("two other officers reset a user: one asks, another one invites again");
        }
        let what = What::UserResetAsked(UserResetAsked {
            user: id.to_owned(),
            reason: reason.to_owned(),
        });
        self.decide_all(vec![what], by, now)
    }

    /// Somebody must be left who may give rights, and somebody who may give them everywhere.
    fn check_not_last(&self, id: &str) -> Answer<()> {
        let gives = |user: &User, of_one: bool| {
            let mut roles = user.in_force();
            user.password.is_some()
                && !user.disabled
                && roles.any(|(role, of)| role.may(Right::Rights) && (of_one || of.is_none()))
        };
        let users = &self.users().users;
        for (of_one, words) in [(false, " in every society"), (true, "")] {
            let left = |(other, user): (&String, &User)| other != id && gives(user, of_one);
            if users.get(id).is_some_and(|user| gives(user, of_one)) && !users.iter().any(left) {
                return refuse(format!(
                    "`{id}` is the last one who may give rights{words}\nhint: make another administrator first"
                ));
            }
        }
        Ok(())
    }

    /// A member is one user's.
    fn check_nobody_else(&self, id: &str, of: &UserMember) -> Answer<()> {
        let key = (of.society.clone(), of.member);
        let mut others = self.users().users.iter();
        match others.find(|(other, user)| *other != id && user.members.contains(&key)) {
            Some((other, _)) => refuse(format!(
                "member {} of `{}` is user `{other}` already\nhint: `commonwatt user invite {other}` makes a new code while they have no password",
                of.member, of.society
            )),
            None => Ok(()),
        }
    }

    pub(super) fn known_user(&self, id: &str) -> Answer<&User> {
        self.users().users.get(id).map_or_else(
            || {
                refuse(format!(
                    "user `{id}` does not exist\nhint: `commonwatt user list` shows them"
                ))
            },
            Ok,
        )
    }
}

/// Fresh random bytes of the system.
///
/// # Errors
/// When it gives none.
pub fn random<const N: usize>() -> Answer<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).or_ours("the system gives no random numbers")?;
    Ok(bytes)
}

fn members_of(user: &User) -> Vec<UserMember> {
    let members = user.members.iter();
    members
        .map(|(society, member)| UserMember {
            society: society.clone(),
            member: *member,
        })
        .collect()
}

fn check_id(id: &str) -> Answer<()> {
    let fine = !id.is_empty()
        && id.len() <= MOST_ID
        && id != "owner"
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if fine {
        return Ok(());
    }
    refuse(format!(
        "`{}` cannot be a user's id; expected 1 to {MOST_ID} of a to z, 0 to 9 and `-`, and not `owner`",
        id.escape_debug()
    ))
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect()
}
