//! Who asks: the session of a request, and the guard that stands before every row of [`super::policy`]
//! that is not for everybody.
//!
//! The cookie is `__Host-commonwatt` where nobody can listen, and a plain one on this machine only.
//! The guard puts a [`Visitor`] on the request; a handler that wants one cannot be reached without it.

use axum::{
    extract::{FromRequest, FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use identity::Right;
use serde::de::DeserializeOwned;

use super::{
    Web,
    origin::Origin,
    policy::{API, Who, begins},
    trouble::Trouble,
};
use office::{SocietyOffice, doors::Whence, tokens::Program};

const COOKIE: &str = "__Host-commonwatt";
const PLAIN_COOKIE: &str = "commonwatt";

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Their id.
    pub user: String,
    /// The name of this session.
    pub session: String,
    /// The token, to end or renew the session.
    pub token: String,
}

impl Visitor {
    /// The societies in which they have the right.
    pub fn societies(&self, web: &Web, right: Right) -> Vec<std::sync::Arc<SocietyOffice>> {
        let office = &web.state.office;
        let mut all = office.societies();
        all.retain(|society| office.may(&self.user, right, society.slug()));
        all
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor, Trouble> {
        let visitor = parts.extensions.get::<Visitor>().cloned();
        visitor.ok_or_else(|| Trouble::ours("a row for everybody leads to a private page"))
    }
}

impl FromRequestParts<Web> for Origin {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Origin, Self::Rejection> {
        Ok(Origin::of(parts, &web.state.proxies))
    }
}

/// A form that was sent: unknown fields and missing ones are told of, never passed over.
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Web> for Sent<T> {
    type Rejection = Trouble;

    async fn from_request(request: Request, web: &Web) -> Result<Sent<T>, Trouble> {
        match axum::Form::<T>::from_request(request, web).await {
            Ok(axum::Form(sent)) => Ok(Sent(sent)),
            Err(why) => Err(Trouble::form(&why.body_text())),
        }
    }
}

/// The token a request brings.
pub fn token_of(headers: &HeaderMap, origin: Origin) -> Option<String> {
    let name = if origin.secure { COOKIE } else { PLAIN_COOKIE };
    let cookies = headers.get_all(header::COOKIE).iter();
    let pairs = cookies.filter_map(|value| value.to_str().ok());
    pairs
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, token)| token.to_owned())
}

/// The cookie that carries a token; an empty one takes it away.
pub fn cookie(token: &str, origin: Origin) -> HeaderValue {
    let ends = if token.is_empty() { "; Max-Age=0" } else { "" };
    let text = match origin.secure {
        true => format!("{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Lax{ends}"),
        false => format!("{PLAIN_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{ends}"),
    };
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Where somebody stands, for the office.
pub fn whence(origin: Origin) -> Whence {
    Whence::Address(origin.address)
}

/// Lets those pass whom the row is for; everything behind it is kept nowhere.
pub async fn admitted(
    State((web, who)): State<(Web, Who)>,
    request: Request,
    next: Next,
) -> Response {
    let mut answer = match admit(&web, who, request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => refused,
    };
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn admit(web: &Web, who: Who, request: Request) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let origin = Origin::of(&parts, &web.state.proxies);
    if !origin.is_safe() {
        return Err(Trouble::needs_tls().into_response());
    }
    if who == Who::Door {
        return Ok(Request::from_parts(parts, body));
    }
    let shown = match parts.extensions.get::<Program>() {
        Some(program) => Shown::Token(program.user.clone()),
        None => Shown::Cookie(token_of(&parts.headers, origin)),
    };
    let path = parts.uri.path().to_owned();
    let params = RawPathParams::from_request_parts(&mut parts, web).await;
    let param = |name: &str| {
        let params = params.as_ref().ok()?;
        let mut all = params.iter();
        all.find(|(known, _)| *known == name)
            .map(|(_, value)| value.to_owned())
    };
    let place = (param("slug"), param("member"));
    let safe = matches!(parts.method, Method::GET | Method::HEAD);
    let admitted = web
        .ask(move |web| Ok(check(web, who, shown, place)))
        .await
        .map_err(IntoResponse::into_response)?;
    match admitted {
        Ok(visitor) => {
            parts.extensions.insert(visitor);
            Ok(Request::from_parts(parts, body))
        }
        Err(Refused::LoggedOut) if begins(&path, API) => Err(Trouble::no_token().into_response()),
        Err(Refused::LoggedOut) if safe => Err(see(&format!("/login?to={path}"))),
        Err(Refused::LoggedOut) => Err(Trouble::logged_out(&path).into_response()),
        // The page is asked for again afterwards; what was sent is sent again by the person.
        Err(Refused::Unsure) => Err(see(&format!("/sure?to={path}"))),
        Err(Refused::Trouble(trouble)) => Err(trouble.into_response()),
    }
}

/// A redirection that is followed with GET.
pub fn see(to: &str) -> Response {
    Redirect::to(to).into_response()
}

/// By what somebody is known.
enum Shown {
    /// The cookie of a session, if there is one.
    Cookie(Option<String>),
    /// A token, whose user this is.
    Token(String),
}

enum Refused {
    LoggedOut,
    Unsure,
    Trouble(Trouble),
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Refused {
        Refused::Trouble(trouble)
    }
}

fn check(
    web: &Web,
    who: Who,
    shown: Shown,
    (slug, member): (Option<String>, Option<String>),
) -> Result<Visitor, Refused> {
    let office = &web.state.office;
    let now = web.state.people.now();
    let (visitor, sure_until) = match shown {
        Shown::Cookie(token) => {
            let token = token.ok_or(Refused::LoggedOut)?;
            let session = office.session(&token, now).map_err(Trouble::from)?;
            let session = session.ok_or(Refused::LoggedOut)?;
            let visitor = Visitor {
                user: session.user,
                session: session.id,
                token,
            };
            (visitor, session.sure_until)
        }
        // A program was never asked for a password: nothing that needs one is for it.
        Shown::Token(user) => {
            let visitor = Visitor {
                user,
                session: String::new(),
                token: String::new(),
            };
            (visitor, now)
        }
    };
    let user = visitor.user.as_str();
    let may = |right: Right| match &slug {
        Some(slug) => {
            let society = super::society::named(web, slug)?;
            office
                .check_right(user, right, society.slug())
                .map_err(|why| Trouble::may_not(&why))
        }
        None => office
            .check_right_anywhere(user, right)
            .map_err(|why| Trouble::may_not(&why)),
    };
    match who {
        Who::Public | Who::Loopback | Who::Door | Who::User => {}
        Who::Officer(right) => may(right)?,
        Who::Sure(right) => {
            may(right)?;
            if sure_until <= now {
                return Err(Refused::Unsure);
            }
        }
        Who::Member | Who::SureMember => {
            let own = office.members_of_user(user);
            let theirs = |slug: &str, member: &str| {
                own.iter()
                    .any(|of| of.society == slug && of.member.to_string() == member)
            };
            match (&slug, &member) {
                // Whose it is, is part of the question: another's is not there.
                (Some(slug), Some(member)) if theirs(slug, member) => {}
                (None, None) if !own.is_empty() => {}
                (None, None) => return Err(Trouble::no_member().into()),
                _ => return Err(Trouble::nothing_here().into()),
            }
            if who == Who::SureMember && sure_until <= now {
                return Err(Refused::Unsure);
            }
        }
    }
    Ok(visitor)
}
