//! `/login`, `/sure` and `/log-out`: in, sure once more, and out.
//!
//! Name, password and code are one form, so that a guesser learns nothing from how far they came. A
//! wrong try shows the form again with what to do; too many get 429 and the seconds to wait.

use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use identity::Right;
use serde::Deserialize;

use super::{
    Web, frame,
    origin::Origin,
    trouble::{Trouble, sentence},
    view::LoginPage,
    visitor::{Sent, Visitor, cookie, see, token_of, whence},
};
use office::{Refusal, doors::Shown};

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    /// An address of ours.
    #[serde(default)]
    to: String,
}

/// What the form says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoginForm {
    user: String,
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
}

/// What the form of `/sure` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SureForm {
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
}

/// The form.
pub async fn page(State(web): State<Web>, Query(to): Query<To>) -> Result<Response, Trouble> {
    form(&web, "", &to.to, None, false)
}

/// The form, sent.
pub async fn enter(
    State(web): State<Web>,
    origin: Origin,
    headers: HeaderMap,
    Sent(sent): Sent<LoginForm>,
) -> Result<Response, Trouble> {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.map_or_else(String::new, |agent| {
        String::from_utf8_lossy(agent.as_bytes()).into_owned()
    });
    let before = token_of(&headers, origin);
    let user = sent.user.trim().to_owned();
    let id = user.clone();
    let shown = Shown::Password {
        password: sent.password,
        code: sent.code,
    };
    let entered = web
        .ask_about_password(move |web| {
            let now = web.state.people.now();
            let office = &web.state.office;
            let with = (agent.as_str(), before.as_deref());
            let token = office.log_in(&id, &shown, whence(origin), with, now);
            Ok(token.map(|token| (token, home_of(web, &id))))
        })
        .await?;
    match entered {
        Ok((token, home)) => {
            let to = ours(&sent.to).unwrap_or(home);
            Ok(([(header::SET_COOKIE, cookie(&token, origin))], see(&to)).into_response())
        }
        Err(refusal) => refused(&web, &user, &sent.to, refusal, false),
    }
}

/// The form before money or rights.
pub async fn again(
    State(web): State<Web>,
    visitor: Visitor,
    Query(to): Query<To>,
) -> Result<Response, Trouble> {
    form(&web, &visitor.user, &to.to, None, true)
}

/// That form, sent.
pub async fn be_sure(
    State(web): State<Web>,
    visitor: Visitor,
    origin: Origin,
    Sent(sent): Sent<SureForm>,
) -> Result<Response, Trouble> {
    let shown = Shown::Password {
        password: sent.password,
        code: sent.code,
    };
    let user = visitor.user.clone();
    let done = web
        .ask_about_password(move |web| {
            let now = web.state.people.now();
            let office = &web.state.office;
            Ok(office.be_sure(&visitor.token, &shown, whence(origin), now))
        })
        .await?;
    match done {
        Ok(()) => Ok(see(&ours(&sent.to).unwrap_or_else(|| "/me".to_owned()))),
        Err(refusal) => refused(&web, &user, &sent.to, refusal, true),
    }
}

/// Out.
pub async fn leave(
    State(web): State<Web>,
    visitor: Visitor,
    origin: Origin,
) -> Result<Response, Trouble> {
    web.ask(move |web| Ok(web.state.office.log_out(&visitor.token)?))
        .await?;
    Ok(([(header::SET_COOKIE, cookie("", origin))], see("/")).into_response())
}

fn form(
    web: &Web,
    user: &str,
    to: &str,
    trouble: Option<String>,
    again: bool,
) -> Result<Response, Trouble> {
    let title = match again {
        true => "Show once more who you are",
        false => "Log in",
    };
    frame::page(&LoginPage {
        frame: frame::at(web, title, "/login"),
        again,
        user: user.to_owned(),
        to: ours(to).unwrap_or_default(),
        trouble,
    })
}

fn refused(
    web: &Web,
    user: &str,
    to: &str,
    refusal: Refusal,
    again: bool,
) -> Result<Response, Trouble> {
    let Refusal::Caller(why) = refusal else {
        return Err(refusal.into());
    };
    let (status, seconds, words) = words_of(&why);
    let mut answer = form(web, user, to, Some(words), again)?;
    *answer.status_mut() = status;
    if let Some(seconds) = seconds {
        answer
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(answer)
}

/// What is said on a page where the door stays shut.
pub fn words_of(why: &str) -> (StatusCode, Option<u32>, String) {
    let (what, hint) = why.split_once("\nhint: ").unwrap_or((why, ""));
    let wait = hint.strip_prefix("wait ").and_then(|text| {
        let (seconds, _) = text.split_once(' ')?;
        seconds.parse::<u32>().ok()
    });
    match wait {
        Some(seconds) => (
            StatusCode::TOO_MANY_REQUESTS,
            Some(seconds),
            format!(
                "There were too many wrong tries. Wait {seconds} seconds, then try again; nobody is locked out."
            ),
        ),
        None if hint.is_empty() => (StatusCode::FORBIDDEN, None, sentence(what)),
        None => (
            StatusCode::FORBIDDEN,
            None,
            format!("{} {}", sentence(what), sentence(hint)),
        ),
    }
}

/// An address of ours, and none that leads elsewhere.
fn ours(to: &str) -> Option<String> {
    let fine = to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    fine.then(|| to.to_owned())
}

/// Where somebody begins.
fn home_of(web: &Web, user: &str) -> String {
    let office = &web.state.office;
    let may = |right| office.check_right_anywhere(user, right).is_ok();
    let home = if may(Right::See) {
        "/desk"
    } else if may(Right::Stake) {
        "/council"
    } else if !office.members_of_user(user).is_empty() {
        "/my"
    } else {
        "/me"
    };
    home.to_owned()
}

#[cfg(test)]
mod tests {
    use super::ours;

    #[test]
    fn nobody_is_sent_to_another_site() {
        assert_eq!(ours("/desk/bes1?x=1").as_deref(), Some("/desk/bes1?x=1"));
        for to in [
            "",
            "desk",
            "//evil.example",
            "/\\evil.example",
            "https://x",
            "/a\nb",
            "/é",
        ] {
            assert_eq!(ours(to), None, "{to:?}");
        }
    }
}
