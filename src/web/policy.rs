//! Who may ask for what: one row a route. The router is built from these rows, so that a route
//! without a row cannot exist, and a row that says nobody does not compile. HEAD goes with GET; what
//! is not here is 404, another method 405. Private addresses that are open to everybody do not
//! compile either.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::Uri,
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodFilter, MethodRouter, on},
};
use identity::Right;

use super::{
    Web, alerts, api, assets, audit, ballots, bank, bills, claims, community, council, desk,
    desk_council, dials, explore, files, health, held, home, how, income, interest, letters, live,
    login, me, meters, my, my_shares, notes, operations, origin::Origin, outages, outlook, paid,
    papers, payments, reports, set_up, shares, site, society, statements, tables, tasks,
    trouble::Trouble, uploads::MAX_UPLOAD_BYTES, users, visitor, working,
};

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Public,
    /// Programs on this machine, and not through a proxy.
    Loopback,
    /// Anybody, where nobody can listen: it is where passwords are shown.
    Door,
    /// Whoever is logged in.
    User,
    /// Whoever has this right: in the society of the address, or in any where it names none.
    Officer(Right),
    /// As [`Who::Officer`], and has shown password and second factor within the last minutes.
    Sure(Right),
    /// The member of the address, or any member where it names none. Another's is not there.
    Member,
    /// As [`Who::Member`], and has shown the password within the last minutes.
    SureMember,
}

/// One route.
pub struct Row {
    /// The address, with its variable parts in braces.
    pub path: &'static str,
    /// The method.
    pub method: MethodFilter,
    /// Who may ask.
    pub who: Who,
    /// Its form may carry a file.
    pub uploads: bool,
    answer: fn(MethodFilter) -> MethodRouter<Web>,
}

use Who::{Door, Loopback, Member, Officer, Public, Sure, SureMember, User};
const SEE: Who = Officer(Right::See);
const METERS: Who = Officer(Right::Meters);
const MONEY: Who = Sure(Right::Money);
const APPROVE: Who = Sure(Right::Approve);
const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;

