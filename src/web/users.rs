//! `/desk/users`: who may do what; given and taken by those who may, after they showed once more who
//! they are.

use axum::{extract::State, http::StatusCode, response::Response};
use identity::{Right, Role};
use serde::Deserialize;

use super::{
    Web, frame,
    me::name_of,
    trouble::{Trouble, sentence},
    view::{UserWords, UsersPage},
    visitor::{Sent, Visitor, see},
};
use office::{Answer, Refusal, answer::refuse, users::UserRole};

/// What a form of the page says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserForm {
    action: String,
    user: String,
    #[serde(default)]
    role: String,
    #[serde(default)]
    society: String,
    #[serde(default)]
    reason: String,
}

/// The page.
pub async fn page(State(web): State<Web>, visitor: Visitor) -> Result<Response, Trouble> {
    web.ask(move |web| show(web, &visitor, None, None)).await
}

/// Something about a user is changed.
pub async fn change(
    State(web): State<Web>,
    visitor: Visitor,
    Sent(sent): Sent<UserForm>,
) -> Result<Response, Trouble> {
    web.ask(move |web| match done(web, &visitor, &sent) {
        Ok(None) => Ok(see("/desk/users")),
        Ok(Some(code)) => show(web, &visitor, Some((sent.user.clone(), code)), None),
        Err(Refusal::Caller(why)) => {
            let why = sentence(&why.replace("\nhint: ", "; "));
            show(web, &visitor, None, Some(why))
        }
        Err(ours) => Err(ours.into()),
    })
    .await
}

/// Does it; gives a one-time code where one was made.
fn done(web: &Web, visitor: &Visitor, sent: &UserForm) -> Answer<Option<String>> {
    let office = &web.state.office;
    let (user, by) = (sent.user.trim(), visitor.user.as_str());
    // Users live by people's time: so does the week in which a code is worth something.
    let now = web.state.people.now();
    let one = || -> Answer<UserRole> {
        let role: Role = sent
            .role
            .parse()
            .map_err(|why: identity::role::NoRole| Refusal::Caller(why.to_string()))?;
        let society = match sent.society.as_str() {
            "" => None,
            slug => Some(office.society(slug)?.slug().to_owned()),
        };
        Ok(UserRole {
            role: role.word().to_owned(),
            society,
        })
    };
    let over = |roles: &[UserRole]| office.check_right_over(by, Right::Rights, roles);
    match sent.action.as_str() {
        "add" => {
            if office.users(now).iter().any(|line| line.id == user) {
                return refuse(format!("user `{user}` is there already"));
            }
            let role = one()?;
            over(std::slice::from_ref(&role))?;
            office
                .invite_user(user, Some(vec![role]), by, now)
                .map(Some)
        }
        "invite" => {
            over(&office.user_roles(user)?)?;
            office.invite_user(user, None, by, now).map(Some)
        }
        "give" | "take" => {
            let (role, mut roles) = (one()?, office.user_roles(user)?);
            over(std::slice::from_ref(&role))?;
            roles.retain(|held| *held != role);
            if sent.action == "give" {
                roles.push(role);
            }
            office.set_user_roles(user, roles, by, now).map(|()| None)
        }
        "disable" => {
            over(&office.user_roles(user)?)?;
            office
                .disable_user(user, sent.reason.trim(), by, now)
                .map(|()| None)
        }
        other => refuse(format!("`{other}` is nothing that can be done to a user")),
    }
}

fn show(
    web: &Web,
    visitor: &Visitor,
    code: Option<(String, String)>,
    trouble: Option<String>,
) -> Result<Response, Trouble> {
    let office = &web.state.office;
    let now = web.state.people.now();
    let mut users = Vec::new();
    for line in office.users(now) {
        let roles = line.roles.iter().map(|held| match &held.society {
            Some(society) => format!("{} of {}", held.role, name_of(web, society)),
            None => format!("{} of every society here", held.role),
        });
        let members = line
            .members
            .iter()
            .map(|of| format!("member {} of {}", of.member, name_of(web, &of.society)));
        let held = office.user_roles(&line.id)?;
        users.push(UserWords {
            roles: roles.chain(members).collect::<Vec<_>>().join(", "),
            sessions: match office.sessions(&line.id, now)?.len() {
                0 => "none".to_owned(),
                n => n.to_string(),
            },
            may_change: office
                .check_right_over(&visitor.user, Right::Rights, &held)
                .is_ok()
                && office
                    .check_right_anywhere(&visitor.user, Right::Rights)
                    .is_ok(),
            active: line.state != "disabled",
            invited: line.state == "invited",
            state: line.state.to_owned(),
            id: line.id,
        });
    }
    let active = users.iter().filter(|user| user.state == "active").count();
    let gives = visitor.societies(web, Right::Rights);
    let failed = trouble.is_some();
    let page = UsersPage {
        frame: frame::of_visitor(web, visitor, "Users and rights", "/desk/users"),
        sentence: match active {
            1 => "One person can log in.".to_owned(),
            n => format!("{n} people can log in."),
        },
        users,
        roles: Role::ALL
            .into_iter()
            .map(|role| {
                let rights: Vec<&str> = role.rights().iter().map(|right| right.words()).collect();
                (role.word().to_owned(), rights.join("; "))
            })
            .collect(),
        everywhere: office
            .check_right_over(
                &visitor.user,
                Right::Rights,
                &[UserRole {
                    role: Role::Administrator.word().to_owned(),
                    society: None,
                }],
            )
            .is_ok(),
        societies: gives
            .iter()
            .map(|society| {
                (
                    society.slug().to_owned(),
                    society.known().document.society.name.clone(),
                )
            })
            .collect(),
        code,
        trouble,
    };
    let mut answer = frame::page(&page)?;
    if failed {
        *answer.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(answer)
}
