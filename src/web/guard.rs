//! What stands around every route: the same headers on every answer, trouble as a page, a limit on
//! time, a panic caught, content tags, compression. Live streams pass without tags, compression or
//! time limit on what follows their head.

use std::{any::Any, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer,
        predicate::{DefaultPredicate, NotForContentType, Predicate},
    },
    csrf::{CsrfLayer, ProtectionError},
};

use super::{
    TimeLimit, Web,
    api::document::Problem,
    frame,
    policy::{API, begins},
    trouble::Trouble,
    view::TroublePage,
};

/// Put on an answer that says itself what is wrong with what was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Told;

/// Longest request when the listener names none.
const LONGEST_REQUEST: Duration = Duration::from_secs(30);
/// Longest request with a file.
const LONGEST_UPLOAD: Duration = Duration::from_secs(300);
/// Largest form without a file.
const MAX_FORM_BYTES: usize = 64 << 10;
/// Largest page; a range of half a century by days stays well below.
const MAX_PAGE_BYTES: usize = 32 << 20;

const HEADERS: [(HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Puts everything around the routes; the last layer is the outermost.
pub fn around(routes: Router<Web>, web: &Web) -> Router<Web> {
    let small = DefaultPredicate::new().and(NotForContentType::const_new("font/"));
    routes
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(CsrfLayer::new())
        .layer(middleware::from_fn(told_of_others))
        .layer(middleware::from_fn(tagged))
        .layer(middleware::from_fn(in_time))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(web.clone(), finished))
        .layer(CompressionLayer::new().compress_when(small))
}

/// What another site's page sends here is refused before this; here it gets its words.
async fn told_of_others(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    match answer.extensions().get::<ProtectionError>() {
        Some(_) => Trouble::from_elsewhere().into_response(),
        None => answer,
    }
}

/// Trouble becomes a page; every answer gets the headers.
async fn finished(State(web): State<Web>, request: Request, next: Next) -> Response {
    let api = begins(request.uri().path(), API);
    let mut answer = next.run(request).await;
    let trouble = answer.extensions_mut().remove::<Trouble>();
    let trouble = trouble.or_else(|| {
        let told = answer.extensions().get::<Told>().is_some();
        (answer.status() == StatusCode::BAD_REQUEST && !told).then(Trouble::unreadable)
    });
    if let Some(trouble) = trouble {
        let allowed = answer.headers_mut().remove(header::ALLOW);
        answer = match api {
            true => problem_of(trouble),
            false => page_of(&web, trouble),
        };
        if let Some(allowed) = allowed {
            answer.headers_mut().insert(header::ALLOW, allowed);
        }
    }
    for (name, value) in HEADERS {
        answer
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    answer
}

/// Trouble, for a program.
fn problem_of(trouble: Trouble) -> Response {
    let problem = Problem {
        kind: "about:blank",
        title: trouble.what,
        status: trouble.status.as_u16(),
        detail: trouble.why,
        hint: trouble.todo,
    };
    let text = serde_json::to_string(&problem).unwrap_or_default();
    let mut answer = (trouble.status, text).into_response();
    let headers = answer.headers_mut();
    let kind = HeaderValue::from_static("application/problem+json");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if trouble.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = trouble.retry_after_s {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn page_of(web: &Web, trouble: Trouble) -> Response {
    let (status, retry) = (trouble.status, trouble.retry_after_s);
    let mut links = trouble.links;
    links.push(frame::link("All societies", "/"));
    let page = TroublePage {
        frame: frame::plain(web, &trouble.what),
        what: trouble.what,
        why: trouble.why,
        todo: trouble.todo,
        links,
    };
    let mut answer = match frame::page(&page) {
        Ok(page) => page,
        // The page for trouble is in trouble itself: its words alone must do.
        Err(_) => (status, page.what).into_response(),
    };
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(seconds) = retry {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    answer
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned());
    Trouble::ours(words.unwrap_or_else(|| "a handler panicked".to_owned())).into_response()
}

async fn in_time(request: Request, next: Next) -> Response {
    let limit = request
        .extensions()
        .get::<TimeLimit>()
        .map_or(LONGEST_REQUEST, |limit| limit.0);
    // A photo takes its time from a telephone. Nobody's body is read before the guards let them pass.
    let kind = request.headers().get(header::CONTENT_TYPE);
    let limit = match kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/")) {
        true => limit.max(LONGEST_UPLOAD),
        false => limit,
    };
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Trouble::too_slow().into_response(),
    }
}

/// Gives a page that must be asked for anew a tag of its content, and answers 304 where the reader
/// has it already.
async fn tagged(request: Request, next: Next) -> Response {
    let theirs = request.headers().get(header::IF_NONE_MATCH).cloned();
    let answer = next.run(request).await;
    let asked_anew = answer
        .headers()
        .get(header::CACHE_CONTROL)
        .is_some_and(|value| value == "no-cache");
    if answer.status() != StatusCode::OK || !asked_anew || is_stream(answer.headers()) {
        return answer;
    }
    let (mut head, body) = answer.into_parts();
    // Bodies here are whole strings already; this takes no time.
    let Ok(bytes) = to_bytes(body, MAX_PAGE_BYTES).await else {
        return Trouble::ours("a page is larger than a page may be").into_response();
    };
    let tag = tag_of(&bytes);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.headers.insert(header::ETAG, value);
    }
    if theirs.is_some_and(|theirs| has_tag(&theirs, &tag)) {
        head.headers.remove(header::CONTENT_TYPE);
        head.status = StatusCode::NOT_MODIFIED;
        return Response::from_parts(head, Body::empty());
    }
    Response::from_parts(head, Body::from(bytes))
}

fn is_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// A weak tag: compression changes the bytes and not the content.
pub fn tag_of(bytes: &[u8]) -> String {
    format!("W/\"{}\"", hash_of(bytes))
}

/// Sixteen hexadecimal digits of SHA-256.
pub fn hash_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Whether a list of tags names this one.
pub fn has_tag(theirs: &HeaderValue, tag: &str) -> bool {
    let bare = tag.trim_start_matches("W/");
    let list = theirs.to_str().unwrap_or_default();
    list.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == bare)
}
