//! `user add|invite|set-up|role|reset|disable|token|end-token|list`.

use identity::{Role, Secret, second};
use qrcode::{QrCode, render::unicode::Dense1x2};
use records::users::UserRole;
use serde_json::json;

use super::{
    Desk,
    args::{MemberOf, User},
    energy, people_now,
    policy::{self, Need},
};
use office::{
    Answer, Refusal,
    answer::refuse,
    doors::{SetUp, Whence},
    energy::By,
    tokens::{Reach, TokenLine},
    users::{self, UserLine},
};

/// Runs the command.
pub fn run(desk: &mut Desk<'_>, command: &User) -> Answer<()> {
    match command {
        User::List => {
            let lines = desk.office.users(desk.now);
            desk.table(
                &["user", "state", "roles", "tokens", "recovery codes"],
                &lines,
                |line| {
                    vec![
                        line.id.clone(),
                        line.state.to_owned(),
                        roles(line),
                        line.tokens
                            .iter()
                            .map(token_words)
                            .collect::<Vec<_>>()
                            .join(", "),
                        line.recovery_codes_left.to_string(),
                    ]
                },
            )
        }
        User::Add {
            user,
            role,
            member,
            society,
        } => {
            known_society(desk, society.as_deref())?;
            if let Some(of) = member {
                return invite_member(desk, user, of);
            }
            let roles: Vec<UserRole> = role
                .iter()
                .map(|role| written(*role, society.as_deref()))
                .collect();
            may(desk, &roles)?;
            let by = desk.by_node();
            invite(desk, user, Some(roles), &by)
        }
        User::Invite { user } => {
            may(desk, &desk.office.user_roles(user)?)?;
            let by = desk.by_node();
            invite(desk, user, None, &by)
        }
        User::SetUp { user } => set_up(desk, user),
        User::Role {
            user,
            give,
            take,
            society,
        } => {
            known_society(desk, society.as_deref())?;
            let mut roles = desk.office.user_roles(user)?;
            let changed = give.iter().chain(take);
            let changed = changed.map(|role| written(*role, society.as_deref()));
            may(desk, &changed.collect::<Vec<_>>())?;
            for role in take {
                let gone = written(*role, society.as_deref());
                if !roles.contains(&gone) {
                    return refuse(format!(
                        "`{user}` is not {role} {}",
                        place(society.as_deref())
                    ));
                }
                roles.retain(|held| *held != gone);
            }
            for role in give {
                let new = written(*role, society.as_deref());
                if !roles.contains(&new) {
                    roles.push(new);
                }
            }
            let by = desk.by_node();
            desk.office.set_user_roles(user, roles, &by, desk.now)?;
            desk.voice
                .say(&format!("`{user}` has these roles from now on:"));
            run(desk, &User::List)
        }
        User::Reset { user, reason } => {
            may(desk, &desk.office.user_roles(user)?)?;
            let by = desk.by_node();
            desk.office.ask_user_reset(user, reason, &by, desk.now)?;
            desk.voice.say(&format!(
                "asked. Another officer makes it good: commonwatt --as … user invite {user}"
            ));
            Ok(())
        }
        User::Disable { user, reason } => {
            may(desk, &desk.office.user_roles(user)?)?;
            let by = desk.by_node();
            desk.office.disable_user(user, reason, &by, desk.now)?;
            desk.voice.say(&format!(
                "`{user}` and every token of theirs are believed no more"
            ));
            Ok(())
        }
        User::Token {
            user,
            label,
            days,
            read_only,
            society,
            site,
            step,
        } => {
            let reach = read_only.then(|| Reach {
                society: society.clone(),
                site: site.clone(),
                step: step.map_or(By::Period, energy::step),
            });
            let office = desk.office;
            let token = office.user_token(user, label, *days, reach.as_ref(), desk.now)?;
            if desk.json() {
                let reads = reach.map(|reach| reach.to_string());
                return desk.document(
                    &json!({"user": user, "label": label, "token": token, "reads": reads}),
                );
            }
            desk.voice.data(&format!("{token}\n"));
            desk.voice.say(&match reach {
                None => format!(
                    "For `--as {user} --token-file FILE`: put it into a file that only you may read. It is not kept here."
                ),
                Some(reach) => format!(
                    "It reads {reach}, at /api/v1 with `Authorization: Bearer TOKEN`. Put it into a file that only you may read; it is not kept here."
                ),
            });
            Ok(())
        }
        User::EndToken { user, label } => {
            may(desk, &desk.office.user_roles(user)?)?;
            let by = desk.by_node();
            desk.office.end_user_token(user, label, &by, desk.now)?;
            desk.voice
                .say(&format!("the token `{label}` is believed no more"));
            Ok(())
        }
    }
}

