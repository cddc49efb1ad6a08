//! For whoever looks after the machine: is it well, and what does it count.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Web, trouble::Trouble};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// `/healthz`: "ok", with what the dated tables are asked for, or 503 with a reason a line.
pub async fn healthz(State(web): State<Web>) -> Result<Response, Trouble> {
    let (reasons, asked) = web
        .ask(|web| {
            let mut asked = String::new();
            let now = web.state.clock.now();
            for society in web.state.office.societies() {
                if let Some(year) = society.uplift_asked_for(now)? {
                    asked.push_str(&format!(
                        "asked for, {}: the uplift of 1 April {year}\n",
                        society.slug()
                    ));
                }
            }
            Ok(((web.state.health)(), asked))
        })
        .await?;
    let (status, words) = match reasons.as_slice() {
        [] => (StatusCode::OK, format!("ok\n{asked}")),
        reasons => (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n"),
    };
    Ok((
        status,
        [
            (header::CONTENT_TYPE, TEXT),
            (header::CACHE_CONTROL, "no-store"),
        ],
        words,
    )
        .into_response())
}

/// `/metrics`: OpenMetrics.
pub async fn metrics(State(web): State<Web>) -> Result<Response, Trouble> {
    let text = web.ask(|web| Ok((web.state.metrics)())).await?;
    Ok((
        [
            (header::CONTENT_TYPE, OPENMETRICS),
            (header::CACHE_CONTROL, "no-store"),
        ],
        text,
    )
        .into_response())
}
