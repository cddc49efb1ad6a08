//! The listener of the pages: an accept loop with the deadlines that `axum::serve` lacks.
//!
//! Headers must arrive within `header_timeout_s` (hyper's own timer), a whole request within
//! `request_timeout_s`, and there are never more than `max_connections` connections; one more
//! waits in the kernel's queue. Live updates (server-sent events) end at shutdown. With a certificate
//! there is a second listener over TLS, whose handshake has the time of a header.

use std::{convert::Infallible, fs, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, extract::ConnectInfo};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::web::{TimeLimit, origin::OverTls};
use config::Http;
use office::{Answer, Refusal};

/// The server's side of TLS from the files of the configuration; nothing when no address is named.
///
/// # Errors
/// When a file cannot be read, or certificate and key do not fit.
pub fn tls(config: &Http) -> Answer<Option<TlsAcceptor>> {
    if config.tls_listen.is_empty() {
        return Ok(None);
    }
    let bad = |key: &str, why: &dyn std::fmt::Display| {
        Refusal::Caller(format!(
            "http.{key}: {why}\nhint: [http] tls_listen needs a certificate chain and its key, both PEM"
        ))
    };
    let (named, key_named) = ("tls_certificate_file", "tls_key_file");
    let chain = fs::read(&config.tls_certificate_file).map_err(|e| bad(named, &e))?;
    let key = fs::read(&config.tls_key_file).map_err(|e| bad(key_named, &e))?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .map_err(|e| bad(named, &format!("{e:?}")))?;
    if chain.is_empty() {
        return Err(bad(named, &"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|e| bad(key_named, &format!("{e:?}")))?;
    let mut made = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|e| bad(named, &e))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| bad(named, &e))?;
    made.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(made))))
}

/// Serves `router` until `stop` turns true, over TLS where there is some.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
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
                let _ = stream.set_nodelay(true);
                let (tls, router) = (tls.clone(), router.clone());
                let (limits, stop) = (limits.clone(), stop.clone());
                tokio::spawn(async move {
                    match tls {
                        None => connection(stream, peer, false, router, limits, stop).await,
                        Some(tls) => {
                            if let Some(stream) = shaken(&tls, stream, peer, &limits).await {
                                connection(stream, peer, true, router, limits, stop).await;
                            }
                        }
                    }
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

/// The handshake, in the time of a header.
async fn shaken(
    tls: &TlsAcceptor,
    stream: TcpStream,
    peer: SocketAddr,
    limits: &Http,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    let most = Duration::from_secs(limits.header_timeout_s.max(1));
    match tokio::time::timeout(most, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%peer, %error, "a TLS handshake failed");
            None
        }
        Err(_) => None,
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    over_tls: bool,
    router: Router,
    limits: Http,
    mut stop: watch::Receiver<bool>,
) {
    let time_limit = TimeLimit(Duration::from_secs(limits.request_timeout_s.max(1)));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let router = router.clone();
        // Who asks, and how long it may take; the pages keep to both.
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(time_limit);
        if over_tls {
            request.extensions_mut().insert(OverTls);
        }
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
