//! The listener of the pages: an accept loop with the deadlines that `axum::serve` lacks.
//!
//! Headers must arrive within `header_timeout_s` (hyper's own timer, which also ends a connection that
//! is kept and not used), a body within `body_timeout_s` and a second more for every
//! [`BYTES_A_SECOND`], and the answer begins within `request_timeout_s`. A connection that is cut off
//! in its body is closed. There are there are never more than `max_connections` connections; one more
//! waits in the kernel's queue. Live updates (server-sent events) end at shutdown. With a certificate
//! there is a second listener over TLS, whose handshake has the time of a header.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::HttpBody, extract::ConnectInfo};
use bytes::Bytes;
use hyper::{
    body::{Frame, Incoming, SizeHint},
    service::service_fn,
};
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
    time::{Instant, Sleep, sleep_until},
};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

use crate::web::{TimeLimit, origin::OverTls};
use config::Http;
use office::{Answer, Refusal};

/// The slowest line on which a large body still arrives: 128 kbit/s.
const BYTES_A_SECOND: u32 = 16 << 10;

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
    let body_limit = Duration::from_secs(limits.body_timeout_s.max(1));
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let router = router.clone();
        // Who asks, and how long it may take; the pages keep to both.
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(time_limit);
        if over_tls {
            request.extensions_mut().insert(OverTls);
        }
        async move {
            let request = request.map(|body| axum::body::Body::new(InTime::new(body, body_limit)));
            let answer = router.oneshot(request).await;
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

/// A body that has to arrive in time.
struct InTime {
    body: Incoming,
    until: Pin<Box<Sleep>>,
}

/// It did not.
#[derive(Debug, thiserror::Error)]
#[error("the body did not arrive in time")]
struct TooSlow;

impl InTime {
    fn new(body: Incoming, limit: Duration) -> InTime {
        InTime {
            body,
            until: Box::pin(sleep_until(Instant::now() + limit)),
        }
    }
}

impl HttpBody for InTime {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Pending if self.until.as_mut().poll(context).is_ready() => {
                return Poll::Ready(Some(Err(Box::new(TooSlow))));
            }
            Poll::Pending => return Poll::Pending,
            Poll::Ready(frame) => frame,
        };
        if let Some(data) = frame
            .as_ref()
            .and_then(|frame| frame.as_ref().ok()?.data_ref())
        {
            let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
            let earned = Duration::from_secs(1) * bytes / BYTES_A_SECOND;
            let until = self.until.deadline() + earned;
            self.until.as_mut().reset(until);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
