//! For whoever looks after the machine: is it well, and what does it count.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{Web, trouble::Trouble};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// `/healthz`: "ok", or 503 with a reason a line.
pub async fn healthz(State(web): State<Web>) -> Result<Response, Trouble> {
    let reasons = web.ask(|web| Ok((web.state.health)())).await?;
    let (status, words) = match reasons.as_slice() {
        [] => (StatusCode::OK, "ok\n".to_owned()),
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
