//! Who may ask for what: one row a route. The router is built from these rows, so that a route
//! without a row cannot exist. HEAD goes with GET; what is not here is 404, another method 405.

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    http::Uri,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodFilter, MethodRouter, on},
};

use super::{
    Web, assets, health, home, how, live, operations, reports, site, society, trouble::Trouble,
};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Public,
    /// Programs on this machine, and not through a proxy.
    Loopback,
}

/// One route.
pub struct Row {
    /// The address, with its variable parts in braces.
    pub path: &'static str,
    /// The method.
    pub method: MethodFilter,
    /// Who may ask.
    pub who: Who,
    answer: fn(MethodFilter) -> MethodRouter<Web>,
}

use Who::{Loopback, Public};
const GET: MethodFilter = MethodFilter::GET;

/// Every route there is.
#[rustfmt::skip]
pub const ROUTES: &[Row] = &[
    row("/",                                 GET, Public,   |m| on(m, home::page)),
    row("/live",                             GET, Public,   |m| on(m, live::home)),
    row("/how",                              GET, Public,   |m| on(m, how::page)),
    row("/s/{slug}",                         GET, Public,   |m| on(m, society::page)),
    row("/s/{slug}/live",                    GET, Public,   |m| on(m, live::society)),
    row("/s/{slug}/reports/{period}",        GET, Public,   |m| on(m, reports::of_society)),
    row("/s/{slug}/sites/{site}",            GET, Public,   |m| on(m, site::page)),
    row("/s/{slug}/sites/{site}/reports/{period}", GET, Public, |m| on(m, reports::of_site)),
    row("/assets/{*name}",                   GET, Public,   |m| on(m, assets::asset)),
    row("/favicon.ico",                      GET, Public,   |m| on(m, assets::favicon)),
    row("/favicon.svg",                      GET, Public,   |m| on(m, assets::favicon)),
    row("/robots.txt",                       GET, Public,   |m| on(m, assets::robots)),
    row("/healthz",                          GET, Public,   |m| on(m, health::healthz)),
    row("/metrics",                          GET, Loopback, |m| on(m, health::metrics)),
    row("/operations",                       GET, Loopback, |m| on(m, operations::page)),
];

const fn row(
    path: &'static str,
    method: MethodFilter,
    who: Who,
    answer: fn(MethodFilter) -> MethodRouter<Web>,
) -> Row {
    Row {
        path,
        method,
        who,
        answer,
    }
}

/// The router of all rows.
pub fn routes() -> Router<Web> {
    let mut router = Router::new();
    for row in ROUTES {
        let answer = (row.answer)(row.method);
        let answer = match row.who {
            Public => answer,
            Loopback => answer.layer(middleware::from_fn(only_from_here)),
        };
        router = router.route(row.path, answer);
    }
    router
        .fallback(nothing_here)
        .method_not_allowed_fallback(|| async { Trouble::method() })
}

/// No row: an address with a slash too many leads to the one without.
async fn nothing_here(uri: Uri) -> Response {
    let path = uri.path();
    let trimmed = path.trim_end_matches('/');
    // An address that begins with two slashes would lead to another host.
    if trimmed.len() < path.len() && !trimmed.is_empty() && !trimmed.starts_with("//") {
        let query = uri.query().map(|query| format!("?{query}"));
        return Redirect::permanent(&format!("{trimmed}{}", query.unwrap_or_default()))
            .into_response();
    }
    Trouble::nothing_here().into_response()
}

/// Lets programs on this machine pass. Behind a proxy everybody comes from this machine, so that a
/// request that names another origin is not believed.
async fn only_from_here(request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let here = peer.is_some_and(|ConnectInfo(peer)| is_here(peer.ip()));
    let headers = request.headers();
    let passed_on = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
        .iter()
        .any(|name| headers.contains_key(*name));
    if here && !passed_on {
        next.run(request).await
    } else {
        Trouble::not_from_there().into_response()
    }
}

fn is_here(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}
