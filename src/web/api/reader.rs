//! Who reads through the API: a program with a token, a browser that is logged in, or anybody.
//!
//! A token that is shown has to be one, also where everybody may read; then its bounds hold there too.
//! It is believed only over a connection that nobody can listen to, like a password.

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::web::{Web, origin::Origin, trouble::Trouble};
use office::{
    energy::By,
    tokens::{Program, Reach},
};

/// What is read at most.
#[derive(Clone, Debug)]
pub struct Reader(pub Reach);

impl Reader {
    /// Energy in these steps is within bounds.
    pub fn steps(&self, step: By) -> Result<(), Trouble> {
        self.0
            .check_step(step)
            .map_err(|why| Trouble::may_not(&why))
    }

    /// Whether a society is within bounds, for a list of all.
    pub fn sees(&self, society: &str) -> bool {
        self.0.society.as_deref().is_none_or(|own| own == society)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Reader, Self::Rejection> {
        let program = parts.extensions.get::<Program>();
        Ok(Reader(
            program.map_or(Reach::ALL, |program| program.reach.clone()),
        ))
    }
}

/// Puts the program on a request that shows a token.
pub async fn known(State(web): State<Web>, request: Request, next: Next) -> Response {
    match read(&web, request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

async fn read(web: &Web, request: Request) -> Result<Request, Trouble> {
    let (mut parts, body) = request.into_parts();
    let Some(token) = token_of(&parts.headers)? else {
        return Ok(Request::from_parts(parts, body));
    };
    if !Origin::of(&parts, &web.state.proxies).is_safe() {
        return Err(Trouble::needs_tls());
    }
    let params = RawPathParams::from_request_parts(&mut parts, web).await;
    let param = |name: &str| {
        let params = params.as_ref().ok()?;
        let found = params.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.to_owned())
    };
    let (slug, site) = (param("slug"), param("site"));
    let program = web
        .ask(move |web| {
            let now = web.state.people.now();
            let program = web.state.office.program(&token, now);
            let program = program.ok_or_else(Trouble::no_token)?;
            if let Some(slug) = slug {
                let within = program.reach.check(&slug, site.as_deref());
                within.map_err(|why| Trouble::may_not(&why))?;
            }
            Ok(program)
        })
        .await?;
    parts.extensions.insert(program);
    Ok(Request::from_parts(parts, body))
}

/// The token a request shows, if it shows one.
fn token_of(headers: &HeaderMap) -> Result<Option<String>, Trouble> {
    let Some(shown) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let words = shown.to_str().unwrap_or_default();
    match words.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            Ok(Some(token.trim().to_owned()))
        }
        _ => Err(Trouble::no_token()),
    }
}
