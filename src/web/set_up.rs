//! `/set-up`: from a one-time code to a password and a second factor, on two plain forms.
//!
//! Between the two nothing is kept: the second form carries the code and the new secret with it. The
//! office checks the code again when it is sent, and it is worth something once.

use axum::{
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use identity::{Secret, second};
use qrcode::{Color, QrCode};
use serde::Deserialize;

use super::{
    Web, frame, login,
    origin::Origin,
    trouble::Trouble,
    view::{SetUpPage, SetUpStep},
    visitor::{Sent, whence},
};
use office::{Refusal, doors::SetUp, users::random};

/// Who was invited, in the address of a letter.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invited {
    #[serde(default)]
    user: String,
}

/// What either form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetUpForm {
    user: String,
    invitation: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    again: String,
    #[serde(default)]
    code: String,
}

/// The first form.
pub async fn page(
    State(web): State<Web>,
    Query(invited): Query<Invited>,
) -> Result<Response, Trouble> {
    show(&web, &invited.user, None, SetUpStep::Invitation)
}

/// Either form, sent.
pub async fn sent(
    State(web): State<Web>,
    origin: Origin,
    Sent(sent): Sent<SetUpForm>,
) -> Result<Response, Trouble> {
    web.clone()
        .ask_about_password(move |web| match sent.password.is_empty() {
            true => invitation(web, origin, &sent),
            false => finish(web, origin, &sent),
        })
        .await
}

/// The one-time code is looked at; the second form follows.
fn invitation(web: &Web, origin: Origin, sent: &SetUpForm) -> Result<Response, Trouble> {
    let now = web.state.people.now();
    let user = sent.user.trim();
    let office = &web.state.office;
    match office.check_invitation(user, sent.invitation.trim(), whence(origin), now) {
        Ok(officer) => {
            let secret = match officer {
                true => Some(Secret(random::<{ second::SECRET_BYTES }>()?)),
                false => None,
            };
            show(web, user, None, choose(user, &sent.invitation, secret))
        }
        Err(refusal) => refused(web, user, refusal, SetUpStep::Invitation),
    }
}

/// Password and code are there: the user is set up.
fn finish(web: &Web, origin: Origin, sent: &SetUpForm) -> Result<Response, Trouble> {
    let now = web.state.people.now();
    let user = sent.user.trim();
    let secret = Secret::of_base32(&sent.secret);
    let form = choose(user, &sent.invitation, secret.clone());
    if sent.password != sent.again {
        let why = "the two passwords differ".to_owned();
        return refused(web, user, Refusal::Caller(why), form);
    }
    let set_up = SetUp {
        user,
        invitation: sent.invitation.trim(),
        password: &sent.password,
        second: secret.as_ref().map(|secret| (secret, sent.code.as_str())),
    };
    match web.state.office.set_up_user(&set_up, whence(origin), now) {
        Ok(recovery) => show(web, user, None, SetUpStep::Done { recovery }),
        Err(refusal) => refused(web, user, refusal, form),
    }
}

fn choose(user: &str, invitation: &str, secret: Option<Secret>) -> SetUpStep {
    SetUpStep::Choose {
        invitation: invitation.trim().to_owned(),
        second: secret.map(|secret| {
            let typed = secret.base32();
            (
                in_fours(&typed),
                picture(&secret.link("Commonwatt", user)),
                typed,
            )
        }),
    }
}

fn refused(web: &Web, user: &str, refusal: Refusal, step: SetUpStep) -> Result<Response, Trouble> {
    let Refusal::Caller(why) = refusal else {
        return Err(refusal.into());
    };
    let (status, _, words) = login::words_of(&why);
    let mut answer = show(web, user, Some(words), step)?;
    *answer.status_mut() = match status {
        StatusCode::FORBIDDEN => StatusCode::UNPROCESSABLE_ENTITY,
        other => other,
    };
    Ok(answer)
}

fn show(
    web: &Web,
    user: &str,
    trouble: Option<String>,
    step: SetUpStep,
) -> Result<Response, Trouble> {
    frame::page(&SetUpPage {
        frame: frame::at(web, "Set up your login", "/set-up"),
        user: user.to_owned(),
        trouble,
        step,
    })
}

/// "ABCD EFGH": easier to type.
fn in_fours(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let fours: Vec<String> = letters
        .chunks(4)
        .map(|four| four.iter().collect())
        .collect();
    fours.join(" ")
}

/// A QR code as one SVG path, dark on light in either scheme: cameras want it so.
fn picture(link: &str) -> String {
    let Ok(code) = QrCode::new(link) else {
        return String::new();
    };
    let side = code.width();
    let mut path = String::new();
    for (at, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", at % side + 4, at / side + 4));
        }
    }
    let whole = side + 8;
    format!(
        "<svg class=\"qr\" viewBox=\"0 0 {whole} {whole}\" role=\"img\" aria-label=\"QR code for an authenticator app\"><rect width=\"{whole}\" height=\"{whole}\" fill=\"#fff\"/><path d=\"{path}\" fill=\"#000\"/></svg>"
    )
}
