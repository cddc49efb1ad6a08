//! The description of the API (OpenAPI 3.1): made of the handlers, with what holds for all of them
//! taken from the policy table, and committed as `docs/openapi.json`.

use std::sync::LazyLock;

use axum::response::Response;
use serde::Serialize;
use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::{
        ContentBuilder, ObjectBuilder, Ref, RefOr, Required, ResponseBuilder, Type,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{energy, money, own, places, sent, work};
use crate::web::{
    policy::{ROUTES, Who},
    trouble::Trouble,
};

/// The scheme of tokens.
const BEARER: &str = "token";

/// What went wrong (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`: the status says the kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What happened.
    pub title: String,
    /// The status.
    pub status: u16,
    /// Why, as far as we know.
    pub detail: String,
    /// What to do.
    pub hint: String,
}

/// Statuses that any address may answer with, beside what it is asked for.
const PROBLEMS: [(&str, &str); 5] = [
    ("400", "What is asked for cannot be read or answered"),
    (
        "401",
        "The token is none, or no longer one; or there is none",
    ),
    ("403", "The token or its user may not read this"),
    ("404", "There is no such thing"),
    (
        "503",
        "It takes too long; `Retry-After` says when to ask again",
    ),
];

/// Variable parts of addresses: the name, whether it is a number, what it is, an example.
const PARTS: [(&str, bool, &str, &str); 5] = [
    ("slug", false, "A society", "bes1"),
    ("site", false, "A roof of the society", "elmore-house"),
    ("meter", false, "A meter's serial number", "SAMPLE-BES1-1"),
    ("member", true, "A member's number", "4"),
    (
        "period",
        false,
        "A year (2013), a month (2013-06) or days from and to (2013-06-01..2013-06-30)",
        "2016",
    ),
];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Commonwatt",
        description = "What the pages and lists show, as JSON. Read only. Energy is in Wh, money in pence, decimals are text, days are local to the society and the last one is inside, instants are RFC 3339 UTC; what is not known is null."
    ),
    paths(
        places::societies,
        places::society,
        places::society_now,
        places::sites,
        places::site,
        places::site_now,
        places::meters,
        places::installations,
        places::gateways,
        energy::society_energy,
        energy::site_energy,
        energy::flows,
        energy::society_report,
        energy::site_report,
        energy::reads,
        energy::held,
        money::claims,
        money::bills,
        money::tables,
        money::proposals,
        money::costs,
        money::payments,
        money::runs,
        work::to_do,
        work::tasks,
        work::alerts,
        work::outages,
        work::decisions,
        own::me,
        own::holding,
        own::stake,
    ),
    components(schemas(Problem)),
    tags(
        (name = "places", description = "Societies, roofs, meters, and what they do now"),
        (name = "energy", description = "Energy, reports, and the reads behind them"),
        (name = "money", description = "Claims, bills, tables, costs, payments in, interest runs"),
        (name = "work", description = "What waits, and who decided what"),
        (name = "own", description = "What is one's own"),
    ),
    modifiers(&Common)
)]
struct Described;

static TEXT: LazyLock<Result<String, String>> = LazyLock::new(|| {
    let text = Described::openapi().to_pretty_json();
    text.map(|text| text + "\n").map_err(|why| why.to_string())
});

/// The description, as it is committed.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn text() -> Result<&'static str, &'static str> {
    TEXT.as_deref().map_err(String::as_str)
}

/// `/api/v1/openapi.json`.
pub async fn page() -> Result<Response, Trouble> {
    Ok(sent(text().map_err(Trouble::ours)?.to_owned()))
}

/// What holds for every address.
struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "Made by `commonwatt user token USER --label … --read-only`. A browser that is logged in needs none.",
            ))
            .build();
        if let Some(components) = &mut api.components {
            components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
        }
        for (path, item) in &mut api.paths.paths {
            let Some(operation) = &mut item.get else {
                continue;
            };
            let parts = PARTS
                .iter()
                .filter(|(name, ..)| path.contains(&format!("{{{name}}}")));
            let mut parameters: Vec<RefOr<Parameter>> =
                parts.map(|part| part_of(part).into()).collect();
            parameters.extend(operation.parameters.take().unwrap_or_default());
            operation.parameters = Some(parameters);
            operation.security = Some(security(path));
            problems(operation);
        }
    }
}

fn part_of((name, number, what, example): &(&str, bool, &str, &str)) -> Parameter {
    let schema = ObjectBuilder::new().schema_type(match number {
        true => Type::Integer,
        false => Type::String,
    });
    let example = match number {
        true => example
            .parse::<u32>()
            .map_or(serde_json::Value::Null, Into::into),
        false => (*example).into(),
    };
    ParameterBuilder::new()
        .name(*name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(*what))
        .schema(Some(schema))
        .example(Some(example))
        .build()
}

/// Whether a token is needed, from the policy table.
fn security(path: &str) -> Vec<SecurityRequirement> {
    let token = SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, []);
    let open = ROUTES
        .iter()
        .any(|row| row.path == path && row.who == Who::Public);
    match open {
        true => vec![SecurityRequirement::default(), token],
        false => vec![token],
    }
}

fn problems(operation: &mut Operation) {
    for (status, words) in PROBLEMS {
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .build();
        let answer = ResponseBuilder::new()
            .description(words)
            .content("application/problem+json", content)
            .build();
        let answers = &mut operation.responses.responses;
        answers.insert(status.to_owned(), answer.into());
    }
}
