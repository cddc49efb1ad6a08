//! TLS: 1.2 and 1.3 only, tokens and client certificates, revocation on live connections.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::Duration,
};

use commonwatt_ingest::{Registry, endpoint::tls};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};

use crate::{
    raw::{Hello, publish},
    stage::{GATEWAYS, Setup, Stage, payload, reads_topic},
};

struct Pair {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    certificate_pem: String,
    key_pem: String,
}

fn pair(name: &str) -> Pair {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    Pair {
        certificate: made.cert.der().clone(),
        key: PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap(),
        certificate_pem: made.cert.pem(),
        key_pem: made.signing_key.serialize_pem(),
    }
}

static SERVER: std::sync::LazyLock<Pair> = std::sync::LazyLock::new(|| pair("localhost"));

pub fn server(registry: &Arc<Registry>) -> Arc<ServerConfig> {
    let (certificate, key) = (SERVER.certificate_pem.as_bytes(), SERVER.key_pem.as_bytes());
    tls::server_config(certificate, key, Arc::clone(registry)).unwrap()
}

fn client(own: Option<&Pair>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(SERVER.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match own {
        None => builder.with_no_client_auth(),
        Some(own) => builder
            .with_client_auth_cert(vec![own.certificate.clone()], own.key.clone_key())
            .unwrap(),
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn dial(stage: &Stage, own: Option<&Pair>) -> Tls {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(client(own)), name).unwrap();
    let stream = TcpStream::connect(stage.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    StreamOwned::new(connection, stream)
}

fn greet(stream: &mut Tls, hello: &Hello) -> Vec<u8> {
    stream.write_all(&hello.packet()).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    answer.to_vec()
}

fn with_tls() -> Stage {
    Stage::with(Setup {
        tls: true,
        ..Setup::default()
    })
}

#[test]
fn a_token_over_tls_is_acknowledged() {
    let stage = with_tls();
    let mut stream = dial(&stage, None);
    assert_eq!(greet(&mut stream, &Hello::v4(GATEWAYS[0])), [0x20, 2, 0, 0]);
    let large = format!("{{\"boot\":1{}", " ".repeat(200_000));
    for (id, sent) in [(1, payload(GATEWAYS[0], 1, 1)), (2, large)] {
        stream
            .write_all(&publish(
                4,
                1,
                id,
                &reads_topic(GATEWAYS[0]),
                sent.as_bytes(),
            ))
            .unwrap();
        let mut ack = [0; 4];
        stream.read_exact(&mut ack).unwrap();
        assert_eq!(ack, [0x40, 2, 0, u8::try_from(id).unwrap()]);
    }
    assert_eq!(stage.journaled().len(), 2);
}

#[test]
fn a_known_certificate_is_a_credential_until_it_is_revoked() {
    let stage = with_tls();
    let setup = Setup::default();
    let own = pair("roof");
    let mut entries = GATEWAYS.map(|id| stage.enrolment(id, &setup)).to_vec();
    entries[1].token = None;
    entries[1].certificate = Some(tls::fingerprint_of(&own.certificate));
    stage.registry.replace(entries.clone()).unwrap();
    let mut stream = dial(&stage, Some(&own));
    let hello = Hello {
        login: None,
        ..Hello::v4(GATEWAYS[1])
    };
    assert_eq!(greet(&mut stream, &hello), [0x20, 2, 0, 0]);
    let sent = payload(GATEWAYS[1], 1, 1);
    stream
        .write_all(&publish(
            4,
            1,
            7,
            &reads_topic(GATEWAYS[1]),
            sent.as_bytes(),
        ))
        .unwrap();
    let mut ack = [0; 4];
    stream.read_exact(&mut ack).unwrap();
    assert_eq!(ack, [0x40, 2, 0, 7]);

    entries[1].revoked = true;
    stage.registry.replace(entries).unwrap();
    let begin = std::time::Instant::now();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(begin.elapsed() < Duration::from_secs(5));
    let mut again = dial(&stage, Some(&own));
    let refused = again
        .write_all(&hello.packet())
        .and_then(|()| again.read_exact(&mut ack));
    assert!(refused.is_err(), "a revoked certificate was let in");
}

#[test]
fn a_certificate_nobody_entered_is_refused_and_so_is_another_gateways_name() {
    let stage = with_tls();
    let setup = Setup::default();
    let own = pair("roof");
    let mut stream = dial(&stage, Some(&own));
    let mut ack = [0; 4];
    let refused = stream
        .write_all(&Hello::v4(GATEWAYS[0]).packet())
        .and_then(|()| stream.read_exact(&mut ack));
    assert!(refused.is_err());
    let mut entries = GATEWAYS.map(|id| stage.enrolment(id, &setup)).to_vec();
    entries[1].certificate = Some(tls::fingerprint_of(&own.certificate));
    stage.registry.replace(entries).unwrap();
    let mut stream = dial(&stage, Some(&own));
    assert_eq!(greet(&mut stream, &Hello::v4(GATEWAYS[0])), [0x20, 2, 0, 4]);
}

#[test]
fn plaintext_and_silence_on_a_tls_listener_end() {
    let stage = Stage::with(Setup {
        tls: true,
        limits: commonwatt_ingest::endpoint::Limits {
            connect_seconds: 1,
            ..Default::default()
        },
        ..Setup::default()
    });
    let mut plain = crate::raw::Raw::open(stage.address());
    plain.send(&Hello::v4(GATEWAYS[0]).packet());
    let alert = plain.closed();
    assert!(alert.is_empty() || alert[0] == 0x15, "{alert:?}");
    let mut silent = crate::raw::Raw::open(stage.address());
    assert_eq!(silent.closed(), b"");
    crate::stage::wait_until("both are forgotten", || {
        stage.metrics.connections.get() == 0
    });
}