fn invite(desk: &mut Desk<'_>, user: &str, roles: Option<Vec<UserRole>>, by: &str) -> Answer<()> {
    let code = desk.office.invite_user(user, roles, by, desk.now)?;
    if desk.json() {
        return desk.document(&json!({"user": user, "code": code}));
    }
    desk.voice.data(&format!("{code}\n"));
    desk.voice.say(&format!(
        "Give it to them, not by the same way as the user's name. Within a week: commonwatt user set-up {user}. It works once, and is not kept here."
    ));
    Ok(())
}

/// A member, who sees their own holding and nothing else.
fn invite_member(desk: &mut Desk<'_>, user: &str, of: &MemberOf) -> Answer<()> {
    let society = desk.society(Some(&of.society))?;
    let by = desk.by_node();
    let code = desk
        .office
        .invite_member(user, society.slug(), of.number, &by, desk.now)?;
    if desk.json() {
        return desk.document(&json!({"user": user, "code": code}));
    }
    desk.voice.data(&format!("{code}\n"));
    desk.voice.say(&format!(
        "Print it for member {} of {}, with the address of these pages: at /set-up they give the name `{user}` and this code, and choose a password. It works once, within a week, and is not kept here.",
        of.number,
        society.slug()
    ));
    Ok(())
}

fn set_up(desk: &mut Desk<'_>, user: &str) -> Answer<()> {
    let invitation = desk.voice.ask("one-time code", true)?;
    let officer = desk
        .office
        .check_invitation(user, &invitation, Whence::Machine, people_now())?;
    let password = desk.voice.ask(
        "new password (at least 12 characters; three words are best)",
        true,
    )?;
    if desk.voice.ask("the same again", true)? != password {
        return refuse("the two differ; nothing was changed");
    }
    let second = match officer {
        true => Some(new_second(desk, user)?),
        false => None,
    };
    let set_up = SetUp {
        user,
        invitation: &invitation,
        password: &password,
        second: second
            .as_ref()
            .map(|(secret, code)| (secret, code.as_str())),
    };
    let recovery = desk
        .office
        .set_up_user(&set_up, Whence::Machine, people_now())?;
    if desk.json() {
        return desk.document(&json!({"user": user, "recovery_codes": recovery}));
    }
    if recovery.is_empty() {
        desk.voice.say("Done.");
        return Ok(());
    }
    desk.voice.say(
        "Done. Each of these stands in once for the telephone; print them and lay them where your papers are:",
    );
    for code in recovery {
        desk.voice.data(&format!("{code}\n"));
    }
    Ok(())
}

/// A second factor, shown and tried.
fn new_second(desk: &mut Desk<'_>, user: &str) -> Answer<(Secret, String)> {
    let secret = Secret(users::random::<{ second::SECRET_BYTES }>()?);
    let link = secret.link("Commonwatt", user);
    if let Ok(code) = QrCode::new(&link) {
        let picture = code.render::<Dense1x2>().quiet_zone(true).build();
        desk.voice.say(&picture);
    }
    desk.voice.say(&format!(
        "Scan this with an authenticator app on your telephone, or type the secret into it: {}",
        secret.base32()
    ));
    let code = desk.voice.ask("the six digits it shows", false)?;
    Ok((secret, code))
}

/// Whoever touches somebody's roles has the right wherever those roles hold.
fn may(desk: &Desk<'_>, roles: &[UserRole]) -> Answer<()> {
    match (policy::need(&desk.cli.command), &desk.cli.officer) {
        (Need::Right(right), Some(by)) if desk.office.has_users() => {
            desk.office.check_right_over(by, right, roles)
        }
        _ => Ok(()),
    }
}

fn written(role: Role, society: Option<&str>) -> UserRole {
    UserRole {
        role: role.word().to_owned(),
        society: society.map(str::to_owned),
    }
}

fn known_society(desk: &Desk<'_>, society: Option<&str>) -> Answer<()> {
    match society {
        Some(slug) => desk.office.society(slug).map(|_| ()),
        None => Ok(()),
    }
}

fn place(society: Option<&str>) -> String {
    society.map_or_else(
        || "in every society".to_owned(),
        |slug| format!("in `{slug}`"),
    )
}

fn token_words(token: &TokenLine) -> String {
    match &token.reads {
        None => format!("{} until {}", token.label, token.until),
        Some(reads) => format!("{} until {}, reads {reads}", token.label, token.until),
    }
}

fn roles(line: &UserLine) -> String {
    line.roles
        .iter()
        .map(|held| format!("{} {}", held.role, place(held.society.as_deref())))
        .chain(
            line.members
                .iter()
                .map(|of| format!("member {} of `{}`", of.member, of.society)),
        )
        .collect::<Vec<_>>()
        .join(", ")
}

/// Nobody is there to be asked.
pub fn nobody_to_ask(what: &str) -> Refusal {
    Refusal::Caller(format!(
        "there is no terminal to ask for: {what}\nhint: a program shows a token: --token-file FILE (`commonwatt user token` makes one)"
    ))
}
