//! The listener of the pages: an accept loop with the deadlines that `axum::serve` lacks.
//!
//! Headers must arrive within `header_timeout_s` (hyper's own timer), a whole request within
//! `request_timeout_s`, and there are never more than `max_connections` connections; one more
//! waits in the kernel's queue. Live updates (server-sent events) end at shutdown.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tower::ServiceExt;

use crate::{config::Http, web::TimeLimit};

/// Serves `router` until `stop` turns true.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Http,
    mut stop: watch::Receiver<bool>,
) {
    let seats = Arc::new(Semaphore::new(limits.max_connections.max(1)));
    loop {
        let Ok(seat) = Arc::clone(&seats).acquire_owned().await else {
            return;
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection =
                    connection(stream, peer, router.clone(), limits.clone(), stop.clone());
                tokio::spawn(async move {
                    connection.await;
                    drop(seat);
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: others must end before there is room.
                tracing::warn!(%error, "a page connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Http,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let time_limit = TimeLimit(Duration::from_secs(limits.request_timeout_s.max(1)));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let router = router.clone();
        // Who asks, and how long it may take; the pages keep to both.
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(time_limit);
        async move {
            let answer = router.oneshot(request.map(axum::body::Body::new)).await;
            Ok::<_, Infallible>(answer.unwrap_or_else(|never| match never {}))
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_timeout_s.max(1)))
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a page connection ended early");
    }
}