/// Every route there is.
#[rustfmt::skip]
pub const ROUTES: &[Row] = &[
    row("/",                                 GET, Public,   |m| on(m, home::page)),
    row("/live",                             GET, Public,   |m| on(m, live::home)),
    row("/how",                              GET, Public,   |m| on(m, how::page)),
    row("/s/{slug}",                         GET, Public,   |m| on(m, society::page)),
    row("/s/{slug}/live",                    GET, Public,   |m| on(m, live::society)),
    row("/s/{slug}/reports/{period}",        GET, Public,   |m| on(m, reports::of_society)),
    row("/s/{slug}/explore",                 GET, Public,   |m| on(m, explore::page)),
    row("/s/{slug}/explore.csv",             GET, Public,   |m| on(m, explore::csv)),
    row("/s/{slug}/interest/{run}",       GET, Public,   |m| on(m, working::page)),
    row("/s/{slug}/photos/{sha256}",         GET, User,     |m| on(m, working::photo)),
    row("/s/{slug}/sites/{site}",            GET, Public,   |m| on(m, site::page)),
    row("/s/{slug}/sites/{site}/reports/{period}", GET, Public, |m| on(m, reports::of_site)),
    row("/s/{slug}/projects",                GET, Public,   |m| on(m, community::projects)),
    row("/s/{slug}/projects/{year}",         GET, Public,   |m| on(m, community::projects_of_year)),
    row("/s/{slug}/ballots",                 GET, Public,   |m| on(m, ballots::list)),
    row("/s/{slug}/ballots/{published}",     GET, Public,   |m| on(m, ballots::download)),
    row("/vote/{slug}/{ballot}",             GET, Door,     |m| on(m, ballots::paper)),
    row("/vote/{slug}/{ballot}",             POST, Door,    |m| on(m, ballots::vote)),
    row("/assets/{*name}",                   GET, Public,   |m| on(m, assets::asset)),
    row("/favicon.ico",                      GET, Public,   |m| on(m, assets::favicon)),
    row("/favicon.svg",                      GET, Public,   |m| on(m, assets::favicon)),
    row("/robots.txt",                       GET, Public,   |m| on(m, assets::robots)),
    row("/healthz",                          GET, Public,   |m| on(m, health::healthz)),
    row("/metrics",                          GET, Loopback, |m| on(m, health::metrics)),
    row("/operations",                       GET, Loopback, |m| on(m, operations::page)),
    row("/login",                            GET, Door,     |m| on(m, login::page)),
    row("/login",                            POST, Door,    |m| on(m, login::enter)),
    row("/set-up",                           GET, Door,     |m| on(m, set_up::page)),
    row("/set-up",                           POST, Door,    |m| on(m, set_up::sent)),
    row("/sure",                             GET, User,     |m| on(m, login::again)),
    row("/sure",                             POST, User,    |m| on(m, login::be_sure)),
    row("/log-out",                          POST, User,    |m| on(m, login::leave)),
    row("/me",                               GET, User,     |m| on(m, me::page)),
    row("/me",                               POST, User,    |m| on(m, me::end_session)),
    row("/desk",                             GET, SEE,      |m| on(m, desk::all)),
    row("/desk/users",                       GET, SEE,      |m| on(m, users::page)),
    row("/desk/users",                       POST, Sure(Right::Rights), |m| on(m, users::change)),
    row("/desk/{slug}",                      GET, SEE,      |m| on(m, desk::one)),
    row("/desk/{slug}/held",                 GET, SEE,      |m| on(m, held::list)),
    row("/desk/{slug}/held/{meter}/{register}/{at}/{wh}", GET, SEE, |m| on(m, held::one)),
    row("/desk/{slug}/held/{meter}/{register}/{at}/{wh}", POST, Officer(Right::Meters), |m| on(m, held::decide)),
    row("/desk/{slug}/alerts/{number}",      GET, SEE,      |m| on(m, alerts::page)),
    row("/desk/{slug}/alerts/{number}",      POST, Officer(Right::Meters), |m| on(m, alerts::seen)),
    row("/desk/{slug}/interest",             GET, SEE,      |m| on(m, interest::page)),
    row("/desk/{slug}/interest",             POST, Sure(Right::Money), |m| on(m, interest::prepare)),
    row("/desk/{slug}/interest/{run}",       GET, SEE,      |m| on(m, interest::run)),
    row("/desk/{slug}/interest/{run}/approve", GET, Sure(Right::Approve), |m| on(m, interest::run)),
    row("/desk/{slug}/interest/{run}/approve", POST, Sure(Right::Approve), |m| on(m, interest::approve)),
    row("/desk/{slug}/interest/{run}/freeze", GET, Sure(Right::Money), |m| on(m, interest::run)),
    row("/desk/{slug}/interest/{run}/freeze", POST, Sure(Right::Money), |m| on(m, interest::freeze)),
    row("/desk/{slug}/claims",               GET, SEE,      |m| on(m, claims::list)),
    row("/desk/{slug}/claims/{installation}/{from}/{to}", GET, SEE, |m| on(m, claims::one)),
    row("/desk/{slug}/claims/{installation}/{from}/{to}/sheet", GET, SEE, |m| on(m, claims::sheet)),
    row("/desk/{slug}/claims/{installation}/{from}/{to}/freeze", GET, MONEY, |m| on(m, claims::about_to_freeze)),
    row("/desk/{slug}/claims/{installation}/{from}/{to}/freeze", POST, MONEY, |m| on(m, claims::freeze)),
    row("/desk/{slug}/statement",            GET, SEE,      |m| on(m, paid::page)),
    upload("/desk/{slug}/statement",              SEE,      |m| on(m, paid::look)),
    row("/desk/{slug}/paid",                 GET, SEE,      |m| on(m, paid::all)),
    row("/desk/{slug}/bills",                GET, SEE,      |m| on(m, bills::list)),
    row("/desk/{slug}/bills/{host}/{from}/{to}", GET, SEE,  |m| on(m, bills::one)),
    row("/desk/{slug}/bills/{host}/{from}/{to}/freeze", GET, MONEY, |m| on(m, bills::about_to_freeze)),
    row("/desk/{slug}/bills/{host}/{from}/{to}/freeze", POST, MONEY, |m| on(m, bills::freeze)),
    row("/desk/{slug}/bill/{number}",        GET, SEE,      |m| on(m, bills::frozen)),
    row("/desk/{slug}/bill/{number}/reminder", GET, SEE,    |m| on(m, bills::reminder)),
    row("/desk/{slug}/bill/{number}/credit", GET, MONEY,    |m| on(m, bills::about_to_credit)),
    row("/desk/{slug}/bill/{number}/credit", POST, MONEY,   |m| on(m, bills::credit)),
    row("/desk/{slug}/bank",                 GET, SEE,      |m| on(m, bank::list)),
    row("/desk/{slug}/bank/import",          GET, MONEY,    |m| on(m, bank::about_to_import)),
    upload("/desk/{slug}/bank/import",            MONEY,    |m| on(m, bank::import)),
    row("/desk/{slug}/bank/match",           GET, MONEY,    |m| on(m, bank::about_to_match)),
    row("/desk/{slug}/bank/match",           POST, MONEY,   |m| on(m, bank::matched)),
    row("/desk/{slug}/tables",               GET, SEE,      |m| on(m, tables::list)),
    row("/desk/{slug}/tables/{table}",       GET, SEE,      |m| on(m, tables::one)),
    row("/desk/{slug}/tables/{table}/extend", GET, MONEY,   |m| on(m, tables::about_to_extend)),
    upload("/desk/{slug}/tables/{table}/extend",  MONEY,    |m| on(m, tables::extend)),
    row("/desk/{slug}/proposals/{number}",   GET, SEE,      |m| on(m, tables::proposal)),
    row("/desk/{slug}/proposals/{number}/decide", GET, APPROVE, |m| on(m, tables::about_to_decide)),
    row("/desk/{slug}/proposals/{number}/decide", POST, APPROVE, |m| on(m, tables::decide)),
    row("/desk/{slug}/dials",                GET, SEE,      |m| on(m, dials::list)),
    row("/desk/{slug}/dials/take",           GET, METERS,   |m| on(m, dials::about_to_take)),
    upload("/desk/{slug}/dials/take",             METERS,   |m| on(m, dials::take)),
    row("/desk/{slug}/dials/{meter}/{register}/{at}", GET, SEE, |m| on(m, dials::one)),
    row("/desk/{slug}/dials/{meter}/{register}/{at}", POST, METERS, |m| on(m, dials::decide)),
    row("/desk/{slug}/meters",               GET, SEE,      |m| on(m, meters::list)),
    row("/desk/{slug}/meters/exchange",      GET, METERS,   |m| on(m, meters::about_to_exchange)),
    row("/desk/{slug}/meters/exchange",      POST, METERS,  |m| on(m, meters::exchange)),
    row("/desk/{slug}/meters/{meter}/notice", GET, SEE,     |m| on(m, meters::notice)),
    row("/desk/{slug}/outages",              GET, SEE,      |m| on(m, outages::list)),
    row("/desk/{slug}/outages/plan",         GET, METERS,   |m| on(m, outages::about_to_plan)),
    row("/desk/{slug}/outages/plan",         POST, METERS,  |m| on(m, outages::plan)),
    row("/desk/{slug}/outages/{number}",     GET, SEE,      |m| on(m, outages::one)),
    row("/desk/{slug}/outages/{number}",     POST, METERS,  |m| on(m, outages::change)),
    row("/desk/{slug}/outages/{number}/notice", GET, SEE,   |m| on(m, outages::notice)),
    row("/desk/{slug}/battery",              GET, SEE,      |m| on(m, outages::battery)),
    row("/desk/{slug}/tasks",                GET, SEE,      |m| on(m, tasks::list)),
    row("/desk/{slug}/tasks/done",           GET, SEE,      |m| on(m, tasks::about_done)),
    upload("/desk/{slug}/tasks/done",             SEE,      |m| on(m, tasks::done)),
    row("/desk/{slug}/alerts",               GET, SEE,      |m| on(m, tasks::alerts)),
    row("/desk/{slug}/income",               GET, SEE,      |m| on(m, income::list)),
    row("/desk/{slug}/income/{site}",        GET, SEE,      |m| on(m, income::site)),
    row("/desk/{slug}/income/{site}/irradiance", GET, METERS, |m| on(m, income::about_light)),
    upload("/desk/{slug}/income/{site}/irradiance", METERS, |m| on(m, income::light)),
    row("/desk/{slug}/files/{sha256}",       GET, SEE,      |m| on(m, files::file)),
    row("/desk/{slug}/interest/{run}/lines.csv", GET, SEE,   |m| on(m, interest::lines)),
    row("/desk/{slug}/interest/{run}/statements", GET, SEE, |m| on(m, statements::of_run)),
    row("/desk/{slug}/interest/{run}/statements", POST, Officer(Right::Roll), |m| on(m, statements::make)),
    row("/desk/{slug}/interest/{run}/statements/{of}", GET, Officer(Right::Roll), |m| on(m, statements::file)),
    row("/desk/{slug}/payments",             GET, SEE,      |m| on(m, payments::page)),
    row("/desk/{slug}/payments",             POST, Sure(Right::Money), |m| on(m, payments::prepare)),
    row("/desk/{slug}/payments/{order}",     GET, SEE,      |m| on(m, payments::order)),
    row("/desk/{slug}/payments/{order}/approve", GET, Sure(Right::Approve), |m| on(m, payments::order)),
    row("/desk/{slug}/payments/{order}/approve", POST, Sure(Right::Approve), |m| on(m, payments::approve)),
    row("/desk/{slug}/payments/{order}/release", GET, Sure(Right::Money), |m| on(m, payments::order)),
    row("/desk/{slug}/payments/{order}/release", POST, Sure(Right::Money), |m| on(m, payments::release)),
    row("/desk/{slug}/payments/{order}/cancel", GET, Sure(Right::Money), |m| on(m, payments::order)),
    row("/desk/{slug}/payments/{order}/cancel", POST, Sure(Right::Money), |m| on(m, payments::cancel)),
    row("/desk/{slug}/payments/{order}/file", GET, Sure(Right::Money), |m| on(m, payments::order)),
    row("/desk/{slug}/payments/{order}/file", POST, Sure(Right::Money), |m| on(m, payments::file)),
    row("/desk/{slug}/payments/{order}/cheques.csv", GET, Officer(Right::Money), |m| on(m, payments::cheques)),
    row("/desk/{slug}/payments/{order}/report", GET, Sure(Right::Money), |m| on(m, payments::order)),
    upload("/desk/{slug}/payments/{order}/report", Sure(Right::Money), |m| on(m, payments::report)),
    row("/desk/{slug}/payments/{order}/one", GET, Sure(Right::Money), |m| on(m, payments::order)),
    row("/desk/{slug}/payments/{order}/one", POST, Sure(Right::Money), |m| on(m, payments::one)),
    row("/desk/{slug}/shares",               GET, SEE,      |m| on(m, shares::page)),
    row("/desk/{slug}/shares",               POST, Officer(Right::Roll), |m| on(m, shares::allot)),
    row("/desk/{slug}/letters",              GET, SEE,      |m| on(m, letters::page)),
    upload("/desk/{slug}/letters",                Officer(Right::Roll), |m| on(m, letters::act)),
    row("/desk/{slug}/letters/{letter}/notice.pdf", GET, Officer(Right::Roll), |m| on(m, letters::notice)),
    row("/desk/{slug}/year",                 GET, SEE,      |m| on(m, papers::page)),
    row("/desk/{slug}/year/{paper}",         GET, SEE,      |m| on(m, papers::file)),
    row("/desk/{slug}/outlook",              GET, SEE,      |m| on(m, outlook::page)),
    row("/desk/{slug}/projection",           GET, SEE,      |m| on(m, outlook::projection)),
    row("/desk/{slug}/projection",           POST, SEE,     |m| on(m, outlook::project_inputs)),
    row("/desk/{slug}/audit",                GET, SEE,      |m| on(m, audit::page)),
    row("/desk/{slug}/council",              GET, SEE,      |m| on(m, desk_council::stake)),
    row("/desk/{slug}/outcomes",             GET, SEE,      |m| on(m, desk_council::outcomes)),
    row("/desk/{slug}/note/{kind}",          GET, Officer(Right::Roll), |m| on(m, notes::page)),
    row("/desk/{slug}/note/{kind}",          POST, Officer(Right::Roll), |m| on(m, notes::sent)),
    row("/desk/{slug}/closing",              GET, SEE,      |m| on(m, desk_council::closing)),
    row("/desk/{slug}/ballots",              GET, SEE,      |m| on(m, ballots::desk)),
    row("/desk/{slug}/ballot-codes/{ballot}", GET, Sure(Right::Roll), |m| on(m, ballots::codes_page)),
    row("/desk/{slug}/ballot-codes/{ballot}", POST, Sure(Right::Roll), |m| on(m, ballots::codes)),
    row("/desk/{slug}/papers/{papers}",      GET, Officer(Right::Approve), |m| on(m, notes::papers_page)),
    row("/desk/{slug}/papers/{papers}",      POST, Officer(Right::Approve), |m| on(m, notes::papers_sent)),
    row("/desk/{slug}/projects",             GET, SEE,      |m| on(m, community::desk_projects)),
    row("/desk/{slug}/fund",                 GET, SEE,      |m| on(m, community::fund)),
    row("/desk/{slug}/fund/{what}",          GET, Sure(Right::Money), |m| on(m, notes::fund_page)),
    row("/desk/{slug}/fund/{what}",          POST, Sure(Right::Money), |m| on(m, notes::fund_sent)),
    row("/desk/{slug}/fund-payment",         GET, Sure(Right::Approve), |m| on(m, notes::payment_page)),
    row("/desk/{slug}/fund-payment",         POST, Sure(Right::Approve), |m| on(m, notes::payment_sent)),
    row("/my",                               GET, Member,   |m| on(m, my::mine)),
    row("/my/{slug}/{member}",               GET, Member,   |m| on(m, my::page)),
    row("/my/{slug}/{member}/data.json",     GET, Member,   |m| on(m, my::data)),
    row("/my/{slug}/{member}/statements/{sheet}", GET, Member, |m| on(m, statements::own)),
    row("/my/{slug}/{member}/shares",        GET, Member,   |m| on(m, my_shares::page)),
    row("/my/{slug}/{member}/shares",        POST, SureMember, |m| on(m, my_shares::wish)),
    row("/my/{slug}/{member}/payment",       GET, SureMember, |m| on(m, my::payment)),
    row("/my/{slug}/{member}/payment",       POST, SureMember, |m| on(m, my::change_payment)),
    row("/council",                          GET, Officer(Right::Stake), |m| on(m, council::all)),
    row("/council/{slug}",                   GET, Officer(Right::Stake), |m| on(m, council::one)),
    row("/council/{slug}/evidence",          GET, Officer(Right::Stake), |m| on(m, council::evidence)),
    row("/council/{slug}/outcomes",          GET, Officer(Right::Stake), |m| on(m, council::outcomes)),
    row("/council/{slug}/roofs/{site}",      GET, Officer(Right::Stake), |m| on(m, council::building)),
    row("/council/{slug}/stake/{file}",      GET, Officer(Right::Stake), |m| on(m, council::download)),
    row("/api/v1/societies", GET, Public, |m| on(m, api::places::societies)),
    row("/api/v1/societies/{slug}", GET, Public, |m| on(m, api::places::society)),
    row("/api/v1/societies/{slug}/now", GET, Public, |m| on(m, api::places::society_now)),
    row("/api/v1/societies/{slug}/energy", GET, Public, |m| on(m, api::energy::society_energy)),
    row("/api/v1/societies/{slug}/reports/{period}", GET, Public, |m| on(m, api::energy::society_report)),
    row("/api/v1/societies/{slug}/sites", GET, Public, |m| on(m, api::places::sites)),
    row("/api/v1/societies/{slug}/sites/{site}", GET, Public, |m| on(m, api::places::site)),
    row("/api/v1/societies/{slug}/sites/{site}/now", GET, Public, |m| on(m, api::places::site_now)),
    row("/api/v1/societies/{slug}/sites/{site}/energy", GET, Public, |m| on(m, api::energy::site_energy)),
    row("/api/v1/societies/{slug}/sites/{site}/reports/{period}", GET, Public, |m| on(m, api::energy::site_report)),
    row("/api/v1/societies/{slug}/sites/{site}/flows", GET, SEE, |m| on(m, api::energy::flows)),
    row("/api/v1/societies/{slug}/meters", GET, SEE, |m| on(m, api::places::meters)),
    row("/api/v1/societies/{slug}/meters/{meter}/reads", GET, SEE, |m| on(m, api::energy::reads)),
    row("/api/v1/societies/{slug}/held", GET, SEE, |m| on(m, api::energy::held)),
    row("/api/v1/societies/{slug}/installations", GET, SEE, |m| on(m, api::places::installations)),
    row("/api/v1/societies/{slug}/gateways", GET, SEE, |m| on(m, api::places::gateways)),
    row("/api/v1/societies/{slug}/claims", GET, SEE, |m| on(m, api::money::claims)),
    row("/api/v1/societies/{slug}/bills", GET, SEE, |m| on(m, api::money::bills)),
    row("/api/v1/societies/{slug}/tables", GET, SEE, |m| on(m, api::money::tables)),
    row("/api/v1/societies/{slug}/proposals", GET, SEE, |m| on(m, api::money::proposals)),
    row("/api/v1/societies/{slug}/costs", GET, SEE, |m| on(m, api::money::costs)),
    row("/api/v1/societies/{slug}/payments", GET, SEE, |m| on(m, api::money::payments)),
    row("/api/v1/societies/{slug}/interest-runs", GET, SEE, |m| on(m, api::money::runs)),
    row("/api/v1/societies/{slug}/to-do", GET, SEE, |m| on(m, api::work::to_do)),
    row("/api/v1/societies/{slug}/tasks", GET, SEE, |m| on(m, api::work::tasks)),
    row("/api/v1/societies/{slug}/alerts", GET, SEE, |m| on(m, api::work::alerts)),
    row("/api/v1/societies/{slug}/outages", GET, SEE, |m| on(m, api::work::outages)),
    row("/api/v1/societies/{slug}/decisions", GET, SEE, |m| on(m, api::work::decisions)),
    row("/api/v1/societies/{slug}/stake", GET, Officer(Right::Stake), |m| on(m, api::own::stake)),
    row("/api/v1/societies/{slug}/members/{member}/holding", GET, Member, |m| on(m, api::own::holding)),
    row("/api/v1/me", GET, User, |m| on(m, api::own::me)),
    row("/api/v1/openapi.json", GET, Public, |m| on(m, api::document::page)),
];

