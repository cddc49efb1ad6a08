//! `/api/v1`: what the pages and the lists of the command line show, as JSON for programs. It reads
//! and changes nothing.
//!
//! The rows stand in [`super::policy`] like those of the pages, and the same office answers. A program
//! shows a token (`Authorization: Bearer …`), whose bounds are kept in [`reader`]; without one it sees
//! what everybody sees. Lists come in pages of at most [`MOST`] items; what goes wrong is
//! problem+json with what happened, why, and what to do. [`document`] is the description that is
//! committed as `docs/openapi.json`.

pub mod document;
pub mod energy;
pub mod money;
pub mod own;
pub mod places;
pub mod reader;
pub mod work;

use axum::{
    extract::{FromRequestParts, Query},
    http::{header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::calendar::{Instant, LocalDay};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{Web, trouble::Trouble};
use office::Refusal;

/// Items of a page when nothing is said.
const USUAL: u32 = 1_000;
/// Most items of a page: more than a year of half hours.
const MOST: u32 = 20_000;
/// The largest whole number that every JSON reader keeps.
const MOST_AFTER: u64 = (1 << 53) - 1;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Paged {
    /// Most items of an answer
    #[param(minimum = 1, maximum = 20_000, default = 1_000, nullable = false)]
    limit: Option<u32>,
    /// `next` of the page before
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64, nullable = false)]
    after: Option<u64>,
}

/// Days from and to, and which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Days {
    /// First day, local to the society
    #[param(format = Date, nullable = false)]
    from: Option<String>,
    /// Last day, inside
    #[param(format = Date, nullable = false)]
    to: Option<String>,
    /// Most items of an answer
    #[param(minimum = 1, maximum = 20_000, default = 1_000, nullable = false)]
    limit: Option<u32>,
    /// `next` of the page before
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64, nullable = false)]
    after: Option<u64>,
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order that the address says.
    items: Vec<T>,
    /// What to ask for as `after` to get the next ones; null at the end.
    next: Option<u64>,
}

/// What the address asks for after its question mark; an unknown name is told of, never passed over.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Web> for Asked<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Asked<T>, Trouble> {
        match Query::<T>::from_request_parts(parts, web).await {
            Ok(Query(asked)) => Ok(Asked(asked)),
            Err(why) => Err(Trouble::asked(&why.body_text())),
        }
    }
}

impl Paged {
    fn page<T>(&self, all: impl IntoIterator<Item = T>) -> Result<Page<T>, Trouble> {
        page(all, self.limit, self.after)
    }
}

impl Days {
    fn page<T>(&self, all: impl IntoIterator<Item = T>) -> Result<Page<T>, Trouble> {
        page(all, self.limit, self.after)
    }

    /// First and last day, with these where nothing is said.
    fn days(&self, from: LocalDay, to: LocalDay) -> Result<(LocalDay, LocalDay), Trouble> {
        let first = day(self.from.as_deref())?.unwrap_or(from);
        let last = day(self.to.as_deref())?.unwrap_or(to);
        match first <= last {
            true => Ok((first, last)),
            false => Err(Trouble::asked(&format!(
                "`from` {first} lies after `to` {last}"
            ))),
        }
    }
}

/// A day of an address.
fn day(text: Option<&str>) -> Result<Option<LocalDay>, Trouble> {
    let parsed = text.map(str::parse::<LocalDay>).transpose();
    parsed.map_err(|why| Trouble::asked(&why.to_string()))
}

/// The items after the first `after`.
fn page<T>(
    all: impl IntoIterator<Item = T>,
    limit: Option<u32>,
    after: Option<u64>,
) -> Result<Page<T>, Trouble> {
    let limit = most(limit)?;
    let after = place(after)?.unwrap_or(0);
    let mut rest = all
        .into_iter()
        .skip(usize::try_from(after).unwrap_or(usize::MAX));
    let items: Vec<T> = rest.by_ref().take(limit).collect();
    let passed = after.saturating_add(u64::try_from(items.len()).unwrap_or(u64::MAX));
    Ok(Page {
        next: rest.next().map(|_| passed),
        items,
    })
}

/// Where an answer goes on.
fn place(after: Option<u64>) -> Result<Option<u64>, Trouble> {
    match after.filter(|after| *after > MOST_AFTER) {
        Some(after) => Err(Trouble::asked(&format!(
            "`after` is {after}; expected the `next` of a page, at most {MOST_AFTER}"
        ))),
        None => Ok(after),
    }
}

/// How many items of an answer.
fn most(limit: Option<u32>) -> Result<usize, Trouble> {
    let limit = limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(Trouble::asked(&format!(
            "`limit` is {limit}; expected 1 to {MOST}"
        )));
    }
    Ok(usize::try_from(limit).unwrap_or(usize::MAX))
}

/// An answer, to be asked for anew each time.
fn json(answer: &impl Serialize) -> Result<Response, Trouble> {
    let text = serde_json::to_string(answer).map_err(Trouble::ours)?;
    Ok(sent(text))
}

fn sent(text: String) -> Response {
    let head = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (head, text).into_response()
}

/// What the office refuses of a question.
fn refused(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Caller(why) => Trouble::asked(&why),
        ours => ours.into(),
    }
}

/// An instant of a decision, RFC 3339.
fn at(ms: i64) -> String {
    Instant(ms).to_string()
}