/// Where programs read.
pub const API: &str = "/api/v1";

/// Where no page is for everybody.
const PRIVATE: [&str; 4] = ["/desk", "/my", "/council", "/me"];

// A private address that names nobody is no row at all.
const _: () = {
    let mut at = 0;
    while at < ROUTES.len() {
        let open = matches!(ROUTES[at].who, Public | Loopback | Door);
        let mut place = 0;
        while place < PRIVATE.len() {
            assert!(!(open && begins(ROUTES[at].path, PRIVATE[place])));
            place += 1;
        }
        at += 1;
    }
};

/// Whether a path is this one or lies below it.
pub const fn begins(path: &str, with: &str) -> bool {
    let (path, with) = (path.as_bytes(), with.as_bytes());
    if path.len() < with.len() {
        return false;
    }
    let mut at = 0;
    while at < with.len() {
        if path[at] != with[at] {
            return false;
        }
        at += 1;
    }
    path.len() == with.len() || path[with.len()] == b'/'
}

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
        uploads: false,
        answer,
    }
}

/// A row whose form may carry a file.
const fn upload(
    path: &'static str,
    who: Who,
    answer: fn(MethodFilter) -> MethodRouter<Web>,
) -> Row {
    Row {
        path,
        method: POST,
        who,
        uploads: true,
        answer,
    }
}

/// The router of all rows.
pub fn routes(web: &Web) -> Router<Web> {
    let mut router = Router::new();
    for row in ROUTES {
        let answer = (row.answer)(row.method);
        let answer = match row.uploads {
            true => answer.layer(DefaultBodyLimit::max(MAX_UPLOAD_BYTES)),
            false => answer,
        };
        // Another method is 405 to everybody: the guards stand before the row's own.
        let answer = match row.who {
            Public => answer,
            Loopback => {
                answer.route_layer(middleware::from_fn_with_state(web.clone(), only_from_here))
            }
            who => answer.route_layer(middleware::from_fn_with_state(
                (web.clone(), who),
                visitor::admitted,
            )),
        };
        let answer = match begins(row.path, API) {
            true => answer.route_layer(middleware::from_fn_with_state(
                web.clone(),
                api::reader::known,
            )),
            false => answer,
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
    // Programs are told that there is nothing.
    let page = !trimmed.is_empty() && !trimmed.starts_with("//") && !begins(path, API);
    if trimmed.len() < path.len() && page {
        let query = uri.query().map(|query| format!("?{query}"));
        return Redirect::permanent(&format!("{trimmed}{}", query.unwrap_or_default()))
            .into_response();
    }
    Trouble::nothing_here().into_response()
}

/// Lets programs on this machine pass. Behind a proxy everybody comes from this machine, so that a
/// request that names another origin is not believed.
async fn only_from_here(State(web): State<Web>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if Origin::of(&parts, &web.state.proxies).local {
        next.run(Request::from_parts(parts, body)).await
    } else {
        Trouble::not_from_there().into_response()
    }
}
